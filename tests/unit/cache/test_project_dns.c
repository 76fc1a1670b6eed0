/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * What the golden files of tests/project cannot show: time, state, limits, and octets that make no sense.
 */
#include <config.h>

#include "tests/unit/test.h"

#include "cache/project_dns_parts.h"
#include "cache/rrtype.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>

/* --- entries by hand --------------------------------------------------------------------------------------- */

enum { VALUES_MAX = 6, ATTRIBUTES_MAX = 8 };

struct made {
	struct attribute attributes[ATTRIBUTES_MAX];
	struct span values[ATTRIBUTES_MAX][VALUES_MAX];
	struct entry entry;
	struct placed_entry placed;
};

/* WORDS: attribute, value, attribute, value, ..., NULL. The base is o=b. */
static void
make(struct made *made, struct arena *arena, const char *dn, const char *const *words)
{
	struct rdn *rdns;
	size_t count;

	memset(made, 0, sizeof(*made));
	made->entry.dn = span_of(dn);
	made->entry.attributes = made->attributes;
	for (; words[0] != NULL; words += 2) {
		struct attribute *found = NULL;

		for (size_t i = 0; i < made->entry.attribute_count; i++)
			if (span_is(made->attributes[i].name, span_of(words[0])))
				found = &made->attributes[i];
		if (found == NULL) {
			found = &made->attributes[made->entry.attribute_count];
			found->name = span_of(words[0]);
			found->values = made->values[made->entry.attribute_count++];
		}
		found->values[found->count++] = span_of(words[1]);
	}
	assert_int_equal(dn_split(made->entry.dn, arena, &rdns, &count), 0);
	made->placed = (struct placed_entry){ &made->entry, count - 1, rdns };
}

#define WORDS(...) ((const char *const[]){ __VA_ARGS__, NULL })

static const struct dns_settings settings = { .profile = &profile_ispman, .soa_hold = 60 };

static void
fake_dn(void *context, uint64_t entry_id, struct text *out_dn)
{
	(void)context;
	text_putf(out_dn, "cn=%u", (unsigned)entry_id);
}

/* The kinds in a list, separated by blanks. */
static const char *
kinds_of(const struct text *problems, char *room, size_t size)
{
	struct span rest = text_span(problems);
	struct problem problem;
	size_t used = 0;

	room[0] = '\0';
	while (problem_next(&rest, &problem) > 0)
		used += (size_t)snprintf(room + used, size - used, "%s%.*s", used > 0 ? " " : "",
		                         (int)problem.kind.len, problem.kind.data);
	return room;
}

static struct dname
name_of(const char *text)
{
	struct dname name;

	assert_int_equal(dname_from_text(span_of(text), NULL, &name), 0);
	return name;
}

static bool
is_before(const struct key *a, const struct key *b)
{
	int order = memcmp(a->octets, b->octets, a->len < b->len ? a->len : b->len);

	return order < 0 || (order == 0 && a->len < b->len);
}

/* --- tests ------------------------------------------------------------------------------------------------ */

static void
entries_without_dns_data_cost_no_memory(void **state)
{
	static const char *const dns[] = { "o=b", "ou=DNS,o=b", "aRecord=192.0.2.1,ou=aRecord,dc=x,ou=DNS,o=b",
		                           "uid=a,ou=users,ispmanDomain=x,o=b" };
	struct arena split = ARENA_INIT, arena = ARENA_INIT;
	struct mapped mapped = { NULL, TEXT_INIT };
	struct made made;

	(void)state;
	for (size_t i = 0; i < array_size(dns); i++) {
		make(&made, &split, dns[i],
		     WORDS("objectClass", "top", "objectClass", "ispmanBranch", "aRecord", "192.0.2.1"));
		assert_int_equal(project_dns_map(&settings, &made.placed, &arena, &mapped), 0);
		assert_null(mapped.fragments);
		assert_null(mapped.problems.data);
		assert_null(arena.blocks);
	}
	arena_free(&split);
}

