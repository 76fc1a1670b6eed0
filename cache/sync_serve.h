/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * Between sync.c, which chooses a server and waits between tries, and sync_serve.c, which stays
 * with one server for as long as that goes well.
 */
#pragma once

#include "cache/sync.h"

/* How it ended with a server. Where a sentence is due, it stands in run->why. */
enum sync_end {
	SYNC_END_NONE,
	SYNC_END_STOP,
	SYNC_END_LOST,    /* was synchronised; the connection went */
	SYNC_END_FAILED,  /* never got that far */
	SYNC_END_HELD,    /* answered, but with what must not be used */
	SYNC_END_LAGGING, /* is behind us, or holds another database */
	SYNC_END_ANEW,    /* once more, at once, without a cookie */
	SYNC_END_SWITCH,  /* to run->candidate, the preferred server */
	SYNC_END_FEED,    /* our own side failed */
};

struct sync_run {
	const struct sync_config *config;
	const struct feed *feed;
	int stop_fd;
	struct sync_status *status;

	struct text *told;       /* a server: the last failure told about it */
	struct text why;
	/* Both until a refresh is complete. */
	bool without_cookie;     /* everything is to be read */
	bool believes;           /* a server may be behind us, or hold another database */
	uint64_t lagging_since;  /* milliseconds, 0: nobody is */
	bool synchronised;       /* this connection completed a refresh */
	bool stalled;            /* the last server was left because it was behind its own contextCSN */
	uint64_t stall_patience; /* how long a server may be behind its own contextCSN */
	struct connection *candidate;
};

/* Stays with the server behind C until that ends. C remains the caller's. */
enum sync_end sync_serve(struct sync_run *run, struct connection *c);

/* Empties the descriptor that questions (sync_ask) wake with. */
void sync_take_questions(struct sync_run *run);

/* Milliseconds that only grow. */
uint64_t sync_now(void);

void sync_set_phase(struct sync_run *run, enum sync_phase phase);
void sync_tell(struct sync_run *run, enum log_level level, const char *sentence);
/* Tells run->why about server URI unless it was the last thing told about it, keeps it in the status, and empties it. */
void sync_tell_failure(struct sync_run *run, size_t uri, enum log_level level);
