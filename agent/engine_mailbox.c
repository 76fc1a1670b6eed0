/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * Steps for the mailbox of an account; and removals of both kinds.
 *
 * A mail store that is away stops nothing else: it is left alone for a while, and what was to be done there is tried again.
 */
#include <config.h>

#include "agent/engine_internal.h"

#include "common/log.h"

#include <errno.h>

#define SPAN_ARGS(span) (int)(span).len, (span).data

enum { AWAY_FIRST = 1, AWAY_MOST = 60 }; /* seconds */

static bool
is_away(const struct engine *engine)
{
	return engine_now() < engine->mail_after;
}

/* Keeps the failure; when it is the store's, nobody asks it for a while. */
static int
failed(struct engine *engine, const uint8_t uuid[ENTRY_UUID_LEN], int error, const char *reason)
{
	uint64_t wait;
	struct engine_note *note;

	engine_fail(engine, PLAN_MAILBOX, uuid, reason);
	if (error != -EAGAIN && error != -EPERM && error != -EPROTO)
		return 0;
	snprintf(engine->mail_reason, sizeof(engine->mail_reason), "%s", reason);
	wait = engine->mail_failures < 6 ? (uint64_t)AWAY_FIRST << engine->mail_failures : AWAY_MOST;
	engine->mail_failures++;
	engine->mail_after = engine_now() + wait;
	/* It was not this mailbox's fault. */
	note = engine_note_find(&engine->failures, PLAN_MAILBOX, uuid);
	if (note != NULL) {
		note->attempts = 0;
		note->due = engine->mail_after;
	}
	return 0;
}

static void
succeeded(struct engine *engine, const uint8_t uuid[ENTRY_UUID_LEN])
{
	engine->mail_failures = 0;
	engine_note_drop(&engine->failures, PLAN_MAILBOX, uuid);
}

static struct mailbox_want
want_of(const struct engine *engine, const uint8_t uuid[ENTRY_UUID_LEN])
{
	struct mailbox_want want = { .name = text_span(&engine->step.place), .quota = engine->step.quota };

	memcpy(want.uuid, uuid, sizeof(want.uuid));
	return want;
}

static int
write_line(struct engine *engine, const uint8_t uuid[ENTRY_UUID_LEN], int64_t quota)
{
	const struct plan_have line = { .exists = true, .place = text_span(&engine->step.place), .quota = quota };

	return engine_write(engine, PLAN_MAILBOX, uuid, &line);
}

/* --- names of all mailboxes ------------------------------------------------------------------------------------------------------- */

static size_t
hash_of(struct span name)
{
	uint64_t hash = 0xcbf29ce484222325;

	for (size_t i = 0; i < name.len; i++)
		hash = (hash ^ (uint8_t)ascii_lower(name.data[i])) * 0x100000001b3;
	return (size_t)(hash ^ hash >> 32);
}

static bool
names_have(const struct engine_names *names, struct span name)
{
	for (size_t i = hash_of(name); names->room > 0 && names->names[i % names->room] != NULL; i++)
		if (span_is_nocase(span_of(names->names[i % names->room]), name))
			return true;
	return false;
}

static void
names_insert(struct engine_names *names, char *name)
{
	size_t i = hash_of(span_of(name));

	while (names->names[i % names->room] != NULL)
		i++;
	names->names[i % names->room] = name;
}

static int
names_grow(struct engine_names *names)
{
	struct engine_names grown = { names->count, names->room > 0 ? 2 * names->room : 1024, NULL };

	grown.names = calloc(grown.room, sizeof(*grown.names));
	if (grown.names == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < names->room; i++)
		if (names->names[i] != NULL)
			names_insert(&grown, names->names[i]);
	free(names->names);
	*names = grown;
	return 0;
}

static int
note_name(void *context, struct span name)
{
	struct engine_names *names = context;
	char *copy;

	if (2 * (names->count + 1) > names->room && names_grow(names) < 0)
		return -ENOMEM;
	copy = strndup(name.data, name.len);
	if (copy == NULL)
		return -ENOMEM;
	names_insert(names, copy);
	names->count++;
	return 0;
}

int
engine_list_mailboxes(struct engine *engine)
{
	cleanup(text_free) struct text why = TEXT_INIT;
	int r;

	engine_forget_list(engine);
	if (engine->options.dry_run && is_away(engine))
		return 0;
	r = mailbox_each(engine->parts.mailboxes, note_name, &engine->listed, &why);
	if (r < 0) {
		log_warning("mailboxes are not compared in this pass: %s", text_str(&why));
		engine_forget_list(engine);
		snprintf(engine->mail_reason, sizeof(engine->mail_reason), "%s", text_str(&why));
		engine->mail_after = engine_now() + AWAY_FIRST;
	}
	engine->has_listed = r == 0;
	return r == -ENOMEM ? r : 0;
}

void
engine_forget_list(struct engine *engine)
{
	for (size_t i = 0; i < engine->listed.room; i++)
		free(engine->listed.names[i]);
	free(engine->listed.names);
	engine->listed = (struct engine_names){ 0 };
	engine->has_listed = false;
}

