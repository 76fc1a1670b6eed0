/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * The settings of ispman.conf that ispman-ftpauthd uses.
 *
 * A new setting is a member here, a row in ftpauthd_settings.c and a line in ispman.conf's manual page.
 */
#pragma once

#include "cache/login.h"
#include "cache/login_settings.h"
#include "common/server_settings.h"
#include "ftpauth/session.h"

struct ftpauthd_settings {
	struct server_settings server;

	/* [ftpauth]; times in seconds */
	const char *saslauth_socket;
	uint64_t timeout, max_age;
	struct session_rules rules;

	/* [login] */
	struct login_settings_values login_values;
	struct login_options login;
};

/* Reads PATH and OVERRIDES (common/conf.h). 0 and *OUT, the first member of a struct ftpauthd_settings; or a negative errno with
 * a sentence a line in WHY. */
must_check int ftpauthd_settings_load(const char *path, const char *const *overrides, size_t override_count,
                                      struct server_settings **out, struct text *why);

/* "[section] key (default): help" for every setting, for manuals and tests. */
void ftpauthd_settings_describe(struct text *out);
