/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * What a mail server asks, answered from the mail environment: one call, one snapshot, the whole chain.
 *
 *	struct cache *cache;
 *	cleanup(text_free) struct text value = TEXT_INIT;
 *
 *	r = mail_open(cache_dir, run_dir, &cache);
 *	r = mail_lookup(cache, &options, MAIL_VIRTUAL, SPAN("Joe+lists@tern.example"), &value);
 *
 * 1 found, 0 absent, negative: cannot tell (cache/cache.h). A key that no record can have, however strange, is absent.
 */
#pragma once

#include "cache/cache.h"
#include "common/macro.h"
#include "common/span.h"
#include "common/text.h"

enum mail_map {
	MAIL_VIRTUAL,       /* address → addresses, separated by "," (virtual_alias_maps) */
	MAIL_DOMAINS,       /* domain → itself, if we are its final destination (virtual_alias_domains, mydestination, ...) */
	MAIL_RELAY_DOMAINS, /* domain → itself, if its mail is relayed */
	MAIL_TRANSPORT,     /* address or domain → transport:nexthop */
	MAIL_RECIPIENTS,    /* address → the address, if mail for it is accepted (relay_recipient_maps) */
	MAIL_CANONICAL,     /* an address of a replica → the master's */
	MAIL_SENDER_LOGIN,  /* sender → logins that may use it, separated by "," */
	MAIL_MAILBOX,       /* address → the mailbox's address, if it has one (virtual_mailbox_maps) */
	MAIL_RELOCATED,     /* address → where it has moved to */
	MAIL_MAPS
};

/* "virtual" ... "relocated". NULL for a number that is no map. */
const char *mail_map_name(enum mail_map map);
/* 1, or 0 when there is no such map. */
int mail_map_from_name(struct span name, enum mail_map *out);

enum mail_extend { MAIL_EXTEND_LOCAL, MAIL_EXTEND_ALL, MAIL_EXTEND_NONE };

enum { MAIL_GROUP_DEPTH_MAX = 100, MAIL_VALUE_MAX = 99000 }; /* octets of a value, below Postfix's limit of a reply */

/* Rules that answers depend on; [mail] and [socketmap] of ispman.conf. */
struct mail_options {
	struct span delimiters;       /* recipient-delimiter: any of these octets begins an extension; empty: none does */
	enum mail_extend extend;      /* which results get the extension that was taken off */
	bool refuse_suspended_users;  /* a suspended user's addresses do not exist */
	bool refuse_suspended_domains;
	bool relay_listed;            /* recipients of relay domains are those that the directory holds; else all */
	bool expand_groups;           /* nested groups are flattened */
	unsigned group_depth, group_size;
	const char *mailbox_transport; /* "lmtp:[%h]": %h is the mail host, %d the domain */
	uint64_t max_age;              /* seconds, 0: any age will do */
};

/* What ispman.conf would give when it says nothing. */
extern const struct mail_options mail_options_default;

/* As dns_open. */
must_check int mail_open(const char *cache_dir, const char *run_dir, struct cache **out);

/* Appends the answer to OUT_VALUE. -E2BIG: there is one, but it is longer than MAIL_VALUE_MAX. */
must_check int mail_lookup(struct cache *cache, const struct mail_options *options, enum mail_map map, struct span key,
                           struct text *out_value);

/* The same, each step told in a sentence. SUBJECT is the key (cache/record_mail.h) of the record that the step is about, for who
 * wants to know the entries behind it; it may be empty. */
must_check int mail_explain(struct cache *cache, const struct mail_options *options, enum mail_map map, struct span key,
                            void (*say)(void *context, struct span subject, const char *sentence), void *context,
                            struct text *out_value);
