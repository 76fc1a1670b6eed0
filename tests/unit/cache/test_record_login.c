/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 */
#include <config.h>

#include "tests/unit/test.h"

#include "cache/record_login.h"

#include <errno.h>

static const uint8_t uuid_a[ENTRY_UUID_LEN] = "aaaaaaaaaaaaaaa";
static const uint8_t uuid_b[ENTRY_UUID_LEN] = { 0, 1, 2, 3, 0xff };

static void
logins_are_folded(void **state)
{
	static const struct {
		const char *given, *want, *domain; /* want NULL: none can have it */
	} rows[] = {
		{ "ada", "ada", "" },
		{ " Ada_Tern_Example\t", "ada_tern_example", "" },
		{ "Ada@Tern.Example", "ada@tern.example", "tern.example" },
		{ "ada@tern.example.", "ada@tern.example", "tern.example" },
		{ "\"a b\"@tern.example", "a b@tern.example", "tern.example" },
		{ "a@b@tern.example", "a@b@tern.example", "tern.example" },
		{ "\xc3\x84" "da@M\xc3\xbcller.example", "\xc3\xa4" "da@xn--mller-kva.example", "xn--mller-kva.example" },
		{ "A\xcc\x88" "da", "\xc3\xa4" "da", "" },
		{ "www.tern.example:8080", "www.tern.example:8080", "" },
		{ "two words", "two words", "" },
		{ "tern.example.", "tern.example.", "" },
		{ "", NULL, NULL },
		{ "   ", NULL, NULL },
		{ "@", NULL, NULL },
		{ "@tern.example", NULL, NULL },
		{ "ada@", NULL, NULL },
		{ "ada@ tern.example", NULL, NULL },
		{ "ada@tern.example ", NULL, NULL },
		{ "ada@tern..example", NULL, NULL },
		{ "ada@[192.0.2.1]", NULL, NULL },
		{ "ada@.tern.example", NULL, NULL },
		{ "a\nda", NULL, NULL },
		{ "a\x7f", NULL, NULL },
		{ "\xff\xfe", NULL, NULL },
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		char out[LOGIN_MAX];
		struct span domain;
		size_t n = 0;
		int r = login_fold(span_of(rows[i].given), out, &n, &domain);

		if (rows[i].want == NULL) {
			if (r != -EINVAL)
				fail_msg("\"%s\" is %d", rows[i].given, r);
			continue;
		}
		if (r != 0 || !span_is(span_from(out, n), span_of(rows[i].want)) || !span_is(domain, span_of(rows[i].domain)))
			fail_msg("\"%s\": %d, \"%.*s\"", rows[i].given, r, (int)n, out);
	}
}

static void
logins_have_a_length(void **state)
{
	char text[600], out[LOGIN_MAX];
	struct span domain;
	size_t n;

	(void)state;
	memset(text, 'a', sizeof(text));
	assert_int_equal(login_fold(span_from(text, ADDRESS_LOCAL_MAX), out, &n, &domain), 0);
	assert_int_equal(n, ADDRESS_LOCAL_MAX);
	assert_int_equal(login_fold(span_from(text, ADDRESS_LOCAL_MAX + 1), out, &n, &domain), -EINVAL);
	for (size_t i = 240; i < 600; i += 60)
		text[i] = '.';
	text[240] = '@';
	assert_int_equal(login_fold(span_from(text, LOGIN_MAX), out, &n, &domain), 0);
	assert_int_equal(n, LOGIN_MAX);
	assert_int_equal(login_fold(span_from(text, LOGIN_MAX + 2), out, &n, &domain), -EINVAL);
	assert_int_equal(login_fold(span_from("a\0b", 3), out, &n, &domain), -EINVAL);
}

static void
keys_can_be_taken_apart(void **state)
{
	struct span name, claimer;
	struct key key;
	char letter;

	(void)state;
	key_login(&key, LOGIN_SECRET, SPAN("ada@tern.example"));
	assert_true(span_is(key_span(&key), SPAN("lada@tern.example")));
	assert_int_equal(key_login_split(key_span(&key), &letter, &name, &claimer), 0);
	assert_int_equal(letter, 'l');
	assert_true(span_is(name, SPAN("ada@tern.example")));
	assert_int_equal(claimer.len, 0);
	key_login(&key, LOGIN_ACCOUNT, SPAN("ada"));
	assert_true(span_is(key_span(&key), SPAN("Lada")));
	key_login_entry(&key, LOGIN_SECRET, uuid_b);
	assert_int_equal(key.len, 1 + ENTRY_UUID_LEN);
	assert_int_equal(key_login_split(key_span(&key), &letter, &name, &claimer), 0);
	assert_int_equal(letter, 'e');
	assert_memory_equal(name.data, uuid_b, ENTRY_UUID_LEN);
	key_login_domain(&key, LOGIN_ACCOUNT, SPAN("tern.example"));
	assert_true(span_is(key_span(&key), SPAN("Otern.example")));
	key_login_foreign(&key, SPAN("tern.example"), SPAN("gull.example"));
	assert_int_equal(key_login_split(key_span(&key), &letter, &name, &claimer), 0);
	assert_int_equal(letter, 'v');
	assert_true(span_is(name, SPAN("tern.example")));
	assert_true(span_is(claimer, SPAN("gull.example")));
}

