/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 */
#include <config.h>

#include "cache/message.h"
#include "cache/tlv.h"

#include <errno.h>

#include "tests/unit/test.h"

/* "name=value|value" becomes one attribute on the wire. */
static void
put_attribute(struct text *out, const char *line)
{
	struct text values = TEXT_INIT, inner = TEXT_INIT;
	const char *at = strchr(line, '=');

	tlv_put(&inner, TLV_OCTET_STRING, span_from(line, (size_t)(at - line)));
	while (*at != '\0') {
		size_t n = strcspn(++at, "|");

		tlv_put(&values, TLV_OCTET_STRING, span_from(at, n));
		at += n;
	}
	tlv_put(&inner, TLV_SET, text_span(&values));
	tlv_put(out, TLV_SEQUENCE, text_span(&inner));
	text_free(&values);
	text_free(&inner);
}

static void
put_line(struct text *out, const struct attribute *a)
{
	text_put_span(out, a->name);
	for (size_t i = 0; i < a->count; i++) {
		text_put_char(out, i == 0 ? '=' : '|');
		text_put_span(out, a->values[i]);
	}
	text_put_char(out, '\n');
}

static void
attributes_rows(void **state unused)
{
	static const struct {
		const char *given[4];
		const char *want;
		const char *csn;
		bool has_uuid;
	} rows[] = {
		{ { "dc=example" }, "dc=example\n", "", false },
		{ { "aRecord=192.0.2.1|192.0.2.2", "cn=" }, "aRecord=192.0.2.1|192.0.2.2\ncn=\n", "", false },
		{ { "cn;lang-de=x", "cn=y" }, "cn=y\n", "", false },
		{ { "userCertificate;binary=x" }, "userCertificate=x\n", "", false },
		{ { "userCertificate=x", "usercertificate;BINARY=y" }, "userCertificate=x|y\n", "", false },
		{ { "cn;binary;lang-de=x" }, "", "", false },
		{ { "entryCSN=20260101000000.000001Z#000000#001#000000", "cn=x" }, "cn=x\n",
		  "20260101000000.000001Z#000000#001#000000", false },
		{ { "entryUUID=61616161-6161-6161-6161-616161616161" }, "", "", true },
		{ { "entryUUID=nonsense" }, "", "", false },
		{ { NULL }, "", "", false },
	};

	for (size_t i = 0; i < array_size(rows); i++) {
		struct text wire = TEXT_INIT, got = TEXT_INIT;
		struct arena arena = ARENA_INIT;
		struct entry entry = { .dn = SPAN("dc=example") };
		bool has_uuid = false;

		for (size_t j = 0; j < array_size(rows[i].given) && rows[i].given[j] != NULL; j++)
			put_attribute(&wire, rows[i].given[j]);
		assert_int_equal(message_read_attributes(text_span(&wire), &arena, &entry, &has_uuid), 0);
		for (size_t j = 0; j < entry.attribute_count; j++)
			put_line(&got, &entry.attributes[j]);
		assert_string_equal(text_str(&got), rows[i].want);
		assert_true(span_is(entry.csn, span_of(rows[i].csn)));
		assert_int_equal(has_uuid, rows[i].has_uuid);
		if (has_uuid)
			assert_memory_equal(entry.uuid, "aaaaaaaaaaaaaaaa", ENTRY_UUID_LEN);
		assert_true(span_is(entry.dn, SPAN("dc=example")));
		arena_free(&arena);
		text_free(&wire);
		text_free(&got);
	}
}

static void
broken_attributes_are_refused(void **state unused)
{
	static const struct span rows[] = {
		SPAN("\x30"), SPAN("\x30\x05"), SPAN("\x30\x02\x04\x00"), SPAN("\x30\x04\x04\x00\x31\x00"),
		SPAN("\x30\x05\x04\x01" "a\x04\x00"), SPAN("\x30\x07\x04\x01" "a\x31\x02\x02\x00"),
		SPAN("\x31\x05\x04\x01" "a\x31\x00"), SPAN("\x30\x06\x04\x01" "a\x31\x01\x04"),
	};

	for (size_t i = 0; i < array_size(rows); i++) {
		struct arena arena = ARENA_INIT;
		struct entry entry = { 0 };
		bool has_uuid;

		assert_int_equal(message_read_attributes(rows[i], &arena, &entry, &has_uuid), -EPROTO);
		assert_int_equal(entry.attribute_count, 0);
		arena_free(&arena);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(attributes_rows),
		cmocka_unit_test(broken_attributes_are_refused),
	};

	return RUN_TESTS(tests);
}
