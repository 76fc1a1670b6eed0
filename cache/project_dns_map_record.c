/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * A record entry to fragments of zones, nodes and reverse names.
 *
 * Two claims must agree before anything is believed: where the entry stands, and the zone that
 * it names. Whoever may write below one zone node must not be able to speak for another zone.
 * The owner comes from the entry, the values from all its record attributes, wherever below the
 * zone node it stands; only TXT and SOA need their branch, since ISPMan keeps bookkeeping in
 * tXTRecord and pTRRecord attributes of other entries.
 */
#include <config.h>

#include "cache/project_dns_parts.h"
#include "cache/rdata.h"
#include "cache/rrtype.h"

#include <errno.h>

/* ISPMan writes one owner and one value an entry; a hand-made entry may hold more. */
enum { OWNERS_MAX = 256, ADDRESSES_MAX = 256, RECORDS_MAX = 16384 };

enum { TTL_MAX = INT32_MAX };

/* Types that no DLZ zone can answer with, since named then never signs. */
enum { RRTYPE_SIG = 24, RRTYPE_RRSIG = 46, RRTYPE_NSEC3 = 50 };

struct record_entry {
	struct mapping *m;
	struct dname zone;
	uint16_t branch; /* the type whose branch the entry stands in, or 0 */
	uint32_t ttl;

	struct dname *owners; /* in the arena, as the addresses */
	size_t owner_count;
	struct span first_owner; /* as written, for problems */

	struct text records;     /* payload for a node: every record that is right */
	size_t record_count;
	bool has_ns;
	struct text wildcard_records; /* the same without NS records, when there are any */

	struct address *addresses;
	size_t address_count;
	struct text soas; /* payload for the zone */

	struct rdata rdata; /* reused */
	struct text scratch, why;
};

/* --- problems -------------------------------------------------------------------------------------- */

static void
put_where(const struct record_entry *e, struct text *say)
{
	text_put(say, " of ");
	complaint_quote(say, e->first_owner);
	text_put(say, " in zone ");
	dname_put_text(say, &e->zone);
}

/* "aRecord "1.2.3" of "www" in zone tern.example. is not served: " */
static struct text *
complain_about(struct record_entry *e, struct span attribute, struct span value)
{
	struct text *say = complaint_begin(&e->m->complaints);

	text_put_span(say, attribute);
	text_put_char(say, ' ');
	complaint_quote(say, value);
	put_where(e, say);
	text_put(say, " is not served: ");
	return say;
}

static void
complain_limit(struct record_entry *e, const char *what, unsigned limit)
{
	struct text *say = complaint_begin(&e->m->complaints);

	text_putf(say, "Only the first %u %s of the entry are used; spread them over more entries.", limit,
	          what);
	mapping_complain(e->m, "too-many");
}

/* --- where the entry stands --------------------------------------------------------------------------- */

static bool
is_zone_label(const struct profile *profile, const struct rdn *rdn)
{
	return rdn->single && span_is_nocase(rdn->type, profile->zone_label_attribute);
}

/* The type T of a branch "ou=TRecord", or 0. */
static uint16_t
branch_type(const struct rdn *rdn)
{
	uint16_t type;

	if (!span_is_nocase(rdn->type, SPAN("ou")) ||
	    rrtype_from_attribute(span_trim(rdn->value), &type) < 0)
		return 0;
	return type;
}

/* The zone that the entry's place names: dc=..., dc=..., up to the DNS branch directly below the base. */
static bool
zone_by_position(const struct profile *profile, const struct placed_entry *placed,
                 struct dname *out_zone, uint16_t *out_branch)
{
	size_t top = placed->depth - 1; /* the branch */
	size_t node = top;              /* becomes the zone node */
	size_t used = 0;

