/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * A login on a connection, from its strings to its reply.
 *
 *	look up who it is and what is stored  (one snapshot)
 *	hold it, if somebody guesses          (a timer; then it is looked up anew)
 *	check what is cheap to check          (here)
 *	right lately?                         (saslauth/verified.h)
 *	check what is costly                  in the pool's threads, or by a bind
 *	look up again, if that took time      what has changed meanwhile decides: once more, or "cannot tell"
 *	reply                                 OK, NO, or the end of the connection for "cannot tell" and overload
 *
 * Every NO is the same and takes the same time, whoever does not exist; why it was said stands in one line of the log:
 *
 *	login refused: user=<ada@tern.example> service=<smtp> rip=<-> reason=<password>
 */
#pragma once

#include "cache/secret.h"
#include "common/counters.h"
#include "common/seldom.h"
#include "common/server.h"
#include "saslauth/digest.h"
#include "saslauth/pool.h"
#include "saslauth/saslauthd_settings.h"
#include "saslauth/throttle.h"
#include "saslauth/usual.h"
#include "saslauth/verified.h"

#define SERVE_PROGRAM "ispman-saslauthd"

/* Why a login is refused besides enum login_reason; words in serve.c. */
enum serve_reason {
	SERVE_PASSWORD = LOGIN_REASONS, /* it is wrong */
	SERVE_NONSENSE,                 /* the request, or an empty password */
	SERVE_UNUSABLE,                 /* one for each enum password_kind but the first */
	SERVE_REASONS = SERVE_UNUSABLE + PASSWORD_TOO_COSTLY
};

enum {
	SERVE_COUNT_ACCEPTED = SERVER_COUNTS,
	SERVE_COUNT_REFUSED,
	SERVE_COUNT_CANNOT_TELL,
	SERVE_COUNT_OVERLOAD,
	SERVE_COUNT_STRANGERS,
	SERVE_COUNT_VERIFIED,
	SERVE_COUNT_INLINE,
	SERVE_COUNT_HASHED,
	SERVE_COUNT_BOUND,
	SERVE_COUNT_HELD,
	SERVE_COUNT_REPEATED,
	SERVE_COUNT_WAITING,
	SERVE_COUNT_RUNNING,
	SERVE_COUNT_REASON, /* one a reason */
	SERVE_COUNTS = SERVE_COUNT_REASON + SERVE_REASONS
};
extern const struct counters_row serve_counter_rows[SERVE_COUNTS];

struct serve {
	struct serve *self; /* the meaning of listeners points here */
	struct cache *cache;
	const struct saslauthd_settings *settings;
	struct password_limits limits; /* what may be checked; read in the loop only */
	struct digest *digest;
	struct verified *verified;
	struct throttle *throttle;
	struct pool *hashes, *binds; /* BINDS: NULL unless [login] verify wants it */
	struct usual usual;
	struct counters *counters;
	struct secret_answer answer; /* of the present look-up */
	struct text sentence;
	struct seldom seldom;
	uint64_t bind_time; /* milliseconds that a bind takes, about */
	size_t held;
	uint64_t epoch; /* counts changes of settings */
	bool tells_all; /* accepted logins are logged, too */
	bool failing;  /* the log says that the cache cannot tell */
};

extern const struct server_protocol serve_mux; /* the meaning of its listeners is &serve->self */

/* The check of serve->hashes. CONTEXT is a struct password_limits that does not change: what goes there was looked at before. */
int serve_check_hash(void *context, struct span stored, struct span password);
/* A check of a pool is over. OWNER is the connection. */
void serve_finished(void *context, void *owner, int verdict);

/* What SETTINGS say, from now on. */
void serve_use(struct serve *serve, const struct saslauthd_settings *settings);
/* Gauges, now and then. */
void serve_measure(struct serve *serve);
void serve_end(struct serve *serve);
