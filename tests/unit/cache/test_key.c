/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 */
#include <config.h>

#include "tests/unit/test.h"

#include "cache/key.h"

#include <errno.h>

static struct dname
name_of(const char *text)
{
	struct dname name;

	assert_int_equal(dname_from_text(span_of(text), NULL, &name), 0);
	return name;
}

static void
names_are_written_from_their_last_label_in_lower_case(void **state)
{
	struct dname zone = name_of("Tern.Example.");
	struct dname name = name_of("a\\.B.www.tern.example.");
	struct dname root = name_of(".");
	struct key key;

	(void)state;
	key_zone(&key, &zone);
	assert_true(span_is(key_span(&key), SPAN("z\7example\4tern")));
	key_node(&key, &zone, &name);
	assert_true(span_is(key_span(&key), SPAN("n\7example\4tern\0\3www\3a.b")));
	key_node(&key, &zone, &zone);
	assert_true(span_is(key_span(&key), SPAN("n\7example\4tern\0")));
	key_reverse(&key, &name);
	assert_true(span_is(key_span(&key), SPAN("r\7example\4tern\3www\3a.b")));
	key_zone(&key, &root);
	assert_true(span_is(key_span(&key), SPAN("z")));

	key.len = 0;
	key_put_labels(&key, &name, 2);
	assert_true(span_is(key_span(&key), SPAN("\3www\3a.b")));
}

static void
longest_names_fit_a_key(void **state)
{
	struct dname name = { 255, { 0 } };
	struct dname again;
	struct key key;

	(void)state;
	for (size_t i = 0; i < 254; i += 2) {
		name.wire[i] = 1;
		name.wire[i + 1] = (uint8_t)('a' + i % 26);
	}
	key.len = 0;
	key_put_name(&key, &name);
	assert_int_equal(key.len, 254);
	assert_int_equal(key_to_name(key_span(&key), &again), 0);
	assert_true(dname_is(&again, &name));
	key_put_name(&key, &name);
	assert_true(key.len + 2 <= KEY_MAX);
}

static void
subject_keys_are_taken_apart(void **state)
{
	static const struct {
		struct span key;
		int want;
		const char *zone, *name;
	} rows[] = {
		{ { "s", 1 }, 0, NULL, NULL },
		{ { "m", 1 }, 0, NULL, NULL },
		{ { "z\3org\1a", 7 }, 0, NULL, "a.org." },
		{ { "z", 1 }, 0, NULL, "." },
		{ { "n\3org\1a\0\1x", 10 }, 0, "a.org.", "x.a.org." },
		{ { "n\3org\1a\0", 8 }, 0, "a.org.", "a.org." },
		{ { "r\4arpa", 6 }, 0, NULL, "arpa." },
		{ { "h\3org", 5 }, 0, NULL, "org." },
		{ { "", 0 }, -EINVAL, NULL, NULL },
		{ { "s1", 2 }, -EINVAL, NULL, NULL },
		{ { "x\3org", 5 }, -EINVAL, NULL, NULL },
		{ { "z\4org", 5 }, -EINVAL, NULL, NULL },
		{ { "z\3org\0", 6 }, -EINVAL, NULL, NULL },
		{ { "n\3org\1a", 7 }, -EINVAL, NULL, NULL },
		{ { "n\3org\0\0", 7 }, -EINVAL, NULL, NULL },
		{ { "z\100", 2 }, -EINVAL, NULL, NULL },
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		struct dname zone = name_of("none."), name = zone;
		char letter = '-';

		assert_int_equal(key_split(rows[i].key, &letter, &zone, &name), rows[i].want);
		assert_int_equal(letter, rows[i].want == 0 ? rows[i].key.data[0] : '-');
		if (rows[i].zone != NULL) {
			struct dname want = name_of(rows[i].zone);

			assert_true(dname_is(&zone, &want));
		}
		if (rows[i].name != NULL) {
			struct dname want = name_of(rows[i].name);

			assert_true(dname_is(&name, &want));
		}
	}
}

