/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * The rules of comparison; see judge.h.
 */
#include <config.h>

#include "tests/diff/judge.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* named 9.18 restarts a query this often for CNAME and DNAME (max-query-restarts). */
enum { RESTARTS = 11, HOPS_MAX = 64, LARGE_ANSWER = 1000 };

const char *const verdict_text[VERDICTS] = {
	[SAME] = "same",
	[SAME_GLUE] = "same-but-for-courtesy-addresses",
	[SAME_CHAIN] = "same-chain-across-zones",
	[CUT_ANY] = "any-at-a-cut",
	[CUT_DS] = "ds-at-a-cut",
	[SIGNED_TYPE] = "type-of-signed-zones",
	[NATIVE_FAILED] = "native-servfail",
	[LOOP] = "loop",
	[DIFFERENT] = "different",
};

const char *const kind_text[KINDS] = {
	[KIND_DATA] = "data",
	[KIND_CHAIN] = "chain-without-data",
	[KIND_NODATA] = "nodata",
	[KIND_NXDOMAIN] = "nxdomain",
	[KIND_REFERRAL] = "referral",
	[KIND_REFUSED] = "refused",
	[KIND_OTHER] = "other-rcode",
};

struct chase {
	struct name last; /* the name that the chain ends at */
	unsigned hops;
	bool data; /* the answer holds records of it */
	bool loops;
};

/* The name that a DNAME of the answer above NAME turns it into. 1 or 0. */
static int
renamed(const struct message *m, const struct name *name, struct name *out)
{
	for (size_t i = 0; i < m->answer.count; i++) {
		const struct rr *rr = &m->answer.rrs[i];
		struct name owner = { .len = rr->owner_len }, target;
		size_t kept;

		if (rr->type != TYPE_DNAME)
			continue;
		memcpy(owner.wire, rr_octets(m, rr), owner.len);
		kept = name_below(name, &owner);
		if (kept == 0)
			continue;
		rr_target(m, rr, &target);
		if (kept + target.len > NAME_MAX_OCTETS)
			continue;
		memcpy(out->wire, name->wire, kept);
		memcpy(out->wire + kept, target.wire, target.len);
		out->len = (uint8_t)(kept + target.len);
		return 1;
	}
	return 0;
}

static int
aliased(const struct message *m, const struct name *name, struct name *out)
{
	for (size_t i = 0; i < m->answer.count; i++) {
		const struct rr *rr = &m->answer.rrs[i];

		if (rr->type == TYPE_CNAME && rr_owner_is(m, rr, name)) {
			rr_target(m, rr, out);
			return 1;
		}
	}
	return 0;
}

/* Follows the chain through the answer section. A DNAME is followed whatever was asked, a CNAME
 * unless it (or everything) was asked for. */
static void
chase(const struct message *m, const struct name *qname, uint16_t qtype, struct chase *out)
{
	*out = (struct chase){ .last = *qname };
	for (;;) {
		struct name next;

		if (!renamed(m, &out->last, &next) &&
		    (qtype == TYPE_CNAME || qtype == TYPE_ANY || !aliased(m, &out->last, &next)))
			break;
		out->last = next;
		if (++out->hops > HOPS_MAX) {
			out->loops = true;
			return;
		}
	}
	for (size_t i = 0; i < m->answer.count; i++) {
		const struct rr *rr = &m->answer.rrs[i];

		if ((rr->type == qtype || qtype == TYPE_ANY) && rr_owner_is(m, rr, &out->last))
			out->data = true;
	}
}

/* A referral for the name at the end of the chain. */
static bool
is_referral(const struct message *m, const struct chase *end)
{
	return message_rcode(m) == RCODE_NOERROR && !end->data &&
	       section_has(m, &m->authority, TYPE_NS, NULL) &&
	       !section_has(m, &m->authority, TYPE_SOA, NULL);
}

