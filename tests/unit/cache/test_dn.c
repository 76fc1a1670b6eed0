/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 */
#include <config.h>

#include "cache/entry.h"
#include "common/text.h"
#include "tests/unit/test.h"

#include <errno.h>

/* The RDNs of DN, or of how it follows TRAIL, as "type|value|normalised|text", one after the other, or "invalid". */
static void
describe_next(struct dn_trail *trail, struct span dn, struct text *out)
{
	cleanup(arena_free) struct arena arena = ARENA_INIT;
	struct rdn *rdns;
	size_t count;
	int r = trail != NULL ? dn_trail_split(trail, dn, &arena, &rdns, &count) : dn_split(dn, &arena, &rdns, &count);

	text_clear(out);
	text_put(out, "");
	if (r < 0) {
		assert_int_equal(r, -EINVAL);
		text_put(out, "invalid");
		return;
	}
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			text_put(out, " / ");
		text_put_span(out, rdns[i].type);
		text_put_char(out, '|');
		text_put_span(out, rdns[i].value);
		text_put_char(out, '|');
		text_put_span(out, rdns[i].normalised);
		text_put_char(out, '|');
		text_put_span(out, rdns[i].text);
		if (!rdns[i].single)
			text_put(out, "|several");
	}
}

static void
describe(struct span dn, struct text *out)
{
	describe_next(NULL, dn, out);
}

