/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * What the golden files of tests/project cannot show: limits, order, and octets that make no sense.
 */
#include <config.h>

#include "tests/unit/test.h"

#include "cache/project_mail_parts.h"

#include <errno.h>
#include <stdio.h>

static const struct mail_settings settings = { .profile = &profile_ispman };

/* --- entries by hand ------------------------------------------------------------------------------------- */

enum { ATTRIBUTES_MAX = 6 };

struct made {
	struct arena arena;
	struct attribute attributes[ATTRIBUTES_MAX];
	struct entry entry;
	struct placed_entry placed;
	struct mapped mapped;
};

/* The base is o=b. */
static void
make(struct made *made, const char *dn)
{
	struct rdn *rdns;
	size_t count;

	memset(made, 0, sizeof(*made));
	made->entry.dn = span_of(dn);
	made->entry.attributes = made->attributes;
	assert_int_equal(dn_split(made->entry.dn, &made->arena, &rdns, &count), 0);
	made->placed = (struct placed_entry){ &made->entry, count - 1, rdns };
}

static void
made_done(struct made *made)
{
	arena_free(&made->arena);
	text_free(&made->mapped.problems);
}

/* COUNT values of FORMAT, which has one %u. */
static void
give(struct made *made, const char *name, unsigned count, const char *format)
{
	struct attribute *attribute = &made->attributes[made->entry.attribute_count++];
	char value[200];

	assert_true(made->entry.attribute_count <= ATTRIBUTES_MAX);
	attribute->name = span_of(name);
	attribute->count = count;
	attribute->values = arena_alloc(&made->arena, count * sizeof(struct span));
	assert_non_null(attribute->values);
	for (unsigned i = 0; i < count; i++) {
		size_t n = 0;

		/* Backwards: what is made of them is in order. */
		for (const char *p = format; *p != '\0'; p++)
			n += *p == '%' ? (size_t)snprintf(value + n, sizeof(value) - n, "%05u", count - 1 - i) :
			                 (size_t)snprintf(value + n, sizeof(value) - n, "%c", *p);
		attribute->values[i] = arena_copy(&made->arena, span_from(value, n));
	}
}

static void
map(struct made *made)
{
	assert_int_equal(project_mail_map(&settings, &made->placed, &made->arena, &made->mapped), 0);
}

static size_t
fragments_of(const struct mapped *mapped, char letter)
{
	size_t count = 0;

	for (const struct fragment *f = mapped->fragments; f != NULL; f = f->next)
		count += (char)f->subject.octets[0] == letter;
	return count;
}

static size_t
octets_of(const struct mapped *mapped)
{
	size_t n = 0;

	for (const struct fragment *f = mapped->fragments; f != NULL; f = f->next)
		n += f->payload.len;
	return n;
}

static size_t
count_of(const struct text *problems, const char *kind)
{
	struct span rest = text_span(problems);
	struct problem problem;
	size_t count = 0;

	while (problem_next(&rest, &problem) > 0)
		count += span_is(problem.kind, span_of(kind));
	return count;
}

static void
fake_dn(void *context, uint64_t entry_id, struct text *out_dn)
{
	(void)context;
	text_putf(out_dn, "cn=%u", (unsigned)entry_id);
}

/* --- map -------------------------------------------------------------------------------------------------- */

static void
entries_without_mail_cost_no_memory(void **state)
{
	static const char *const dns[] = { "o=b", "ou=DNS,o=b", "uid=a,ou=users,ispmanDomain=x,o=b" };

	(void)state;
	for (size_t i = 0; i < array_size(dns); i++) {
		struct arena arena = ARENA_INIT;
		struct made made;

		make(&made, dns[i]);
		give(&made, "objectClass", 1, "ispmanBranch");
		give(&made, "mailLocalAddress", 1, "a@x.example");
		assert_int_equal(project_mail_map(&settings, &made.placed, &arena, &made.mapped), 0);
		assert_null(made.mapped.fragments);
		assert_null(made.mapped.problems.data);
		assert_null(arena.blocks);
		made_done(&made);
	}
}

