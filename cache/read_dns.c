/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * What is stored: settings, zones, records. A replica is found here as its master's nodes under its own origin, a
 * computed reverse zone as a zone that nobody stored.
 */
#include <config.h>

#include "cache/read_dns.h"

#include "cache/rrtype.h"

#include <errno.h>

enum {
	/* Of computed reverse zones, as ISPMan has them: 3H 15M 1W 1D. */
	REVERSE_MINIMUM = 86400,
	REVERSE_TTL = 86400,
};

#define REVERSE_TAIL "10800 900 604800 86400"

/* --- the view ----------------------------------------------------------------------------------- */

int
dns_open(const char *cache_dir, const char *run_dir, struct cache **out)
{
	const struct cache_options options = {
		.cache_dir = cache_dir,
		.audience = "dns",
		.format = DNS_FORMAT,
		.run_dir = run_dir,
	};

	return cache_open(&options, out);
}

static void
free_decoded(void *decoded)
{
	struct dns_view *view = decoded;

	text_free(&view->settings_octets);
	text_free(&view->catch_all_node);
	text_free(&view->reverse_head);
	text_free(&view->reverse_apex);
	dns_known_end(view);
	free(view);
}

static struct dns_view *
view_new(struct cache_view *base)
{
	struct dns_view *view = calloc(1, sizeof(*view));

	if (view == NULL)
		return NULL;
	dns_known_begin(view);
	view->base = base;
	base->decoded = view;
	base->free_decoded = free_decoded;
	return view;
}

static void
put_node(struct text *out, const struct rr *rrs, size_t count, uint8_t flags)
{
	struct node_writer writer;

	text_clear(out);
	node_begin(&writer, out);
	for (size_t i = 0; i < count; i++)
		node_put(&writer, &rrs[i]);
	node_end(&writer, flags);
}

/* `* CNAME <catch-all>` in every zone where that name has an address. */
static void
decode_catch_all(struct dns_view *view)
{
	static const struct dname root = { 1, { 0 } };
	struct span owner = view->settings.catch_all;
	const struct rr rr = { .type = RRTYPE_CNAME, .ttl = RECORD_TTL_DEFAULT, .text = owner };
	struct dname name;

	/* An absolute name is no owner within a zone. */
	view->has_catch_all = owner.len > 0 && owner.data[owner.len - 1] != '.' &&
	                      dname_from_text(owner, &root, &name) == 0;
	if (!view->has_catch_all)
		return;
	dns_question_set(&view->catch_all, &name);
	put_node(&view->catch_all_node, &rr, 1, NODE_HAS_CNAME);
}

static void
decode_reverse(struct dns_view *view)
{
	const struct settings_record *settings = &view->settings;
	const struct rr rrs[] = {
		{ .type = RRTYPE_NS, .ttl = REVERSE_TTL, .text = settings->primary_ns },
		{ .type = RRTYPE_NS, .ttl = REVERSE_TTL, .text = settings->secondary_ns },
	};

	view->computes_reverse = settings->prefix_count > 0 && settings->primary_ns.len > 0 && settings->rname.len > 0;
	if (!view->computes_reverse)
		return;
	text_clear(&view->reverse_head);
	text_put_span(&view->reverse_head, settings->primary_ns);
	text_put_char(&view->reverse_head, ' ');
	text_put_span(&view->reverse_head, settings->rname);
	put_node(&view->reverse_apex, rrs,
	         settings->secondary_ns.len > 0 && !span_is_nocase(settings->primary_ns, settings->secondary_ns) ? 2 : 1,
	         NODE_HAS_NS);
}

static int
decode_settings(struct dns_view *view)
{
	struct span value;
	int r = store_get(view->base->txn, 0, SPAN("s"), &value);

	if (r < 0)
		return r;
	if (r == 0) {
		text_clear(&view->settings_octets);
		view->settings = (struct settings_record){ 0 };
	} else if (!span_is(value, text_span(&view->settings_octets))) {
		text_clear(&view->settings_octets);
		text_put_span(&view->settings_octets, value);
		if (text_failed(&view->settings_octets))
			return -ENOMEM;
		r = settings_record_read(text_span(&view->settings_octets), &view->settings);
		if (r < 0) {
			text_clear(&view->settings_octets);
			return r;
		}
	} else {
		return 0;
	}
	decode_catch_all(view);
	decode_reverse(view);
	if (text_failed(&view->catch_all_node) || text_failed(&view->reverse_head) || text_failed(&view->reverse_apex)) {
		text_clear(&view->settings_octets);
		return -ENOMEM;
	}
	return 0;
}

