/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * A snapshot of an environment that says what logins are (record_login.h), between read_login.c (what is stored), resolve_login.c (the
 * rules) and the two reading interfaces, secret.h and account.h.
 *
 * What the outputs point to lies in the snapshot and is valid until login_end().
 */
#pragma once

#include "cache/cache.h"
#include "cache/login.h"
#include "common/macro.h"
#include "common/text.h"

struct login_view {
	struct cache_view *base;
	enum login_environment environment;

	void (*say)(void *context, struct span subject, const char *sentence); /* NULL: nobody listens */
	void *say_context;
};

must_check int login_begin(struct cache *cache, enum login_environment environment, struct login_view *out);
void login_end(struct login_view *view);

/* 1, 0 or negative. LOGIN and DOMAIN are folded. */
must_check int login_claims_at(const struct login_view *view, struct span login, struct login_claims *out);
must_check int login_domain_at(const struct login_view *view, struct span domain, struct login_domain *out);
must_check int login_entry_at(const struct login_view *view, const uint8_t uuid[ENTRY_UUID_LEN], struct span *out_record);

/* Tells who listens a sentence about a record; SUBJECT may be NULL. */
void login_say_key(const struct login_view *view, const struct key *subject, const char *format, ...) printf_like(3, 4);

#define login_say(view, subject, ...)                                                                                            \
	do {                                                                                                                     \
		if ((view)->say != NULL)                                                                                         \
			login_say_key(view, subject, __VA_ARGS__);                                                               \
	} while (0)

/* --- resolve_login.c ----------------------------------------------------------------------------------- */

/* Steps 1 to 4 of login.h: 1 and the entry, 0 and why there is none that may use the service, or negative. */
must_check int login_identify(const struct login_view *view, const struct login_options *options, const struct login_question *question,
                              struct login_identity *out, enum login_reason *out_reason);

/* What [login] says of a service; never NULL when OPTIONS has a row for "*". */
const struct login_service *login_service_of(const struct login_options *options, struct span name);

/* Step 5, pure: LOGIN_FINE, or why the entry may not log in now. */
enum login_reason login_state(const struct login_options *options, struct span service, const struct secret_entry *entry,
                              bool domain_suspended, uint64_t now);
