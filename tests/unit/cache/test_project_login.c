/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * What the golden files of tests/project cannot show: limits, order, times, and octets that make no sense.
 */
#include <config.h>

#include "tests/unit/test.h"

#include "cache/project_login_parts.h"

#include <errno.h>
#include <stdio.h>

static const struct login_settings settings = { .profile = &profile_ispman };

/* --- entries by hand ------------------------------------------------------------------------------------- */

enum { ATTRIBUTES_MAX = 8 };

struct made {
	struct arena arena;
	struct attribute attributes[ATTRIBUTES_MAX];
	struct entry entry;
	struct placed_entry placed;
	struct mapped mapped;
};

/* The base is o=b. */
static void
make(struct made *made, const char *dn)
{
	struct rdn *rdns;
	size_t count;

	memset(made, 0, sizeof(*made));
	made->entry.dn = span_of(dn);
	made->entry.attributes = made->attributes;
	assert_int_equal(dn_split(made->entry.dn, &made->arena, &rdns, &count), 0);
	made->placed = (struct placed_entry){ &made->entry, count - 1, rdns };
}

static void
made_done(struct made *made)
{
	arena_free(&made->arena);
	text_free(&made->mapped.problems);
}

/* COUNT values of FORMAT, which has one %u. */
static void
give(struct made *made, const char *name, unsigned count, const char *format)
{
	struct attribute *attribute = &made->attributes[made->entry.attribute_count++];
	char value[200];

	assert_true(made->entry.attribute_count <= ATTRIBUTES_MAX);
	attribute->name = span_of(name);
	attribute->count = count;
	attribute->values = arena_alloc(&made->arena, count * sizeof(struct span));
	assert_non_null(attribute->values);
	for (unsigned i = 0; i < count; i++) {
		size_t n = 0;

		/* Backwards: what is made of them is in order. */
		for (const char *p = format; *p != '\0'; p++)
			n += *p == '%' ? (size_t)snprintf(value + n, sizeof(value) - n, "%05u", count - 1 - i) :
			                 (size_t)snprintf(value + n, sizeof(value) - n, "%c", *p);
		attribute->values[i] = arena_copy(&made->arena, span_from(value, n));
	}
}

static void
map_with(struct made *made, const struct login_settings *with)
{
	assert_int_equal(project_login_map(with, &made->placed, &made->arena, &made->mapped), 0);
}

static void
map(struct made *made)
{
	map_with(made, &settings);
}

static size_t
fragments_of(const struct mapped *mapped, char letter)
{
	size_t count = 0;

	for (const struct fragment *f = mapped->fragments; f != NULL; f = f->next)
		count += (char)f->subject.octets[0] == letter;
	return count;
}

static size_t
count_of(const struct text *problems, const char *kind)
{
	struct span rest = text_span(problems);
	struct problem problem;
	size_t count = 0;

	while (problem_next(&rest, &problem) > 0)
		count += span_is(problem.kind, span_of(kind));
	return count;
}

static struct span
fragment_named(const struct mapped *mapped, char letter)
{
	for (const struct fragment *f = mapped->fragments; f != NULL; f = f->next)
		if ((char)f->subject.octets[0] == letter)
			return f->payload;
	return SPAN("");
}

static struct secret_entry
secret_of(const struct made *made)
{
	struct secret_entry secret;

	assert_int_equal(secret_entry_read(fragment_named(&made->mapped, 'e'), &secret), 0);
	return secret;
}

static struct account_entry
account_of(const struct made *made)
{
	struct account_entry account;

	assert_int_equal(account_entry_read(fragment_named(&made->mapped, 'E'), &account), 0);
	return account;
}

/* A user of x.example with one uid. */
static void
make_user(struct made *made)
{
	make(made, "uid=a_x_example,ou=users,ispmanDomain=x.example,o=b");
	give(made, "objectClass", 1, "ispmanDomainUser");
	give(made, "uid", 1, "a_x_example");
}

static void
fake_dn(void *context, uint64_t entry_id, struct text *out_dn)
{
	(void)context;
	text_putf(out_dn, "cn=%u", (unsigned)entry_id);
}

