/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 */
#include <config.h>

#include "cache/syncmsg.h"
#include "cache/tlv.h"

#include <errno.h>

#include "tests/unit/test.h"

#define BYTES(literal) SPAN(literal)
#define UUID_A "aaaaaaaaaaaaaaaa"
#define UUID_B "bbbbbbbbbbbbbbbb"
#define CSN_1 "20260101000000.000001Z#000000#001#000000"
#define CSN_1_LATER "20260101000000.000002Z#000000#001#000000"
#define CSN_2 "20260601000000.000000Z#000000#002#000000"

static void
state_rows(void **state unused)
{
	static const struct {
		struct span value;
		int want;
		struct syncmsg_state read;
	} rows[] = {
		{ BYTES("\x30\x15\x0a\x01\x01\x04\x10" UUID_A), 0,
		  { SYNCMSG_ADD, UUID_A, { false, { NULL, 0 } } } },
		{ BYTES("\x30\x19\x0a\x01\x03\x04\x10" UUID_A "\x04\x02xy"), 0,
		  { SYNCMSG_DELETE, UUID_A, { true, { "xy", 2 } } } },
		{ BYTES("\x30\x17\x0a\x01\x00\x04\x10" UUID_A "\x04\x00"), 0,
		  { SYNCMSG_PRESENT, UUID_A, { true, { "", 0 } } } },
		/* the long form of the length */
		{ BYTES("\x30\x81\x15\x0a\x01\x02\x04\x10" UUID_A), 0,
		  { SYNCMSG_MODIFY, UUID_A, { false, { NULL, 0 } } } },
		{ BYTES("\x30\x15\x0a\x01\x04\x04\x10" UUID_A), -EPROTO, { 0 } },      /* no such state */
		{ BYTES("\x30\x14\x0a\x01\x01\x04\x0f" "aaaaaaaaaaaaaaa"), -EPROTO, { 0 } }, /* short id */
		{ BYTES("\x30\x15\x0a\x01\x01\x04\x10" UUID_A "x"), -EPROTO, { 0 } },  /* something behind */
		{ BYTES("\x30\x16\x0a\x01\x01\x04\x10" UUID_A), -EPROTO, { 0 } },      /* cut short */
		{ BYTES("\x30\x80\x0a\x01\x01\x04\x10" UUID_A "\0\0"), -EPROTO, { 0 } }, /* indefinite */
		{ BYTES(""), -EPROTO, { 0 } },
	};

	for (size_t i = 0; i < array_size(rows); i++) {
		struct syncmsg_state got = { .state = SYNCMSG_PRESENT };

		assert_int_equal(syncmsg_read_state(rows[i].value, &got), rows[i].want);
		if (rows[i].want < 0)
			continue;
		assert_int_equal(got.state, rows[i].read.state);
		assert_memory_equal(got.uuid, rows[i].read.uuid, ENTRY_UUID_LEN);
		assert_int_equal(got.cookie.given, rows[i].read.cookie.given);
		assert_true(span_is(got.cookie.value, rows[i].read.cookie.value));
	}
}

static void
done_rows(void **state unused)
{
	static const struct {
		struct span value;
		int want;
		struct syncmsg_done read;
	} rows[] = {
		{ BYTES("\x30\x00"), 0, { { false, { NULL, 0 } }, false } },
		{ BYTES("\x30\x03\x01\x01\xff"), 0, { { false, { NULL, 0 } }, true } },
		{ BYTES("\x30\x06\x04\x01" "c\x01\x01\x00"), 0, { { true, { "c", 1 } }, false } },
		{ BYTES("\x30\x02\x01\x00"), -EPROTO, { { false, { NULL, 0 } }, false } },
		{ BYTES("\x31\x00"), -EPROTO, { { false, { NULL, 0 } }, false } },
	};

	for (size_t i = 0; i < array_size(rows); i++) {
		struct syncmsg_done got = { 0 };

		assert_int_equal(syncmsg_read_done(rows[i].value, &got), rows[i].want);
		if (rows[i].want < 0)
			continue;
		assert_int_equal(got.refresh_deletes, rows[i].read.refresh_deletes);
		assert_int_equal(got.cookie.given, rows[i].read.cookie.given);
		assert_true(span_is(got.cookie.value, rows[i].read.cookie.value));
	}
}

