/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * The settings of ispman.conf that ispman-agent uses.
 *
 * A new setting is a member here, a row in agent_settings.c and a line in ispman.conf's manual page.
 */
#pragma once

#include "agent/engine.h"
#include "agent/queue.h"
#include "common/arena.h"
#include "common/conf.h"
#include "common/log.h"

struct agent_settings {
	struct arena arena;

	/* [ispman] */
	const char *cache_dir, *run_dir;
	int log_level_word;
	const char *cached_user, *cached_group; /* not ours */
	enum log_level log_level;

	/* [agent]; times in seconds */
	const char *state_dir;
	struct conf_list hosts, roots, user_folders, domain_folders, mail_folders;
	bool everything, directories, mailboxes, maildir, project_quota;
	const char *file_group, *mode_text, *skeleton;
	uint64_t settle, interval, brake_percent, trash_days, uid_min, max_age;
	const char *imap_server, *imap_user, *imap_password_file, *imap_ca_file;
	bool imap_starttls;
	uint64_t imap_timeout;
	int mailbox_name; /* enum plan_naming */
	int paths;        /* 0 domain, 1 any */

	bool queue;
	const char *queue_bind_dn, *queue_bind_password_file;
	uint64_t queue_interval, queue_unclaimed;

	/* [ldap]: for the queue; the others are ispman-cached's */
	struct conf_list ldap_uri;
	const char *ldap_base, *ldap_ca_file, *ldap_cert_file, *ldap_key_file;
	bool ldap_starttls;
	uint64_t ldap_timeout;
	const char *not_ours[7];

	/* Made of the above. */
	struct engine_options engine;
	struct disk_options disk;
	struct mailbox_options mail;
	struct queue_options tasks;
	mode_t mode;
};

/* Reads PATH and OVERRIDES (common/conf.h). 0 and *OUT, or a negative errno with a sentence a line in WHY. */
must_check int agent_settings_load(const char *path, const char *const *overrides, size_t override_count, struct agent_settings **out,
                                   struct text *why);
/* Appends "[section] key (default): help" a line. */
void agent_settings_describe(struct text *out);
void agent_settings_free(struct agent_settings *settings);
void agent_settings_freep(struct agent_settings **settings);

/* Reads the password of the mail store's admin, which is kept wiped until it is needed; 0, or negative with a sentence in WHY. */
must_check int agent_settings_read_password(struct agent_settings *settings, struct text *why);