static void
an_entry_costs_what_it_may(void **state)
{
	static const struct {
		unsigned addresses, targets, logins;
		const char *address, *target;
		size_t want_addresses;
		const char *want_problem;
	} rows[] = {
		{ 1000, 1, 1, "a%@x.example", "t%@y.example", 1000, NULL },
		{ 1001, 1, 1, "a%@x.example", "t%@y.example", 1000, "too-many-addresses" },
		{ 1, 10000, 1, "a%@x.example", "t%@y.example", 1, NULL },
		{ 1, 10001, 1, "a%@x.example", "t%@y.example", 1, "too-many-targets" },
		{ 2, 1, 100, "a%@x.example", "t%@y.example", 2, NULL },
		{ 2, 1, 101, "a%@x.example", "t%@y.example", 2, "too-many-logins" },
		/* All addresses carry all targets. */
		{ 100, 1000, 1, "a%@x.example", "t%@y.example", 58, "too-many-addresses" },
		{ 1000, 10000, 100, "a%@z.example", "t%@y.example", 5, "too-many-addresses" },
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		struct made made;

		make(&made, "cn=all,ispmanDomain=x.example,o=b");
		give(&made, "objectClass", 1, "ispmanMailGroup");
		give(&made, "mailLocalAddress", rows[i].addresses, rows[i].address);
		give(&made, "mailForwardingAddress", rows[i].targets, rows[i].target);
		give(&made, "ispmanSenderLogin", rows[i].logins, "login%");
		map(&made);
		if (fragments_of(&made.mapped, 'a') != rows[i].want_addresses)
			fail_msg("row %zu: %zu addresses", i, fragments_of(&made.mapped, 'a'));
		assert_true(octets_of(&made.mapped) < 2 * PROJECT_MAIL_OCTETS_MAX);
		if (rows[i].want_problem != NULL)
			assert_int_equal(count_of(&made.mapped.problems, rows[i].want_problem), 1);
		else
			assert_int_equal(made.mapped.problems.len, 0);
		made_done(&made);
	}
}

static void
what_is_too_large_keeps_the_address_it_goes_by(void **state)
{
	struct made made;
	struct mail_claim claim;
	bool found = false;

	(void)state;
	make(&made, "uid=z,ispmanDomain=x.example,o=b");
	give(&made, "objectClass", 1, "ispmanDomainUser");
	give(&made, "mailLocalAddress", 1, "zzz@x.example");
	give(&made, "mailAlias", 900, "a%@x.example");
	give(&made, "mailForwardingAddress", 2000, "t%@y.example");
	map(&made);
	assert_int_equal(count_of(&made.mapped.problems, "too-many-addresses"), 1);
	for (const struct fragment *f = made.mapped.fragments; f != NULL; f = f->next) {
		assert_int_equal(mail_claim_read(f->payload, &claim), 0);
		assert_true(span_is(claim.primary, SPAN("zzz@x.example")));
		assert_int_equal(claim.forwarding.count, 2000);
		found |= (claim.flags & MAIL_PRIMARY) != 0;
	}
	assert_true(found);
	made_done(&made);
}

static void
values_in_another_order_are_the_same(void **state)
{
	struct made forth, back;
	const struct fragment *a, *b;

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct made *made = i == 0 ? &forth : &back;

		make(made, "uid=a,ispmanDomain=x.example,o=b");
		give(made, "objectClass", 1, "ispmanDomainUser");
		give(made, "mailLocalAddress", 3, "a%@x.example");
		give(made, "mailAlias", 3, "A%@x.example");
		give(made, "mailForwardingAddress", 3, "t%@y.example");
		give(made, "uid", 3, "u%");
	}
	for (size_t i = 1; i < back.entry.attribute_count; i++) {
		struct span first = back.attributes[i].values[0];

		back.attributes[i].values[0] = back.attributes[i].values[2];
		back.attributes[i].values[2] = first;
	}
	map(&forth);
	map(&back);
	assert_int_equal(fragments_of(&forth.mapped, 'a'), 3);
	for (a = forth.mapped.fragments, b = back.mapped.fragments; a != NULL; a = a->next, b = b->next) {
		assert_non_null(b);
		assert_true(span_is(key_span(&a->subject), key_span(&b->subject)));
		assert_true(span_is(a->payload, b->payload));
	}
	assert_null(b);
	made_done(&forth);
	made_done(&back);
}

static void
problems_of_one_entry_have_a_limit(void **state)
{
	struct made made;

	(void)state;
	make(&made, "uid=a,ispmanDomain=x.example,o=b");
	give(&made, "objectClass", 1, "ispmanDomainUser");
	give(&made, "mailLocalAddress", 1, "a@x.example");
	give(&made, "mailAlias", 900, "no address %");
	give(&made, "mailForwardingAddress", 9000, "no target %");
	map(&made);
	assert_int_equal(count_of(&made.mapped.problems, "bad-address"), COMPLAINTS_MAX);
	assert_int_equal(count_of(&made.mapped.problems, "more-problems"), 1);
	assert_int_equal(fragments_of(&made.mapped, 'a'), 1);
	made_done(&made);
}

/* --- reduce ----------------------------------------------------------------------------------------------- */

static int
reduce(struct span subject, const struct held_fragment *fragments, size_t count, struct reduced *out)
{
	const struct reduce_input input = {
		.subject = subject,
		.count = count,
		.fragments = fragments,
		.dn_of = fake_dn,
	};

	return project_mail_reduce(&settings, &input, out);
}

