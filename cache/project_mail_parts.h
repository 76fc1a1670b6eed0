/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * What the files of the mail projection share, and what its fragments hold.
 *
 * A fragment of 'd' is a record of a domain as record_mail.h has it, a fragment of 'a' a claim. What entries say to
 * 'f' is an item of its own.
 */
#pragma once

#include "cache/complaint.h"
#include "cache/project_mail.h"

/* --- map ------------------------------------------------------------------------------------------- */

/* The entry being mapped, and where its fragments and problems go. */
struct mail_mapping {
	const struct mail_settings *settings;
	const struct placed_entry *placed;
	struct arena *arena;
	struct mapped *out;
	struct fragment **end; /* fragments are put in order of their subjects */
	struct complaints complaints;
};

/* Adds a fragment behind the others, PAYLOAD copied into the arena. Returns 0 or -ENOMEM. */
must_check int mail_mapping_add(struct mail_mapping *m, const struct key *subject, const struct text *payload);

/* Appends the problem begun with complaint_begin, with the entry's DN. */
void mail_mapping_complain(struct mail_mapping *m, const char *kind);

/* As project_values_of. */
must_check int mail_mapping_values(const struct mail_mapping *m, struct span attribute, struct project_values *out);

/* Appends the usable ones of an attribute of logins; whatever else is a problem. Returns 0 or -ENOMEM. */
must_check int mail_mapping_logins(struct mail_mapping *m, struct span attribute, struct text *list);

bool mail_mapping_is_suspended(const struct mail_mapping *m);

/* An entry of the user or group class. Returns 0 or -ENOMEM. */
must_check int mail_map_holder(struct mail_mapping *m, enum mail_holder holder);

/* --- 'f' ------------------------------------------------------------------------------------------- */

enum { MAIL_FOREIGN_NAMED = 3 };

/* Addresses of another domain that an entry holds, or that its domain's users may hold them. */
struct mail_foreign {
	bool allowed;
	uint32_t count;         /* of addresses */
	struct mail_list named; /* the first MAIL_FOREIGN_NAMED of them */
};
void mail_foreign_put(struct text *out, const struct mail_foreign *foreign);
must_check int mail_foreign_read(struct span payload, struct mail_foreign *out);