/* --- map -------------------------------------------------------------------------------------------------- */

static void
entries_without_login_cost_no_memory(void **state)
{
	static const struct {
		const char *dn, *class;
	} rows[] = {
		{ "o=b", "ispmanDomain" },
		{ "relativeDomainName=www,aRecord=1,ou=aRecord,dc=x,ou=DNS,o=b", "dNSZone" },
		{ "ou=users,ispmanDomain=x.example,o=b", "ispmanBranch" },
		{ "cn=list,ou=ispmanMailGroup,ispmanDomain=x.example,o=b", "ispmanMailGroup" },
		{ "ispmanDomain=x.example,ou=y,o=b", "ispmanDomain" },
		{ "uid=a,ou=users,o=b", "ispmanDomainUser" },
		{ "ou=admins,o=b", "ispmanBranch" },
		{ "uid=a,ou=x,ou=admins,o=b", "ispmanSysadmin" },
		{ "uid=a,ou=admins,o=b", "ispmanDomainUser" },
		{ "uid=a+cn=b,ispmanDomain=x+ou=y,o=b", "ispmanDomainUser" },
		{ "uid=a,ispmanDomain=.,o=b", "ispmanDomainUser" },
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		struct arena arena = ARENA_INIT;
		struct made made;

		make(&made, rows[i].dn);
		give(&made, "objectClass", 1, rows[i].class);
		give(&made, "uid", 1, "a");
		assert_int_equal(project_login_map(&settings, &made.placed, &arena, &made.mapped), 0);
		if (made.mapped.fragments != NULL || made.mapped.problems.len > 0 || arena.blocks != NULL)
			fail_msg("%s", rows[i].dn);
		made_done(&made);
	}
}

static void
an_entry_costs_what_it_may(void **state)
{
	struct made made;

	(void)state;
	make_user(&made);
	give(&made, "mailAlias", 3000, "a%@x.example");
	give(&made, "userPassword", 100, "{SSHA}%");
	map(&made);
	assert_int_equal(fragments_of(&made.mapped, 'l'), 1 + PROJECT_LOGIN_ALIASES_MAX);
	assert_int_equal(fragments_of(&made.mapped, 'L'), 1 + PROJECT_LOGIN_ALIASES_MAX);
	assert_int_equal(secret_of(&made).value_count, PROJECT_LOGIN_PASSWORDS_MAX);
	assert_int_equal(count_of(&made.mapped.problems, "too-many-passwords"), 1);
	made_done(&made);
	make(&made, "cn=a,ispmanDomain=x.example,o=b");
	give(&made, "objectClass", 1, "ispmanVirtualHost");
	give(&made, "uid", 300, "w%.x.example:80");
	map(&made);
	assert_int_equal(fragments_of(&made.mapped, 'l'), 2 * PROJECT_LOGIN_NAMES_MAX);
	assert_int_equal(count_of(&made.mapped.problems, "too-many-logins"), 1);
	made_done(&made);
}

/* What is too long is never cut: it would be another password. And it is there, or the reader could not tell. */
static void
passwords_stay_as_they_are(void **state)
{
	char longest[PROJECT_LOGIN_PASSWORD_OCTETS_MAX + 1];
	struct span values[] = { SPAN(" blank "), SPAN(""), { longest, sizeof(longest) } }, stored;
	struct secret_entry secret;
	struct made made;

	(void)state;
	memset(longest, 'x', sizeof(longest));
	make_user(&made);
	made.attributes[made.entry.attribute_count++] = (struct attribute){ SPAN("USERPASSWORD"), 3, values };
	map(&made);
	secret = secret_of(&made);
	assert_int_equal(secret.value_count, 2);
	assert_int_equal(secret_value_next(&secret, &stored), 1);
	assert_true(span_is(stored, SPAN(" blank ")));
	assert_int_equal(secret_value_next(&secret, &stored), 1);
	assert_true(span_is(stored, SPAN("{TOO-LONG}")));
	made_done(&made);
}

