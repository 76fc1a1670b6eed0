/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 */
#include <config.h>

#include "tests/unit/test.h"

#include "common/line.h"

#include <errno.h>

/* Takes all lines there are as "line|line|" and how it ended. */
static int
take_all(struct line_buffer *lines, struct text *out)
{
	struct span line;
	int r;

	while ((r = line_take(lines, &line)) == 1) {
		text_put_span(out, line);
		text_put_char(out, '|');
	}
	return r;
}

static void
lines_come_out_however_they_went_in(void **state)
{
	static const struct {
		struct span given;
		const char *want;
		int end;
	} rows[] = {
		{ SPAN(""), "", 0 },
		{ SPAN("abc"), "", 0 },
		{ SPAN("abc\n"), "abc|", 0 },
		{ SPAN("a\r\nb\n\nc"), "a|b||", 0 },
		{ SPAN("12345678\n"), "12345678|", 0 },
		{ SPAN("12345678\r\n"), "12345678|", 0 },
		{ SPAN("123456789\n"), "", -EMSGSIZE },
		{ SPAN("1234567890"), "", -EMSGSIZE },
		{ SPAN("ok\n1234567890"), "ok|", -EMSGSIZE },
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		for (size_t step = 1; step <= rows[i].given.len + 1; step++) {
			struct line_buffer lines = line_buffer_of(8);
			struct text got = TEXT_INIT;
			int r = 0;

			for (size_t at = 0; at < rows[i].given.len && r == 0; at += step) {
				struct span piece = span_skip(rows[i].given, at);

				if (piece.len > step)
					piece.len = step;
				assert_int_equal(line_put(&lines, piece), 0);
				r = take_all(&lines, &got);
			}
			assert_int_equal(r, rows[i].end);
			assert_string_equal(text_str(&got), rows[i].want);
			text_free(&got);
			line_buffer_free(&lines);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_come_out_however_they_went_in),
	};

	return RUN_TESTS(tests);
}
