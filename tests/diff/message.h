/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * DNS messages made comparable: names expanded and in lower case, sections sorted, the SOA serial
 * blanked. Two servers said the same when the sections are equal octet for octet.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { NAME_MAX_OCTETS = 255, MESSAGE_MAX = 65535 };

enum {
	TYPE_NS = 2, TYPE_CNAME = 5, TYPE_SOA = 6, TYPE_SIG = 24, TYPE_KEY = 25, TYPE_DNAME = 39,
	TYPE_OPT = 41, TYPE_DS = 43, TYPE_RRSIG = 46, TYPE_NSEC = 47, TYPE_ANY = 255,
};
enum { RCODE_NOERROR = 0, RCODE_SERVFAIL = 2, RCODE_NXDOMAIN = 3, RCODE_REFUSED = 5 };
enum { FLAG_AA = 0x0400, FLAG_TC = 0x0200, FLAGS_COMPARED = 0xfd8f /* all but TC, AD, CD, RD */ };

struct name {
	uint8_t len; /* octets, the root's zero included */
	uint8_t wire[NAME_MAX_OCTETS];
};

/* One record: owner, type, TTL, rdata. OCTETS lies in the message's own memory. */
struct rr {
	size_t at; /* where its canonical form begins */
	uint32_t len;
	uint8_t owner_len;
	uint16_t type;
};

struct section {
	struct rr *rrs;
	size_t count, room;
};

struct message {
	uint16_t id, flags;
	struct section answer, authority, additional; /* OPT is left out */
	uint8_t *octets;
	size_t used, room;
	uint8_t wire[MESSAGE_MAX];
	size_t wire_len;
};

static inline unsigned
message_rcode(const struct message *m)
{
	return m->flags & 15u;
}

/* Reads m->wire. Returns 0, -EBADMSG, -ENOMEM. */
int message_read(struct message *m);
void message_done(struct message *m);

const uint8_t *rr_octets(const struct message *m, const struct rr *rr);
/* The canonical data of RR, behind owner, type and TTL. */
const uint8_t *rr_data(const struct message *m, const struct rr *rr, size_t *out_len);
bool rr_owner_is(const struct message *m, const struct rr *rr, const struct name *name);
/* The name that is the data of a CNAME or DNAME. */
void rr_target(const struct message *m, const struct rr *rr, struct name *out);

/* The sections hold the same set of records (twice in one is not once in the other). */
bool section_is(const struct message *a, const struct section *as, const struct message *b,
                const struct section *bs);
/* Some record of the section has TYPE; with OWNER, stands at it. */
bool section_has(const struct message *m, const struct section *s, uint16_t type,
                 const struct name *owner);
bool section_holds(const struct message *m, const struct section *s, const struct message *of,
                   const struct rr *rr);
/* Adds those of FROM that TO lacks. Returns 0 or -ENOMEM. */
int section_merge(struct message *to, struct section *to_section, const struct message *from,
                  const struct section *from_section);
void section_clear(struct section *s);

/* Takes a name (compression followed) at *AT, lowered; moves *AT behind it. 0 or -EBADMSG. */
int name_read(const uint8_t *wire, size_t len, size_t *at, struct name *out);
bool name_is(const struct name *a, const struct name *b);
/* NAME lies strictly below ANCESTOR: how many octets of labels it has more, else 0. */
size_t name_below(const struct name *name, const struct name *ancestor);
