/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * Rows chosen by hand; tests/integration/rdata_named.py compares thousands with named itself.
 */
#include <config.h>

#include "tests/unit/test.h"

#include "cache/rdata.h"
#include "cache/rrtype.h"

#include <errno.h>

#define S63 "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffggg"
#define S64 S63 "h"

struct parsed {
	struct rdata rdata;
	struct text why;
	int result;
};

static struct parsed
parse(const char *type_text, const char *text)
{
	struct parsed p = { { TEXT_INIT, TEXT_INIT, 0 }, TEXT_INIT, 0 };
	struct dname origin;
	uint16_t type;

	assert_int_equal(dname_from_text(SPAN("Zone.example."), NULL, &origin), 0);
	assert_int_equal(rrtype_from_text(span_of(type_text), &type), 0);
	p.result = rdata_parse(type, span_of(text), &origin, &p.rdata, &p.why);
	return p;
}

static void
parsed_free(struct parsed *p)
{
	rdata_free(&p->rdata);
	text_free(&p->why);
}

static void
text_is_normalised(void **state)
{
	static const struct {
		const char *type, *given, *want;
	} rows[] = {
		{ "A", "192.0.2.1", "192.0.2.1" },
		{ "A", " ( 192.0.2.1 ) ; a remark ( \"", "192.0.2.1" },
		{ "AAAA", "2001:DB8:0::1", "2001:db8::1" },
		{ "NS", "ns", "ns" },
		{ "NS", "NS.Example.org.", "NS.Example.org." },
		{ "NS", "@", "@" },
		{ "NS", "\\110s\\.1", "ns\\.1" },
		{ "MX", "00010\tmail", "10 mail" },
		{ "SOA", "ns h 1 3H 30m 1w2d 60", "ns h 1 10800 1800 777600 60" },
		{ "SOA", "ns h 1 0w5 0 0 0", "ns h 1 5 0 0 0" },
		{ "TXT", "one \"two three\" fo\\ur", "\"one\" \"two three\" \"four\"" },
		{ "TXT", "\"a\\\"b;(c\\\\\\009\"", "\"a\\\"b;(c\\\\\\009\"" },
		{ "TXT", "\"a\"b\"c\"", "\"a\" \"b\" \"c\"" },
		{ "TXT", "\\# x", "\"#\" \"x\"" },
		{ "TXT", "\\# 2 0161", "\\# 2 0161" },
		{ "SRV", "1 2 3 .", "1 2 3 ." },
		{ "CAA", "0 issue letsencrypt.org", "0 issue \"letsencrypt.org\"" },
		{ "TLSA", "3 1 1 ab cd", "3 1 1 ABCD" },
		{ "DS", "1 ECDSAP256SHA256 3 00ff", "1 13 3 00FF" },
		{ "SSHFP", "1 9", "1 9" },
		{ "DNSKEY", "ZONE|KSK DNSSEC ED25519 AA A=", "257 3 15 AAA=" },
		{ "RRSIG", "MX 13 2 300 1893456000 20240101000000 7 zone.example. AAAA",
		  "MX 13 2 300 20300101000000 20240101000000 7 zone.example. AAAA" },
		{ "NSEC", "next TYPE15 A TYPE731", "next A MX TYPE731" },
		{ "NSEC3", "SHA-1 0 1 - 0123456789abcdefghijklmnopqrstuv A",
		  "1 0 1 - 0123456789ABCDEFGHIJKLMNOPQRSTUV A" },
		{ "NAPTR", "1 2 u E2U+sip \"!^.*$!sip:a@b!\" .",
		  "1 2 \"u\" \"E2U+sip\" \"!^.*$!sip:a@b!\" ." },
		{ "LOC", "52 22 23 N 4 53 32 E -2m 0.00 10000m",
		  "52 22 23.000 N 4 53 32.000 E -2.00m 0.00m 10000.00m 10.00m" },
		{ "APL", "1:192.0.2.0/24 !2:2001:DB8::/32", "1:192.0.2.0/24 !2:2001:db8::/32" },
		{ "APL", "", "\\# 0" },
		{ "WKS", "192.0.2.1 6 25 0", "192.0.2.1 6 0 25" },
		{ "HTTPS", "1 . port=443 alpn=\"h2,h3\"", "1 . alpn=\"h2,h3\" port=443" },
		{ "HTTPS", "1 . mandatory=port,alpn alpn=a\\\\,b port=1",
		  "1 . mandatory=alpn,port alpn=\"a\\\\,b\" port=1" },
		{ "SVCB", "1 . ipv4hint=192.0.2.1", "1 . ipv4hint=192.0.2.1" },
		{ "SVCB", "1 x ipv4hint=1.2.3.4", "1 x key4=\"\\001\\002\\003\\004\"" },
		{ "SVCB", "1 . dohpath=/q{?dns}", "1 . key7=\"/q{?dns}\"" },
		{ "EUI48", "00-00-5E-00-53-2a", "00-00-5e-00-53-2a" },
		{ "URI", "10 1 \"ftp://a/\"", "10 1 \"ftp://a/\"" },
		{ "IPSECKEY", "10 3 2 gw AAAA", "10 3 2 gw AAAA" },
		{ "TYPE731", "( \\# 2 a b c d )", "\\# 2 ABCD" },
		{ "MX", "\\# 4 000a0000", NULL },
		{ "MX", "\\# 3 000a00", "\\# 3 000A00" },
		{ "RESINFO", "qnamemin", "\\# 9 08716E616D656D696E" },
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		struct parsed p = parse(rows[i].type, rows[i].given);
		struct parsed again;

		if (rows[i].want == NULL) {
			assert_int_equal(p.result, -EINVAL);
			parsed_free(&p);
			continue;
		}
		assert_string_equal(text_str(&p.why), "");
		assert_int_equal(p.result, 0);
		assert_string_equal(text_str(&p.rdata.text), rows[i].want);
		again = parse(rows[i].type, rows[i].want);
		assert_int_equal(again.result, 0);
		assert_string_equal(text_str(&again.rdata.text), rows[i].want);
		assert_true(span_is(text_span(&again.rdata.wire), text_span(&p.rdata.wire)));
		parsed_free(&again);
		parsed_free(&p);
	}
}

