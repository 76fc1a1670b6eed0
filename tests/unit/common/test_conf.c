/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 */
#include <config.h>

#include "tests/unit/test.h"

#include "common/conf.h"
#include "common/conf_value.h"

#include <errno.h>
#include <stdio.h>

struct target {
	const char *base, *path;
	bool tls;
	uint64_t timeout, percent, size;
	int mode;
	struct conf_list uri;
};

static const char *const modes[] = { "automatic", "stored", NULL };
static const char *const others[] = { "socketmap", "agent", NULL };

static int
check_uri(const char *value, struct text *why)
{
	if (strstr(value, "://") != NULL)
		return 0;
	text_put(why, "ldap://HOST");
	return -EINVAL;
}

static const struct conf_setting settings[] = {
	{ "ldap", "base", CONF_STRING, offsetof(struct target, base), .help = "suffix" },
	{ "ldap", "ca-file", CONF_PATH, offsetof(struct target, path), .def = "/etc/ca" },
	{ "ldap", "starttls", CONF_BOOL, offsetof(struct target, tls), .def = "yes" },
	{ "ldap", "timeout", CONF_SECONDS, offsetof(struct target, timeout), .min = 1, .max = 3600, .def = "10s" },
	{ "ldap", "uri", CONF_LIST, offsetof(struct target, uri), .check = check_uri },
	{ "cached", "percent", CONF_NUMBER, offsetof(struct target, percent), .min = 1, .max = 100, .def = "10" },
	{ "cached", "size", CONF_SIZE, offsetof(struct target, size), .min = 4096, .def = "1G", .none = "none" },
	{ "cached", "mode", CONF_CHOICE, offsetof(struct target, mode), .words = modes, .def = "automatic" },
};

static int
parse(const char *given, const char *const *overrides, size_t count, struct target *target,
      struct arena *arena, struct text *why)
{
	const struct conf_table table = { settings, array_size(settings), target };
	const struct conf_schema schema = { &table, 1, others };

	return conf_parse(&schema, span_of(given), "f", overrides, count, arena, why);
}

static void
everything_is_read_into_the_target(void **state)
{
	struct arena arena = ARENA_INIT;
	struct text why = TEXT_INIT;
	struct target t;

	(void)state;
	assert_int_equal(parse("\xef\xbb\xbf# comment\r\n"
	                       "; another\n"
	                       "[ldap]\n"
	                       "\tbase = dc=tern, dc=example # not a comment \n"
	                       "uri=ldap://a ldap://b\n"
	                       "starttls = off\n"
	                       "[ cached ]\n"
	                       "size = none\n"
	                       "mode = Stored\n"
	                       "[socketmap]\n"
	                       "anything = goes\n"
	                       "[ldap]\n"
	                       "uri = ldap://c\n"
	                       "timeout = 1m30s\n"
	                       "ca-file = \"/a b\"",
	                       NULL, 0, &t, &arena, &why),
	                 0);
	assert_string_equal(text_str(&why), "");
	assert_string_equal(t.base, "dc=tern, dc=example # not a comment");
	assert_string_equal(t.path, "/a b");
	assert_false(t.tls);
	assert_int_equal(t.timeout, 90);
	assert_int_equal(t.percent, 10);
	assert_int_equal(t.size, 0);
	assert_int_equal(t.mode, 1);
	assert_int_equal(t.uri.count, 3);
	assert_string_equal(t.uri.items[0], "ldap://a");
	assert_string_equal(t.uri.items[2], "ldap://c");
	arena_free(&arena);
	text_free(&why);
}

static void
nothing_given_means_defaults(void **state)
{
	struct arena arena = ARENA_INIT;
	struct text why = TEXT_INIT;
	struct target t;

	(void)state;
	memset(&t, 0x55, sizeof(t));
	assert_int_equal(parse("", NULL, 0, &t, &arena, &why), 0);
	assert_null(t.base);
	assert_string_equal(t.path, "/etc/ca");
	assert_true(t.tls);
	assert_int_equal(t.timeout, 10);
	assert_int_equal(t.size, 1 << 30);
	assert_int_equal(t.uri.count, 0);
	arena_free(&arena);
}

