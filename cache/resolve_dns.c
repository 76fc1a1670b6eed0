/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * The rules of an answer (RFC 1034 4.3.2, RFC 4592, RFC 6672), on keys that sort a name before all that is below it.
 *
 * The name is walked down from the zone's apex. At each level one seek tells whether a node stands there, whether
 * something stands below (then the name exists, though empty), or neither; the last level that
 * exists is the closest encloser. The topmost cut or DNAME on the way is the answer.
 *
 * Two ranges of keys can hold a name's records: the zone's own nodes, and computed PTR records of address names. What exists
 * in either exists.
 */
#include <config.h>

#include "cache/read_dns.h"

#include <errno.h>

/* Explicitly hosted zones whose computed records are passed over before it is given up to tell theirs from ours. */
enum { FOREIGN_ZONES_MAX = 64 };

/* A question against one zone: the keys of its levels are prefixes of these two. */
struct search {
	struct dns_view *view;
	const struct dns_zone *zone;
	const struct dns_question *question;
	bool remembers;    /* what is found at the name answers the next question about it */
	bool all_computed; /* the question's name has computed records, so every level above it exists in that range */
	size_t stored_base, computed_base; /* octets before the owner's first label */
	uint8_t *stored, *computed;        /* in the view */
};

/* What stands at a level. */
struct place {
	bool exists;
	uint8_t flags; /* enum node_flag of both */
	struct span stored, computed;
	struct span stored_key; /* in the page */
};

static size_t
append(uint8_t *key, size_t len, const void *octets, size_t n)
{
	memcpy(key + len, octets, n);
	return len + n;
}

static void
search_begin(struct search *search, struct dns_view *view, const struct dns_zone *zone,
             const struct dns_question *question)
{
	size_t origin_len = question->ends[zone->labels];
	const uint8_t *owner = question->reversed + origin_len;
	size_t owner_len = question->reversed_len - origin_len;

	search->view = view;
	search->zone = zone;
	search->question = question;
	search->remembers = false;
	search->all_computed = false;
	search->stored = view->stored_key;
	search->computed = view->computed_key;
	if (zone->class != DNS_REVERSE) {
		search->stored[0] = 'n';
		search->stored_base = append(search->stored, 1, zone->nodes.data, zone->nodes.len);
		search->stored[search->stored_base++] = 0;
		append(search->stored, search->stored_base, owner, owner_len);
	}
	if (zone->has_computed) {
		search->computed[0] = 'r';
		search->computed_base = 1 + origin_len;
		append(search->computed, 1, question->reversed, question->reversed_len);
	}
}

/* Octets of the owner's first LEVEL labels below the apex. */
static size_t
owner_len(const struct search *search, unsigned level)
{
	unsigned origin = search->zone->labels;

	return search->question->ends[origin + level] - search->question->ends[origin];
}

/* --- one level ---------------------------------------------------------------------------------- */

/* 1 and the first pair at or below KEY, 0 when there is none. *OUT_HERE: it is KEY itself. */
static int
seek_below(struct dns_view *view, struct span key, struct span *out_key, struct span *out_value, bool *out_here)
{
	struct span found, value;
	int r = store_cursor_seek(view->base->cursor, key, &found, &value);

	if (r <= 0)
		return r;
	if (found.len < key.len || memcmp(found.data, key.data, key.len) != 0)
		return 0;
	*out_key = found;
	*out_value = value;
	*out_here = found.len == key.len;
	return 1;
}

/* 1 when a node or something below it is stored under KEY; *OUT_HERE: the node itself, in *OUT_ROW. */
static int
find_node(struct dns_view *view, uint64_t hash, struct span key, struct near_row *out_row, bool *out_here)
{
	int r;

	for (unsigned i = 0; i < view->near_count; i++) {
		if (span_is(view->near[i].key, key)) {
			*out_row = view->near[i];
			*out_here = true;
			return 1;
		}
	}
	r = dns_known_node(view, hash, key, &out_row->value);
	if (r > 0) {
		out_row->key = span_from(out_row->value.data - key.len, key.len);
		*out_here = true;
		return 1;
	}
	r = seek_below(view, key, &out_row->key, &out_row->value, out_here);
	if (r > 0 && *out_here)
		dns_remember_node(view, hash, out_row->key, out_row->value);
	return r;
}

