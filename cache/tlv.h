/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * Tag, length, value: the part of BER that LDAP uses (RFC 4511 5.1: definite lengths, tags below
 * 31), read in place. A first load reads a dozen elements an entry: what most of them are is inline.
 */
#pragma once

#include "common/macro.h"
#include "common/span.h"
#include "common/text.h"

#include <errno.h>

enum {
	TLV_BOOLEAN = 0x01,
	TLV_INTEGER = 0x02,
	TLV_OCTET_STRING = 0x04,
	TLV_ENUMERATED = 0x0a,
	TLV_SEQUENCE = 0x30,
	TLV_SET = 0x31,
};

struct tlv {
	uint8_t tag;
	struct span content; /* inside the span it was taken from */
};

/* tlv_take for an element whose length takes several octets; the tag is good. */
must_check int tlv_take_long(struct span *rest, struct tlv *out);

/* Takes the first element off *REST. Returns 0, or -EPROTO (and changes nothing) when REST is empty, the
 * element is cut short, or its length is not definite. */
must_check static inline int
tlv_take(struct span *rest, struct tlv *out)
{
	const uint8_t *at = (const uint8_t *)rest->data;
	size_t len;

	/* A tag of 31 stands for one of several octets. */
	if (rest->len < 2 || (at[0] & 0x1f) == 0x1f)
		return -EPROTO;
	len = at[1];
	if (len >= 0x80)
		return tlv_take_long(rest, out);
	if (len > rest->len - 2)
		return -EPROTO;
	out->tag = at[0];
	out->content = span_from(at + 2, len);
	*rest = span_skip(*rest, 2 + len);
	return 0;
}

/* The same for an element that may be left out: 1 when the next element has TAG, 0 when it has another
 * or none is left, -EPROTO. */
must_check static inline int
tlv_optional(struct span *rest, uint8_t tag, struct span *out_content)
{
	struct tlv element;
	int r;

	if (rest->len == 0 || (uint8_t)rest->data[0] != tag)
		return 0;
	r = tlv_take(rest, &element);
	if (r < 0)
		return r;
	*out_content = element.content;
	return 1;
}

/* The same for an element that must have TAG. */
must_check static inline int
tlv_expect(struct span *rest, uint8_t tag, struct span *out_content)
{
	int r = tlv_optional(rest, tag, out_content);

	if (r < 0)
		return r;
	return r > 0 ? 0 : -EPROTO;
}

/* Values of at most four octets, not negative; a BOOLEAN is true when not zero. */
must_check int tlv_number(struct span content, uint32_t *out_number);
must_check int tlv_boolean(struct span content, bool *out_value);

/* Appends an element with CONTENT. */
void tlv_put(struct text *out, uint8_t tag, struct span content);
