/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * Keeps one environment what directory/ says: one thread, the environment's only writer.
 *
 * It combines those subjects that commits of directory/ left pending and that are its environment's, each whole or not at
 * all, and remembers in the environment itself how far it has come: after a crash it goes on from there. A rebuild walks all
 * subjects in order and writes what differs, in small transactions; readers see every subject old or new all the while.
 *
 * Publishers know nothing of one another. Whoever holds up the writer of one environment holds up no other.
 */
#pragma once

#include "cache/project.h"
#include "cache/replica.h"

#include <stdatomic.h>

struct publish_options {
	enum project_environment environment;
	const char *cache_dir;
	const struct project_settings *settings;
	size_t map_size;
	gid_t group; /* who may read, (gid_t)-1: nobody else */
	void (*say)(void *context, int level, const char *sentence);
	/* Whether directory/ holds, and has derived from its entries, what a first build under these settings needs: 1, 0, or
	 * negative. An environment that holds nothing yet is not built of less, since readers would take what is missing for absent.
	 * NULL: a complete directory/ does. */
	int (*ready)(void *context);
	/* Called before changes up to SEQUENCE are shown: may wait a little for another environment that is to show them first. NULL: for
	 * none. */
	void (*before)(void *context, uint64_t sequence);
	/* Called, without locks, when everything committed so far is visible. */
	void (*caught_up)(void *context);
	void *context;
};

struct publish_status {
	bool complete;       /* readers may use it */
	bool rebuilding, rebuild_due;
	uint64_t applied;    /* the last sequence that is visible */
	uint64_t wanted;     /* the last that was committed */
	uint64_t subjects;   /* combined since the start */
	uint64_t counts[PROJECT_COUNTED_MAX]; /* of records, as project.h's counted[] */
	uint64_t problems;   /* subjects with something wrong */
	uint64_t busy_since; /* monotonic milliseconds since when one transaction runs, 0: none */
	char error[256];     /* what stops it, empty when nothing does */
};

struct publish;

/* Opens CACHE_DIR/NAME/FORMAT, wiping what a first build left half done. WHY gets a sentence on failure. */
must_check int publish_open(struct replica *replica, const struct publish_options *options, struct publish **out,
                            struct text *why);
must_check int publish_start(struct publish *publish);
/* Stops the thread and closes. NULL is fine. */
void publish_free(struct publish *publish);

/* directory/ has committed SEQUENCE. */
void publish_wanted(struct publish *publish, uint64_t sequence);
/* dns: as served in apply.h. */
must_check int publish_served(struct publish *publish, uint32_t *out_base, uint32_t *out_epoch,
                              int (*each)(void *context, struct span reversed, uint32_t serial), void *context);
/* Everything is to be combined anew. */
void publish_rebuild(struct publish *publish);
/* How far the environment is, durably: no pending row of its own up to here is needed. */
uint64_t publish_applied(struct publish *publish);
void publish_status(struct publish *publish, struct publish_status *out);

/* How long one transaction has been running, in milliseconds; 0: none is. A long one is held up by a reader. */
uint64_t publish_busy_for(const struct publish_status *status);
/* Whether that is so long that someone should know. */
bool publish_is_stuck(const struct publish_status *status);

/* Combines every subject and compares, without writing: the number of records that differ, or negative. Each difference is
 * told to EACH in a sentence. */
int64_t publish_verify(struct publish *publish, void (*each)(void *context, const char *sentence), void *context,
                       const atomic_bool *stop);

/* What is wrong between entries, a subject a call: the list (problem_next) of the next one after *LAST (start with an
 * empty key) in OUT_LIST, and its key in *LAST: 1, 0 at the end. */
must_check int publish_next_problems(struct publish *publish, struct key *last, struct text *out_list);

/* Frees the reader slots of processes that died. */
void publish_check_readers(struct publish *publish);

must_check int publish_figures(struct publish *publish, struct store_figures *out);
