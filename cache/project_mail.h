/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * Directory entries to mail domains and addresses (project.h says how; docs/mail-data.md for whoever writes the entries).
 *
 * An entry speaks for itself: a user or a group holds addresses of the domain below which it stands, and of that domain's replicas. Which
 * domains are replicas of which is known when an answer is read, so every claim is stored with the domain it comes from (record_mail.h),
 * and a claim that the reader will not heed is a problem of the subject 'f'.
 */
#pragma once

#include "cache/profile.h"
#include "cache/project.h"
#include "cache/project_entry.h"
#include "cache/record_mail.h"

struct mail_settings {
	const struct profile *profile;
	size_t cross_count;
	const struct cross_claim *cross;
	size_t transport_count; /* 0: a domain may state any */
	const struct span *transports; /* the names of those that it may: "smtp" */
};

/* What one entry may cost: beyond this its values are left out, and that is a problem. OCTETS is what all its fragments take together:
 * every address carries what the entry says of all of them. */
enum {
	PROJECT_MAIL_ADDRESSES_MAX = 1000,
	PROJECT_MAIL_TARGETS_MAX = 10000,
	PROJECT_MAIL_LOGINS_MAX = 100,
	PROJECT_MAIL_OCTETS_MAX = 1 << 20,
};

/* What a record may hold: claims on one address by entries of its own domain; by those of each other domain, and their octets; all claims.
 * So nobody can crowd out those that count, nor make the record of another's address large. */
enum {
	PROJECT_MAIL_OWN_CLAIMS_MAX = 64,
	PROJECT_MAIL_FOREIGN_CLAIMS_MAX = 8,
	PROJECT_MAIL_FOREIGN_OCTETS_MAX = PROJECT_MAIL_OCTETS_MAX,
	PROJECT_MAIL_CLAIMS_MAX = 1000,
};

/* As project_dns_map and project_dns_reduce. */
must_check int project_mail_map(const struct mail_settings *settings, const struct placed_entry *placed, struct arena *arena,
                                struct mapped *out);
must_check int project_mail_reduce(const struct mail_settings *settings, const struct reduce_input *input, struct reduced *out);
