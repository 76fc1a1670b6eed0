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
#include "common/server_settings.h"

struct socketmapd_settings {
	struct server_settings server;

	/* [socketmap]; times in seconds */
	struct conf_list tcp_table_values, allow_values;
	uint64_t hold;

	/* [mail] and what mail answers depend on in [socketmap] */
	struct mail_settings_values mail_values;
	struct mail_options mail;

	/* Made of the above. */
	enum mail_map *table_maps; /* of server.listen's others, one each */
};

/* Reads PATH and OVERRIDES (common/conf.h). 0 and *OUT, the first member of a struct socketmapd_settings; or a negative errno with
 * a sentence a line in WHY. */
must_check int socketmapd_settings_load(const char *path, const char *const *overrides, size_t override_count,
                                        struct server_settings **out, struct text *why);

/* "[section] key (default): help" for every setting, for manuals and tests. */
void socketmapd_settings_describe(struct text *out);
