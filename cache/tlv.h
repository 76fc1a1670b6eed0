/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * Tag, length, value: the part of BER that LDAP uses (RFC 4511 5.1: definite lengths, tags below
 * 31), read in place.
 */
#pragma once

#include "common/macro.h"
#include "common/span.h"
#include "common/text.h"

enum {
	TLV_BOOLEAN = 0x01,
	TLV_OCTET_STRING = 0x04,
	TLV_ENUMERATED = 0x0a,
	TLV_SEQUENCE = 0x30,
	TLV_SET = 0x31,
};

struct tlv {
	uint8_t tag;
	struct span content; /* inside the span it was taken from */
};

/* Takes the first element off *REST. Returns 0, or -EPROTO (and changes nothing) when REST is empty, the
 * element is cut short, or its length is not definite. */
must_check int tlv_take(struct span *rest, struct tlv *out);

/* The same for an element that must have TAG. */
must_check int tlv_expect(struct span *rest, uint8_t tag, struct span *out_content);

/* The same for an element that may be left out: 1 when the next element has TAG, 0 when it has another
 * or none is left, -EPROTO. */
must_check int tlv_optional(struct span *rest, uint8_t tag, struct span *out_content);

/* Values of at most four octets, not negative; a BOOLEAN is true when not zero. */
must_check int tlv_number(struct span content, uint32_t *out_number);
must_check int tlv_boolean(struct span content, bool *out_value);

/* Appends an element with CONTENT. */
void tlv_put(struct text *out, uint8_t tag, struct span content);
