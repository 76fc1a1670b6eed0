/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * What logins need besides connections and the cache: what is remembered, the threads of costly checks, and the events by which
 * these report.
 */
#pragma once

#include "saslauth/serve.h"

struct event;
struct event_base;

struct work {
	struct serve *serve; /* whose it is */
	struct password_limits hash_limits; /* the threads': they do not change */
	struct bind *bind;
	struct event *hashes_over, *binds_over, *measure;
};

/* What must not be swapped: while there may be the right to lock it. 0 or a negative errno. */
must_check int work_make_tables(struct work *work, const struct saslauthd_settings *settings);
/* Threads, and events on BASE. 0 or a negative errno. */
must_check int work_start(struct work *work, const struct saslauthd_settings *settings, struct event_base *base);
/* Before the base is freed. */
void work_unwatch(struct work *work);
/* When no connection waits for a check any more. */
void work_end(struct work *work);
