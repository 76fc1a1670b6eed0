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
static const char *const none[] = { NULL };

static void
claims_are_read_as_they_were_put(void **state)
{
	cleanup(text_free) struct text value = TEXT_INIT, routing = TEXT_INIT, forwarding = TEXT_INIT, logins = TEXT_INIT;
	struct mail_address address;
	struct mail_claim claim;

	(void)state;
	put_all(&routing, one);
	put_all(&forwarding, two);
	mail_address_begin(&value);
	mail_address_put(&value, 0,
	                 &(struct mail_claim){
	                         .holder = MAIL_USER,
	                         .flags = MAIL_PRIMARY,
	                         .primary = SPAN("Ada@tern.example"),
	                         .mail_host = SPAN("mail1.isp.example"),
	                         .routing = mail_list_of(&routing),
	                         .forwarding = mail_list_of(&forwarding),
	                         .logins = mail_list_of(&routing),
	                 });
	mail_address_put(&value, 0,
	                 &(struct mail_claim){
	                         .holder = MAIL_GROUP,
	                         .claimer = SPAN("heron.example"),
	                         .relocated = SPAN("x@y.example"),
	                         .forwarding = mail_list_of(&forwarding),
	                         .logins = mail_list_of(&logins),
	                 });
	assert_false(text_failed(&value));

	assert_int_equal(mail_address_read(text_span(&value), &address), 0);
	assert_int_equal(address.count, 2);
	assert_int_equal(mail_address_next(&address, &claim), 1);
	assert_int_equal(claim.holder, MAIL_USER);
	assert_int_equal(claim.flags, MAIL_PRIMARY);
	assert_int_equal(claim.claimer.len, 0);
	assert_true(span_is(claim.primary, SPAN("Ada@tern.example")));
	assert_true(span_is(claim.mail_host, SPAN("mail1.isp.example")));
	holds(claim.routing, one);
	holds(claim.forwarding, two);
	holds(claim.logins, one);
	assert_int_equal(mail_address_next(&address, &claim), 1);
	assert_int_equal(claim.holder, MAIL_GROUP);
	assert_true(span_is(claim.claimer, SPAN("heron.example")));
	assert_true(span_is(claim.relocated, SPAN("x@y.example")));
	holds(claim.routing, none);
	holds(claim.forwarding, two);
	holds(claim.logins, none);
	assert_int_equal(mail_address_next(&address, &claim), 0);
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

	(void)state;
	put_all(&list, two);
	mail_address_begin(&value);
	mail_address_put(&value, 0, &(struct mail_claim){ .holder = MAIL_USER, .forwarding = mail_list_of(&list) });
	for (size_t n = 0; n < value.len; n++) {
		int r = mail_address_read(span_from(value.data, n), &address);

		assert_int_equal(r == 0 ? mail_address_next(&address, &claim) : r, -EBADMSG);
	}
	text_put_char(&value, 'x');
	assert_int_equal(mail_address_read(text_span(&value), &address), 0);
	assert_int_equal(mail_address_next(&address, &claim), 1);
	assert_int_equal(mail_address_next(&address, &claim), -EBADMSG);
	value.data[0] = MAIL_VERSION + 1;
	assert_int_equal(mail_address_read(text_span(&value), &address), -EPROTO);
	assert_int_equal(mail_domain_read(text_span(&value), &domain), -EPROTO);
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
		cmocka_unit_test(domains_are_read_as_they_were_put),
		cmocka_unit_test(what_is_cut_short_or_of_another_version_is_refused),
		cmocka_unit_test(keys_are_taken_apart_as_they_were_made),
		cmocka_unit_test(the_longest_names_fit_a_key),
	};

	return RUN_TESTS(tests);
}
