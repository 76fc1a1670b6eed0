/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * What ispman-agent reads of the account environment: every account, in portions; what changed since a cursor; hosts.
 *
 *	r = home_open(cache_dir, run_dir, &cache);
 *	r = home_newest(cache, &cursor);             before the complete pass: nothing that changes meanwhile is missed
 *	while ((r = home_next(cache, &walk, &account)) > 0)
 *		...
 *	...
 *	r = home_changes(cache, &cursor, each, context);     0: the log no longer reaches back, a complete pass is due
 *
 * 1, 0 or negative (cannot tell: cache/cache.h). No call holds a snapshot longer than it runs.
 */
#pragma once

#include "cache/cache.h"
#include "cache/record_login.h"
#include "common/macro.h"
#include "common/text.h"

must_check int home_open(const char *cache_dir, const char *run_dir, struct cache **out);

/* An account and what it is; spans point into RECORD, which keeps its memory between calls. */
struct home_account {
	uint8_t uuid[ENTRY_UUID_LEN];
	struct account_entry entry;
	struct text record;
};
#define HOME_ACCOUNT_INIT { .record = TEXT_INIT }
void home_account_free(struct home_account *account);

/* 1, or 0 when the entry is gone. */
must_check int home_get(struct cache *cache, const uint8_t uuid[ENTRY_UUID_LEN], struct home_account *out);

/* All accounts in order of their UUIDs, as each is at its time. */
struct home_walk {
	bool begun;
	uint8_t last[ENTRY_UUID_LEN];
};
must_check int home_next(struct cache *cache, struct home_walk *walk, struct home_account *out);

/* --- the log of changes ---------------------------------------------------------------------------------- */

/* A position behind a change. EPOCH is of the environment: one made anew has another. */
struct home_cursor {
	uint8_t epoch[16];
	uint64_t sequence;
};

enum home_kind { HOME_ACCOUNT = 'E', HOME_HOST = 'H', HOME_GROUP = 'G' };

must_check int home_newest(struct cache *cache, struct home_cursor *out);

/* Tells EACH what changed since *CURSOR, an entry once however often it changed, and moves *CURSOR to the end. UUID is that of an
 * account, NULL for others. 1; 0 when the log does not reach back to *CURSOR (it holds HOME_LOG_MAX changes; another epoch has none
 * in common): then nothing was told and *CURSOR is as it was. Costs a snapshot when there is nothing new: it may be called often. */
must_check int home_changes(struct cache *cache, struct home_cursor *cursor,
                            void (*each)(void *context, enum home_kind kind, const uint8_t *uuid), void *context);
enum { HOME_LOG_MAX = 100000 };

/* --- hosts -------------------------------------------------------------------------------------------------- */

/* Tells EACH the names of hosts and groups: an ispmanHost with one of its aliases, a group with one of its members, a call each. All in
 * lower case, without a dot at the end. */
must_check int home_hosts(struct cache *cache,
                          void (*each)(void *context, enum home_kind kind, struct span name, struct span alias_or_member),
                          void *context);
