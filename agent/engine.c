/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * Passes over accounts: all of them, those that changed, those whose time has come.
 *
 * Removals have a brake of their own. The cache's brake weighs what a comparison would remove at once; here it is what goes within an
 * hour, however it came, since what is gone from a disk is not in the directory to be read once more.
 */
#include <config.h>

#include "agent/engine_internal.h"

#include "common/log.h"

#include <errno.h>
#include <time.h>

enum {
	RETRY_FIRST = 5,       /* seconds until a second attempt; doubled each time */
	RETRY_MOST = 3600,
	WINDOW = 3600,         /* seconds that removals are counted together */
	PROGRESS = 10000,      /* accounts between lines in the log */
	REAP_ENTRIES = 2000,   /* files and directories of the trash at a time */
};

uint64_t
engine_now(void)
{
	return (uint64_t)time(NULL);
}

/* --- hosts: which names this one has ---------------------------------------------------------------------------------------- */

struct hosts {
	struct engine *engine;
	bool is_file_host;
};

static bool
is_own(const struct engine *engine, struct span name)
{
	struct span rest = text_span(&engine->host_names), own;

	while (login_next_name(&rest, &own))
		if (span_is_nocase(own, name))
			return true;
	return false;
}

static void
add_name(struct engine *engine, struct span name)
{
	if (name.len == 0 || is_own(engine, name))
		return;
	text_put_span(&engine->host_names, name);
	text_put_char(&engine->host_names, '\0');
}

static void
note_host(void *context, enum home_kind kind, struct span name, struct span other)
{
	struct hosts *hosts = context;
	const struct engine_options *options = &hosts->engine->options;

	if (kind == HOME_HOST) {
		/* Whichever of its names is ours, all are. */
		if (is_own(hosts->engine, name) || is_own(hosts->engine, other)) {
			add_name(hosts->engine, name);
			add_name(hosts->engine, other);
		}
		return;
	}
	if (!is_own(hosts->engine, other))
		return;
	hosts->is_file_host |= span_is_nocase(name, options->file_group);
}

/* Names in the directory may be met in any order: once more for each that was found. */
static int
read_rules(struct engine *engine)
{
	struct hosts hosts = { .engine = engine };
	struct span rest, name;
	size_t before, count = 0;
	int r;

	text_clear(&engine->host_names);
	for (size_t i = 0; i < engine->options.own_name_count; i++)
		add_name(engine, engine->options.own_names[i]);
	do {
		before = engine->host_names.len;
		hosts.is_file_host = false;
		r = home_hosts(engine->parts.cache, note_host, &hosts);
		if (r < 0)
			return r;
	} while (engine->host_names.len > before);
	rest = text_span(&engine->host_names);
	while (login_next_name(&rest, &name))
		count++;
	free(engine->names);
	engine->names = calloc(count + 1, sizeof(*engine->names));
	if (engine->names == NULL || text_failed(&engine->host_names))
		return -ENOMEM;
	rest = text_span(&engine->host_names);
	for (size_t i = 0; login_next_name(&rest, &name); i++)
		engine->names[i] = name;
	engine->rules = engine->options.rules;
	engine->rules.names = engine->names;
	engine->rules.name_count = count;
	engine->rules.is_default_file_host = hosts.is_file_host;
	engine->rules_are_due = false;
	return 0;
}

/* --- failures ------------------------------------------------------------------------------------------------------------------ */

void
engine_fail(struct engine *engine, enum plan_kind kind, const uint8_t uuid[ENTRY_UUID_LEN], const char *reason)
{
	struct engine_note *note = engine_note_add(&engine->failures, kind, uuid);
	uint64_t wait;

	if (note == NULL) {
		log_error("%s", reason);
		return;
	}
	if (engine->account.entry.uid_value.len > 0 && memcmp(engine->account.uuid, uuid, ENTRY_UUID_LEN) == 0)
		snprintf(note->account, sizeof(note->account), "%.*s", (int)engine->account.entry.uid_value.len,
		         engine->account.entry.uid_value.data);
	if (strcmp(note->reason, reason) != 0) {
		snprintf(note->reason, sizeof(note->reason), "%s", reason);
		log_warning("%s%s%s", note->account, note->account[0] != '\0' ? ": " : "", note->reason);
	}
	wait = note->attempts < 10 ? (uint64_t)RETRY_FIRST << note->attempts : RETRY_MOST;
	note->attempts++;
	note->due = engine_now() + (wait < RETRY_MOST ? wait : RETRY_MOST);
}