static void
passwords_that_are_not_to_be_kept_are_not(void **state)
{
	struct profile profile = profile_ispman;
	const struct login_settings with = { .profile = &profile, .report_weak_passwords = true };
	struct made made;

	(void)state;
	profile.password = SPAN("");
	make_user(&made);
	give(&made, "userPassword", 1, "clear");
	map_with(&made, &with);
	assert_int_equal(secret_of(&made).value_count, 0);
	assert_int_equal(made.mapped.problems.len, 0);
	assert_false(profile_wants(&profile, SPAN("userPassword")));
	made_done(&made);
}

static void
values_in_another_order_are_the_same(void **state)
{
	struct text forth = TEXT_INIT, back = TEXT_INIT;

	(void)state;
	for (int turn = 0; turn < 2; turn++) {
		struct made made;

		make(&made, "cn=a,ispmanDomain=x.example,o=b");
		give(&made, "objectClass", 1, "ispmanDomainUser");
		give(&made, "uid", 5, "u%@x.example");
		give(&made, "mailAlias", 5, "u%@y.example");
		give(&made, "userPassword", 4, "%");
		give(&made, "FTPStatus", 2, "%");
		give(&made, "homeDirectory", 2, "/%");
		for (size_t i = 0; turn == 1 && i < made.entry.attribute_count; i++) {
			struct attribute *a = &made.attributes[i];

			for (size_t v = 0; v < a->count / 2; v++) {
				struct span value = a->values[v];

				a->values[v] = a->values[a->count - 1 - v];
				a->values[a->count - 1 - v] = value;
			}
		}
		map(&made);
		for (const struct fragment *f = made.mapped.fragments; f != NULL; f = f->next) {
			text_put_span(turn == 0 ? &forth : &back, key_span(&f->subject));
			text_put_span(turn == 0 ? &forth : &back, f->payload);
		}
		made_done(&made);
	}
	assert_true(forth.len > 0 && span_is(text_span(&forth), text_span(&back)));
	text_free(&forth);
	text_free(&back);
}

