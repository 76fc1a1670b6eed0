/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * The reduce of a node: the records of all entries with one owner become one sorted set, by the
 * rules that named holds zone files to.
 *
 * named refuses the whole zone for a CNAME beside other data or for two CNAMEs; here only the record that cannot stand
 * is left out. The result does not depend on the order in which entries came.
 */
#include <config.h>

#include "cache/project_dns_node.h"
#include "cache/rdata.h"
#include "cache/rrtype.h"

#include <errno.h>

enum { RRTYPE_SIG = 24, RRTYPE_KEY = 25, RRTYPE_RRSIG = 46, RRTYPE_NSEC = 47 };

/* Entries named in one problem about a CNAME. */
enum { CONFLICTS_NAMED = 3 };

static int
compare_items(const void *a, const void *b)
{
	const struct item *x = a;
	const struct item *y = b;
	int order = (int)x->record.type - (int)y->record.type;

	if (order == 0)
		order = compare_spans(x->record.text, y->record.text);
	if (order == 0)
		order = (x->record.ttl > y->record.ttl) - (x->record.ttl < y->record.ttl);
	if (order == 0)
		order = (x->entry_id > y->entry_id) - (x->entry_id < y->entry_id);
	return order;
}

/* By wire form, and in the order of items where that is equal. */
static int
compare_wires(const void *a, const void *b)
{
	const struct item *x = *(struct item *const *)a;
	const struct item *y = *(struct item *const *)b;
	int order = compare_spans(x->wire, y->wire);

	return order != 0 ? order : (x > y) - (x < y);
}

/* --- problems ----------------------------------------------------------------------------------------- */

struct text *
node_complain(struct node_reducing *n, const struct item *item)
{
	struct text *say = complaint_begin(&n->r->complaints);
	char room[RRTYPE_TEXT_MAX];

	text_putf(say, "The %s record ", rrtype_text(item->record.type, room));
	complaint_quote(say, item->record.text);
	text_put(say, " of ");
	dname_put_text(say, n->name);
	return say;
}

static void
drop_duplicate(struct node_reducing *n, const struct item *first, struct item *item)
{
	struct text *say;

	item->dropped = true;
	/* Two spellings within one entry harm nobody. */
	if (item->entry_id == first->entry_id || !complaints_wanted(&n->r->complaints))
		return;
	say = node_complain(n, item);
	text_put(say, " is served once, though it is in ");
	reducing_quote_dn(n->r, say, first->entry_id);
	text_put(say, " as well. Remove one of the two entries.");
	reducing_complain(n->r, "duplicate-record", item->entry_id);
}

static void
drop_second(struct node_reducing *n, const struct item *first, struct item *item)
{
	struct text *say;

	item->dropped = true;
	if (!complaints_wanted(&n->r->complaints))
		return;
	say = node_complain(n, item);
	text_put(say, " is not served: only one of its type may stand at a name, and ");
	complaint_quote(say, first->record.text);
	text_put(say, " is served, of ");
	reducing_quote_dn(n->r, say, first->entry_id);
	text_put(say, ". Remove one of the two.");
	reducing_complain(n->r, "several-records", item->entry_id);
}

/* --- duplicates and twins ------------------------------------------------------------------------------- */

/* Appends ITEM's wire form with ORIGIN to WIRES. Text that cannot be read is only equal to itself. */
static int
put_wire(const struct item *item, const struct dname *origin, struct rdata *rdata, struct text *wires)
{
	cleanup(text_free) struct text why = TEXT_INIT;
	int r = rdata_parse(item->record.type, item->record.text, origin, rdata, &why);

	if (r == -ENOMEM)
		return r;
	text_put_span(wires, r == 0 ? text_span(&rdata->wire) : item->record.text);
	return text_failed(wires) ? -ENOMEM : 0;
}

/* Items that are equal at the zone's own origin, the first of them in RUN[0]. They are the same record when they are equal with
 * any origin, which the root tells: a relative name is another one there. */