static void
one_entry_may_speak_of_several_subjects(void **state)
{
	struct dns_settings reverse = settings;
	struct arena arena = ARENA_INIT;
	struct mapped mapped = { NULL, TEXT_INIT };
	const struct fragment *f;
	struct made made;
	struct key want;
	struct dname zone = name_of("x.");
	struct dname name;
	int count = 0;

	(void)state;
	reverse.prefix_count = 1;
	reverse.prefixes[0] = (struct reverse_prefix){ 4, 0, 24, { 0 } };
	make(&made, &arena, "relativeDomainName=@,ou=sOARecord,dc=x,ou=DNS,o=b",
	     WORDS("objectClass", "dNSZone", "zoneName", "x", "relativeDomainName", "@",
	           "relativeDomainName", "a", "aRecord", "192.0.2.1", "pTRRecord", "192.0.2.1",
	           "sOARecord", "ns. root. 7 1 1 1 1"));
	assert_int_equal(project_dns_map(&reverse, &made.placed, &arena, &mapped), 0);
	assert_int_equal(mapped.problems.len, 0);
	for (f = mapped.fragments; f != NULL; f = f->next, count++) {
		if (f->next != NULL)
			assert_true(is_before(&f->subject, &f->next->subject));
	}
	assert_int_equal(count, 4);
	f = mapped.fragments;
	name = name_of("x.");
	key_node(&want, &zone, &name);
	assert_true(span_is(key_span(&want), key_span(&f->subject)));
	f = f->next;
	name = name_of("a.x.");
	key_node(&want, &zone, &name);
	assert_true(span_is(key_span(&want), key_span(&f->subject)));
	f = f->next;
	name = name_of("1.2.0.192.in-addr.arpa.");
	key_reverse(&want, &name);
	assert_true(span_is(key_span(&want), key_span(&f->subject)));
	f = f->next;
	key_zone(&want, &zone);
	assert_true(span_is(key_span(&want), key_span(&f->subject)));
	text_free(&mapped.problems);
	arena_free(&arena);
}

static void
problems_of_one_entry_have_a_limit(void **state)
{
	static char values[COMPLAINTS_MAX * 2][16];
	struct arena arena = ARENA_INIT;
	struct mapped mapped = { NULL, TEXT_INIT };
	struct span spans[COMPLAINTS_MAX * 2];
	struct made made;
	struct span rest;
	struct problem problem;
	unsigned count = 0;

	(void)state;
	make(&made, &arena, "relativeDomainName=@,dc=x,ou=DNS,o=b",
	     WORDS("objectClass", "dNSZone", "zoneName", "x", "relativeDomainName", "@", "aRecord", ""));
	for (unsigned i = 0; i < array_size(spans); i++)
		spans[i] = span_from(values[i], (size_t)snprintf(values[i], sizeof(values[i]), "bad%u", i));
	made.attributes[3].values = spans;
	made.attributes[3].count = array_size(spans);
	assert_int_equal(project_dns_map(&settings, &made.placed, &arena, &mapped), 0);
	rest = text_span(&mapped.problems);
	while (problem_next(&rest, &problem) > 0)
		count++;
	assert_int_equal(count, COMPLAINTS_MAX + 1);
	assert_true(span_is(problem.kind, SPAN("more-problems")));
	text_free(&mapped.problems);
	arena_free(&arena);
}

