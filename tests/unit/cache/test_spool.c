/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 */
#include <config.h>

#include "tests/unit/test.h"

#include "cache/spool.h"
#include "common/text.h"

#include <errno.h>

static struct span
numbered(struct arena *arena, const char *word, size_t n)
{
	struct text text = TEXT_INIT;
	struct span copy;

	text_putf(&text, "%s%zu", word, n);
	copy = arena_copy(arena, text_span(&text));
	text_free(&text);
	return copy;
}

/* An entry that differs from its neighbours in everything; every thousandth one is large. */
static struct entry
entry_number(struct arena *arena, size_t n)
{
	size_t count = n % 4;
	struct entry entry = { .dn = numbered(arena, "o=", n), .attribute_count = count };

	memset(entry.uuid, (int)(n & 0xff), sizeof(entry.uuid));
	if (n % 3 != 0)
		entry.csn = numbered(arena, "csn", n);
	entry.attributes = arena_alloc(arena, count * sizeof(*entry.attributes));
	for (size_t i = 0; i < count; i++) {
		struct attribute *attribute = &entry.attributes[i];

		attribute->name = numbered(arena, "a", i);
		attribute->count = n % 5;
		attribute->values = arena_alloc(arena, attribute->count * sizeof(struct span));
		for (size_t v = 0; v < attribute->count; v++)
			attribute->values[v] = numbered(arena, "value", n * 100 + v);
		if (n % 1000 == 1 && attribute->count > 0) {
			char *big = arena_alloc(arena, 600000);

			memset(big, 'x', 600000);
			attribute->values[0] = span_from(big, 600000);
		}
	}
	return entry;
}

static void
assert_entries_equal(const struct entry *got, const struct entry *want)
{
	assert_true(span_is(got->dn, want->dn));
	assert_true(span_is(got->csn, want->csn));
	assert_memory_equal(got->uuid, want->uuid, ENTRY_UUID_LEN);
	assert_int_equal(got->attribute_count, want->attribute_count);
	for (size_t i = 0; i < want->attribute_count; i++) {
		const struct attribute *a = &got->attributes[i], *b = &want->attributes[i];

		assert_true(span_is(a->name, b->name));
		assert_int_equal(a->count, b->count);
		for (size_t v = 0; v < b->count; v++)
			assert_true(span_is(a->values[v], b->values[v]));
	}
}

static void
entries_come_back_as_they_went_in(void **state)
{
	static const size_t counts[] = { 0, 1, 20, 6000 };

	(void)state;
	for (size_t i = 0; i < array_size(counts); i++) {
		struct arena arena = ARENA_INIT;
		struct entry got, want;
		struct spool *spool;
		size_t line;

		assert_int_equal(spool_open("/tmp", &spool), 0);
		for (size_t n = 0; n < counts[i]; n++) {
			want = entry_number(&arena, n);
			assert_int_equal(spool_put(spool, &want, n + 1), 0);
			arena_reset(&arena);
		}
		for (size_t n = 0; n < counts[i]; n++) {
			assert_int_equal(spool_next(spool, &arena, &got, &line), 1);
			assert_int_equal(line, n + 1);
			want = entry_number(&arena, n);
			assert_entries_equal(&got, &want);
			arena_reset(&arena);
		}
		assert_int_equal(spool_next(spool, &arena, &got, &line), 0);
		assert_int_equal(spool_next(spool, &arena, &got, &line), 0);
		spool_free(spool);
		arena_free(&arena);
	}
}

static void
a_folder_that_is_not_there_is_an_error(void **state)
{
	struct spool *spool = NULL;

	(void)state;
	assert_int_equal(spool_open("/nonexistent/folder", &spool), -ENOENT);
	assert_null(spool);
	spool_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(entries_come_back_as_they_went_in),
		cmocka_unit_test(a_folder_that_is_not_there_is_an_error),
	};

	return RUN_TESTS(tests);
}
