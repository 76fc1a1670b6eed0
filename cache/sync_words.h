/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * LDAP failures in the words of someone who has to mend them: what was refused, to whom, and the line of
 * slapd's configuration that would allow it. Pure.
 */
#pragma once

#include "common/span.h"
#include "common/text.h"

/* Result codes of RFC 4511 and RFC 4533 that have words of their own, and those that libldap makes up. */
enum ldap_code {
	LDAP_CODE_SUCCESS = 0,
	LDAP_CODE_PROTOCOL_ERROR = 2,
	LDAP_CODE_TIME_LIMIT = 3,
	LDAP_CODE_SIZE_LIMIT = 4,
	LDAP_CODE_AUTH_METHOD = 7,
	LDAP_CODE_STRONGER_AUTH = 8,
	LDAP_CODE_REFERRAL = 10,
	LDAP_CODE_ADMIN_LIMIT = 11,
	LDAP_CODE_CRITICAL_EXTENSION = 12,
	LDAP_CODE_CONFIDENTIALITY = 13,
	LDAP_CODE_NO_SUCH_OBJECT = 32,
	LDAP_CODE_INVALID_DN = 34,
	LDAP_CODE_INAPPROPRIATE_AUTH = 48,
	LDAP_CODE_INVALID_CREDENTIALS = 49,
	LDAP_CODE_INSUFFICIENT_ACCESS = 50,
	LDAP_CODE_BUSY = 51,
	LDAP_CODE_UNAVAILABLE = 52,
	LDAP_CODE_UNWILLING = 53,
	LDAP_CODE_REFRESH_REQUIRED = 4096,
	LDAP_CODE_SERVER_DOWN = -1,
	LDAP_CODE_LOCAL = -2,
	LDAP_CODE_TIMED_OUT = -5,
	LDAP_CODE_FILTER = -7,
	LDAP_CODE_CONNECT = -11,
};

enum sync_words_step {
	SYNC_WORDS_STARTTLS,
	SYNC_WORDS_BIND,
	SYNC_WORDS_BASE,   /* reading the entry at the base */
	SYNC_WORDS_SEARCH, /* the synchronising search, or a plain one */
};

/* Where it happened. Strings may be NULL. */
struct sync_words_scene {
	enum sync_words_step step;
	const char *uri;
	const char *identity; /* the bind DN, or what the server made of us */
	const char *base;
	const char *sasl_mech;
	const char *password_file;
	size_t entries; /* received before it */
};

/* Appends one sentence about the result CODE that came with SERVER_TEXT. */
void sync_words_result(struct text *out, const struct sync_words_scene *scene, int code,
                       struct span server_text);

/* The server answered, and showed no entry at all. */
void sync_words_empty(struct text *out, const struct sync_words_scene *scene);

/* The entry at the base is there, but not its entryUUID. */
void sync_words_no_uuid(struct text *out, const struct sync_words_scene *scene);

/* The server does not offer RFC 4533. */
void sync_words_no_sync(struct text *out, const struct sync_words_scene *scene);
