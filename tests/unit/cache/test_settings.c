/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 */
#include <config.h>

#include "tests/unit/test.h"

#include "cache/settings.h"

#include <errno.h>
#include <stdio.h>

static char path[64];

static int
make_file(void **state)
{
	int fd;

	(void)state;
	strcpy(path, "/tmp/ispman-settings-XXXXXX");
	fd = mkstemp(path);
	if (fd < 0)
		return 1;
	close(fd);
	return 0;
}

static int
remove_file(void **state)
{
	(void)state;
	return unlink(path);
}

static void
write_file(const char *content)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(content, f);
	fclose(f);
}

static void
assert_span(struct span got, const char *want)
{
	assert_int_equal(got.len, strlen(want));
	assert_memory_equal(got.data, want, got.len);
}

static void
a_file_fills_everything(void **state)
{
	cleanup(settings_freep) struct settings *s = NULL;
	struct text why = TEXT_INIT;

	(void)state;
	write_file("[ispman]\n"
	           "cache-dir = /c\n"
	           "log-level = debug\n"
	           "[ldap]\n"
	           "uri = ldap://one ldaps://two:636/ ldapi://%2Frun%2Fldapi\n"
	           "base = o=ispman\n"
	           "bind-dn = uid=reader,o=ispman\n"
	           "bind-password-file = /etc/ispman/password\n"
	           "starttls = yes\n"
	           "timeout = 3s\n"
	           "[cached]\n"
	           "max-age = 1d\n"
	           "map-size = 1G\n"
	           "dns-group = bind\n"
	           "mail-group = postfix\n"
	           "[dns]\n"
	           "reverse-prefixes = 192.0.2.0/24 10.0.0.0/8@16\n"
	           "reverse-prefixes = 2001:db8::/32@48\n"
	           "soa-hold = 5\n"
	           "serial = stored\n"
	           "[claims]\n"
	           "allow-cross-domain = Hosting.example/club.example\n"
	           "allow-cross-domain = b\xc3\xbc" "cher.example/*\n"
	           "[profile]\n"
	           "record-class = myZone\n"
	           "dns-branch = OU=Names\n"
	           "[agent]\n"
	           "roots = /home\n");
	assert_int_equal(settings_load(path, NULL, 0, &s, &why), 0);
	assert_string_equal(s->cache_dir, "/c");
	assert_string_equal(s->run_dir, RUN_DIR);
	assert_int_equal(s->log_level, LOG_DEBUG);
	assert_int_equal(s->ldap_uri.count, 3);
	assert_true(s->ldap_starttls);
	assert_int_equal(s->ldap_timeout, 3);
	assert_null(s->ldif_path);
	assert_string_equal(s->ldap_filter, "(objectClass=*)");
	assert_int_equal(s->map_size, 1 << 30);
	assert_int_equal(s->dns_max_age, 86400);
	assert_string_equal(s->dns_group, "bind");
	assert_string_equal(s->mail_group, "postfix");
	assert_int_equal(s->mail_projection.transport_count, 6);
	assert_span(s->mail_projection.transports[0], "smtp");
	assert_int_equal(s->mail_projection.cross_count, 2);
	assert_span(s->mail_projection.cross[0].claimer, "hosting.example");
	assert_span(s->mail_projection.cross[0].domain, "club.example");
	assert_span(s->mail_projection.cross[1].claimer, "xn--bcher-kva.example");
	assert_span(s->mail_projection.cross[1].domain, "*");
	assert_int_equal(s->dns.prefix_count, 3);
	assert_int_equal(s->dns.prefixes[1].cut, 16);
	assert_int_equal(s->dns.prefixes[2].family, 6);
	assert_true(s->dns.serial_stored);
	assert_int_equal(s->dns.soa_hold, 5);
	assert_ptr_equal(s->dns.profile, &s->profile);
	assert_span(s->profile.record_class, "myZone");
	assert_span(s->profile.dns_branch, "ou=names");
	assert_span(s->profile.domain_class, "ispmanDomain");
	text_free(&why);
}

