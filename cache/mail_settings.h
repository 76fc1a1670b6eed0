/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * The settings of ispman.conf that mail answers depend on, for every program that gives or shows them: they cannot differ.
 *
 *	const struct conf_table tables[] = { ..., mail_settings_table(&values) };
 *
 *	r = conf_load(&schema, path, ...);
 *	...
 *	mail_settings_options(&values, &options);
 *
 * Programs that read [socketmap] for these settings only give mail_settings_daemon_table() too: the keys that ispman-socketmapd alone looks
 * at are then known, and what is none of them is still an error.
 */
#pragma once

#include "cache/mail.h"
#include "common/conf.h"

struct mail_settings_values {
	/* [socketmap] */
	const char *recipient_delimiter; /* NULL: none */
	int propagate_extension;         /* enum mail_extend */
	uint64_t max_age;

	/* [mail] */
	int suspended_users, suspended_domains; /* 0 deliver, 1 refuse */
	int relay_recipients;                   /* 0 any, 1 listed */
	bool expand_groups;
	uint64_t group_depth, group_size;
	const char *mailbox_transport; /* NULL: none */

	struct conf_list listen;        /* ispman-socketmapd's: "unix:PATH,mode=...", "inet:HOST:PORT" */
	struct conf_list daemon_values; /* its others; not looked at */
};

struct conf_table mail_settings_table(struct mail_settings_values *target);
struct conf_table mail_settings_daemon_table(struct mail_settings_values *target);

/* Spans and strings stay the arena's that the values lie in. */
void mail_settings_options(const struct mail_settings_values *values, struct mail_options *out);
