/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * `ispmanctl lookup dns` and `explain dns`: the answer that named would give, read where named reads it.
 *
 * The answer is first made as JSON, whatever is printed:
 *
 *   {"name", "type", "outcome": "hit" | "nodata" | "nxdomain" | "referral" | "not-served",
 *    "zone", "class", "serial", "wildcard",
 *    "answer" | "authority" | "additional": [{"owner", "ttl", "type", "data"}, ...],
 *    "steps": [SENTENCE, ...], "entries": [{"behind": NAME, "dns": [DN, ...]}, ...]}      explain only
 */
#include <config.h>

#include "cache/ispmanctl.h"

#include "cache/dns.h"
#include "cache/rrtype.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

/* How many aliases are followed, as in named. */
enum { CHAIN_MAX = 16, ALL_TYPES = 0 };
enum { SUBJECTS_MAX = 3 * (CHAIN_MAX + 1) };

/* Something that the answer was made of, and what to call it. */
struct source {
	struct key subject;
	struct dname name;
	const char *kind; /* "zone", "records of", "addresses of" */
};

struct lookup {
	const struct ctl *ctl;
	struct dns_view *view;
	struct dname name;
	uint16_t type; /* or ALL_TYPES */
	json_t *answer;
	unsigned chain;
	size_t source_count;
	struct source sources[SUBJECTS_MAX];
};

static json_t *
text_json(struct text *t)
{
	json_t *string = json_stringn(text_str(t), t->len);

	text_free(t);
	return string;
}

static json_t *
name_json(const struct dname *name)
{
	struct text t = TEXT_INIT;

	dname_put_text(&t, name);
	return text_json(&t);
}

static void
zone_origin(const struct dns_question *question, const struct dns_zone *zone, struct dname *out)
{
	dname_strip(&question->name, question->labels - zone->labels, out);
}

/* --- records --------------------------------------------------------------------------------------- */

/* Types whose data end with their only name. */
static bool
ends_with_name(uint16_t type)
{
	static const uint16_t types[] = { 2, 5, 12, 15, 18, 21, 33, 35, 36, 39 };

	for (size_t i = 0; i < array_size(types); i++)
		if (types[i] == type)
			return true;
	return false;
}

/* The name that the data end with, absolute. */
static int
data_name(const struct rr *rr, const struct dname *origin, struct dname *out)
{
	size_t at = rr->text.len;

	while (at > 0 && rr->text.data[at - 1] != ' ')
		at--;
	return dname_from_text(span_skip(rr->text, at), origin, out);
}

/* Data as text; 1 when names in it are relative to ORIGIN still. */
static bool
put_data(struct text *out, const struct rr *rr, const struct dname *origin)
{
	struct dname name;
	size_t at = rr->text.len;

	if (rr->relative == 0 || !ends_with_name(rr->type) || data_name(rr, origin, &name) < 0) {
		text_put_span(out, rr->text);
		return rr->relative > 0;
	}
	while (at > 0 && rr->text.data[at - 1] != ' ')
		at--;
	text_put_span(out, span_from(rr->text.data, at));
	dname_put_text(out, &name);
	return false;
}

static void
add_record(struct lookup *lookup, const char *section, const struct dname *owner, const struct rr *rr,
           const struct dname *origin)
{
	json_t *records = json_object_get(lookup->answer, section);
	char room[RRTYPE_TEXT_MAX];
	struct text data = TEXT_INIT;
	bool is_relative = put_data(&data, rr, origin);
	json_t *record = json_object();

	if (records == NULL) {
		records = json_array();
		json_object_set_new(lookup->answer, section, records);
	}
	json_object_set_new(record, "owner", name_json(owner));
	json_object_set_new(record, "ttl", json_integer(rr->ttl));
	json_object_set_new(record, "type", json_string(rrtype_text(rr->type, room)));
	json_object_set_new(record, "data", text_json(&data));
	if (is_relative)
		json_object_set_new(record, "origin", name_json(origin));
	json_array_append_new(records, record);
}

static void
add_soa(struct lookup *lookup, const char *section, const struct dns_zone *zone, const struct dname *origin,
        bool negative)
{
	struct text data = TEXT_INIT;
	struct rr soa = { .type = RRTYPE_SOA, .ttl = zone->soa_ttl };

	dns_zone_put_soa(zone, &data);
	soa.text = text_span(&data);
	if (soa.ttl == RECORD_TTL_DEFAULT || (negative && soa.ttl > zone->minimum))
		soa.ttl = zone->minimum;
	add_record(lookup, section, origin, &soa, origin);
	text_free(&data);
}

