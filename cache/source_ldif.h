/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * The source that needs no server: an LDIF file is loaded, and loaded again whenever it changes.
 *
 * A file may be replaced (renamed over, the good way) or written in place. One that is being written is waited
 * for; one that changes while it is read is read again; one that is wrong in any line changes nothing, and what is
 * cached stays. The same holds for a file that has no entry, is missing, or holds passwords that others may read.
 *
 * Changes are seen by inotify, and by looking every few seconds, since inotify does not know what
 * another machine writes to a network file system.
 */
#pragma once

#include "cache/feed.h"
#include "common/macro.h"

#include <time.h>

enum { SOURCE_LDIF_SENTENCE_MAX = 512 };

/* Times of 0 are the defaults. Strings and feed must outlive the source. */
struct source_ldif_config {
	const char *path;
	const char *spool_dir; /* the cache's folder: what does not fit into memory goes there, unnamed */
	const struct feed *feed;

	/* As in struct ldif_load. */
	bool (*wanted)(void *context, struct span attribute);
	bool (*secret)(void *context, struct span attribute);

	/* A sentence for the log. From the source's thread, as the next one. */
	void (*say)(void *context, int level, const char *sentence);
	/* The state is another one; progress alone is not told. */
	void (*changed)(void *context);
	void *context;

	unsigned settle_ms; /* a file that nothing wrote to for so long is whole: 300 */
	unsigned writer_ms; /* the same while some program has written to it and not closed it: 5000 */
	unsigned look_ms;   /* between two looks without a sign of change: 3000 */
	unsigned retry_ms;  /* after the cache or the disk failed, doubled up to 64 times: 1000 */
};

enum source_ldif_phase {
	SOURCE_LDIF_STARTING,
	SOURCE_LDIF_MISSING,
	SOURCE_LDIF_SETTLING, /* the file is, or may be, being written */
	SOURCE_LDIF_READING,
	SOURCE_LDIF_APPLYING,
	SOURCE_LDIF_FOLLOWING, /* the file as it is was loaded */
	SOURCE_LDIF_FAILED,    /* it cannot be; waiting for it to change, or to try again */
	SOURCE_LDIF_STOPPED,
};

struct source_ldif_state {
	enum source_ldif_phase phase;
	uint64_t progress;        /* entries of the load under way */
	uint64_t loads, failures; /* in this process */
	uint64_t entries;         /* of the last complete load */
	uint32_t seconds;         /* of its newest entryCSN, 0 for none */
	time_t loaded_at;         /* when it was, 0 for never */
	time_t written_at;        /* the file's time of change then */
	char error[SOURCE_LDIF_SENTENCE_MAX]; /* why the file is not what is cached; "" when it is */
};

struct source_ldif;

must_check int source_ldif_new(const struct source_ldif_config *config, struct source_ldif **out);

/* Loads and follows until STOP_FD is readable: the body of a thread. All calls of the feed come from here. */
void source_ldif_run(struct source_ldif *source, int stop_fd);

/* From any thread. */
void source_ldif_state(struct source_ldif *source, struct source_ldif_state *out);

/* Whether the file as it is at this moment is what was loaded. From any thread. */
bool source_ldif_is_current(struct source_ldif *source);

/* "following", "reading", ... */
const char *source_ldif_phase_name(enum source_ldif_phase phase);

/* After source_ldif_run has returned. NULL is fine. */
void source_ldif_free(struct source_ldif *source);
void source_ldif_freep(struct source_ldif **source);