static size_t
claims_in(const struct text *value)
{
	struct mail_address address;
	struct mail_claim claim;
	struct mail_room room;
	size_t count = 0;
	int r;

	assert_int_equal(mail_address_read(text_span(value), SPAN("x.example"), SPAN("a"), &address), 0);
	while ((r = mail_address_next(&address, &room, &claim)) > 0)
		count++;
	assert_int_equal(r, 0);
	return count;
}

static void
a_record_holds_what_it_may(void **state)
{
	static const struct {
		size_t own, evil, evils; /* entries of its domain, of each other one, other ones */
		size_t forwarding;       /* octets of each of the others' */
		size_t want, want_problems;
	} rows[] = {
		{ 1, 0, 0, 0, 1, 0 },
		{ 0, 1, 1, 0, 1, 0 },
		{ 2, 1, 2, 0, 4, 1 },
		{ 64, 8, 1, 0, 72, 2 },
		{ 65, 9, 1, 0, 72, 2 },
		{ 1, 500, 3, 0, 25, 3 },
		{ 1, 20, 200, 0, 1000, 51 },
		{ 1, 8, 2, 600 << 10, 5, 2 },
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		struct reduced out = { .value = TEXT_INIT, .problems = TEXT_INIT };
		size_t count = rows[i].own + rows[i].evil * rows[i].evils, at = 0;
		struct held_fragment *fragments = calloc(count, sizeof(*fragments));
		struct text *payloads = calloc(rows[i].evils + 1, sizeof(*payloads));
		struct text list = TEXT_INIT;
		struct span rest;
		struct problem problem;
		size_t problems = 0;

		assert_non_null(fragments);
		assert_non_null(payloads);
		while (list.len < rows[i].forwarding)
			mail_list_put(&list, SPAN("somebody@elsewhere.example"));
		for (size_t e = 0; e <= rows[i].evils; e++) {
			char claimer[64] = "";

			if (e > 0)
				snprintf(claimer, sizeof(claimer), "evil%05zu.example", e);
			mail_claim_put(&payloads[e],
			               &(struct mail_claim){ .holder = MAIL_USER,
			                                     .claimer = span_of(claimer),
			                                     .forwarding = e == 0 ? (struct mail_list){ 0 } : mail_list_of(&list) });
			for (size_t k = 0; k < (e == 0 ? rows[i].own : rows[i].evil); k++, at++)
				/* The others were first. */
				fragments[at] = (struct held_fragment){ e == 0 ? 100000 + at : at, text_span(&payloads[e]) };
		}
		assert_int_equal(reduce(SPAN("ax.example\0a"), fragments, count, &out), 0);
		assert_true(out.present);
		if (claims_in(&out.value) != rows[i].want)
			fail_msg("row %zu: %zu claims", i, claims_in(&out.value));
		rest = text_span(&out.problems);
		while (problem_next(&rest, &problem) > 0)
			problems++;
		if (problems != rows[i].want_problems)
			fail_msg("row %zu: %zu problems", i, problems);
		for (size_t e = 0; e <= rows[i].evils; e++)
			text_free(&payloads[e]);
		text_free(&list);
		text_free(&out.value);
		text_free(&out.problems);
		free(payloads);
		free(fragments);
	}
}

static void
own_claims_come_first(void **state)
{
	static const char *const claimers[] = { "b.example", "", "a.example", "", "b.example" };
	static const char *const want[] = { "cn=2", "cn=4", "cn=3", "cn=1", "cn=5" };
	struct reduced out = { .value = TEXT_INIT, .problems = TEXT_INIT };
	struct held_fragment fragments[array_size(claimers)];
	struct text payloads[array_size(claimers)];
	struct mail_address address;
	struct mail_claim claim;
	struct mail_room room;

	(void)state;
	for (size_t i = 0; i < array_size(claimers); i++) {
		char name[16];

		payloads[i] = TEXT_INIT;
		snprintf(name, sizeof(name), "cn=%zu", i + 1);
		mail_claim_put(&payloads[i], &(struct mail_claim){
		                                     .holder = MAIL_USER, .claimer = span_of(claimers[i]), .primary = span_of(name) });
		fragments[i] = (struct held_fragment){ i + 1, text_span(&payloads[i]) };
	}
	assert_int_equal(reduce(SPAN("ax.example\0a"), fragments, array_size(fragments), &out), 0);
	assert_int_equal(mail_address_read(text_span(&out.value), SPAN("x.example"), SPAN("a"), &address), 0);
	for (size_t i = 0; i < array_size(want); i++) {
		assert_int_equal(mail_address_next(&address, &room, &claim), 1);
		assert_true(span_is(claim.primary, span_of(want[i])));
	}
	assert_int_equal(count_of(&out.problems, "address-held-twice"), 2);
	for (size_t i = 0; i < array_size(claimers); i++)
		text_free(&payloads[i]);
	text_free(&out.value);
	text_free(&out.problems);
}