static void
refusals_say_what_was_expected(void **state)
{
	static const struct {
		const char *type, *given, *why;
	} rows[] = {
		{ "A", "192.0.2", "A address must be an IPv4 address (192.0.2.1), not \"192.0.2\"" },
		{ "A", "", "A address is missing" },
		{ "A", "192.0.2.1 x", "A data is complete before \"x\"" },
		{ "A", "\"192.0.2.1\"", "A address must not be quoted" },
		{ "A", "(192.0.2.1", "an opening parenthesis has no closing one" },
		{ "A", "192.0.2.1)", "a closing parenthesis has no opening one" },
		{ "A", "192.0.2.1\n", "a line break stands inside" },
		{ "A", "192.0.2.1\r", "a line break stands inside" },
		{ "MX", "x mail", "MX preference must be a number from 0 to 65535, not \"x\"" },
		{ "MX", "65536 mail", "MX preference must be a number from 0 to 65535, not \"65536\"" },
		{ "MX", "10", "MX exchange is missing" },
		{ "MX", "10 a..b", "MX exchange must be a domain name, not \"a..b\"" },
		{ "CNAME", S64, "CNAME target must be a domain name, not \"aaaaaaaaaabbbbbbbbbbcccccccc"
		                "ccddddddddddeeeeeeeeeeffffffffff...\"" },
		{ "CNAME", S63 "." S63 "." S63 "." S63, "CNAME target is a name over 255 octets" },
		{ "TXT", "\"open", "a quoted string has no closing quote" },
		{ "TXT", "\"\\999\"",
		  "TXT text must be free of incomplete escapes (\\DDD, 000 to 255), not \"\\999\"" },
		{ "TXT", S63 S63 S63 S63 "abcd", "TXT text is over 255 octets" },
		{ "SOA", "a b 1 2 3 4", "SOA minimum is missing" },
		{ "SOA", "a b 1 2 3x 4 5", "SOA retry must be seconds, or weeks to seconds such as "
		                           "1w2d3h4m5s, not \"3x\"" },
		{ "SRV", "1 2 3", "SRV target is missing" },
		{ "CAA", "0 is-sue x", "CAA tag must be 1 to 255 letters and digits, not \"is-sue\"" },
		{ "URI", "1 1 http://a/", "URI target must be in quotes, not \"http://a/\"" },
		{ "DS", "1 1 1 00", "DS digest must be 20 octets in hexadecimal" },
		{ "TLSA", "1 1 1", "TLSA certificate data is missing" },
		{ "TLSA", "1 1 1 abc", "TLSA certificate data must be pairs of hexadecimal digits" },
		{ "NAPTR", "1 1 a b \"!(!x!\" .", "NAPTR regexp must be empty or "
		                                  "!expression!replacement! with valid contents" },
		{ "LOC", "91 N 0 E 0", "LOC latitude must be a number from 0 to 90, not \"91\"" },
		{ "HTTPS", "1 . port=1 port=2", "HTTPS parameters name a parameter twice" },
		{ "HTTPS", "1 . mandatory=port", "HTTPS parameters lack one that is listed as mandatory" },
		{ "HTTPS", "1 . port=x", "HTTPS parameters must be valid values of their keys, not "
		                         "\"port=x\"" },
		{ "NULL", "x", "NULL data can only be written as \"\\# length hex\"" },
		{ "TYPE731", "x", "TYPE731 data can only be written as \"\\# length hex\"" },
		{ "TYPE731", "\\# 2 00", "TYPE731 data must be 2 octets in hexadecimal" },
		{ "A", "\\# 3 000000", "A address is cut short" },
		{ "A", "\\# 5 0000000000", "A data has octets too many" },
		{ "ANY", "x", "ANY records cannot stand in a zone" },
		{ "MD", "x.", "MD records are obsolete and refused by named (use MX)" },
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		struct parsed p = parse(rows[i].type, rows[i].given);

		assert_int_equal(p.result, -EINVAL);
		assert_string_equal(text_str(&p.why), rows[i].why);
		assert_int_equal(p.rdata.text.len, 0);
		parsed_free(&p);
	}
}