/* Whether the name of a computed record lies in another zone below this one: 1 and where that zone's records
 * end in *OUT_BEYOND, else 0. */
static int
is_foreign(const struct search *search, struct span computed_key, struct key *out_beyond)
{
	struct dns_question name;
	struct dns_zone zone;
	struct dname wire;
	int r;

	if (key_to_name(span_skip(computed_key, 1), &wire) < 0)
		return -EBADMSG;
	dns_question_set(&name, &wire);
	r = dns_pass_zone(search->view, &name, &zone);
	if (r <= 0 || zone.labels <= search->zone->labels)
		return r < 0 ? r : 0;
	out_beyond->len = append(out_beyond->octets, 0, computed_key.data, 1u + name.ends[zone.labels]);
	/* No label is this long, so this sorts after all that lies in the zone. */
	out_beyond->octets[out_beyond->len++] = UINT8_MAX;
	return 1;
}

/* Looks at the computed records at and below KEY that belong to this zone. */
static int
look_at_computed(const struct search *search, struct span key, struct place *place)
{
	struct span found, value;
	struct key beyond;
	bool here;
	int r = seek_below(search->view, key, &found, &value, &here);

	for (unsigned i = 0; r > 0 && !here && !place->exists && !search->all_computed && i < FOREIGN_ZONES_MAX; i++) {
		r = is_foreign(search, found, &beyond);
		if (r < 0)
			return r;
		if (r == 0) {
			place->exists = true;
			return 0;
		}
		r = store_cursor_seek(search->view->base->cursor, key_span(&beyond), &found, &value);
		if (r > 0 && (found.len < key.len || memcmp(found.data, key.data, key.len) != 0))
			r = 0;
	}
	if (r <= 0)
		return r;
	place->exists = true;
	/* An explicit PTR or alias is what an admin wrote down; the computed one only fills gaps. */
	if (here && (place->flags & (NODE_HAS_PTR | NODE_HAS_CNAME)) == 0) {
		place->computed = value;
		place->flags |= NODE_HAS_PTR;
	}
	return 0;
}

/* Looks at the name whose keys these are (either may be empty). WILDCARD_AT_APEX: it is `*` right below the apex. */
static int
look_at(const struct search *search, uint64_t hash, struct span stored, struct span computed, bool wildcard_at_apex,
        struct place *out)
{
	struct near_row row;
	struct node node;
	bool here;
	int r;

	*out = (struct place){ 0 };
	if (stored.len > 0) {
		r = find_node(search->view, hash, stored, &row, &here);
		if (r < 0)
			return r;
		out->exists = r > 0;
		if (r > 0 && here) {
			r = node_read(row.value, &node);
			if (r < 0)
				return r;
			out->stored = row.value;
			out->stored_key = row.key;
			out->flags = node.flags;
		}
		if (wildcard_at_apex && out->stored.len == 0) {
			r = dns_has_catch_all(search->view, search->zone,
			                      span_from(search->stored, search->stored_base));
			if (r < 0)
				return r;
			if (r > 0) {
				out->stored = text_span(&search->view->catch_all_node);
				out->flags = NODE_HAS_CNAME;
				out->exists = true;
			}
		}
	}
	if (computed.len > 0)
		return look_at_computed(search, computed, out);
	return 0;
}

static bool
is_asterisk(const uint8_t *label)
{
	return label[0] == 1 && label[1] == '*';
}

/* A known apex without anything that ends the walk there need not be looked at on the way. */
static bool
may_pass_apex(const struct search *search)
{
	const struct dns_hints *hints = search->zone->hints;

	return hints != NULL && hints->knows_apex && (hints->apex_flags & NODE_HAS_DNAME) == 0 &&
	       search->question->labels > search->zone->labels;
}

