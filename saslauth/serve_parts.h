/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * Between serve.c (a login from step to step) and serve_reply.c (what is said at its end, to the client and to the log).
 */
#pragma once

#include "saslauth/client.h"
#include "saslauth/serve.h"

enum attempt_stage {
	ATTEMPT_NEW,
	ATTEMPT_HELD,    /* somebody guesses */
	ATTEMPT_CHECKED, /* in a thread */
	ATTEMPT_RESTS,   /* refused, when a check would have been over */
};

/* A connection's state: the one login that is asked on it. */
struct attempt {
	enum attempt_stage stage;
	struct span login, password, service, realm; /* in the input, or in KEPT */
	char *kept;                                  /* KEPT_LEN octets to be overwritten; NULL: nothing is waited for yet */
	size_t kept_len;
	bool has_address;
	uint8_t address[CLIENT_OCTETS];
	bool names_account; /* a trusted peer's with five strings: it is told whose password it was */
	struct throttle_attempt throttle;
	bool counted; /* THROTTLE is filled */

	/* Of the look-up that is being judged. */
	bool allowed;
	bool has_entry, may_remember;
	unsigned reason; /* when it is not allowed */
	unsigned char identity[DIGEST_OCTETS]; /* of everything the verdict depends on, once it is IDENTIFIED */
	bool identified;
	uint64_t account;

	/* Of a check in a thread. */
	struct pool *pool;
	struct pool_ticket *ticket;
	unsigned repeats;
	bool over, dummy, bind_next;
	int verdict;
	unsigned unusable; /* a reason, if no stored value could be checked; else 0 */
	uint64_t until, begun;
};

static inline struct serve *
serve_of(struct server_connection *c)
{
	/* What it means is const for the server, not for us. */
	return *(struct serve *const *)server_meaning(c);
}

static inline void
serve_count(struct serve *serve, unsigned index)
{
	counters_add(serve->counters, index, 1);
}

bool serve_is_exempt(const struct serve *serve, const struct attempt *a);
/* SERVE's answer is the attempt's. */
struct throttle_question serve_throttle_question(struct serve *serve, const struct attempt *a);
/* The attempt counts, if it does not already. The same. */
void serve_count_attempt(struct serve *serve, struct attempt *a, uint64_t now);

/* Ends of an attempt. Its password is remembered unless it IS_REMEMBERED. */
enum server_step serve_accept(struct server_connection *c, struct attempt *a, bool is_remembered);
/* SERVE's answer is the attempt's, if the attempt has not been counted yet. */
enum server_step serve_refuse(struct server_connection *c, struct attempt *a, unsigned reason);
enum server_step serve_cannot_tell(struct server_connection *c, struct attempt *a);
enum server_step serve_overload(struct server_connection *c, struct attempt *a, const char *sentence);

/* What is said once a minute, whoever it happens to. */
void serve_say_seldom(struct server_connection *c, const struct attempt *a, const char *kind, const char *sentence);
