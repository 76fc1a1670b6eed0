/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * Steps for the directory of an account.
 */
#include <config.h>

#include "agent/engine_internal.h"

#include "common/log.h"

#include <errno.h>

#define SPAN_ARGS(span) (int)(span).len, (span).data

/* --- what both kinds share ---------------------------------------------------------------------------------------------------- */

bool
engine_is_dry(const struct engine *engine, const char *what, enum plan_kind kind, struct span place)
{
	if (!engine->options.dry_run)
		return false;
	printf("%s %s %.*s\n", what, kind == PLAN_DIRECTORY ? "directory" : "mailbox", SPAN_ARGS(place));
	return true;
}

/* Notes since when the entry is gone, or that it is not. */
static int
write_gone(struct engine *engine, enum plan_kind kind, const uint8_t uuid[ENTRY_UUID_LEN], const struct plan_have *have, uint64_t since)
{
	struct plan_have line = *have;
	struct engine_note *note;

	line.gone_since = since;
	if (since == 0) {
		engine_note_drop(&engine->gone, kind, uuid);
	} else {
		note = engine_note_add(&engine->gone, kind, uuid);
		if (note == NULL)
			return -ENOMEM;
		note->due = since + engine->rules.settle;
	}
	return engine_write(engine, kind, uuid, &line);
}

/* What both kinds only note: true when the step was one of these. */
static bool
do_note(struct engine *engine, enum plan_kind kind, const uint8_t uuid[ENTRY_UUID_LEN], const struct plan_have *have, int *out_result)
{
	struct plan_have line = *have;
	struct span place = have->place;

	switch (engine->step.act) {
	case PLAN_NOTE_GONE:
		if (engine_is_dry(engine, "wait to remove", kind, place))
			break;
		log_info("the account of %.*s is gone: it is removed in %llu s", SPAN_ARGS(place), (unsigned long long)engine->rules.settle);
		*out_result = write_gone(engine, kind, uuid, have, engine_now());
		return true;
	case PLAN_NOTE_BACK:
		if (engine_is_dry(engine, "do not remove", kind, place))
			break;
		log_info("the account of %.*s is there again", SPAN_ARGS(place));
		*out_result = write_gone(engine, kind, uuid, have, 0);
		return true;
	case PLAN_KEEP:
	case PLAN_UNKEEP:
		line.kept = engine->step.act == PLAN_KEEP;
		if (engine_is_dry(engine, line.kept ? "keep" : "take back", kind, place))
			break;
		log_notice("%.*s belongs %s host%s", SPAN_ARGS(place), line.kept ? "on another" : "on this",
		           line.kept ? " now: it is kept here until somebody removes it" : " again");
		*out_result = engine_write(engine, kind, uuid, &line);
		return true;
	case PLAN_NOTHING:
	case PLAN_MAKE:
	case PLAN_CHECK:
	case PLAN_MOVE:
	case PLAN_SET_QUOTA:
	case PLAN_REMOVE:
	case PLAN_REFUSE:
		return false;
	}
	*out_result = 0;
	return true;
}

int
engine_plan(struct engine *engine, enum plan_kind kind, const uint8_t uuid[ENTRY_UUID_LEN], const struct account_entry *entry,
            bool complete, struct plan_have *out_have)
{
	int result = 0, r = engine_read(engine, kind, uuid, out_have);

	while (r >= 0) {
		(kind == PLAN_DIRECTORY ? plan_directory : plan_mailbox)(&engine->rules, entry, out_have, complete, engine_now(), &engine->step);
		if (text_failed(&engine->step.place))
			return -ENOMEM;
		if (!do_note(engine, kind, uuid, out_have, &result))
			return 1;
		if (result < 0 || engine->options.dry_run)
			return result;
		r = engine_read(engine, kind, uuid, out_have);
	}
	return r;
}

/* --- directories ----------------------------------------------------------------------------------------------------------------- */

static struct disk_want
want_of(const struct engine *engine)
{
	const struct plan_step *step = &engine->step;

	return (struct disk_want){
		.path = text_span(&step->place),
		.uid = step->uid,
		.gid = step->gid,
		.mode = engine->options.mode,
		.folder_count = step->folder_count,
		.folders = step->folders,
		.skeleton = step->is_home,
		.maildir = step->is_home && engine->options.maildir,
	};
}

static struct disk_identity
identity_of(const struct plan_have *have)
{
	return (struct disk_identity){ have->device, have->inode, have->born };
}

