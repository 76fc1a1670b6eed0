/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 */
#include <config.h>

#include "tests/unit/test.h"

#include "cache/mail_settings.h"

#include <errno.h>

static struct mail_settings_values values;
static struct arena arena;

/* 0, or -EINVAL with what is said in WHY. */
static int
parse(const char *content, struct mail_options *out, struct text *why)
{
	const struct conf_table tables[] = { mail_settings_table(&values), mail_settings_daemon_table(&values) };
	const struct conf_schema schema = { tables, array_size(tables), NULL };
	int r = conf_parse(&schema, span_of(content), "x.conf", NULL, 0, &arena, why);

	if (r == 0)
		mail_settings_options(&values, out);
	return r;
}

static void
nothing_said_gives_the_default_options(void **state)
{
	const struct mail_options *want = &mail_options_default;
	struct text why = TEXT_INIT;
	struct mail_options got;

	(void)state;
	assert_int_equal(parse("", &got, &why), 0);
	assert_true(span_is(got.delimiters, want->delimiters));
	assert_int_equal(got.extend, want->extend);
	assert_int_equal(got.refuse_suspended_users, want->refuse_suspended_users);
	assert_int_equal(got.refuse_suspended_domains, want->refuse_suspended_domains);
	assert_int_equal(got.relay_listed, want->relay_listed);
	assert_int_equal(got.expand_groups, want->expand_groups);
	assert_int_equal(got.group_depth, want->group_depth);
	assert_int_equal(got.group_size, want->group_size);
	assert_string_equal(got.mailbox_transport, want->mailbox_transport);
	assert_int_equal(got.max_age, want->max_age);
	arena_free(&arena);
}

static void
each_setting_is_an_option(void **state)
{
	struct text why = TEXT_INIT;
	struct mail_options got;

	(void)state;
	assert_int_equal(parse("[socketmap]\nrecipient-delimiter = +-\npropagate-extension = none\nmax-age = 1h\n"
	                       "listen = unix:/x inet:127.0.0.1:1\nhold = 5s\nmax-connections = 7\n"
	                       "[mail]\nsuspended-users = refuse\nsuspended-domains = refuse\nrelay-recipients = listed\n"
	                       "expand-groups = yes\ngroup-depth = 3\ngroup-size = 40\nmailbox-transport = relay:%h:%%%d\n",
	                       &got, &why),
	                 0);
	assert_true(span_is(got.delimiters, SPAN("+-")));
	assert_int_equal(got.extend, MAIL_EXTEND_NONE);
	assert_int_equal(got.max_age, 3600);
	assert_true(got.refuse_suspended_users && got.refuse_suspended_domains && got.relay_listed && got.expand_groups);
	assert_int_equal(got.group_depth, 3);
	assert_int_equal(got.group_size, 40);
	assert_string_equal(got.mailbox_transport, "relay:%h:%%%d");
	assert_int_equal(parse("[socketmap]\nrecipient-delimiter =\n[mail]\nmailbox-transport =\n", &got, &why), 0);
	assert_int_equal(got.delimiters.len, 0);
	assert_string_equal(got.mailbox_transport, "");
	arena_free(&arena);
}

static void
what_is_wrong_is_said(void **state)
{
	static const struct {
		const char *given, *want;
	} rows[] = {
		{ "[mail]\nexpand = yes\n", "x.conf:2: [mail] expand: unknown key; allowed: suspended-users" },
		{ "[socketmap]\nlistn = x\n", "x.conf:2: [socketmap] listn: unknown key" },
		{ "[mail]\nmailbox-transport = [%h]\n", "allowed: transport:nexthop" },
		{ "[mail]\nmailbox-transport = lmtp:%x\n", "allowed: transport:nexthop" },
		{ "[mail]\nmailbox-transport = lmtp:%\n", "allowed: transport:nexthop" },
		{ "[mail]\ngroup-depth = 101\n", "group-depth = 101: allowed: " },
		{ "[mail]\nsuspended-users = no\n", "suspended-users = no: allowed: deliver, refuse" },
		{ "[socketmap]\nrecipient-delimiter = @\n", "recipient-delimiter = @: allowed: characters" },
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		struct text why = TEXT_INIT;
		struct mail_options got;

		assert_int_equal(parse(rows[i].given, &got, &why), -EINVAL);
		if (strstr(text_str(&why), rows[i].want) == NULL)
			fail_msg("%s: got %s, want %s", rows[i].given, text_str(&why), rows[i].want);
		text_free(&why);
	}
	arena_free(&arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_said_gives_the_default_options),
		cmocka_unit_test(each_setting_is_an_option),
		cmocka_unit_test(what_is_wrong_is_said),
	};

	return RUN_TESTS(tests);
}
