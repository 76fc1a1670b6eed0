/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * What everybody who answers from the cache does before and after a lookup: open an audience's environment, take a
 * snapshot, give it back.
 *
 * Every lookup knows three words: 1 found, 0 absent, and a negative errno for "cannot tell". Which errno hardly
 * matters to a front end; cache_error_text() says in a sentence what is the matter:
 *
 *   -ENOENT   no cache there yet          -ENODATA  never completely loaded      -EACCES  no right to read it
 *   -EPROTO   another version's values    -EIO, -EBADMSG  damaged                -EBUSY   no reader slot, or just resized
 *   -ESTALE   older than the caller accepts
 *
 * A struct cache is shared in the process and may be used by all threads. It opens the environment when it can, tries again
 * at most once a second, and changes over to files that replaced the open ones once they are completely loaded. Each
 * thread keeps one reader, which costs a fraction of a microsecond to renew and ends with the thread.
 */
#pragma once

#include "cache/store.h"
#include "common/macro.h"

/* What ispman-cached publishes (common/counters.h): when it last knew that it has what the directory has. */
#define CACHE_CONTACT_PROGRAM "ispman-cached"
#define CACHE_CONTACT_COUNTER "contact_time_seconds"
/* The same of one environment; its labels are made with its name. */
#define CACHE_CONTACT_COUNTER_EACH "environment_contact_time_seconds"
#define CACHE_CONTACT_LABELS "environment=\"%s\""

struct cache;

struct cache_options {
	const char *cache_dir;
	const char *audience; /* "dns" */
	unsigned format;      /* the environment is CACHE_DIR/AUDIENCE/FORMAT */
	const char *run_dir;  /* where ispman-cached publishes; NULL: the age is that of the last commit */
};

/* Never fails for missing data, only with -ENOMEM. The same environment is the same struct cache for the whole process. */
must_check int cache_open(const struct cache_options *options, struct cache **out);
void cache_close(struct cache *cache);
void cache_closep(struct cache **cache);

const char *cache_path(const struct cache *cache);

/* Seconds since the cache was last known to be equal to the directory; 0 or a negative errno when there is no telling. */
must_check int cache_age(struct cache *cache, uint64_t *out_seconds);

/* When CACHE was last known to be equal to the directory, in microseconds since 1970: what ispman-cached published, also one
 * that is gone, else the time of the last commit; 0 when nothing tells. */
uint64_t cache_last_contact(const struct cache *cache);

/* 0, or -ESTALE when the age exceeds MAX_AGE (0: any age will do) or is not known. */
must_check int cache_check_age(struct cache *cache, uint64_t max_age);

/* Why the last call in this thread failed; never NULL. */
const char *cache_error_text(void);

/* --- for the typed reading interfaces (cache/dns.h and its like) -------------------------------------- */

/* A thread's view of one environment. */
struct cache_view {
	struct cache_view *next;
	struct cache *cache;
	struct store *store;
	unsigned generation;
	struct store_txn *txn;
	struct store_cursor *cursor; /* of table 0 */
	uint64_t txn_id;
	uint32_t second; /* of CLOCK_MONOTONIC_COARSE, at the last begin */
	bool is_new; /* the snapshot is not the one of the last begin: what was decoded of that one is void */
	bool is_loaded;
	void *decoded; /* belongs to the typed interface */
	void (*free_decoded)(void *decoded);
};

/* This thread's view, NULL when it has none yet. */
struct cache_view *cache_view_of_thread(const struct cache *cache);

/* Takes the newest snapshot: 0 and this thread's view in *OUT, or negative. Not to be nested. */
must_check int cache_begin(struct cache *cache, struct cache_view **out);
void cache_end(struct cache_view *view);
