/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * Who has guessed waits: how long an attempt is held before it is looked at, from 0 over 2, 4 and 8 to 15 seconds.
 *
 * Wrong passwords are counted for an account at one service, for an account at all of them, and for a client's address where it is known
 * (IPv4 whole, IPv6 its /64); the longest delay of the three is taken. A delay, never a lockout: whoever could lock an account would
 * do so to others. Counts decay by one each DECAY.
 *
 * A mail program with an old password tries it again for ever, and guesses nothing: the same wrong password does not count again, the last
 * THROTTLE_WRONG different ones of an account are remembered as keyed digests. An attempt counts for the account when it begins and is
 * taken back when it was right, so that many guesses at once are no way round.
 *
 * An account's rightful owner must not wait because of others' guesses: credentials that were right lately may pass (may_pass), but
 * not while somebody tries one password after another: how fast "right" comes would tell them which one it is.
 *
 * Memory is given once. When it is full, what has the lowest count makes room.
 */
#pragma once

#include "common/macro.h"
#include "common/span.h"
#include "saslauth/digest.h"

#include <stdbool.h>
#include <stdint.h>

enum {
	THROTTLE_WRONG = 10,
	THROTTLE_DELAY_MAX = 15000,
	THROTTLE_COUNT_MAX = 40,
	THROTTLE_PASS_MAX = 20, /* of an account's count, for may_pass */
	/* What rules usually say. */
	THROTTLE_SERVICE_FREE = 0,
	THROTTLE_ACCOUNT_FREE = 3,
	THROTTLE_ADDRESS_FREE = 10,
};

/* Attempts that cost nothing yet, and how fast counts decay (milliseconds for each one). */
struct throttle_rules {
	uint64_t decay;
	unsigned service_free, account_free, address_free;
};

struct throttle;

/* ROWS is at least one. 0 or a negative errno. */
must_check int throttle_new(size_t rows, const struct throttle_rules *rules, struct throttle **out);
void throttle_free(struct throttle *throttle);
void throttle_set_rules(struct throttle *throttle, const struct throttle_rules *rules);

struct throttle_question {
	struct span account; /* whatever identifies it, the same for all its names */
	struct span service, password;
	const uint8_t *address; /* 16 octets, IPv4 as ::ffff:a.b.c.d; NULL: not known */
};

enum { THROTTLE_SERVICE, THROTTLE_ACCOUNT, THROTTLE_ADDRESS, THROTTLE_KINDS };

/* Of one attempt. */
struct throttle_attempt {
	uint64_t delay; /* milliseconds; 0: none */
	bool may_pass;
	bool counted;   /* the rest is throttle.c's */
	bool has_address;
	uint64_t keys[THROTTLE_KINDS], wrong;
};

/* Whether an attempt of QUESTION need not wait, because nothing is counted. Nothing is counted by this, either; and it costs a third of
 * throttle_begin(). */
bool throttle_is_quiet(const struct throttle *throttle, const struct throttle_question *question, uint64_t now);

/* An attempt begins. */
void throttle_begin(struct throttle *throttle, const struct throttle_question *question, uint64_t now, struct throttle_attempt *out);
/* It was right, or came to no end: it does not count. */
void throttle_take_back(struct throttle *throttle, const struct throttle_attempt *attempt, uint64_t now);
/* It was wrong. */
void throttle_wrong(struct throttle *throttle, const struct throttle_attempt *attempt, uint64_t now);
