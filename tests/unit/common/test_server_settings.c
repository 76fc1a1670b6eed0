/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 */
#include <config.h>

#include "tests/unit/test.h"

#include "common/server_settings.h"

#include <errno.h>

struct x_settings {
	struct server_settings server;
	struct conf_list others, allow;
};

#define AT(member) offsetof(struct x_settings, member)

static const struct conf_setting rows[] = {
	{ "x", "listen", CONF_LIST, AT(server.listen_values), .help = "sockets" },
	{ "x", "others", CONF_LIST, AT(others), .help = "more sockets" },
	{ "x", "allow", CONF_LIST, AT(allow), .def = "127.0.0.0/8", .help = "networks" },
	SERVER_SETTINGS_USER("x", AT(server)),
};

/* The settings of a file that holds TEXT; NULL with sentences in WHY. */
static struct server_settings *
settings_of(const char *text, struct text *why)
{
	cleanup(server_settings_freep) struct server_settings *s = calloc(1, sizeof(struct x_settings));
	struct x_settings *x = (struct x_settings *)s;
	const struct conf_table tables[] = { server_settings_table(s), { rows, array_size(rows), x } };
	const struct conf_schema schema = { tables, array_size(tables), NULL };

	assert_non_null(s);
	if (conf_parse(&schema, span_of(text), "x.conf", NULL, 0, &s->arena, why) < 0 ||
	    server_settings_fill(s, "x", x->others.count, why) < 0 ||
	    server_settings_prefixes(&s->arena, &x->allow, &s->allow, &s->allow_count, why) < 0)
		return NULL;
	for (size_t i = 0; i < x->others.count; i++)
		if (listener_parse(x->others.items[i], &s->listen[s->listen_count + i], why) < 0)
			return NULL;
	s->other_count = x->others.count;
	return take(s);
}

static void
values_are_made_addresses_and_a_level(void **state)
{
	cleanup(text_free) struct text why = TEXT_INIT;
	cleanup(server_settings_freep) struct server_settings *s =
		settings_of("[ispman]\ncache-dir = /c\nlog-level = warning\nuser = cached\n"
	                    "[x]\nlisten = unix:/a unix:/b\nothers = inet:127.0.0.1:1\nallow = ::1 10.0.0.0/8\nuser = me\n",
	                    &why);

	(void)state;
	assert_string_equal(text_str(&why), "");
	assert_non_null(s);
	assert_string_equal(s->cache_dir, "/c");
	assert_string_equal(s->run_dir, RUN_DIR);
	assert_int_equal(s->log_level, LOG_WARNING);
	assert_int_equal(s->listen_count, 2);
	assert_string_equal(s->listen[1].path, "/b");
	assert_int_equal(s->listen[2].port, 1);
	assert_int_equal(s->allow_count, 2);
	assert_string_equal(s->user, "me");
	assert_null(s->group);
	assert_null(s->control);
}

static void
what_cannot_be_is_said(void **state)
{
	static const struct {
		const char *given, *want;
	} cases[] = {
		{ "[x]\nlisten = unix:/a unix:/b\n", "" },
		{ "[x]\nlisten = unix:/a unix:/a,mode=0600\n", "[x] unix:/a is given twice\n" },
		{ "[x]\nlisten = inet:127.0.0.1:1\nothers = inet:127.0.0.1:2 inet:127.0.0.1:1\n", "[x] inet:127.0.0.1:1 is given twice\n" },
		{ "[ispman]\nrun-dir =\n", "[ispman] cache-dir and run-dir may not be empty\n" },
		{ "[ispman]\ncache-dir =\n[x]\nlisten = unix:/a unix:/a\n",
		  "[ispman] cache-dir and run-dir may not be empty\n[x] unix:/a is given twice\n" },
	};

	(void)state;
	for (size_t i = 0; i < array_size(cases); i++) {
		cleanup(text_free) struct text why = TEXT_INIT;
		cleanup(server_settings_freep) struct server_settings *s = settings_of(cases[i].given, &why);

		assert_string_equal(text_str(&why), "");
		assert_non_null(s);
		server_settings_look_at_folders(s, &why);
		server_settings_look_for_twice(s, &why);
		assert_string_equal(text_str(&why), cases[i].want);
	}
}

static void
folders_users_and_groups_are_looked_for(void **state)
{
	static const struct {
		const char *given, *want;
		int r;
	} cases[] = {
		{ "[x]\nlisten = unix:/tmp/x\nuser = root\ngroup = root\n", "", 0 },
		{ "[x]\nuser = no-such-user\n", "[x] user: there is no user \"no-such-user\"\n", -EINVAL },
		{ "[x]\ngroup = no-such-group\n", "[x] group: there is no group \"no-such-group\"\n", -EINVAL },
	};
	cleanup(text_free) struct text why = TEXT_INIT;
	cleanup(server_settings_freep) struct server_settings *missing = settings_of("[x]\nothers = unix:/no/such/folder/x\n", &why);

	(void)state;
	for (size_t i = 0; i < array_size(cases); i++) {
		cleanup(server_settings_freep) struct server_settings *s = settings_of(cases[i].given, &why);

		assert_non_null(s);
		assert_int_equal(server_settings_check(s, &why), cases[i].r);
		assert_string_equal(text_str(&why), cases[i].want);
		text_clear(&why);
	}
	assert_true(server_settings_check(missing, &why) < 0);
	assert_non_null(strstr(text_str(&why), "/no/such/folder"));
	text_clear(&why);
	server_settings_check_group(missing, "control-group", NULL, &why);
	server_settings_check_group(missing, "control-group", "root", &why);
	assert_string_equal(text_str(&why), "");
	server_settings_check_group(missing, "control-group", "no-such-group", &why);
	assert_string_equal(text_str(&why), "[x] control-group: there is no group \"no-such-group\"\n");
}

static void
other_folders_are_noticed(void **state)
{
	cleanup(text_free) struct text why = TEXT_INIT;
	cleanup(server_settings_freep) struct server_settings *a = settings_of("[ispman]\ncache-dir = /a\nrun-dir = /r\n", &why);
	cleanup(server_settings_freep) struct server_settings *b = settings_of("[ispman]\ncache-dir = /b\nrun-dir = /r\n", &why);
	cleanup(server_settings_freep) struct server_settings *c = settings_of("[ispman]\ncache-dir = /a\nrun-dir = /s\n", &why);

	(void)state;
	assert_false(server_settings_moved(a, a));
	assert_true(server_settings_moved(a, b));
	assert_true(server_settings_moved(a, c));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_are_made_addresses_and_a_level),
		cmocka_unit_test(what_cannot_be_is_said),
		cmocka_unit_test(folders_users_and_groups_are_looked_for),
		cmocka_unit_test(other_folders_are_noticed),
	};

	return RUN_TESTS(tests);
}
