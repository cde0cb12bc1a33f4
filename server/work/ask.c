#include "server/work/ask.h"

#include "base/check.h"

#include <stdlib.h>

struct ask *ask_new(void)
{
	struct ask *a = calloc(1, sizeof(*a));
	if (a == NULL) return NULL;
	list_init(&a->link);
	arena_init(&a->arena, ASK_ARENA_BYTES_MAX);
	return a;
}

void ask_free(struct ask *a)
{
	if (a == NULL) return;
	arena_fini(&a->arena);
	buf_fini(&a->reply);
	free(a);
}

enum err ask_decode(struct ask *a, struct view body)
{
	REQUIRE(a->frame == NULL);
	a->frame_bytes = body.len;
	return frame_decode(&a->arena, body, &a->frame);
}

void ask_begin(struct ask *a, const struct dialog_ask *desc, uint64_t wall_ms)
{
	REQUIRE((a->frame == NULL) == (desc->kind == ASK_FEED_PAGE));
	a->desc = *desc;
	a->wall_ms = wall_ms;
}

void ask_done(const struct ask *a, struct dialog_done *ret_done)
{
	*ret_done = (struct dialog_done){ .ask_id = a->desc.ask_id,
					  .err = a->result,
					  .reply = buf_view(&a->reply),
					  .bad = a->bad,
					  .refuse = a->refuse,
					  .reason = a->reason,
					  .user_id = a->user_id };
	if (a->desc.kind == ASK_FEED_PAGE && a->result == ERR_OK) ret_done->page = &a->page;
}