static void
an_ldif_file_needs_no_server(void **state)
{
	static const char *const overrides[] = { "cached.source=ldif:/tmp/x.ldif" };
	cleanup(settings_freep) struct settings *s = NULL;
	struct text why = TEXT_INIT;

	(void)state;
	assert_int_equal(settings_load(NULL, overrides, 1, &s, &why), 0);
	assert_string_equal(s->ldif_path, "/tmp/x.ldif");
	assert_int_equal(s->log_level, LOG_INFO);
	assert_int_equal(s->max_age, 0);
	text_free(&why);
}

static void
the_daemon_needs_what_readers_do_without(void **state)
{
	static const struct {
		const char *given, *want;
	} rows[] = {
		{ "", "[ldap] uri is not set: [cached] source = ldap needs it\n"
		      "[ldap] base is not set: [cached] source = ldap needs it\n" },
		{ "[ldap]\nuri = ldap://a\nbase = o=x\nbind-dn = o=y\n",
		  "[ldap] bind-dn is set without bind-password-file\n" },
		{ "[ldap]\nuri = ldap://a\nbase = o=x\nbind-password-file = /y\n",
		  "[ldap] bind-password-file is set without bind-dn\n" },
		{ "[ldap]\nuri = ldap://a\nbase = o=x\nbind-dn = o=y\nsasl-mech = external\n",
		  "[ldap] bind-dn is for simple binds; with sasl-mech the server knows who we are\n" },
		{ "[ldap]\nuri = ldap://a\nbase = o=x\ncert-file = /c\n",
		  "[ldap] cert-file and key-file need each other\n" },
		{ "[ldap]\nuri = ldap://a\nbase = o=x\nfilter =\n",
		  "[ldap] filter is empty; allowed: a search filter such as (objectClass=*)\n" },
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		cleanup(settings_freep) struct settings *s = NULL;
		struct text why = TEXT_INIT;

		write_file(rows[i].given);
		assert_int_equal(settings_load(path, NULL, 0, &s, &why), -EINVAL);
		assert_string_equal(text_str(&why), rows[i].want);
		assert_null(s);
		assert_int_equal(settings_load_reader(path, NULL, 0, &s, &why), 0);
		text_free(&why);
	}
}

static void
collect_warning(void *context, const char *sentence)
{
	text_putf(context, "%s\n", sentence);
}

static void
a_password_in_the_clear_is_warned_of(void **state)
{
	static const struct {
		const char *uri, *more;
		const char *want; /* the URI that is warned of */
	} rows[] = {
		{ "ldap://a.example", "", "ldap://a.example" },
		{ "LDAP://a.example:389/", "", "LDAP://a.example:389/" },
		{ "ldap://192.0.2.1", "", "ldap://192.0.2.1" },
		{ "ldap://[2001:db8::1]:389", "", "ldap://[2001:db8::1]:389" },
		{ "ldap://localhost.example", "", "ldap://localhost.example" },
		{ "ldap://127.example", "", "ldap://127.example" },
		{ "ldap://localhost ldap://b.example", "", "ldap://b.example" },
		{ "ldap://a.example", "starttls = yes\n", NULL },
		{ "ldap://a.example", "[cached]\nsource = ldif:/x\n", NULL },
		{ "ldaps://a.example", "", NULL },
		{ "ldapi://%2Frun%2Fslapd", "", NULL },
		{ "ldap://", "", NULL },
		{ "ldap:///", "", NULL },
		{ "ldap://:1389", "", NULL },
		{ "ldap://LocalHost:389", "", NULL },
		{ "ldap://localhost.", "", NULL },
		{ "ldap://a.localhost", "", NULL },
		{ "ldap://127.1.2.3", "", NULL },
		{ "ldap://[::1]:389", "", NULL },
		{ "ldap://[::ffff:127.0.0.1]", "", NULL },
	};
	static const struct {
		const char *bind;
	} unsaid[] = { { "" }, { "sasl-mech = gssapi\n" } };
	struct text conf = TEXT_INIT, why = TEXT_INIT, said = TEXT_INIT, want = TEXT_INIT;

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		cleanup(settings_freep) struct settings *s = NULL;

		text_clear(&conf);
		text_clear(&said);
		text_clear(&want);
		text_putf(&conf, "[ldap]\nuri = %s\nbase = o=x\nbind-dn = o=y\nbind-password-file = /p\n%s", rows[i].uri,
		          rows[i].more);
		if (rows[i].want != NULL)
			text_putf(&want, "[ldap] uri: the password of bind-dn goes to %s unencrypted; set starttls = yes, or "
			                 "name the server with ldaps://\n", rows[i].want);
		write_file(text_str(&conf));
		assert_int_equal(settings_load(path, NULL, 0, &s, &why), 0);
		settings_warn(s, collect_warning, &said);
		assert_string_equal(text_str(&said), text_str(&want));
	}
	for (size_t i = 0; i < array_size(unsaid); i++) {
		cleanup(settings_freep) struct settings *s = NULL;

		text_clear(&conf);
		text_clear(&said);
		text_putf(&conf, "[ldap]\nuri = ldap://a.example\nbase = o=x\n%s", unsaid[i].bind);
		write_file(text_str(&conf));
		assert_int_equal(settings_load(path, NULL, 0, &s, &why), 0);
		settings_warn(s, collect_warning, &said);
		assert_int_equal(said.len, 0);
	}
	text_free(&conf);
	text_free(&why);
	text_free(&said);
	text_free(&want);
}