/* --- one account ------------------------------------------------------------------------------------------------------------- */

static int
do_account(struct engine *engine, const uint8_t uuid[ENTRY_UUID_LEN], const struct account_entry *entry, bool complete)
{
	int r = 0;

	if (engine->parts.disk != NULL)
		r = engine_do_directory(engine, uuid, entry, complete);
	if (r == 0 && engine->parts.mailboxes != NULL)
		r = engine_do_mailbox(engine, uuid, entry, complete);
	return r;
}

/* As the cache has it now. */
static int
look_at(struct engine *engine, const uint8_t uuid[ENTRY_UUID_LEN])
{
	int r = home_get(engine->parts.cache, uuid, &engine->account);

	return r < 0 ? r : do_account(engine, uuid, r > 0 ? &engine->account.entry : NULL, false);
}

bool
engine_is_stopping(const struct engine *engine)
{
	return engine->options.should_stop != NULL && engine->options.should_stop(engine->options.context);
}

/* --- a complete pass ---------------------------------------------------------------------------------------------------------- */

/* Domains, or all others: what lies in a domain's directory comes behind it. */
static int
all_accounts(struct engine *engine, bool domains, bool *out_any)
{
	struct home_walk walk = { 0 };
	uint64_t seen = 0;
	int r;

	while ((r = home_next(engine->parts.cache, &walk, &engine->account)) > 0) {
		*out_any = true;
		if ((engine->account.entry.kind == LOGIN_DOMAIN) != domains)
			continue;
		r = do_account(engine, engine->account.uuid, &engine->account.entry, true);
		if (r < 0 || engine_is_stopping(engine))
			return r < 0 ? r : -EINTR;
		if (++seen % PROGRESS == 0)
			log_info("%llu accounts looked at", (unsigned long long)seen);
	}
	return r;
}

/* Lines of the book whose account is no more; the others have been met. */
static int
all_lines(struct engine *engine, enum plan_kind kind)
{
	uint8_t uuid[ENTRY_UUID_LEN] = { 0 };
	struct plan_have have;
	bool begun = false;
	uint64_t count = 0;
	int r;

	while ((r = engine_next_line(engine, kind, &begun, uuid, &have)) > 0) {
		count++;
		r = home_get(engine->parts.cache, uuid, &engine->account);
		if (r == 0)
			r = kind == PLAN_DIRECTORY ? engine_do_directory(engine, uuid, NULL, true)
			                           : engine_do_mailbox(engine, uuid, NULL, true);
		if (r < 0 || engine_is_stopping(engine))
			return r < 0 ? r : -EINTR;
	}
	if (kind == PLAN_DIRECTORY)
		engine->figures.directories = count;
	else
		engine->figures.mailboxes = count;
	return r;
}

static int
all_book(struct engine *engine)
{
	int r = 0;

	if (engine->parts.disk != NULL)
		r = all_lines(engine, PLAN_DIRECTORY);
	if (r == 0 && engine->parts.mailboxes != NULL)
		r = all_lines(engine, PLAN_MAILBOX);
	return r;
}

static int
complete_pass(struct engine *engine)
{
	struct home_cursor newest;
	bool any = false;
	int r = read_rules(engine);

	/* Before the walk: what changes meanwhile is looked at again behind it. */
	if (r == 0)
		r = home_newest(engine->parts.cache, &newest);
	if (r == 0 && engine->parts.mailboxes != NULL)
		r = engine_list_mailboxes(engine);
	if (r == 0)
		r = all_accounts(engine, true, &any);
	if (r == 0)
		r = all_accounts(engine, false, &any);
	if (r == 0 && any)
		r = all_book(engine);
	engine_forget_list(engine);
	/* Nobody empties a directory on purpose while its agents run. */
	if (r == 0 && !any && engine->figures.directories + engine->figures.mailboxes > 0)
		log_warning("there is no account at all in the cache: nothing is taken as gone");
	if (r < 0)
		return r;
	engine->cursor = newest;
	engine->has_cursor = true;
	r = engine_write_cursor(engine);
	return r < 0 ? r : engine_commit(engine);
}

static double
seconds_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

