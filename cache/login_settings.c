/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * Rows of [login]. Their defaults are those of login_options_default; a test holds that.
 */
#include <config.h>

#include "cache/login_settings.h"

#include "cache/address.h"

#include <errno.h>

static const char *const verifies[] = { "hash", "bind", "hash-then-bind", "none", NULL };
static const char *const mailbox_names[] = { "address", "uid", NULL };
static const char *const suspensions[] = { "allow", "refuse", NULL };

static const struct {
	struct span word;
	enum login_kind kind;
} kind_words[] = {
	{ { "user", 4 }, LOGIN_USER },
	{ { "vhost", 5 }, LOGIN_VHOST },
	{ { "domain", 6 }, LOGIN_DOMAIN },
	{ { "admin", 5 }, LOGIN_ADMIN },
};

static int
refuse_service(struct text *why)
{
	text_put(why, "SERVICE=KINDS with kinds of user, vhost, domain and admin joined by +, or none; * for any other service: "
	              "imap=user+admin ftp=user+vhost+domain *=user");
	return -EINVAL;
}

/* NAME=KIND+KIND */
static int
read_service(struct span text, struct login_service *out)
{
	const char *equals = memchr(text.data, '=', text.len);
	struct span rest;

	if (equals == NULL || equals == text.data)
		return -EINVAL;
	*out = (struct login_service){ .name = span_from(text.data, (size_t)(equals - text.data)) };
	rest = span_skip(text, out->name.len + 1);
	if (span_is(rest, SPAN("none")))
		return 0;
	for (;;) {
		const char *plus = memchr(rest.data, '+', rest.len);
		struct span word = span_from(rest.data, plus != NULL ? (size_t)(plus - rest.data) : rest.len);
		size_t i = 0;

		while (i < array_size(kind_words) && !span_is(kind_words[i].word, word))
			i++;
		if (i == array_size(kind_words))
			return -EINVAL;
		out->kinds |= 1u << kind_words[i].kind;
		if (plus == NULL)
			return 0;
		rest = span_skip(rest, word.len + 1);
	}
}

static int
check_service(const char *value, struct text *why)
{
	struct login_service service;

	return read_service(span_of(value), &service) < 0 ? refuse_service(why) : 0;
}

static int
check_domain(const char *value, struct text *why)
{
	char folded[ADDRESS_DOMAIN_MAX];
	size_t n;
	int r = address_domain(span_of(value), folded, &n);

	if (r < 0 || folded[0] == '.' || folded[0] == '[') {
		text_put(why, "the name of a domain");
		return r == -ENOMEM ? r : -EINVAL;
	}
	return 0;
}

#define AT(member) offsetof(struct login_settings_values, member)

static const struct conf_setting rows[] = {
	{ "login", "verify", CONF_CHOICE, AT(verify), .words = verifies, .def = "hash",
	  .help = "passwords are compared with stored ones, tried at the directory (bind), or not known here at all" },
	{ "login", "mailbox-name", CONF_CHOICE, AT(mailbox_name), .words = mailbox_names, .def = "address",
	  .help = "what mailboxes are called by: address or uid" },
	{ "login", "login-by-alias", CONF_BOOL, AT(by_alias), .def = "no",
	  .help = "whether users may log in by their further addresses" },
	{ "login", "login-by-replica", CONF_BOOL, AT(by_replica), .def = "no",
	  .help = "whether users may log in with the name of a replica of their domain" },
	{ "login", "default-domain", CONF_STRING, AT(default_domain), .check = check_domain,
	  .help = "domain of logins that are only a word" },
	{ "login", "local-realms", CONF_LIST, AT(local_realms),
	  .help = "realms that are not joined to a login, such as the name of the host" },
	{ "login", "services", CONF_LIST, AT(services), .check = check_service,
	  .def = "imap=user+admin imaps=user+admin pop=user+admin pop3=user+admin pop3s=user+admin sieve=user+admin smtp=user+admin "
	         "ftp=user+vhost+domain *=user",
	  .help = "who may use which service" },
	{ "login", "mailbox-services", CONF_LIST, AT(mailbox_services), .def = "imap imaps pop pop3 pop3s sieve",
	  .help = "services that open the mailbox a login names" },
	{ "login", "suspended-users", CONF_CHOICE, AT(suspended_users), .words = suspensions, .def = "refuse",
	  .help = "allow or refuse logins of suspended users" },
	{ "login", "suspended-domains", CONF_CHOICE, AT(suspended_domains), .words = suspensions, .def = "allow",
	  .help = "allow or refuse all logins of suspended domains" },
	{ "login", "lockout-duration", CONF_SECONDS, AT(lockout_duration), .def = "forever", .none = "forever",
	  .help = "how long pwdAccountLockedTime locks: ppolicy's pwdLockoutDuration" },
	{ "login", "report-weak-passwords", CONF_BOOL, AT(report_weak_passwords), .def = "no",
	  .help = "whether passwords stored in clear, unsalted or with DES are problems" },
};