static void
a_zones_record_stands_right_before_its_nodes(void **state)
{
	static const struct {
		struct span subject, row;
		bool zone;
	} rows[] = {
		{ { "z", 1 }, { "n", 1 }, true },
		{ { "z\3org\1a", 7 }, { "n\3org\1a", 7 }, true },
		{ { "n\3org\1a\0", 8 }, { "n\3org\1a\0", 8 }, false },
		{ { "n\3org\1a\0\1x", 10 }, { "n\3org\1a\0\1x", 10 }, false },
		{ { "z\3org\1a\1b", 9 }, { "n\3org\1a\1b", 9 }, true },
		{ { "r\4arpa", 6 }, { "r\4arpa", 6 }, false },
		{ { "s", 1 }, { "s", 1 }, false },
	};
	struct span before = SPAN("");

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		struct key row, subject;
		size_t n;
		int order;

		key_row(&row, rows[i].subject);
		assert_true(span_is(key_span(&row), rows[i].row));
		assert_int_equal(key_is_zone(key_span(&row)), rows[i].zone);
		key_subject(&subject, key_span(&row));
		assert_true(span_is(key_span(&subject), rows[i].subject));
		n = before.len < row.len ? before.len : row.len;
		order = memcmp(before.data, row.octets, n);
		assert_true(order < 0 || (order == 0 && before.len < row.len));
		before = rows[i].row;
	}
	assert_false(key_is_zone(SPAN("")));
	assert_int_equal(key_zone_len(SPAN("\3org\1a\0\1x")), 6);
	assert_int_equal(key_zone_len(SPAN("\3org\1a")), 6);
	assert_int_equal(key_zone_len(SPAN("\0\1x")), 0);
	/* Nonsense is not read beyond its end. */
	assert_int_equal(key_zone_len(SPAN("\77a")), 2);
}

static void
a_name_too_long_for_dns_is_no_subject(void **state)
{
	struct key key = { .len = 1, .octets = "n" };
	struct dname zone, name;
	char letter;

	(void)state;
	for (int part = 0; part < 2; part++) {
		for (int i = 0; i < 70; i++) {
			key.octets[key.len++] = 1;
			key.octets[key.len++] = 'a';
		}
		if (part == 0)
			key.octets[key.len++] = 0;
	}
	assert_int_equal(key_split(key_span(&key), &letter, &zone, &name), -EINVAL);
}

static void
common_labels_end_at_the_first_that_differs(void **state)
{
	static const struct {
		struct span a, b;
		size_t want;
		unsigned labels;
	} rows[] = {
		{ { "\1a\1b", 4 }, { "\1a\1b", 4 }, 4, 2 },
		{ { "\1a\1b", 4 }, { "\1a\1c", 4 }, 2, 1 },
		{ { "\1a\1b", 4 }, { "\1a", 2 }, 2, 1 },
		{ { "\2ab", 3 }, { "\2ac", 3 }, 0, 0 },
		{ { "\1a\2bc", 5 }, { "\1a\2b", 4 }, 2, 1 },
		{ { "\1a\0\1b", 5 }, { "\1a\0\1b", 5 }, 2, 1 },
		{ { "", 0 }, { "\1a", 2 }, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		unsigned labels = 99;

		assert_int_equal(key_common_labels(rows[i].a, rows[i].b, &labels), rows[i].want);
		assert_int_equal(labels, rows[i].labels);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_written_from_their_last_label_in_lower_case),
		cmocka_unit_test(longest_names_fit_a_key),
		cmocka_unit_test(subject_keys_are_taken_apart),
		cmocka_unit_test(a_zones_record_stands_right_before_its_nodes),
		cmocka_unit_test(a_name_too_long_for_dns_is_no_subject),
		cmocka_unit_test(common_labels_end_at_the_first_that_differs),
	};

	return RUN_TESTS(tests);
}
