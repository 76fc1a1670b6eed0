/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 */
#include <config.h>

#include "tests/unit/test.h"

#include "cache/rrtype.h"

#include <errno.h>

static void
mnemonics_and_numbers_are_read(void **state)
{
	static const struct {
		const char *given;
		int want;
		uint16_t type;
		const char *text;
	} rows[] = {
		{ "A", 0, 1, "A" },
		{ "mx", 0, 15, "MX" },
		{ "Nsap-Ptr", 0, 23, "NSAP-PTR" },
		{ "ANY", 0, 255, "ANY" },
		{ "TYPE15", 0, 15, "MX" },
		{ "type65280", 0, 65280, "TYPE65280" },
		{ "TYPE00015", 0, 15, "MX" },
		{ "TYPE0", 0, 0, "TYPE0" },
		{ "TYPE+15", 0, 15, "MX" },
		{ "keydata", 0, 65533, "TYPE65533" },
		{ "DLV", 0, 32769, "DLV" },
		{ "resinfo", 0, 261, "TYPE261" },
		{ "", -EINVAL, 0, NULL },
		{ "TYPE", -EINVAL, 0, NULL },
		{ "TYPE+", -EINVAL, 0, NULL },
		{ "TYPE-1", -EINVAL, 0, NULL },
		{ "TYPE65536", -EINVAL, 0, NULL },
		{ "TYPE000015", -EINVAL, 0, NULL },
		{ "TYPE1x", -EINVAL, 0, NULL },
		{ "AA", -EINVAL, 0, NULL },
		{ "MX ", -EINVAL, 0, NULL },
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		char room[RRTYPE_TEXT_MAX];
		uint16_t type = 0;

		assert_int_equal(rrtype_from_text(span_of(rows[i].given), &type), rows[i].want);
		assert_int_equal(type, rows[i].type);
		if (rows[i].want == 0)
			assert_string_equal(rrtype_text(type, room), rows[i].text);
	}
}

static void
attributes_name_types_that_a_zone_can_hold(void **state)
{
	static const struct {
		const char *given;
		int want;
		uint16_t type;
	} rows[] = {
		{ "mXRecord", 0, 15 },
		{ "MXRECORD", 0, 15 },
		{ "aAAARecord", 0, 28 },
		{ "nSAP-PTRRecord", 0, 23 },
		{ "tYPE65280Record", 0, 65280 },
		{ "tYPE15Record", 0, 15 },
		{ "uRIRecord", 0, 256 },
		{ "Record", -ENOENT, 0 },
		{ "mX", -ENOENT, 0 },
		{ "mXRecords", -ENOENT, 0 },
		{ "anyRecord", -ENOENT, 0 },
		{ "aXFRRecord", -ENOENT, 0 },
		{ "oPTRecord", -ENOENT, 0 },
		{ "tSIGRecord", -ENOENT, 0 },
		{ "tYPE200Record", -ENOENT, 0 },
		{ "tYPE0Record", -ENOENT, 0 },
		{ "tYPE+15Record", -ENOENT, 0 },
		{ "dnsRecord", -ENOENT, 0 },
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		uint16_t type = 0;

		assert_int_equal(rrtype_from_attribute(span_of(rows[i].given), &type), rows[i].want);
		assert_int_equal(type, rows[i].type);
	}
}

struct seen {
	size_t count;
	bool mx, any;
};

static void
see(void *context, const char *attribute)
{
	struct seen *seen = context;
	uint16_t type;

	assert_int_equal(rrtype_from_attribute(span_of(attribute), &type), 0);
	seen->count++;
	if (strcmp(attribute, "mXRecord") == 0)
		seen->mx = true;
	if (type == RRTYPE_ANY)
		seen->any = true;
}

static void
every_listed_attribute_is_read_back(void **state)
{
	struct seen seen = { 0, false, false };

	(void)state;
	rrtype_each_attribute(see, &seen);
	assert_true(seen.count > 80);
	assert_true(seen.mx);
	assert_false(seen.any);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mnemonics_and_numbers_are_read),
		cmocka_unit_test(attributes_name_types_that_a_zone_can_hold),
		cmocka_unit_test(every_listed_attribute_is_read_back),
	};

	return RUN_TESTS(tests);
}
