/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * [login] of ispman.conf, for every program that checks logins or shows how they are checked: they cannot differ. As mail_settings.h.
 */
#pragma once

#include "cache/login.h"
#include "common/arena.h"
#include "common/conf.h"

struct login_settings_values {
	int verify;               /* enum login_verify */
	int mailbox_name;         /* enum login_mailbox_name */
	bool by_alias, by_replica;
	const char *default_domain; /* NULL: none */
	struct conf_list local_realms;
	struct conf_list services;         /* "imap=user+admin": a service and the kinds that may use it; "*" any other */
	struct conf_list mailbox_services; /* "imap": they open the mailbox that the login names */
	int suspended_users, suspended_domains; /* 0 allow, 1 refuse */
	uint64_t lockout_duration;
	bool report_weak_passwords;        /* ispman-cached's */

	struct conf_list listen;        /* ispman-saslauthd's: "unix:PATH,mode=..." */
	struct conf_list daemon_values; /* its others; not looked at */
};

struct conf_table login_settings_table(struct login_settings_values *target);
/* For programs that read [saslauth] for these settings only. */
struct conf_table login_settings_daemon_table(struct login_settings_values *target);

/* Lists lie in ARENA. 0, -ENOMEM, or -EINVAL with a sentence in WHY for each value that is none. MAX_AGE is the program's own. */
must_check int login_settings_options(const struct login_settings_values *values, struct arena *arena, struct login_options *out,
                                      struct text *why);