	if (top < 1 || !span_is_nocase(placed->rdns[top].normalised, profile->dns_branch))
		return false;
	while (node > 0 && is_zone_label(profile, &placed->rdns[node - 1]))
		node--;
	if (node == top)
		return false;
	for (size_t i = 0; i < node; i++)
		if (is_zone_label(profile, &placed->rdns[i]))
			return false;
	for (size_t i = node; i < top; i++) {
		struct span label = span_trim(placed->rdns[i].value);

		if (label.len == 0 || label.len > DNAME_LABEL_MAX ||
		    used + 1 + label.len + 1 > DNAME_MAX)
			return false;
		out_zone->wire[used++] = (uint8_t)label.len;
		memcpy(out_zone->wire + used, label.data, label.len);
		used += label.len;
	}
	out_zone->wire[used++] = 0;
	out_zone->len = (uint8_t)used;
	dname_lower(out_zone);
	*out_branch = node >= 2 ? branch_type(&placed->rdns[node - 1]) : 0;
	return true;
}

/* Whether the entry's own words name the zone it stands in; foreign names among them are complained about. */
static bool
zone_is_claimed(struct record_entry *e)
{
	const struct profile *profile = e->m->settings->profile;
	const struct attribute *names = entry_find(e->m->placed->entry, profile->zone_attribute);
	bool claimed = false;
	struct text *say;

	for (size_t i = 0; names != NULL && i < names->count; i++) {
		struct span text = span_trim(names->values[i]);
		struct dname name;

		if (dname_from_text(text, NULL, &name) == 0 && dname_is(&name, &e->zone)) {
			claimed = true;
			continue;
		}
		say = complaint_begin(&e->m->complaints);
		text_put_span(say, profile->zone_attribute);
		text_put_char(say, ' ');
		complaint_quote(say, text);
		text_put(say, " has no effect: the entry stands in zone ");
		dname_put_text(say, &e->zone);
		text_put(say, " and can speak for no other. Correct it, or move the entry.");
		mapping_complain(e->m, "foreign-claim");
	}
	if (names == NULL || names->count == 0) {
		say = complaint_begin(&e->m->complaints);
		text_put(say, "The records are not served: the entry has no ");
		text_put_span(say, profile->zone_attribute);
		text_put(say, ". Set it to the zone's name, ");
		dname_put_text(say, &e->zone);
		mapping_complain(e->m, "no-zone-name");
	}
	return claimed;
}

/* --- whose records ------------------------------------------------------------------------------------- */

static bool
is_wildcard(const struct dname *name)
{
	return name->wire[0] == 1 && name->wire[1] == '*';
}

static void
add_owner(struct record_entry *e, struct span value)
{
	struct span text = span_trim(value);
	struct dname owner;
	const char *wrong = NULL;
	int r = dname_from_text(text, &e->zone, &owner);
	struct text *say;

	if (r == -ENAMETOOLONG)
		wrong = "is too long: with the zone's name it exceeds 255 octets. Shorten it.";
	else if (r < 0)
		wrong = "is no owner name. Write @ for the zone itself, or a name relative to the zone.";
	else if (!dname_is_within(&owner, &e->zone))
		wrong = "lies outside the zone. Leave out the final dot if it was meant to be relative.";
	if (wrong != NULL) {
		say = complaint_begin(&e->m->complaints);
		text_put(say, "The records are not served: in zone ");
		dname_put_text(say, &e->zone);
		text_put_char(say, ' ');
		text_put_span(say, e->m->settings->profile->owner_attribute);
		text_put_char(say, ' ');
		complaint_quote(say, text);
		text_putf(say, " %s", wrong);
		mapping_complain(e->m, r == 0 ? "foreign-claim" : "bad-owner");
		return;
	}
	dname_lower(&owner);
	for (size_t i = 0; i < e->owner_count; i++)
		if (dname_is(&e->owners[i], &owner))
			return;
	if (e->owner_count == 0)
		e->first_owner = text;
	e->owners[e->owner_count++] = owner;
}