/* --- steps -------------------------------------------------------------------------------------------------------------------------- */

/* There is one already. */
static int
adopt(struct engine *engine, const uint8_t uuid[ENTRY_UUID_LEN], const struct mailbox_want *want)
{
	cleanup(text_free) struct text why = TEXT_INIT;
	struct mailbox_found found;
	char reason[256];
	int r = mailbox_look(engine->parts.mailboxes, want, &found, &why);

	if (r == 0 && found.state == MAILBOX_FOREIGN) {
		snprintf(reason, sizeof(reason), "the mailbox %.150s is another account's", text_str(&engine->step.place));
		return failed(engine, uuid, -EEXIST, reason);
	}
	if (r == 0 && found.state == MAILBOX_ABSENT)
		r = mailbox_make(engine->parts.mailboxes, want, &why);
	else if (r == 0 && found.state == MAILBOX_UNSTAMPED)
		r = mailbox_adopt(engine->parts.mailboxes, want, &why);
	if (r >= 0)
		r = mailbox_complete(engine->parts.mailboxes, want, &why);
	if (r >= 0 && found.quota != want->quota)
		r = mailbox_set_quota(engine->parts.mailboxes, want, &why);
	if (r < 0)
		return failed(engine, uuid, r, text_str(&why));
	engine->figures.adopted++;
	succeeded(engine, uuid);
	return write_line(engine, uuid, want->quota);
}

/* Who had the name, and is gone, makes room: 0 the name is free, 1 not (a failure is kept). */
static int
make_room(struct engine *engine, const uint8_t uuid[ENTRY_UUID_LEN])
{
	uint8_t holder[ENTRY_UUID_LEN];
	struct plan_have other;
	char reason[400], why_not[128];
	int r = engine_holder(engine, PLAN_MAILBOX, text_span(&engine->step.place), holder);

	if (r <= 0 || memcmp(holder, uuid, ENTRY_UUID_LEN) == 0)
		return r < 0 ? r : 0;
	r = engine_read(engine, PLAN_MAILBOX, holder, &other);
	if (r <= 0 || !span_is(other.place, text_span(&engine->step.place)))
		return r < 0 ? r : 0;
	r = engine_may_make_room(engine, holder, why_not);
	if (r > 0) {
		r = engine_remove(engine, PLAN_MAILBOX, holder, &other);
		return r < 0 ? r : r == 0;
	}
	if (r < 0)
		return r;
	snprintf(reason, sizeof(reason), "the mailbox %.150s is another account's: %s", text_str(&engine->step.place), why_not);
	failed(engine, uuid, -EEXIST, reason);
	return 1;
}

static int
make(struct engine *engine, const uint8_t uuid[ENTRY_UUID_LEN])
{
	cleanup(text_free) struct text why = TEXT_INIT;
	struct mailbox_want want = want_of(engine, uuid);
	int r = make_room(engine, uuid);

	if (r != 0)
		return r < 0 ? r : 0;
	if (engine_is_dry(engine, "make", PLAN_MAILBOX, want.name))
		return 0;
	r = mailbox_make(engine->parts.mailboxes, &want, &why);
	if (r == 0)
		return adopt(engine, uuid, &want);
	if (r < 0)
		return failed(engine, uuid, r, text_str(&why));
	engine->figures.made++;
	engine->figures.mailboxes++;
	succeeded(engine, uuid);
	return write_line(engine, uuid, want.quota);
}

static int
check(struct engine *engine, const uint8_t uuid[ENTRY_UUID_LEN])
{
	if (!engine->has_listed || names_have(&engine->listed, text_span(&engine->step.place))) {
		succeeded(engine, uuid);
		return 0;
	}
	if (!engine->options.dry_run)
		log_warning("the mailbox %s was gone from the store: it is made anew, empty", text_str(&engine->step.place));
	return make(engine, uuid);
}

static int
set_quota(struct engine *engine, const uint8_t uuid[ENTRY_UUID_LEN])
{
	cleanup(text_free) struct text why = TEXT_INIT;
	struct mailbox_want want = want_of(engine, uuid);
	int r;

	if (engine_is_dry(engine, "set the quota of", PLAN_MAILBOX, want.name))
		return 0;
	r = mailbox_set_quota(engine->parts.mailboxes, &want, &why);
	if (r < 0)
		return failed(engine, uuid, r, text_str(&why));
	succeeded(engine, uuid);
	return write_line(engine, uuid, want.quota);
}

/* Only who renames a mailbox on the store, with its mail, can move it; then it is known by its stamp. */
static int
follow_move(struct engine *engine, const uint8_t uuid[ENTRY_UUID_LEN], const struct plan_have *have)
{
	cleanup(text_free) struct text why = TEXT_INIT, from = TEXT_INIT;
	struct mailbox_want want = want_of(engine, uuid);
	struct mailbox_found found;
	char reason[256];
	int r;

	if (engine_is_dry(engine, "look for", PLAN_MAILBOX, want.name))
		return 0;
	text_put_span(&from, have->place);
	r = mailbox_look(engine->parts.mailboxes, &want, &found, &why);
	if (r < 0)
		return failed(engine, uuid, r, text_str(&why));
	if (found.state == MAILBOX_OURS) {
		log_notice("the mailbox %s is called %s now", text_str(&from), text_str(&engine->step.place));
		succeeded(engine, uuid);
		r = engine_erase(engine, PLAN_MAILBOX, uuid, text_span(&from));
		return r < 0 ? r : write_line(engine, uuid, found.quota);
	}
	snprintf(reason, sizeof(reason), "the mailbox %.*s would have to be renamed to %.100s: do that on the store, with its mail",
	         from.len < 100 ? (int)from.len : 100, text_str(&from), text_str(&engine->step.place));
	return failed(engine, uuid, -EINVAL, reason);
}