enum kind
message_kind(const struct message *m, const struct name *qname, uint16_t qtype)
{
	struct chase end;

	chase(m, qname, qtype, &end);
	switch (message_rcode(m)) {
	case RCODE_NXDOMAIN:
		return KIND_NXDOMAIN;
	case RCODE_REFUSED:
		return KIND_REFUSED;
	case RCODE_NOERROR:
		if (end.data)
			return KIND_DATA;
		if (is_referral(m, &end))
			return KIND_REFERRAL;
		return m->answer.count > 0 ? KIND_CHAIN : KIND_NODATA;
	default:
		return KIND_OTHER;
	}
}

/* Everything but the glue. */
static bool
mostly_equal(const struct message *a, const struct message *b)
{
	return (a->flags & FLAGS_COMPARED) == (b->flags & FLAGS_COMPARED) &&
	       section_is(a, &a->answer, b, &b->answer) &&
	       section_is(a, &a->authority, b, &b->authority);
}

static bool
compared_equal(const struct message *a, const struct message *b, const struct name *qname,
               uint16_t qtype)
{
	struct chase end;

	if (!mostly_equal(a, b))
		return false;
	chase(b, qname, qtype, &end);
	/* Glue belongs to a referral; other additional records are a courtesy. */
	return !is_referral(b, &end) || section_is(a, &a->additional, b, &b->additional);
}

static bool
is_server_of(const struct message *m, const struct name *name)
{
	for (size_t i = 0; i < m->authority.count; i++) {
		struct name target;

		if (m->authority.rrs[i].type != TYPE_NS)
			continue;
		rr_target(m, &m->authority.rrs[i], &target);
		if (name_is(&target, name))
			return true;
	}
	return false;
}

/* The zone that answers for NAME, or the root when native has none: the closest name above it that has a SOA. */
static int
zone_of(struct peer *native_peer, const struct name *name, struct message *part, struct name *out)
{
	struct name zone = *name;

	while (zone.len > 1) {
		int r = peer_ask(native_peer, &zone, TYPE_SOA, false, part);

		if (r < 0)
			return r;
		if (section_has(part, &part->answer, TYPE_SOA, &zone))
			break;
		size_t label = 1u + zone.wire[0];
		zone.len = (uint8_t)(zone.len - label);
		memmove(zone.wire, zone.wire + label, zone.len);
	}
	*out = zone;
	return 0;
}

/* Whether SERVER lies in a zone of its own below the one that referred: its addresses there are other ones. */
static int
is_of_child_zone(struct peer *native_peer, const struct message *native, const struct name *server,
                 struct message *part, bool *out)
{
	const struct rr *cut = &native->authority.rrs[0];
	const uint8_t *octets = rr_octets(native, cut);
	struct name above = { .len = (uint8_t)(cut->owner_len - 1 - octets[0]) }, here, there;
	int r;

	memcpy(above.wire, octets + 1 + octets[0], above.len);
	if ((r = zone_of(native_peer, &above, part, &here)) < 0 ||
	    (r = zone_of(native_peer, server, part, &there)) < 0)
		return r;
	*out = name_below(&there, &here) > 0;
	return 0;
}

/* Whether OURS has all of NATIVE's glue, and on top only addresses of the same servers, which must be
 * authoritative data of native's. Addresses below a DNAME, where no server may be (named refuses such
 * zones unless told otherwise), are glue in native zones only. */
static int
same_glue(struct peer *native_peer, const struct message *ours, const struct message *native,
          struct message *part, bool *out)
{
	bool child;
	int r;