static void
info_rows(void **state unused)
{
	static const struct {
		struct span value;
		int want;
		enum syncmsg_info_kind kind;
		bool given;
		const char *cookie;
		bool refresh_done, refresh_deletes;
		size_t uuids;
	} rows[] = {
		{ BYTES("\x80\x03" "abc"), 0, SYNCMSG_NEW_COOKIE, true, "abc", false, false, 0 },
		{ BYTES("\xa1\x00"), 0, SYNCMSG_REFRESH_DELETE, false, "", true, false, 0 },
		{ BYTES("\xa1\x02\x04\x00"), 0, SYNCMSG_REFRESH_DELETE, true, "", true, false, 0 },
		{ BYTES("\xa2\x06\x04\x01" "c\x01\x01\x00"), 0, SYNCMSG_REFRESH_PRESENT, true, "c", false, false, 0 },
		{ BYTES("\xa2\x03\x04\x01" "c"), 0, SYNCMSG_REFRESH_PRESENT, true, "c", true, false, 0 },
		{ BYTES("\xa3\x14\x31\x12\x04\x10" UUID_A), 0, SYNCMSG_ID_SET, false, "", false, false, 1 },
		{ BYTES("\xa3\x29\x01\x01\xff\x31\x24\x04\x10" UUID_A "\x04\x10" UUID_B), 0,
		  SYNCMSG_ID_SET, false, "", false, true, 2 },
		{ BYTES("\xa3\x02\x31\x00"), 0, SYNCMSG_ID_SET, false, "", false, false, 0 },
		{ BYTES("\xa3\x00"), -EPROTO, 0, false, "", false, false, 0 }, /* the set is not optional */
		{ BYTES("\xa3\x06\x31\x04\x04\x02" "ab"), -EPROTO, 0, false, "", false, false, 0 },
		{ BYTES("\xa4\x00"), -EPROTO, 0, false, "", false, false, 0 },
		{ BYTES("\xa1"), -EPROTO, 0, false, "", false, false, 0 },
	};

	for (size_t i = 0; i < array_size(rows); i++) {
		struct syncmsg_info got = { 0 };
		uint8_t uuid[ENTRY_UUID_LEN];
		size_t uuids = 0;

		assert_int_equal(syncmsg_read_info(rows[i].value, &got), rows[i].want);
		if (rows[i].want < 0)
			continue;
		assert_int_equal(got.kind, rows[i].kind);
		assert_int_equal(got.cookie.given, rows[i].given);
		assert_true(span_is(got.cookie.value, span_of(rows[i].cookie)));
		assert_int_equal(got.refresh_done, rows[i].refresh_done);
		assert_int_equal(got.refresh_deletes, rows[i].refresh_deletes);
		while (syncmsg_next_uuid(&got.uuids, uuid))
			assert_memory_equal(uuid, uuids++ == 0 ? UUID_A : UUID_B, ENTRY_UUID_LEN);
		assert_int_equal(uuids, rows[i].uuids);
	}
}

static void
a_request_reads_back(void **state unused)
{
	char longest[300];
	const struct {
		struct span given, want;
	} rows[] = {
		{ SPAN(""), SPAN("") },
		{ SPAN("rid=000,csn=" CSN_1), SPAN("rid=000,csn=" CSN_1) },
		/* We are no server with a number. */
		{ SPAN("rid=000,sid=001,csn=" CSN_1 ";" CSN_2), SPAN("rid=000,csn=" CSN_1 ";" CSN_2) },
		{ SPAN("sid=001,csn=" CSN_1 ",delcsn=" CSN_2), SPAN("csn=" CSN_1 ",delcsn=" CSN_2) },
		{ SPAN("opaque,sid=001"), SPAN("opaque,sid=001") },
		{ { longest, sizeof(longest) }, { longest, sizeof(longest) } },
	};

	memset(longest, 'x', sizeof(longest));
	for (size_t i = 0; i < array_size(rows); i++) {
		struct text request = TEXT_INIT;
		struct span value, rest, content;
		uint32_t mode = 0;

		syncmsg_put_request(&request, rows[i].given);
		value = text_span(&request);
		assert_int_equal(tlv_expect(&value, TLV_SEQUENCE, &rest), 0);
		assert_int_equal(value.len, 0);
		assert_int_equal(tlv_expect(&rest, TLV_ENUMERATED, &content), 0);
		assert_int_equal(tlv_number(content, &mode), 0);
		assert_int_equal(mode, 3);
		content = SPAN("");
		assert_int_equal(tlv_optional(&rest, TLV_OCTET_STRING, &content), rows[i].want.len > 0);
		assert_true(span_is(content, rows[i].want));
		assert_int_equal(rest.len, 0);
		text_free(&request);
	}
}

static void
csns_of_a_cookie(void **state unused)
{
	static const struct {
		const char *cookie;
		size_t count;
		uint32_t seconds;
	} rows[] = {
		{ "rid=000,csn=" CSN_1, 1, 1767225600 },
		{ "rid=000,sid=001,csn=" CSN_1 ";" CSN_2, 2, 1780272000 },
		{ "csn=" CSN_2 ";" CSN_1 ",delcsn=20270101000000.000000Z#000000#001#000000", 2, 1780272000 },
		{ "delcsn=" CSN_1, 0, 0 },
		{ "rid=000", 0, 0 },
		{ "server.example:389#cn=changelog#123", 0, 0 },
		{ "csn=", 0, 0 },
		{ "csn=;", 0, 0 },
		{ "", 0, 0 },
	};

	for (size_t i = 0; i < array_size(rows); i++) {
		struct span rest = span_of(rows[i].cookie), csn;
		size_t count = 0;

		while (syncmsg_next_csn(&rest, &csn))
			count++;
		assert_int_equal(count, rows[i].count);
		assert_int_equal(syncmsg_cookie_seconds(span_of(rows[i].cookie)), rows[i].seconds);
	}
}

