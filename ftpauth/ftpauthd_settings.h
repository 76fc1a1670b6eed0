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
#include "common/arena.h"
#include "common/conf.h"
#include "common/listener.h"
#include "common/log.h"
#include "ftpauth/session.h"

struct ftpauthd_settings {
	struct arena arena;

	/* [ispman] */
	const char *cache_dir, *run_dir;
	int log_level_word;
	const char *cached_user, *cached_group; /* not ours */
	enum log_level log_level;

	/* [ftpauth]; times in seconds */
	struct conf_list listen_values;
	const char *saslauth_socket;
	uint64_t timeout, max_age;
	uint64_t max_connections;
	struct session_rules rules;
	const char *user, *group; /* to become when started as root */

	/* [login] */
	struct login_settings_values login_values;
	struct login_options login;

	/* Made of the above. */
	struct listener_address *listen;
	size_t listen_count;
};

/* Reads PATH and OVERRIDES (common/conf.h). 0 and *OUT, or a negative errno with a sentence a line in WHY. */
must_check int ftpauthd_settings_load(const char *path, const char *const *overrides, size_t override_count,
                                      struct ftpauthd_settings **out, struct text *why);
void ftpauthd_settings_free(struct ftpauthd_settings *settings);
void ftpauthd_settings_freep(struct ftpauthd_settings **settings);

/* What can be found out without listening: folders, users and groups exist. 0, or negative with a sentence a line in WHY. */
must_check int ftpauthd_settings_check(const struct ftpauthd_settings *settings, struct text *why);

/* "[section] key (default): help" for every setting, for manuals and tests. */
void ftpauthd_settings_describe(struct text *out);