static void
a_nul_is_never_text(void **state)
{
	struct rdata rdata = { TEXT_INIT, TEXT_INIT, 0 };
	struct text why = TEXT_INIT;
	struct dname root = { 1, { 0 } };

	(void)state;
	assert_int_equal(rdata_parse(RRTYPE_TXT, SPAN("\"a\0b\""), &root, &rdata, &why), -EINVAL);
	assert_string_equal(text_str(&why), "a NUL octet stands inside");
	text_free(&why);
}

static void
failure_leaves_the_output_alone(void **state)
{
	struct rdata rdata = { TEXT_INIT, TEXT_INIT, 0 };
	struct text why = TEXT_INIT;
	struct dname root = { 1, { 0 } };

	(void)state;
	assert_int_equal(rdata_parse(RRTYPE_NS, SPAN("ns"), &root, &rdata, &why), 0);
	assert_int_equal(rdata_parse(RRTYPE_NS, SPAN("n..s"), &root, &rdata, &why), -EINVAL);
	assert_string_equal(text_str(&rdata.text), "ns");
	assert_int_equal(rdata.relative, 3);
	rdata_free(&rdata);
	text_free(&why);
}

static void
equal_records_have_equal_octets(void **state)
{
	static const struct {
		const char *type, *a, *b;
		bool same;
	} rows[] = {
		{ "NS", "ns", "NS.zone.EXAMPLE.", true },
		{ "MX", "10 a", "010 A", true },
		{ "SRV", "1 2 3 X", "1 2 3 x", true },
		{ "NS", "@", "zone.example.", true },
		{ "TXT", "a b", "\"a\" \"b\"", true },
		{ "TXT", "ab", "\"a\" \"b\"", false },
		{ "TXT", "a", "A", false },
		{ "CAA", "0 issue x", "0 ISSUE x", false },
		{ "NAPTR", "1 1 a b \"\" X", "1 1 a b \"\" x", true },
		{ "NAPTR", "1 1 a b \"\" x", "1 1 A b \"\" x", false },
		/* named does not look for names in these. */
		{ "HTTPS", "1 x.", "1 X.", false },
		{ "TALINK", "a. b.", "A. b.", false },
		{ "A", "192.0.2.1", "\\# 4 c0000201", true },
		{ "MX", "10 a.", "\\# 5 000a014100", true },
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		struct parsed a = parse(rows[i].type, rows[i].a), b = parse(rows[i].type, rows[i].b);

		assert_int_equal(a.result, 0);
		assert_int_equal(b.result, 0);
		assert_int_equal(span_is(text_span(&a.rdata.wire), text_span(&b.rdata.wire)),
		                 rows[i].same);
		parsed_free(&a);
		parsed_free(&b);
	}
}

