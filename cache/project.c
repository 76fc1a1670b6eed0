/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * The environments there are, a row each; and what an entry contributes to all of them.
 */
#include <config.h>

#include "cache/project.h"

#include "cache/project_dns.h"
#include "cache/project_login.h"
#include "cache/project_mail.h"

#include <errno.h>

/* --- dns ------------------------------------------------------------------------------------------- */

static int
map_dns(const struct project_settings *settings, const struct placed_entry *placed, struct arena *arena, struct mapped *out)
{
	return project_dns_map(settings->dns, placed, arena, out);
}

static int
reduce_dns(const struct project_settings *settings, const struct reduce_input *input, struct reduced *out)
{
	return project_dns_reduce(settings->dns, input, out);
}

static unsigned
counts_dns(struct span subject, struct span value)
{
	struct zone_record zone;
	bool served;

	if (subject.data[0] != 'z' || zone_record_read(value, &zone) < 0)
		return 0;
	served = zone.kind == ZONE_REPLICA || (zone.kind == ZONE_PRIMARY && zone.has_soa);
	return (served ? 1u << PROJECT_DNS_ZONES : 0) | (zone.held ? 1u << PROJECT_DNS_HELD : 0);
}

static void
put_dns_subject(struct text *out, struct span subject)
{
	struct dname zone, name;
	char letter;

	if (key_split(subject, &letter, &zone, &name) < 0)
		return;
	text_put(out, letter == 's' ? "settings" : letter == 'z' ? "zone " : "node ");
	if (letter != 's')
		dname_put_text(out, &name);
}

/* --- mail ------------------------------------------------------------------------------------------- */

static int
map_mail(const struct project_settings *settings, const struct placed_entry *placed, struct arena *arena, struct mapped *out)
{
	return project_mail_map(settings->mail, placed, arena, out);
}

static int
reduce_mail(const struct project_settings *settings, const struct reduce_input *input, struct reduced *out)
{
	return project_mail_reduce(settings->mail, input, out);
}

static unsigned
counts_mail(struct span subject, struct span value)
{
	(void)value;
	return subject.data[0] == 'd' ? 1u << PROJECT_MAIL_DOMAINS : subject.data[0] == 'a' ? 1u << PROJECT_MAIL_ADDRESSES : 0;
}

static void
put_mail_subject(struct text *out, struct span subject)
{
	struct span domain, rest;
	char letter;

	if (key_mail_split(subject, &letter, &domain, &rest) < 0)
		return;
	if (letter == 'd')
		text_put(out, "domain ");
	else if (letter == 'a')
		text_putf(out, "address %.*s@", (int)rest.len, rest.data);
	else
		text_putf(out, "claims of %.*s on ", (int)rest.len, rest.data);
	text_put_span(out, domain);
}

/* --- secret, account --------------------------------------------------------------------------------- */

static int
map_login(const struct project_settings *settings, const struct placed_entry *placed, struct arena *arena, struct mapped *out)
{
	return project_login_map(settings->login, placed, arena, out);
}

static int
reduce_login(const struct project_settings *settings, const struct reduce_input *input, struct reduced *out)
{
	return project_login_reduce(settings->login, input, out);
}

static unsigned
counts_secret(struct span subject, struct span value)
{
	struct secret_entry entry;

	if (subject.data[0] != 'e' || secret_entry_read(value, &entry) < 0)
		return 0;
	return 1u << PROJECT_SECRET_ACCOUNTS | (entry.value_count > 0 ? 1u << PROJECT_SECRET_PASSWORDS : 0);
}

static unsigned
counts_account(struct span subject, struct span value)
{
	(void)value;
	return subject.data[0] == 'L' ? 1u << PROJECT_ACCOUNT_LOGINS : 0;
}

