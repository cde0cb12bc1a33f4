#include "fuzz/fuzz_room.h"

#include <unistd.h>

static struct world *world;

/* SQLite's, too. */
__attribute__((visibility("default"))) int fsync(int fd)
{
	(void)fd;
	return 0;
}

__attribute__((visibility("default"))) int fdatasync(int fildes)
{
	(void)fildes;
	return 0;
}

static void end_world(void)
{
	if (world != NULL) world_free(world);
	world = NULL;
}

static void begin_world(void (*fill)(struct room *r), struct id *ret_mara)
{
	end_world();
	world = world_new();
	world_found(world);
	struct room *r = &world->rooms[0];
	OK(room_sign_in(r, "jo", JO_PASS));
	*ret_mara = room_add_user(r, "Mara Lind", "mara", DIR_THERAPIST, MARA_PASS);
	if (fill != NULL) fill(r);
	room_saved(r);
}

struct room *fuzz_room(unsigned runs, void (*fill)(struct room *r), struct id *ret_mara)
{
	static unsigned calls;

	if (calls == 0) INSIST(atexit(end_world) == 0);
	const bool old = calls++ % runs == 0;
	if (world == NULL || old || desk_person(&world->rooms[0].desk) == NULL)
		begin_world(fill, ret_mara);
	return &world->rooms[0];
}
