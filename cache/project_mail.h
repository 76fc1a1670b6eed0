/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * Directory entries to mail domains and addresses (project.h says how).
 *
 * An entry speaks for itself: a user or a group holds addresses of the domain below which it stands, and of that domain's replicas. Which
 * domains are replicas of which is known when an answer is read, so every claim is stored with the domain it comes from (record_mail.h),
 * and a claim that the reader will not heed is a problem of the subject 'f'.
 */
#pragma once

#include "cache/profile.h"
#include "cache/project.h"
#include "cache/record_mail.h"

/* Entries of CLAIMER may hold addresses of DOMAIN; both folded, "*" is any. */
struct cross_claim {
	struct span claimer, domain;
};

struct mail_settings {
	const struct profile *profile;
	size_t cross_count;
	const struct cross_claim *cross;
};

/* As project_dns_map and project_dns_reduce. */
must_check int project_mail_map(const struct mail_settings *settings, const struct placed_entry *placed, struct arena *arena,
                                struct mapped *out);
must_check int project_mail_reduce(const struct mail_settings *settings, const struct reduce_input *input, struct reduced *out);