static void
fragments_that_make_no_sense_are_refused(void **state)
{
	static const struct {
		struct span subject, payload;
		int want;
	} rows[] = {
		{ SPAN(""), SPAN(""), -EBADMSG },
		{ SPAN("z\7example"), SPAN("\1"), -EBADMSG },
		{ SPAN("ax.example"), SPAN("\1\0\0"), -EBADMSG },
		{ SPAN("ax.example\0a"), SPAN(""), -EBADMSG },
		{ SPAN("ax.example\0a"), SPAN("\1\0\0"), -EBADMSG },
		{ SPAN("ax.example\0a"), SPAN("\2\0\0"), -EBADMSG },
		{ SPAN("dx.example"), SPAN("\1\0\0\0\0\0\0\0\0\0\0\0\0"), 0 },
		{ SPAN("dx.example"), SPAN("\1\0\0\1\0\0\0\0\0\0\0\0\0"), -EBADMSG },
		{ SPAN("dx.example"), SPAN("\1\7\0\0\0\0\0\0\0\0\0\0\0"), -EBADMSG },
		{ SPAN("fx.example\0y.example"), SPAN("\1\0\1\0\0\0\0\0"), 0 },
		{ SPAN("fx.example\0y.example"), SPAN("\1\0\1\0\0\0\2\0"), -EBADMSG },
		{ SPAN("fx.example\0y.example"), SPAN("\1\0\1\0\0\0\1\0\5\0a"), -EBADMSG },
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		struct reduced out = { .value = TEXT_INIT, .problems = TEXT_INIT };
		const struct held_fragment fragment = { 1, rows[i].payload };
		int r = reduce(rows[i].subject, &fragment, 1, &out);

		if (r != rows[i].want)
			fail_msg("row %zu: got %d", i, r);
		text_free(&out.value);
		text_free(&out.problems);
	}
}

static void
what_is_left_of_nothing_is_no_record(void **state)
{
	static const struct span subjects[] = { SPAN("dx.example"), SPAN("ax.example\0a"), SPAN("fx.example\0y.example") };

	(void)state;
	for (size_t i = 0; i < array_size(subjects); i++) {
		struct reduced out = { .present = true, .value = TEXT_INIT, .problems = TEXT_INIT };

		assert_int_equal(reduce(subjects[i], NULL, 0, &out), 0);
		assert_false(out.present);
		assert_int_equal(out.problems.len, 0);
		text_free(&out.value);
		text_free(&out.problems);
	}
}

static void
a_domain_states_only_allowed_transports(void **state)
{
	static const struct span allowed[] = { SPAN("smtp"), SPAN("lmtp") };
	static const struct {
		const char *value;
		size_t allowed_count;
		bool want;
	} rows[] = {
		{ "smtp:[mx.example]", 2, true },  { "lmtp:unix:/run/lmtp", 2, true }, { "uucp:host", 2, false },
		{ "SMTP:[mx.example]", 2, false }, { ":[mx.example]", 2, true },       { "smtps:[mx.example]", 2, false },
		{ "uucp:host", 0, true },
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		const struct mail_settings some = { .profile = &profile_ispman,
			                            .transports = allowed,
			                            .transport_count = rows[i].allowed_count };
		struct made made;
		bool found = false;

		make(&made, "ispmanDomain=x.example,o=b");
		give(&made, "objectClass", 1, "ispmanDomain");
		give(&made, "ispmanDomain", 1, "x.example");
		give(&made, "ispmanMailTransport", 1, rows[i].value);
		assert_int_equal(project_mail_map(&some, &made.placed, &made.arena, &made.mapped), 0);
		for (const struct fragment *f = made.mapped.fragments; f != NULL; f = f->next)
			found |= memmem(f->payload.data, f->payload.len, rows[i].value, strlen(rows[i].value)) != NULL;
		if (found != rows[i].want || count_of(&made.mapped.problems, "foreign-transport") != !rows[i].want)
			fail_msg("%s with %zu allowed", rows[i].value, rows[i].allowed_count);
		made_done(&made);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(entries_without_mail_cost_no_memory),
		cmocka_unit_test(an_entry_costs_what_it_may),
		cmocka_unit_test(what_is_too_large_keeps_the_address_it_goes_by),
		cmocka_unit_test(values_in_another_order_are_the_same),
		cmocka_unit_test(problems_of_one_entry_have_a_limit),
		cmocka_unit_test(a_record_holds_what_it_may),
		cmocka_unit_test(own_claims_come_first),
		cmocka_unit_test(fragments_that_make_no_sense_are_refused),
		cmocka_unit_test(what_is_left_of_nothing_is_no_record),
		cmocka_unit_test(a_domain_states_only_allowed_transports),
	};

	return RUN_TESTS(tests);
}