static void
split_reads_rfc_4514_and_the_older_forms(void **state)
{
	static const struct {
		struct span given;
		const char *want;
	} rows[] = {
		{ SPAN(""), "" },
		{ SPAN("  "), "" },
		{ SPAN("o=ispman"), "o|ispman|o=ispman|o=ispman" },
		{ SPAN("ispmanDomain=Tern.Example,o=ispman"),
		  "ispmandomain|Tern.Example|ispmandomain=tern.example|ispmanDomain=Tern.Example / "
		  "o|ispman|o=ispman|o=ispman" },
		/* blanks around the separators, and the old separator */
		{ SPAN(" OU = DNS ; o = ispman "),
		  "ou|DNS|ou=dns|OU = DNS / o|ispman|o=ispman|o = ispman" },
		{ SPAN("ou=DNS ,\n o=ispman"), "ou|DNS|ou=dns|ou=DNS / o|ispman|o=ispman|o=ispman" },
		/* blanks within a value */
		{ SPAN("cn=Ada   B  C"), "cn|Ada   B  C|cn=ada b c|cn=Ada   B  C" },
		{ SPAN("cn=\\20Ada\\ "), "cn| Ada |cn=ada|cn=\\20Ada\\ " },
		{ SPAN("cn=\\ "), "cn| |cn=|cn=\\ " },
		{ SPAN("cn=Ada\\20  "), "cn|Ada |cn=ada|cn=Ada\\20" },
		{ SPAN("cn=Ada\\\\  "), "cn|Ada\\|cn=ada\\5c|cn=Ada\\\\" },
		{ SPAN("cn=a\\,  b  ,o=x"), "cn|a,  b|cn=a\\2c b|cn=a\\,  b / o|x|o=x|o=x" },
		/* an empty value is one */
		{ SPAN("cn=,o=x"), "cn||cn=|cn= / o|x|o=x|o=x" },
		{ SPAN("cn="), "cn||cn=|cn=" },
		/* escapes: one value in three spellings */
		{ SPAN("cn=a\\,b"), "cn|a,b|cn=a\\2cb|cn=a\\,b" },
		{ SPAN("cn=a\\2Cb"), "cn|a,b|cn=a\\2cb|cn=a\\2Cb" },
		{ SPAN("cn=\"a,b\""), "cn|a,b|cn=a\\2cb|cn=\"a,b\"" },
		{ SPAN("cn = \"a\\\"b\" , o=x"), "cn|a\"b|cn=a\\22b|cn = \"a\\\"b\" / o|x|o=x|o=x" },
		{ SPAN("cn=v\\3Dspf1 -all"), "cn|v=spf1 -all|cn=v=spf1 -all|cn=v\\3Dspf1 -all" },
		{ SPAN("cn=v=spf1"), "cn|v=spf1|cn=v=spf1|cn=v=spf1" },
		{ SPAN("cn=\\23a"), "cn|#a|cn=\\23a|cn=\\23a" },
		{ SPAN("cn=\\#a#"), "cn|#a#|cn=\\23a\\23|cn=\\#a#" },
		{ SPAN("cn=a\\;b\\<\\>"), "cn|a;b<>|cn=a\\3bb<>|cn=a\\;b\\<\\>" },
		{ SPAN("cn=\\01\\7f"), "cn|\x01\x7f|cn=\\01\\7f|cn=\\01\\7f" },
		{ SPAN("cn=M\\C3\\BCller"), "cn|M\xc3\xbcller|cn=m\xc3\xbcller|cn=M\\C3\\BCller" },
		{ SPAN("cn=M\xc3\xbcller"), "cn|M\xc3\xbcller|cn=m\xc3\xbcller|cn=M\xc3\xbcller" },
		/* several pairs: the order does not matter */
		{ SPAN("uid=b+CN=A"), "cn|A|cn=a+uid=b|uid=b+CN=A|several" },
		{ SPAN("CN = A + uid = b"), "cn|A|cn=a+uid=b|CN = A + uid = b|several" },
		{ SPAN("cn=a\\+b"), "cn|a+b|cn=a\\2bb|cn=a\\+b" },
		/* hexadecimal BER */
		{ SPAN("cn=#04024869"), "cn|Hi|cn=hi|cn=#04024869" },
		{ SPAN("cn=#0C024869,o=x"), "cn|Hi|cn=hi|cn=#0C024869 / o|x|o=x|o=x" },
		{ SPAN("cn=#04810141"), "cn|A|cn=a|cn=#04810141" },
		{ SPAN("cn=#0400"), "cn||cn=|cn=#0400" },
		{ SPAN("cn=#020141"), "cn|\x02\x01" "A|cn=\\02\\01a|cn=#020141" },
		/* types: object identifiers, long names */
		{ SPAN("2.5.4.11=x"), "ou|x|ou=x|2.5.4.11=x" },
		{ SPAN("OID.2.5.4.11=x"), "ou|x|ou=x|OID.2.5.4.11=x" },
		{ SPAN("1.2.3=x"), "1.2.3|x|1.2.3=x|1.2.3=x" },
		{ SPAN("domainComponent=x+userid=y"),
		  "dc|x|dc=x+uid=y|domainComponent=x+userid=y|several" },
		{ SPAN("relativeDomainName=*,aRecord=192.0.2.1"),
		  "relativedomainname|*|relativedomainname=*|relativeDomainName=* / "
		  "arecord|192.0.2.1|arecord=192.0.2.1|aRecord=192.0.2.1" },
		/* what is no DN */
		{ SPAN("ispman"), "invalid" },
		{ SPAN("=x"), "invalid" },
		{ SPAN("oid.=x"), "invalid" },
		{ SPAN("oid.oid.1=x"), "invalid" },
		{ SPAN("a.b=x"), "invalid" },
		{ SPAN("1.a=x"), "invalid" },
		{ SPAN("-a=x"), "invalid" },
		{ SPAN("a b=x"), "invalid" },
		{ SPAN("cn;lang-de=x"), "invalid" },
		{ SPAN(",o=x"), "invalid" },
		{ SPAN("o=x,"), "invalid" },
		{ SPAN("o=x, "), "invalid" },
		{ SPAN("o=x,,o=y"), "invalid" },
		{ SPAN("o=x+"), "invalid" },
		{ SPAN("o=x\\"), "invalid" },
		{ SPAN("o=x\\4"), "invalid" },
		{ SPAN("o=x\\zz"), "invalid" },
		{ SPAN("o=x\"y"), "invalid" },
		{ SPAN("o=\\41\"y"), "invalid" },
		{ SPAN("o=\"y"), "invalid" },
		{ SPAN("o=\"y\"z"), "invalid" },
		{ SPAN("o=x\0y"), "invalid" },
		{ SPAN("o=#"), "invalid" },
		{ SPAN("o=#04"), "invalid" },
		{ SPAN("o=#0402"), "invalid" },
		{ SPAN("o=#04024869x"), "invalid" },
		{ SPAN("o=#0402486"), "invalid" },
		{ SPAN("o=#048548656c6c6f"), "invalid" },
		{ SPAN("a=1+a=2+a=3+a=4+a=5+a=6+a=7+a=8+a=9+a=10+a=11+a=12+a=13+a=14+a=15+a=16+a=17"),
		  "invalid" },
	};
	struct text got = TEXT_INIT;

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		describe(rows[i].given, &got);
		if (strcmp(text_str(&got), rows[i].want) != 0)
			fail_msg("%s: got %s, want %s", rows[i].given.data, text_str(&got),
				 rows[i].want);
	}
	text_free(&got);
}

