/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 */
#include <config.h>

#include "tests/unit/test.h"

#include "cache/record.h"
#include "cache/rrtype.h"

#include <errno.h>

static void
a_node_gives_its_records_back(void **state)
{
	static const struct rr rows[] = {
		{ RRTYPE_A, 0, 0, 300, { "192.0.2.1", 9 } },
		{ RRTYPE_MX, RR_TWIN, 5, RECORD_TTL_DEFAULT, { "10 mail", 7 } },
		{ RRTYPE_TXT, 0, 0, 0, { "\"\"", 2 } },
	};
	struct text value = TEXT_INIT;
	struct node_writer writer;
	struct node node;
	struct rr rr;

	(void)state;
	text_put(&value, "before");
	node_begin(&writer, &value);
	for (size_t i = 0; i < array_size(rows); i++)
		node_put(&writer, &rows[i]);
	node_end(&writer, NODE_HAS_A);
	assert_false(text_failed(&value));

	assert_int_equal(node_read(span_skip(text_span(&value), 6), &node), 0);
	assert_int_equal(node.flags, NODE_HAS_A);
	assert_int_equal(node.count, 3);
	for (size_t i = 0; i < array_size(rows); i++) {
		assert_int_equal(node_next(&node, &rr), 1);
		assert_int_equal(rr.type, rows[i].type);
		assert_int_equal(rr.flags, rows[i].flags);
		assert_int_equal(rr.relative, rows[i].relative);
		assert_int_equal(rr.ttl, rows[i].ttl);
		assert_true(span_is(rr.text, rows[i].text));
		assert_int_equal(rr.text.data[rr.text.len], '\0');
	}
	assert_int_equal(node_next(&node, &rr), 0);
	text_free(&value);
}

/* Whatever a reader does with VALUE cut short or of another version, it may not take it for whole. */
static void
is_refused_unless_whole(struct span value, int (*read)(struct span value))
{
	char *copy = malloc(value.len + 1);

	assert_non_null(copy);
	assert_int_equal(read(value), 0);
	for (size_t n = 0; n < value.len; n++) {
		/* Exactly N octets, so that a sanitizer sees the first one beyond. */
		char *shorter = malloc(n > 0 ? n : 1);

		assert_non_null(shorter);
		memcpy(shorter, value.data, n);
		assert_int_equal(read(span_from(shorter, n)), -EBADMSG);
		free(shorter);
	}
	memcpy(copy, value.data, value.len);
	copy[value.len] = 'x';
	assert_int_equal(read(span_from(copy, value.len + 1)), -EBADMSG);
	copy[0] = RECORD_VERSION + 1;
	assert_int_equal(read(span_from(copy, value.len)), -EPROTO);
	free(copy);
}

static int
read_whole_node(struct span value)
{
	struct node node;
	struct rr rr;
	int r = node_read(value, &node);

	if (r < 0)
		return r;
	while ((r = node_next(&node, &rr)) > 0)
		continue;
	return r;
}

static int
read_zone(struct span value)
{
	struct zone_record zone;

	return zone_record_read(value, &zone);
}

static int
read_settings(struct span value)
{
	static struct settings_record settings;

	return settings_record_read(value, &settings);
}

static int
read_state(struct span value)
{
	struct state_record record;

	return state_record_read(value, &record);
}

static void
a_zone_comes_back_as_it_was(void **state)
{
	const struct zone_record given = {
		.kind = ZONE_REPLICA,
		.has_soa = true,
		.stored_usable = true,
		.serial = 2004053007,
		.stored_serial = UINT32_MAX,
		.epoch = 7,
		.soa_ttl = RECORD_TTL_DEFAULT,
		.minimum = 86400,
		.master = SPAN("\4tern\7example\0"),
		.soa_head = SPAN("ns1.isp.example. hostmaster.isp.example."),
		.soa_tail = SPAN("10800 1800 604800 86400"),
	};
	struct text value = TEXT_INIT;
	struct zone_record got;

	(void)state;
	zone_record_put(&value, &given);
	assert_int_equal(zone_record_read(text_span(&value), &got), 0);
	assert_int_equal(got.kind, given.kind);
	assert_true(got.has_soa && got.stored_usable && !got.held);
	assert_int_equal(got.serial, given.serial);
	assert_int_equal(got.stored_serial, given.stored_serial);
	assert_int_equal(got.epoch, given.epoch);
	assert_int_equal(got.soa_ttl, given.soa_ttl);
	assert_int_equal(got.minimum, given.minimum);
	assert_true(span_is(got.master, given.master));
	assert_true(span_is(got.soa_head, given.soa_head));
	assert_true(span_is(got.soa_tail, given.soa_tail));
	is_refused_unless_whole(text_span(&value), read_zone);
	text_free(&value);
}

