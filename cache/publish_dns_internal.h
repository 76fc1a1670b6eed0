/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * What publish_dns.c (the thread) and publish_walk.c (walking over all subjects) share.
 */
#pragma once

#include "cache/publish_dns.h"

#include <pthread.h>

enum { PUBLISH_BATCH = 1000 }; /* subjects combined in one transaction */

struct publish {
	struct replica *replica;
	struct publish_options options;
	struct store *dns;
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
	uint64_t zones, problems, held_zones;
	uint64_t next_hold;     /* seconds since 1970, 0: no zone is held */
	struct arena arena;
	struct reduced reduced;
	struct text served, deferred;
	bool appending;         /* the environment is new: keys come in order */
};

/* What SUBJECT's record should be, into publish->reduced; the record that stands there now into publish->served
 * (*OUT_EXISTS tells whether there is one). */
must_check int publish_combine(struct publish *publish, struct store_txn *directory, struct store_txn *dns,
                               struct span subject, bool *out_exists, uint64_t *out_old_hold);

/* --- publish_walk.c */

/* For qsort: in order of keys. */
int publish_compare(const void *a, const void *b);

/* A walk over all subjects that there are or should be, in order of their keys. */
struct walk {
	const char *letters; /* of the subjects left to walk, the first one now */
	struct key last;     /* the last subject, empty at the start of a letter */
};

#define PUBLISH_LETTERS "nrsz"

struct walk_cursors {
	struct store_cursor *fragments, *zones, *served;
};

/* The next subject: 1, or 0 when the walk is over. */
must_check int publish_walk_next(struct walk *walk, const struct walk_cursors *cursors);

/* Both transactions of one step of a walk, and their cursors. */
struct walk_step {
	struct store_txn *directory, *dns;
	struct walk_cursors cursors;
};

must_check int publish_step_begin(struct publish *publish, bool write, struct walk_step *step);
void publish_step_end(struct walk_step *step);