static void
odd_keys_are_refused(void **state)
{
	static const struct span rows[] = { SPAN(""),      SPAN("l"),       SPAN("E123"),  SPAN("va.example"), SPAN("va\0"),
		                            SPAN("v\0b"),  SPAN("va\0b\0"), SPAN("oa\0b"), SPAN("xada"),       SPAN("\0abc") };
	struct span name, claimer;
	char letter;

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++)
		if (key_login_split(rows[i], &letter, &name, &claimer) != -EINVAL)
			fail_msg("row %zu", i);
}

static void
claims_are_read_as_they_were_put(void **state)
{
	cleanup(text_free) struct text value = TEXT_INIT;
	struct login_claims claims;
	struct login_claim claim = { .kind = LOGIN_USER, .right = LOGIN_OWN, .form = LOGIN_IS_ADDRESS | LOGIN_IS_UID };

	(void)state;
	text_put(&value, "in front");
	login_claims_begin(&value);
	memcpy(claim.uuid, uuid_a, sizeof(uuid_a));
	login_claims_put(&value, 8, &claim);
	claim = (struct login_claim){ .kind = LOGIN_DOMAIN, .right = LOGIN_BARE, .claimer = SPAN("tern.example") };
	memcpy(claim.uuid, uuid_b, sizeof(uuid_b));
	login_claims_put(&value, 8, &claim);
	assert_false(text_failed(&value));

	assert_int_equal(login_claims_read(span_skip(text_span(&value), 8), &claims), 0);
	assert_int_equal(claims.count, 2);
	assert_int_equal(login_claims_next(&claims, &claim), 1);
	assert_memory_equal(claim.uuid, uuid_a, sizeof(uuid_a));
	assert_int_equal(claim.kind, LOGIN_USER);
	assert_int_equal(claim.right, LOGIN_OWN);
	assert_int_equal(claim.form, LOGIN_IS_ADDRESS | LOGIN_IS_UID);
	assert_int_equal(claim.claimer.len, 0);
	assert_int_equal(login_claims_next(&claims, &claim), 1);
	assert_memory_equal(claim.uuid, uuid_b, sizeof(uuid_b));
	assert_int_equal(claim.kind, LOGIN_DOMAIN);
	assert_int_equal(claim.right, LOGIN_BARE);
	assert_true(span_is(claim.claimer, SPAN("tern.example")));
	assert_int_equal(login_claims_next(&claims, &claim), 0);
}

static void
domains_are_read_as_they_were_put(void **state)
{
	static const struct login_domain rows[] = { { false, SPAN("") }, { true, SPAN("tern.example") } };

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		cleanup(text_free) struct text value = TEXT_INIT;
		struct login_domain domain;

		login_domain_put(&value, &rows[i]);
		assert_int_equal(login_domain_read(text_span(&value), &domain), 0);
		assert_int_equal(domain.suspended, rows[i].suspended);
		assert_true(span_is(domain.master, rows[i].master));
	}
}

static void
secret_entries_are_read_as_they_were_put(void **state)
{
	static const struct secret_entry want = {
		.kind = LOGIN_VHOST,
		.flags = SECRET_LOCKED | SECRET_MUST_CHANGE,
		.domain = SPAN("tern.example"),
		.dn = SPAN("uid=x,o=ispman"),
		.address = SPAN("X@tern.example"),
		.uid = SPAN("X_tern_example"),
		.locked_since = 1,
		.starts = 1ULL << 40,
		.ends = UINT64_MAX,
		.changed = 1000000000,
	};
	cleanup(text_free) struct text value = TEXT_INIT;
	struct secret_entry got;
	struct span stored;

	(void)state;
	secret_entry_begin(&value, &want);
	secret_entry_put_value(&value, 0, SPAN("{SSHA}xyz"));
	secret_entry_put_value(&value, 0, SPAN("\0\xff"));
	assert_int_equal(secret_entry_read(text_span(&value), &got), 0);
	assert_int_equal(got.kind, want.kind);
	assert_int_equal(got.flags, want.flags);
	assert_true(span_is(got.domain, want.domain));
	assert_true(span_is(got.dn, want.dn));
	assert_true(span_is(got.address, want.address));
	assert_true(span_is(got.uid, want.uid));
	assert_true(got.locked_since == want.locked_since && got.starts == want.starts && got.ends == want.ends &&
	            got.changed == want.changed);
	assert_int_equal(got.value_count, 2);
	assert_int_equal(secret_value_next(&got, &stored), 1);
	assert_true(span_is(stored, SPAN("{SSHA}xyz")));
	assert_int_equal(secret_value_next(&got, &stored), 1);
	assert_true(span_is(stored, SPAN("\0\xff")));
	assert_int_equal(secret_value_next(&got, &stored), 0);
}

