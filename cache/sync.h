/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * Follows an LDAP directory: keeps a synchronising search open on one of several servers, and a feed
 * informed of what it says.
 *
 * sync_run takes a thread for itself; the feed is called from that thread only. Failures are never fatal:
 * another server is tried, then all of them again after a while. Each failure is told once, and again when it
 * changes; the status always has the last one.
 */
#pragma once

#include "cache/connection.h"
#include "cache/feed.h"
#include "common/log.h"

#include <pthread.h>

/* Times in seconds. */
struct sync_config {
	struct connection_config server;
	const char *base;
	const char *filter; /* none: (objectClass=*) */
	const char *const *attributes; /* none: all user attributes; entryCSN is always asked for */
	size_t attribute_count;
	unsigned lag_timeout;     /* how long a server may be behind us before that counts as its state */
	unsigned probe_interval;  /* between questions whether the server is still there; 0: none */
	unsigned return_interval; /* between attempts to get back to the first server; 0: none */

	/* Tells an administrator SENTENCE. Called from the thread of sync_run. */
	void (*say)(void *context, enum log_level level, const char *sentence);
	/* A question (sync_ask) is answered: view.answered has grown. From the same thread. */
	void (*answered)(void *context);
	void *say_context;
};

enum sync_phase {
	SYNC_CONNECTING,
	SYNC_REFRESHING,
	SYNC_PERSIST, /* complete; changes come as they are made */
	SYNC_WAITING, /* for another try, after a failure */
	SYNC_LAGGING, /* for a server to catch up with what is in the cache */
	SYNC_HELD,    /* for another try, after an answer that must not be used: partial or empty */
	SYNC_STOPPED,
};

enum { SYNC_URI_MAX = 256, SYNC_SENTENCE_MAX = 1024 };

/* What another thread may know. Times: CLOCK_REALTIME seconds, 0 for never. */
struct sync_view {
	enum sync_phase phase;
	int64_t phase_since;
	char uri[SYNC_URI_MAX]; /* in use, or last tried */
	int64_t contact;        /* the last sign of life from a server while synchronised */
	uint64_t contact_boot;  /* the same in milliseconds of CLOCK_BOOTTIME, for ages */
	char error[SYNC_SENTENCE_MAX]; /* the last failure, "" when none since the last completed refresh */
	int64_t error_at;
	bool behind;            /* the server's contextCSN is ahead of what it has told us */
	uint64_t entries, presents, gones; /* in this refresh */
	uint64_t changes;       /* entries and deletions told since this refresh */
	uint64_t messages;      /* LDAP messages, ever */
	uint64_t refreshes;     /* completed, ever */
	uint64_t attempts;      /* to connect, ever */
	uint64_t connections;   /* made, ever */
	uint64_t answered;      /* the last question that was */
};

struct sync_status {
	pthread_mutex_t lock;
	struct sync_view view;
	uint64_t asked; /* the last question */
	int ask_fd;     /* an eventfd, the caller's, that sync_ask wakes the thread with; -1: there are no questions */
};

#define SYNC_STATUS_INIT                                                                                               \
	{                                                                                                              \
		.lock = PTHREAD_MUTEX_INITIALIZER, .view = { .phase = SYNC_CONNECTING }, .ask_fd = -1                  \
	}

/* A copy of STATUS as of now. */
void sync_status_read(struct sync_status *status, struct sync_view *out);

/* Asks the server what it has by now; from any thread. When view.answered reaches the number that is returned, all that the
 * server had at this moment was told to the feed and flushed. */
uint64_t sync_ask(struct sync_status *status);
const char *sync_phase_name(enum sync_phase phase);

/* Follows until STOP_FD becomes readable. Returns 0, or a negative errno when it cannot even begin. */
must_check int sync_run(const struct sync_config *config, const struct feed *feed, int stop_fd,
                        struct sync_status *status);

/* Reads every entry once, over a connection of its own, with a plain search for the same attributes: for comparing.
 * EACH returns 0 or a negative errno, which ends the reading.
 * Returns 0 when all were read, -ECANCELED when STOP_FD became readable, or a negative errno with a sentence
 * in WHY. */
must_check int sync_read_all(const struct sync_config *config,
                             int (*each)(void *context, const struct entry *entry), void *context,
                             int stop_fd, struct text *why);
