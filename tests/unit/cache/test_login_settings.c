/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 */
#include <config.h>

#include "tests/unit/test.h"

#include "cache/login_settings.h"

#include <errno.h>

static struct login_settings_values values;
static struct arena arena;

/* 0, or -EINVAL with what is said in WHY. */
static int
parse(const char *content, struct login_options *out, struct text *why)
{
	const struct conf_table tables[] = { login_settings_table(&values) };
	const struct conf_schema schema = { tables, array_size(tables), NULL };
	int r = conf_parse(&schema, span_of(content), "x.conf", NULL, 0, &arena, why);

	return r < 0 ? r : login_settings_options(&values, &arena, out, why);
}

static const struct login_service *
service_of(const struct login_options *options, const char *name)
{
	for (size_t i = 0; i < options->service_count; i++)
		if (span_is(options->services[i].name, span_of(name)))
			return &options->services[i];
	fail_msg("%s is no service", name);
	return NULL;
}

static void
nothing_said_gives_the_default_options(void **state)
{
	const struct login_options *want = &login_options_default;
	struct text why = TEXT_INIT;
	struct login_options got;

	(void)state;
	assert_int_equal(parse("", &got, &why), 0);
	assert_int_equal(values.verify, LOGIN_VERIFY_HASH);
	assert_false(values.report_weak_passwords);
	assert_int_equal(got.service_count, want->service_count);
	for (size_t i = 0; i < want->service_count; i++) {
		assert_true(span_is(got.services[i].name, want->services[i].name));
		assert_int_equal(got.services[i].kinds, want->services[i].kinds);
		assert_int_equal(got.services[i].mailbox, want->services[i].mailbox);
	}
	assert_int_equal(got.mailbox_name, want->mailbox_name);
	assert_int_equal(got.by_alias, want->by_alias);
	assert_int_equal(got.by_replica, want->by_replica);
	assert_int_equal(got.default_domain.len, want->default_domain.len);
	assert_int_equal(got.local_realm_count, want->local_realm_count);
	assert_int_equal(got.refuse_suspended_users, want->refuse_suspended_users);
	assert_int_equal(got.refuse_suspended_domains, want->refuse_suspended_domains);
	assert_true(got.lockout_duration == want->lockout_duration);
	assert_true(got.max_age == want->max_age);
	arena_free(&arena);
}

static void
each_setting_is_an_option(void **state)
{
	struct text why = TEXT_INIT;
	struct login_options got;

	(void)state;
	assert_int_equal(parse("[login]\nverify = hash-then-bind\nmailbox-name = uid\nlogin-by-alias = yes\nlogin-by-replica = yes\n"
	                       "default-domain = Tern.Example.\nlocal-realms = mail1 mail2.isp.example\n"
	                       "services = imap=user Sieve=user+admin+vhost+domain *=none\nmailbox-services = imap xmpp\n"
	                       "suspended-users = allow\nsuspended-domains = refuse\nlockout-duration = 15m\n"
	                       "report-weak-passwords = yes\n", &got, &why), 0);
	assert_int_equal(values.verify, LOGIN_VERIFY_HASH_THEN_BIND);
	assert_true(values.report_weak_passwords);
	assert_int_equal(got.mailbox_name, LOGIN_MAILBOX_UID);
	assert_true(got.by_alias && got.by_replica && !got.refuse_suspended_users && got.refuse_suspended_domains);
	assert_true(span_is(got.default_domain, SPAN("tern.example")));
	assert_int_equal(got.local_realm_count, 2);
	assert_true(span_is(got.local_realms[1], SPAN("mail2.isp.example")));
	assert_int_equal(got.lockout_duration, 900);
	assert_int_equal(got.service_count, 4);
	assert_int_equal(service_of(&got, "imap")->kinds, 1 << LOGIN_USER);
	assert_true(service_of(&got, "imap")->mailbox);
	assert_int_equal(service_of(&got, "Sieve")->kinds, 1 << LOGIN_USER | 1 << LOGIN_ADMIN | 1 << LOGIN_VHOST | 1 << LOGIN_DOMAIN);
	assert_false(service_of(&got, "Sieve")->mailbox);
	assert_int_equal(service_of(&got, "*")->kinds, 0);
	/* One that opens mailboxes but is not in the list may be used by whom any other may. */
	assert_int_equal(service_of(&got, "xmpp")->kinds, 0);
	assert_true(service_of(&got, "xmpp")->mailbox);
	arena_free(&arena);
}

static void
what_is_not_allowed_says_what_is(void **state)
{
	static const struct {
		const char *given, *said;
	} rows[] = {
		{ "[login]\nverify = maybe\n", "hash-then-bind" },
		{ "[login]\nservices = imap\n", "SERVICE=KINDS" },
		{ "[login]\nservices = imap=\n", "SERVICE=KINDS" },
		{ "[login]\nservices = =user\n", "SERVICE=KINDS" },
		{ "[login]\nservices = imap=user+\n", "SERVICE=KINDS" },
		{ "[login]\nservices = imap=User\n", "SERVICE=KINDS" },
		{ "[login]\nservices = imap=user,admin\n", "SERVICE=KINDS" },
		{ "[login]\nservices = imap=user IMAP=admin\n", "each once" },
		{ "[login]\ndefault-domain = a b\n", "domain" },
		{ "[login]\ndefault-domain = .x\n", "domain" },
		{ "[login]\nsuspended-users = deliver\n", "allow" },
		{ "[login]\nnope = 1\n", "nope" },
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		struct text why = TEXT_INIT;
		struct login_options got;

		if (parse(rows[i].given, &got, &why) != -EINVAL || strstr(text_str(&why), rows[i].said) == NULL)
			fail_msg("%s: %s", rows[i].given, text_str(&why));
		text_free(&why);
		arena_free(&arena);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_said_gives_the_default_options),
		cmocka_unit_test(each_setting_is_an_option),
		cmocka_unit_test(what_is_not_allowed_says_what_is),
	};

	return RUN_TESTS(tests);
}
