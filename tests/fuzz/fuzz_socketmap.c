/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * A request is its name, a blank and its key; a reply to whatever outcome is one netstring that Postfix takes for what it means.
 */
#include <config.h>

#include "common/utf8.h"
#include "postfix_map/maps.h"
#include "postfix_map/netstring.h"
#include "postfix_map/socketmap.h"

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
check_request(struct span request)
{
	struct span name, key;

	socketmap_request(request, &name, &key);
	require(name.len == 0 || memchr(name.data, ' ', name.len) == NULL);
	require(name.len + key.len + 1 == request.len || (key.len == 0 && name.len == request.len));
	require(name.len == 0 || name.data == request.data);
}

static void
check_reply(enum mail_map map, int r, struct span answer)
{
	struct text value = TEXT_INIT, out = TEXT_INIT;
	size_t taken = 0, rest = 0;
	struct reply reply;
	struct span octets;

	text_put_span(&value, answer);
	maps_reply(map, r, &value, "why", &reply);
	socketmap_put_reply(&out, &reply);
	require(netstring_take(text_span(&out), SOCKETMAP_REPLY_MAX, &octets, &taken, &rest) == 1 && taken == out.len);
	require(memchr(octets.data, '\0', octets.len) == NULL && utf8_is_valid(octets));
	if (r < 0)
		require(span_starts_nocase(octets, SPAN("TEMP ")) && octets.len > 5);
	else if (r == 0)
		require(span_is(octets, SPAN("NOTFOUND ")));
	else
		require(span_is(octets, SPAN("NOTFOUND ")) || (span_starts_nocase(octets, SPAN("OK ")) && octets.len > 3));
	text_free(&value);
	text_free(&out);
}

static void
check_unknown(struct span name)
{
	struct text sentence = TEXT_INIT;
	struct reply reply;

	maps_unknown(name, &sentence, &reply);
	for (size_t i = 0; i < sentence.len; i++)
		require(sentence.data[i] >= 0x20 && sentence.data[i] < 0x7f);
	require(reply.word == REPLY_NONSENSE && sentence.len < 1000);
	text_free(&sentence);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span input = span_from(data, size);

	check_request(input);
	check_unknown(input);
	check_reply(MAIL_VIRTUAL, 1, input); /* a list */
	check_reply(MAIL_TRANSPORT, 1, input);
	check_reply(MAIL_VIRTUAL, 0, input);
	check_reply(MAIL_TRANSPORT, -ENODATA, input);
	check_reply(MAIL_VIRTUAL, -E2BIG, input);
	return 0;
}