/* Given an attribute, what is known of the account. */
static void
times_are_read(void **state)
{
	static const struct {
		const char *attribute, *value;
		uint64_t locked_since, starts, ends, changed;
		unsigned flags;
		bool problem;
	} rows[] = {
		{ "pwdStartTime", "19700101000010Z", 0, 10, 0, 0, 0, false },
		{ "pwdStartTime", "197001010001Z", 0, 60, 0, 0, 0, false },
		{ "pwdStartTime", "1970010101Z", 0, 3600, 0, 0, 0, false },
		{ "pwdStartTime", "19700101000010.5Z", 0, 10, 0, 0, 0, false },
		{ "pwdStartTime", "19700101010010+01", 0, 10, 0, 0, 0, false },
		{ "pwdStartTime", "19691231233010-0030", 0, 10, 0, 0, 0, false },
		{ "pwdStartTime", "19000101000000Z", 0, 1, 0, 0, 0, false },
		{ "pwdStartTime", "20000229000000Z", 0, 951782400, 0, 0, 0, false },
		{ "pwdStartTime", "99991231235959Z", 0, 253402300799, 0, 0, 0, false },
		{ "pwdStartTime", " 20000101000000Z ", 0, 946684800, 0, 0, 0, false },
		{ "pwdStartTime", "20000101000000", 0, UINT64_MAX, 0, 0, 0, true },
		{ "pwdStartTime", "20001301000000Z", 0, UINT64_MAX, 0, 0, 0, true },
		{ "pwdStartTime", "20000100000000Z", 0, UINT64_MAX, 0, 0, 0, true },
		{ "pwdStartTime", "2000", 0, UINT64_MAX, 0, 0, 0, true },
		{ "pwdStartTime", "20000101000000Zx", 0, UINT64_MAX, 0, 0, 0, true },
		{ "pwdEndTime", "20000101000000Z", 0, 0, 946684800, 0, 0, false },
		{ "pwdEndTime", "never", 0, 0, 1, 0, 0, true },
		{ "shadowExpire", "10", 0, 0, 864000, 0, 0, false },
		{ "shadowExpire", "0", 0, 0, 1, 0, 0, false },
		{ "shadowExpire", "-1", 0, 0, 0, 0, 0, false },
		{ "shadowExpire", "soon", 0, 0, 0, 0, 0, true },
		{ "shadowExpire", "99999999999", 0, 0, 0, 0, 0, true },
		{ "pwdAccountLockedTime", "000001010000Z", 0, 0, 0, 0, SECRET_LOCKED, false },
		{ "pwdAccountLockedTime", "20000101000000Z", 946684800, 0, 0, 0, 0, false },
		{ "pwdAccountLockedTime", "?", UINT64_MAX, 0, 0, 0, 0, true },
		{ "pwdChangedTime", "20000101000000Z", 0, 0, 0, 946684800, 0, false },
		{ "pwdChangedTime", "?", 0, 0, 0, 0, 0, true },
		{ "pwdReset", "true", 0, 0, 0, 0, SECRET_MUST_CHANGE, false },
		{ "pwdReset", "FALSE", 0, 0, 0, 0, 0, false },
		{ "nsAccountLock", "TRUE", 0, 0, 0, 0, SECRET_LOCKED, false },
		{ "nsAccountLock", "false", 0, 0, 0, 0, 0, false },
		{ "ispmanStatus", "Suspended", 0, 0, 0, 0, SECRET_SUSPENDED, false },
		{ "FTPStatus", "enabled ", 0, 0, 0, 0, 0, false },
		{ "FTPStatus", "true", 0, 0, 0, 0, 0, false },
		{ "FTPStatus", "Active", 0, 0, 0, 0, 0, false },
		{ "FTPStatus", "disabled", 0, 0, 0, 0, SECRET_FTP_REFUSED, false },
		{ "FTPStatus", "x", 0, 0, 0, 0, SECRET_FTP_REFUSED, false },
		{ "mailHost", "m.example", 0, 0, 0, 0, SECRET_HAS_MAILBOX, false },
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		struct secret_entry got;
		struct made made;

		make_user(&made);
		give(&made, rows[i].attribute, 1, rows[i].value);
		map(&made);
		got = secret_of(&made);
		if (got.locked_since != rows[i].locked_since || got.starts != rows[i].starts || got.ends != rows[i].ends ||
		    got.changed != rows[i].changed || got.flags != rows[i].flags ||
		    count_of(&made.mapped.problems, "bad-time") != rows[i].problem)
			fail_msg("%s: %s: %llu %llu %llu %llu flags %u", rows[i].attribute, rows[i].value,
			         (unsigned long long)got.locked_since, (unsigned long long)got.starts, (unsigned long long)got.ends,
			         (unsigned long long)got.changed, got.flags);
		made_done(&made);
	}
}