static int
settle_run(struct node_reducing *n, struct item **run, size_t count, struct rdata *rdata)
{
	static const struct dname root = { 1, { 0 } };
	cleanup(text_free) struct text wires = TEXT_INIT;
	size_t *ends;
	int r = 0;

	if (count == 1)
		return 0;
	ends = calloc(count + 1, sizeof(*ends));
	if (ends == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < count && r == 0; i++) {
		r = put_wire(run[i], &root, rdata, &wires);
		ends[i + 1] = wires.len;
	}
	for (size_t i = 1; i < count && r == 0; i++) {
		size_t len = ends[i + 1] - ends[i];

		run[i]->twin = true;
		for (size_t k = 0; k < i; k++) {
			if (run[k]->dropped || ends[k + 1] - ends[k] != len ||
			    memcmp(wires.data + ends[k], wires.data + ends[i], len) != 0)
				continue;
			run[i]->twin = false;
			drop_duplicate(n, run[k], run[i]);
			break;
		}
		/* At a replica's origin there would be two. */
		if (run[i]->twin && rdata_type_is_singleton(run[i]->record.type))
			drop_duplicate(n, run[0], run[i]);
	}
	free(ends);
	return r;
}

/* Finds duplicates among the COUNT records of one type that begin with FIRST. */
static int
compare_group(struct node_reducing *n, struct item *first, size_t count)
{
	cleanup(text_free) struct text wires = TEXT_INIT;
	struct rdata rdata = { TEXT_INIT, TEXT_INIT, 0 };
	struct item **order = calloc(count, sizeof(struct item *));
	size_t kept = 0;
	int r = order != NULL ? 0 : -ENOMEM;

	for (size_t i = 0; i < count && r == 0; i++) {
		struct item *item = &first[i];
		size_t before = wires.len;

		if (i > 0 && span_is(item->record.text, first[i - 1].record.text)) {
			size_t k = i - 1;

			while (first[k].dropped)
				k--;
			drop_duplicate(n, &first[k], item);
			continue;
		}
		r = put_wire(item, n->zone, &rdata, &wires);
		item->wire.len = wires.len - before;
		order[kept++] = item;
	}
	/* The buffer has stopped moving. */
	for (size_t i = 0, at = 0; i < kept && r == 0; at += order[i++]->wire.len)
		order[i]->wire.data = wires.data + at;
	if (r == 0)
		qsort(order, kept, sizeof(struct item *), compare_wires);
	for (size_t i = 0, end; i < kept && r == 0; i = end) {
		for (end = i + 1; end < kept && span_is(order[i]->wire, order[end]->wire);)
			end++;
		r = settle_run(n, order + i, end - i, &rdata);
	}
	free(order);
	rdata_free(&rdata);
	return r;
}

/* Only the first that is left of the COUNT records may stay. */
static void
keep_one(struct node_reducing *n, struct item *first, size_t count)
{
	const struct item *kept = NULL;

	for (size_t i = 0; i < count; i++) {
		if (first[i].dropped)
			continue;
		if (kept == NULL)
			kept = &first[i];
		else
			drop_second(n, kept, &first[i]);
	}
}

static int
settle_groups(struct node_reducing *n)
{
	for (size_t i = 0, end; i < n->count; i = end) {
		uint16_t type = n->items[i].record.type;
		int r;

		for (end = i + 1; end < n->count && n->items[end].record.type == type;)
			end++;
		if (end - i == 1)
			continue;
		r = compare_group(n, &n->items[i], end - i);
		if (r < 0)
			return r;
		if (rdata_type_is_singleton(type))
			keep_one(n, &n->items[i], end - i);
	}
	return 0;
}

/* --- CNAME and other data ----------------------------------------------------------------------------------- */

/* What named lets stand beside a CNAME. */
static bool
is_other_data(uint16_t type)
{
	return type != RRTYPE_CNAME && type != RRTYPE_KEY && type != RRTYPE_SIG &&
	       type != RRTYPE_NSEC && type != RRTYPE_RRSIG;
}

static void
put_conflicts(const struct node_reducing *n, struct text *say)
{
	char room[RRTYPE_TEXT_MAX];
	size_t named = 0;

	for (size_t i = 0; i < n->count; i++) {
		const struct item *item = &n->items[i];

		if (item->dropped || !is_other_data(item->record.type))
			continue;
		if (named++ == CONFLICTS_NAMED) {
			text_put(say, ", ...");
			return;
		}
		text_putf(say, "%s%s of ", named > 1 ? ", " : "", rrtype_text(item->record.type, room));
		reducing_quote_dn(n->r, say, item->entry_id);
	}
}