int
dns_begin(struct cache *cache, struct dns_view **out)
{
	struct cache_view *base;
	struct dns_view *view;
	int r = cache_begin(cache, &base);

	if (r < 0)
		return r;
	view = base->decoded;
	if (view == NULL)
		view = view_new(base);
	if (view == NULL) {
		r = -ENOMEM;
	} else if (base->is_new) {
		dns_begin_epoch(view);
		r = decode_settings(view);
	}
	if (r < 0) {
		base->is_loaded = false;
		cache_end(base);
		return r;
	}
	view->near_count = 0;
	view->zone_row.key.len = 0;
	*out = view;
	return 0;
}

void
dns_end(struct dns_view *view)
{
	cache_end(view->base);
}

uint32_t
dns_second(const struct dns_view *view)
{
	return view->base->second;
}

uint64_t
dns_epoch(const struct dns_view *view)
{
	return view->process_epoch;
}

uint64_t
dns_snapshot(const struct dns_view *view)
{
	return view->base->txn_id;
}

/* --- explaining --------------------------------------------------------------------------------- */

void
dns_trace(struct dns_view *view, void (*say)(void *context, const char *sentence), void *context)
{
	view->say = say;
	view->say_context = context;
}

void
dns_say_name(const struct dns_view *view, const struct dns_question *question, unsigned labels, const char *before,
             const char *after)
{
	struct text sentence = TEXT_INIT;
	struct dname name;

	dname_strip(&question->name, question->labels - labels, &name);
	text_put(&sentence, before);
	/* Without the final dot, which would look like the sentence's. */
	if (labels > 0)
		dname_put_labels(&sentence, &name, labels);
	else
		text_put(&sentence, "the root");
	text_put(&sentence, after);
	view->say(view->say_context, text_str(&sentence));
	text_free(&sentence);
}

/* --- questions ---------------------------------------------------------------------------------- */

void
dns_question_set(struct dns_question *out, const struct dname *name)
{
	uint8_t starts[DNAME_LABELS_MAX + 1];
	unsigned n = 0;
	uint8_t used = 0;

	memcpy(out->name.wire, name->wire, name->len);
	out->name.len = name->len;
	dname_lower(&out->name);
	for (size_t i = 0; out->name.wire[i] != 0; i += 1u + out->name.wire[i])
		starts[n++] = (uint8_t)i;
	out->labels = (uint8_t)n;
	out->ends[0] = 0;
	for (unsigned i = 0; i < n; i++) {
		const uint8_t *label = out->name.wire + starts[n - 1 - i];

		memcpy(out->reversed + used, label, 1u + label[0]);
		used = (uint8_t)(used + 1u + label[0]);
		out->ends[i + 1] = used;
	}
	out->reversed_len = used;
	out->hash = dns_hash(span_from(out->reversed, used));
}

void
dns_question_cut(const struct dns_question *question, unsigned labels, struct dns_question *out)
{
	struct dname name;

	dname_strip(&question->name, question->labels - labels, &name);
	dns_question_set(out, &name);
}

/* --- stored zones ------------------------------------------------------------------------------- */

/* Makes *OUT of a served zone's record; its own, or that of the master it replicates. */
static void
take_zone(const struct dns_view *view, const struct zone_record *record, struct dns_zone *out)
{
	out->held = record->held;
	out->serial = zone_serial(record, &view->settings);
	out->soa_ttl = record->soa_ttl == RECORD_TTL_DEFAULT ? record->minimum : record->soa_ttl;
	out->minimum = record->minimum;
	out->soa_head = record->soa_head;
	out->soa_tail = record->soa_tail;
}

static bool
starts_with(struct span s, struct span prefix)
{
	return s.len >= prefix.len && memcmp(s.data, prefix.data, prefix.len) == 0;
}

static bool
is_served_primary(const struct zone_record *record)
{
	return record->kind == ZONE_PRIMARY && record->has_soa;
}

