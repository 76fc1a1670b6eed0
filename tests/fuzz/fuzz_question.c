/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * What ispman-saslauthd says is read the same in pieces, and only a whole "OK" is one. What it is asked it can read.
 */
#include <config.h>

#include "ftpauth/question.h"
#include "saslauth/mux.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(bool truth)
{
	if (!truth)
		abort();
}

static void
answer_is_sound(struct span input)
{
	struct question_answer all, part;

	question_read_answer(input, false, &all);
	question_read_answer(input, true, &part);
	require(part.word == (all.word == QUESTION_MORE ? QUESTION_CANNOT_TELL : all.word));
	if (all.word == QUESTION_ACCEPTED)
		require(input.len >= 4 && memcmp(input.data + 2, "OK", 2) == 0);
	require(!all.has_uuid || (all.word == QUESTION_ACCEPTED && input.len >= 41));
	for (size_t n = 0; n < input.len && n < 64; n++) {
		question_read_answer(span_from(input.data, n), false, &part);
		require(part.word == QUESTION_MORE || part.word == all.word);
	}
}

static struct span
next(struct span *rest)
{
	const char *end = rest->len > 0 ? memchr(rest->data, '\n', rest->len) : NULL;
	struct span s = end != NULL ? span_from(rest->data, (size_t)(end - rest->data)) : *rest;

	*rest = span_skip(*rest, end != NULL ? s.len + 1 : s.len);
	return s;
}

static void
question_is_understood(struct span input)
{
	struct span login = next(&input), password = next(&input), peer = next(&input);
	struct mux_request request;
	struct text out = TEXT_INIT;

	if (question_put(&out, login, password, peer) == 0 && mux_take_request(text_span(&out), &request) == 1)
		require(span_is(request.login, login) && span_is(request.password, password) &&
		        span_is(request.service, SPAN(QUESTION_SERVICE)) && request.client.len <= peer.len + 2);
	text_free(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	answer_is_sound(span_from(data, size));
	question_is_understood(span_from(data, size));
	return 0;
}