static void
the_longest_relative_name_is_measured(void **state)
{
	static const struct {
		const char *type, *given;
		unsigned want;
	} rows[] = {
		{ "NS", "ns.", 0 },
		{ "NS", "@", 0 },
		{ "NS", "ns", 3 },
		{ "SOA", "ns a.hostmaster 1 1 1 1 1", 13 },
		{ "SOA", "a.hostmaster ns 1 1 1 1 1", 13 },
		{ "SOA", "ns a.hostmaster. 1 1 1 1 1", 3 },
		{ "NS", "a\\.b\\001.c", 7 },
		{ "NS", "x\\.", 3 },
		{ "NS", "x\\\\.", 0 },
		{ "A", "192.0.2.1", 0 },
		{ "MX", "\\# 5 000a014100", 0 },
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		struct parsed p = parse(rows[i].type, rows[i].given);

		assert_int_equal(p.result, 0);
		assert_int_equal(p.rdata.relative, rows[i].want);
		parsed_free(&p);
	}
}

static void
bare_text_becomes_strings(void **state)
{
	static const struct {
		const char *given, *want; /* NULL: refused */
	} rows[] = {
		{ "v=spf1 mx -all", "\"v=spf1 mx -all\"" },
		{ "", "\"\"" },
		{ " x ", "\" x \"" },
		{ "a;b (c) \\d \"e", "\"a;b (c) \\\\d \\\"e\"" },
		{ "\"a\" \"b\"", "\"a\" \"b\"" },
		{ " \"a\\\"\\065\"\t\"b\" ", "\"a\\\"A\" \"b\"" },
		{ "\"a\"\"b\"", "\"a\" \"b\"" },
		{ "\"a\" b", "\"\\\"a\\\" b\"" },
		{ "\"a\\\"", "\"\\\"a\\\\\\\"\"" },
		{ "\"\\999\"", NULL },
		{ "a\nb\r", "\"a\\010b\\013\"" },
		{ "\"a\nb\"", NULL },
		{ S63 S63 S63 S63 "abcd", "\"" S63 S63 S63 S63 "abc\" \"d\"" },
		{ S63 S63 S63 S63 "abc", "\"" S63 S63 S63 S63 "abc\"" },
		{ "\xc3\xa4", "\"\\195\\164\"" },
		{ "\\# 2 0161", "\"\\\\# 2 0161\"" },
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		struct rdata rdata = { TEXT_INIT, TEXT_INIT, 0 };
		struct text why = TEXT_INIT;
		int r = rdata_parse_txt(RRTYPE_TXT, span_of(rows[i].given), &rdata, &why);

		if (rows[i].want == NULL) {
			assert_int_equal(r, -EINVAL);
			assert_true(why.len > 0);
		} else {
			struct parsed again = parse("TXT", rows[i].want);

			assert_int_equal(r, 0);
			assert_string_equal(text_str(&rdata.text), rows[i].want);
			assert_int_equal(again.result, 0);
			assert_true(span_is(text_span(&again.rdata.wire), text_span(&rdata.wire)));
			parsed_free(&again);
		}
		rdata_free(&rdata);
		text_free(&why);
	}
}