static struct plan_have
line_of(const struct engine *engine, const struct disk_identity *identity, int64_t quota)
{
	return (struct plan_have){
		.exists = true,
		.place = text_span(&engine->step.place),
		.quota = quota,
		.device = identity->device,
		.inode = identity->inode,
		.born = identity->born,
		.uid = engine->step.uid,
		.gid = engine->step.gid,
	};
}

static int
failed(struct engine *engine, const uint8_t uuid[ENTRY_UUID_LEN], const char *reason)
{
	engine_fail(engine, PLAN_DIRECTORY, uuid, reason);
	return 0;
}

static void
succeeded(struct engine *engine, const uint8_t uuid[ENTRY_UUID_LEN])
{
	engine_note_drop(&engine->failures, PLAN_DIRECTORY, uuid);
}

/* Whether the place is another account's by the book: 1 (a failure is kept), 0 it is free, or negative. What an account that is gone
 * left there makes room at once. */
static int
is_taken(struct engine *engine, enum plan_kind kind, const uint8_t uuid[ENTRY_UUID_LEN], struct span place)
{
	uint8_t holder[ENTRY_UUID_LEN];
	struct plan_have other;
	char reason[400], why_not[128];
	int r = engine_holder(engine, kind, place, holder);

	if (r <= 0 || memcmp(holder, uuid, ENTRY_UUID_LEN) == 0)
		return r < 0 ? r : 0;
	r = engine_read(engine, kind, holder, &other);
	if (r <= 0 || !span_is(other.place, place))
		return r < 0 ? r : 0;
	r = engine_may_make_room(engine, holder, why_not);
	if (r > 0) {
		r = engine_remove(engine, kind, holder, &other);
		return r < 0 ? r : r == 0;
	}
	if (r < 0)
		return r;
	snprintf(reason, sizeof(reason), "%.200s is another account's: %s", text_str(&engine->step.place), why_not);
	engine_fail(engine, kind, uuid, reason);
	return 1;
}

/* Something stands there that the book does not know. */
static int
adopt(struct engine *engine, const uint8_t uuid[ENTRY_UUID_LEN], const struct disk_want *want, enum disk_state state,
      const struct disk_identity *identity)
{
	cleanup(text_free) struct text why = TEXT_INIT;
	struct plan_have line = line_of(engine, identity, 0);
	char reason[256];
	int r;

	if (state != DISK_OURS) {
		snprintf(reason, sizeof(reason), "%.180s is there already, and %s", text_str(&engine->step.place),
		         state == DISK_FOREIGN ? "belongs to somebody else: chown it, or move it away" : "is no directory");
		return failed(engine, uuid, reason);
	}
	r = disk_complete(engine->parts.disk, want, &why);
	if (r < 0)
		return failed(engine, uuid, text_str(&why));
	engine->figures.adopted++;
	succeeded(engine, uuid);
	log_info("%s is taken over", text_str(&engine->step.place));
	return engine_write(engine, PLAN_DIRECTORY, uuid, &line);
}

static int
make(struct engine *engine, const uint8_t uuid[ENTRY_UUID_LEN])
{
	cleanup(text_free) struct text why = TEXT_INIT;
	struct disk_want want = want_of(engine);
	struct disk_identity identity;
	struct plan_have line;
	int r = is_taken(engine, PLAN_DIRECTORY, uuid, want.path);

	if (r != 0)
		return r < 0 ? r : 0;
	if (engine_is_dry(engine, "make", PLAN_DIRECTORY, want.path))
		return 0;
	r = disk_make(engine->parts.disk, &want, &identity, &why);
	if (r == 0) {
		r = disk_look(engine->parts.disk, &want, &identity, &why);
		return r < 0 ? failed(engine, uuid, text_str(&why)) : adopt(engine, uuid, &want, (enum disk_state)r, &identity);
	}
	if (r < 0)
		return failed(engine, uuid, text_str(&why));
	engine->figures.made++;
	engine->figures.directories++;
	succeeded(engine, uuid);
	line = line_of(engine, &identity, 0);
	return engine_write(engine, PLAN_DIRECTORY, uuid, &line);
}

