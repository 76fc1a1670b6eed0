/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * The settings of ispman.conf that ispman-cached and ispmanctl use, in one struct.
 *
 * A new setting is a member here, a row in settings.c and a line in ispman.conf's manual page.
 */
#pragma once

#include "cache/ftp_settings.h"
#include "cache/login_settings.h"
#include "cache/mail_settings.h"
#include "cache/profile.h"
#include "cache/project_dns.h"
#include "cache/project_login.h"
#include "cache/project_mail.h"
#include "cache/record.h"
#include "common/arena.h"
#include "common/conf.h"
#include "common/log.h"
#include "common/macro.h"

enum settings_sasl { SETTINGS_SASL_NONE, SETTINGS_SASL_EXTERNAL, SETTINGS_SASL_GSSAPI };

/* A string that is not set is NULL; a time that is 0 is "none". */
struct settings {
	struct arena arena;

	/* [ispman] */
	const char *cache_dir, *run_dir;
	const char *user, *group; /* to become when started as root */
	int log_level_word;
	enum log_level log_level;

	/* [ldap]; times in seconds */
	struct conf_list ldap_uri;
	const char *ldap_base, *ldap_bind_dn, *ldap_bind_password_file;
	bool ldap_starttls;
	const char *ldap_ca_file, *ldap_cert_file, *ldap_key_file;
	int ldap_sasl_mech; /* enum settings_sasl */
	const char *ldap_filter;
	uint64_t ldap_timeout;         /* for an operation that should answer at once */
	uint64_t ldap_probe_interval;  /* silence after which the connection is probed */
	uint64_t ldap_return_interval; /* between attempts to return to an earlier URI */
	uint64_t ldap_lag_timeout;     /* patience with a provider that is behind */

	/* [cached] */
	const char *cached_source; /* as written */
	const char *ldif_path;     /* source = ldif:FILE, else NULL */
	uint64_t brake_percent;
	uint64_t map_size;
	const char *dns_group;     /* the group that reads the dns environment, NULL: as the files come */
	const char *mail_group;    /* the same for the mail environment */
	const char *secret_group, *account_group;
	uint64_t max_age;

	/* [dns] */
	struct conf_list dns_reverse_prefixes;
	uint64_t dns_soa_hold;
	int dns_serial;            /* 0 automatic, 1 stored */
	uint64_t dns_max_age;      /* [cached] max-age unless set */

	/* [mail] and [socketmap] */
	struct mail_settings_values mail_values;

	/* [login] */
	struct login_settings_values login_values;
	/* [ftpauth], as far as it is shown */
	struct ftp_settings_values ftp_values;

	/* [claims] */
	struct conf_list claims_cross_domain, claims_transports;

	/* [profile]: NULL is the built-in one's */
	const char *profile_words[65];

	/* Made of the above; spans and pointers lie in the arena. */
	struct profile profile;
	struct dns_settings dns;
	struct mail_options mail;
	struct mail_settings mail_projection;
	struct login_options login;
	struct login_settings login_projection;
	struct project_settings project;
	struct conf_list ldap_attributes; /* to ask the directory for */
};

/* Reads PATH and OVERRIDES (common/conf.h). The rules between settings that the daemon needs (a source of
 * entries is stated, credentials are complete) are checked by the first only.
 * Return 0 and *OUT, or a negative errno with a sentence a line in WHY. */
must_check int settings_load(const char *path, const char *const *overrides, size_t override_count,
                             struct settings **out, struct text *why);
must_check int settings_load_reader(const char *path, const char *const *overrides, size_t override_count,
                                    struct settings **out, struct text *why);
/* What is allowed but hardly meant: SAY is called with a sentence for each such thing. */
void settings_warn(const struct settings *settings, void (*say)(void *context, const char *sentence), void *context);

void settings_free(struct settings *settings);
void settings_freep(struct settings **settings);

/* "192.0.2.0/24", "10.0.0.0/8@16", "2001:db8::/32@48": a prefix and, after @, where zones are cut
 * (24 and 64 unless given, or where the prefix itself ends when that is later). 0, or -EINVAL with what would
 * be right in WHY. */
must_check int settings_reverse_prefix(const char *text, struct reverse_prefix *out, struct text *why);

/* "CLAIMER/DOMAIN", either of which may be "*": entries of CLAIMER may hold addresses of DOMAIN. Both are folded, into ARENA. 0, or
 * -EINVAL with what would be right in WHY. */
must_check int settings_cross_claim(const char *text, struct arena *arena, struct cross_claim *out, struct text *why);

/* Text that changes whenever data must be fetched anew under these settings (source, base, filter, profile). In
 * the arena; NULL without memory. */
const char *settings_source_identity(struct settings *settings);

/* "[section] key (default): help" for every setting, for manuals and tests. */
void settings_describe(struct text *out);
