/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * What the files of the engine share: engine.c (passes), engine_book.c (lines of the book), engine_directory.c and engine_mailbox.c
 * (steps).
 */
#pragma once

#include "agent/engine.h"

/* Something that could not be done, or waits. */
struct engine_note {
	uint8_t uuid[ENTRY_UUID_LEN];
	enum plan_kind kind;
	uint64_t due;      /* seconds since 1970: when to look again */
	unsigned attempts;
	char account[128]; /* its uid */
	char reason[256];
};

struct engine_notes {
	size_t count, room;
	struct engine_note *notes;
};

/* A set of mailboxes' names, from one LIST. */
struct engine_names {
	size_t count, room; /* ROOM is a power of two, or 0 */
	char **names;
};

struct engine {
	struct engine_options options;
	struct engine_parts parts;
	struct plan_rules rules;
	struct home_cursor cursor;
	bool has_cursor, rules_are_due;
	struct text host_names;          /* of this host, each with a NUL behind it */
	struct span *names;
	struct engine_notes failures, gone;
	struct engine_figures figures;
	uint64_t window_began, window_removed; /* of the brake */
	bool brake_released;
	bool is_removing;                /* remove_due is at work: what is gone may go */
	uint64_t unwritten;              /* lines since the last commit */
	struct engine_names listed;      /* of this complete pass */
	bool has_listed;
	uint64_t mail_after;             /* seconds: the mail store is left alone until then */
	unsigned mail_failures;
	char mail_reason[256];           /* why */
	struct plan_step step;
	struct home_account account;
	struct text line;
};

uint64_t engine_now(void);
bool engine_is_stopping(const struct engine *engine);

/* --- engine_book.c --------------------------------------------------------------------------------------------------- */

/* The line of UUID: 1, 0 (then *OUT says that nothing exists), or negative. Spans are valid until the next call. */
must_check int engine_read(struct engine *engine, enum plan_kind kind, const uint8_t uuid[ENTRY_UUID_LEN], struct plan_have *out);
/* Writes the line, and that the place is UUID's. */
must_check int engine_write(struct engine *engine, enum plan_kind kind, const uint8_t uuid[ENTRY_UUID_LEN],
                            const struct plan_have *have);
/* Removes it. PLACE is the line's. */
must_check int engine_erase(struct engine *engine, enum plan_kind kind, const uint8_t uuid[ENTRY_UUID_LEN], struct span place);
/* What is gone has been so for long enough. */
must_check int engine_expire(struct engine *engine, enum plan_kind kind, const uint8_t uuid[ENTRY_UUID_LEN]);
/* Whose PLACE is: 1 and the UUID, 0. */
must_check int engine_holder(struct engine *engine, enum plan_kind kind, struct span place, uint8_t out_uuid[ENTRY_UUID_LEN]);
/* A directory of an account that lives, below PLACE: 1 and its path, 0. */
must_check int engine_living_below(struct engine *engine, struct span place, struct text *out);
/* The next line after UUID (from the first one when *BEGUN is false). */
must_check int engine_next_line(struct engine *engine, enum plan_kind kind, bool *begun, uint8_t uuid[ENTRY_UUID_LEN],
                                struct plan_have *out);
must_check int engine_read_cursor(struct engine *engine);
must_check int engine_write_cursor(struct engine *engine);
must_check int engine_commit(struct engine *engine);

/* --- notes --------------------------------------------------------------------------------------------------------------- */

struct engine_note *engine_note_find(struct engine_notes *notes, enum plan_kind kind, const uint8_t uuid[ENTRY_UUID_LEN]);
/* NULL without memory. */
struct engine_note *engine_note_add(struct engine_notes *notes, enum plan_kind kind, const uint8_t uuid[ENTRY_UUID_LEN]);
void engine_note_drop(struct engine_notes *notes, enum plan_kind kind, const uint8_t uuid[ENTRY_UUID_LEN]);
void engine_notes_free(struct engine_notes *notes);

/* It could not be done: kept, told to the log (once for a reason), and tried again later. */
void engine_fail(struct engine *engine, enum plan_kind kind, const uint8_t uuid[ENTRY_UUID_LEN], const char *reason);

/* --- steps: 0, or negative when the engine as a whole cannot go on ---------------------------------------------------------- */

must_check int engine_do_directory(struct engine *engine, const uint8_t uuid[ENTRY_UUID_LEN], const struct account_entry *entry,
                                   bool complete);
must_check int engine_do_mailbox(struct engine *engine, const uint8_t uuid[ENTRY_UUID_LEN], const struct account_entry *entry,
                                 bool complete);
/* Whether what HOLDER has may be removed now because somebody else has its place: its account is gone from the cache and the brake
 * allows one more. 1, 0 with the REASON why not, or negative. */
must_check int engine_may_make_room(struct engine *engine, const uint8_t holder[ENTRY_UUID_LEN], char reason[128]);
/* Removes what the line says, whatever the time: 1 removed (or nothing was there), 0 not (a failure is kept). */
must_check int engine_remove(struct engine *engine, enum plan_kind kind, const uint8_t uuid[ENTRY_UUID_LEN],
                             const struct plan_have *have);
/* Plans the next step, into engine->step. What is only noted in the book (that the entry is gone, or back; that another host has it)
 * is done
 * here, one note after the other, until something else is to be done: 1 and the line as it is then; 0 when it was a dry run and said
 * so. */
must_check int engine_plan(struct engine *engine, enum plan_kind kind, const uint8_t uuid[ENTRY_UUID_LEN],
                           const struct account_entry *entry, bool complete, struct plan_have *out_have);
/* Prints the step in a dry run. */
bool engine_is_dry(const struct engine *engine, const char *what, enum plan_kind kind, struct span place);

/* The names of all mailboxes; kept until the pass is over. */
must_check int engine_list_mailboxes(struct engine *engine);
void engine_forget_list(struct engine *engine);