int
engine_do_mailbox(struct engine *engine, const uint8_t uuid[ENTRY_UUID_LEN], const struct account_entry *entry, bool complete)
{
	struct plan_have have;
	int r = engine_plan(engine, PLAN_MAILBOX, uuid, entry, complete, &have);

	if (r <= 0)
		return r;
	/* The store is away: what is to be done there waits, without asking it for each. */
	if (engine->step.act != PLAN_NOTHING && engine->step.act != PLAN_CHECK && engine->step.act != PLAN_REFUSE &&
	    !(engine->step.act == PLAN_REMOVE && !engine->is_removing) && is_away(engine)) {
		struct engine_note *note = engine_note_add(&engine->failures, PLAN_MAILBOX, uuid);

		if (note == NULL)
			return -ENOMEM;
		if (note->reason[0] == '\0')
			snprintf(note->reason, sizeof(note->reason), "%s", engine->mail_reason);
		note->due = engine->mail_after;
		return 0;
	}
	switch (engine->step.act) {
	case PLAN_MAKE:
		return make(engine, uuid);
	case PLAN_CHECK:
		return check(engine, uuid);
	case PLAN_MOVE:
		return follow_move(engine, uuid, &have);
	case PLAN_SET_QUOTA:
		return set_quota(engine, uuid);
	case PLAN_REFUSE:
		return failed(engine, uuid, -EINVAL, engine->step.reason);
	case PLAN_REMOVE:
		if (!engine->is_removing) {
			if (engine->figures.is_adopted)
				(void)engine_is_dry(engine, "remove", PLAN_MAILBOX, have.place);
			return 0;
		}
		r = engine_remove(engine, PLAN_MAILBOX, uuid, &have);
		return r < 0 ? r : 0;
	case PLAN_NOTHING:
	case PLAN_KEEP:
	case PLAN_UNKEEP:
	case PLAN_NOTE_GONE:
	case PLAN_NOTE_BACK:
		break;
	}
	engine_note_drop(&engine->failures, PLAN_MAILBOX, uuid);
	return 0;
}

/* --- removals ----------------------------------------------------------------------------------------------------------------------- */

int
engine_remove(struct engine *engine, enum plan_kind kind, const uint8_t uuid[ENTRY_UUID_LEN], const struct plan_have *have)
{
	cleanup(text_free) struct text why = TEXT_INIT, place = TEXT_INIT, below = TEXT_INIT;
	const struct disk_identity identity = { have->device, have->inode, have->born };
	struct mailbox_want want = { .quota = MAILBOX_QUOTA_NONE };
	char reason[256];
	int r;

	text_put_span(&place, have->place);
	if (text_failed(&place))
		return -ENOMEM;
	if (engine_is_dry(engine, "remove", kind, text_span(&place)))
		return 0;
	if (kind == PLAN_DIRECTORY) {
		r = engine_living_below(engine, text_span(&place), &below);
		if (r < 0)
			return r;
		if (r > 0) {
			snprintf(reason, sizeof(reason), "%.100s is not removed: it holds %.100s, whose account lives", text_str(&place),
			         text_str(&below));
			engine_fail(engine, kind, uuid, reason);
			return 0;
		}
		r = disk_trash(engine->parts.disk, text_span(&place), &identity, uuid, engine_now(), &why);
	} else {
		want.name = text_span(&place);
		memcpy(want.uuid, uuid, sizeof(want.uuid));
		r = mailbox_delete(engine->parts.mailboxes, &want, &why);
	}
	if (r < 0) {
		if (kind == PLAN_MAILBOX)
			(void)failed(engine, uuid, r, text_str(&why));
		else
			engine_fail(engine, kind, uuid, text_str(&why));
		return 0;
	}
	log_notice("%s %s", text_str(&place),
	           r == 0                   ? "was gone already"
	           : kind == PLAN_DIRECTORY ? "is in the trash: its account is gone"
	                                    : "is deleted: its account is gone");
	engine_note_drop(&engine->gone, kind, uuid);
	engine_note_drop(&engine->failures, kind, uuid);
	engine->figures.removed += r > 0;
	engine->window_removed += r > 0;
	if (kind == PLAN_DIRECTORY && engine->figures.directories > 0)
		engine->figures.directories--;
	else if (kind == PLAN_MAILBOX && engine->figures.mailboxes > 0)
		engine->figures.mailboxes--;
	r = engine_erase(engine, kind, uuid, text_span(&place));
	return r < 0 ? r : 1;
}