/* ispman-saslauthd's own; a list takes any value any number of times. */
static const struct conf_setting daemon_rows[] = {
	{ "saslauth", "listen", CONF_LIST, AT(listen), .help = "see ispman-saslauthd" },
	{ "saslauth", "allow-users", CONF_LIST, AT(daemon_values), .help = "see ispman-saslauthd" },
	{ "saslauth", "trusted-peers", CONF_LIST, AT(daemon_values), .help = "see ispman-saslauthd" },
	{ "saslauth", "request-timeout", CONF_LIST, AT(daemon_values), .help = "see ispman-saslauthd" },
	{ "saslauth", "max-connections", CONF_LIST, AT(daemon_values), .help = "see ispman-saslauthd" },
	{ "saslauth", "max-age", CONF_LIST, AT(daemon_values), .help = "see ispman-saslauthd" },
	{ "saslauth", "workers", CONF_LIST, AT(daemon_values), .help = "see ispman-saslauthd" },
	{ "saslauth", "queue", CONF_LIST, AT(daemon_values), .help = "see ispman-saslauthd" },
	{ "saslauth", "hash-memory", CONF_LIST, AT(daemon_values), .help = "see ispman-saslauthd" },
	{ "saslauth", "max-values", CONF_LIST, AT(daemon_values), .help = "see ispman-saslauthd" },
	{ "saslauth", "allow-clear-passwords", CONF_LIST, AT(daemon_values), .help = "see ispman-saslauthd" },
	{ "saslauth", "verified-cache-size", CONF_LIST, AT(daemon_values), .help = "see ispman-saslauthd" },
	{ "saslauth", "verified-cache-life", CONF_LIST, AT(daemon_values), .help = "see ispman-saslauthd" },
	{ "saslauth", "throttle", CONF_LIST, AT(daemon_values), .help = "see ispman-saslauthd" },
	{ "saslauth", "throttle-decay", CONF_LIST, AT(daemon_values), .help = "see ispman-saslauthd" },
	{ "saslauth", "throttle-size", CONF_LIST, AT(daemon_values), .help = "see ispman-saslauthd" },
	{ "saslauth", "throttle-exempt", CONF_LIST, AT(daemon_values), .help = "see ispman-saslauthd" },
	{ "saslauth", "throttle-exempt-services", CONF_LIST, AT(daemon_values), .help = "see ispman-saslauthd" },
	{ "saslauth", "bind-workers", CONF_LIST, AT(daemon_values), .help = "see ispman-saslauthd" },
	{ "saslauth", "control-group", CONF_LIST, AT(daemon_values), .help = "see ispman-saslauthd" },
	{ "saslauth", "user", CONF_LIST, AT(daemon_values), .help = "see ispman-saslauthd" },
	{ "saslauth", "group", CONF_LIST, AT(daemon_values), .help = "see ispman-saslauthd" },
};

struct conf_table
login_settings_table(struct login_settings_values *target)
{
	return (struct conf_table){ rows, array_size(rows), target };
}

struct conf_table
login_settings_daemon_table(struct login_settings_values *target)
{
	return (struct conf_table){ daemon_rows, array_size(daemon_rows), target };
}

static struct login_service *
service_named(struct login_service *services, size_t count, struct span name)
{
	for (size_t i = 0; i < count; i++)
		if (span_is_nocase(services[i].name, name))
			return &services[i];
	return NULL;
}

static int
fill_services(const struct login_settings_values *values, struct arena *arena, struct login_options *out, struct text *why)
{
	size_t room = values->services.count + values->mailbox_services.count + 1, count = 0;
	struct login_service *services = arena_alloc(arena, room * sizeof(*services)), *any;

	if (services == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < values->services.count; i++) {
		const char *text = values->services.items[i];

		if (read_service(span_of(text), &services[count]) < 0 ||
		    service_named(services, count, services[count].name) != NULL) {
			text_putf(why, "[login] services: \"%s\" is given; allowed, each once: ", text);
			(void)refuse_service(why);
			text_put_char(why, '\n');
			return -EINVAL;
		}
		count++;
	}
	any = service_named(services, count, SPAN("*"));
	for (size_t i = 0; i < values->mailbox_services.count; i++) {
		struct span name = span_of(values->mailbox_services.items[i]);
		struct login_service *service = service_named(services, count, name);

		if (service == NULL) {
			service = &services[count++];
			*service = (struct login_service){ .name = name, .kinds = any != NULL ? any->kinds : 0 };
		}
		service->mailbox = true;
	}
	out->services = services;
	out->service_count = count;
	return 0;
}

static int
fill_default_domain(const struct login_settings_values *values, struct arena *arena, struct login_options *out)
{
	char folded[ADDRESS_DOMAIN_MAX];
	size_t n;
	int r;

	if (values->default_domain == NULL)
		return 0;
	r = address_domain(span_of(values->default_domain), folded, &n);
	if (r < 0)
		return r;
	out->default_domain = arena_copy(arena, span_from(folded, n));
	return out->default_domain.data != NULL ? 0 : -ENOMEM;
}

int
login_settings_options(const struct login_settings_values *values, struct arena *arena, struct login_options *out, struct text *why)
{
	struct login_options options = {
		.mailbox_name = (enum login_mailbox_name)values->mailbox_name,
		.by_alias = values->by_alias,
		.by_replica = values->by_replica,
		.default_domain = SPAN(""),
		.refuse_suspended_users = values->suspended_users != 0,
		.refuse_suspended_domains = values->suspended_domains != 0,
		.lockout_duration = values->lockout_duration,
	};
	struct span *realms = arena_alloc(arena, (values->local_realms.count + 1) * sizeof(*realms));
	int r;

	if (realms == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < values->local_realms.count; i++)
		realms[i] = span_of(values->local_realms.items[i]);
	options.local_realms = realms;
	options.local_realm_count = values->local_realms.count;
	r = fill_services(values, arena, &options, why);
	if (r == 0)
		r = fill_default_domain(values, arena, &options);
	if (r == 0)
		*out = options;
	return r;
}