static int
take_replica(struct dns_view *view, const struct dns_question *question, unsigned labels,
             const struct zone_record *record, struct dns_zone *out)
{
	struct zone_record master;
	struct dns_question name;
	struct dname wire;
	struct span stored_key, value;
	struct key subject, key;
	int r;

	if (dname_from_wire(record->master, &wire) < 0)
		return -EBADMSG;
	dns_question_set(&name, &wire);
	key_zone(&subject, &wire);
	key_row(&key, key_span(&subject));
	/* Sought, not got: the key in the page is what stays valid. */
	r = store_cursor_seek(view->base->cursor, key_span(&key), &stored_key, &value);
	if (r < 0)
		return r;
	if (r == 0 || !span_is(stored_key, key_span(&key))) {
		dns_say(view, question, labels, "", " is a replica, but its master is not in the cache: not served.");
		return 0;
	}
	r = zone_record_read(value, &master);
	if (r < 0)
		return r;
	if (!is_served_primary(&master)) {
		dns_say(view, &name, name.labels, "", " is no primary zone with a SOA, so its replicas are not served.");
		return 0;
	}
	dns_say(view, &name, name.labels, "It is a replica: everything is read from its master ", ".");
	take_zone(view, &master, out);
	out->class = DNS_REPLICA;
	out->nodes = span_skip(stored_key, 1);
	return 1;
}

/* Whether the zone of STORED_KEY is served: 1 and *OUT but for what depends on the question. */
static int
take_stored(struct dns_view *view, const struct dns_question *question, unsigned labels, struct span stored_key,
            struct span value, struct dns_zone *out)
{
	struct zone_record record;
	int r = zone_record_read(value, &record);

	if (r < 0)
		return r;
	switch (record.kind) {
	case ZONE_PRIMARY:
		if (!record.has_soa) {
			dns_say(view, question, labels, "", " is a primary domain without a usable SOA: not served.");
			return 0;
		}
		dns_say(view, question, labels, "The zone is ",
		        record.held ? ", a primary; its SOA is missing or invalid now, the last good one is held."
		                    : ", a primary.");
		take_zone(view, &record, out);
		out->class = DNS_PRIMARY;
		out->nodes = span_skip(stored_key, 1);
		return 1;
	case ZONE_REPLICA:
		dns_say(view, question, labels, "The zone is ", ".");
		return take_replica(view, question, labels, &record, out);
	default:
		dns_say(view, question, labels, "", " is known, but no zone that is served from here.");
		return 0;
	}
}

/* Whether zones stand below a known one. */
static int
look_below(struct dns_view *view, struct known_zone *known)
{
	struct span zone = span_from(known->reversed.data - 1, known->reversed.len + 1); /* its row's key */
	uint8_t key[DNAME_MAX + 1];
	struct span found, value;
	int r;

	/* Behind its nodes, which have a 0 there. */
	memcpy(key, zone.data, zone.len);
	key[zone.len] = 1;
	r = store_cursor_seek(view->base->cursor, span_from(key, zone.len + 1), &found, &value);
	if (r < 0)
		return r;
	known->below = r > 0 && starts_with(found, zone) ? BELOW_SOME : BELOW_NONE;
	return 0;
}

/* From the node that the cursor stands on, *OUT_KEY and *OUT_VALUE, back to the record of its zone. 1, or 0 when there is none. */
static int
step_to_zone(struct dns_view *view, struct span zone, struct span *out_key, struct span *out_value)
{
	struct span key = *out_key, value = *out_value;
	int r = 1;

	while (view->near_count < NEAR_ROWS) {
		view->near[view->near_count++] = (struct near_row){ key, value };
		r = store_cursor_prev(view->base->cursor, &key, &value);
		if (r <= 0)
			return r;
		if (key.len <= zone.len)
			break;
	}
	if (key.len > zone.len)
		r = store_cursor_seek(view->base->cursor, zone, &key, &value);
	if (r <= 0)
		return r;
	*out_key = key;
	*out_value = value;
	return span_is(key, zone);
}

/* The zone of a name that was found before, and its node for the search that follows. */
static int
take_known_name(struct dns_view *view, const struct dns_question *question, const struct known_name *known,
                struct dns_zone *out)
{
	size_t zone_len = question->ends[known->zone_labels];
	struct zone_record record;
	int r = zone_record_read(span_from(known->zone + 1 + zone_len, known->zone_len), &record);