int
engine_complete(struct engine *engine)
{
	double begun = seconds_now();
	int r = complete_pass(engine);

	if (r < 0)
		return r;
	engine->figures.last_complete = engine_now();
	engine->figures.last_seconds = seconds_now() - begun;
	log_info("complete pass: %llu directories, %llu mailboxes, %zu failures, %.1f s",
	         (unsigned long long)engine->figures.directories, (unsigned long long)engine->figures.mailboxes,
	         engine->failures.count, engine->figures.last_seconds);
	return 0;
}

/* --- what changed -------------------------------------------------------------------------------------------------------------- */

struct changed {
	struct engine *engine;
	size_t count, room;
	uint8_t (*uuids)[ENTRY_UUID_LEN];
	bool failed;
};

static void
note_change(void *context, enum home_kind kind, const uint8_t *uuid)
{
	struct changed *changed = context;

	if (kind != HOME_ACCOUNT) {
		changed->engine->rules_are_due = true;
		return;
	}
	if (changed->count == changed->room) {
		size_t room = changed->room > 0 ? 2 * changed->room : 64;
		void *grown = realloc(changed->uuids, room * sizeof(*changed->uuids));

		changed->failed |= grown == NULL;
		if (grown == NULL)
			return;
		changed->uuids = grown;
		changed->room = room;
	}
	memcpy(changed->uuids[changed->count++], uuid, ENTRY_UUID_LEN);
}

/* Domains first. */
static int
look_at_all(struct engine *engine, const struct changed *changed)
{
	int r = 0;

	for (int round = 0; round < 2; round++) {
		for (size_t i = 0; r == 0 && i < changed->count; i++) {
			r = engine_is_stopping(engine) ? -EINTR : home_get(engine->parts.cache, changed->uuids[i], &engine->account);
			if (r >= 0 && (r > 0 && engine->account.entry.kind == LOGIN_DOMAIN) == (round == 0))
				r = do_account(engine, changed->uuids[i], r > 0 ? &engine->account.entry : NULL, false);
			else if (r > 0)
				r = 0;
		}
	}
	return r;
}

int
engine_follow(struct engine *engine)
{
	struct changed changed = { .engine = engine };
	struct home_cursor cursor = engine->cursor;
	int r = engine->has_cursor ? home_changes(engine->parts.cache, &cursor, note_change, &changed) : 0;

	if (r > 0 && changed.failed)
		r = -ENOMEM;
	if (r > 0 && cursor.sequence == engine->cursor.sequence) {
		free(changed.uuids);
		return 0;
	}
	/* Another environment, a log that is too short, or other hosts. */
	if (r == 0 || (r > 0 && engine->rules_are_due)) {
		free(changed.uuids);
		r = engine_complete(engine);
		return r < 0 ? r : 1;
	}
	if (r > 0)
		r = look_at_all(engine, &changed);
	free(changed.uuids);
	if (r < 0)
		return r;
	engine->cursor = cursor;
	r = engine_write_cursor(engine);
	if (r == 0)
		r = engine_commit(engine);
	return r < 0 ? r : 1;
}

/* --- what is due ----------------------------------------------------------------------------------------------------------------- */

static int
retry_failures(struct engine *engine, uint64_t now)
{
	int r = 0;

	/* A failure that is dropped or kept moves others by one place at most: those are met the next time. */
	for (size_t i = 0; r == 0 && i < engine->failures.count; i++) {
		uint8_t uuid[ENTRY_UUID_LEN];

		if (engine->failures.notes[i].due > now)
			continue;
		memcpy(uuid, engine->failures.notes[i].uuid, ENTRY_UUID_LEN);
		r = engine_is_stopping(engine) ? -EINTR : look_at(engine, uuid);
	}
	return r;
}

/* Whether it is to be removed now; what could not be waits as other failures do. */
static bool
is_due(struct engine *engine, const struct engine_note *gone, uint64_t now)
{
	const struct engine_note *failure = engine_note_find(&engine->failures, gone->kind, gone->uuid);

	return gone->due <= now && (failure == NULL || failure->due <= now);
}

/* How many of those that are gone are due. */
static uint64_t
count_due(struct engine *engine, uint64_t now)
{
	uint64_t due = 0;

	for (size_t i = 0; i < engine->gone.count; i++)
		due += is_due(engine, &engine->gone.notes[i], now);
	return due;
}

