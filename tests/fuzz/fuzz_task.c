/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * Whatever stands in a task, it is taken apart inside of its octets: its name up to the first line feed, its parameters behind it; and the
 * whole as a message.
 */
#include <config.h>

#include "agent/task_kinds.h"
#include "agent/task_message.h"

#include <errno.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(bool truth)
{
	if (!truth)
		abort();
}

static bool
lies_in(struct span part, struct span whole)
{
	return part.len == 0 || (part.data >= whole.data && part.data + part.len <= whole.data + whole.len);
}

static void
read_task(struct span name, struct span params)
{
	struct task task = { .process = name, .fault = SPAN("") };
	struct task_subject subject;
	struct text why = TEXT_INIT;
	int r = task_params_read(params, &task.params);

	require(r == 0 || r == -E2BIG);
	for (size_t i = 0; r == 0 && i < task.params.count; i++) {
		require(task.params.rows[i].name.len > 0 && lies_in(task.params.rows[i].name, params));
		require(lies_in(task.params.rows[i].value, params));
	}
	r = task_subject(&task, &subject, &why);
	require((r < 0) == (why.len > 0));
	if (r > 0)
		require(subject.place.len > 0 && lies_in(subject.place, params) && subject.quota >= -1);
	text_free(&why);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span input = span_from(data, size);
	const char *end = size > 0 ? memchr(input.data, '\n', size) : NULL;
	size_t n = end != NULL ? (size_t)(end - input.data) : size;
	struct task_message message, again;
	struct text text = TEXT_INIT;

	read_task(span_from(input.data, n), end != NULL ? span_skip(input, n + 1) : SPAN(""));
	task_message_read(input, &message);
	require(lies_in(message.token, input) && message.tries <= TASK_TRY_MAX);
	(void)task_message_is_open(&message, true, SPAN("x"), 1, 600);
	task_message_put_claim(&text, input, SPAN("0123"), message.at, message.tries);
	task_message_read(text_span(&text), &again);
	require(again.kind == TASK_MESSAGE_CLAIM && again.at == message.at && again.tries == message.tries);
	require(span_is(again.token, SPAN("0123")));
	text_clear(&text);
	task_message_put_retry(&text, message.at, message.tries, input);
	require(text.len <= TASK_MESSAGE_MAX);
	task_message_read(text_span(&text), &again);
	require(again.kind == TASK_MESSAGE_RETRY && again.at == message.at && again.tries == message.tries);
	text_free(&text);
	return 0;
}