/* Adds the records of TYPE; how many there were, or negative. */
static int
add_records(struct lookup *lookup, const char *section, const struct dname *owner, struct dns_records records,
            uint16_t type, const struct dname *origin)
{
	struct rr rr;
	int count = 0, r;

	while ((r = dns_records_next(&records, &rr)) > 0) {
		if (type != ALL_TYPES && rr.type != type)
			continue;
		add_record(lookup, section, owner, &rr, origin);
		count++;
	}
	return r < 0 ? r : count;
}

/* The target of the first record of TYPE. 1, 0 for none, or negative. */
static int
find_target(struct dns_records records, uint16_t type, const struct dname *origin, struct dname *out)
{
	struct rr rr;
	int r;

	while ((r = dns_records_next(&records, &rr)) > 0)
		if (rr.type == type)
			return data_name(&rr, origin, out) == 0 ? 1 : -EBADMSG;
	return r;
}

/* Addresses of the servers of a cut, where we have them. */
static int
add_glue(struct lookup *lookup, const struct dns_zone *zone, struct dns_records records, const struct dname *origin)
{
	struct rr rr;
	int r;

	while ((r = dns_records_next(&records, &rr)) > 0) {
		struct dns_question question;
		struct dns_answer glue;
		struct dname target;

		if (rr.type != RRTYPE_NS || data_name(&rr, origin, &target) < 0 || !dname_is_within(&target, origin))
			continue;
		dns_question_set(&question, &target);
		r = dns_read_name(lookup->view, zone, &question, &glue);
		if (r < 0)
			return r;
		if (glue.outcome != DNS_DATA)
			continue;
		r = add_records(lookup, "additional", &target, glue.records, RRTYPE_A, origin);
		if (r >= 0)
			r = add_records(lookup, "additional", &target, glue.records, RRTYPE_AAAA, origin);
		if (r < 0)
			return r;
	}
	return r;
}

/* --- what stands behind it ------------------------------------------------------------------------- */

static struct source *
new_source(struct lookup *lookup, const char *kind, const struct dname *name)
{
	static struct source spare;
	struct source *source =
		lookup->source_count < SUBJECTS_MAX ? &lookup->sources[lookup->source_count++] : &spare;

	source->kind = kind;
	source->name = *name;
	return source;
}

/* Where the records lie: under the zone's name or, in a replica, under its master's. */
static void
note_sources(struct lookup *lookup, const struct dns_zone *zone, const struct dns_answer *found,
             const struct dname *origin, const struct dname *owner)
{
	struct dname stored_zone, stored_owner, prefix = *owner;
	unsigned above = dname_labels(owner) - dname_labels(origin);

	key_zone(&new_source(lookup, "zone", origin)->subject, origin);
	if (key_to_name(zone->nodes, &stored_zone) < 0)
		return;
	if (zone->class == DNS_REPLICA)
		key_zone(&new_source(lookup, "zone", &stored_zone)->subject, &stored_zone);
	prefix.len = (uint8_t)(owner->len - origin->len + 1);
	prefix.wire[prefix.len - 1] = 0;
	if (dname_join(&prefix, &stored_zone, &stored_owner) < 0 || found->outcome == DNS_NXDOMAIN)
		return;
	key_node(&new_source(lookup, "records of", &stored_owner)->subject, &stored_zone, &stored_owner);
	if (zone->has_computed && above > 0)
		key_reverse(&new_source(lookup, "addresses of", owner)->subject, owner);
}

/* The name that the answer's records stand at. */
static void
found_owner(const struct dns_question *question, const struct dns_zone *zone, const struct dns_answer *found,
            struct dname *out)
{
	static const struct dname wildcard = { 3, { 1, '*' } };
	struct dname encloser;
	unsigned below = question->labels - zone->labels - found->level;

	dname_strip(&question->name, below, out);
	if (!found->wildcard)
		return;
	encloser = *out;
	if (dname_join(&wildcard, &encloser, out) < 0)
		*out = encloser;
}

static void
add_entries(struct lookup *lookup, const struct source *source, json_t *out)
{
	cleanup(ask_freep) struct ask *ask = NULL;
	struct text why = TEXT_INIT, subject = TEXT_INIT;
	json_t *dns = NULL;
	int r = ask_open(lookup->ctl->settings->run_dir, &ask, &why);

	ask_put_subject(&subject, key_span(&source->subject));
	if (r == 0)
		r = ask_entries(ask, text_str(&subject), &dns, &why);

	if (r == 0 && json_array_size(dns) > 0)
		json_array_append_new(out, json_pack("{s:s, s:o, s:O}", "kind", source->kind, "behind",
		                                     name_json(&source->name), "dns", dns));
	else if (r < 0 && json_object_get(lookup->answer, "entries-unknown") == NULL)
		json_object_set_new(lookup->answer, "entries-unknown", json_string(text_str(&why)));
	json_decref(dns);
	text_free(&subject);
	text_free(&why);
}