	if (r < 0)
		return r;
	take_zone(view, &record, out);
	out->class = DNS_PRIMARY;
	out->labels = known->zone_labels;
	out->nodes = span_from(known->zone + 1, zone_len);
	view->quiet_apex = (struct dns_hints){ .knows_apex = true };
	out->hints = &view->quiet_apex;
	view->near[view->near_count++] = (struct near_row){
		.key = span_from(known->node, 2u + question->reversed_len),
		.value = span_from(known->node + 2 + question->reversed_len, known->node_len),
	};
	return 1;
}

/* The longest stored zone that is served and encloses the question. */
static int
find_stored(struct dns_view *view, const struct dns_question *question, struct dns_zone *out)
{
	struct store_cursor *cursor = view->base->cursor;
	struct known_zone *known = view->say == NULL ? dns_known_zone(view, question) : NULL;
	unsigned labels = question->labels;
	uint8_t key[DNAME_MAX + 1];

	view->near_count = 0;
	view->zone_row.key.len = 0;
	if (known != NULL && known->below == BELOW_UNKNOWN) {
		int r = look_below(view, known);

		if (r < 0)
			return r;
	}
	if (known != NULL && known->below == BELOW_NONE) {
		*out = known->zone;
		out->hints = view->passing ? NULL : &known->hints;
		return 1;
	}
	if (known == NULL && view->say == NULL && !view->passing) {
		const struct known_name *name = dns_known_name(view, question);

		if (name != NULL)
			return take_known_name(view, question, name, out);
	}
	key[0] = 'n';
	memcpy(key + 1, question->reversed, question->reversed_len);
	while (labels > 0) {
		struct span wanted = span_from(key, 1u + question->ends[labels]);
		struct span found, value;
		int r = store_cursor_seek(cursor, wanted, &found, &value);

		if (r < 0)
			return r;
		if (r == 0 || !span_is(found, wanted)) {
			struct span stored;

			/* No such zone; the row before is of the longest that encloses the name, or of one below that or beside it. */
			r = store_cursor_prev(cursor, &found, &value);
			if (r <= 0)
				return r;
			if (found.data[0] != 'n')
				return 0;
			stored = span_from(found.data + 1, key_zone_len(span_skip(found, 1)));
			key_common_labels(span_skip(wanted, 1), stored, &labels);
			if (labels == 0)
				return 0;
			if (stored.len != question->ends[labels])
				continue;
			if (found.len > 1 + stored.len) {
				r = step_to_zone(view, span_from(key, 1 + stored.len), &found, &value);
				if (r < 0)
					return r;
				if (r == 0) {
					labels--;
					continue;
				}
			}
		}
		r = take_stored(view, question, labels, found, value, out);
		if (r > 0) {
			out->labels = (uint8_t)labels;
			out->hints = NULL;
			if (!view->passing) {
				dns_remember_zone(view, question, found, out);
				if (out->class == DNS_PRIMARY) {
					view->zone_row = (struct near_row){ found, value };
					view->sought_hash = question->hash;
					view->sought_len = question->reversed_len;
				}
			}
		}
		if (r != 0)
			return r;
		labels--;
	}
	return 0;
}

/* --- computed reverse zones --------------------------------------------------------------------- */

static int
take_computed(struct dns_view *view, const struct dns_question *question, unsigned labels, struct dns_zone *out)
{
	struct zone_record record = { 0 };
	uint8_t key[DNAME_MAX + 1];
	struct span value;
	int r;

	key[0] = 'n';
	memcpy(key + 1, question->reversed, question->ends[labels]);
	r = store_get(view->base->txn, 0, span_from(key, 1u + question->ends[labels]), &value);
	if (r > 0)
		r = zone_record_read(value, &record);
	if (r < 0)
		return r;
	dns_say(view, question, labels, "The zone is ", ", computed from addresses within reverse-prefixes.");
	*out = (struct dns_zone){
		.class = DNS_REVERSE,
		.labels = (uint8_t)labels,
		.serial = zone_serial(&record, &view->settings),
		.soa_ttl = REVERSE_TTL,
		.minimum = REVERSE_MINIMUM,
		.nodes = SPAN(""),
		.soa_head = text_span(&view->reverse_head),
		.soa_tail = SPAN(REVERSE_TAIL),
	};
	return 1;
}

