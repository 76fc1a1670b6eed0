/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 */
#include <config.h>

#include "cache/message.h"
#include "cache/syncmsg.h"
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

/* --- whole messages --- */

#define ENTRY_OP "\x64\x12\x04\x03o=x\x30\x0b\x30\x09\x04\x01o\x31\x04\x04\x02xy"

/* A control in a list of controls; VALUE NULL: it has none. */
static void
put_control(struct text *out, const char *oid, bool critical, const char *value)
{
	struct text inner = TEXT_INIT;

	tlv_put(&inner, TLV_OCTET_STRING, span_of(oid));
	if (critical)
		tlv_put(&inner, TLV_BOOLEAN, SPAN("\xff"));
	if (value != NULL)
		tlv_put(&inner, TLV_OCTET_STRING, span_of(value));
	tlv_put(out, TLV_SEQUENCE, text_span(&inner));
	text_free(&inner);
}

static void
messages_are_read(void **state unused)
{
	static const struct {
		struct span given;
		enum message_kind kind;
		int id, code;
		const char *dn, *value, *text, *referral;
	} rows[] = {
		{ SPAN("\x02\x01\x07" ENTRY_OP), MESSAGE_ENTRY, 7, 0, "o=x", NULL, "", "" },
		{ SPAN("\x02\x02\x01\x07\x64\x07\x04\x03o=x\x30\x00"), MESSAGE_ENTRY, 263, 0, "o=x", NULL, "", "" },
		{ SPAN("\x02\x01\x01\x65\x07\x0a\x01\x00\x04\x00\x04\x00"), MESSAGE_RESULT, 1, 0, "", NULL, "", "" },
		{ SPAN("\x02\x01\x01\x65\x12\x0a\x01\x0a\x04\x01m\x04\x02no\xa3\x06\x04\x01u\x04\x01v"), MESSAGE_RESULT, 1, 10,
		  "", NULL, "no", "u" },
		{ SPAN("\x02\x01\x01\x73\x06\x04\x01u\x04\x01v"), MESSAGE_REFERENCE, 1, 0, "", NULL, "", "u" },
		{ SPAN("\x02\x01\x01\x79\x1d\x80\x18" SYNCMSG_INFO_OID "\x81\x01i"), MESSAGE_INFO, 1, 0, "", "i", "", "" },
		{ SPAN("\x02\x01\x01\x79\x1a\x80\x18" SYNCMSG_INFO_OID), MESSAGE_OTHER, 1, 0, "", NULL, "", "" },
		{ SPAN("\x02\x01\x01\x79\x06\x80\x01" "1\x81\x01i"), MESSAGE_OTHER, 1, 0, "", NULL, "", "" },
		{ SPAN("\x02\x01\x01\x79\x00"), MESSAGE_OTHER, 1, 0, "", NULL, "", "" },
		{ SPAN("\x02\x01\x00\x78\x0c\x0a\x01\x34\x04\x00\x04\x02no\x8a\x01" "1"), MESSAGE_GOODBYE, 0, 52, "", NULL, "no", "" },
		{ SPAN("\x02\x01\x01\x61\x00"), MESSAGE_OTHER, 1, 0, "", NULL, "", "" },
	};

	for (size_t i = 0; i < array_size(rows); i++) {
		struct message got = { .kind = MESSAGE_OTHER };
		struct arena arena = ARENA_INIT;

		assert_int_equal(message_read(rows[i].given, &arena, &got), 0);
		assert_int_equal(got.kind, rows[i].kind);
		assert_int_equal(got.id, rows[i].id);
		assert_int_equal(got.code, rows[i].code);
		assert_true(span_is(got.entry.dn, span_of(rows[i].dn)));
		assert_int_equal(got.has_value, rows[i].value != NULL);
		assert_true(rows[i].value == NULL || span_is(got.value, span_of(rows[i].value)));
		assert_true(span_is(got.text, span_of(rows[i].text)));
		assert_true(span_is(got.referral, span_of(rows[i].referral)));
		arena_free(&arena);
	}
}

static void
the_control_is_found_among_others(void **state unused)
{
	struct text controls = TEXT_INIT, given = TEXT_INIT;
	struct message got = { .kind = MESSAGE_OTHER };
	struct arena arena = ARENA_INIT;

	put_control(&controls, "1.2.3", true, "other");
	put_control(&controls, "1.2.4", false, NULL);
	put_control(&controls, SYNCMSG_STATE_OID, true, "state");
	put_control(&controls, SYNCMSG_STATE_OID, false, "again");
	text_put_span(&given, SPAN("\x02\x01\x07" ENTRY_OP));
	tlv_put(&given, 0xa0, text_span(&controls));
	assert_int_equal(message_read(text_span(&given), &arena, &got), 0);
	assert_int_equal(got.kind, MESSAGE_ENTRY);
	assert_int_equal(got.entry.attribute_count, 1);
	assert_true(got.has_value && span_is(got.value, SPAN("state")));
	/* Cut short anywhere behind the entry: no control, or no message. */
	for (size_t n = sizeof("\x02\x01\x07" ENTRY_OP); n < given.len; n++) {
		got = (struct message){ .kind = MESSAGE_OTHER };
		assert_int_equal(message_read(span_from(given.data, n), &arena, &got), -EPROTO);
	}
	arena_free(&arena);
	text_free(&controls);
	text_free(&given);
}

static void
broken_messages_are_refused(void **state unused)
{
	static const struct span rows[] = {
		SPAN(""),
		SPAN("\x02\x01\x07"),
		SPAN("\x04\x01\x07" ENTRY_OP),
		SPAN("\x02\x01\x80" ENTRY_OP),
		SPAN("\x02\x05\x01\x00\x00\x00\x00" ENTRY_OP),
		SPAN("\x02\x01\x01\x64\x05\x04\x03o=x"),
		SPAN("\x02\x01\x01\x64\x08\x04\x03o=x\x30\x01\x30"),
		SPAN("\x02\x01\x01\x65\x05\x0a\x01\x00\x04\x00"),
		SPAN("\x02\x01\x01\x65\x09\x0a\x01\x0a\x04\x00\x04\x00\xa3\x00"),
		SPAN("\x02\x01\x01\x73\x00"),
		SPAN("\x02\x01\x01\x79\x02\x81\x01"),
	};

	for (size_t i = 0; i < array_size(rows); i++) {
		struct message got = { .kind = MESSAGE_OTHER };
		struct arena arena = ARENA_INIT;

		assert_int_equal(message_read(rows[i], &arena, &got), -EPROTO);
		arena_free(&arena);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_are_read),
		cmocka_unit_test(the_control_is_found_among_others),
		cmocka_unit_test(broken_messages_are_refused),
		cmocka_unit_test(attributes_rows),
		cmocka_unit_test(broken_attributes_are_refused),
	};

	return RUN_TESTS(tests);
}