static void
account_entries_are_read_as_they_were_put(void **state)
{
	static const struct account_entry want = {
		.kind = LOGIN_USER,
		.flags = ACCOUNT_FTP_REFUSED,
		.uid = 10006,
		.gid = UINT32_MAX,
		.quota_octets = 10ULL << 40,
		.quota_files = 7,
		.upload = 1024,
		.download = 1ULL << 33,
		.upload_ratio = 1,
		.download_ratio = 5,
		.domain = SPAN("tern.example"),
		.uid_value = SPAN("ada_tern_example"),
		.home = SPAN("/var/www/tern.example/users/ada_tern_example"),
		.posix_uid = 10007,
		.posix_gid = 10008,
		.file_hosts = SPAN("file1.isp.example file2"),
		.mail_host = SPAN("mail1.isp.example"),
		.address = SPAN("Ada@tern.example"),
		.mail_quota = -1,
		.folders = SPAN("htdocs\0logs\0"),
	};
	cleanup(text_free) struct text value = TEXT_INIT;
	struct account_entry got;

	(void)state;
	account_entry_put(&value, &want);
	assert_int_equal(account_entry_read(text_span(&value), &got), 0);
	assert_true(got.kind == want.kind && got.flags == want.flags && got.uid == want.uid && got.gid == want.gid);
	assert_true(got.quota_octets == want.quota_octets && got.quota_files == want.quota_files && got.upload == want.upload &&
	            got.download == want.download && got.upload_ratio == want.upload_ratio &&
	            got.download_ratio == want.download_ratio);
	assert_true(span_is(got.domain, want.domain) && span_is(got.uid_value, want.uid_value) && span_is(got.home, want.home) &&
	            span_is(got.file_hosts, want.file_hosts) && span_is(got.mail_host, want.mail_host));
	assert_true(got.posix_uid == want.posix_uid && got.posix_gid == want.posix_gid && got.mail_quota == -1 &&
	            span_is(got.address, want.address) && span_is(got.folders, want.folders));
}

/* Nothing that is cut short reads as if it were whole, and no other version as this one. */
static void
nonsense_is_refused(void **state)
{
	cleanup(text_free) struct text claims = TEXT_INIT, domain = TEXT_INIT, secret = TEXT_INIT, account = TEXT_INIT;
	const struct text *const all[] = { &claims, &domain, &secret, &account };
	struct login_claim claim = { .kind = LOGIN_USER, .right = LOGIN_OWN };

	(void)state;
	login_claims_begin(&claims);
	login_claims_put(&claims, 0, &claim);
	login_domain_put(&domain, &(struct login_domain){ .master = SPAN("x") });
	secret_entry_begin(&secret, &(struct secret_entry){ .kind = LOGIN_USER, .uid = SPAN("x") });
	secret_entry_put_value(&secret, 0, SPAN("x"));
	account_entry_put(&account, &(struct account_entry){ .kind = LOGIN_USER });
	for (size_t i = 0; i < array_size(all); i++) {
		for (size_t n = 0; n <= all[i]->len; n++) {
			struct login_claims some;
			struct login_domain one;
			struct secret_entry entry;
			struct account_entry other;
			struct span value = span_from(all[i]->data, n), stored;
			int r;

			if (i == 0) {
				r = login_claims_read(value, &some);
				if (r == 0)
					r = login_claims_next(&some, &claim) == 1 ? 0 : -EBADMSG;
			} else if (i == 1) {
				r = login_domain_read(value, &one);
			} else if (i == 2) {
				r = secret_entry_read(value, &entry);
				if (r == 0)
					r = secret_value_next(&entry, &stored) == 1 ? 0 : -EBADMSG;
			} else {
				r = account_entry_read(value, &other);
			}
			assert_int_equal(r, n < all[i]->len ? -EBADMSG : 0);
		}
		all[i]->data[0] = 9;
	}
	assert_int_equal(login_domain_read(text_span(&domain), &(struct login_domain){ false, SPAN("") }), -EPROTO);
	assert_int_equal(login_claims_read(text_span(&claims), &(struct login_claims){ 0, SPAN("") }), -EPROTO);
	assert_int_equal(secret_entry_read(text_span(&secret), &(struct secret_entry){ .kind = 0 }), -EPROTO);
	assert_int_equal(account_entry_read(text_span(&account), &(struct account_entry){ .kind = 0 }), -EPROTO);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(logins_are_folded),
		cmocka_unit_test(logins_have_a_length),
		cmocka_unit_test(keys_can_be_taken_apart),
		cmocka_unit_test(odd_keys_are_refused),
		cmocka_unit_test(claims_are_read_as_they_were_put),
		cmocka_unit_test(domains_are_read_as_they_were_put),
		cmocka_unit_test(secret_entries_are_read_as_they_were_put),
		cmocka_unit_test(account_entries_are_read_as_they_were_put),
		cmocka_unit_test(nonsense_is_refused),
	};

	return RUN_TESTS(tests);
}
