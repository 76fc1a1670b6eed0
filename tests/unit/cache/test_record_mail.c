/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 */
#include <config.h>

#include "tests/unit/test.h"

#include "cache/record_mail.h"

#include <errno.h>

static void
put_all(struct text *list, const char *const *strings)
{
	for (; *strings != NULL; strings++)
		mail_list_put(list, span_of(*strings));
}

static void
holds(struct mail_list list, const char *const *want)
{
	struct span got;

	for (; *want != NULL; want++) {
		assert_int_equal(mail_list_next(&list, &got), 1);
		assert_true(span_is(got, span_of(*want)));
	}
	assert_int_equal(mail_list_next(&list, &got), 0);
}

static const char *const two[] = { "a@tern.example", "b@tern.example", NULL };
static const char *const one[] = { "ada", NULL };

static const struct span domain_of_key = { "tern.example", 12 }, local_of_key = { "ada", 3 };

static bool
lists_are_equal(struct mail_list a, struct mail_list b)
{
	struct span x, y;
	int r;

	if (a.count != b.count)
		return false;
	while ((r = mail_list_next(&a, &x)) > 0)
		if (mail_list_next(&b, &y) != 1 || !span_is(x, y))
			return false;
	return r == 0 && mail_list_next(&b, &y) == 0;
}

static bool
claims_are_equal(const struct mail_claim *a, const struct mail_claim *b)
{
	return a->holder == b->holder && a->flags == b->flags && span_is(a->claimer, b->claimer) && span_is(a->primary, b->primary) &&
	       span_is(a->mail_host, b->mail_host) && span_is(a->relocated, b->relocated) &&
	       lists_are_equal(a->routing, b->routing) && lists_are_equal(a->forwarding, b->forwarding) &&
	       lists_are_equal(a->logins, b->logins);
}