	*out = false;
	for (size_t i = 0; i < native->additional.count; i++) {
		const struct rr *rr = &native->additional.rrs[i];
		struct name owner = { .len = rr->owner_len };

		if (section_holds(ours, &ours->additional, native, rr))
			continue;
		memcpy(owner.wire, rr_octets(native, rr), owner.len);
		r = peer_ask(native_peer, &owner, rr->type, false, part);
		if (r < 0)
			return r;
		if (!section_has(part, &part->answer, TYPE_DNAME, NULL))
			return 0;
	}
	for (size_t i = 0; i < ours->additional.count; i++) {
		const struct rr *rr = &ours->additional.rrs[i];
		struct name owner = { .len = rr->owner_len };

		if (section_holds(native, &native->additional, ours, rr))
			continue;
		memcpy(owner.wire, rr_octets(ours, rr), owner.len);
		if (!is_server_of(native, &owner))
			return 0;
		r = peer_ask(native_peer, &owner, rr->type, false, part);
		if (r < 0)
			return r;
		if ((part->flags & FLAG_AA) && section_holds(part, &part->answer, ours, rr))
			continue;
		r = is_of_child_zone(native_peer, native, &owner, part, &child);
		if (r < 0 || !child)
			return r;
	}
	*out = true;
	return 0;
}

enum verdict
judge_quickly(const struct message *ours, const struct message *native, const struct name *qname,
              uint16_t qtype)
{
	if ((ours->flags | native->flags) & FLAG_TC)
		return DIFFERENT;
	return compared_equal(ours, native, qname, qtype) ? SAME : DIFFERENT;
}

static int
append(struct message *to, const struct message *from)
{
	int r;

	section_clear(&to->authority);
	section_clear(&to->additional);
	if ((r = section_merge(to, &to->answer, from, &from->answer)) < 0 ||
	    (r = section_merge(to, &to->authority, from, &from->authority)) < 0)
		return r;
	return section_merge(to, &to->additional, from, &from->additional);
}

/* Puts the answer together that a server gives that follows chains from zone to zone: ANSWER is
 * native's to the question and grows by native's to the name where each part ends. */
static int
follow(struct peer *native_peer, const struct name *qname, uint16_t qtype, struct message *answer,
       struct message *part, struct chase *out_end, bool *out_loop, bool *out_crossed)
{
	unsigned hops = 0, links = 0;
	struct name from = *qname;
	struct chase end;
	int r;

	*out_loop = *out_crossed = false;
	chase(answer, &from, qtype, &end);
	*out_end = end;
	for (;;) {
		hops += end.hops;
		if (end.loops || hops >= RESTARTS || ++links > RESTARTS) {
			*out_loop = true;
			return 0;
		}
		/* Whoever gives a negative answer or a referral followed the chain to its end. */
		if (end.hops == 0 || end.data || message_rcode(answer) != RCODE_NOERROR ||
		    answer->authority.count > 0)
			return 0;
		from = end.last;
		r = peer_ask(native_peer, &from, qtype, false, part);
		if (r < 0)
			return r;
		if (message_rcode(part) == RCODE_REFUSED)
			return 0;
		*out_crossed = true;
		chase(part, &from, qtype, &end);
		r = append(answer, part);
		if (r < 0)
			return r;
		answer->flags = (uint16_t)((answer->flags & ~15u) | message_rcode(part));
		*out_end = end;
	}
}

/* DS is asked of a name at which a zone begins or is cut off. */
static int
stands_at_cut(struct peer *native_peer, const struct name *name, struct message *part, bool *out)
{
	int r = peer_ask(native_peer, name, TYPE_NS, false, part);

	if (r < 0)
		return r;
	*out = section_has(part, &part->answer, TYPE_NS, name) ||
	       section_has(part, &part->authority, TYPE_NS, name);
	return 0;
}

/* ANY at a cut: native refers, a DLZ database answers with the NS set itself. */
static bool
answers_the_referral(const struct message *ours, const struct message *native)
{
	if (message_rcode(ours) != RCODE_NOERROR)
		return false;
	for (size_t i = 0; i < native->authority.count; i++) {
		if (!section_holds(ours, &ours->answer, native, &native->authority.rrs[i]) &&
		    !section_holds(ours, &ours->authority, native, &native->authority.rrs[i]))
			return false;
	}
	return true;
}

