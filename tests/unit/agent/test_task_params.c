/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 */
#include <config.h>

#include "tests/unit/test.h"

#include "agent/task_params.h"
#include "common/text.h"

#include <errno.h>

static void
parameters_are_read_as_ispman_reads_them(void **state)
{
	static const struct {
		struct span text;
		const char *want; /* [name=value] each */
	} rows[] = {
		{ SPAN(""), "" },
		{ SPAN("mailbox=ada@tern.example"), "[mailbox=ada@tern.example]" },
		{ SPAN("mailbox=a@b.example&quota=102400"), "[mailbox=a@b.example][quota=102400]" },
		{ SPAN("a=b=c"), "[a=b]" },
		{ SPAN("a = b = c"), "[a=b]" },
		{ SPAN("a \t=\n b"), "[a=b]" },
		{ SPAN(" a=b "), "[ a=b ]" },
		{ SPAN("a=b c"), "[a=b c]" },
		{ SPAN("a"), "[a=]" },
		{ SPAN("a="), "[a=]" },
		{ SPAN("=b"), "" },
		{ SPAN(" = "), "" },
		{ SPAN("a=="), "[a=]" },
		{ SPAN("&&a=1&&b=2&"), "[a=1][b=2]" },
		{ SPAN("a=\0b"), "[a=\\x00b]" },
		{ SPAN("a=1&a=2"), "[a=1][a=2]" },
	};
	struct task_params params;
	struct text got = TEXT_INIT;

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		text_clear(&got);
		assert_int_equal(task_params_read(rows[i].text, &params), 0);
		for (size_t j = 0; j < params.count; j++) {
			text_put(&got, "[");
			text_put_escaped(&got, params.rows[j].name, 100);
			text_put(&got, "=");
			text_put_escaped(&got, params.rows[j].value, 100);
			text_put(&got, "]");
		}
		assert_string_equal(text_str(&got), rows[i].want);
	}
	text_free(&got);
}

static void
of_a_name_that_comes_twice_the_last_one_holds(void **state)
{
	struct task_params params;
	struct span value = SPAN("untouched");

	(void)state;
	assert_int_equal(task_params_read(SPAN("a=1&b=2&a=3"), &params), 0);
	assert_int_equal(task_params_find(&params, SPAN("A"), &value), 0);
	assert_true(span_is(value, SPAN("untouched")));
	assert_int_equal(task_params_find(&params, SPAN("a"), &value), 1);
	assert_true(span_is(value, SPAN("3")));
}

static void
too_many_are_refused(void **state)
{
	struct task_params params = { .count = 7 };
	struct text text = TEXT_INIT;

	(void)state;
	for (int i = 0; i < TASK_PARAMS_MAX; i++)
		text_putf(&text, "n%d=v&", i);
	assert_int_equal(task_params_read(text_span(&text), &params), 0);
	assert_int_equal(params.count, TASK_PARAMS_MAX);
	text_put(&text, "&more=1");
	params.count = 7;
	assert_int_equal(task_params_read(text_span(&text), &params), -E2BIG);
	assert_int_equal(params.count, 7);
	text_free(&text);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(parameters_are_read_as_ispman_reads_them),
		cmocka_unit_test(of_a_name_that_comes_twice_the_last_one_holds),
		cmocka_unit_test(too_many_are_refused),
	};

	return RUN_TESTS(tests);
}
