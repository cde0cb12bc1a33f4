/* sim_swarm: every seed is another clinic with other habits and other weather: some things it never
 * does, some it does all the time (Groce et al., "Swarm testing", ISSTA 2012). */
#include "sim/sim.h"

/* 0 in one case of four, else up to `most`. */
static unsigned some(struct sim *s, unsigned most)
{
	if (sim_chance(&s->rand, 25)) return 0;
	return 1 + (unsigned)sim_upto(&s->rand, most - 1);
}

static void draw_people(struct sim *s, struct sim_swarm *w)
{
	w->add_patient = 1 + some(s, 10);
	w->set_patient = some(s, 15);
	w->start_session = 2 + some(s, 15);
	w->set_text = some(s, 60);
	w->add_measure = some(s, 30);
	w->sign = some(s, 15);
	w->addendum = some(s, 10);
	w->note = some(s, 20);
	w->set_note = some(s, 10);
	w->opened = some(s, 5);
	w->sign_in = some(s, 8);
	w->sign_out = some(s, 8);
	w->fetch = some(s, 5);
	w->wrong_passphrase = some(s, 3);
	w->passphrase = some(s, 3);
	w->gap_ms = 20u << sim_upto(&s->rand, 6); /* 20 ms to 1.3 s */
	w->text_bytes_max = sim_chance(&s->rand, 15) ? 8000 : 200;
	w->hot_percent = (unsigned)sim_upto(&s->rand, 90);
	w->together_percent = (unsigned)sim_upto(&s->rand, 100);
}

static void draw_weather(struct sim *s, struct sim_swarm *w)
{
	w->cut = some(s, 20);
	w->half_open = some(s, 10);
	w->partition = some(s, 10);
	w->blackhole = some(s, 10);
	w->crash_server = some(s, 6);
	w->crash_room = some(s, 6);
	w->crash_point = some(s, 20);
	w->stop_server = some(s, 3);
	w->clock = some(s, 3);
	w->crash_io = some(s, 20);
	w->power_percent = (unsigned)sim_upto(&s->rand, 100);
	w->disk_full = some(s, 4);
	w->disk_read = some(s, 3);
	w->disk_write = some(s, 3);
	w->disk_sync = some(s, 3);
	w->fault_gap_ms = sim_chance(&s->rand, 5) ? 0 : 500u << sim_upto(&s->rand, 6);
	w->delay_ms_max = (unsigned)sim_upto(&s->rand, 3) == 0 ? 400 : 20;
	w->stage_ms_max = sim_chance(&s->rand, 20) ? 300 : 10;
	w->desk_ms_max = sim_chance(&s->rand, 20) ? 300 : 10;
	w->chunk_bytes = sim_chance(&s->rand, 50) ? 0 : 16u << sim_upto(&s->rand, 8);
	w->clock_off_ms_max = sim_chance(&s->rand, 50) ? 3600 * 1000 : 500;
	w->checkpoint_percent = (unsigned)sim_upto(&s->rand, 60);
}

static void draw_office(struct sim *s, struct sim_swarm *w)
{
	w->set_frame = some(s, 8);
	w->erase = sim_chance(&s->rand, 50) ? 0 : some(s, 6);
	w->erase_note = sim_chance(&s->rand, 50) ? 0 : some(s, 3);
	w->import = sim_chance(&s->rand, 50) ? 0 : some(s, 3);
	w->plain = some(s, 20);
	w->roles = some(s, 10);
	w->disable = some(s, 3);
	w->block = some(s, 2);
	w->retire = some(s, 2);
	w->join = some(s, 4);
	w->add_user = some(s, 3);
	w->linger = some(s, 10);
	w->office_gap_ms = sim_chance(&s->rand, 40) ? 0 : 1000u << sim_upto(&s->rand, 5);
	w->setup_percent = sim_chance(&s->rand, 60) ? 0 : (unsigned)sim_upto(&s->rand, 60);
}

void sim_swarm_draw(struct sim *s)
{
	struct sim_swarm *w = &s->swarm;
	*w = (struct sim_swarm){ 0 };
	w->room_count = sim_chance(&s->rand, 60) ? 2 : 3 + (unsigned)sim_upto(&s->rand, 3);
	w->user_count = 3 + (unsigned)sim_upto(&s->rand, SIM_USERS_MAX - 3);
	draw_people(s, w);
	draw_weather(s, w);
	draw_office(s, w);
}