static void
what_file_servers_need_is_read(void **state)
{
	static const struct {
		const char *attribute, *value, *problem;
		struct account_entry want;
	} rows[] = {
		{ "uidNumber", "10", NULL, { .uid = 10 } },
		{ "uidNumber", "4294967294", NULL, { .uid = 4294967294 } },
		{ "uidNumber", "4294967295", "bad-owner-number", { .uid = 0 } },
		{ "uidNumber", "0", "bad-owner-number", { .uid = 0 } },
		{ "FTPuid", "0", NULL, { .uid = 0 } },
		{ "FTPgid", "7", NULL, { .gid = 7 } },
		{ "gidNumber", "-1", "bad-owner-number", { .gid = 0 } },
		{ "FTPQuotaMBytes", "3", NULL, { .quota_octets = 3 << 20 } },
		{ "FTPQuotaMBytes", "99999999999999999999", "bad-quota", { .quota_octets = 0 } },
		{ "FTPQuotaMBytes", "8796093022207", NULL, { .quota_octets = 8796093022207ULL << 20 } },
		{ "FTPQuotaMBytes", "17592186044416", "bad-quota", { .quota_octets = 0 } },
		{ "FTPQuotaFiles", "9", NULL, { .quota_files = 9 } },
		{ "FTPUploadBandwidth", "2", NULL, { .upload = 2048 } },
		{ "FTPDownloadBandwidth", "2", NULL, { .download = 2048 } },
		{ "FTPUploadRatio", "2", NULL, { .upload_ratio = 2 } },
		{ "FTPDownloadRatio", "3", NULL, { .download_ratio = 3 } },
		{ "FTPDownloadRatio", "3.5", "bad-quota", { .download_ratio = 0 } },
		{ "homeDirectory", "/a/./b", NULL, { .home = SPAN("/a/./b") } },
		{ "homeDirectory", "/a/..b/c..", NULL, { .home = SPAN("/a/..b/c..") } },
		{ "homeDirectory", "/a/..", "bad-home", { .uid = 0 } },
		{ "homeDirectory", "/../a", "bad-home", { .uid = 0 } },
		{ "homeDirectory", "a/b", "bad-home", { .uid = 0 } },
		{ "homeDirectory", "/a\nb", "bad-home", { .uid = 0 } },
		{ "fileHost", "f.example", NULL, { .file_hosts = SPAN("f.example") } },
		{ "fileHost", "undefined", NULL, { .uid = 0 } },
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		const struct account_entry *want = &rows[i].want;
		struct account_entry got;
		struct made made;

		make_user(&made);
		give(&made, rows[i].attribute, 1, rows[i].value);
		map(&made);
		got = account_of(&made);
		if (got.uid != want->uid || got.gid != want->gid || got.quota_octets != want->quota_octets ||
		    got.quota_files != want->quota_files || got.upload != want->upload || got.download != want->download ||
		    got.upload_ratio != want->upload_ratio || got.download_ratio != want->download_ratio ||
		    !span_is(got.home, want->home) || !span_is(got.file_hosts, want->file_hosts))
			fail_msg("%s: %s", rows[i].attribute, rows[i].value);
		if ((made.mapped.problems.len > 0) != (rows[i].problem != NULL) ||
		    (rows[i].problem != NULL && count_of(&made.mapped.problems, rows[i].problem) != 1))
			fail_msg("%s: %s: %s", rows[i].attribute, rows[i].value, text_str(&made.mapped.problems));
		made_done(&made);
	}
}

/* And never a stored value in a sentence. */
static void
weak_passwords_are_told_of(void **state)
{
	static const struct {
		const char *value;
		const char *problem;
	} rows[] = {
		{ "secretword", "weak-password" },
		{ "{CLEARTEXT}secretword", "weak-password" },
		{ "{plain}secretword", "weak-password" },
		{ "{MD5}secretword", "weak-password" },
		{ "{sha}secretword", "weak-password" },
		{ "{SHA512}secretword", "weak-password" },
		{ "{crypt}secretword123", "weak-password" },
		{ "{CRYPT}_secretword123456789", "weak-password" },
		{ "{CRYPT}$6$salt$secretword", NULL },
		{ "{CRYPT}$1$secretword", "weak-password" },
		{ "{CRYPT}!secretword12", NULL },
		{ "{SSHA}secretword", NULL },
		{ "{SMD5}secretword", "weak-password" },
		{ "{SASL}secretword", NULL },
		{ "{ARGON2}$argon2id$secretword", NULL },
		{ "noEntry", "no-password" },
	};
	const struct login_settings with = { .profile = &profile_ispman, .report_weak_passwords = true };

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		struct made made;

		make_user(&made);
		give(&made, "userPassword", 1, rows[i].value);
		map_with(&made, &with);
		if ((rows[i].problem != NULL) != (made.mapped.problems.len > 0) ||
		    (rows[i].problem != NULL && count_of(&made.mapped.problems, rows[i].problem) != 1))
			fail_msg("%s", rows[i].value);
		if (memmem(text_str(&made.mapped.problems), made.mapped.problems.len, "secretword", 10) != NULL)
			fail_msg("%s is told", rows[i].value);
		made_done(&made);
	}
}

