/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * Directory entries to logins, for secret/ and account/ (project.h says how; docs/login-data.md for whoever writes the entries).
 *
 * An entry is read once for both environments: who holds a login is said in the same words to both, so that whoever reads one of them comes
 * to the same entry. An entry speaks for itself: it holds logins of the domain below which it stands, and of that domain's replicas;
 * which these are is known when an answer is read.
 */
#pragma once

#include "cache/profile.h"
#include "cache/project.h"
#include "cache/project_entry.h"
#include "cache/record_login.h"

struct login_settings {
	const struct profile *profile;
	size_t cross_count;
	const struct cross_claim *cross;
	bool report_weak_passwords;
};

/* What one entry may cost: beyond this its values are left out, and that is a problem. */
enum {
	PROJECT_LOGIN_NAMES_MAX = 100,
	PROJECT_LOGIN_ALIASES_MAX = 1000,
	PROJECT_LOGIN_PASSWORDS_MAX = 16,
	PROJECT_LOGIN_PASSWORD_OCTETS_MAX = 2048,
	PROJECT_LOGIN_TEXT_MAX = 1024, /* a home, a host */
};

/* What a record may hold: claims on one login by right of their own domain, or of none; by those of each other domain; all. So nobody
 * crowds out those that count. */
enum {
	PROJECT_LOGIN_OWN_CLAIMS_MAX = 64,
	PROJECT_LOGIN_FOREIGN_CLAIMS_MAX = 8,
	PROJECT_LOGIN_CLAIMS_MAX = 1000,
};

/* The fragments of both environments. As project_dns_map and project_dns_reduce. */
must_check int project_login_map(const struct login_settings *settings, const struct placed_entry *placed, struct arena *arena,
                                 struct mapped *out);
must_check int project_login_reduce(const struct login_settings *settings, const struct reduce_input *input, struct reduced *out);