static void
settle_cname(struct node_reducing *n)
{
	struct item *cname = NULL;
	bool apex = dname_is(n->name, n->zone);
	bool other = apex;
	struct text *say;

	for (size_t i = 0; i < n->count; i++) {
		if (n->items[i].dropped)
			continue;
		if (n->items[i].record.type == RRTYPE_CNAME)
			cname = &n->items[i];
		other |= is_other_data(n->items[i].record.type);
	}
	if (cname == NULL || !other)
		return;
	cname->dropped = true;
	say = node_complain(n, cname);
	text_put(say, " is not served: a CNAME must stand alone, and there is ");
	if (apex)
		text_put(say, "always the SOA record at a zone's own name. Remove it.");
	else
		put_conflicts(n, say);
	if (!apex)
		text_put(say, ". Remove the CNAME or the other records.");
	reducing_complain(n->r, "cname-and-other-data", cname->entry_id);
}

/* --- all ------------------------------------------------------------------------------------------------------ */

static uint8_t
flag_of(uint16_t type)
{
	switch (type) {
	case RRTYPE_NS:
		return NODE_HAS_NS;
	case RRTYPE_DNAME:
		return NODE_HAS_DNAME;
	case RRTYPE_CNAME:
		return NODE_HAS_CNAME;
	case RRTYPE_A:
		return NODE_HAS_A;
	case RRTYPE_PTR:
		return NODE_HAS_PTR;
	default:
		return 0;
	}
}

static void
put_node(struct node_reducing *n)
{
	struct node_writer writer;
	uint8_t flags = 0;
	size_t kept = 0;

	node_begin(&writer, &n->r->out->value);
	for (size_t i = 0; i < n->count; i++) {
		const struct item *item = &n->items[i];

		if (item->dropped)
			continue;
		if (kept == UINT16_MAX) {
			struct text *say = complaint_begin(&n->r->complaints);

			text_put(say, "Not all records of ");
			dname_put_text(say, n->name);
			text_putf(say, " are served: there are more than %d. Remove some.", UINT16_MAX);
			reducing_complain(n->r, "too-many", item->entry_id);
			break;
		}
		node_put(&writer, &(struct rr){ .type = item->record.type,
		                                .flags = item->twin ? RR_TWIN : 0,
		                                .relative = item->record.relative,
		                                .ttl = item->record.ttl,
		                                .text = item->record.text });
		flags |= flag_of(item->record.type);
		kept++;
	}
	node_end(&writer, flags);
	n->r->out->present = kept > 0;
}

/* Reads all fragments into *OUT_ITEMS, which is the caller's to free. */
static int
read_items(const struct reduce_input *input, struct item **out_items, size_t *out_count)
{
	struct item *items = NULL;
	size_t count = 0, room = 0;

	for (size_t i = 0; i < input->count; i++) {
		struct item item = { .entry_id = input->fragments[i].entry_id };
		struct span rest;
		int r = payload_open(input->fragments[i].payload, &rest);

		while (r >= 0 && (r = payload_next_record(&rest, &item.record)) > 0) {
			if (count == room) {
				size_t larger = room > 0 ? room * 2 : input->count;
				struct item *moved = realloc(items, larger * sizeof(*items));

				if (moved == NULL) {
					r = -ENOMEM;
					break;
				}
				items = moved;
				room = larger;
			}
			items[count++] = item;
		}
		if (r < 0) {
			free(items);
			return r;
		}
	}
	*out_items = items;
	*out_count = count;
	return 0;
}

int
reduce_node(struct reducing *r, const struct dname *zone, const struct dname *name)
{
	struct node_reducing n = { r, zone, name, NULL, 0 };
	int result = read_items(r->input, &n.items, &n.count);

	if (result < 0 || n.count == 0) {
		free(n.items);
		return result;
	}
	if (n.count > 1) {
		qsort(n.items, n.count, sizeof(*n.items), compare_items);
		result = settle_groups(&n);
	}
	if (result == 0 && dname_is(name, zone))
		result = settle_apex(&n);
	if (result == 0) {
		settle_cname(&n);
		put_node(&n);
	}
	free(n.items);
	return result;
}
