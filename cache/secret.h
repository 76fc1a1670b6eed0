/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * What ispman-saslauthd asks of the secret environment: one call, one snapshot.
 *
 *	struct secret_answer answer = SECRET_ANSWER_INIT;
 *
 *	r = secret_open(cache_dir, run_dir, &cache);
 *	r = secret_lookup(cache, &options, &question, &answer);
 *	...
 *	secret_answer_wipe(&answer);
 *
 * 1: an account may log in if the password is right. 0: none may, answer.reason says why; if there is an entry nonetheless
 * (answer.has_entry) its values can be used to spend the time that a check would take. Negative: cannot tell (cache/cache.h).
 * An entry without any stored value is 1 with value_count 0: that the right to read passwords was lost looks the same, so it is for the
 * caller to say "cannot tell".
 */
#pragma once

#include "cache/cache.h"
#include "cache/login.h"
#include "common/macro.h"
#include "common/text.h"

struct secret_answer {
	enum login_reason reason;
	bool has_entry;
	uint8_t uuid[ENTRY_UUID_LEN];
	struct text record;        /* the entry's record; all spans of ENTRY point into it. Keeps its memory between lookups, wiped */
	struct secret_entry entry;
	bool domain_suspended;
};
#define SECRET_ANSWER_INIT { .record = TEXT_INIT }

/* Overwrites what was stored in it; for the next lookup. */
void secret_answer_wipe(struct secret_answer *answer);
/* The same, and frees. */
void secret_answer_free(struct secret_answer *answer);

/* As dns_open. */
must_check int secret_open(const char *cache_dir, const char *run_dir, struct cache **out);

must_check int secret_lookup(struct cache *cache, const struct login_options *options, const struct login_question *question,
                             struct secret_answer *out);

/* The same, each step told in a sentence with the key of the record behind it (may be empty). Never a stored value. */
must_check int secret_explain(struct cache *cache, const struct login_options *options, const struct login_question *question,
                              void (*say)(void *context, struct span subject, const char *sentence), void *context,
                              struct secret_answer *out);
