/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * The values of the dns environment: how they are written and how they are read in place.
 *
 * Pure, no I/O. The first octet of each value is RECORD_VERSION; a reader refuses another one with -EPROTO. Numbers are
 * little-endian and unaligned. Whatever the octets are, a decoder stays inside them: -EBADMSG for nonsense.
 */
#pragma once

#include "cache/dname.h"
#include "common/macro.h"
#include "common/span.h"
#include "common/text.h"

enum { RECORD_VERSION = 1 };

/* A record without a TTL of its own takes the zone's default (the SOA minimum) when it is read. */
#define RECORD_TTL_DEFAULT UINT32_MAX

/* --- nodes: all records that stand at one name, grouped by type, sorted --------------------------- */

enum node_flag {
	NODE_HAS_NS = 1,
	NODE_HAS_DNAME = 2,
	NODE_HAS_CNAME = 4,
	NODE_HAS_A = 8,
	NODE_HAS_PTR = 16,
	NODE_HAS_SOA = 32, /* never set for stored nodes; SOA lies in the zone record */
};

enum rr_flag {
	RR_TWIN = 1, /* equal to an earlier record of the set at the zone's own origin: served for replicas only */
};

struct rr {
	uint16_t type;
	uint8_t flags;
	uint8_t relative;  /* as struct rdata's */
	uint32_t ttl;
	struct span text;  /* NUL-terminated after len; lies in the value */
};

struct node_writer {
	struct text *out;
	size_t start;
};
/* A node record is begun, gets its records in order of type, and is ended. */
void node_begin(struct node_writer *writer, struct text *out);
void node_put(struct node_writer *writer, const struct rr *rr);
void node_end(struct node_writer *writer, uint8_t node_flags);

struct node {
	uint8_t flags;
	uint16_t count;
	struct span rest;
};
must_check int node_read(struct span value, struct node *out);
/* 1 and the next record, 0 at the end, -EBADMSG. */
must_check int node_next(struct node *node, struct rr *out);

/* --- zones ------------------------------------------------------------------------------------- */

enum zone_kind {
	ZONE_NOT_SERVED = 0, /* slave, nodns, no domain entry; or only serial state is known */
	ZONE_PRIMARY = 1,    /* served when has_soa */
	ZONE_REPLICA = 2,    /* served when its master is a served primary */
};

struct zone_record {
	uint8_t kind;
	bool has_soa;
	bool held; /* the SOA is gone or invalid in the directory; this is the last good one */
	bool stored_usable;
	uint32_t serial;        /* automatic serial; 0: nothing changed since the load, take settings.base_serial */
	uint32_t stored_serial; /* as the directory says */
	uint32_t epoch;         /* settings.epoch when SERIAL was set */
	uint32_t soa_ttl;       /* or RECORD_TTL_DEFAULT */
	uint32_t minimum;       /* default TTL of the zone's records */
	struct span master;     /* replica: wire form, lower case */
	struct span soa_head;   /* "mname. rname." */
	struct span soa_tail;   /* "refresh retry expire minimum", in seconds */
};
void zone_record_put(struct text *out, const struct zone_record *zone);
must_check int zone_record_read(struct span value, struct zone_record *out);

/* --- settings that answers depend on ------------------------------------------------------------- */

enum { REVERSE_PREFIXES_MAX = 256 };

struct reverse_prefix {
	uint8_t family; /* 4 or 6 */
	uint8_t length; /* bits of the prefix */
	uint8_t cut;    /* bits where the zones are cut: a multiple of 8 (IPv4) or 4 (IPv6), 24 and 64 by default, >= length */
	uint8_t address[16];
};

struct settings_record {
	uint32_t base_serial; /* seconds of the CSN of the first load's cookie */
	uint32_t epoch;       /* counts changes of the settings below; a served serial grows by it */
	bool serial_stored;   /* serial = stored */
	struct span primary_ns, secondary_ns, rname; /* absolute text for computed reverse zones; empty: not known */
	struct span catch_all; /* owner text relative to the zone; empty: none */
	size_t prefix_count;
	struct reverse_prefix prefixes[REVERSE_PREFIXES_MAX];
};
void settings_record_put(struct text *out, const struct settings_record *settings);
must_check int settings_record_read(struct span value, struct settings_record *out);

/* The serial a zone is served with (RFC 1982). */
uint32_t zone_serial(const struct zone_record *zone, const struct settings_record *settings);

/* a if it is later than b in RFC 1982 arithmetic, else b. */
uint32_t serial_later(uint32_t a, uint32_t b);

/* --- the environment's state ---------------------------------------------------------------------- */

struct state_record {
	bool complete;     /* holds everything of one complete load at least; before that readers cannot tell */
	uint64_t applied;  /* sequence number of the last directory commit that is in here */
	uint8_t source[16]; /* identity of the directory this was made from */
};
void state_record_put(struct text *out, const struct state_record *state);
must_check int state_record_read(struct span value, struct state_record *out);

/* --- problems --------------------------------------------------------------------------------------- */

struct problem {
	struct span kind;     /* a word for scripts: "bad-record", "cname-and-other-data", ... */
	struct span dn;       /* the entry to look at, may be empty */
	struct span sentence; /* for people */
};
void problem_put(struct text *out, const struct problem *problem); /* appends to a list */
/* Walks a list: 1, 0 at the end, -EBADMSG. REST starts as the whole value. */
must_check int problem_next(struct span *rest, struct problem *out);