static void
add_all_entries(struct lookup *lookup)
{
	json_t *out = json_array();

	for (size_t i = 0; i < lookup->source_count; i++) {
		bool again = false;

		for (size_t k = 0; k < i; k++)
			again |= span_is(key_span(&lookup->sources[k].subject),
			                 key_span(&lookup->sources[i].subject));
		if (!again)
			add_entries(lookup, &lookup->sources[i], out);
	}
	json_object_set_new(lookup->answer, "entries", out);
}

/* --- the search ------------------------------------------------------------------------------------ */

static int look_up_name(struct lookup *lookup, const struct dname *name);

static int
end_with(struct lookup *lookup, const char *outcome)
{
	json_object_set_new(lookup->answer, "outcome", json_string(outcome));
	return 0;
}

static int
follow(struct lookup *lookup, const struct dname *target)
{
	if (++lookup->chain > CHAIN_MAX)
		return end_with(lookup, "hit");
	return look_up_name(lookup, target);
}

static int
answer_negative(struct lookup *lookup, const char *outcome, const struct dns_zone *zone, const struct dname *origin)
{
	add_soa(lookup, "authority", zone, origin, true);
	return end_with(lookup, outcome);
}

static int
answer_data(struct lookup *lookup, const struct dns_question *question, const struct dns_zone *zone,
            const struct dns_answer *found, const struct dname *origin)
{
	bool soa = question->labels == zone->labels &&
	           (lookup->type == ALL_TYPES || lookup->type == RRTYPE_SOA || lookup->type == RRTYPE_ANY);
	uint16_t type = lookup->type == RRTYPE_ANY ? ALL_TYPES : lookup->type;
	struct dname target;
	int r = 0;

	if (soa)
		add_soa(lookup, "answer", zone, origin, false);
	if (found->outcome == DNS_DATA)
		r = add_records(lookup, "answer", &question->name, found->records, type, origin);
	if (r < 0)
		return r;
	if (r > 0 || soa)
		return end_with(lookup, "hit");
	if (found->outcome == DNS_DATA && type != RRTYPE_CNAME) {
		r = find_target(found->records, RRTYPE_CNAME, origin, &target);
		if (r > 0)
			r = add_records(lookup, "answer", &question->name, found->records, RRTYPE_CNAME, origin);
		if (r < 0)
			return r;
		if (r > 0)
			return follow(lookup, &target);
	}
	return answer_negative(lookup, "nodata", zone, origin);
}

static int
answer_dname(struct lookup *lookup, const struct dns_question *question, const struct dns_zone *zone,
             const struct dns_answer *found, const struct dname *origin)
{
	unsigned above = question->labels - zone->labels - found->level;
	struct dname owner, target, prefix = { 0 }, name;
	struct text alias = TEXT_INIT;
	struct rr cname = { .type = RRTYPE_CNAME };
	struct dns_records records = found->records;
	struct rr rr;
	int r;

	dname_strip(&question->name, above, &owner);
	r = find_target(found->records, RRTYPE_DNAME, origin, &target);
	if (r <= 0)
		return r < 0 ? r : -EBADMSG;
	r = add_records(lookup, "answer", &owner, found->records, RRTYPE_DNAME, origin);
	if (r < 0)
		return r;
	/* The labels in front of the owner, and a root of their own. */
	prefix.len = (uint8_t)(question->name.len - owner.len + 1);
	memcpy(prefix.wire, question->name.wire, prefix.len - 1u);
	if (dname_join(&prefix, &target, &name) < 0)
		return end_with(lookup, "hit"); /* too long: YXDOMAIN */
	while (dns_records_next(&records, &rr) > 0)
		if (rr.type == RRTYPE_DNAME)
			cname.ttl = rr.ttl;
	dname_put_text(&alias, &name);
	cname.text = text_span(&alias);
	add_record(lookup, "answer", &question->name, &cname, origin);
	text_free(&alias);
	return follow(lookup, &name);
}

