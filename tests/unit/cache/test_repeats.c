/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 */
#include <config.h>

#include "tests/unit/test.h"

#include "cache/repeats.h"

/* Something as scattered as a digest, another for each NUMBER. */
static void
key_of(uint64_t number, uint8_t key[REPEATS_KEY_LEN])
{
	for (size_t half = 0; half < 2; half++) {
		uint64_t x = number * 2 + half + 1;

		x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
		x = (x ^ x >> 27) * 0x94d049bb133111ebu;
		x ^= x >> 31;
		memcpy(key + half * sizeof(x), &x, sizeof(x));
	}
}

static void
the_first_repeat_is_found(void **state)
{
	static const struct {
		size_t keys;
		struct {
			size_t line, as;
		} repeats[3]; /* LINE has the key of line AS */
		size_t first, second;
	} rows[] = {
		{ .keys = 0 },
		{ .keys = 1 },
		{ .keys = 2, .repeats = { { 2, 1 } }, .first = 1, .second = 2 },
		{ .keys = 1000 },
		{ .keys = 1000, .repeats = { { 900, 1 }, { 500, 499 }, { 1000, 1 } }, .first = 499, .second = 500 },
		{ .keys = 1000, .repeats = { { 900, 5 }, { 1000, 5 } }, .first = 5, .second = 900 },
		{ .keys = 300000 },
		{ .keys = 300000, .repeats = { { 300000, 1 } }, .first = 1, .second = 300000 },
		{ .keys = 300000, .repeats = { { 299999, 7 }, { 150000, 149999 } }, .first = 149999, .second = 150000 },
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		struct repeats *repeats;
		size_t first = 0, second = 0;
		int r;

		assert_int_equal(repeats_open("/tmp", &repeats), 0);
		for (size_t line = 1; line <= rows[i].keys; line++) {
			uint8_t key[REPEATS_KEY_LEN];
			size_t as = line;

			for (size_t k = 0; k < array_size(rows[i].repeats); k++)
				if (rows[i].repeats[k].line == line)
					as = rows[i].repeats[k].as;
			key_of(as, key);
			assert_int_equal(repeats_add(repeats, key, line), 0);
		}
		r = repeats_find(repeats, &first, &second);
		if (r != (rows[i].second != 0) || first != rows[i].first || second != rows[i].second)
			fail_msg("row %zu: got %d, %zu, %zu", i, r, first, second);
		repeats_free(repeats);
	}
	repeats_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_repeat_is_found),
	};

	return RUN_TESTS(tests);
}
