/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * Events of a source (feed.h) to transactions of directory/.
 *
 * A batch of events and the cookie that covers them are one transaction, which also holds what they touched and the environments
 * do not show yet (pending). Nothing is removed by a refresh before it is complete; then what it did not mention is swept,
 * unless that is so much that the brake holds it.
 *
 * The feed is called by the source's thread. apply_status may be called by any; the others by a thread that may wait for
 * seconds: they take the mutex that serialises transactions, and never keep it for longer than a batch (the source also for
 * a sweep that the brake let pass). The source has it from a batch's first event to its flush.
 */
#pragma once

#include "cache/feed.h"
#include "cache/project.h"
#include "cache/replica.h"

#include <pthread.h>
#include <stdatomic.h>

enum { APPLY_DIRTY_MAX = 3000 }; /* pages of 4 KiB that a transaction may dirty before it is committed */

struct apply_options {
	const struct project_settings *project;
	struct span binding;   /* names what the cookie is good for: source, base, filter, attributes, profile */
	bool by_dn;            /* entries are told by DN (LDIF), not by entryUUID */
	unsigned brake_percent;
	/* Called after each commit with its sequence number, under the mutex. It may wait a little for the publisher, which holds up
	 * the source and jobs, as it is meant to, and nobody else. */
	void (*committed)(void *context, uint64_t sequence);
	/* The directory is complete for the first time. */
	void (*completed)(void *context);
	/* How far all environments have come, durably: pending rows up to it are no longer needed. */
	uint64_t (*published)(void *context);
	/* For a directory that begins anew under a dns/ that goes on: what serials are made with there, and EACH (unless it is
	 * NULL) with every zone that has been served and its serial. 1, 0 when dns/ never held anything. May be NULL. */
	int (*served)(void *context, uint32_t *out_base, uint32_t *out_epoch,
	              int (*each)(void *context, struct span reversed, uint32_t serial), void *each_context);
	/* Sentences for the log. */
	void (*say)(void *context, int level, const char *sentence);
	void *context;
};

/* What a held sweep would remove, by kind: zones that are no longer served, records of zones that still are; mail domains, and
 * addresses and accounts of those that stay. */
struct brake_figures {
	uint64_t entries, zones, records;
	uint64_t zones_total, records_total;
	uint64_t mail_domains, addresses;
	uint64_t mail_domains_total, addresses_total;
	uint64_t accounts, accounts_total;
};

struct apply_status {
	bool complete;      /* one load at least was */
	bool loading;       /* the first load is under way */
	bool refreshing;
	bool held;          /* the brake holds a sweep */
	struct brake_figures brake;
	uint64_t entries, sequence;
	uint64_t mentioned; /* entries of the refresh under way */
};

struct apply;

must_check int apply_new(struct replica *replica, const struct apply_options *options, struct apply **out);
void apply_free(struct apply *apply);

/* The functions of FEED call into APPLY. */
void apply_feed(struct apply *apply, struct feed *feed);

void apply_status(struct apply *apply, struct apply_status *out);

/* Lets the held sweep run, once, in small transactions between which changes go on. STOP may end it early (-ECANCELED): it
 * is held still then. 0, -ENOENT when nothing is held, -ESTALE when a refresh has begun in between, which will be weighed
 * itself. */
must_check int apply_release_brake(struct apply *apply, const atomic_bool *stop);

/* Whether apply_remap may run now: 1, 0, or negative. When the profile has other names for things, the entries that are there lack what
 * has the new names, and would seem to say that it is gone: not before a complete refresh has brought it. Another version of
 * the program is no reason to wait. */
must_check int apply_may_remap(struct apply *apply);

/* Whether the entries are there as these settings ask for them, and every fragment is derived from them with these settings. */
must_check int apply_is_derived(struct apply *apply);

/* Derives every fragment again from the entries, in small transactions between which changes go on, and touches what
 * differs. STOP may end it early. The number of fragments that differed, or negative. */
int64_t apply_remap(struct apply *apply, const atomic_bool *stop);

/* Remembers that all is derived with these settings: to be called when the environments have been made anew too. */
must_check int apply_mark_derived(struct apply *apply);

/* Whether that is not so: apply_remap is due, and then the environments. */
must_check int apply_needs_remap(struct apply *apply);