static void
normalise_joins_the_rdns(void **state)
{
	static const struct {
		struct span given, want;
	} rows[] = {
		{ SPAN(""), SPAN("") },
		{ SPAN("OU=a\\,b , O=X"), SPAN("ou=a\\2cb,o=x") },
		{ SPAN("ou=a,b=c"), SPAN("ou=a,b=c") },
		{ SPAN("ou=a\\2Cb=c"), SPAN("ou=a\\2cb=c") },
		{ SPAN("uid=b+cn=a;o=x"), SPAN("cn=a+uid=b,o=x") },
	};
	struct arena arena = ARENA_INIT;

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		struct span got;

		assert_int_equal(dn_normalise(rows[i].given, &arena, &got), 0);
		if (!span_is(got, rows[i].want))
			fail_msg("%s: got %.*s, want %s", rows[i].given.data, (int)got.len,
				 got.data, rows[i].want.data);
	}
	arena_free(&arena);
}

/* Each DN after each other one, and after itself. */
static void
a_trail_reads_what_is_read_alone(void **state)
{
	static const struct span dns[] = {
		SPAN(""),
		SPAN(" "),
		SPAN("o=x"),
		SPAN("O = X "),
		SPAN("ou=a,o=x"),
		SPAN("ou=A, o=x"),
		SPAN("ou=a;o=x"),
		SPAN("cn=1+sn=2,ou=a,o=x"),
		SPAN("sn=2+cn=1,ou=a,o=x"),
		SPAN("cn=1\\,ou=a,o=x"),
		SPAN("cn=1\\\\,ou=a,o=x"),
		SPAN("cn=\"1,ou=a,o=x\""),
		SPAN("cn=\"1,ou=a,o=x\",ou=a,o=x"),
		SPAN("cn=#0401,ou=a,o=x"),
		SPAN("cn=a,ou=a,o=x"),
		SPAN("n=a,ou=a,o=x"),
		SPAN("a,o=x"),
		SPAN("cn=a,,o=x"),
		SPAN("cn=a,ou=a,o=x,"),
		SPAN("cn=b,cn=a,ou=a,o=x"),
		SPAN("cn=b,cn=a,ou=a,o=y"),
		SPAN("dc=c,dc=b,cn=b,cn=a,ou=a,o=x"),
		SPAN("ou=a,o=x,ou=a,o=x"),
		SPAN("cn=\0,o=x"),
	};
	struct text got = TEXT_INIT, want = TEXT_INIT;
	struct dn_trail trail = { .count = 0 };

	(void)state;
	for (size_t before = 0; before < array_size(dns); before++) {
		for (size_t i = 0; i < array_size(dns); i++) {
			describe_next(&trail, dns[before], &got);
			describe(dns[before], &want);
			assert_string_equal(text_str(&got), text_str(&want));
			describe_next(&trail, dns[i], &got);
			describe(dns[i], &want);
			assert_string_equal(text_str(&got), text_str(&want));
		}
	}
	dn_trail_free(&trail);
	text_free(&got);
	text_free(&want);
}

static void
a_trail_has_room_for_some_rdns_and_reads_more(void **state)
{
	struct text dn = TEXT_INIT, got = TEXT_INIT, want = TEXT_INIT;
	struct dn_trail trail = { .count = 0 };

	(void)state;
	text_put(&dn, "o=x");
	for (int i = 0; i < DN_TRAIL_ROOM + 20; i++) {
		struct text longer = TEXT_INIT;

		describe_next(&trail, text_span(&dn), &got);
		describe(text_span(&dn), &want);
		assert_string_equal(text_str(&got), text_str(&want));
		text_putf(&longer, "cn=%d,%s", i, text_str(&dn));
		text_free(&dn);
		dn = longer;
	}
	describe_next(&trail, SPAN("cn=0,o=x"), &got);
	describe(SPAN("cn=0,o=x"), &want);
	assert_string_equal(text_str(&got), text_str(&want));
	dn_trail_free(&trail);
	text_free(&dn);
	text_free(&got);
	text_free(&want);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(split_reads_rfc_4514_and_the_older_forms),
		cmocka_unit_test(normalise_joins_the_rdns),
		cmocka_unit_test(a_trail_reads_what_is_read_alone),
		cmocka_unit_test(a_trail_has_room_for_some_rdns_and_reads_more),
	};

	return RUN_TESTS(tests);
}