static int
look_at_level(const struct search *search, unsigned level, struct place *out)
{
	const struct dns_zone *zone = search->zone;
	size_t n = owner_len(search, level);
	struct span stored = { "", 0 }, computed = { "", 0 };
	unsigned labels = zone->labels + level;
	uint64_t hash = labels == search->question->labels
	                        ? search->question->hash
	                        : dns_hash(span_from(search->question->reversed, search->question->ends[labels]));
	int r;

	if (zone->class != DNS_REVERSE)
		stored = span_from(search->stored, search->stored_base + n);
	if (zone->has_computed)
		computed = span_from(search->computed, search->computed_base + n);
	r = look_at(search, hash, stored, computed,
	            level == 1 && is_asterisk(search->question->reversed + search->question->ends[zone->labels]), out);
	if (r == 0 && level == 0 && zone->class == DNS_REVERSE) {
		out->stored = text_span(&search->view->reverse_apex);
		out->flags |= NODE_HAS_NS;
	}
	if (r == 0 && level == 0 && zone->hints != NULL) {
		zone->hints->apex_flags = out->flags;
		zone->hints->knows_apex = true;
	}
	if (r == 0 && level == 1 && labels == search->question->labels && search->remembers && out->stored_key.len > 0 &&
	    may_pass_apex(search))
		dns_remember_name(search->view, search->question, zone->labels, (struct near_row){ out->stored_key, out->stored });
	return r;
}

/* The wildcard below the name at LEVEL. */
static int
look_at_wildcard(struct search *search, unsigned level, struct place *out)
{
	struct dns_hints *hints = level == 0 ? search->zone->hints : NULL;
	size_t n = owner_len(search, level);
	struct span stored = { "", 0 }, computed = { "", 0 };
	uint8_t over_stored[2], over_computed[2];
	int r;

	if (hints != NULL && hints->knows_wildcard && !hints->has_wildcard) {
		*out = (struct place){ 0 };
		return 0;
	}

	/* The asterisk goes where the next label stands, and that is put back afterwards. */
	if (search->zone->class != DNS_REVERSE) {
		memcpy(over_stored, search->stored + search->stored_base + n, 2);
		append(search->stored, search->stored_base + n, "\1*", 2);
		stored = span_from(search->stored, search->stored_base + n + 2);
	}
	if (search->zone->has_computed) {
		memcpy(over_computed, search->computed + search->computed_base + n, 2);
		append(search->computed, search->computed_base + n, "\1*", 2);
		computed = span_from(search->computed, search->computed_base + n + 2);
	}
	r = look_at(search, dns_hash(stored), stored, computed, level == 0, out);
	if (stored.len > 0)
		memcpy(search->stored + search->stored_base + n, over_stored, 2);
	if (computed.len > 0)
		memcpy(search->computed + search->computed_base + n, over_computed, 2);
	if (r == 0 && hints != NULL) {
		hints->has_wildcard = out->exists;
		hints->knows_wildcard = true;
	}
	return r;
}

/* --- answers ------------------------------------------------------------------------------------ */

static struct dns_records
records_of(const struct search *search, const struct place *place)
{
	const struct dns_zone *zone = search->zone;
	const struct dname *name = &search->question->name;

	return (struct dns_records){
		.stored = place->stored,
		.computed = place->computed,
		.minimum = zone->minimum,
		.origin_len = zone->origin_len,
		.replica = zone->class == DNS_REPLICA,
		.origin = name->wire + name->len - zone->origin_len,
	};
}

/* DATA, or EMPTY where nothing stands or nothing can be served of it. */
static int
set_data(const struct search *search, const struct place *place, unsigned level, bool wildcard, struct dns_answer *out)
{
	struct dns_answer answer = {
		.outcome = DNS_EMPTY,
		.wildcard = wildcard,
		.level = (uint8_t)level,
		.records = records_of(search, place),
	};
	int r = place->stored.len > 0 || place->computed.len > 0;

	if (r > 0 && answer.records.replica) {
		struct dns_records records = answer.records;
		struct rr rr;

		r = dns_records_next(&records, &rr);
		if (r < 0)
			return r;
	}
	/* The apex always has its SOA. */
	if (r > 0 || (level == 0 && !wildcard))
		answer.outcome = DNS_DATA;
	*out = answer;
	return 0;
}

