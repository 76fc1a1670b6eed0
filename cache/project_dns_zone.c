/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * The reduce of a zone: its domain entry, its SOA and the serial that the directory keeps for it become
 * one zone record.
 *
 * ISPMan rewrites a SOA by deleting and adding it. So a served zone keeps its last good SOA for a while when it is
 * gone, and for as long as it takes when it is there but wrong.
 */
#include <config.h>

#include "cache/project_dns_parts.h"

#include <errno.h>

struct candidate {
	bool known;
	struct payload_zone zone;
	uint64_t entry_id;
};

struct zone_fragments {
	struct candidate domain, soa, bad_soa;
};

static int
compare_numbers(uint32_t a, uint32_t b)
{
	return (a > b) - (a < b);
}

/* > 0 when A is to be preferred: a primary, then a replica. */
static int
compare_domains(const struct payload_zone *a, const struct payload_zone *b)
{
	static const int rank[] = { [ZONE_NOT_SERVED] = 0, [ZONE_REPLICA] = 1, [ZONE_PRIMARY] = 2 };
	int order = rank[a->kind] - rank[b->kind];

	if (order == 0)
		order = -compare_spans(span_from(a->master.wire, a->master.len),
		                       span_from(b->master.wire, b->master.len));
	return order;
}

/* > 0 when A is to be preferred: the one with the higher serial. */
static int
compare_soas(const struct payload_zone *a, const struct payload_zone *b)
{
	int order = (int)a->serial_usable - (int)b->serial_usable;

	if (order == 0)
		order = compare_numbers(a->serial, b->serial);
	if (order == 0)
		order = -compare_spans(a->head, b->head);
	if (order == 0)
		order = -compare_spans(a->tail, b->tail);
	if (order == 0)
		order = -compare_numbers(a->ttl, b->ttl);
	return order;
}

typedef int compare_function(const struct payload_zone *a, const struct payload_zone *b);

static void
offer(struct candidate *best, const struct candidate *other, compare_function *compare)
{
	if (!best->known || compare(&other->zone, &best->zone) > 0)
		*best = *other;
}

/* All SOAs that cannot be read are alike. */
static int
compare_none(const struct payload_zone *a, const struct payload_zone *b)
{
	(void)a;
	(void)b;
	return 0;
}

/* Calls EACH with every item. Returns 0 or -EBADMSG. */
static int
each_item(const struct held_fragment *fragments, size_t count,
          void (*each)(void *context, const struct candidate *item), void *context)
{
	for (size_t i = 0; i < count; i++) {
		struct candidate item = { .known = true, .entry_id = fragments[i].entry_id };
		struct span rest;
		int r = payload_open(fragments[i].payload, &rest);

		while (r >= 0 && (r = payload_next_zone(&rest, &item.zone)) > 0)
			each(context, &item);
		if (r < 0)
			return r;
	}
	return 0;
}

static void
offer_item(void *context, const struct candidate *item)
{
	struct zone_fragments *found = context;

	if (item->zone.item == PAYLOAD_DOMAIN)
		offer(&found->domain, item, compare_domains);
	else if (item->zone.item == PAYLOAD_SOA)
		offer(&found->soa, item, compare_soas);
	else
		offer(&found->bad_soa, item, compare_none);
}

static int
read_fragments(const struct held_fragment *fragments, size_t count, struct zone_fragments *out)
{
	memset(out, 0, sizeof(*out));
	return each_item(fragments, count, offer_item, out);
}

int
project_dns_stored_serial(const struct held_fragment *fragments, size_t count, uint32_t *out_serial)
{
	struct zone_fragments found;

	if (read_fragments(fragments, count, &found) < 0 || !found.soa.known ||
	    !found.soa.zone.serial_usable)
		return 0;
	*out_serial = found.soa.zone.serial;
	return 1;
}

bool
project_dns_is_hosted(const struct held_fragment *fragments, size_t count)
{
	struct zone_fragments found;

	return read_fragments(fragments, count, &found) == 0 && found.domain.known &&
	       found.domain.zone.kind != ZONE_NOT_SERVED;
}

/* --- problems --------------------------------------------------------------------------------------- */

static void
complain_domain(struct reducing *r, const struct candidate *winner, const struct candidate *loser)
{
	struct text *say = complaint_begin(&r->complaints);

	text_put(say, "The entry is not used: the same domain is described by ");
	reducing_quote_dn(r, say, winner->entry_id);
	text_put(say, ". Remove one of the two.");
	reducing_complain(r, "duplicate-domain", loser->entry_id);
}

static void
complain_soa(struct reducing *r, const struct candidate *winner, const struct candidate *loser)
{
	struct text *say = complaint_begin(&r->complaints);

	text_put(say, "The zone has several SOA records; the one ");
	if (winner->zone.serial_usable)
		text_putf(say, "with serial %u ", winner->zone.serial);
	text_put(say, "of ");
	reducing_quote_dn(r, say, winner->entry_id);
	text_put(say, " is served, and not the one of this entry. Remove it.");
	reducing_complain(r, "several-soas", loser->entry_id);
}

struct losers {
	struct reducing *r;
	const struct zone_fragments *found;
};

