/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * Logins on connections: one request each, a question to ispman-saslauthd, what the cache says of the account, one reply.
 *
 *	request ─▶ which account is it? ─▶ is the password right? ─▶ which account is it now? ─▶ reply, close
 *	                 ▲                                                  │ another one
 *	                 └────────────────── once more, after PAUSE ◀───────┘
 *
 * Between the two looks a login may have changed hands. A home is given away only when the password was that account's: ispman-saslauthd
 * says whose it was, and where it does not, the account must be the same before and after.
 */
#pragma once

#include "cache/account.h"
#include "common/counters.h"
#include "common/seldom.h"
#include "common/server.h"
#include "ftpauth/session.h"

#define SERVE_PROGRAM "ispman-ftpauthd"

enum {
	SERVE_COUNT_ACCEPTED = SERVER_COUNTS,
	SERVE_COUNT_UNKNOWN,
	SERVE_COUNT_REFUSED,
	SERVE_COUNT_FLAWED,
	SERVE_COUNT_CANNOT_TELL,
	SERVE_COUNT_NONSENSE,
	SERVE_COUNT_AGAIN,
	SERVE_COUNTS
};
extern const struct counters_row serve_counter_rows[SERVE_COUNTS];

struct serve {
	struct server *server;
	struct cache *cache;
	struct login_options login;
	struct session_rules rules;
	const char *saslauth_socket;
	uint64_t timeout_ms;
	struct counters *counters;
	struct seldom seldom;
	struct account_answer found; /* of the present look */
	struct text dir;
	bool failing; /* the log says that there is no telling */
};

extern const struct server_protocol serve_extauth;

void serve_end(struct serve *serve);
