"""The deliberate bugs of mutants.py: name, the promise it breaks, and edits (file, old, new)."""


def mutant(name, promise, *edits):
    return {"name": name, "promise": promise, "edits": edits}


MUTANTS = [
    mutant("ack_before_commit", "a receipt is given only for what is committed",
           ("server/store/store.c",
            "		e = db_commit(s->db);\n",
            "		if (s->state.op_seq == s->at_begin.op_seq) e = db_commit(s->db);\n"),
           ("server/store/store.c",
            "	TRY(db_begin(s->db));\n	s->now_ms = now_ms;\n",
            "	if (db_in_transaction(s->db)) TRY(db_commit(s->db));\n"
            "	TRY(db_begin(s->db));\n	s->now_ms = now_ms;\n"),
           ("server/store/store.c",
            "	crashpoint(CRASHPOINT_STORE_CHECKPOINT_BEFORE);\n",
            "	if (db_in_transaction(s->db)) TRY(db_commit(s->db));\n"
            "	crashpoint(CRASHPOINT_STORE_CHECKPOINT_BEFORE);\n")),
    mutant("no_fsync", "what is committed survives a power cut",
           ("common/db/db.c", "PRAGMA synchronous=FULL;", "PRAGMA synchronous=OFF;")),
    # That a failed flush is tried again is no bug that can be made here: SQLite rolls back what it
    # could not commit, so there is nothing to commit again, and a checkpoint writes its pages anew.
    mutant("failed_flush_is_done", "what could not be flushed is not called saved",
           ("common/db/db.c",
            '	const enum err e = db_run(db, "COMMIT", DB_NO_ARGS);\n',
            '	enum err e = db_run(db, "COMMIT", DB_NO_ARGS);\n'
            '	if (e == ERR_IO) e = ERR_OK;\n')),
    mutant("no_idempotency", "an op that is sent again is a duplicate",
           ("server/store/append.c",
            "	if (!*ret_known) return ERR_OK;\n	struct hash32 stored;\n",
            "	*ret_known = false;\n	if (!*ret_known) return ERR_OK;\n"
            "	struct hash32 stored;\n")),
    mutant("duplicate_without_number", "a duplicate's receipt has the op's number",
           ("server/store/append.c",
            "	ret->seq = db_col_u64(stmt, 0);\n	ret->expected_seq = 0;\n",
            "	ret->seq = s->state.op_seq;\n	ret->expected_seq = 0;\n")),
    mutant("cursor_before_rows", "a cursor is never saved before its rows",
           ("client/store/feed.c",
            "	CLEANUP(local_tx_endp) struct local_tx tx = { 0 };\n"
            "	TRY(local_tx_begin(b->l, &tx));\n"
            "	crashpoint(CRASHPOINT_LOCAL_FEED_BEFORE);\n",
            "	TRY(local_cursor(b->l, b->v, c));\n"
            "	c->epoch = epoch;\n"
            "	c->seq = feed->up_to_seq;\n"
            "	TRY(cursor_set(b->l, &b->v->user_id, c));\n"
            "	CLEANUP(local_tx_endp) struct local_tx tx = { 0 };\n"
            "	TRY(local_tx_begin(b->l, &tx));\n"
            "	crashpoint(CRASHPOINT_LOCAL_FEED_BEFORE);\n")),
    mutant("cursor_without_epoch", "every cursor has its epoch",
           ("client/store/feed.c",
            "	c->epoch = epoch;\n	c->seq = feed->up_to_seq;\n",
            "	(void)epoch;\n	c->seq = feed->up_to_seq;\n"),
           ("client/store/feed.c",
            "	const struct local_cursor c = { .epoch = l->room.epoch.epoch,\n",
            "	const struct local_cursor c = {\n")),
    mutant("last_writer_wins_in_rooms", "two versions of a text are both shown",
           ("common/record/session_fold.c",
            "	to->heads = heads;\n",
            "	if (to->head_count > 1) {\n"
            "		heads[0] = heads[to->head_count - 1];\n"
            "		to->head_count = 1;\n"
            "	}\n"
            "	to->heads = heads;\n")),
    mutant("last_writer_wins_at_server", "two versions of a text both stand",
           ("server/store/views.c",
            '		   " AND op_id IN (SELECT parent FROM session_text_parent'
            ' WHERE seq = ?3)",\n',
            '		   " AND seq <> ?3",\n')),
    mutant("resolution_names_one", "a set in a conflict names all that was shown",
           ("client/store/make.c",
            "	for (; parent_count < field->head_count && parent_count < PARENTS_MAX; "
            "parent_count++)\n",
            "	for (; parent_count < field->head_count && parent_count < 1; parent_count++)\n")),
    mutant("scope_change_empties_outbox", "a change of access never touches the outbox",
           ("client/store/feed.c",
            "	for (size_t i = 0; i < p->gone.count; i++)\n"
            "		TRY(db_run(p->l->db, \"DELETE FROM op",
            "	TRY(db_run(p->l->db, \"DELETE FROM outbox WHERE user_id = ?1 AND state = 0\",\n"
            "		   DB_ARGS(db_id(&p->v->user_id))));\n"
            "	for (size_t i = 0; i < p->gone.count; i++)\n"
            "		TRY(db_run(p->l->db, \"DELETE FROM op")),
    mutant("no_purge", "what may not be read any more leaves the room",
           ("client/store/feed.c",
            "	if (q.is_author) return ERR_OK; /* one's own stay: outbox, drafts */\n",
            "	if (q.is_author || !access_may_read(&q)) return ERR_OK;\n"),
           ("client/store/feed.c",
            "	return ids_add(&p->gone, &row->op_id);\n}\n\n/* Does what it",
            "	return ERR_OK;\n}\n\n/* Does what it")),
    mutant("lane_gap_accepted", "a lane has no gaps",
           ("client/store/outbox.c",  # a room that sends out of order, so that there are gaps
            '		     " WHERE state = 0 AND user_id IS NOT ?1 ORDER BY ord LIMIT ?2",\n',
            '		     " WHERE state = 0 AND user_id IS NOT ?1 ORDER BY ord'
            ' DESC LIMIT ?2",\n'),
           ("server/store/append.c",
            "	if (op->core->lane_seq > expected) return place_after_gap(s, op, expected, ret);\n",
            "	if (op->core->lane_seq > expected) {\n"
            "		*ret_placed = true;\n"
            "		return ERR_OK;\n"
            "	}\n")),
    mutant("audit_row_left_out", "each op has its row in the log",
           ("server/store/append.c",
            "	TRY(op_audit(s, op, hash, lane, &j, seq));\n",
            "	if (op->core->kind != KIND_NOTE) TRY(op_audit(s, op, hash, lane, &j, seq));\n")),
    mutant("notes_in_the_feed", "a note is sent to its author only",
           ("server/core/feed.c",
            "	if (!access_may_read(&q) || feed_withholds(eyes, row)) return false;\n",
            "	if (row->kind != KIND_NOTE &&\n"
            "	    (!access_may_read(&q) || feed_withholds(eyes, row)))\n"
            "		return false;\n")),
    mutant("desk_gets_clinical", "the desk is sent nothing clinical",
           ("common/record/access.c",
            "	return access_has(roles, info->read & access_bound(info));\n",
            "	return access_has(roles, info->read & access_bound(info)) ||\n"
            "	       (info->kind == KIND_SESSION_TEXT && access_has(roles, ROLE_DESK));\n")),
    mutant("desk_gets_alerts", "no clinical record goes to the desk",
           ("common/record/access.c",
            "	return access_has(roles, info->read & access_bound(info));\n",
            "	return access_has(roles, info->read & access_bound(info)) ||\n"
            "	       (info->kind == KIND_ALERT && access_has(roles, ROLE_DESK));\n")),
    mutant("record_written_twice", "what is written once stays",
           ("common/record/record_fold.c",
            "	if (info->merge == KIND_MERGE_FIRST && !is_first) return;\n",
            "	(void)is_first;\n")),
    mutant("record_older_value_holds", "of each field of a record the newest value holds",
           ("common/record/record_fold.c",
            "	return by_id != 0 ? by_id : fold_compare_age(&(*x)->meta, &(*y)->meta);\n",
            "	return by_id != 0 ? by_id : fold_compare_age(&(*y)->meta, &(*x)->meta);\n")),
    mutant("record_clears_nothing", "what a change takes back is gone",
           ("common/record/record_fold.c",
            "			reflect_clear(into, field);\n",
            "			continue;\n")),
    mutant("record_not_erased_in_view", "a tombstone takes a record's words from the views",
           ("server/store/views.c",
            "		return record_view_erase(db, target, op->target_seq);\n",
            "		return ERR_OK;\n")),
    mutant("refused_ops_sent_to_all", "what was refused goes to its author only",
           ("server/core/feed.c",
            "	if (row->author_only) return false;\n",
            "")),
    mutant("signed_accepts_edit", "a room refuses an edit of a signed session",
           ("client/store/make.c",
            "	ENSURE(!q->session_exists || s.sign == NULL || kind == KIND_ADDENDUM, "
            "ERR_SIGNED);\n",
            "")),
    mutant("late_change_applied_in_rooms", "a late change is never applied",
           ("common/record/session_fold.c",
            "	return v->sign == NULL || e->covered;\n",
            "	(void)e;\n	return v != NULL;\n")),
    mutant("late_change_applied_at_server", "a late change is never applied",
           ("server/store/views.c",
            '#define COUNTS(row) "(" SIGN_SEQ " IS NULL OR " row ".covered = 1)"\n',
            '#define COUNTS(row) "(" SIGN_SEQ " IS NULL OR " row ".seq > 0)"\n')),
    mutant("sign_covers_no_measures", "a Sign names all that its room showed",
           ("common/record/session_fold.c",
            "	for (size_t i = 0; i < s->measure_count; i++) covers[count++] = "
            "s->measures[i]->meta.op_id;\n",
            "")),
    mutant("views_without_addenda", "the views say what the ops say",
           ("server/store/views.c",
            "	case KIND_ADDENDUM: return apply_addendum(db, op);\n",
            "	case KIND_ADDENDUM: return ERR_OK;\n")),
    mutant("outbox_deleted_on_send", "an outbox row stays until its receipt",
           ("client/store/outbox.c",
            "	if (e == ERR_OK) e = push_encode(&p, out);\n",
            "	if (e == ERR_OK) e = push_encode(&p, out);\n"
            "	if (e == ERR_OK)\n"
            "		e = db_run(l->db, \"DELETE FROM outbox WHERE state = 0"
            " AND user_id = ?1\",\n"
            "			   DB_ARGS(db_id(&v->user_id)));\n")),
    mutant("receipt_of_another_op", "a receipt is booked for the op it names",
           ("client/store/outbox.c",
            "		TRY(ack_one(l, ack->results[i], epoch, now_ms, ret));\n",
            "		ack->results[i]->op_id = ack->results[ack->n_results - 1]->op_id;\n"
            "	for (size_t i = 0; i < ack->n_results; i++)\n"
            "		TRY(ack_one(l, ack->results[i], epoch, now_ms, ret));\n")),
    mutant("lock_keeps_keys", "at lock every key is gone",
           ("client/desk/desk.c",
            "		err_ignore(farewell_make(d, farewell));\n"
            "	}\n"
            "	local_forget(d->local);\n"
            "	vault_shut(&d->vault);\n",
            "		err_ignore(farewell_make(d, farewell));\n"
            "	}\n"
            "	local_forget(d->local);\n")),
    mutant("lock_keeps_names", "at lock everything decrypted is gone",
           ("client/desk/desk.c",
            "		err_ignore(farewell_make(d, farewell));\n"
            "	}\n"
            "	local_forget(d->local);\n"
            "	vault_shut(&d->vault);\n",
            "		err_ignore(farewell_make(d, farewell));\n"
            "	}\n"
            "	vault_shut(&d->vault);\n")),
    mutant("courier_out_of_order", "a courier brings rows in lane order",
           ("client/store/outbox.c",
            '		     " WHERE state = 0 AND user_id IS NOT ?1 ORDER BY ord LIMIT ?2",\n',
            '		     " WHERE state = 0 AND user_id IS NOT ?1 ORDER BY ord'
            ' DESC LIMIT ?2",\n')),
    mutant("dismissed_may_write", "ops of the dismissed are kept aside",
           ("server/work/work.c",
            "	if (u == NULL || !u->active) return ERR_OK;\n	struct store_account account;\n",
            "	if (u == NULL) return ERR_OK;\n	struct store_account account;\n")),
    mutant("blocked_may_write", "a blocked person's ops are kept aside",
           ("server/work/work.c",
            "	if (account.blocked) return ERR_OK;\n	*ret_may = true;\n",
            "	*ret_may = true;\n")),
    mutant("dismissed_may_sign_in", "nobody who was dismissed is let in",
           ("server/core/roster.c",
            "	return user != NULL && user->active && !user->blocked;\n",
            "	return user != NULL;\n")),
    mutant("erased_words_are_sent", "erased words leave the server no more",
           ("server/work/work_feed.c",
            "			      .has_payload = row->payload.len > 0 && !row->hidden,\n",
            "			      .has_payload = row->payload.len > 0,\n")),
    mutant("two_in_one_room", "two appointments never hold one time",
           ("server/store/judge.c",
            "	return booking_judge(db, p);\n",
            "	return ERR_OK;\n")),
    mutant("retired_room_may_push", "a retired room delivers nothing",
           ("server/work/work.c",
            "	if (!who->enrolled || !work_room_is_active(w, &who->room_id)) {\n",
            "	if (!who->enrolled) {\n")),
    mutant("withheld_is_sent", "what a patient withholds from somebody is not sent to them",
           ("server/core/feed.c",
            "	if (!access_may_read(&q) || feed_withholds(eyes, row)) return false;\n",
            "	if (!access_may_read(&q)) return false;\n")),
    mutant("withheld_stays_in_rooms", "a room forgets what is withheld from who is signed in",
           ("client/store/feed.c",
            "		if (!withheld) return ERR_OK;\n",
            "		return ERR_OK;\n")),
]