static int
read_owners(struct record_entry *e)
{
	const struct profile *profile = e->m->settings->profile;
	const struct attribute *names = entry_find(e->m->placed->entry, profile->owner_attribute);
	const struct rdn *rdn = &e->m->placed->rdns[0];
	size_t count = names != NULL ? names->count : 0;
	struct text *say;

	if (count > OWNERS_MAX)
		count = OWNERS_MAX;
	e->owners = arena_alloc(e->m->arena, (count > 0 ? count : 1) * sizeof(*e->owners));
	if (e->owners == NULL)
		return -ENOMEM;
	if (names != NULL && count > 0) {
		for (size_t i = 0; i < count; i++)
			add_owner(e, names->values[i]);
		if (names->count > count)
			complain_limit(e, "owners", OWNERS_MAX);
	} else if (span_is_nocase(rdn->type, profile->owner_attribute)) {
		add_owner(e, rdn->value);
	} else {
		say = complaint_begin(&e->m->complaints);
		text_put(say, "The records are not served: the entry has no ");
		text_put_span(say, profile->owner_attribute);
		text_put(say, ". Set it to @ for the zone itself, or to a name relative to the zone.");
		mapping_complain(e->m, "bad-owner");
	}
	return 0;
}

/* --- values --------------------------------------------------------------------------------------------- */

static void
read_ttl(struct record_entry *e)
{
	const struct profile *profile = e->m->settings->profile;
	const struct attribute *ttls = entry_find(e->m->placed->entry, profile->ttl_attribute);

	e->ttl = RECORD_TTL_DEFAULT;
	for (size_t i = 0; ttls != NULL && i < ttls->count; i++) {
		struct text *say;
		uint64_t ttl;

		if (span_to_u64(span_trim(ttls->values[i]), TTL_MAX, &ttl) == 0) {
			if (ttl < e->ttl)
				e->ttl = (uint32_t)ttl;
			continue;
		}
		say = complaint_begin(&e->m->complaints);
		text_put_span(say, profile->ttl_attribute);
		text_put_char(say, ' ');
		complaint_quote(say, ttls->values[i]);
		put_where(e, say);
		text_putf(say, " is ignored: it must be a number of seconds from 0 to %d.", (int)TTL_MAX);
		mapping_complain(e->m, "bad-ttl");
	}
}

/* Reads a NS or MX record. A target that was typed without its final dot is relative to the zone when it is a
 * single label; anything longer was meant to be a full name. */
static int
parse_target(struct record_entry *e, uint16_t type, struct span value)
{
	static const struct dname root = { 1, { 0 } };
	struct span rest, word, name = { "", 0 };
	int r = rdata_parse(type, value, &root, &e->rdata, &e->why);

	if (r < 0)
		return r;
	rest = text_span(&e->rdata.text);
	while (span_next_word(&rest, &word))
		name = word;
	if (name_is_absolute(name) || span_is(name, SPAN("@")))
		return 0;
	text_clear(&e->scratch);
	text_put_span(&e->scratch, text_span(&e->rdata.text));
	if (!name_has_dot(name))
		return rdata_parse(type, text_span(&e->scratch), &e->zone, &e->rdata, &e->why);
	text_put_char(&e->scratch, '.');
	return rdata_parse(type, text_span(&e->scratch), &root, &e->rdata, &e->why);
}

static int
parse_value(struct record_entry *e, uint16_t type, struct span value, bool bare)
{
	text_clear(&e->why);
	if (bare)
		return rdata_parse_txt(type, value, &e->rdata, &e->why);
	value = span_trim(value);
	if (type == RRTYPE_NS || type == RRTYPE_MX)
		return parse_target(e, type, value);
	return rdata_parse(type, value, &e->zone, &e->rdata, &e->why);
}

