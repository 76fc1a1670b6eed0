/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 */
#include <config.h>

#include "cache/entry.h"
#include "common/text.h"
#include "tests/unit/test.h"

#include <errno.h>

static void
find_ignores_case(void **state)
{
	struct span value = SPAN("tern.example");
	struct attribute attributes[] = { { SPAN("objectClass"), 1, &value },
					  { SPAN("zoneName"), 1, &value } };
	const struct entry entry = { .attribute_count = 2, .attributes = attributes };

	(void)state;
	assert_ptr_equal(entry_find(&entry, SPAN("ZONENAME")), &attributes[1]);
	assert_ptr_equal(entry_find(&entry, SPAN("objectClass")), &attributes[0]);
	assert_null(entry_find(&entry, SPAN("zone")));
	assert_null(entry_find(&entry, SPAN("")));
}

static void
csn_seconds_reads_generalized_time(void **state)
{
	static const struct {
		struct span given;
		uint32_t want;
	} rows[] = {
		{ SPAN("20261121115900.123456Z#000000#000#000000"), 1795262340 },
		{ SPAN("20261121115900Z#000000#000#000000"), 1795262340 },
		{ SPAN("20261121115900.1Z"), 1795262340 },
		{ SPAN("20261121115900,1Z"), 1795262340 },
		{ SPAN("20261121115900Z"), 1795262340 },
		{ SPAN("19700101000000Z"), 0 },
		{ SPAN("19700101000001Z"), 1 },
		{ SPAN("20000229000000Z"), 951782400 },
		{ SPAN("20000301000000Z"), 951868800 },
		{ SPAN("20240229235959Z"), 1709251199 },
		{ SPAN("20161231235960Z"), 1483228800 },
		{ SPAN("20991231235959Z"), 4102444799 },
		{ SPAN("21060207062815Z"), UINT32_MAX },
		{ SPAN("21060207062816Z"), 0 },
		{ SPAN("21000229000000Z"), 0 },
		{ SPAN("20230229000000Z"), 0 },
		{ SPAN("19691231235959Z"), 0 },
		{ SPAN("20261321115900Z"), 0 },
		{ SPAN("20260021115900Z"), 0 },
		{ SPAN("20260100115900Z"), 0 },
		{ SPAN("20260132115900Z"), 0 },
		{ SPAN("20261121245900Z"), 0 },
		{ SPAN("20261121116000Z"), 0 },
		{ SPAN("20261121115961Z"), 0 },
		{ SPAN("20261121115900"), 0 },
		{ SPAN("20261121115900.Z"), 0 },
		{ SPAN("20261121115900Zx"), 0 },
		{ SPAN("2026112111590Z"), 0 },
		{ SPAN("2026112111590xZ"), 0 },
		{ SPAN(""), 0 },
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		uint32_t got = csn_seconds(rows[i].given);

		if (got != rows[i].want)
			fail_msg("%s: got %u, want %u", rows[i].given.data, got, rows[i].want);
	}
}

static void
uuid_from_text_takes_both_spellings(void **state)
{
	static const uint8_t want[ENTRY_UUID_LEN] = { 0x5a, 0x1d, 0x00, 0xff, 0x01, 0x23, 0x45, 0x67,
						      0x89, 0xab, 0xcd, 0xef, 0x10, 0x20, 0x30, 0x40 };
	static const struct {
		struct span given;
		int want;
	} rows[] = {
		{ SPAN("5a1d00ff-0123-4567-89ab-cdef10203040"), 0 },
		{ SPAN("5A1D00FF-0123-4567-89AB-CDEF10203040"), 0 },
		{ SPAN("5a1d00ff0123456789abcdef10203040"), 0 },
		{ SPAN("5a1d00ff-0123-4567-89ab-cdef1020304"), -EINVAL },
		{ SPAN("5a1d00ff-0123-4567-89ab-cdef102030400"), -EINVAL },
		{ SPAN("5a1d00ff-01234567--89ab-cdef10203040"), -EINVAL },
		{ SPAN("5a1d00ffx0123-4567-89ab-cdef10203040"), -EINVAL },
		{ SPAN("5a1d00fg-0123-4567-89ab-cdef10203040"), -EINVAL },
		{ SPAN("5a1d00ff0123456789abcdef1020304"), -EINVAL },
		{ SPAN("{5a1d00ff-0123-4567-89ab-cdef1020304"), -EINVAL },
		{ SPAN(""), -EINVAL },
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		uint8_t got[ENTRY_UUID_LEN] = { 0 };
		int r = uuid_from_text(rows[i].given, got);

		if (r != rows[i].want)
			fail_msg("%s: got %d, want %d", rows[i].given.data, r, rows[i].want);
		if (r == 0)
			assert_memory_equal(got, want, sizeof(want));
		else
			assert_int_equal(got[0], 0);
	}
}

/* Computed once with another implementation of RFC 4122 4.3: these may never change, since they
 * are the identities of entries in caches out there. */
static void
uuid_of_dn_is_stable_and_ignores_the_spelling(void **state)
{
	static const struct {
		struct span given, want;
	} rows[] = {
		{ SPAN("o=ispman"), SPAN("99630c59-9a2e-56d9-93dc-b2cfe3f8da3e") },
		{ SPAN("O = ISPMan"), SPAN("99630c59-9a2e-56d9-93dc-b2cfe3f8da3e") },
		{ SPAN("ispmanDomain=tern.example,o=ispman"), SPAN("1d4b42e4-a03b-5cb5-8af6-5f7de97067a4") },
		{ SPAN("ispmandomain=Tern.Example; o=ispman"), SPAN("1d4b42e4-a03b-5cb5-8af6-5f7de97067a4") },
		{ SPAN(""), SPAN("a91d7104-0c1f-587d-9a56-310f4f50f132") },
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		uint8_t got[ENTRY_UUID_LEN], want[ENTRY_UUID_LEN];

		assert_int_equal(uuid_from_text(rows[i].want, want), 0);
		assert_int_equal(entry_uuid_of_dn(rows[i].given, got), 0);
		assert_memory_equal(got, want, sizeof(want));
	}
	{
		uint8_t got[ENTRY_UUID_LEN];

		assert_int_equal(entry_uuid_of_dn(SPAN("no dn"), got), -EINVAL);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(find_ignores_case),
		cmocka_unit_test(csn_seconds_reads_generalized_time),
		cmocka_unit_test(uuid_from_text_takes_both_spellings),
		cmocka_unit_test(uuid_of_dn_is_stable_and_ignores_the_spelling),
	};

	return RUN_TESTS(tests);
}
