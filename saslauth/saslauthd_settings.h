/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * The settings of ispman.conf that ispman-saslauthd uses.
 *
 * A new setting is a member here, a row in saslauthd_settings.c and a line in ispman.conf's manual page.
 */
#pragma once

#include "cache/login_settings.h"
#include "cache/secret.h"
#include "common/server_settings.h"

struct saslauthd_uids {
	size_t count;
	uid_t *uids;
};

struct saslauthd_settings {
	struct server_settings server;

	/* [saslauth]; times in seconds */
	struct conf_list allow_user_values, trusted_peer_values;
	struct conf_list throttle_exempt_values, throttle_exempt_services;
	uint64_t max_age;
	uint64_t workers, queue, hash_memory, max_values;
	uint64_t verified_cache_size, verified_cache_life;
	bool throttle, allow_clear_passwords;
	uint64_t throttle_decay, throttle_size;
	uint64_t bind_workers;
	const char *control_group;

	/* [login] */
	struct login_settings_values login_values;
	struct login_options login;
	enum login_verify verify;

	/* [ldap]: what a bind needs; the others are ispman-cached's */
	struct conf_list ldap_uri;
	bool ldap_starttls;
	const char *ldap_ca_file, *ldap_cert_file, *ldap_key_file;
	uint64_t ldap_timeout;
	const char *not_ours[8];

	/* Made of the above. */
	struct listener_address control;
	struct saslauthd_uids allow_users, trusted_peers;
	struct allow_prefix *throttle_exempt;
	size_t throttle_exempt_count;
};

/* Reads PATH and OVERRIDES (common/conf.h). 0 and *OUT, the first member of a struct saslauthd_settings; or a negative errno with
 * a sentence a line in WHY. */
must_check int saslauthd_settings_load(const char *path, const char *const *overrides, size_t override_count,
                                       struct server_settings **out, struct text *why);

bool saslauthd_uids_have(const struct saslauthd_uids *uids, uid_t uid);

/* What can be found out without listening: folders, users and groups exist. 0, or negative with a sentence a line in WHY. */
must_check int saslauthd_settings_check(const struct server_settings *settings, struct text *why);

/* "[section] key (default): help" for every setting, for manuals and tests. */
void saslauthd_settings_describe(struct text *out);