static void
a_quoted_value_is_printable_and_short(void **state)
{
	static const struct {
		const char *given, *want;
	} rows[] = {
		{ "plain", "\"plain\"" },
		{ "m\xc3\xbcller", "\"m\xc3\xbcller\"" },
		{ "\xff\n\x7f", "\"\\255\\010\\127\"" },
		{ "\xc3", "\"\\195\"" },
		{ "\xc0\x80", "\"\\192\\128\"" },
		{ "\xed\xa0\x80", "\"\\237\\160\\128\"" },
		{ "\xf4\x90\x80\x80", "\"\\244\\144\\128\\128\"" },
		{ "\xc2\x9b", "\"\\194\\155\"" },
		{ "0123456789012345678901234567890123456789012345678901234567890123456789012345678\xc3\xbcx",
		  "\"0123456789012345678901234567890123456789012345678901234567890123456789012345678...\"" },
	};
	struct text text = TEXT_INIT;

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		text_clear(&text);
		complaint_quote(&text, span_of(rows[i].given));
		assert_string_equal(text_str(&text), rows[i].want);
	}
	text_free(&text);
}

/* --- zones and their SOA ------------------------------------------------------------------------------------ */

struct zone_step {
	const char *name;
	const char *fragments; /* p primary, n not served, 1 2 SOAs with these serials, b bad SOA, u unusable serial */
	uint64_t now;
	uint32_t serial;
	bool forget; /* nothing is served yet */
	/* wanted */
	bool present, has_soa, held;
	uint32_t stored;
	uint64_t hold_until;
	const char *kinds;
};

static void
put_fragment(struct text *out, char what)
{
	struct payload_zone zone = { .item = PAYLOAD_DOMAIN, .master = { .len = 1 } };

	if (what == 'p') {
		zone.kind = ZONE_PRIMARY;
	} else if (what == 'b') {
		zone.item = PAYLOAD_BAD_SOA;
	} else if (what != 'n') {
		zone.item = PAYLOAD_SOA;
		zone.serial_usable = what != 'u';
		zone.serial = what != 'u' ? (uint32_t)(what - '0') : 0;
		zone.ttl = RECORD_TTL_DEFAULT;
		zone.minimum = 300;
		zone.head = SPAN("ns. root.");
		zone.tail = SPAN("1 2 3 300");
	}
	payload_begin(out);
	payload_put_zone(out, &zone);
}