static void
bare_text_fills_a_record_to_the_octet(void **state)
{
	/* 255 strings of 255 octets and their lengths, and one of 254: 65535 octets. */
	static char text[255 * 255 + 255];
	struct rdata rdata = { TEXT_INIT, TEXT_INIT, 0 };
	struct text why = TEXT_INIT;

	(void)state;
	memset(text, 'x', sizeof(text));
	assert_int_equal(rdata_parse_txt(RRTYPE_TXT, span_from(text, 255 * 255 + 254), &rdata, &why),
	                 0);
	assert_int_equal(rdata.wire.len, 65535);
	assert_int_equal(rdata_parse_txt(RRTYPE_TXT, span_from(text, 255 * 255 + 255), &rdata, &why),
	                 -EINVAL);
	rdata_free(&rdata);
	text_free(&why);
}

static void
soa_is_taken_apart(void **state)
{
	static const struct {
		const char *given, *mname, *rname, *serial; /* mname NULL: refused with SERIAL */
		uint32_t refresh, minimum;
	} rows[] = {
		{ "ns1.isp.example. hostmaster.isp.example. 2004053007 3H 30M 1W 1D", "ns1.isp.example.",
		  "hostmaster.isp.example.", "2004053007", 10800, 86400 },
		{ "ns1.isp.example root\\.x.isp.example 20040530071 1 2 3 4", "ns1.isp.example.",
		  "root\\.x.isp.example.", "20040530071", 1, 4 },
		{ "( a b 99999999999999999999999 1 2 3 4 ) ; x", "a.", "b.", "99999999999999999999999", 1,
		  4 },
		{ "@ b 1 2 3 4 5", NULL, NULL, "SOA primary server must be a domain name, not \"@\"", 0,
		  0 },
		{ "a b x 2 3 4 5", NULL, NULL, "SOA serial must be a number, not \"x\"", 0, 0 },
		{ "a b 1 2 3 4", NULL, NULL, "SOA minimum is missing", 0, 0 },
		{ "a b 1 2 3 4 5 6", NULL, NULL, "SOA data is complete before \"6\"", 0, 0 },
		{ "a b 1 2y 3 4 5", NULL, NULL,
		  "SOA refresh must be seconds, or weeks to seconds such as 1w2d3h4m5s, not \"2y\"", 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		struct soa_text soa = { .mname = TEXT_INIT, .rname = TEXT_INIT };
		struct text why = TEXT_INIT;
		int r = rdata_parse_soa(span_of(rows[i].given), &soa, &why);

		if (rows[i].mname == NULL) {
			assert_int_equal(r, -EINVAL);
			assert_string_equal(text_str(&why), rows[i].serial);
		} else {
			assert_int_equal(r, 0);
			assert_string_equal(text_str(&soa.mname), rows[i].mname);
			assert_string_equal(text_str(&soa.rname), rows[i].rname);
			assert_true(span_is(soa.serial, span_of(rows[i].serial)));
			assert_int_equal(soa.refresh, rows[i].refresh);
			assert_int_equal(soa.minimum, rows[i].minimum);
		}
		soa_text_free(&soa);
		text_free(&why);
	}
}

static void
singletons_are_those_of_named(void **state)
{
	(void)state;
	assert_true(rdata_type_is_singleton(RRTYPE_CNAME));
	assert_true(rdata_type_is_singleton(RRTYPE_SOA));
	assert_true(rdata_type_is_singleton(RRTYPE_DNAME));
	assert_true(rdata_type_is_singleton(261));
	assert_false(rdata_type_is_singleton(RRTYPE_NS));
	assert_false(rdata_type_is_singleton(47));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_is_normalised),
		cmocka_unit_test(refusals_say_what_was_expected),
		cmocka_unit_test(a_nul_is_never_text),
		cmocka_unit_test(failure_leaves_the_output_alone),
		cmocka_unit_test(equal_records_have_equal_octets),
		cmocka_unit_test(the_longest_relative_name_is_measured),
		cmocka_unit_test(bare_text_becomes_strings),
		cmocka_unit_test(bare_text_fills_a_record_to_the_octet),
		cmocka_unit_test(soa_is_taken_apart),
		cmocka_unit_test(singletons_are_those_of_named),
	};

	return RUN_TESTS(tests);
}
