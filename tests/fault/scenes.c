#include "scenes.h"

const struct fault_scene *const fault_scenes[] = {
	&scene_buf,           &scene_arena,          &scene_rand,
	&scene_wire,          &scene_codes,          &scene_pass,
	&scene_courier,       &scene_keyring,        &scene_note,
	&scene_row,           &scene_shares,         &scene_json,
	&scene_db_new,        &scene_db_write,       &scene_db_again,
	&scene_db_read,       &scene_tls_talk,       &scene_tls_key,
	&scene_tls_file,      &scene_found,          &scene_enrol,
	&scene_user,          &scene_sign_in,        &scene_offline,
	&scene_save,          &scene_batch,          &scene_sign,
	&scene_deliver,       &scene_deliver_locked, &scene_feed,
	&scene_lock,          &scene_read,           &scene_start,
	&scene_planted_null,  &scene_planted_leak,   &scene_planted_ack,
	&scene_planted_blame, &scene_planted_secret, &scene_planted_file,
};
const size_t fault_scene_count = sizeof(fault_scenes) / sizeof(fault_scenes[0]);