static void
a_soa_that_goes_away_is_held(void **state)
{
	static const struct zone_step steps[] = {
		{ "nothing", "", 100, 0, true, false, false, false, 0, 0, "" },
		{ "no SOA yet", "p", 100, 0, true, true, false, false, 0, 0, "soa-missing" },
		{ "served", "p1", 101, 0, false, true, true, false, 1, 0, "" },
		{ "gone: held", "p", 110, 5, false, true, true, true, 1, 171, "soa-missing" },
		{ "the end stays where it was", "p", 150, 5, false, true, true, true, 1, 171, "soa-missing" },
		{ "back in time", "p2", 160, 6, false, true, true, false, 2, 0, "" },
		{ "gone again: a new hold", "p", 200, 7, false, true, true, true, 2, 261, "soa-missing" },
		{ "held too long", "p", 261, 7, false, true, false, false, 0, 0, "soa-missing" },
		{ "still gone", "p", 262, 7, false, true, false, false, 0, 0, "soa-missing" },
		{ "back", "p3", 300, 8, false, true, true, false, 3, 0, "" },
		{ "invalid: held for ever", "pb", 310, 8, false, true, true, true, 3, 0, "soa-invalid" },
		{ "still invalid", "pb", 9999, 8, false, true, true, true, 3, 0, "soa-invalid" },
		{ "from invalid to gone", "p", 10000, 8, false, true, true, true, 3, 10061, "soa-missing" },
		{ "and invalid again", "pb", 10001, 8, false, true, true, true, 3, 0, "soa-invalid" },
		{ "old and new side by side", "p34", 10002, 9, false, true, true, false, 4, 0, "several-soas" },
		{ "in the other order", "p43", 10003, 9, false, true, true, false, 4, 0, "several-soas" },
		{ "two equal ones", "p44", 10003, 9, false, true, true, false, 4, 0, "" },
		{ "an unusable serial loses", "pu3", 10004, 9, false, true, true, false, 3, 0, "several-soas" },
		{ "or is ignored", "pu", 10005, 9, false, true, true, false, 0, 0, "bad-serial" },
		{ "no domain", "1", 10006, 9, false, true, true, false, 1, 0, "no-domain" },
		{ "not served", "n", 10007, 9, false, true, false, false, 0, 0, "" },
		{ "only the serial is left", "", 10008, 9, false, true, false, false, 0, 0, "" },
		{ "bad from the first", "pb", 10009, 9, true, true, false, false, 0, 0, "soa-invalid" },
	};
	struct reduced out = { .value = TEXT_INIT, .problems = TEXT_INIT };
	struct text served = TEXT_INIT;
	struct dname zone = name_of("x.example.");
	struct key subject;
	uint64_t hold = 0;

	(void)state;
	key_zone(&subject, &zone);
	for (size_t i = 0; i < array_size(steps); i++) {
		const struct zone_step *step = &steps[i];
		struct text payloads[3] = { TEXT_INIT, TEXT_INIT, TEXT_INIT };
		struct held_fragment fragments[3];
		struct reduce_input input = { .subject = key_span(&subject),
			                      .count = strlen(step->fragments),
			                      .fragments = fragments,
			                      .serial = step->serial,
			                      .epoch = 3,
			                      .now = step->now,
			                      .hold_until = hold,
			                      .dn_of = fake_dn };
		struct zone_record got = { 0 };
		char room[128];

		if (step->forget)
			text_clear(&served);
		input.served = text_span(&served);
		for (size_t k = 0; k < input.count; k++) {
			put_fragment(&payloads[k], step->fragments[k]);
			fragments[k] = (struct held_fragment){ k + 1, text_span(&payloads[k]) };
		}
		assert_int_equal(project_dns_reduce(&settings, &input, &out), 0);
		if (out.present)
			assert_int_equal(zone_record_read(text_span(&out.value), &got), 0);
		if (out.present != step->present || got.has_soa != step->has_soa || got.held != step->held ||
		    got.stored_serial != step->stored || out.hold_until != step->hold_until ||
		    strcmp(kinds_of(&out.problems, room, sizeof(room)), step->kinds) != 0)
			fail_msg("%s: got present %d soa %d held %d serial %u until %u, %s", step->name,
			         out.present, got.has_soa, got.held, got.stored_serial,
			         (unsigned)out.hold_until, room);
		if (out.present) {
			assert_int_equal(got.serial, step->serial);
			assert_int_equal(got.epoch, 3);
		}
		if (got.has_soa) {
			assert_int_equal(got.minimum, 300);
			assert_true(span_is(got.soa_head, SPAN("ns. root.")));
			assert_true(span_is(got.soa_tail, SPAN("1 2 3 300")));
		}
		hold = out.hold_until;
		text_clear(&served);
		text_put_span(&served, text_span(&out.value));
		for (size_t k = 0; k < array_size(payloads); k++)
			text_free(&payloads[k]);
	}
	text_free(&served);
	text_free(&out.value);
	text_free(&out.problems);
}

static void
a_zones_fragments_can_be_asked(void **state)
{
	static const struct {
		const char *fragments;
		int has_serial;
		uint32_t serial;
		bool hosted;
	} rows[] = {
		{ "", 0, 0, false },  { "p", 0, 0, true },  { "n", 0, 0, false }, { "1", 1, 1, false },
		{ "p12", 1, 2, true }, { "pu", 0, 0, true }, { "pb", 0, 0, true }, { "n1", 1, 1, false },
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		struct text payloads[3] = { TEXT_INIT, TEXT_INIT, TEXT_INIT };
		struct held_fragment fragments[3];
		size_t count = strlen(rows[i].fragments);
		uint32_t serial = 0;

		for (size_t k = 0; k < count; k++) {
			put_fragment(&payloads[k], rows[i].fragments[k]);
			fragments[k] = (struct held_fragment){ k + 1, text_span(&payloads[k]) };
		}
		assert_int_equal(project_dns_stored_serial(fragments, count, &serial), rows[i].has_serial);
		assert_int_equal(serial, rows[i].serial);
		assert_int_equal(project_dns_is_hosted(fragments, count), rows[i].hosted);
		for (size_t k = 0; k < array_size(payloads); k++)
			text_free(&payloads[k]);
	}
}