/* How many removals the brake allows within the hour that NOW is in. */
static uint64_t
allowance(struct engine *engine, uint64_t now)
{
	if (now < engine->window_began || now - engine->window_began >= WINDOW) {
		engine->window_began = now;
		engine->window_removed = 0;
	}
	return plan_brake(engine->figures.directories + engine->figures.mailboxes, engine->options.brake_percent);
}

/* Whether DUE removals may happen now. */
static bool
brake_allows(struct engine *engine, uint64_t due, uint64_t now)
{
	uint64_t allowed = allowance(engine, now), total = engine->figures.directories + engine->figures.mailboxes;

	if (engine->brake_released || engine->window_removed + due <= allowed) {
		engine->figures.brake = false;
		engine->figures.held = 0;
		return true;
	}
	if (!engine->figures.brake)
		log_error("THE BRAKE HOLDS: %llu of %llu directories and mailboxes would be removed within an hour, %llu may be. Nothing is "
		          "removed until ispman-agent --release-brake",
		          (unsigned long long)(engine->window_removed + due), (unsigned long long)total, (unsigned long long)allowed);
	engine->figures.brake = true;
	engine->figures.held = due;
	return false;
}

int
engine_may_make_room(struct engine *engine, const uint8_t holder[ENTRY_UUID_LEN], char reason[128])
{
	struct home_account account = HOME_ACCOUNT_INIT;
	/* It may be gone, or back, since a moment ago, and its turn come behind this one's. */
	int r = home_get(engine->parts.cache, holder, &account);

	home_account_free(&account);
	if (r < 0)
		return r;
	if (r > 0)
		snprintf(reason, 128, "give this one another place");
	else if (!engine->figures.is_adopted)
		snprintf(reason, 128, "one that is gone, and nothing is removed before ispman-agent --adopt");
	else if (engine->window_removed >= allowance(engine, engine_now()))
		snprintf(reason, 128, "one that is gone, and too many were removed within this hour: it goes when its time comes");
	else
		return 1;
	return 0;
}

static int
remove_due(struct engine *engine, uint64_t now)
{
	uint64_t due = count_due(engine, now);
	int r = 0;

	if (due == 0) {
		engine->figures.brake = false;
		engine->figures.held = 0;
		engine->brake_released = false;
		return 0;
	}
	if (!engine->figures.is_adopted || !brake_allows(engine, due, now))
		return 0;
	for (size_t i = 0; r == 0 && i < engine->gone.count;) {
		struct engine_note note = engine->gone.notes[i];
		size_t before = engine->gone.count;

		if (!is_due(engine, &note, now) || engine_is_stopping(engine)) {
			i++;
			continue;
		}
		/* Once more, whether it is gone. */
		engine->is_removing = true;
		r = look_at(engine, note.uuid);
		engine->is_removing = false;
		i += engine->gone.count >= before;
	}
	engine->brake_released = false;
	return r;
}

int
engine_due(struct engine *engine)
{
	uint64_t now = engine_now();
	struct text why = TEXT_INIT;
	int r = 0;

	if (engine->rules_are_due || !engine->has_cursor)
		return 0;
	r = retry_failures(engine, now);
	if (r == 0)
		r = remove_due(engine, now);
	if (r == 0)
		r = engine_commit(engine);
	if (r == 0 && engine->parts.disk != NULL && !engine->options.dry_run && engine->options.trash_days > 0 &&
	    now > engine->options.trash_days * 86400 &&
	    disk_reap(engine->parts.disk, now - engine->options.trash_days * 86400, REAP_ENTRIES, &why) < 0)
		log_warning("%s", text_str(&why));
	text_free(&why);
	return r;
}

/* What of UUID could not be done. */
static void
put_failure(struct engine *engine, enum plan_kind kind, const uint8_t uuid[ENTRY_UUID_LEN], char reason[256])
{
	const struct engine_note *note = engine_note_find(&engine->failures, kind, uuid);

	snprintf(reason, 256, "%s", note != NULL ? note->reason : "");
}

