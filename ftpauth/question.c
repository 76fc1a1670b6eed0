/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 */
#include <config.h>

#include "ftpauth/question.h"

#include "common/counted.h"

#include <errno.h>

enum { PEER_MAX = 64 };

int
question_put(struct text *out, struct span login, struct span password, struct span peer)
{
	cleanup(text_free) struct text client = TEXT_INIT;
	int r = 0;

	if (login.len > QUESTION_LOGIN_MAX || password.len > QUESTION_PASSWORD_MAX)
		return -EMSGSIZE;
	/* No port is known. An address with a semicolon in it is none. */
	if (peer.len > 0 && peer.len <= PEER_MAX && memchr(peer.data, ';', peer.len) == NULL) {
		text_put_span(&client, peer);
		text_put(&client, ";0");
	}
	r |= counted_put(out, login);
	r |= counted_put(out, password);
	r |= counted_put(out, SPAN(QUESTION_SERVICE));
	r |= counted_put(out, SPAN(""));
	r |= counted_put(out, text_span(&client));
	if (r < 0)
		return -EMSGSIZE;
	if (text_failed(&client))
		out->failed = true;
	return 0;
}

/* "01234567-89ab-cdef-0123-456789abcdef" */
static bool
read_uuid(struct span s, uint8_t out[QUESTION_UUID_LEN])
{
	uint8_t uuid[QUESTION_UUID_LEN];
	size_t n = 0, i = 0;

	if (s.len != 36)
		return false;
	while (i < s.len) {
		int high, low;

		if (i == 8 || i == 13 || i == 18 || i == 23) {
			if (s.data[i++] != '-')
				return false;
			continue;
		}
		high = ascii_hex(s.data[i]);
		low = ascii_hex(s.data[i + 1]);
		if (high < 0 || low < 0)
			return false;
		uuid[n++] = (uint8_t)(high * 16 + low);
		i += 2;
	}
	memcpy(out, uuid, sizeof(uuid));
	return true;
}

void
question_read_answer(struct span input, bool ended, struct question_answer *out)
{
	struct span reply;
	int r = counted_take(&input, QUESTION_REPLY_MAX, &reply);

	*out = (struct question_answer){ .word = QUESTION_CANNOT_TELL };
	if (r == 0 && !ended)
		out->word = QUESTION_MORE;
	if (r != 1 || reply.len < 2)
		return;
	if (memcmp(reply.data, "NO", 2) == 0) {
		out->word = QUESTION_REFUSED;
	} else if (memcmp(reply.data, "OK", 2) == 0) {
		out->word = QUESTION_ACCEPTED;
		if (reply.len > 3 && reply.data[2] == ' ')
			out->has_uuid = read_uuid(span_skip(reply, 3), out->uuid);
	}
}