static void
claims_are_read_as_they_were_put(void **state)
{
	static const struct {
		const char *primary, *mail_host, *relocated, *claimer;
		uint8_t holder, flags;
		const char *routing[4], *forwarding[4], *logins[5];
		size_t octets; /* 0: never mind */
	} rows[] = {
		/* As most are: the version, bits, a host, and two logins that are made of the key. */
		{ "ada@tern.example", "mail1.isp.example", "", "", MAIL_USER, MAIL_PRIMARY, { "ada@tern.example" }, { 0 },
		  { "ada@tern.example", "ada_tern_example" }, 3 + 18 + 4 },
		/* An alias, or the catch-all. */
		{ "ada.l@tern.example", "m", "", "", MAIL_USER, 0, { "ada.l@tern.example" }, { "b@tern.example", "c@y.example" },
		  { "ada.l_tern_example", "ada_l_tern_example" }, 3 + 6 + 2 + 2 + 2 + 12 + 4 },
		{ "Ada@Tern.Example", "m", "", "", MAIL_USER, MAIL_SUSPENDED | MAIL_NO_COPY, { "Ada@Tern.Example" }, { "a@b.example" },
		  { "Ada@Tern.Example", "Ada_Tern_Example", "ada@tern.example" }, 0 },
		{ "ada@heron.example", "m", "", "heron.example", MAIL_USER, 0, { "ada@heron.example", "x" }, { 0 }, { "" }, 0 },
		{ "", "", "x@y.example", "", MAIL_GROUP, 0, { 0 }, { "@tern.example", "@", "tern.example", "" }, { 0 }, 0 },
		{ "", "", "", "", MAIL_USER, 0, { "" }, { 0 }, { 0 }, 0 },
		{ "@tern.example", "", "", "", MAIL_USER, 0, { "@tern.example" }, { 0 }, { "_tern_example" }, 0 },
		{ "word", "", "", "", MAIL_USER, 0, { "word" }, { 0 }, { "word", "wor_d" }, 0 },
	};
	cleanup(text_free) struct text all = TEXT_INIT;
	struct mail_claim claims[array_size(rows)];
	struct text lists[array_size(rows)][3];
	struct mail_address address;
	struct mail_claim claim;
	struct mail_room room;

	(void)state;
	mail_address_begin(&all);
	for (size_t i = 0; i < array_size(rows); i++) {
		cleanup(text_free) struct text value = TEXT_INIT, alone = TEXT_INIT;

		for (size_t k = 0; k < 3; k++)
			lists[i][k] = TEXT_INIT;
		for (size_t k = 0; k < 4 && rows[i].routing[k] != NULL; k++)
			mail_list_put(&lists[i][0], span_of(rows[i].routing[k]));
		for (size_t k = 0; k < 4 && rows[i].forwarding[k] != NULL; k++)
			mail_list_put(&lists[i][1], span_of(rows[i].forwarding[k]));
		for (size_t k = 0; k < 5 && rows[i].logins[k] != NULL; k++)
			mail_list_put(&lists[i][2], span_of(rows[i].logins[k]));
		claims[i] = (struct mail_claim){
			.claimer = span_of(rows[i].claimer),
			.holder = rows[i].holder,
			.flags = rows[i].flags,
			.primary = span_of(rows[i].primary),
			.mail_host = span_of(rows[i].mail_host),
			.relocated = span_of(rows[i].relocated),
			.routing = mail_list_of(&lists[i][0]),
			.forwarding = mail_list_of(&lists[i][1]),
			.logins = mail_list_of(&lists[i][2]),
		};
		mail_claim_put(&alone, &claims[i]);
		assert_int_equal(mail_claim_read(text_span(&alone), &claim), 0);
		assert_true(claims_are_equal(&claim, &claims[i]));
		mail_address_begin(&value);
		mail_address_put(&value, domain_of_key, local_of_key, &claims[i]);
		mail_address_put(&all, domain_of_key, local_of_key, &claims[i]);
		if (rows[i].octets > 0 && value.len != rows[i].octets)
			fail_msg("row %zu: %zu octets, want %zu", i, value.len, rows[i].octets);
	}
	assert_false(text_failed(&all));
	assert_int_equal(mail_address_read(text_span(&all), domain_of_key, local_of_key, &address), 0);
	for (size_t i = 0; i < array_size(rows); i++) {
		assert_int_equal(mail_address_next(&address, &room, &claim), 1);
		if (!claims_are_equal(&claim, &claims[i]))
			fail_msg("row %zu is read otherwise", i);
	}
	assert_int_equal(mail_address_next(&address, &room, &claim), 0);
	for (size_t i = 0; i < array_size(rows); i++)
		for (size_t k = 0; k < 3; k++)
			text_free(&lists[i][k]);
}

/* What is longer than any address is stored, and read, as it is. */
static void
long_strings_are_read_as_they_were_put(void **state)
{
	static const size_t lengths[] = { 60, 61, 62, 126, 127, 128, 129, 480, 481, 482, 493, 494, 495, 20000, 65535 };
	cleanup(text_free) struct text value = TEXT_INIT, list = TEXT_INIT, octets = TEXT_INIT;
	struct mail_address address;
	struct mail_claim claim;
	struct mail_room room;

	(void)state;
	for (size_t i = 0; i < array_size(lengths); i++) {
		struct mail_claim given = { .holder = MAIL_USER };

		text_clear(&octets);
		text_clear(&list);
		text_clear(&value);
		while (octets.len + 1 + domain_of_key.len < lengths[i])
			text_put_char(&octets, '.');
		text_put_char(&octets, '@');
		text_put_span(&octets, domain_of_key);
		mail_list_put(&list, text_span(&octets));
		given.primary = text_span(&octets);
		given.routing = given.forwarding = mail_list_of(&list);
		for (size_t k = 0; k < octets.len; k++)
			octets.data[k] = octets.data[k] == '.' || octets.data[k] == '@' ? '_' : octets.data[k];
		mail_list_put(&list, text_span(&octets));
		octets.data[0] = 'x';
		mail_list_put(&list, text_span(&octets));
		given.primary = span_from(list.data + 2, lengths[i]);
		given.routing = given.forwarding = given.logins = mail_list_of(&list);
		mail_address_begin(&value);
		mail_address_put(&value, domain_of_key, local_of_key, &given);
		assert_false(text_failed(&value));
		assert_int_equal(mail_address_read(text_span(&value), domain_of_key, local_of_key, &address), 0);
		assert_int_equal(mail_address_next(&address, &room, &claim), 1);
		assert_true(claims_are_equal(&claim, &given));
		assert_int_equal(mail_address_next(&address, &room, &claim), 0);
	}
}