static void
usable_cookies(void **state unused)
{
	static const struct {
		const char *cookie;
		bool want;
	} rows[] = {
		{ "rid=000,csn=" CSN_1, true },
		{ "rid=000,sid=001,csn=" CSN_1 ";" CSN_2 ",delcsn=" CSN_2, true },
		{ "csn=" CSN_1, true },
		{ "rid=000", false },
		{ "rid=000,csn=", false },
		{ "rid=000,csn=rubbish", false },
		{ "rid=000,csn=" CSN_1 ";rubbish", false },
		{ "rid=000,delcsn=" CSN_1, false },
		{ "csn=20260101000000Z#000000#00#000000", false },
		{ "server.example:389#cn=changelog#123", true },
		{ "", false },
	};

	for (size_t i = 0; i < array_size(rows); i++)
		assert_int_equal(syncmsg_cookie_is_usable(span_of(rows[i].cookie)), rows[i].want);
}

static void
covering(void **state unused)
{
	static const struct {
		const char *cluster, *cookie;
		bool want;
	} rows[] = {
		{ "csn=" CSN_1, "rid=000,csn=" CSN_1, true },
		{ "csn=" CSN_1_LATER, "rid=000,csn=" CSN_1, true },
		{ "csn=" CSN_1, "rid=000,csn=" CSN_1_LATER, false },
		{ "csn=" CSN_1 ";" CSN_2, "csn=" CSN_2, true },
		{ "csn=" CSN_1, "csn=" CSN_1 ";" CSN_2, false }, /* knows nothing of server 2 */
		{ "csn=" CSN_2, "csn=" CSN_1, false },           /* newer, but another server's */
		{ "csn=" CSN_1, "opaque", true },
		{ "csn=" CSN_1, "rid=000,csn=rubbish", true },
		{ "", "csn=" CSN_1, false },
	};

	for (size_t i = 0; i < array_size(rows); i++)
		assert_int_equal(syncmsg_state_covers(span_of(rows[i].cluster), span_of(rows[i].cookie)),
		                 rows[i].want);
}

static void
merging(void **state unused)
{
	static const struct {
		const char *old, *new, *want;
	} rows[] = {
		{ "", "rid=000,csn=" CSN_1, "rid=000,csn=" CSN_1 },
		{ "rid=000,csn=" CSN_1, "rid=000,csn=" CSN_1_LATER, "rid=000,csn=" CSN_1_LATER },
		{ "rid=000,csn=" CSN_1 ";" CSN_2, "rid=000,sid=001,csn=" CSN_1_LATER,
		  "rid=000,sid=001,csn=" CSN_1_LATER ";" CSN_2 },
		{ "rid=000,csn=" CSN_1, "rid=000,sid=002,csn=" CSN_2, "rid=000,sid=002,csn=" CSN_1 ";" CSN_2 },
		/* What comes late takes nothing back. */
		{ "csn=" CSN_1_LATER ";" CSN_2, "csn=" CSN_1, "csn=" CSN_1_LATER ";" CSN_2 },
		{ "csn=" CSN_1, "csn=" CSN_1 ";" CSN_2, "csn=" CSN_1 ";" CSN_2 },
		{ "csn=" CSN_1 ";" CSN_2, "csn=" CSN_1_LATER ",delcsn=" CSN_1, "csn=" CSN_1_LATER ";" CSN_2 },
		{ "csn=" CSN_1, "opaque", "opaque" },
		/* A push without a CSN says nothing. */
		{ "rid=000,csn=" CSN_1 ";" CSN_2, "rid=000", "rid=000,csn=" CSN_1 ";" CSN_2 },
		{ "rid=000,csn=" CSN_1, "rid=000,sid=001,csn=rubbish", "rid=000,csn=" CSN_1 },
		{ "rid=000", "rid=000", "rid=000" },
		{ "rid=000", "rid=000,csn=" CSN_1, "rid=000,csn=" CSN_1 },
		{ "opaque", "csn=" CSN_1, "csn=" CSN_1 },
		{ "csn=rubbish;" CSN_2, "csn=" CSN_1, "csn=" CSN_1 ";" CSN_2 },
	};

	for (size_t i = 0; i < array_size(rows); i++) {
		struct text got = TEXT_INIT;

		syncmsg_put_merged(&got, span_of(rows[i].old), span_of(rows[i].new));
		if (!span_is(text_span(&got), span_of(rows[i].want)))
			fail_msg("%s, then %s: got %s, want %s", rows[i].old, rows[i].new, text_str(&got), rows[i].want);
		text_free(&got);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(state_rows),
		cmocka_unit_test(done_rows),
		cmocka_unit_test(info_rows),
		cmocka_unit_test(a_request_reads_back),
		cmocka_unit_test(csns_of_a_cookie),
		cmocka_unit_test(usable_cookies),
		cmocka_unit_test(covering),
		cmocka_unit_test(merging),
	};

	return RUN_TESTS(tests);
}