static int
answer_cut(struct lookup *lookup, const struct dns_question *question, const struct dns_zone *zone,
           const struct dns_answer *found, const struct dname *origin)
{
	struct dname owner;
	int r;

	dname_strip(&question->name, question->labels - zone->labels - found->level, &owner);
	/* A cut's DS is the parent's own. */
	if (lookup->type == RRTYPE_DS && owner.len == question->name.len) {
		r = add_records(lookup, "answer", &owner, found->records, RRTYPE_DS, origin);
		if (r != 0)
			return r < 0 ? r : end_with(lookup, "hit");
		return answer_negative(lookup, "nodata", zone, origin);
	}
	r = add_records(lookup, "authority", &owner, found->records, RRTYPE_NS, origin);
	if (r >= 0)
		r = add_glue(lookup, zone, found->records, origin);
	return r < 0 ? r : end_with(lookup, "referral");
}

static void
describe_zone(struct lookup *lookup, const struct dns_zone *zone, const struct dname *origin)
{
	static const char *const classes[] = {
		[DNS_PRIMARY] = "primary", [DNS_REPLICA] = "replica", [DNS_REVERSE] = "computed reverse"
	};

	json_object_set_new(lookup->answer, "zone", name_json(origin));
	json_object_set_new(lookup->answer, "class", json_string(classes[zone->class]));
	json_object_set_new(lookup->answer, "serial", json_integer(zone->serial));
	if (zone->held)
		json_object_set_new(lookup->answer, "soa-held", json_true());
}

static int
look_up_name(struct lookup *lookup, const struct dname *name)
{
	struct dns_question question;
	struct dns_answer found;
	struct dns_zone zone;
	struct dname origin, owner;
	int r;

	dns_question_set(&question, name);
	r = dns_find_zone(lookup->view, &question, &zone);
	if (r < 0)
		return r;
	if (r == 0) {
		/* An alias that leads elsewhere is an answer; the rest is somebody else's. */
		return end_with(lookup, lookup->chain > 0 ? "hit" : "not-served");
	}
	zone_origin(&question, &zone, &origin);
	if (lookup->chain == 0)
		describe_zone(lookup, &zone, &origin);
	r = dns_resolve(lookup->view, &zone, &question, &found);
	if (r < 0)
		return r;
	found_owner(&question, &zone, &found, &owner);
	note_sources(lookup, &zone, &found, &origin, &owner);
	if (found.wildcard && found.outcome != DNS_NXDOMAIN)
		json_object_set_new(lookup->answer, "wildcard", json_true());
	switch (found.outcome) {
	case DNS_DATA:
	case DNS_EMPTY:
		return answer_data(lookup, &question, &zone, &found, &origin);
	case DNS_CUT:
		return answer_cut(lookup, &question, &zone, &found, &origin);
	case DNS_DNAME:
		return answer_dname(lookup, &question, &zone, &found, &origin);
	case DNS_NXDOMAIN:
	default:
		return answer_negative(lookup, "nxdomain", &zone, &origin);
	}
}

/* --- what is asked --------------------------------------------------------------------------------- */

static bool
reverse_of_address(const char *text, struct text *out)
{
	static const char hex[] = "0123456789abcdef";
	uint8_t address[16];

	if (inet_pton(AF_INET, text, address) == 1) {
		text_putf(out, "%u.%u.%u.%u.in-addr.arpa", address[3], address[2], address[1], address[0]);
		return true;
	}
	if (inet_pton(AF_INET6, text, address) != 1)
		return false;
	for (size_t i = sizeof(address); i > 0; i--)
		text_putf(out, "%c.%c.", hex[address[i - 1] & 15], hex[address[i - 1] >> 4]);
	text_put(out, "ip6.arpa");
	return true;
}

/* 0 or an exit code. */
static int
parse_question(const struct ctl *ctl, const char *command, struct lookup *out)
{
	struct text name = TEXT_INIT;
	int r;

	if (ctl->argc < 2 || ctl->argc > 3)
		return ctl_misused(command);
	if (!reverse_of_address(ctl->argv[1], &name))
		text_put(&name, ctl->argv[1]);
	r = dname_from_text(text_span(&name), NULL, &out->name);
	text_free(&name);
	if (r < 0) {
		ctl_complain("%s is no domain name", ctl->argv[1]);
		return CTL_USAGE;
	}
	dname_lower(&out->name);
	out->type = ALL_TYPES;
	if (ctl->argc == 3 && rrtype_from_text(span_of(ctl->argv[2]), &out->type) < 0) {
		ctl_complain("%s is no record type", ctl->argv[2]);
		return CTL_USAGE;
	}
	return 0;
}

static void
keep_step(void *context, const char *sentence)
{
	json_array_append_new(context, json_string(sentence));
}