static bool
is_type_of_signed_zones(uint16_t qtype)
{
	return qtype == TYPE_KEY || qtype == TYPE_NSEC || qtype == TYPE_SIG || qtype == TYPE_RRSIG;
}

static int
judge_with(struct peer *native_peer, const struct name *qname, uint16_t qtype,
           const struct message *ours, struct message *native, struct message *part,
           enum verdict *out_verdict)
{
	struct chase end, our_end;
	bool loop, crossed, cut, more;
	int r;

	if (message_rcode(native) == RCODE_SERVFAIL) {
		*out_verdict = NATIVE_FAILED;
		return 0;
	}
	r = follow(native_peer, qname, qtype, native, part, &end, &loop, &crossed);
	if (r < 0)
		return r;
	if (loop)
		*out_verdict = LOOP;
	else if (message_rcode(native) == RCODE_SERVFAIL)
		*out_verdict = NATIVE_FAILED;
	else if (crossed && mostly_equal(ours, native))
		/* named looks for the glue of a referral at the end in the zone where the chain began. */
		*out_verdict = SAME_CHAIN;
	else if (compared_equal(ours, native, qname, qtype))
		*out_verdict = SAME;
	else if (qtype == TYPE_ANY && is_referral(native, &end) &&
	         section_has(native, &native->authority, TYPE_NS, &end.last) &&
	         answers_the_referral(ours, native))
		*out_verdict = CUT_ANY;
	else if (is_type_of_signed_zones(qtype) && !end.data &&
	         section_has(ours, &ours->answer, TYPE_CNAME, &end.last))
		*out_verdict = SIGNED_TYPE;
	else
		*out_verdict = DIFFERENT;
	if (*out_verdict == DIFFERENT && mostly_equal(ours, native)) {
		r = same_glue(native_peer, ours, native, part, &more);
		if (r == 0 && more)
			*out_verdict = SAME_GLUE;
		return r;
	}
	if (*out_verdict != DIFFERENT || (qtype != TYPE_DS && !is_type_of_signed_zones(qtype)))
		return 0;
	r = stands_at_cut(native_peer, &end.last, part, &cut);
	if (r == 0 && !cut)
		r = stands_at_cut(native_peer, qname, part, &cut);
	if (r == 0 && !cut && qtype == TYPE_DS) {
		/* The chain ends for us where a zone begins, and goes on in the zone above for native. */
		chase(ours, qname, qtype, &our_end);
		r = stands_at_cut(native_peer, &our_end.last, part, &cut);
	}
	if (r == 0 && cut)
		*out_verdict = qtype == TYPE_DS ? CUT_DS : SIGNED_TYPE;
	return r;
}

int
judge(struct peer *other, struct peer *native_peer, const struct name *qname, uint16_t qtype,
      struct message *ours, struct message *native, enum verdict *out_verdict)
{
	struct message *whole = calloc(1, sizeof(*whole)), *part = calloc(1, sizeof(*part));
	int r = -ENOMEM;

	if (whole == NULL || part == NULL)
		goto out;
	/* A large answer over UDP may have lost additional records without a sign. */
	if (((ours->flags | native->flags) & FLAG_TC) || ours->wire_len > LARGE_ANSWER ||
	    native->wire_len > LARGE_ANSWER) {
		if ((r = peer_ask(other, qname, qtype, true, ours)) < 0 ||
		    (r = peer_ask(native_peer, qname, qtype, true, native)) < 0)
			goto out;
		if (compared_equal(ours, native, qname, qtype)) {
			*out_verdict = SAME;
			goto out;
		}
	}
	/* NATIVE stays as the server said it; the copy grows. */
	memcpy(whole->wire, native->wire, native->wire_len);
	whole->wire_len = native->wire_len;
	r = message_read(whole);
	if (r == 0)
		r = judge_with(native_peer, qname, qtype, ours, whole, part, out_verdict);
out:
	if (whole != NULL)
		message_done(whole);
	if (part != NULL)
		message_done(part);
	free(whole);
	free(part);
	return r;
}