static void
domains_are_read_as_they_were_put(void **state)
{
	cleanup(text_free) struct text value = TEXT_INIT;
	struct mail_domain domain;

	(void)state;
	/* Not at the front of the text. */
	text_put(&value, "xyz");
	mail_domain_begin(&value, &(struct mail_domain){
	                                  .delivery = MAIL_DELIVERY_SMTP,
	                                  .suspended = true,
	                                  .master = SPAN("tern.example"),
	                                  .name = SPAN("Heron.Example"),
	                                  .transport = SPAN("smtp:[mx.isp.example]"),
	                                  .below_transport = SPAN("error:5.1.2 no such domain"),
	                          });
	mail_domain_put_login(&value, 3, SPAN("ada"));
	assert_int_equal(mail_domain_read(span_skip(text_span(&value), 3), &domain), 0);
	assert_int_equal(domain.delivery, MAIL_DELIVERY_SMTP);
	assert_true(domain.suspended);
	assert_true(span_is(domain.master, SPAN("tern.example")));
	assert_true(span_is(domain.name, SPAN("Heron.Example")));
	assert_true(span_is(domain.transport, SPAN("smtp:[mx.isp.example]")));
	assert_true(span_is(domain.below_transport, SPAN("error:5.1.2 no such domain")));
	holds(domain.logins, one);
}

static void
what_is_cut_short_or_of_another_version_is_refused(void **state)
{
	cleanup(text_free) struct text value = TEXT_INIT, list = TEXT_INIT;
	struct mail_address address;
	struct mail_domain domain;
	struct mail_claim claim;
	struct mail_room room;
	struct mail_list list_read;
	struct span string;

	(void)state;
	put_all(&list, two);
	mail_address_begin(&value);
	mail_address_put(&value, domain_of_key, local_of_key,
	                 &(struct mail_claim){ .holder = MAIL_USER, .forwarding = mail_list_of(&list) });
	for (size_t n = 0; n < value.len; n++) {
		int r = mail_address_read(span_from(value.data, n), domain_of_key, local_of_key, &address);

		/* A record without any claim is one that nobody holds. */
		assert_int_equal(r == 0 ? mail_address_next(&address, &room, &claim) : r, n == 1 ? 0 : -EBADMSG);
	}
	text_put_char(&value, 'x');
	assert_int_equal(mail_address_read(text_span(&value), domain_of_key, local_of_key, &address), 0);
	assert_int_equal(mail_address_next(&address, &room, &claim), 1);
	assert_int_equal(mail_address_next(&address, &room, &claim), -EBADMSG);
	value.data[0] = MAIL_ADDRESS_VERSION + 1;
	assert_int_equal(mail_address_read(text_span(&value), domain_of_key, local_of_key, &address), -EPROTO);
	assert_int_equal(mail_domain_read(text_span(&value), &domain), -EPROTO);
	/* Bits that mean nothing; a login of nothing; a local part that is too long with its domain; too many strings. */
	assert_int_equal(mail_address_read(SPAN("\2\0\x20"), domain_of_key, local_of_key, &address), 0);
	assert_int_equal(mail_address_next(&address, &room, &claim), -EBADMSG);
	assert_int_equal(mail_address_read(SPAN("\2\0\1\1\1\1"), domain_of_key, local_of_key, &address), 0);
	assert_int_equal(mail_address_next(&address, &room, &claim), 1);
	list_read = claim.logins;
	assert_int_equal(mail_list_next(&list_read, &string), -EBADMSG);
	text_clear(&value);
	text_put_span(&value, SPAN("\2\0\1\1\xe6\3\xe8\7"));
	while (value.len < 8 + 482)
		text_put_char(&value, 'a');
	assert_int_equal(mail_address_read(text_span(&value), domain_of_key, local_of_key, &address), 0);
	assert_int_equal(mail_address_next(&address, &room, &claim), -EBADMSG);
	assert_int_equal(mail_address_read(SPAN("\2\0\1\1\2\3\3"), domain_of_key, local_of_key, &address), 0);
	assert_int_equal(mail_address_next(&address, &room, &claim), 1);
	list_read = claim.logins;
	assert_int_equal(mail_list_next(&list_read, &string), 1);
	assert_int_equal(string.len, 0);
	assert_int_equal(mail_list_next(&list_read, &string), -EBADMSG);
	assert_int_equal(mail_domain_read(SPAN(""), &domain), -EBADMSG);
	assert_int_equal(mail_domain_read(SPAN("\1\0\0\0\0\5\0ab"), &domain), -EBADMSG);
}