/* --- reverse names -------------------------------------------------------------------------------------------- */

static void
reverse_zones_are_cut_as_configured(void **state)
{
	static const struct {
		const char *name, *want; /* NULL: in no zone */
	} rows[] = {
		{ "1.2.0.192.in-addr.arpa.", "2.0.192.in-addr.arpa." },
		{ "2.0.192.in-addr.arpa.", "2.0.192.in-addr.arpa." },
		{ "x.1.2.0.192.IN-ADDR.arpa.", "2.0.192.in-addr.arpa." },
		{ "x.2.0.192.in-addr.arpa.", "2.0.192.in-addr.arpa." },
		{ "0.192.in-addr.arpa.", NULL },
		{ "1.3.0.192.in-addr.arpa.", NULL },
		{ "1.02.0.192.in-addr.arpa.", NULL },
		{ "1.2.3.10.in-addr.arpa.", "3.10.in-addr.arpa." },
		{ "10.in-addr.arpa.", NULL },
		{ "1.2.200.10.in-addr.arpa.", "2.200.10.in-addr.arpa." },
		{ "1.2.0.192.example.", NULL },
		{ "in-addr.arpa.", NULL },
		{ "arpa.", NULL },
		{ ".", NULL },
		{ "256.2.0.192.in-addr.arpa.", "2.0.192.in-addr.arpa." },
		{ "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.2.0.0.0.1.0.0.0.8.B.d.0.1.0.0.2.ip6.arpa.",
		  "2.0.0.0.1.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa." },
		{ "2.0.0.0.1.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa.", "2.0.0.0.1.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa." },
		{ "0.0.0.1.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa.", NULL },
		{ "2.0.0.0.1.0.0.0.9.b.d.0.1.0.0.2.ip6.arpa.", NULL },
	};
	struct dns_settings reverse = settings;

	(void)state;
	reverse.prefix_count = 4;
	reverse.prefixes[0] = (struct reverse_prefix){ 4, 24, 24, { 192, 0, 2 } };
	reverse.prefixes[1] = (struct reverse_prefix){ 4, 8, 16, { 10 } };
	reverse.prefixes[2] = (struct reverse_prefix){ 4, 9, 24, { 10, 128 } };
	reverse.prefixes[3] = (struct reverse_prefix){ 6, 32, 64, { 0x20, 0x01, 0x0d, 0xb8 } };
	for (size_t i = 0; i < array_size(rows); i++) {
		struct dname name = name_of(rows[i].name), zone, want;
		bool found = project_dns_reverse_zone(&reverse, &name, &zone);

		if (found != (rows[i].want != NULL))
			fail_msg("%s: got %d", rows[i].name, found);
		if (!found)
			continue;
		want = name_of(rows[i].want);
		assert_true(dname_is(&zone, &want));
	}
}

static void
an_address_has_a_name(void **state)
{
	static const struct {
		const char *address, *want;
	} rows[] = {
		{ "192.0.2.41", "41.2.0.192.in-addr.arpa." },
		{ "255.255.255.255", "255.255.255.255.in-addr.arpa." },
		{ "2001:DB8::31", "1.3.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa." },
		{ "192.0.2", NULL },
		{ "192.0.2.256", NULL },
		{ "192.0.2.1/32", NULL },
		{ "host.example", NULL },
		{ "::g", NULL },
		{ "", NULL },
		{ "0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000", NULL },
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		struct address address;
		struct dname got, want;
		bool read = address_from_text(span_of(rows[i].address), &address);

		assert_int_equal(read, rows[i].want != NULL);
		if (!read)
			continue;
		address_reverse_name(&address, &got);
		want = name_of(rows[i].want);
		assert_true(dname_is(&got, &want));
	}
	assert_false(address_from_text((struct span){ "1.2.3.4\0", 8 }, &(struct address){ 0 }));
}

