/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * What the files of the login projection share, and what its fragments hold.
 *
 * Fragments are records as record_login.h has them, those of a login with a single claim. What entries say to 'v' is an item of its own.
 */
#pragma once

#include "cache/complaint.h"
#include "cache/project_login.h"

/* A login that the entry holds. */
struct login_name {
	struct span login;  /* folded */
	struct span domain; /* in LOGIN; empty: a word */
	struct span typed;
	uint8_t right, form;
	bool foreign;       /* of another domain, which may be a replica of the entry's */
};

/* The entry being mapped, and where its fragments and problems go. */
struct login_mapping {
	const struct login_settings *settings;
	const struct placed_entry *placed;
	struct arena *arena;
	struct mapped *out;
	struct fragment **end;    /* fragments are put in order of their subjects */
	struct complaints complaints;

	uint8_t kind;             /* enum login_kind */
	char own_room[ADDRESS_DOMAIN_MAX];
	struct span own;          /* the domain that it belongs to, folded; empty for an admin */

	struct span uid;          /* the login that it is named by, or the first one; as spelled */
	struct span address;      /* its primary address, as spelled */
	size_t count, room;
	struct login_name *names; /* sorted by login, each once */
};

/* Appends the problem begun with complaint_begin, with the entry's DN. */
void login_mapping_complain(struct login_mapping *m, const char *kind);

/* --- project_login_names.c: reads the entry's logins into names. 0 or -ENOMEM */
must_check int login_mapping_names(struct login_mapping *m);

/* --- project_login_entry.c: appends what each environment has of the entry. 0 or -ENOMEM */
must_check int login_mapping_secret(struct login_mapping *m, struct text *out);
must_check int login_mapping_account(struct login_mapping *m, struct text *out);
/* The first value of ATTRIBUTE without blanks around it; empty when it has none. */
struct span login_mapping_value(const struct login_mapping *m, struct span attribute);

/* --- project_login_store.c: what a file server and a mail store keep of the entry. 0 or -ENOMEM */
must_check int login_mapping_store(struct login_mapping *m, struct account_entry *out);
/* A fragment of a host or a group of hosts, if the entry is one. */
must_check int login_map_host(const struct login_settings *settings, const struct placed_entry *placed, struct arena *arena,
                              struct mapped *out);

/* --- 'v' ------------------------------------------------------------------------------------------- */

enum { LOGIN_FOREIGN_NAMED = 3 };

/* Logins of another domain that an entry holds, or that its domain's entries may hold them. NAMED are the first of them, each with
 * its length (2) in front. */
struct login_foreign {
	bool allowed;
	uint32_t count;
	uint16_t named_count;
	struct span named;
};
void login_foreign_put(struct text *out, const struct login_foreign *foreign);
must_check int login_foreign_read(struct span payload, struct login_foreign *out);