int
dns_find_zone(struct dns_view *view, const struct dns_question *question, struct dns_zone *out)
{
	bool reverse = view->settings.prefix_count > 0 && dns_is_reverse(question);
	struct dns_zone zone;
	unsigned labels;
	int r;

	dns_expect_node(view, question->hash);
	r = find_stored(view, question, &zone);

	if (r == 0 && reverse && view->computes_reverse) {
		labels = dns_reverse_labels(view, question);
		if (labels > 0)
			r = take_computed(view, question, labels, &zone);
	}
	if (r == 0)
		dns_say(view, question, question->labels, "No zone that is served from here encloses ", ".");
	if (r <= 0)
		return r;
	zone.origin_len = (uint8_t)(question->ends[zone.labels] + 1u);
	zone.has_computed = reverse;
	*out = zone;
	return 1;
}

int
dns_pass_zone(struct dns_view *view, const struct dns_question *question, struct dns_zone *out)
{
	void (*say)(void *, const char *) = view->say;
	int r;

	view->say = NULL;
	view->passing = true;
	r = dns_find_zone(view, question, out);
	view->passing = false;
	view->say = say;
	return r;
}

int
dns_find_exact_zone(struct dns_view *view, const struct dns_question *question, struct dns_zone *out)
{
	struct dns_zone zone;
	int r = dns_find_zone(view, question, &zone);

	if (r <= 0 || zone.labels != question->labels)
		return r < 0 ? r : 0;
	*out = zone;
	return 1;
}

void
dns_zone_put_soa(const struct dns_zone *zone, struct text *out)
{
	char digits[12];
	size_t n = sizeof(digits);
	uint32_t serial = zone->serial;

	do {
		digits[--n] = (char)('0' + serial % 10);
		serial /= 10;
	} while (serial != 0);
	text_put_span(out, zone->soa_head);
	text_put_char(out, ' ');
	text_put_span(out, span_from(digits + n, sizeof(digits) - n));
	text_put_char(out, ' ');
	text_put_span(out, zone->soa_tail);
}

/* Copies *S to the end of ROOM, which has the memory already. */
static void
keep(struct span *s, struct text *room)
{
	char *place;

	if (s->len == 0)
		return;
	place = text_extend(room, s->len);
	memcpy(place, s->data, s->len);
	s->data = place;
}

/* Makes sure that N octets can be put into ROOM without its memory moving. */
static int
make_room(struct text *room, size_t n)
{
	size_t len = room->len;

	if (text_extend(room, n) == NULL)
		return -ENOMEM;
	room->len = len;
	return 0;
}

int
dns_zone_keep(struct dns_zone *zone, struct text *room)
{
	if (make_room(room, zone->soa_head.len + zone->soa_tail.len) < 0)
		return -ENOMEM;
	keep(&zone->soa_head, room);
	keep(&zone->soa_tail, room);
	zone->nodes = (struct span){ "", 0 };
	zone->hints = NULL;
	return 0;
}

/* --- records ------------------------------------------------------------------------------------ */

int
dns_records_keep(struct dns_records *records, struct text *room)
{
	if (make_room(room, records->stored.len + records->computed.len) < 0)
		return -ENOMEM;
	keep(&records->stored, room);
	keep(&records->computed, room);
	return 0;
}

int
dns_has_catch_all(struct dns_view *view, const struct dns_zone *zone, struct span nodes_key)
{
	const struct dns_question *owner = &view->catch_all;
	struct span value;
	struct node node;
	struct key key;
	int r;

	if (!view->has_catch_all || zone->class == DNS_REVERSE || nodes_key.len + owner->reversed_len > KEY_MAX)
		return 0;
	memcpy(key.octets, nodes_key.data, nodes_key.len);
	memcpy(key.octets + nodes_key.len, owner->reversed, owner->reversed_len);
	key.len = nodes_key.len + owner->reversed_len;
	r = store_get(view->base->txn, 0, key_span(&key), &value);
	if (r > 0)
		r = node_read(value, &node) < 0 ? -EBADMSG : (node.flags & NODE_HAS_A) != 0;
	return r;
}
