/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * Stored passwords that cannot be read.
 *
 * A directory that does not show them says nothing: the attribute is just not there. An account without any is "cannot tell" for whoever
 * verifies logins, so nobody is refused, and nobody gets in either. Hence somebody must say so, and what would mend it.
 */
#include <config.h>

#include "cache/service_internal.h"

enum { MISSING_FREE = 5, MISSING_PERCENT = 10 };

static void
put_remedy(const struct settings *settings, struct text *out)
{
	struct span password = settings->profile.password;

	if (settings->ldif_path != NULL)
		return;
	text_putf(out, " In slapd's configuration: olcAccess: {0}to attrs=%.*s by dn.exact=\"%s\" read by * break.", (int)password.len,
	          password.data, settings->ldap_bind_dn != NULL ? settings->ldap_bind_dn : "DN OF ISPMAN-CACHED");
	text_put(out, " If logins are not verified by stored passwords, set [login] verify = bind, or none.");
}

int
service_missing_passwords(struct service *service, struct text *out)
{
	struct publish_status status;
	uint64_t accounts, without;

	/* Not asked for. */
	if (service->settings->profile.password.len == 0)
		return 0;
	publish_status(service->publish[PROJECT_SECRET], &status);
	accounts = status.counts[PROJECT_SECRET_ACCOUNTS];
	if (!status.complete || status.rebuilding || accounts == 0)
		return 0;
	without = accounts - status.counts[PROJECT_SECRET_PASSWORDS];
	if (without < accounts) {
		uint64_t usual = service->least_without_password;

		if (!service->has_seen_accounts || without < usual) {
			service->has_seen_accounts = true;
			service->least_without_password = without;
			return 0;
		}
		if (without - usual <= MISSING_FREE || without - usual <= accounts * MISSING_PERCENT / 100)
			return 0;
		text_putf(out, "%llu of %llu accounts have no stored password that can be read, many more than before: nobody can log in to "
		               "these.", (unsigned long long)without, (unsigned long long)accounts);
	} else {
		text_putf(out, "there are %llu accounts, and no stored password can be read: nobody can log in.",
		          (unsigned long long)accounts);
	}
	put_remedy(service->settings, out);
	return 1;
}