/* Checks one value and keeps it. Returns 0 or -ENOMEM. */
static int
add_record(struct record_entry *e, uint16_t type, struct span attribute, struct span value, bool bare)
{
	struct payload_record record;
	int r;

	if (e->record_count == RECORDS_MAX)
		complain_limit(e, "values", RECORDS_MAX);
	if (e->record_count++ >= RECORDS_MAX)
		return 0;
	if (type == RRTYPE_SIG || type == RRTYPE_RRSIG || type == RRTYPE_NSEC3) {
		struct text *say = complain_about(e, attribute, value);

		text_put(say, "zones are served unsigned, and signatures and NSEC3 belong to a signed zone. "
		              "Remove it; sign on a secondary of this server.");
		mapping_complain(e->m, "bad-record");
		return 0;
	}
	r = parse_value(e, type, value, bare);
	if (r == -EINVAL) {
		struct text *say = complain_about(e, attribute, value);

		text_put_span(say, text_span(&e->why));
		text_put(say, ". Correct or remove it.");
		mapping_complain(e->m, "bad-record");
		return 0;
	}
	if (r < 0)
		return r;
	record = (struct payload_record){ type, e->rdata.relative, e->ttl, text_span(&e->rdata.text) };
	if (type == RRTYPE_NS && !e->has_ns) {
		text_put_span(&e->wildcard_records, text_span(&e->records));
		e->has_ns = true;
	}
	payload_put_record(&e->records, &record);
	if (type != RRTYPE_NS && e->has_ns)
		payload_put_record(&e->wildcard_records, &record);
	return 0;
}

/* "TYPE data" */
static int
add_unknown(struct record_entry *e, struct span attribute, struct span value)
{
	struct span rest = span_trim(value), word = { "", 0 };
	struct text *say;
	uint16_t type;

	if (span_next_word(&rest, &word) && rrtype_from_text(word, &type) == 0 && !rrtype_is_meta(type) &&
	    type != RRTYPE_SOA)
		return add_record(e, type, attribute, rest, false);
	say = complain_about(e, attribute, value);
	text_put(say, "it must begin with the record's type, as in \"TYPE65280 \\# 2 0A0B\"");
	text_put(say, word.len > 0 ? ", and this is no type that may stand here." : ".");
	mapping_complain(e->m, "bad-record");
	return 0;
}

/* An address says "publish the reverse as well"; anything else is a PTR record. */
static int
add_pointer(struct record_entry *e, struct span attribute, struct span value)
{
	const struct dns_settings *settings = e->m->settings;
	struct span text = span_trim(value);
	struct address address;
	struct text *say;

	if (text.len > 1 && text.data[text.len - 1] == '.')
		text.len--;
	if (!address_from_text(text, &address))
		return add_record(e, RRTYPE_PTR, attribute, value, false);
	/* Without prefixes no reverse zones are computed, and the marker means nothing. */
	if (settings->prefix_count == 0)
		return 0;
	if (e->addresses == NULL)
		e->addresses = arena_alloc(e->m->arena, ADDRESSES_MAX * sizeof(*e->addresses));
	if (e->addresses == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < settings->prefix_count; i++) {
		if (!address_is_within(&address, &settings->prefixes[i]))
			continue;
		for (size_t k = 0; k < e->address_count; k++)
			if (memcmp(&e->addresses[k], &address, sizeof(address)) == 0)
				return 0;
		if (e->address_count < ADDRESSES_MAX)
			e->addresses[e->address_count++] = address;
		else
			complain_limit(e, "addresses", ADDRESSES_MAX);
		return 0;
	}
	say = complain_about(e, attribute, value);
	text_put(say, "the address lies outside reverse-prefixes (");
	for (size_t i = 0; i < settings->prefix_count; i++) {
		if (i == 8) {
			text_put(say, ", ...");
			break;
		}
		if (i > 0)
			text_put(say, ", ");
		address_put_prefix(say, &settings->prefixes[i]);
	}
	text_put(say, "). Remove it, or add the prefix to the configuration.");
	mapping_complain(e->m, "foreign-claim");
	return 0;
}

/* --- SOA ------------------------------------------------------------------------------------------------ */

static bool
stands_at_apex(const struct record_entry *e)
{
	for (size_t i = 0; i < e->owner_count; i++)
		if (dname_is(&e->owners[i], &e->zone))
			return true;
	return false;
}