static void
overrides_win_and_the_last_one_most(void **state)
{
	static const char *const overrides[] = { "ldap.base = dc=x", "ldap.base=dc=y", "ldap.uri=ldap://q",
		                                 "ldap.uri=ldap://r", "ldap.ca-file=", "agent.roots=/x" };
	struct arena arena = ARENA_INIT;
	struct text why = TEXT_INIT;
	struct target t;

	(void)state;
	assert_int_equal(parse("[ldap]\nbase = dc=file\nuri = ldap://a ldap://b\n", overrides,
	                       array_size(overrides), &t, &arena, &why),
	                 0);
	assert_string_equal(t.base, "dc=y");
	assert_int_equal(t.uri.count, 2);
	assert_string_equal(t.uri.items[0], "ldap://q");
	assert_null(t.path);
	arena_free(&arena);
}

static void
errors_say_where_and_what_is_right(void **state)
{
	static const struct {
		const char *given, *override, *want;
	} rows[] = {
		{ "[ldap]\ntimout = 5\n", NULL,
		  "f:2: [ldap] timout: unknown key; allowed: base, ca-file, starttls, timeout, uri; did you mean timeout?\n" },
		{ "[ldap]\nzzzzzz = 5\n", NULL,
		  "f:2: [ldap] zzzzzz: unknown key; allowed: base, ca-file, starttls, timeout, uri\n" },
		{ "\n[lpad]\nx = 1\n", NULL,
		  "f:2: [lpad]: unknown section; allowed: ldap, cached, socketmap, agent; did you mean ldap?\n" },
		{ "[ldap]\ntimeout = 5x\n", NULL,
		  "f:2: [ldap] timeout = 5x: allowed: a time such as 90, 90s, 5m, 2h or 1d from 1s to 1h\n" },
		{ "[ldap]\ntimeout = 2h\n", NULL,
		  "f:2: [ldap] timeout = 2h: allowed: a time such as 90, 90s, 5m, 2h or 1d from 1s to 1h\n" },
		{ "[cached]\npercent = 0\n", NULL, "f:2: [cached] percent = 0: allowed: a number from 1 to 100\n" },
		{ "[cached]\nsize = 1K\n", NULL,
		  "f:2: [cached] size = 1K: allowed: a size such as 4096, 64K, 16M or 4G of at least 4K, or none\n" },
		{ "[cached]\nmode = x\n", NULL, "f:2: [cached] mode = x: allowed: automatic, stored\n" },
		{ "[ldap]\nstarttls = maybe\n", NULL, "f:2: [ldap] starttls = maybe: allowed: yes, no\n" },
		{ "[ldap]\nca-file = ca.pem\n", NULL, "f:2: [ldap] ca-file = ca.pem: allowed: an absolute path\n" },
		{ "[ldap]\nuri = a://b c\n", NULL, "f:2: [ldap] uri = a://b c: allowed: ldap://HOST\n" },
		{ "[ldap]\nuri = a://b, c://d\n", NULL,
		  "f:2: [ldap] uri = a://b, c://d: allowed: items separated by blanks, without commas\n" },
		{ "[ldap]\nbase = a\n\nbase = b\n", NULL,
		  "f:4: [ldap] base: given a second time, first in line 2\n" },
		{ "base = a\n", NULL, "f:1: base = a: stands before the first [section]\n" },
		{ "[ldap]\nbase\n", NULL, "f:2: base: a setting is written key = value\n" },
		{ "[ldap\nbase = x\n", NULL, "f:1: [ldap: a section is written [name], alone in its line\n" },
		{ "[ldap]\nbase = a\tb\x01\n", NULL, "f:2: [ldap] base = a?b?: allowed: printable characters\n" },
		{ "", "ldap.bse=x", "-o: [ldap] bse: unknown key; allowed: base, ca-file, starttls, timeout, uri; did you mean base?\n" },
		{ "", "base=x", "-o: base=x: an override is written section.key=value\n" },
		{ "", "cached.mode=?", "-o: [cached] mode = ?: allowed: automatic, stored\n" },
		{ "[ldap]\nx=1\n[y]\nz=1\n", "cached.mode=?",
		  "f:2: [ldap] x: unknown key; allowed: base, ca-file, starttls, timeout, uri\n"
		  "f:3: [y]: unknown section; allowed: ldap, cached, socketmap, agent\n"
		  "-o: [cached] mode = ?: allowed: automatic, stored\n" },
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		struct arena arena = ARENA_INIT;
		struct text why = TEXT_INIT;
		struct target t;

		assert_int_equal(parse(rows[i].given, &rows[i].override, rows[i].override != NULL, &t,
		                       &arena, &why),
		                 -EINVAL);
		assert_string_equal(text_str(&why), rows[i].want);
		arena_free(&arena);
		text_free(&why);
	}
}

