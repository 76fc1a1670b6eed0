/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * What publish.c (the thread), publish_work.c (its transactions), publish_subject.c (one subject) and publish_walk.c (walking
 * over all subjects) share; and what one environment has besides its row of projections[].
 */
#pragma once

#include "cache/publish.h"

#include <pthread.h>

enum { PUBLISH_BATCH = 1000 }; /* subjects combined in one transaction */

struct publish {
	const struct projection *projection;
	const struct publish_special *special; /* NULL: nothing is */
	struct replica *replica;
	struct publish_options options;
	struct store *store;
	uint8_t identity[16]; /* of directory/ */
	bool rebuilding;      /* the environment is made from more than one directory/: it names none */

	pthread_t thread;
	bool started;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool stop, rebuild, poked;
	struct publish_status status;
	uint64_t durable;

	/* The thread's own. */
	bool complete;
	bool loading;           /* the first build, without fsync, is not through */
	uint64_t applied;
	struct key resume;      /* the last pending row that was combined, when a batch ended within a sequence */
	uint64_t counts[PROJECT_COUNTED_MAX], problems;
	uint64_t next_due;      /* seconds since 1970 when special->due is to be called, 0: never */
	struct arena arena;
	struct reduced reduced;
	struct text served, deferred;
	uint64_t log_next;      /* the number of the next change that is logged, 0: to be found out */
	bool appending;         /* the environment is new: keys come in order */
};

/* A walk over all subjects that there are or should be, in order of their records' keys. */
struct walk {
	const struct publish_special *special;
	const char *letters; /* of the subjects left to walk, the first one now */
	struct key last;     /* the last subject, empty at the start of a letter */
};

struct walk_cursors {
	struct store_cursor *fragments, *zones, *records;
};

/* What is one environment's own. RECORDS is a transaction of the environment. */
struct publish_special {
	/* Fills in what reduce knows besides the fragments. */
	int (*know)(struct store_txn *directory, struct store_txn *records, struct reduce_input *input);
	/* publish->reduced was written for KNOWN->subject: writes what else there is to write. 1 when that changed something, 0,
	 * or negative. */
	int (*wrote)(struct publish *publish, struct store_txn *records, const struct reduce_input *known);
	const char *letters; /* to walk: what has no other subjects among its own */
	const char *letters_again; /* the same, in the order in which readers may see them change */
	/* 1 and the next subject after WALK's that neither fragments of the walk's letter nor records tell of, 0 for none, or negative. */
	int (*walk)(const struct walk *walk, const struct walk_cursors *cursors, struct key *out);
	/* Time has passed: combines what is due, and says in publish->next_due when it wants to be called again. */
	int (*due)(struct publish *publish);
};

extern const struct publish_special publish_special_dns;

/* --- publish_subject.c */

/* What SUBJECT's record should be, into publish->reduced; the record that stands there now into publish->served
 * (*OUT_EXISTS tells whether there is one). *OUT_KNOWN: the subject, and what of it was known besides fragments. */
must_check int publish_combine(struct publish *publish, struct store_txn *directory, struct store_txn *records,
                               struct span subject, bool *out_exists, struct reduce_input *out_known);
/* Combines SUBJECT and writes what differs: 1 when something did. */
must_check int publish_subject(struct publish *publish, struct store_txn *directory, struct store_txn *records,
                               struct span subject);
/* Writes OCTETS as the row LETTER of SUBJECT, or removes it when there are none: 1 when that changed something. */
must_check int publish_put_companion(struct publish *publish, struct store_txn *records, char letter, struct span subject,
                                     struct span octets);
void publish_companion_key(struct key *out, char letter, struct span subject);
/* Problems that publish_subject kept back in a first build, so that records go on being appended. */
must_check int publish_put_deferred(struct publish *publish, struct store_txn *records);
/* Counts what stands in the environment from before. */
must_check int publish_count(struct publish *publish, struct store_txn *records);
/* What a transaction that failed had counted. */
void publish_forget_counts(struct publish *publish);

/* --- publish_work.c: one writing transaction each */

void publish_set_busy(struct publish *publish, bool busy);
/* Ends *RECORDS, which shows APPLIED. */
must_check int publish_commit(struct publish *publish, struct store_txn **records, bool complete, uint64_t applied);
/* Combines one batch of pending subjects: 1 when more are left, 0 when none is. */
must_check int publish_batch(struct publish *publish);
/* Combines everything: 0, 1 when it was stopped, or negative. */
must_check int publish_all(struct publish *publish);

/* --- publish_log.c */

/* Notes in the environment's log that the record of SUBJECT is another one, if its changes are logged: 0 or negative. */
must_check int publish_log(struct publish *publish, struct store_txn *records, struct span subject);
/* A log begins with the first snapshot that readers may use. */
must_check int publish_log_begin(struct publish *publish, struct store_txn *records);

/* --- publish_walk.c */

/* For qsort: in order of keys. */
int publish_compare(const void *a, const void *b);

struct walk publish_walk_of(const struct publish *publish);
/* The next subject: 1, or 0 when the walk is over. */
must_check int publish_walk_next(struct walk *walk, const struct walk_cursors *cursors);
/* Where the walk over one table goes on. */
struct walk_position {
	char letter;      /* of the keys */
	struct key after; /* the next one is greater */
	bool fragments;   /* the keys are those of fragments: SUBJECT 0 number */
	bool pass;        /* and those of the subject AFTER are passed over */
	bool unprefixed;  /* the keys are without the letter */
};
/* The smallest subject or record above POSITION that CURSOR's table has. */
must_check int publish_walk_seek(const struct walk_position *position, struct store_cursor *cursor, struct key *out);
/* Makes *BEST that of the two whose record comes first; an empty one comes last. */
void publish_walk_take(const struct key *candidate, struct key *best);

/* Both transactions of one step of a walk, and their cursors. */
struct walk_step {
	struct store_txn *directory, *records;
	struct walk_cursors cursors;
};

must_check int publish_step_begin(struct publish *publish, bool write, struct walk_step *step);
void publish_step_end(struct walk_step *step);