/* --- what makes no sense ----------------------------------------------------------------------------------------- */

static void
fragments_that_make_no_sense_are_refused(void **state)
{
	static const struct {
		const char *subject;
		struct span payload;
	} rows[] = {
		{ "z\001x", { "", 0 } },
		{ "z\001x", { "\002", 1 } },
		{ "z\001x", { "\001\007", 2 } },
		{ "z\001x", { "\001\001\007\000", 4 } },
		{ "z\001x", { "\001\001\001\001", 4 } },
		{ "z\001x", { "\001\002\001\001\000\000\000", 7 } },
		{ "r\001x", { "\001\077abc", 5 } },
		{ "s", { "\001\007\001a", 4 } },
		{ "s", { "\001\001\377\377\377\377\377\001", 8 } },
		{ "s", { "\001\001\002a", 4 } },
		{ "x\001x", { "\001", 1 } },
		{ "z\002x", { "\001", 1 } },
	};
	struct reduced out = { .value = TEXT_INIT, .problems = TEXT_INIT };

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		struct held_fragment fragment = { 1, rows[i].payload };
		struct reduce_input input = { .subject = span_of(rows[i].subject),
			                      .count = 1,
			                      .fragments = &fragment,
			                      .dn_of = fake_dn };

		assert_int_equal(project_dns_reduce(&settings, &input, &out), -EBADMSG);
		assert_false(out.present);
	}
	text_free(&out.value);
	text_free(&out.problems);
}

/* --- the profile --------------------------------------------------------------------------------------------------- */

struct list {
	size_t count;
	bool has_class, has_zone, has_mx;
};

static void
note(void *context, const char *attribute)
{
	struct list *list = context;

	list->count++;
	list->has_class |= strcmp(attribute, "objectClass") == 0;
	list->has_zone |= strcmp(attribute, "zoneName") == 0;
	list->has_mx |= strcmp(attribute, "mXRecord") == 0;
	if (strcmp(attribute, "objectClass") != 0)
		assert_true(profile_wants(&profile_ispman, span_of(attribute)));
}

static void
only_what_is_used_is_asked_for(void **state)
{
	static const struct {
		const char *attribute;
		bool want;
	} rows[] = {
		{ "zonename", true },      { "RELATIVEDOMAINNAME", true }, { "dNSTTL", true },
		{ "unknownRecord", true }, { "aRecord", true },            { "tYPE65280Record", true },
		{ "ispmanVal", true },     { "ispmanDomainType", true },   { "ispmanReplicaMaster", true },
		{ "userPassword", true }, { "mailAlias", true },          { "ispmanRecord", false },
		{ "homeDirectory", true },    { "ispmanControlPanelPassword", false },
	};
	struct list list = { 0 };

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++)
		assert_int_equal(profile_wants(&profile_ispman, span_of(rows[i].attribute)), rows[i].want);
	profile_each_attribute(&profile_ispman, note, &list);
	assert_true(list.count > 50 && list.has_class && list.has_zone && list.has_mx);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(entries_without_dns_data_cost_no_memory),
		cmocka_unit_test(one_entry_may_speak_of_several_subjects),
		cmocka_unit_test(problems_of_one_entry_have_a_limit),
		cmocka_unit_test(a_quoted_value_is_printable_and_short),
		cmocka_unit_test(a_soa_that_goes_away_is_held),
		cmocka_unit_test(a_zones_fragments_can_be_asked),
		cmocka_unit_test(reverse_zones_are_cut_as_configured),
		cmocka_unit_test(an_address_has_a_name),
		cmocka_unit_test(fragments_that_make_no_sense_are_refused),
		cmocka_unit_test(only_what_is_used_is_asked_for),
	};

	return RUN_TESTS(tests);
}
