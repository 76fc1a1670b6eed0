/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * What apply.c (batches), apply_entry.c and apply_refresh.c (events), touch.c (what a change touches), place.c (the tree) and
 * sweep.c (removal after a refresh) share: one batch of events in one write transaction.
 */
#pragma once

#include "cache/apply.h"

enum { TOUCHED_ZONES = 64, MEMO_DEPTH = 32 };

/* Numbers of the nodes on the way to the last entry: its neighbour usually has the same ancestors. */
struct memo {
	size_t depth;
	uint64_t ids[MEMO_DEPTH];
	struct text names[MEMO_DEPTH];
};

/* The entries that a refresh has mentioned, a bit a number. */
struct seen {
	uint8_t *bits;
	uint64_t room; /* numbers */
};

struct apply {
	/* Held for a whole batch: from before its write transaction begins until that has ended, also between two events. The order
	 * is lock, then LMDB's mutex of the environment's writer (which store_begin_write takes), then what `committed` takes;
	 * status_lock is taken last of all, alone. */
	pthread_mutex_t lock;
	bool batch_goes_on;  /* the source's thread kept the lock when its last event ended */
	pthread_cond_t idle; /* the source has given back the lock, and others have their turn */
	atomic_uint source_wants;
	struct replica *replica;
	struct apply_options options;
	struct text binding;

	/* The batch. */
	struct store_txn *txn;
	uint64_t next_id, sequence, entries;
	uint32_t epoch, base_serial;
	bool pending_made;
	struct arena arena;        /* of one event */
	struct text row, old_row;  /* scratch */
	struct memo memo;
	struct dn_trail trail;
	struct profile_memo known_names;
	struct attribute kept[PROFILE_ATTRIBUTES_MAX]; /* of the event's entry */

	/* The event. */
	size_t zone_count;
	struct key zones[TOUCHED_ZONES]; /* reversed names of zones whose content it changed */
	bool settings_touched;

	bool failure_told;

	/* The refresh. */
	bool complete, loading, refreshing;
	struct seen seen;
	struct seen told;  /* those of them that came with their DN */
	bool named_all;    /* it names everything that there is */
	bool from_nothing; /* there was no entry when it began */
	uint64_t first_new_id; /* nodes from this one on were made by it */
	uint64_t mentioned;

	/* The brake. */
	bool held;
	uint64_t hold; /* which, of all there were */
	struct brake_figures brake;
	struct text held_cookie;
	uint32_t held_seconds;

	/* For other threads. */
	pthread_mutex_t status_lock;
	struct apply_status status;
};

/* --- apply.c */
must_check int apply_begin(struct apply *apply);
must_check int apply_commit(struct apply *apply);
void apply_drop(struct apply *apply);
/* Commits when the transaction has grown large. */
must_check int apply_commit_if_large(struct apply *apply);
void apply_publish_status(struct apply *apply);
void apply_say(struct apply *apply, int level, const char *format, ...) printf_like(3, 4);

/* For the source's thread: an event has the lock between them. While a batch is open, the second does not give it back, and the
 * first has it already. */
void apply_lock(struct apply *apply);
void apply_unlock(struct apply *apply);

/* For a job, which does one batch at a time and gives the lock back by apply_unlock: takes it at a moment when the source does not
 * wait for it. */
void apply_lock_idle(struct apply *apply);

/* Ends an event that ended with R, and gives the lock back. After an error nothing of the batch stays; the source starts again
 * from the last durable cookie. */
must_check int apply_end_event(struct apply *apply, int r);
/* Returns R. What a write of directory/ failed for is said once, until one succeeds. */
must_check int apply_tell_failure(struct apply *apply, int r);

/* --- apply_entry.c: members of the feed; CONTEXT is the apply */
must_check int apply_on_entry(void *context, const struct entry *entry);
must_check int apply_on_present(void *context, const uint8_t uuid[ENTRY_UUID_LEN]);
must_check int apply_on_gone(void *context, const uint8_t uuid[ENTRY_UUID_LEN]);

/* --- apply_refresh.c: the same */
must_check int apply_on_begin_refresh(void *context, bool complete);
must_check int apply_on_refresh_done(void *context, bool sweep, struct span cookie, uint32_t seconds);
must_check int apply_on_abort_refresh(void *context);
must_check int apply_on_cookie(void *context, struct span cookie);
must_check int apply_on_flush(void *context);
/* What the refresh has mentioned is needed no more. */
void apply_forget_mentions(struct apply *apply);