static void
put_uuid(struct text *out, struct span uuid)
{
	for (size_t i = 0; i < uuid.len; i++)
		text_putf(out, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", (uint8_t)uuid.data[i]);
}

static void
put_login_subject(struct text *out, struct span subject)
{
	struct span name, claimer;
	char letter;

	if (key_login_split(subject, &letter, &name, &claimer) < 0)
		return;
	letter = ascii_lower(letter);
	if (letter == 'e') {
		text_put(out, "account ");
		put_uuid(out, name);
		return;
	}
	if (letter == 'h' || letter == 'g')
		text_put(out, letter == 'h' ? "host " : "host group ");
	else if (letter == 'v')
		text_putf(out, "logins of %.*s on ", (int)claimer.len, claimer.data);
	else
		text_put(out, letter == 'l' ? "login " : "domain ");
	text_put_span(out, name);
}

/* --- the table -------------------------------------------------------------------------------------- */

const struct projection projections[PROJECT_ENVIRONMENTS] = {
	[PROJECT_DNS] = {
		.name = "dns",
		.format = DNS_FORMAT,
		.since = 1,
		.letters = "nrsz",
		.counted = { [PROJECT_DNS_ZONES] = "zones", [PROJECT_DNS_HELD] = "held_zones" },
		.counted_help = { [PROJECT_DNS_ZONES] = "Zones that are served.",
		                  [PROJECT_DNS_HELD] = "Zones that are served with their last good SOA." },
		.counted_letters = "z",
		.map = map_dns,
		.reduce = reduce_dns,
		.counts = counts_dns,
		.put_subject = put_dns_subject,
	},
	[PROJECT_MAIL] = {
		.name = "mail",
		.format = MAIL_FORMAT,
		.since = 2,
		.letters = "adf",
		.counted = { [PROJECT_MAIL_DOMAINS] = "mail_domains", [PROJECT_MAIL_ADDRESSES] = "mail_addresses" },
		.counted_help = { [PROJECT_MAIL_DOMAINS] = "Mail domains.",
		                  [PROJECT_MAIL_ADDRESSES] = "Mail addresses, catch-alls included." },
		.counted_letters = "ad",
		.map = map_mail,
		.reduce = reduce_mail,
		.counts = counts_mail,
		.put_subject = put_mail_subject,
	},
	[PROJECT_SECRET] = {
		.name = "secret",
		.format = SECRET_FORMAT,
		.since = 3,
		.letters = "elov",
		.counted = { [PROJECT_SECRET_ACCOUNTS] = "accounts", [PROJECT_SECRET_PASSWORDS] = "accounts_with_password" },
		.counted_help = { [PROJECT_SECRET_ACCOUNTS] = "Entries that have a login.",
		                  [PROJECT_SECRET_PASSWORDS] = "Those whose stored password is known here." },
		.counted_letters = "e",
		.map = map_login,
		.reduce = reduce_login,
		.counts = counts_secret,
		.put_subject = put_login_subject,
	},
	[PROJECT_ACCOUNT] = {
		.name = "account",
		.format = ACCOUNT_FORMAT,
		.since = 3,
		.letters = "EGHLO",
		.logged_letters = "EGH",
		.counted = { [PROJECT_ACCOUNT_LOGINS] = "logins" },
		.counted_help = { [PROJECT_ACCOUNT_LOGINS] = "Logins, aliases included." },
		.counted_letters = "L",
		.reduce = reduce_login,
		.counts = counts_account,
		.put_subject = put_login_subject,
	},
};

enum project_environment
project_of(struct span subject)
{
	enum project_environment i = 0;

	while (i < PROJECT_ENVIRONMENTS && (subject.len == 0 || subject.data[0] == '\0' ||
	                                    strchr(projections[i].letters, subject.data[0]) == NULL))
		i++;
	return i;
}

enum project_environment
project_named(const char *name)
{
	enum project_environment i = 0;

	while (i < PROJECT_ENVIRONMENTS && strcmp(projections[i].name, name) != 0)
		i++;
	return i;
}

static bool
sorts_before(const struct fragment *a, const struct fragment *b)
{
	size_t n = a->subject.len < b->subject.len ? a->subject.len : b->subject.len;
	int order = memcmp(a->subject.octets, b->subject.octets, n);

	return order != 0 ? order < 0 : a->subject.len < b->subject.len;
}

static struct fragment *
merge(struct fragment *a, struct fragment *b)
{
	struct fragment *merged = NULL, **last = &merged;

	while (a != NULL && b != NULL) {
		struct fragment **first = sorts_before(a, b) ? &a : &b;

		*last = *first;
		last = &(*last)->next;
		*first = *last;
	}
	*last = a != NULL ? a : b;
	return merged;
}

int
project_map(const struct project_settings *settings, const struct placed_entry *placed, struct arena *arena, struct mapped *out)
{
	struct mapped one = { .problems = TEXT_INIT };
	int r = projections[0].map(settings, placed, arena, out);

	for (size_t i = 1; r == 0 && i < PROJECT_ENVIRONMENTS; i++) {
		if (projections[i].map == NULL)
			continue;
		r = projections[i].map(settings, placed, arena, &one);
		if (r < 0)
			break;
		out->fragments = merge(out->fragments, one.fragments);
		if (one.problems.len > 0)
			text_put_span(&out->problems, text_span(&one.problems));
	}
	text_free(&one.problems);
	return r == 0 && text_failed(&out->problems) ? -ENOMEM : r;
}