/* --- reduce ----------------------------------------------------------------------------------------------- */

static void
put_claim(struct text *out, uint8_t kind, uint8_t right, const char *claimer)
{
	login_claims_begin(out);
	login_claims_put(out, out->len - 3, &(struct login_claim){ .kind = kind, .right = right, .claimer = span_of(claimer) });
}

static int
reduce(const char *subject, const struct held_fragment *fragments, size_t count, struct reduced *out)
{
	const struct reduce_input input = {
		.subject = span_of(subject), .count = count, .fragments = fragments, .served = SPAN(""), .dn_of = fake_dn
	};

	return project_login_reduce(&settings, &input, out);
}

/* However many others say so, those whose login it is are there. */
static void
own_claims_come_first(void **state)
{
	enum { OTHERS = 5000 };
	static struct held_fragment fragments[OTHERS + 2];
	struct reduced out = { .value = TEXT_INIT, .problems = TEXT_INIT };
	struct text payloads[4] = { TEXT_INIT, TEXT_INIT, TEXT_INIT, TEXT_INIT };
	struct login_claims claims;
	struct login_claim claim;
	size_t foreign = 0, bare = 0;
	int r;

	(void)state;
	put_claim(&payloads[0], LOGIN_USER, LOGIN_OWN, "thief.example");
	put_claim(&payloads[1], LOGIN_USER, LOGIN_BARE, "");
	put_claim(&payloads[2], LOGIN_DOMAIN, LOGIN_OWN, "");
	for (size_t i = 0; i < OTHERS; i++)
		fragments[i] = (struct held_fragment){ i, text_span(&payloads[i % 2]) };
	fragments[OTHERS] = (struct held_fragment){ OTHERS, text_span(&payloads[2]) };
	assert_int_equal(reduce("lada@x.example", fragments, OTHERS + 1, &out), 0);
	assert_true(out.present);
	assert_int_equal(login_claims_read(text_span(&out.value), &claims), 0);
	while ((r = login_claims_next(&claims, &claim)) > 0) {
		foreign += claim.claimer.len > 0;
		bare += claim.right == LOGIN_BARE;
	}
	assert_int_equal(r, 0);
	assert_int_equal(foreign, PROJECT_LOGIN_FOREIGN_CLAIMS_MAX);
	assert_int_equal(bare, PROJECT_LOGIN_OWN_CLAIMS_MAX);
	assert_int_equal(login_claims_read(text_span(&out.value), &claims), 0);
	assert_int_equal(claims.count, foreign + bare + 1);
	/* And of the account environment the same, without a word. */
	assert_true(out.problems.len > 0);
	assert_int_equal(reduce("Lada@x.example", fragments, OTHERS + 1, &out), 0);
	assert_int_equal(out.problems.len, 0);
	for (size_t i = 0; i < array_size(payloads); i++)
		text_free(&payloads[i]);
	text_free(&out.value);
	text_free(&out.problems);
}