int
engine_look_at_place(struct engine *engine, enum plan_kind kind, struct span place, bool remove, enum engine_place *out_state,
                     char reason[256])
{
	uint8_t uuid[ENTRY_UUID_LEN];
	struct engine_note *gone;
	int r = engine_holder(engine, kind, place, uuid);

	*out_state = ENGINE_PLACE_FREE;
	reason[0] = '\0';
	if (r > 0)
		r = look_at(engine, uuid) < 0 ? -EIO : 1;
	gone = r > 0 ? engine_note_find(&engine->gone, kind, uuid) : NULL;
	if (gone != NULL && remove) {
		gone->due = engine_now();
		r = engine_expire(engine, kind, uuid);
		if (r >= 0)
			r = remove_due(engine, engine_now()) < 0 ? -EIO : 1;
	}
	if (r > 0)
		r = engine_holder(engine, kind, place, uuid);
	if (r <= 0)
		return r < 0 ? r : 0;
	put_failure(engine, kind, uuid, reason);
	*out_state = engine_note_find(&engine->gone, kind, uuid) != NULL ? ENGINE_PLACE_GONE : ENGINE_PLACE_LIVES;
	if (*out_state == ENGINE_PLACE_GONE && reason[0] == '\0')
		snprintf(reason, 256, "%s",
		         !engine->figures.is_adopted ? "nothing is removed on this host before ispman-agent --adopt"
		         : engine->figures.brake     ? "the brake holds removals"
		                                     : "it is going to be removed");
	return 0;
}

void
engine_names(const struct engine *engine, const struct span **out_names, size_t *out_count)
{
	*out_names = engine->names;
	*out_count = engine->names != NULL ? engine->rules.name_count : 0;
}

enum plan_naming
engine_naming(const struct engine *engine)
{
	return engine->options.rules.naming;
}

/* --- life -------------------------------------------------------------------------------------------------------------------------- */

/* Lines of accounts that were gone when the last agent ended. */
static int
read_gone(struct engine *engine, enum plan_kind kind)
{
	uint8_t uuid[ENTRY_UUID_LEN] = { 0 };
	struct plan_have have;
	bool begun = false;
	int r;

	while ((r = engine_next_line(engine, kind, &begun, uuid, &have)) > 0) {
		struct engine_note *note;

		if (kind == PLAN_DIRECTORY)
			engine->figures.directories++;
		else
			engine->figures.mailboxes++;
		if (have.gone_since == 0)
			continue;
		note = engine_note_add(&engine->gone, kind, uuid);
		if (note == NULL)
			return -ENOMEM;
		note->due = have.gone_since + engine->options.rules.settle;
	}
	return r;
}

int
engine_new(const struct engine_options *options, const struct engine_parts *parts, struct engine **out, struct text *why)
{
	struct engine *engine = calloc(1, sizeof(*engine));
	struct span value;
	int r;

	if (engine == NULL)
		return -ENOMEM;
	engine->options = *options;
	engine->parts = *parts;
	engine->rules_are_due = true;
	r = engine_read_cursor(engine);
	if (r == 0)
		r = ledger_get(parts->book, SPAN("a"), &value);
	if (r >= 0) {
		engine->figures.is_adopted = r > 0;
		r = read_gone(engine, PLAN_DIRECTORY);
	}
	if (r == 0)
		r = read_gone(engine, PLAN_MAILBOX);
	if (r < 0) {
		text_putf(why, "the agent's book cannot be read: %s", r == -EBADMSG || r == -EPROTO ? "a line makes no sense" : ledger_error_text());
		engine_free(engine);
		return r;
	}
	*out = engine;
	return 0;
}

void
engine_free(struct engine *engine)
{
	if (engine == NULL)
		return;
	engine_forget_list(engine);
	engine_notes_free(&engine->failures);
	engine_notes_free(&engine->gone);
	home_account_free(&engine->account);
	text_free(&engine->host_names);
	text_free(&engine->step.place);
	text_free(&engine->line);
	free(engine->names);
	free(engine);
}

int
engine_adopt(struct engine *engine)
{
	int r = ledger_put(engine->parts.book, SPAN("a"), SPAN("1"));

	if (r == 0)
		r = engine_commit(engine);
	if (r == 0)
		engine->figures.is_adopted = true;
	return r;
}

void
engine_release_brake(struct engine *engine)
{
	engine->brake_released = engine->figures.brake;
}

void
engine_figures(const struct engine *engine, struct engine_figures *out)
{
	*out = engine->figures;
	out->waiting = engine->gone.count;
	out->failures = engine->failures.count;
}

void
engine_each_failure(const struct engine *engine,
                    void (*each)(void *context, enum plan_kind kind, struct span account, const char *reason), void *context)
{
	for (size_t i = 0; i < engine->failures.count; i++)
		each(context, engine->failures.notes[i].kind, span_of(engine->failures.notes[i].account), engine->failures.notes[i].reason);
}