static int
answer_without_name(struct search *search, unsigned encloser, struct dns_answer *out)
{
	const struct dns_question *question = search->question;
	unsigned labels = search->zone->labels + encloser;
	struct place place;
	int r = look_at_wildcard(search, encloser, &place);

	if (r < 0)
		return r;
	dns_say(search->view, question, question->labels, "", " does not exist.");
	dns_say(search->view, question, labels, "The closest name above it that exists is ", ".");
	if (!place.exists) {
		dns_say(search->view, question, labels, "There is no wildcard *.", ": the answer is that the name does not exist.");
		*out = (struct dns_answer){ .outcome = DNS_NXDOMAIN, .level = (uint8_t)encloser };
		return 0;
	}
	dns_say(search->view, question, labels,
	        place.stored.data == search->view->catch_all_node.data && place.stored.len > 0
	                ? "The catch-all CNAME stands at *." : "The wildcard *.",
	        place.stored.len > 0 || place.computed.len > 0 ? ": its records answer." : " exists but has no records.");
	return set_data(search, &place, encloser, true, out);
}

static int
answer_at_name(const struct search *search, const struct place *place, unsigned level, struct dns_answer *out)
{
	dns_say(search->view, search->question, search->question->labels, "",
	        place->computed.len > 0 ? " has a computed PTR record."
	        : place->stored.len > 0 || level == 0 ? " exists, with records of its own."
	                                            : " exists only because there are names below it: it has no records.");
	return set_data(search, place, level, false, out);
}

/* When the question's own name has computed records, then the names above it exist in that range and need no second look. */
static int
look_ahead(struct search *search)
{
	struct span value;
	int r;

	if (!search->zone->has_computed)
		return 0;
	r = store_get(search->view->base->txn, 0,
	              span_from(search->computed, 1u + search->question->reversed_len), &value);
	if (r > 0)
		search->all_computed = true;
	return r < 0 ? r : 0;
}

static int
walk_down(struct search *search, bool minds_cuts, struct dns_answer *out)
{
	const struct dns_question *question = search->question;
	unsigned last = question->labels - search->zone->labels;
	struct place place = { 0 };
	bool below_cut = false;
	int r;

	for (unsigned level = last == 0 || (minds_cuts && !may_pass_apex(search)) ? 0 : 1; level <= last; level++) {
		r = look_at_level(search, level, &place);
		if (r < 0)
			return r;
		if (level > 0 && !place.exists && below_cut) {
			/* What a wildcard below a cut would make is no glue. */
			*out = (struct dns_answer){ .outcome = DNS_NXDOMAIN, .glue = true, .level = (uint8_t)(level - 1) };
			return 0;
		}
		if (level > 0 && !place.exists)
			return answer_without_name(search, level - 1, out);
		below_cut = below_cut || (level > 0 && (place.flags & NODE_HAS_NS) != 0);
		if (minds_cuts && level > 0 && (place.flags & NODE_HAS_NS) != 0) {
			dns_say(search->view, question, search->zone->labels + level, "",
			        " has NS records: the zone is cut there, the answer is a referral.");
			/* What is computed is hidden by the cut. */
			place.computed = (struct span){ "", 0 };
			*out = (struct dns_answer){ .outcome = DNS_CUT, .level = (uint8_t)level,
				.records = records_of(search, &place) };
			return 0;
		}
		/* A DNAME rewrites what is below it, not itself. */
		if (minds_cuts && level < last && (place.flags & NODE_HAS_DNAME) != 0) {
			dns_say(search->view, question, search->zone->labels + level, "",
			        " has a DNAME record: the name is rewritten with it.");
			*out = (struct dns_answer){ .outcome = DNS_DNAME, .level = (uint8_t)level,
				.records = records_of(search, &place) };
			return 0;
		}
	}
	r = answer_at_name(search, &place, last, out);
	if (r == 0)
		out->glue = below_cut;
	return r;
}

int
dns_resolve(struct dns_view *view, const struct dns_zone *zone, const struct dns_question *question,
            struct dns_answer *out)
{
	struct search search;
	int r;

	search_begin(&search, view, zone, question);
	search.remembers = view->zone_row.key.len > 0 && view->sought_hash == question->hash &&
	                   view->sought_len == question->reversed_len;
	r = look_ahead(&search);
	return r < 0 ? r : walk_down(&search, true, out);
}

int
dns_read_name(struct dns_view *view, const struct dns_zone *zone, const struct dns_question *question,
              struct dns_answer *out)
{
	struct search search;
	int r;

	search_begin(&search, view, zone, question);
	r = look_ahead(&search);
	return r < 0 ? r : walk_down(&search, false, out);
}
