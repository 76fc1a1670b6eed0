/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * A whole zone, as a secondary takes it: stored nodes, computed PTR records in their gaps, and the catch-all, in one
 * order so that all records of a name come together.
 *
 * Stored data below a cut goes along, as named sends it (glue is among it); computed records there do not, and those of
 * another zone of ours further down neither.
 */
#include <config.h>

#include "cache/read_dns.h"

#include <errno.h>

/* A range of keys that all begin with BASE, and where the reading of it stands. */
struct range {
	struct store_cursor *cursor;
	size_t base;
	bool has_row;
	struct span owner; /* the row's key without the base */
	struct span value;
	uint8_t prefix[KEY_MAX];
};

struct transfer {
	struct dns_view *view;
	const struct dns_zone *zone;
	const struct dns_question *origin;
	struct range stored, computed;
	bool catch_all; /* is still to come */
	size_t cut_len; /* the owner that computed records are hidden below, 0: none */
	bool cut_itself; /* and at */
	uint8_t cut[DNAME_MAX];
};

static const struct span catch_all_owner = SPAN("\1*");

static bool
starts_with(struct span s, const void *prefix, size_t n)
{
	return s.len >= n && memcmp(s.data, prefix, n) == 0;
}

static int
compare(struct span a, struct span b)
{
	size_t n = a.len < b.len ? a.len : b.len;
	int order = n > 0 ? memcmp(a.data, b.data, n) : 0;

	return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

/* --- ranges ------------------------------------------------------------------------------------- */

static int
take_row(struct range *range, int r, struct span key, struct span value)
{
	range->has_row = r > 0 && starts_with(key, range->prefix, range->base);
	if (range->has_row) {
		range->owner = span_skip(key, range->base);
		range->value = value;
	}
	return r < 0 ? r : 0;
}

static int
range_begin(struct transfer *transfer, struct range *range)
{
	struct span key, value;
	int r = store_cursor_open(transfer->view->base->txn, 0, &range->cursor);

	if (r < 0)
		return r;
	r = store_cursor_seek(range->cursor, span_from(range->prefix, range->base), &key, &value);
	return take_row(range, r, key, value);
}

static int
range_next(struct range *range)
{
	struct span key, value;
	int r = store_cursor_next(range->cursor, &key, &value);

	return take_row(range, r, key, value);
}

/* Whether the computed row belongs to this zone: 1, 0 or negative. */
static int
is_ours(const struct transfer *transfer, struct span owner)
{
	struct dns_question question;
	struct dns_zone zone;
	struct dname name;
	int r;

	if (owner.len + transfer->origin->name.len > DNAME_MAX || key_to_name(owner, &name) < 0 ||
	    dname_join(&name, &transfer->origin->name, &name) < 0)
		return -EBADMSG;
	dns_question_set(&question, &name);
	r = dns_pass_zone(transfer->view, &question, &zone);
	return r < 0 ? r : r > 0 && zone.labels == transfer->zone->labels;
}

/* --- one name after the other --------------------------------------------------------------------- */

static bool
is_hidden(const struct transfer *transfer, struct span owner)
{
	return transfer->cut_len > 0 && starts_with(owner, transfer->cut, transfer->cut_len) &&
	       (transfer->cut_itself || owner.len > transfer->cut_len);
}

/* Remembers that OWNER is cut off, if nothing above it is. */
static void
note_cut(struct transfer *transfer, struct span owner, uint8_t flags)
{
	if (owner.len == 0 || owner.len > sizeof(transfer->cut) || (flags & (NODE_HAS_NS | NODE_HAS_DNAME)) == 0)
		return;
	if (transfer->cut_len > 0 && starts_with(owner, transfer->cut, transfer->cut_len))
		return;
	memcpy(transfer->cut, owner.data, owner.len);
	transfer->cut_len = owner.len;
	transfer->cut_itself = (flags & NODE_HAS_NS) != 0;
}

static int
emit(const struct transfer *transfer, struct span owner, struct span stored, struct span computed,
     int (*each)(void *context, const struct dname *owner, struct dns_records *records), void *context)
{
	struct dns_records records = {
		.stored = stored,
		.computed = computed,
		.minimum = transfer->zone->minimum,
		.origin_len = transfer->zone->origin_len,
		.replica = transfer->zone->class == DNS_REPLICA,
		.origin = transfer->origin->name.wire,
	};
	struct dname name;

	if (key_to_name(owner, &name) < 0)
		return -EBADMSG;
	/* A name that fits the master need not fit a replica with a longer name. */
	if (dname_join(&name, &transfer->origin->name, &name) < 0)
		return 0;
	return each(context, &name, &records);
}

/* Takes the next name of both ranges together: 1, 0 at the end, or negative. */
static int
next_name(struct transfer *transfer, struct span *out_owner, struct span *out_stored, struct span *out_computed)
{
	struct range *stored = &transfer->stored, *computed = &transfer->computed;
	struct span none = { "", 0 };
	struct node node = { 0 };
	int order, r;

	if (!stored->has_row && !computed->has_row)
		return 0;
	order = !stored->has_row ? 1 : !computed->has_row ? -1 : compare(stored->owner, computed->owner);
	*out_owner = order <= 0 ? stored->owner : computed->owner;
	*out_stored = *out_computed = none;
	if (order <= 0) {
		*out_stored = stored->value;
		if (node_read(stored->value, &node) < 0)
			return -EBADMSG;
		note_cut(transfer, stored->owner, node.flags);
		r = range_next(stored);
		if (r < 0)
			return r;
	}
	if (order >= 0) {
		r = is_ours(transfer, computed->owner);
		if (r < 0)
			return r;
		if (r > 0 && (node.flags & (NODE_HAS_PTR | NODE_HAS_CNAME)) == 0 &&
		    !is_hidden(transfer, computed->owner))
			*out_computed = computed->value;
		r = range_next(computed);
		if (r < 0)
			return r;
	}
	return 1;
}

static int
each_name(struct transfer *transfer,
          int (*each)(void *context, const struct dname *owner, struct dns_records *records), void *context)
{
	struct span owner, stored, computed;
	struct span catch_all = text_span(&transfer->view->catch_all_node);
	struct span none = { "", 0 };
	int r;

	while ((r = next_name(transfer, &owner, &stored, &computed)) > 0) {
		int order = compare(catch_all_owner, owner);

		if (transfer->catch_all && order <= 0 && (order < 0 || stored.len > 0)) {
			transfer->catch_all = false;
			if (order < 0) {
				r = emit(transfer, catch_all_owner, catch_all, none, each, context);
				if (r != 0)
					return r;
			}
		}
		/* The apex of a computed zone is nobody's row. */
		if (owner.len == 0 && transfer->zone->class == DNS_REVERSE)
			stored = text_span(&transfer->view->reverse_apex);
		if (stored.len > 0 || computed.len > 0) {
			r = emit(transfer, owner, stored, computed, each, context);
			if (r != 0)
				return r;
		}
	}
	if (r == 0 && transfer->catch_all)
		r = emit(transfer, catch_all_owner, catch_all, none, each, context);
	return r;
}

static int
begin_ranges(struct transfer *transfer)
{
	const struct dns_zone *zone = transfer->zone;
	int r;

	if (zone->class != DNS_REVERSE) {
		struct range *range = &transfer->stored;

		range->prefix[0] = 'n';
		memcpy(range->prefix + 1, zone->nodes.data, zone->nodes.len);
		range->base = 1 + zone->nodes.len + 1;
		range->prefix[range->base - 1] = 0;
		r = range_begin(transfer, range);
		if (r < 0)
			return r;
		r = dns_has_catch_all(transfer->view, zone, span_from(range->prefix, range->base));
		if (r < 0)
			return r;
		transfer->catch_all = r > 0;
	}
	if (zone->has_computed) {
		struct range *range = &transfer->computed;

		range->prefix[0] = 'r';
		memcpy(range->prefix + 1, transfer->origin->reversed, transfer->origin->reversed_len);
		range->base = 1u + transfer->origin->reversed_len;
		r = range_begin(transfer, range);
		if (r < 0)
			return r;
	}
	return 0;
}

int
dns_each_name(struct dns_view *view, const struct dns_zone *zone, const struct dns_question *origin,
              int (*each)(void *context, const struct dname *owner, struct dns_records *records), void *context)
{
	struct transfer transfer = { .view = view, .zone = zone, .origin = origin };
	int r = begin_ranges(&transfer);

	if (r == 0 && zone->class == DNS_REVERSE && !(transfer.computed.has_row && transfer.computed.owner.len == 0))
		r = emit(&transfer, SPAN(""), text_span(&view->reverse_apex), SPAN(""), each, context);
	if (r == 0)
		r = each_name(&transfer, each, context);
	store_cursor_close(transfer.stored.cursor);
	store_cursor_close(transfer.computed.cursor);
	return r;
}
