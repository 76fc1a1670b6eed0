/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * What a DNS fragment holds, and how it is written. Only the projection looks inside.
 *
 * A payload is a version octet and items, one after the other; which items depends on the
 * letter of the subject. Numbers are little-endian, a length is a base-128 number. A payload is
 * stored once for every entry with records, so it holds nothing that can be found again.
 * Whatever the octets are, a reader stays inside them.
 */
#pragma once

#include "cache/dname.h"
#include "common/macro.h"
#include "common/span.h"
#include "common/text.h"

enum { PAYLOAD_VERSION = 1 };

/* Starts a payload. */
void payload_begin(struct text *out);

/* Checks the version: 0 and the items in *OUT_REST, or -EBADMSG. */
must_check int payload_open(struct span payload, struct span *out_rest);

/* The readers below take one item off *REST: 1, 0 when none is left, or -EBADMSG. */

/* 'n': a record at the node. */
struct payload_record {
	uint16_t type;
	uint8_t relative; /* struct rdata's */
	uint32_t ttl;     /* or RECORD_TTL_DEFAULT */
	struct span text;
};
void payload_put_record(struct text *out, const struct payload_record *record);
must_check int payload_next_record(struct span *rest, struct payload_record *out);

/* 'z': what a domain entry or a SOA says about the zone. */
enum payload_zone_kind {
	PAYLOAD_DOMAIN = 1,  /* kind (record.h, enum zone_kind) and, for a replica, its master */
	PAYLOAD_SOA = 2,     /* a SOA that can be served */
	PAYLOAD_BAD_SOA = 3, /* there is one, and it cannot be read */
};
struct payload_zone {
	uint8_t item;
	/* PAYLOAD_DOMAIN */
	uint8_t kind;
	struct dname master; /* lower case; the root when there is none */
	/* PAYLOAD_SOA */
	bool serial_usable;
	uint32_t serial, ttl, minimum;
	struct span head, tail; /* as in struct zone_record */
};
void payload_put_zone(struct text *out, const struct payload_zone *zone);
must_check int payload_next_zone(struct span *rest, struct payload_zone *out);

/* 's': a variable of the configuration. */
enum payload_variable_id {
	PAYLOAD_PRIMARY_NS = 1,
	PAYLOAD_SECONDARY_NS = 2,
	PAYLOAD_RNAME = 3,
	PAYLOAD_CATCH_ALL = 4,
	PAYLOAD_VARIABLES = 5, /* one more than the last */
};
struct payload_variable {
	uint8_t id;
	struct span text;
};
void payload_put_variable(struct text *out, const struct payload_variable *variable);
must_check int payload_next_variable(struct span *rest, struct payload_variable *out);

/* 'r': a name that an address belongs to. */
void payload_put_target(struct text *out, const struct dname *target);
must_check int payload_next_target(struct span *rest, struct dname *out);