static void
put_soa(struct record_entry *e, const struct soa_text *soa)
{
	cleanup(text_free) struct text head = TEXT_INIT;
	cleanup(text_free) struct text tail = TEXT_INIT;
	struct payload_zone zone = { .item = PAYLOAD_SOA, .ttl = e->ttl, .minimum = soa->minimum };
	uint64_t serial;

	text_put_span(&head, text_span(&soa->mname));
	text_put_char(&head, ' ');
	text_put_span(&head, text_span(&soa->rname));
	text_putf(&tail, "%u %u %u %u", soa->refresh, soa->retry, soa->expire, soa->minimum);
	zone.serial_usable = span_to_u64(soa->serial, UINT32_MAX, &serial) == 0;
	zone.serial = zone.serial_usable ? (uint32_t)serial : 0;
	zone.head = text_span(&head);
	zone.tail = text_span(&tail);
	/* named takes a TTL beyond 31 bits for 0 (RFC 2181 8). */
	if (zone.minimum > TTL_MAX)
		zone.minimum = 0;
	payload_put_zone(&e->soas, &zone);
	if (text_failed(&head) || text_failed(&tail))
		e->soas.failed = true;
}

static int
add_soa(struct record_entry *e, struct span attribute, struct span value)
{
	struct soa_text soa = { .mname = TEXT_INIT, .rname = TEXT_INIT };
	struct text *say;
	int r;

	if (e->branch != RRTYPE_SOA || !stands_at_apex(e)) {
		say = complain_about(e, attribute, value);
		text_put(say, "a SOA stands below ou=sOARecord of its zone and belongs to the owner @. "
		              "Move or remove it.");
		mapping_complain(e->m, "misplaced-soa");
		return 0;
	}
	text_clear(&e->why);
	r = rdata_parse_soa(span_trim(value), &soa, &e->why);
	if (r == 0) {
		put_soa(e, &soa);
		soa_text_free(&soa);
	} else if (r == -EINVAL) {
		say = complain_about(e, attribute, value);
		text_put_span(say, text_span(&e->why));
		text_put(say, ". Correct it.");
		mapping_complain(e->m, "bad-record");
		payload_put_zone(&e->soas, &(struct payload_zone){ .item = PAYLOAD_BAD_SOA });
		r = 0;
	}
	return r;
}

static int
add_value(struct record_entry *e, uint16_t type, struct span attribute, struct span value)
{
	switch (type) {
	case 0:
		return add_unknown(e, attribute, value);
	case RRTYPE_SOA:
		return add_soa(e, attribute, value);
	case RRTYPE_PTR:
		return add_pointer(e, attribute, value);
	case RRTYPE_TXT:
		/* Elsewhere it is ISPMan's note of what the entry was made for. */
		return e->branch == RRTYPE_TXT ? add_record(e, type, attribute, value, true) : 0;
	case RRTYPE_SPF:
		return add_record(e, type, attribute, value, true);
	default:
		return add_record(e, type, attribute, value, false);
	}
}

static int
read_values(struct record_entry *e)
{
	const struct profile *profile = e->m->settings->profile;
	const struct entry *entry = e->m->placed->entry;

	for (size_t i = 0; i < entry->attribute_count; i++) {
		const struct attribute *attribute = &entry->attributes[i];
		uint16_t type;

		if (span_is_nocase(attribute->name, profile->unknown_attribute))
			type = 0;
		else if (rrtype_from_attribute(attribute->name, &type) < 0)
			continue;
		for (size_t v = 0; v < attribute->count; v++) {
			int r = add_value(e, type, attribute->name, attribute->values[v]);

			if (r < 0)
				return r;
		}
	}
	return 0;
}

/* --- fragments ------------------------------------------------------------------------------------------- */

