/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * What ispman-ftpauthd asks of the account environment: which entry a login names for a service, and what a file server needs to know
 * of it. Whether its password is right, and whether the entry may log in at all, is ispman-saslauthd's to say.
 */
#pragma once

#include "cache/cache.h"
#include "cache/login.h"
#include "common/macro.h"
#include "common/text.h"

struct account_answer {
	enum login_reason reason;
	uint8_t uuid[ENTRY_UUID_LEN];
	struct text record;        /* spans of ENTRY point into it; keeps its memory between lookups */
	struct account_entry entry;
};
#define ACCOUNT_ANSWER_INIT { .record = TEXT_INIT }
void account_answer_free(struct account_answer *answer);

/* As dns_open. */
must_check int account_open(const char *cache_dir, const char *run_dir, struct cache **out);

/* 1: an entry, also one that is suspended (entry.flags). 0: none, answer.reason says why. Negative: cannot tell. */
must_check int account_lookup(struct cache *cache, const struct login_options *options, const struct login_question *question,
                              struct account_answer *out);