static void
rivals_are_told_of(void **state)
{
	static const struct {
		struct {
			uint8_t kind, right;
			const char *claimer;
		} claims[3];
		const char *problem;
	} rows[] = {
		{ { { LOGIN_USER, LOGIN_OWN, "" } }, NULL },
		{ { { LOGIN_USER, LOGIN_OWN, "" }, { LOGIN_USER, LOGIN_OWN, "" } }, "login-held-twice" },
		{ { { LOGIN_USER, LOGIN_BARE, "" }, { LOGIN_USER, LOGIN_BARE, "" } }, "login-held-twice" },
		{ { { LOGIN_USER, LOGIN_ALIAS, "" }, { LOGIN_USER, LOGIN_ALIAS, "" } }, NULL },
		{ { { LOGIN_USER, LOGIN_OWN, "" }, { LOGIN_USER, LOGIN_OWN, "y" } }, NULL },
		{ { { LOGIN_USER, LOGIN_OWN, "y" }, { LOGIN_USER, LOGIN_OWN, "y" } }, "login-held-twice" },
		{ { { LOGIN_VHOST, LOGIN_OWN, "" }, { LOGIN_DOMAIN, LOGIN_OWN, "" } }, "login-of-several-kinds" },
		{ { { LOGIN_VHOST, LOGIN_BARE, "" }, { LOGIN_USER, LOGIN_BARE, "" } }, "login-of-several-kinds" },
		{ { { LOGIN_USER, LOGIN_BARE, "" }, { LOGIN_ADMIN, LOGIN_OWN, "" } }, "login-not-own" },
		{ { { LOGIN_USER, LOGIN_ALIAS, "" }, { LOGIN_ADMIN, LOGIN_OWN, "" } }, NULL },
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		struct reduced out = { .value = TEXT_INIT, .problems = TEXT_INIT };
		struct text payloads[3] = { TEXT_INIT, TEXT_INIT, TEXT_INIT };
		struct held_fragment fragments[3];
		size_t n = 0;

		while (n < 3 && rows[i].claims[n].kind != 0) {
			put_claim(&payloads[n], rows[i].claims[n].kind, rows[i].claims[n].right, rows[i].claims[n].claimer);
			fragments[n] = (struct held_fragment){ n + 1, text_span(&payloads[n]) };
			n++;
		}
		assert_int_equal(reduce("lx", fragments, n, &out), 0);
		if ((out.problems.len > 0) != (rows[i].problem != NULL) ||
		    (rows[i].problem != NULL && count_of(&out.problems, rows[i].problem) != 1))
			fail_msg("row %zu: %.*s", i, (int)out.problems.len, text_str(&out.problems));
		for (n = 0; n < 3; n++)
			text_free(&payloads[n]);
		text_free(&out.value);
		text_free(&out.problems);
	}
}

static void
fragments_that_make_no_sense_are_refused(void **state)
{
	static const struct {
		const char *subject;
		struct span payload;
	} rows[] = {
		{ "lada", SPAN("") },           { "lada", SPAN("\1\0\0") },  { "Lada", SPAN("\1x") },
		{ "oa.example", SPAN("\1") },    { "Oa.example", SPAN("\2\0\0\0") }, { "e0123456789abcdef", SPAN("\1\1") },
		{ "E0123456789abcdef", SPAN("\1\1\1") }, { "e0", SPAN("") },    { "x", SPAN("") },
	};
	struct reduced out = { .value = TEXT_INIT, .problems = TEXT_INIT };

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		const struct held_fragment fragment = { 1, rows[i].payload };

		assert_int_equal(reduce(rows[i].subject, &fragment, 1, &out), -EBADMSG);
		assert_false(out.present);
	}
	text_free(&out.value);
	text_free(&out.problems);
}

static void
what_is_left_of_nothing_is_no_record(void **state)
{
	static const char *const subjects[] = { "lada", "Lada", "oa.example", "Oa.example", "e0123456789abcdef", "E0123456789abcdef" };
	struct reduced out = { .value = TEXT_INIT, .problems = TEXT_INIT };

	(void)state;
	for (size_t i = 0; i < array_size(subjects); i++) {
		assert_int_equal(reduce(subjects[i], NULL, 0, &out), 0);
		assert_false(out.present);
	}
	text_free(&out.value);
	text_free(&out.problems);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(entries_without_login_cost_no_memory),
		cmocka_unit_test(an_entry_costs_what_it_may),
		cmocka_unit_test(passwords_stay_as_they_are),
		cmocka_unit_test(passwords_that_are_not_to_be_kept_are_not),
		cmocka_unit_test(values_in_another_order_are_the_same),
		cmocka_unit_test(times_are_read),
		cmocka_unit_test(what_file_servers_need_is_read),
		cmocka_unit_test(weak_passwords_are_told_of),
		cmocka_unit_test(own_claims_come_first),
		cmocka_unit_test(rivals_are_told_of),
		cmocka_unit_test(fragments_that_make_no_sense_are_refused),
		cmocka_unit_test(what_is_left_of_nothing_is_no_record),
	};

	return RUN_TESTS(tests);
}
