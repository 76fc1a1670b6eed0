/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * Lines of tcp_table: what is encoded in a reply can be decoded as a key, and a reply is one line that Postfix takes.
 */
#include <config.h>

#include "postfix_map/tcptable.h"

#include <errno.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(bool truth)
{
	if (!truth)
		abort();
}

static void
check_reply(struct span value)
{
	struct reply reply = { REPLY_FOUND, value };
	struct text out = TEXT_INIT, key = TEXT_INIT, again = TEXT_INIT;
	int r = tcptable_put_reply(&out, &reply);

	require(r == 0 || (r == -E2BIG && out.len == 0 && value.len * 3 + 5 > TCPTABLE_REPLY_MAX));
	if (r == 0) {
		require(out.len <= TCPTABLE_REPLY_MAX && memchr(out.data, '\n', out.len) == out.data + out.len - 1);
		require(memcmp(out.data, "200 ", 4) == 0);
		text_put(&again, "get ");
		text_put_span(&again, span_from(out.data + 4, out.len - 5));
		require(tcptable_request(text_span(&again), &key) == TCPTABLE_GET);
		require(span_is(text_span(&key), value));
	}
	text_free(&out);
	text_free(&key);
	text_free(&again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span line = span_from(data, size);
	struct text key = TEXT_INIT;

	switch (tcptable_request(line, &key)) {
	case TCPTABLE_GET:
		require(key.len + 4 <= line.len);
		check_reply(text_span(&key));
		break;
	case TCPTABLE_PUT:
	case TCPTABLE_NONSENSE:
		break;
	}
	text_free(&key);
	check_reply(line);
	return 0;
}
