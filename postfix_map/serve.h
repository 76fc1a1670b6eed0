/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * Questions on connections: both dialects, and holding a question for which the cache cannot tell the answer yet.
 *
 * Postfix takes every failure for the verdict of the whole session (and smtpd remembers it for as long as it lives), but waits
 * a hundred seconds for an answer. So a question is held, and the cache asked again, for HOLD_MS; mostly that is a restart or a
 * file that was just replaced. Only then "try later" is said.
 */
#pragma once

#include "cache/mail.h"
#include "common/counters.h"
#include "common/seldom.h"
#include "common/server.h"

#define SERVE_PROGRAM "ispman-socketmapd"

enum {
	SERVE_COUNT_FOUND = SERVER_COUNTS,
	SERVE_COUNT_ABSENT,
	SERVE_COUNT_LATER,
	SERVE_COUNT_NONSENSE,
	SERVE_COUNT_HELD,
	SERVE_COUNT_OVERSIZE,
	SERVE_COUNT_MAP, /* one a map */
	SERVE_COUNTS = SERVE_COUNT_MAP + MAIL_MAPS
};
extern const struct counters_row serve_counter_rows[SERVE_COUNTS];

struct serve {
	struct cache *cache;
	struct mail_options options;
	uint64_t hold_ms;
	struct counters *counters;
	struct text value, sentence, key; /* of the present question */
	struct seldom seldom;
	bool failing; /* the log says that the cache cannot tell */
	/* What connections of a listener are for: socketmap, or a map as a tcp_table. */
	struct serve_place {
		struct serve *serve;
		enum mail_map map;
	} places[MAIL_MAPS + 1];
};

extern const struct server_protocol serve_socketmap, serve_tcptable;

/* Sets the places; the rest is up to the caller. */
void serve_begin(struct serve *serve);
void serve_end(struct serve *serve);