/* Everything in one snapshot. */
static int
look_up(struct lookup *lookup, struct cache *cache, bool explain)
{
	char room[RRTYPE_TEXT_MAX];
	json_t *steps;
	int r = dns_begin(cache, &lookup->view);

	if (r < 0)
		return r;
	json_object_set_new(lookup->answer, "name", name_json(&lookup->name));
	if (lookup->type != ALL_TYPES)
		json_object_set_new(lookup->answer, "type", json_string(rrtype_text(lookup->type, room)));
	if (explain) {
		steps = json_array();
		json_object_set_new(lookup->answer, "steps", steps);
		dns_trace(lookup->view, keep_step, steps);
	}
	r = look_up_name(lookup, &lookup->name);
	if (explain)
		dns_trace(lookup->view, NULL, NULL);
	dns_end(lookup->view);
	/* Not before: a slow daemon must not make us hold a snapshot. */
	if (explain && r == 0)
		add_all_entries(lookup);
	return r;
}

/* --- printing --------------------------------------------------------------------------------------- */

static void
print_section(const json_t *answer, const char *section)
{
	const json_t *records = json_object_get(answer, section);
	const json_t *record;
	size_t i;

	if (json_array_size(records) == 0)
		return;
	if (strcmp(section, "answer") != 0)
		printf("; %s\n", section);
	json_array_foreach(records, i, record)
	{
		if (json_object_get(record, "origin") != NULL)
			printf("$ORIGIN %s\n", ctl_member(record, "origin"));
		printf("%s\t%" JSON_INTEGER_FORMAT "\tIN\t%s\t%s\n", ctl_member(record, "owner"),
		       json_integer_value(json_object_get(record, "ttl")), ctl_member(record, "type"),
		       ctl_member(record, "data"));
	}
}

static void
print_summary(const json_t *answer)
{
	static const struct {
		const char *outcome, *words;
	} rows[] = {
		{ "hit", "hit" },
		{ "nodata", "NODATA: the name exists, such a record does not" },
		{ "nxdomain", "NXDOMAIN: there is no such name" },
		{ "referral", "referral: the name is delegated" },
		{ "not-served", "not served: the name is in no zone of ours" },
	};
	const char *outcome = ctl_member(answer, "outcome");

	for (size_t i = 0; i < array_size(rows); i++)
		if (strcmp(outcome, rows[i].outcome) == 0)
			printf("; %s", rows[i].words);
	if (json_is_true(json_object_get(answer, "wildcard")))
		printf(", by a wildcard");
	printf("\n; %s", ctl_member(answer, "name"));
	if (json_object_get(answer, "type") != NULL)
		printf(" %s", ctl_member(answer, "type"));
	if (json_object_get(answer, "zone") != NULL)
		printf(" in zone %s (%s, serial %" JSON_INTEGER_FORMAT "%s)", ctl_member(answer, "zone"),
		       ctl_member(answer, "class"), json_integer_value(json_object_get(answer, "serial")),
		       json_object_get(answer, "soa-held") != NULL ? ", SOA held" : "");
	putchar('\n');
}

static void
print_answer(json_t *answer, bool json)
{
	if (json) {
		ctl_print_json(json_incref(answer));
		return;
	}
	ctl_print_steps(answer);
	print_summary(answer);
	print_section(answer, "answer");
	print_section(answer, "authority");
	print_section(answer, "additional");
	ctl_print_entries(answer);
}

int
ctl_dns(const struct ctl *ctl, const char *command, bool explain)
{
	cleanup(cache_closep) struct cache *cache = NULL;
	struct lookup lookup = { .ctl = ctl };
	const char *outcome;
	int code = parse_question(ctl, command, &lookup), r;

	if (code != 0)
		return code;
	lookup.answer = json_object();
	r = dns_open(ctl->settings->cache_dir, ctl->settings->run_dir, &cache);
	if (r == 0)
		r = cache_check_age(cache, ctl->settings->dns_max_age);
	if (r == 0)
		r = look_up(&lookup, cache, explain);
	if (r < 0) {
		ctl_complain("cannot tell: %s",
		             r == -EBADMSG ? "a record in the cache makes no sense" : cache_error_text());
		json_decref(lookup.answer);
		return CTL_CANNOT_TELL;
	}
	print_answer(lookup.answer, ctl->json);
	outcome = ctl_member(lookup.answer, "outcome");
	code = strcmp(outcome, "hit") == 0 || strcmp(outcome, "referral") == 0 ? CTL_FINE : CTL_ABSENT;
	json_decref(lookup.answer);
	return code;
}
