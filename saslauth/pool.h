/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * Threads for checks that take long, so that those that do not never wait behind them.
 *
 *	pool_put(pool, &check, connection, &ticket);     in the loop
 *	...                                              a thread checks; pool_fd() becomes readable
 *	pool_collect(pool, finished, context);           in the loop: finished(context, connection, verdict)
 *
 * Everything is bounded: threads, checks that wait, those of one account among them, and the memory that running checks use
 * together. What is beyond a bound is refused at once, for the caller to say "overload". Accounts take turns: they are spread over
 * POOL_LANES queues that are served round robin, so that one account's storm delays the others by one check each at most.
 *
 * A check that is the same as one that runs (the same identity) waits for it and takes its verdict: mail programs open several
 * connections at once, and a storm of one wrong password costs one hash.
 *
 * Passwords and stored values are copied, and wiped when the check is over or withdrawn.
 */
#pragma once

#include "common/macro.h"
#include "common/span.h"
#include "saslauth/digest.h"

#include <stdbool.h>
#include <stdint.h>

enum { POOL_LANES = 64, POOL_WORKERS_MAX = 256, POOL_VALUES_MAX = 16 };

struct pool;
struct pool_ticket;

struct pool_options {
	unsigned workers;
	size_t queue;    /* checks that may wait */
	uint64_t memory; /* octets that running checks may use together */
	int nice;        /* added to that of the threads */
	/* Whether PASSWORD is what STORED says: 1, 0, or negative when that cannot be told. In a thread of the pool. */
	int (*check)(void *context, struct span stored, struct span password);
	void *context;
};

struct pool_check {
	uint64_t account; /* chooses the lane */
	const unsigned char *identity; /* DIGEST_OCTETS of all that the verdict depends on; NULL: like no other */
	const struct span *values; /* tried one after another until one is right, POOL_VALUES_MAX at most */
	size_t value_count;
	struct span password;
	uint64_t memory; /* the most that one of them uses */
};

/* Threads start here, with all signals blocked. 0 or a negative errno. */
must_check int pool_new(const struct pool_options *options, struct pool **out);
/* Waits for the checks that run; those that wait are withdrawn. NULL is fine. */
void pool_free(struct pool *pool);

/* 0; -EBUSY when there is no room in the queue or in the account's part of it; -E2BIG when the memory of CHECK is more than all of it;
 * -ENOMEM. *OUT is valid until the check is finished or withdrawn. */
must_check int pool_put(struct pool *pool, const struct pool_check *check, void *owner, struct pool_ticket **out);
/* Nobody waits for it any more: FINISHED is not called for it. */
void pool_withdraw(struct pool *pool, struct pool_ticket *ticket);

/* Readable when there is something to collect. */
int pool_fd(const struct pool *pool);
/* Calls FINISHED with the owner of each check that is over: 1, 0 or negative. It may put and withdraw. */
void pool_collect(struct pool *pool, void (*finished)(void *context, void *owner, int verdict), void *context);

/* As of now, for counters. */
struct pool_figures {
	size_t waiting, running;
	uint64_t shared; /* checks that took another's verdict, ever */
};
void pool_look(struct pool *pool, struct pool_figures *out);