static void
long_values_and_many_errors_are_no_trouble(void **state)
{
	struct arena arena = ARENA_INIT;
	struct text why = TEXT_INIT, given = TEXT_INIT;
	struct target t;

	(void)state;
	text_put(&given, "[ldap]\nbase = ");
	for (int i = 0; i < 100000; i++)
		text_put_char(&given, 'x');
	assert_int_equal(parse(text_str(&given), NULL, 0, &t, &arena, &why), 0);
	assert_int_equal(strlen(t.base), 100000);
	text_clear(&given);
	for (int i = 0; i < 1000; i++)
		text_put(&given, "nonsense\n");
	assert_int_equal(parse(text_str(&given), NULL, 0, &t, &arena, &why), -EINVAL);
	assert_true(why.len < 2000);
	assert_true(span_ends_nocase(text_span(&why), SPAN("(more errors follow)\n")));
	arena_free(&arena);
	text_free(&why);
	text_free(&given);
}

static void
times_are_numbers_with_units(void **state)
{
	static const struct {
		const char *given;
		int want;
		uint64_t seconds;
	} rows[] = {
		{ "0", 0, 0 },           { "90", 0, 90 },         { "90s", 0, 90 },
		{ "1h30m", 0, 5400 },    { "2D", 0, 172800 },     { "1w", 0, 604800 },
		{ "", -EINVAL, 0 },      { "s", -EINVAL, 0 },     { "1h30", -EINVAL, 0 },
		{ "1 h", -EINVAL, 0 },   { "-1", -EINVAL, 0 },    { "1.5h", -EINVAL, 0 },
		{ "99999999999999999999", -EINVAL, 0 },           { "99999999999999999w", -EINVAL, 0 },
		{ "9223372036854775807s1s", -EINVAL, 0 },
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		uint64_t seconds = 0;

		assert_int_equal(conf_seconds(span_of(rows[i].given), &seconds), rows[i].want);
		assert_int_equal(seconds, rows[i].seconds);
	}
}

static void
a_file_that_cannot_be_read_is_named(void **state)
{
	const struct conf_schema schema = { NULL, 0, NULL };
	struct arena arena = ARENA_INIT;
	struct text why = TEXT_INIT;

	(void)state;
	assert_int_equal(conf_load(&schema, "/nonexistent/x.conf", NULL, 0, &arena, &why), -ENOENT);
	assert_string_equal(text_str(&why), "/nonexistent/x.conf: cannot be read: No such file or directory\n");
	text_clear(&why);
	assert_int_equal(conf_load(&schema, "/", NULL, 0, &arena, &why), -EISDIR);
	assert_int_equal(conf_load(&schema, NULL, NULL, 0, &arena, &why), 0);
	text_free(&why);
}

static void
distance_counts_edits(void **state)
{
	static const struct {
		const char *a, *b;
		unsigned want;
	} rows[] = {
		{ "", "", 0 },          { "a", "", 1 },          { "timout", "timeout", 1 },
		{ "abse", "base", 1 },  { "BASE", "base", 0 },   { "kitten", "sitting", 3 },
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++)
		assert_int_equal(conf_distance(span_of(rows[i].a), span_of(rows[i].b)), rows[i].want);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything_is_read_into_the_target),
		cmocka_unit_test(nothing_given_means_defaults),
		cmocka_unit_test(overrides_win_and_the_last_one_most),
		cmocka_unit_test(errors_say_where_and_what_is_right),
		cmocka_unit_test(long_values_and_many_errors_are_no_trouble),
		cmocka_unit_test(times_are_numbers_with_units),
		cmocka_unit_test(a_file_that_cannot_be_read_is_named),
		cmocka_unit_test(distance_counts_edits),
	};

	return RUN_TESTS(tests);
}
