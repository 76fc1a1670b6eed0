/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * Whatever a server says is taken apart inside of its octets, and means the same however it comes in pieces.
 */
#include <config.h>

#include "agent/imap.h"

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
take_apart(struct span rest)
{
	struct span whole = rest;
	struct imap_status status;
	struct imap_token token;
	struct text value = TEXT_INIT;

	imap_status(rest, &status);
	require(lies_in(status.code, whole) || status.code.len == 0);
	require(lies_in(status.text, whole) || status.text.len == 0);
	(void)imap_code_is(&status, "X");
	while (imap_next(&rest, &token) > 0) {
		require(lies_in(token.value, whole) && lies_in(rest, whole));
		text_clear(&value);
		imap_put_value(&value, &token);
		require(value.len <= token.value.len);
	}
	text_free(&value);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span input = span_from(data, size);
	struct imap_response response, again;
	struct text text = TEXT_INIT;
	int r;

	if (imap_put_utf7(&text, input) == 0)
		for (size_t i = 0; i < text.len; i++)
			require(text.data[i] >= 0x20 && text.data[i] < 0x7f);
	text_clear(&text);
	if (imap_put_quoted(&text, input))
		require(text.len >= size + 2);
	text_free(&text);
	while ((r = imap_take(input, &response)) > 0) {
		require(response.taken > 0 && response.taken <= input.len && lies_in(response.rest, input) && lies_in(response.tag, input));
		/* Without its last octet it is not complete; with more behind it, it is the same. */
		require(imap_take(span_from(input.data, response.taken - 1), &again) == 0);
		require(imap_take(span_from(input.data, response.taken), &again) == 1 && again.taken == response.taken);
		take_apart(response.rest);
		input = span_skip(input, response.taken);
	}
	require(r == 0 || r == -EMSGSIZE || r == -EBADMSG);
	return 0;
}
