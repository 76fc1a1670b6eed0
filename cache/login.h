/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * Which account a login names, and whether it may log in: one code for whoever asks (secret/ for ispman-saslauthd and what explains it,
 * account/ for ispman-ftpauthd).
 *
 * The rules (docs/logins.md for people):
 *
 *   1. A login without @ gets "@realm", unless the realm is empty or one of local-realms.
 *   2. Entries that hold it are looked for: as it is; with the master's domain in place of a replica's (login-by-replica); a word
 *      with default-domain behind it. The first that anything rightful holds ends the search.
 *   3. Of the claims on it those of the strongest right count; of these those of kinds that may use the service; of these those of
 *      the first kind (user, vhost, domain, admin). More than one entry left: refused (it is in the problems).
 *   4. For a service of mailboxes the login must be the form that owns the mailbox, and there must be one.
 *   5. The entry's state: suspended, locked, not begun, ended, FTPStatus for ftp; its domain's, if suspended-domains = refuse.
 */
#pragma once

#include "cache/record_login.h"
#include "common/span.h"

enum login_mailbox_name { LOGIN_MAILBOX_ADDRESS, LOGIN_MAILBOX_UID };
enum login_verify { LOGIN_VERIFY_HASH, LOGIN_VERIFY_BIND, LOGIN_VERIFY_HASH_THEN_BIND, LOGIN_VERIFY_NONE };

/* A service and who may use it. */
struct login_service {
	struct span name;  /* as the asker calls it: "imap"; "*" is any other one */
	unsigned kinds;    /* bits: 1 << enum login_kind */
	bool mailbox;      /* it opens the mailbox that the login names */
};

struct login_options {
	size_t service_count;
	const struct login_service *services;
	enum login_mailbox_name mailbox_name;
	bool by_alias, by_replica;
	struct span default_domain;            /* folded; empty: none */
	size_t local_realm_count;
	const struct span *local_realms;       /* compared without case */
	bool refuse_suspended_users, refuse_suspended_domains;
	uint64_t lockout_duration;             /* seconds that pwdAccountLockedTime locks; 0: for ever */
	uint64_t max_age;                      /* seconds, 0: any age will do */
};
extern const struct login_options login_options_default;

struct login_question {
	struct span login, realm, service;
	uint64_t now; /* seconds since 1970 */
};

/* Why an answer is no, a word each for logs and scripts: login_reason_word(). */
enum login_reason {
	LOGIN_FINE,
	LOGIN_MALFORMED,     /* no entry can have it */
	LOGIN_UNKNOWN,       /* nobody holds it */
	LOGIN_AMBIGUOUS,     /* several do */
	LOGIN_NOT_SERVED,    /* who holds it may not use the service */
	LOGIN_OTHER_FORM,    /* the mailbox has another name */
	LOGIN_NO_MAILBOX,
	LOGIN_SUSPENDED, LOGIN_DOMAIN_SUSPENDED, LOGIN_FTP_DISABLED,
	LOGIN_ACCOUNT_LOCKED, LOGIN_NOT_YET, LOGIN_EXPIRED,
	LOGIN_REASONS
};
const char *login_reason_word(enum login_reason reason);

/* Who a login is. Spans point into the snapshot. */
struct login_identity {
	char login[LOGIN_MAX]; /* as it was found, folded */
	size_t login_len;
	struct login_claim claim;
	bool by_replica, by_default_domain;
};
