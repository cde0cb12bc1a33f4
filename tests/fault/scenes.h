/* scenes: every scene by name, and what they share. */
#pragma once

#include "fault.h"

/* Canaries: no freed block may hold them. */
#define FAULT_PASS "seven grey herons wait quietly"
#define FAULT_NOTE "she was told in confidence about the lantern"

extern const struct fault_scene scene_buf, scene_arena, scene_rand, scene_wire;
extern const struct fault_scene scene_codes, scene_pass, scene_courier;
extern const struct fault_scene scene_keyring, scene_note, scene_row, scene_shares, scene_json;
extern const struct fault_scene scene_db_new, scene_db_write, scene_db_again, scene_db_read;
extern const struct fault_scene scene_tls_talk, scene_tls_key, scene_tls_file;
extern const struct fault_scene scene_found, scene_enrol, scene_user;
extern const struct fault_scene scene_sign_in, scene_offline, scene_save, scene_batch, scene_sign;
extern const struct fault_scene scene_deliver, scene_deliver_locked, scene_feed, scene_lock;
extern const struct fault_scene scene_read, scene_start;
extern const struct fault_scene scene_planted_null, scene_planted_leak, scene_planted_ack;
extern const struct fault_scene scene_planted_blame, scene_planted_secret, scene_planted_file;
