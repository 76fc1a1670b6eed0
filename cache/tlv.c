/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 */
#include <config.h>

#include "cache/tlv.h"

#include <errno.h>

enum { LENGTH_IS_LONG = 0x80, LENGTH_OCTETS_MAX = 4 };

int
tlv_take_long(struct span *rest, struct tlv *out)
{
	const uint8_t *at = (const uint8_t *)rest->data;
	size_t head = 2;
	size_t len = 0;
	size_t octets;

	if (rest->len < head || (at[1] & LENGTH_IS_LONG) == 0)
		return -EPROTO;
	octets = at[1] & ~(size_t)LENGTH_IS_LONG;
	/* 0 octets would be the indefinite form, which RFC 4511 5.1 forbids. */
	if (octets == 0 || octets > LENGTH_OCTETS_MAX || rest->len < head + octets)
		return -EPROTO;
	for (size_t i = 0; i < octets; i++)
		len = len << 8 | at[head + i];
	head += octets;
	if (len > rest->len - head)
		return -EPROTO;
	out->tag = at[0];
	out->content = span_from(rest->data + head, len);
	*rest = span_skip(*rest, head + len);
	return 0;
}

int
tlv_number(struct span content, uint32_t *out_number)
{
	uint32_t number = 0;

	if (content.len == 0 || content.len > sizeof(number) || (content.data[0] & 0x80) != 0)
		return -EPROTO;
	for (size_t i = 0; i < content.len; i++)
		number = number << 8 | (uint8_t)content.data[i];
	*out_number = number;
	return 0;
}

int
tlv_boolean(struct span content, bool *out_value)
{
	if (content.len != 1)
		return -EPROTO;
	*out_value = content.data[0] != 0;
	return 0;
}

void
tlv_put(struct text *out, uint8_t tag, struct span content)
{
	text_put_char(out, (char)tag);
	if (content.len < LENGTH_IS_LONG) {
		text_put_char(out, (char)content.len);
	} else {
		text_put_char(out, (char)(LENGTH_IS_LONG | LENGTH_OCTETS_MAX));
		for (unsigned shift = 24; shift < 32; shift -= 8)
			text_put_char(out, (char)(content.len >> shift & 0xff));
	}
	text_put_span(out, content);
}