/* --- place.c: finding and moving nodes */

/* RDNS without the base's, for this event; -EXDEV when DN is not within the base. */
must_check int place_split(struct apply *apply, struct span dn, struct rdn **out_rdns, size_t *out_depth);
/* The parent of the node at RDNS, made with all its ancestors if need be. */
must_check int place_parent(struct apply *apply, const struct rdn *rdns, size_t depth, uint64_t *out_parent);
void place_forget(struct apply *apply);
void place_remember(struct apply *apply, const struct rdn *rdns, size_t depth, uint64_t id);
/* A new number; the node row is the caller's to write. */
uint64_t place_new_id(struct apply *apply);
/* The place where ENTRY is to stand, and the node that it is already (0 for none), which may stand elsewhere. Whatever else
 * stands in that place is moved aside. PARENT is 0 for the base entry. */
must_check int place_find(struct apply *apply, const struct entry *entry, const struct rdn *rdns, size_t depth,
                          uint64_t *out_parent, uint64_t *out_id);
/* Whether a refresh has left an entry without a place: it lost it to another one, and nothing was said of it. */
must_check int place_has_lost(struct apply *apply);
/* Makes node ID stand at PARENT as RDN, with all that is below it. The fragments of what is below follow; those of the
 * node's own entry are the caller's. RDN NULL: PARENT is the limbo, where a node waits whose place another entry took
 * until an event says where it is now. PARENT must not lie within ID. */
must_check int place_move(struct apply *apply, uint64_t id, uint64_t parent, const struct rdn *rdn);
/* The same to the limbo, with the fragments of its own entry. */
must_check int place_displace(struct apply *apply, uint64_t id);
/* Gives the children of FROM to TO and removes FROM, which holds no entry. */
must_check int place_merge(struct apply *apply, uint64_t from, uint64_t to);
/* Removes node ID, and its ancestors that hold no entry, if nothing is below them. */
must_check int place_prune(struct apply *apply, uint64_t id);

/* --- touch.c: fragments, pending subjects, serials */

/* What the stored entry ID contributes at its place; nothing for a node without an entry or in limbo.
 * Fragments lie in ARENA; the caller frees OUT with mapped_free. */
must_check int touch_map_stored(struct apply *apply, uint64_t id, struct arena *arena, struct mapped *out);
void mapped_free(struct mapped *mapped);
/* Writes the difference between what entry ID contributed and what it contributes now; the number of
 * fragments that differ, or negative. */
must_check int touch_replace(struct apply *apply, uint64_t id, const struct mapped *before, const struct mapped *after);
/* A change to SUBJECT is visible: it is put into pending, and its zones' serials will move. */
must_check int touch_subject(struct apply *apply, struct span subject);
/* Zone REVERSED was served with SERIAL by what is about to be replaced: it will be served with a later one. */
must_check int touch_keep_serial(struct apply *apply, struct span reversed, uint32_t serial);
/* Ends an event whose change was made at SECONDS (0: not known): advances the serials of the zones it touched. */
must_check int touch_finish(struct apply *apply, uint32_t seconds);

/* --- sweep.c */
must_check int seen_mark(struct seen *seen, uint64_t id);
bool seen_has(const struct seen *seen, uint64_t id);
void seen_clear(struct seen *seen);
/* Counts what would be removed; 1 when the brake holds it, 0 when it may go on. */
must_check int sweep_weigh(struct apply *apply, struct brake_figures *out);
/* Removes entries that were not seen, from number *FROM on, which goes on. 1 when a batch is full and committed, 0 at the end,
 * where the last ones are not committed. */
must_check int sweep_some(struct apply *apply, uint64_t *from);
/* Removes every entry that was not seen. */
must_check int sweep_run(struct apply *apply);
/* Removes entry ID: its fragments, and its node unless others stand below it. */
must_check int sweep_remove(struct apply *apply, uint64_t id);

/* --- sweep_mail.c */

/* Counts what of the mail environment would be removed, into FIGURES. */
must_check int sweep_weigh_mail(struct apply *apply, struct brake_figures *figures);
