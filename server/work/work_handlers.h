/* work_handlers: the stages of each kind of ask; the table in work.c calls them.
 *
 * check (pool thread) fills a->checked. write (writer thread) returns what stops it; then all it
 * wrote is undone and the value is the reply's. reply makes the frame when a->result is ERR_OK.
 * Not for other folders. */
#pragma once

#include "server/work/work_internal.h"

enum err work_check_found_start(struct work *w, struct ask *a, struct store_reader *r);
enum err work_reply_found_start(struct work *w, struct ask *a);
enum err work_check_found(struct work *w, struct ask *a, struct store_reader *r);
enum err work_write_found(struct work *w, struct ask *a, struct store *s);

enum err work_check_enrol_start(struct work *w, struct ask *a, struct store_reader *r);
enum err work_reply_enrol_start(struct work *w, struct ask *a);
enum err work_check_enrol_proof(struct work *w, struct ask *a, struct store_reader *r);
enum err work_write_enrol_proof(struct work *w, struct ask *a, struct store *s);
enum err work_check_invite(struct work *w, struct ask *a, struct store_reader *r);
enum err work_write_invite(struct work *w, struct ask *a, struct store *s);
enum err work_check_retire(struct work *w, struct ask *a, struct store_reader *r);
enum err work_write_retire(struct work *w, struct ask *a, struct store *s);

enum err work_check_login_start(struct work *w, struct ask *a, struct store_reader *r);
enum err work_reply_login_start(struct work *w, struct ask *a);
enum err work_check_login_proof(struct work *w, struct ask *a, struct store_reader *r);
enum err work_write_login_proof(struct work *w, struct ask *a, struct store *s);
enum err work_reply_login_proof(struct work *w, struct ask *a);
enum err work_write_logout(struct work *w, struct ask *a, struct store *s);

enum err work_check_push(struct work *w, struct ask *a, struct store_reader *r);
enum err work_check_courier(struct work *w, struct ask *a, struct store_reader *r);
enum err work_write_push(struct work *w, struct ask *a, struct store *s);
/* Also answers when the disk is full: then every op is BUSY_DISK. */
enum err work_reply_push(struct work *w, struct ask *a);

enum err work_check_add_user(struct work *w, struct ask *a, struct store_reader *r);
enum err work_write_add_user(struct work *w, struct ask *a, struct store *s);
enum err work_check_put_directory(struct work *w, struct ask *a, struct store_reader *r);
enum err work_write_put_directory(struct work *w, struct ask *a, struct store *s);
enum err work_check_unlock(struct work *w, struct ask *a, struct store_reader *r);
enum err work_write_unlock(struct work *w, struct ask *a, struct store *s);
enum err work_check_passphrase(struct work *w, struct ask *a, struct store_reader *r);
enum err work_write_passphrase(struct work *w, struct ask *a, struct store *s);
enum err work_check_vault(struct work *w, struct ask *a, struct store_reader *r);
enum err work_write_vault(struct work *w, struct ask *a, struct store *s);
enum err work_check_get_directory(struct work *w, struct ask *a, struct store_reader *r);
enum err work_reply_get_directory(struct work *w, struct ask *a);

enum err work_check_watch(struct work *w, struct ask *a, struct store_reader *r);
enum err work_write_watch(struct work *w, struct ask *a, struct store *s);
enum err work_reply_watch(struct work *w, struct ask *a);
enum err work_check_review(struct work *w, struct ask *a, struct store_reader *r);
enum err work_write_review(struct work *w, struct ask *a, struct store *s);
enum err work_reply_review(struct work *w, struct ask *a);
enum err work_check_openings(struct work *w, struct ask *a, struct store_reader *r);
enum err work_write_openings(struct work *w, struct ask *a, struct store *s);
enum err work_reply_openings(struct work *w, struct ask *a);
enum err work_check_fetch(struct work *w, struct ask *a, struct store_reader *r);
enum err work_write_fetch(struct work *w, struct ask *a, struct store *s);
enum err work_reply_fetch(struct work *w, struct ask *a);
enum err work_check_feed_page(struct work *w, struct ask *a, struct store_reader *r);