static int
put_node_fragments(struct record_entry *e)
{
	struct span all, no_ns;

	if (e->records.len <= 1)
		return 0;
	all = arena_copy(e->m->arena, text_span(&e->records));
	no_ns = e->has_ns ? arena_copy(e->m->arena, text_span(&e->wildcard_records)) : all;
	if (all.data == NULL || no_ns.data == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < e->owner_count; i++) {
		bool wild = is_wildcard(&e->owners[i]);
		struct fragment *fragment;

		if (wild && e->has_ns) {
			struct text *say = complaint_begin(&e->m->complaints);

			text_put(say, "The NS record of ");
			dname_put_text(say, &e->owners[i]);
			text_put(say, " is not served: a wildcard cannot be a delegation. Remove it.");
			mapping_complain(e->m, "wildcard-ns");
			if (no_ns.len <= 1)
				continue;
		}
		fragment = mapping_fragment(e->m);
		if (fragment == NULL)
			return -ENOMEM;
		key_node(&fragment->subject, &e->zone, &e->owners[i]);
		fragment->payload = wild ? no_ns : all;
		mapping_insert(e->m, fragment);
	}
	return 0;
}

static int
put_reverse_fragments(struct record_entry *e)
{
	cleanup(text_free) struct text payload = TEXT_INIT;
	struct span shared;

	if (e->address_count == 0)
		return 0;
	payload_begin(&payload);
	for (size_t i = 0; i < e->owner_count; i++)
		payload_put_target(&payload, &e->owners[i]);
	shared = arena_copy(e->m->arena, text_span(&payload));
	if (shared.data == NULL || text_failed(&payload))
		return -ENOMEM;
	for (size_t i = 0; i < e->address_count; i++) {
		struct fragment *fragment = mapping_fragment(e->m);
		struct dname name;

		if (fragment == NULL)
			return -ENOMEM;
		address_reverse_name(&e->addresses[i], &name);
		key_reverse(&fragment->subject, &name);
		fragment->payload = shared;
		mapping_insert(e->m, fragment);
	}
	return 0;
}

static int
put_fragments(struct record_entry *e)
{
	int r = put_node_fragments(e);

	if (r == 0 && e->soas.len > 1) {
		struct fragment *fragment = mapping_fragment(e->m);

		if (fragment == NULL)
			return -ENOMEM;
		key_zone(&fragment->subject, &e->zone);
		r = mapping_add(e->m, fragment, text_span(&e->soas));
	}
	if (r == 0)
		r = put_reverse_fragments(e);
	return r;
}

static int
map_claimed(struct record_entry *e)
{
	int r = read_owners(e);

	if (r < 0 || e->owner_count == 0)
		return r;
	read_ttl(e);
	payload_begin(&e->records);
	payload_begin(&e->soas);
	r = read_values(e);
	if (r == 0 && (text_failed(&e->records) || text_failed(&e->wildcard_records) ||
	               text_failed(&e->soas) || text_failed(&e->scratch) || text_failed(&e->why)))
		r = -ENOMEM;
	return r == 0 ? put_fragments(e) : r;
}

int
map_record_entry(struct mapping *m)
{
	const struct profile *profile = m->settings->profile;
	struct record_entry e;
	int r;

	e.m = m;
	if (!zone_by_position(profile, m->placed, &e.zone, &e.branch)) {
		struct text *say = complaint_begin(&m->complaints);

		text_put(say, "The records are not served: an entry of class ");
		text_put_span(say, profile->record_class);
		text_put(say, " stands below its zone's node, a chain of ");
		text_put_span(say, profile->zone_label_attribute);
		text_put(say, "=... up to ");
		text_put_span(say, profile->dns_branch);
		text_put(say, " directly below the base. Move it there, or remove the class.");
		mapping_complain(m, "foreign-claim");
		return 0;
	}
	if (!zone_is_claimed(&e))
		return 0;
	e.owner_count = e.record_count = e.address_count = 0;
	e.has_ns = false;
	e.addresses = NULL;
	e.records = e.wildcard_records = e.soas = e.scratch = e.why = TEXT_INIT;
	e.rdata = (struct rdata){ TEXT_INIT, TEXT_INIT, 0 };
	r = map_claimed(&e);
	text_free(&e.records);
	text_free(&e.wildcard_records);
	text_free(&e.soas);
	text_free(&e.scratch);
	text_free(&e.why);
	rdata_free(&e.rdata);
	return r;
}