static void
settings_come_back_as_they_were(void **state)
{
	static struct settings_record given, got;
	struct text value = TEXT_INIT;

	(void)state;
	given.base_serial = 1795252737;
	given.epoch = 3;
	given.serial_stored = true;
	given.primary_ns = SPAN("ns1.isp.example.");
	given.rname = SPAN("hostmaster.isp.example.");
	given.catch_all = SPAN("www");
	given.prefix_count = 2;
	given.prefixes[0] = (struct reverse_prefix){ 4, 20, 24, { 192, 0, 16 } };
	given.prefixes[1] = (struct reverse_prefix){ 6, 32, 64, { 0x20, 0x01, 0x0d, 0xb8 } };
	settings_record_put(&value, &given);
	assert_int_equal(settings_record_read(text_span(&value), &got), 0);
	assert_int_equal(got.base_serial, given.base_serial);
	assert_int_equal(got.epoch, 3);
	assert_true(got.serial_stored);
	assert_true(span_is(got.primary_ns, given.primary_ns));
	assert_int_equal(got.secondary_ns.len, 0);
	assert_true(span_is(got.rname, given.rname));
	assert_true(span_is(got.catch_all, given.catch_all));
	assert_int_equal(got.prefix_count, 2);
	assert_memory_equal(got.prefixes, given.prefixes, 2 * sizeof(got.prefixes[0]));
	is_refused_unless_whole(text_span(&value), read_settings);

	given.prefixes[1].cut = 62; /* no nibble ends there */
	text_clear(&value);
	settings_record_put(&value, &given);
	assert_int_equal(settings_record_read(text_span(&value), &got), -EBADMSG);
	text_free(&value);
}

static void
state_and_nodes_are_refused_unless_whole(void **state)
{
	const struct state_record given = { true, UINT64_MAX - 5, { 1, 2, 3 } };
	const struct rr rr = { RRTYPE_A, 0, 0, 300, { "192.0.2.1", 9 } };
	struct text value = TEXT_INIT;
	struct node_writer writer;
	struct state_record got;

	(void)state;
	state_record_put(&value, &given);
	assert_int_equal(state_record_read(text_span(&value), &got), 0);
	assert_true(got.complete);
	assert_true(got.applied == given.applied);
	assert_memory_equal(got.source, given.source, sizeof(got.source));
	is_refused_unless_whole(text_span(&value), read_state);

	text_clear(&value);
	node_begin(&writer, &value);
	node_put(&writer, &rr);
	node_put(&writer, &rr);
	node_end(&writer, 0);
	is_refused_unless_whole(text_span(&value), read_whole_node);
	text_free(&value);
}

static void
served_serial_never_goes_back(void **state)
{
	static const struct {
		const char *why;
		uint32_t automatic, stored, base, zone_epoch, epoch;
		bool stored_usable, serial_stored;
		uint32_t want;
	} rows[] = {
		{ "nothing changed since the load", 0, 0, 1000, 1, 1, false, false, 1000 },
		{ "a change counts on", 1001, 0, 1000, 1, 1, false, false, 1001 },
		{ "a later stored one wins", 1001, 2004053007, 1000, 1, 1, true, false, 2004053007 },
		{ "an earlier stored one does not", 1795252737, 2004053007 - 500000000, 0, 1, 1, true, false, 1795252737 },
		{ "later is meant as in RFC 1982", 4294967295, 5, 0, 1, 1, true, false, 5 },
		{ "settings changed twice", 1001, 2000, 0, 1, 3, true, false, 2002 },
		{ "stored is taken as it is", 1001, 7, 1000, 1, 3, true, true, 7 },
		{ "stored is not usable", 1001, 0, 1000, 1, 1, false, true, 1001 },
	};
	static struct settings_record settings;

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		const struct zone_record zone = {
			.serial = rows[i].automatic,
			.stored_serial = rows[i].stored,
			.stored_usable = rows[i].stored_usable,
			.epoch = rows[i].zone_epoch,
		};

		settings.base_serial = rows[i].base;
		settings.epoch = rows[i].epoch;
		settings.serial_stored = rows[i].serial_stored;
		if (zone_serial(&zone, &settings) != rows[i].want)
			fail_msg("%s: got %u, want %u", rows[i].why, zone_serial(&zone, &settings), rows[i].want);
	}
}

static void
problems_are_walked_in_order(void **state)
{
	static char long_dn[70000];
	const struct problem given[] = {
		{ SPAN("bad-record"), SPAN("ou=x,dc=y"), SPAN("MX preference must be a number") },
		{ SPAN("long"), { long_dn, sizeof(long_dn) }, SPAN("kept") },
		{ SPAN("empty"), SPAN(""), SPAN("") },
	};
	struct text list = TEXT_INIT;
	struct problem got;
	struct span rest;

	(void)state;
	memset(long_dn, 'x', sizeof(long_dn));
	for (size_t i = 0; i < array_size(given); i++)
		problem_put(&list, &given[i]);
	assert_false(text_failed(&list));
	rest = text_span(&list);
	for (size_t i = 0; i < array_size(given); i++) {
		assert_int_equal(problem_next(&rest, &got), 1);
		assert_true(span_is(got.kind, given[i].kind));
		assert_true(span_is(got.sentence, given[i].sentence));
		assert_true(got.dn.len <= given[i].dn.len);
	}
	assert_int_equal(problem_next(&rest, &got), 0);
	rest = span_from(list.data, list.len - 1);
	assert_int_equal(problem_next(&rest, &got), 1);
	assert_int_equal(problem_next(&rest, &got), 1);
	assert_int_equal(problem_next(&rest, &got), -EBADMSG);
	text_free(&list);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_node_gives_its_records_back),
		cmocka_unit_test(a_zone_comes_back_as_it_was),
		cmocka_unit_test(settings_come_back_as_they_were),
		cmocka_unit_test(state_and_nodes_are_refused_unless_whole),
		cmocka_unit_test(served_serial_never_goes_back),
		cmocka_unit_test(problems_are_walked_in_order),
	};

	return RUN_TESTS(tests);
}
