/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * A thread's view of the mail environment, between read_mail.c (what is stored), resolve_mail.c (what is answered),
 * mail_results.c (lists of results) and audit_mail.c (what is wrong between subjects).
 *
 *	mail_begin(cache, &view);
 *	if (mail_domain_at(view, domain, &found) > 0 && mail_address_at(view, domain, local, &address) > 0)
 *		...
 *	mail_end(view);
 *
 * What the outputs point to lies in the snapshot and is valid until mail_end().
 */
#pragma once

#include "cache/address.h"
#include "cache/cache.h"
#include "cache/key.h"
#include "cache/mail.h"
#include "cache/mail_results.h"
#include "cache/record_mail.h"

/* Of memory, only what has been asked for is touched. */
enum { KNOWN_DOMAINS = 4096 };

/* What a domain was found to be in this snapshot, or that it is not there. It points into the snapshot's pages: these stay as they
 * are for as long as no newer snapshot is taken, also while none is held. */
struct known_domain {
	uint32_t epoch; /* the view's, when it was found */
	bool exists, knows_catch_all, has_catch_all;
	uint8_t name_len;
	struct mail_domain domain;
	struct mail_address catch_all;
	char name[ADDRESS_DOMAIN_MAX];
};

struct mail_view {
	struct cache_view *base;
	uint32_t epoch; /* counts snapshots; never 0 */
	struct mail_results results; /* keeps its memory */
	struct text extension, formed; /* of the results that are being put together; they keep their memory, too */

	void (*say)(void *context, struct span subject, const char *sentence);
	void *say_context;
	struct text sentence;

	struct known_domain known[KNOWN_DOMAINS];
};

must_check int mail_begin(struct cache *cache, struct mail_view **out);
void mail_end(struct mail_view *view);

/* 1, 0 or negative. DOMAIN and LOCAL are folded; they must stay where they are for as long as *OUT is used. */
must_check int mail_domain_at(struct mail_view *view, struct span domain, struct mail_domain *out);
must_check int mail_address_at(struct mail_view *view, struct span domain, struct span local, struct mail_address *out);
must_check int mail_catch_all_at(struct mail_view *view, struct span domain, struct mail_address *out);

/* Tells the trace a sentence about a record. Nothing when nobody listens. */
void mail_say_key(struct mail_view *view, const struct key *subject, const char *format, ...) printf_like(3, 4);

#define mail_say(view, subject, ...)                                                                                             \
	do {                                                                                                                     \
		if ((view)->say != NULL)                                                                                         \
			mail_say_key(view, subject, __VA_ARGS__);                                                                \
	} while (0)

/* For printf's %.*s. */
#define SPAN_ARGS(span) (int)(span).len, (span).data