static int
check(struct engine *engine, const uint8_t uuid[ENTRY_UUID_LEN], const struct plan_have *have)
{
	cleanup(text_free) struct text why = TEXT_INIT;
	struct disk_want want = want_of(engine);
	struct disk_identity identity;
	struct plan_have line;
	char reason[256];
	int r = disk_look(engine->parts.disk, &want, &identity, &why);

	if (r < 0)
		return failed(engine, uuid, text_str(&why));
	if (r == DISK_ABSENT) {
		if (!engine->options.dry_run)
			log_warning("%s was gone from the disk: it is made anew, empty", text_str(&engine->step.place));
		return make(engine, uuid);
	}
	if (r != DISK_OURS) {
		snprintf(reason, sizeof(reason), "%.180s %s", text_str(&engine->step.place),
		         r == DISK_FOREIGN ? "does not have the entry's owner and group: chown it" : "is no directory any more");
		return failed(engine, uuid, reason);
	}
	succeeded(engine, uuid);
	line = line_of(engine, &identity, have->quota);
	if (line.device == have->device && line.inode == have->inode && line.born == have->born && line.uid == have->uid &&
	    line.gid == have->gid)
		return 0;
	return engine->options.dry_run ? 0 : engine_write(engine, PLAN_DIRECTORY, uuid, &line);
}

static int
move(struct engine *engine, const uint8_t uuid[ENTRY_UUID_LEN], const struct plan_have *have)
{
	cleanup(text_free) struct text why = TEXT_INIT, from = TEXT_INIT;
	struct disk_identity identity = identity_of(have);
	struct plan_have line = *have;
	int r = is_taken(engine, PLAN_DIRECTORY, uuid, text_span(&engine->step.place));

	/* What was read before may be void now. */
	if (r == 0)
		r = engine_read(engine, PLAN_DIRECTORY, uuid, &line) < 0 ? -EBADMSG : 0;
	if (r != 0)
		return r < 0 ? r : 0;
	text_put_span(&from, line.place);
	if (engine_is_dry(engine, "move to", PLAN_DIRECTORY, text_span(&engine->step.place)))
		return 0;
	r = disk_move(engine->parts.disk, text_span(&from), text_span(&engine->step.place), &identity, &why);
	if (r == -ENOENT) {
		r = engine_erase(engine, PLAN_DIRECTORY, uuid, text_span(&from));
		return r < 0 ? r : make(engine, uuid);
	}
	if (r < 0)
		return failed(engine, uuid, text_str(&why));
	log_notice("%s moved to %s", text_str(&from), text_str(&engine->step.place));
	succeeded(engine, uuid);
	r = engine_erase(engine, PLAN_DIRECTORY, uuid, text_span(&from));
	line.place = text_span(&engine->step.place);
	return r < 0 ? r : engine_write(engine, PLAN_DIRECTORY, uuid, &line);
}

static int
set_quota(struct engine *engine, const uint8_t uuid[ENTRY_UUID_LEN], const struct plan_have *have)
{
	cleanup(text_free) struct text why = TEXT_INIT;
	struct plan_have line = *have;
	int r;

	if (engine_is_dry(engine, "set the quota of", PLAN_DIRECTORY, have->place))
		return 0;
	r = disk_set_quota(engine->parts.disk, have->place, engine->step.uid, (uint64_t)engine->step.quota, &why);
	if (r < 0)
		return failed(engine, uuid, text_str(&why));
	/* Where the file system has none, that is said once for a directory. */
	if (r == 0)
		log_info("%.*s: the file system has no project quotas", SPAN_ARGS(have->place));
	succeeded(engine, uuid);
	line.quota = engine->step.quota;
	return engine_write(engine, PLAN_DIRECTORY, uuid, &line);
}

int
engine_do_directory(struct engine *engine, const uint8_t uuid[ENTRY_UUID_LEN], const struct account_entry *entry, bool complete)
{
	struct plan_have have;
	int r = engine_plan(engine, PLAN_DIRECTORY, uuid, entry, complete, &have);

	if (r <= 0)
		return r;
	switch (engine->step.act) {
	case PLAN_MAKE:
		return make(engine, uuid);
	case PLAN_CHECK:
		return check(engine, uuid, &have);
	case PLAN_MOVE:
		return move(engine, uuid, &have);
	case PLAN_SET_QUOTA:
		return set_quota(engine, uuid, &have);
	case PLAN_REFUSE:
		return failed(engine, uuid, engine->step.reason);
	case PLAN_REMOVE:
		/* Elsewhere it is only counted: the brake weighs all that is due together. */
		if (!engine->is_removing) {
			if (engine->figures.is_adopted)
				(void)engine_is_dry(engine, "remove", PLAN_DIRECTORY, have.place);
			return 0;
		}
		r = engine_remove(engine, PLAN_DIRECTORY, uuid, &have);
		return r < 0 ? r : 0;
	case PLAN_NOTHING:
	case PLAN_KEEP:
	case PLAN_UNKEEP:
	case PLAN_NOTE_GONE:
	case PLAN_NOTE_BACK:
		break;
	}
	/* Nothing is wanted any more that could fail. */
	succeeded(engine, uuid);
	return 0;
}
