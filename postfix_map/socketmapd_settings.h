/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * The settings of ispman.conf that ispman-socketmapd uses.
 *
 * A new setting is a member here, a row in socketmapd_settings.c and a line in ispman.conf's manual page.
 */
#pragma once

#include "cache/mail.h"
#include "cache/mail_settings.h"
#include "common/allow.h"
#include "common/arena.h"
#include "common/conf.h"
#include "common/listener.h"
#include "common/log.h"

struct socketmapd_settings {
	struct arena arena;

	/* [ispman] */
	const char *cache_dir, *run_dir;
	int log_level_word;
	const char *cached_user, *cached_group; /* not ours */
	enum log_level log_level;

	/* [socketmap]; times in seconds */
	struct conf_list listen_values, tcp_table_values, allow_values;
	uint64_t hold, request_timeout;
	uint64_t max_connections;
	const char *user, *group; /* to become when started as root */

	/* [mail] and what mail answers depend on in [socketmap] */
	struct mail_settings_values mail_values;
	struct mail_options mail;

	/* Made of the above. */
	struct listener_address *listen;
	size_t listen_count;
	struct socketmapd_table {
		enum mail_map map;
		struct listener_address address;
	} *tables;
	size_t table_count;
	struct allow_prefix *allow;
	size_t allow_count;
};

/* Reads PATH and OVERRIDES (common/conf.h). 0 and *OUT, or a negative errno with a sentence a line in WHY. */
must_check int socketmapd_settings_load(const char *path, const char *const *overrides, size_t override_count,
                                        struct socketmapd_settings **out, struct text *why);
void socketmapd_settings_free(struct socketmapd_settings *settings);
void socketmapd_settings_freep(struct socketmapd_settings **settings);

/* What can be found out without listening: folders, users and groups exist. 0, or negative with a sentence a line in WHY. */
must_check int socketmapd_settings_check(const struct socketmapd_settings *settings, struct text *why);

/* "[section] key (default): help" for every setting, for manuals and tests. */
void socketmapd_settings_describe(struct text *out);