/* Complains when ITEM was not chosen. */
static void
judge_item(void *context, const struct candidate *item)
{
	const struct losers *losers = context;
	const struct zone_fragments *found = losers->found;

	if (item->zone.item == PAYLOAD_DOMAIN && item->entry_id != found->domain.entry_id)
		complain_domain(losers->r, &found->domain, item);
	/* Two tools in the middle of the same change leave two equal ones. */
	if (item->zone.item == PAYLOAD_SOA && compare_soas(&item->zone, &found->soa.zone) != 0)
		complain_soa(losers->r, &found->soa, item);
}

static void
complain_no_soa(struct reducing *r, const struct dname *zone, const struct zone_fragments *found,
                bool held)
{
	struct text *say = complaint_begin(&r->complaints);
	bool bad = found->bad_soa.known;

	text_put(say, bad ? "The SOA record of zone " : "Zone ");
	dname_put_text(say, zone);
	text_put(say, bad ? " cannot be read, " : " has no SOA record, ");
	if (!held)
		text_put(say, "and so the zone is not served. ");
	else if (bad)
		text_put(say, "and the last good one is served instead. ");
	else
		text_putf(say,
		          "and the last one is served for %u seconds after it went missing. ",
		          (unsigned)r->settings->soa_hold);
	text_put(say, bad ? "Correct it."
	                  : "Add one for the owner @ below ou=sOARecord of the zone's node.");
	reducing_complain(r, bad ? "soa-invalid" : "soa-missing",
	                  bad ? found->bad_soa.entry_id : found->domain.entry_id);
}

static void
complain_serial(struct reducing *r, const struct candidate *soa)
{
	struct text *say = complaint_begin(&r->complaints);

	text_put(say, "The serial of the zone's SOA record does not fit into 32 bits and is ignored; a serial made "
	              "from the time of changes is served. Write a smaller one.");
	reducing_complain(r, "bad-serial", soa->entry_id);
}

static void
complain_no_domain(struct reducing *r, const struct dname *zone, const struct candidate *soa)
{
	struct text *say = complaint_begin(&r->complaints);

	text_put(say, "Zone ");
	dname_put_text(say, zone);
	text_put(say, " is not served: it has a SOA record, but no entry ");
	text_put_span(say, r->settings->profile->domain_attribute);
	text_put(say, " directly below the base. Add the domain, or remove its records.");
	reducing_complain(r, "no-domain", soa->entry_id);
}

/* --- the record --------------------------------------------------------------------------------------- */

static void
use_soa(struct zone_record *record, const struct payload_zone *soa)
{
	record->has_soa = true;
	record->stored_usable = soa->serial_usable;
	record->stored_serial = soa->serial;
	record->soa_ttl = soa->ttl;
	record->minimum = soa->minimum;
	record->soa_head = soa->head;
	record->soa_tail = soa->tail;
}

static void
keep_soa(struct zone_record *record, const struct zone_record *served)
{
	record->has_soa = true;
	record->held = true;
	record->stored_usable = served->stored_usable;
	record->stored_serial = served->stored_serial;
	record->soa_ttl = served->soa_ttl;
	record->minimum = served->minimum;
	record->soa_head = served->soa_head;
	record->soa_tail = served->soa_tail;
}

/* A primary without a SOA that can be used: the served one may stand in for it. */
static void
hold_soa(struct reducing *r, const struct dname *zone, const struct zone_fragments *found,
         struct zone_record *record)
{
	const struct reduce_input *input = r->input;
	struct zone_record served;
	uint64_t until = 0;
	bool held = zone_record_read(input->served, &served) == 0 && served.has_soa;

	if (held && !found->bad_soa.known) {
		/* The second that has begun does not count. */
		until = input->hold_until != 0          ? input->hold_until
		        : r->settings->soa_hold != 0 ? input->now + r->settings->soa_hold + 1
		                                         : input->now;
		held = input->now < until;
	}
	if (held) {
		keep_soa(record, &served);
		r->out->hold_until = until;
	}
	complain_no_soa(r, zone, found, held);
}

int
reduce_zone(struct reducing *r, const struct dname *zone)
{
	const struct reduce_input *input = r->input;
	struct zone_fragments found;
	struct zone_record record = {
		.serial = input->serial,
		.epoch = input->epoch,
		.soa_ttl = RECORD_TTL_DEFAULT,
		.master = { "", 0 },
		.soa_head = { "", 0 },
		.soa_tail = { "", 0 },
	};
	int result = read_fragments(input->fragments, input->count, &found);

	if (result == 0)
		result = each_item(input->fragments, input->count, judge_item, &(struct losers){ r, &found });
	if (result < 0)
		return result;
	/* A zone that is gone leaves its serial behind: it may come back. */
	if (!found.domain.known && !found.soa.known && !found.bad_soa.known && input->serial == 0)
		return 0;

	if (found.domain.known)
		record.kind = found.domain.zone.kind;
	else if (found.soa.known)
		complain_no_domain(r, zone, &found.soa);
	if (record.kind == ZONE_REPLICA) {
		record.master = span_from(found.domain.zone.master.wire, found.domain.zone.master.len);
	} else if (found.soa.known) {
		use_soa(&record, &found.soa.zone);
		if (!record.stored_usable)
			complain_serial(r, &found.soa);
	} else if (record.kind == ZONE_PRIMARY) {
		hold_soa(r, zone, &found, &record);
	}
	zone_record_put(&r->out->value, &record);
	r->out->present = true;
	return 0;
}