static void
values_are_checked(void **state)
{
	static const char *const rows[] = {
		"ldap.uri=http://x",  "ldap.uri=ldap://x/o=y",  "ldap.uri=x",
		"ldap.base=nonsense", "ldap.filter=objectClass=*", "ldap.filter=(a=b)(c=d)",
		"ldap.filter=(a=b",   "ldap.filter=a(b)",       "cached.source=file:/x",
		"cached.source=ldif:x", "cached.brake-percent=101", "cached.map-size=1K",
		"dns.serial=random",  "profile.dns-branch=ou=a,ou=b", "profile.dns-branch=x",
		"profile.record-class=a b", "ldap.timeout=0", "ispman.cache-dir=relative",
		"ispman.cache-dir=",  "claims.allow-cross-domain=a.example", "claims.allow-cross-domain=a/b/c",
		"claims.transports=smtp:", "claims.allow-cross-domain=/b", "claims.allow-cross-domain=a/.b",
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		cleanup(settings_freep) struct settings *s = NULL;
		struct text why = TEXT_INIT;

		assert_int_equal(settings_load_reader(NULL, &rows[i], 1, &s, &why), -EINVAL);
		assert_true(why.len > 0);
		text_free(&why);
	}
}

static void
prefixes_have_a_cut(void **state)
{
	static const struct {
		const char *given;
		int want;
		struct reverse_prefix prefix;
	} rows[] = {
		{ "192.0.2.0/24", 0, { 4, 24, 24, { 192, 0, 2 } } },
		{ "10.0.0.0/8", 0, { 4, 8, 24, { 10 } } },
		{ "10.0.0.0/8@8", 0, { 4, 8, 8, { 10 } } },
		{ "192.0.2.128/25", 0, { 4, 25, 32, { 192, 0, 2, 128 } } },
		{ "0.0.0.0/0", 0, { 4, 0, 24, { 0 } } },
		{ "2001:db8::/32", 0, { 6, 32, 64, { 0x20, 1, 0xd, 0xb8 } } },
		{ "2001:db8::/32@48", 0, { 6, 32, 48, { 0x20, 1, 0xd, 0xb8 } } },
		{ "2001:db8::/127", 0, { 6, 127, 128, { 0x20, 1, 0xd, 0xb8 } } },
		{ "192.0.2.0", -EINVAL, { 0 } },
		{ "192.0.2.1/24", -EINVAL, { 0 } },
		{ "192.0.2.128/24", -EINVAL, { 0 } },
		{ "192.0.2.0/33", -EINVAL, { 0 } },
		{ "192.0.2.0/24@20", -EINVAL, { 0 } },
		{ "192.0.2.0/24@25", -EINVAL, { 0 } },
		{ "192.0.2.0/16@40", -EINVAL, { 0 } },
		{ "0.0.0.0/0@0", -EINVAL, { 0 } },
		{ "192.0.2/24", -EINVAL, { 0 } },
		{ "2001:db8::1/64", -EINVAL, { 0 } },
		{ "2001:db8::/32@50", -EINVAL, { 0 } },
		{ "2001:db8::/32@", -EINVAL, { 0 } },
		{ "2001:db8::/", -EINVAL, { 0 } },
		{ "/", -EINVAL, { 0 } },
		{ "1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb/8", -EINVAL, { 0 } },
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		struct reverse_prefix got = { 0 };
		struct text why = TEXT_INIT;

		assert_int_equal(settings_reverse_prefix(rows[i].given, &got, &why), rows[i].want);
		assert_memory_equal(&got, &rows[i].prefix, sizeof(got));
		text_free(&why);
	}
}