static void
keys_are_taken_apart_as_they_were_made(void **state)
{
	static const struct {
		struct span key;
		char letter;
		struct span domain, rest;
	} rows[] = {
		{ SPAN("dtern.example"), 'd', SPAN("tern.example"), SPAN("") },
		{ SPAN("atern.example\0ada"), 'a', SPAN("tern.example"), SPAN("ada") },
		{ SPAN("atern.example\0"), 'a', SPAN("tern.example"), SPAN("") },
		{ SPAN("ftern.example\0heron.example"), 'f', SPAN("tern.example"), SPAN("heron.example") },
		{ SPAN(""), 0, SPAN(""), SPAN("") },
		{ SPAN("m"), 0, SPAN(""), SPAN("") },
		{ SPAN("d"), 0, SPAN(""), SPAN("") },
		{ SPAN("dtern\0example"), 0, SPAN(""), SPAN("") },
		{ SPAN("atern.example"), 0, SPAN(""), SPAN("") },
		{ SPAN("a\0ada"), 0, SPAN(""), SPAN("") },
		{ SPAN("atern.example\0a\0b"), 0, SPAN(""), SPAN("") },
		{ SPAN("xtern.example"), 0, SPAN(""), SPAN("") },
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		struct span domain, rest;
		struct key key;
		char letter;
		int r = key_mail_split(rows[i].key, &letter, &domain, &rest);

		assert_int_equal(r, rows[i].letter == 0 ? -EINVAL : 0);
		if (r < 0)
			continue;
		assert_int_equal(letter, rows[i].letter);
		assert_true(span_is(domain, rows[i].domain));
		assert_true(span_is(rest, rows[i].rest));
		if (letter == 'd')
			key_mail_domain(&key, domain);
		else if (letter == 'a')
			key_mail_address(&key, domain, rest);
		else
			key_mail_foreign(&key, domain, rest);
		assert_true(span_is(key_span(&key), rows[i].key));
	}
}

static void
the_longest_names_fit_a_key(void **state)
{
	char longest[2 * ADDRESS_DOMAIN_MAX];
	struct span domain = span_from(longest, ADDRESS_DOMAIN_MAX), out_domain, out_rest;
	struct key key;
	char letter;

	(void)state;
	memset(longest, 'a', sizeof(longest));
	key_mail_foreign(&key, domain, domain);
	assert_int_equal(key_mail_split(key_span(&key), &letter, &out_domain, &out_rest), 0);
	assert_int_equal(out_rest.len, ADDRESS_DOMAIN_MAX);
	/* Nothing that was read is longer; should it be, it is cut. */
	key_mail_address(&key, span_from(longest, sizeof(longest)), span_from(longest, sizeof(longest)));
	assert_int_equal(key.len, 2 + ADDRESS_DOMAIN_MAX + ADDRESS_LOCAL_MAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(claims_are_read_as_they_were_put),
		cmocka_unit_test(long_strings_are_read_as_they_were_put),
		cmocka_unit_test(domains_are_read_as_they_were_put),
		cmocka_unit_test(what_is_cut_short_or_of_another_version_is_refused),
		cmocka_unit_test(keys_are_taken_apart_as_they_were_made),
		cmocka_unit_test(the_longest_names_fit_a_key),
	};

	return RUN_TESTS(tests);
}
