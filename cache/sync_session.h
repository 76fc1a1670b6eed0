/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * One synchronising search (RFC 4533, refreshAndPersist): its messages become events of a feed.
 *
 * What makes this delicate is the end of the refresh, where the server says in one message whether it
 * named everything that exists (then the rest is gone) or everything that went. The answer depends on what was
 * asked and on what came before, and a wrong one empties the cache or leaves ghosts in it. Hence:
 *
 *   no cookie was sent            all that exists was sent; the rest is gone
 *   a present phase was ended     all that exists was sent or named; the rest is gone
 *   neither                       nothing is gone but what was named
 *   neither, and no usable cookie the server did not understand ours and sent everything: start anew
 *   everything, and it is nothing an access rule, a filter; never a reason to remove anything
 *
 * Knows neither sockets nor time.
 */
#pragma once

#include "cache/feed.h"
#include "cache/message.h"
#include "common/log.h"

enum sync_session_step {
	SYNC_SESSION_ON,
	SYNC_SESSION_COMPLETE, /* the refresh has just been completed; changes follow */
	SYNC_SESSION_OVER,     /* the server ended the search after a complete refresh */
	SYNC_SESSION_ANEW,     /* start again without a cookie */
	SYNC_SESSION_UNSETTLED, /* the same, because the feed needs it */
	SYNC_SESSION_EMPTY,    /* a refresh that shows nothing at all */
	SYNC_SESSION_BASE_GONE, /* the entry at the base went; not told to the feed */
	SYNC_SESSION_NONSENSE, /* not RFC 4533; session->why says what */
	SYNC_SESSION_FEED,     /* the feed failed: session->error */
};

struct sync_session {
	const struct feed *feed;
	uint8_t base_uuid[ENTRY_UUID_LEN];
	bool begun;
	bool complete; /* the refresh is; what comes are changes */
	bool sent_cookie;
	bool ended_present;
	bool urgent;    /* content waits for a flush, not only a cookie */
	size_t pending; /* events since the last flush */
	uint64_t entries, presents, gones; /* of the refresh */
	uint64_t changes, duplicates;      /* changes: since the refresh */
	struct text cookie;                /* the newest one that covers what was said to the feed */
	int error;
	struct text why;
};

/* Says begin_refresh to FEED. COOKIE is what the search was sent with, BASE_UUID the entry at its base.
 * Returns 0 or the feed's error. */
must_check int sync_session_begin(struct sync_session *session, const struct feed *feed,
                                  const uint8_t base_uuid[ENTRY_UUID_LEN], struct span cookie);

/* One message of the search. A RESULT only when its code is success. */
enum sync_session_step sync_session_take(struct sync_session *session, const struct message *message);

/* Flushes the feed when something waits. Returns 0 or the feed's error. */
must_check int sync_session_flush(struct sync_session *session);

/* The search is no more: an unfinished refresh is aborted. Frees what SESSION holds. Returns 0 or the
 * feed's error. */
int sync_session_end(struct sync_session *session);