static void
the_source_has_an_identity(void **state)
{
	static const char *const changes[] = { "ldap.base=o=other", "ldap.filter=(cn=*)",
		                               "cached.source=ldif:/x", "profile.record-class=x", "login.verify=bind" };
	static const char *const nothing[] = { "ldap.uri=ldap://elsewhere", "login.verify=hash-then-bind" };
	cleanup(settings_freep) struct settings *s = NULL, *same = NULL;
	struct text why = TEXT_INIT;

	(void)state;
	assert_int_equal(settings_load_reader(NULL, NULL, 0, &s, &why), 0);
	assert_int_equal(settings_load_reader(NULL, nothing, 2, &same, &why), 0);
	assert_string_equal(settings_source_identity(s), settings_source_identity(same));
	for (size_t i = 0; i < array_size(changes); i++) {
		cleanup(settings_freep) struct settings *other = NULL;

		assert_int_equal(settings_load_reader(NULL, &changes[i], 1, &other, &why), 0);
		assert_string_not_equal(settings_source_identity(s), settings_source_identity(other));
	}
	text_free(&why);
}

static bool
is_asked_for(const struct settings *s, const char *attribute)
{
	for (size_t i = 0; i < s->ldap_attributes.count; i++)
		if (strcmp(s->ldap_attributes.items[i], attribute) == 0)
			return true;
	return false;
}

static void
passwords_are_asked_for_only_to_verify_them_here(void **state)
{
	static const struct {
		const char *override;
		bool want;
	} rows[] = {
		{ "login.verify=hash", true }, { "login.verify=hash-then-bind", true },
		{ "login.verify=bind", false }, { "login.verify=none", false },
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		cleanup(settings_freep) struct settings *s = NULL;
		struct text why = TEXT_INIT;

		assert_int_equal(settings_load_reader(NULL, &rows[i].override, 1, &s, &why), 0);
		assert_int_equal(is_asked_for(s, "*"), rows[i].want);
		assert_false(is_asked_for(s, "userPassword"));
		assert_int_equal(profile_wants(&s->profile, SPAN("userPassword")), rows[i].want);
		/* What servers keep apart, and what there is without passwords. */
		assert_true(is_asked_for(s, "pwdAccountLockedTime"));
		assert_int_equal(is_asked_for(s, "homeDirectory"), !rows[i].want);
		assert_int_equal(is_asked_for(s, "mXRecord"), !rows[i].want);
		text_free(&why);
	}
}

static void
every_setting_is_described(void **state)
{
	struct text out = TEXT_INIT;

	(void)state;
	settings_describe(&out);
	assert_non_null(strstr(text_str(&out), "[dns] soa-hold (60s): how long"));
	assert_null(strstr(text_str(&out), "(null)"));
	text_free(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_fills_everything),
		cmocka_unit_test(an_ldif_file_needs_no_server),
		cmocka_unit_test(the_daemon_needs_what_readers_do_without),
		cmocka_unit_test(a_password_in_the_clear_is_warned_of),
		cmocka_unit_test(values_are_checked),
		cmocka_unit_test(prefixes_have_a_cut),
		cmocka_unit_test(the_source_has_an_identity),
		cmocka_unit_test(passwords_are_asked_for_only_to_verify_them_here),
		cmocka_unit_test(every_setting_is_described),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, make_file, remove_file);
}
