/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 */
#include <config.h>

#include "tests/unit/test.h"

#include "agent/task_message.h"

#define AT 1777630830ULL /* 2026-05-01T10:20:30Z */

static void
messages_are_read_back(void **state)
{
	static const struct {
		struct span text;
		enum task_message_kind kind;
		uint64_t at;
		unsigned tries;
	} rows[] = {
		{ SPAN("claimed by mail1.isp.example (5d41402abc4b2a76) at 2026-05-01T10:20:30Z, try 2"), TASK_MESSAGE_CLAIM, AT, 2 },
		{ SPAN("claimed by a (b) at c, try 1 (5d41402abc4b2a76) at 2026-05-01T10:20:30Z, try 2"), TASK_MESSAGE_CLAIM, AT, 2 },
		{ SPAN("try 2 failed, again after 2026-05-01T10:20:30Z: away: try later"), TASK_MESSAGE_RETRY, AT, 2 },
		{ SPAN("try 2 failed, again after 2026-05-01T10:20:30Z"), TASK_MESSAGE_OTHER, 0, 0 },
		{ SPAN("try two failed, again after 2026-05-01T10:20:30Z: x"), TASK_MESSAGE_OTHER, 0, 0 },
		{ SPAN("try "), TASK_MESSAGE_OTHER, 0, 0 },
		{ SPAN(""), TASK_MESSAGE_OTHER, 0, 0 },
		{ SPAN("There were 1 errors"), TASK_MESSAGE_OTHER, 0, 0 },
		{ SPAN("claimed by x"), TASK_MESSAGE_OTHER, 0, 0 },
		{ SPAN("claimed by x (y) at 2026-13-01T10:20:30Z, try 2"), TASK_MESSAGE_OTHER, 0, 0 },
		{ SPAN("claimed by x (y) at 2026-05-01T10:20:30+, try 2"), TASK_MESSAGE_OTHER, 0, 0 },
		{ SPAN("claimed by x (y) at 2026-05-01T10:20:30Z, try 2000000"), TASK_MESSAGE_OTHER, 0, 0 },
	};
	struct task_message message;

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		task_message_read(rows[i].text, &message);
		assert_int_equal(message.kind, rows[i].kind);
		assert_int_equal(message.at, rows[i].at);
		assert_int_equal(message.tries, rows[i].tries);
		if (rows[i].kind == TASK_MESSAGE_CLAIM)
			assert_true(span_is(message.token, SPAN("5d41402abc4b2a76")));
	}
}

static void
messages_are_written(void **state)
{
	struct text text = TEXT_INIT;
	struct text reason = TEXT_INIT;

	(void)state;
	task_message_put_claim(&text, SPAN("mail1.isp.example"), SPAN("5d41402abc4b2a76"), AT, 2);
	assert_string_equal(text_str(&text), "claimed by mail1.isp.example (5d41402abc4b2a76) at 2026-05-01T10:20:30Z, try 2");
	text_clear(&text);
	task_message_put_retry(&text, AT, 1, SPAN("Entw\xc3\xbcrfe\n"));
	assert_string_equal(text_str(&text), "try 1 failed, again after 2026-05-01T10:20:30Z: Entw??rfe?");
	text_clear(&text);
	task_message_put_failure(&text, 1, SPAN(""));
	assert_string_equal(text_str(&text), "failed without a reason");
	text_clear(&text);
	for (int i = 0; i < 5000; i++)
		text_put(&reason, "x");
	task_message_put_failure(&text, 8, text_span(&reason));
	assert_in_range(text.len, 500, TASK_MESSAGE_MAX);
	assert_true(span_starts_nocase(text_span(&text), SPAN("given up after 8 tries: x")));
	text_free(&text);
	text_free(&reason);
}

static void
who_may_take_a_task(void **state)
{
	static const struct {
		enum task_message_kind kind;
		uint64_t at;
		const char *token;
		bool claimed, want;
	} rows[] = {
		{ TASK_MESSAGE_OTHER, 0, "", false, true },
		{ TASK_MESSAGE_RETRY, AT, "", false, true },
		{ TASK_MESSAGE_RETRY, AT + 1, "", false, false },
		{ TASK_MESSAGE_RETRY, AT + 86400, "", false, true },
		/* Somebody set the status of a claimed task to new. */
		{ TASK_MESSAGE_CLAIM, AT, "other", false, false },
		{ TASK_MESSAGE_CLAIM, AT, "mine", false, true },
		{ TASK_MESSAGE_CLAIM, AT - 600, "other", false, true },
		{ TASK_MESSAGE_RETRY, AT + 1, "", true, true },
		{ TASK_MESSAGE_CLAIM, AT, "other", true, false },
		{ TASK_MESSAGE_CLAIM, AT, "mine", true, true },
		{ TASK_MESSAGE_CLAIM, AT - 599, "other", true, false },
		{ TASK_MESSAGE_CLAIM, AT - 600, "other", true, true },
		{ TASK_MESSAGE_CLAIM, AT + 600, "other", true, false },
		{ TASK_MESSAGE_CLAIM, AT + 601, "other", true, true },
		{ TASK_MESSAGE_OTHER, 0, "", true, true },
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		struct task_message message = { .kind = rows[i].kind, .at = rows[i].at, .token = span_of(rows[i].token) };

		if (task_message_is_open(&message, rows[i].claimed, SPAN("mine"), AT, 600) != rows[i].want)
			fail_msg("row %zu", i);
	}
}

static void
delays_grow_to_an_hour(void **state)
{
	(void)state;
	assert_int_equal(task_message_delay(0), 15);
	assert_int_equal(task_message_delay(1), 15);
	assert_int_equal(task_message_delay(2), 30);
	assert_int_equal(task_message_delay(8), 1920);
	assert_int_equal(task_message_delay(9), 3600);
	assert_int_equal(task_message_delay(1000000), 3600);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_are_read_back),
		cmocka_unit_test(messages_are_written),
		cmocka_unit_test(who_may_take_a_task),
		cmocka_unit_test(delays_grow_to_an_hour),
	};

	return RUN_TESTS(tests);
}
