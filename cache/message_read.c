/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * The messages that answer a search (RFC 4511 4.5.2, 4.13), read in place.
 */
#include <config.h>

#include "cache/message.h"
#include "cache/syncmsg.h"
#include "cache/tlv.h"

#include <errno.h>

enum {
	OP_ENTRY = 0x64,        /* [APPLICATION 4] */
	OP_RESULT = 0x65,       /* [APPLICATION 5] */
	OP_REFERENCE = 0x73,    /* [APPLICATION 19] */
	OP_EXTENDED = 0x78,     /* [APPLICATION 24] */
	OP_INTERMEDIATE = 0x79, /* [APPLICATION 25] */
	RESULT_REFERRAL = 0xa3, /* [3] of LDAPResult */
	INFO_NAME = 0x80,       /* [0] of IntermediateResponse */
	INFO_VALUE = 0x81,      /* [1] */
	CONTROLS = 0xa0,        /* [0] of LDAPMessage */
};

/* Remembers the value of the control OID, if it is among those that REST begins with. */
static int
read_control(struct span rest, struct span oid, struct message *out)
{
	struct span controls, control, type, ignored, value;
	int r = tlv_optional(&rest, CONTROLS, &controls);

	while (r == 1 && controls.len > 0) {
		value = (struct span){ "", 0 };
		if (tlv_expect(&controls, TLV_SEQUENCE, &control) < 0 || tlv_expect(&control, TLV_OCTET_STRING, &type) < 0 ||
		    tlv_optional(&control, TLV_BOOLEAN, &ignored) < 0 || tlv_optional(&control, TLV_OCTET_STRING, &value) < 0)
			return -EPROTO;
		if (!out->has_value && span_is(type, oid)) {
			out->has_value = true;
			out->value = value;
		}
	}
	return r < 0 ? r : 0;
}

static int
read_entry(struct span op, struct span rest, struct arena *arena, struct message *out)
{
	struct span attributes;
	int r;

	if (tlv_expect(&op, TLV_OCTET_STRING, &out->entry.dn) < 0 || tlv_expect(&op, TLV_SEQUENCE, &attributes) < 0)
		return -EPROTO;
	out->kind = MESSAGE_ENTRY;
	r = message_read_attributes(attributes, arena, &out->entry, &out->has_uuid);
	return r < 0 ? r : read_control(rest, SPAN(SYNCMSG_STATE_OID), out);
}

static int
read_result(struct span op, struct span rest, enum message_kind kind, struct message *out)
{
	struct span number, matched, referrals;
	uint32_t code;
	int r;

	if (tlv_expect(&op, TLV_ENUMERATED, &number) < 0 || tlv_number(number, &code) < 0 || code > INT32_MAX ||
	    tlv_expect(&op, TLV_OCTET_STRING, &matched) < 0 || tlv_expect(&op, TLV_OCTET_STRING, &out->text) < 0)
		return -EPROTO;
	r = tlv_optional(&op, RESULT_REFERRAL, &referrals);
	if (r == 1)
		r = tlv_expect(&referrals, TLV_OCTET_STRING, &out->referral);
	if (r < 0)
		return r;
	out->kind = kind;
	out->code = (int)code;
	return read_control(rest, SPAN(SYNCMSG_DONE_OID), out);
}

static int
read_intermediate(struct span op, struct message *out)
{
	struct span name = { "", 0 }, value;
	int r = tlv_optional(&op, INFO_NAME, &name);

	if (r >= 0)
		r = tlv_optional(&op, INFO_VALUE, &value);
	if (r == 1 && span_is(name, SPAN(SYNCMSG_INFO_OID))) {
		out->kind = MESSAGE_INFO;
		out->has_value = true;
		out->value = value;
	}
	return r < 0 ? r : 0;
}

int
message_read(struct span message, struct arena *arena, struct message *out)
{
	struct span number;
	struct tlv op;
	uint32_t id;

	if (tlv_expect(&message, TLV_INTEGER, &number) < 0 || tlv_number(number, &id) < 0 || id > INT32_MAX ||
	    tlv_take(&message, &op) < 0)
		return -EPROTO;
	out->id = (int)id;
	switch (op.tag) {
	case OP_ENTRY:
		return read_entry(op.content, message, arena, out);
	case OP_RESULT:
		return read_result(op.content, message, MESSAGE_RESULT, out);
	case OP_REFERENCE:
		out->kind = MESSAGE_REFERENCE;
		return tlv_expect(&op.content, TLV_OCTET_STRING, &out->referral);
	case OP_INTERMEDIATE:
		return read_intermediate(op.content, out);
	case OP_EXTENDED:
		/* Nothing was asked: a notice of disconnection (RFC 4511 4.4.1). */
		return read_result(op.content, message, MESSAGE_GOODBYE, out);
	default:
		return 0;
	}
}
