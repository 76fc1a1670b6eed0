/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * A sweep that the brake held and an admin released: it is made in batches, and the source has its turn between two of them.
 */
#include <config.h>

#include "tests/unit/test.h"

#include "cache/apply_internal.h"
#include "cache/project_login.h"
#include "cache/project_mail.h"

#include <errno.h>
#include <ftw.h>
#include <poll.h>
#include <stdio.h>

enum { HOSTS = 2500, ANCESTORS = 6, PATIENCE_MILLISECONDS = 20000 };

static const struct dns_settings settings = {
	.profile = &profile_ispman,
	.prefix_count = 1,
	.prefixes = { { .family = 4, .length = 24, .cut = 24, .address = { 192, 0, 2 } } },
};
static const struct mail_settings mail = { .profile = &profile_ispman };
static const struct login_settings login = { .profile = &profile_ispman };
static const struct project_settings project = {
	.profile = &profile_ispman, .dns = &settings, .mail = &mail, .login = &login
};

static struct {
	char folder[64];
	struct replica replica;
	struct apply *apply;
	struct feed feed;
	pthread_t thread;
	atomic_bool stop;
	atomic_bool releasing;
	atomic_uint batches;
	bool stop_after_one;
	int released; /* with this result */
} it;

/* Between two batches: goes on when the source wants to do something. */
static void
on_committed(void *context, uint64_t sequence)
{
	(void)context;
	(void)sequence;
	if (!atomic_load(&it.releasing) || atomic_fetch_add(&it.batches, 1) > 0)
		return;
	if (it.stop_after_one) {
		atomic_store(&it.stop, true);
		return;
	}
	for (int i = 0; i < PATIENCE_MILLISECONDS && atomic_load(&it.apply->source_wants) == 0; i++)
		poll(NULL, 0, 1);
}

static uint64_t
on_published(void *context)
{
	(void)context;
	return 0;
}

static void
tell(const char *dn, unsigned number, const char *const (*values)[2], size_t count)
{
	struct span texts[8];
	struct attribute attributes[8];
	struct entry entry = { .dn = span_of(dn), .attributes = attributes, .attribute_count = count,
		               .csn = SPAN("20261121115900.000001Z#000000#000#000000") };

	for (size_t i = 0; i < count; i++) {
		texts[i] = span_of(values[i][1]);
		attributes[i] = (struct attribute){ span_of(values[i][0]), 1, &texts[i] };
	}
	memset(entry.uuid, 0x22, sizeof(entry.uuid));
	memcpy(entry.uuid, &number, sizeof(number));
	assert_int_equal(it.feed.entry(it.feed.context, &entry), 0);
}

static void
tell_host(unsigned number)
{
	char dn[128], owner[16];
	const char *values[][2] = { { "objectClass", "dNSZone" }, { "zoneName", "a.example" },
		                    { "relativeDomainName", owner }, { "aRecord", "192.0.2.1" } };

	snprintf(owner, sizeof(owner), "h%u", number);
	snprintf(dn, sizeof(dn), "relativeDomainName=%s,dc=a,dc=example,ou=DNS,o=b", owner);
	tell(dn, ANCESTORS + number, values, array_size(values));
}

/* A zone with HOSTS hosts. */
static void
tell_refresh(unsigned hosts, const char *cookie, bool sweep)
{
	static const char *const none[][2] = { { "objectClass", "ispmanBranch" } };
	static const char *const domain[][2] = { { "objectClass", "ispmanDomain" },
		                                 { "ispmanDomain", "a.example" },
		                                 { "ispmanDomainType", "primary" } };
	static const char *const soa[][2] = {
		{ "objectClass", "dNSZone" },
		{ "zoneName", "a.example" },
		{ "relativeDomainName", "@" },
		{ "sOARecord", "ns.a.example. root.a.example. 1 3600 1800 604800 86400" },
	};

	assert_int_equal(it.feed.begin_refresh(it.feed.context, true), 0);
	tell("o=b", 0, none, 1);
	tell("ou=DNS,o=b", 1, none, 1);
	tell("dc=example,ou=DNS,o=b", 2, none, 1);
	tell("dc=a,dc=example,ou=DNS,o=b", 3, none, 1);
	tell("ispmanDomain=a.example,o=b", 4, domain, array_size(domain));
	tell("relativeDomainName=@,dc=a,dc=example,ou=DNS,o=b", 5, soa, array_size(soa));
	for (unsigned i = 0; i < hosts; i++)
		tell_host(i);
	assert_int_equal(it.feed.refresh_done(it.feed.context, sweep, span_of(cookie), 0), 0);
	assert_int_equal(it.feed.flush(it.feed.context), 0);
}

static uint64_t
entries(void)
{
	struct apply_status status;

	apply_status(it.apply, &status);
	return status.entries;
}

static bool
is_held(void)
{
	struct apply_status status;

	apply_status(it.apply, &status);
	return status.held;
}

static void
assert_cookie(const char *want)
{
	struct arena arena = ARENA_INIT;
	struct span cookie;

	assert_int_equal(it.feed.stored_cookie(it.feed.context, &arena, &cookie), 0);
	assert_true(span_is(cookie, span_of(want)));
	arena_free(&arena);
}

static void *
release(void *context)
{
	(void)context;
	it.released = apply_release_brake(it.apply, &it.stop);
	return NULL;
}

/* Begins to release, and returns when the first batch is committed. */
static void
begin_release(void)
{
	atomic_store(&it.batches, 0);
	atomic_store(&it.releasing, true);
	assert_int_equal(pthread_create(&it.thread, NULL, release, NULL), 0);
	for (int i = 0; i < PATIENCE_MILLISECONDS && atomic_load(&it.batches) == 0; i++)
		poll(NULL, 0, 1);
	assert_true(atomic_load(&it.batches) > 0);
}

static void
end_release(int want)
{
	pthread_join(it.thread, NULL);
	atomic_store(&it.releasing, false);
	assert_int_equal(it.released, want);
}

static int
open_empty(void **state)
{
	struct apply_options options = { .project = &project, .binding = SPAN("test"), .brake_percent = 10,
		                         .committed = on_committed, .published = on_published };
	cleanup(text_free) struct text why = TEXT_INIT;
	bool wiped;

	(void)state;
	snprintf(it.folder, sizeof(it.folder), "/tmp/test_apply_brake.XXXXXX");
	assert_non_null(mkdtemp(it.folder));
	assert_int_equal(replica_open(it.folder, SPAN("o=b"), 256 << 20, &it.replica, &wiped, &why), 0);
	assert_int_equal(apply_new(&it.replica, &options, &it.apply), 0);
	apply_feed(it.apply, &it.feed);
	it.stop_after_one = false;
	atomic_store(&it.stop, false);
	return 0;
}

static int
set_up(void **state)
{
	open_empty(state);
	tell_refresh(HOSTS, "first", true);
	assert_int_equal(entries(), ANCESTORS + HOSTS);
	assert_int_equal(apply_release_brake(it.apply, &it.stop), -ENOENT);
	tell_refresh(0, "second", true);
	assert_true(is_held());
	assert_int_equal(entries(), ANCESTORS + HOSTS);
	assert_cookie("first");
	return 0;
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static int
tear_down(void **state)
{
	(void)state;
	apply_free(it.apply);
	replica_close(&it.replica);
	nftw(it.folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	return 0;
}

static void
changes_are_applied_between_batches(void **state)
{
	uint64_t left;

	(void)state;
	begin_release();
	/* One of those that are to go turns out to be there, and one is new. */
	tell_host(HOSTS - 1);
	tell_host(HOSTS);
	left = entries();
	assert_true(left < ANCESTORS + HOSTS && left > ANCESTORS + 2);
	assert_int_equal(it.feed.cookie(it.feed.context, SPAN("third")), 0);
	assert_int_equal(it.feed.flush(it.feed.context), 0);
	assert_true(is_held());
	assert_cookie("first");
	end_release(0);
	assert_false(is_held());
	assert_int_equal(entries(), ANCESTORS + 2);
	assert_cookie("third");
}

static void
a_refresh_that_begins_takes_it_back(void **state)
{
	uint64_t left;

	(void)state;
	begin_release();
	assert_int_equal(it.feed.begin_refresh(it.feed.context, true), 0);
	left = entries();
	assert_true(left < ANCESTORS + HOSTS && left > ANCESTORS);
	assert_int_equal(it.feed.abort_refresh(it.feed.context), 0);
	assert_int_equal(it.feed.flush(it.feed.context), 0);
	end_release(-ESTALE);
	assert_int_equal(entries(), left);
	assert_cookie("first");
	tell_refresh(HOSTS, "third", true);
	assert_int_equal(entries(), ANCESTORS + HOSTS);
	assert_cookie("third");
}

static void
a_sweep_that_was_stopped_is_held_still(void **state)
{
	(void)state;
	it.stop_after_one = true;
	begin_release();
	end_release(-ECANCELED);
	assert_true(is_held());
	assert_in_range(entries(), ANCESTORS + 1, ANCESTORS + HOSTS - 1);
	assert_cookie("first");
	atomic_store(&it.stop, false);
	assert_int_equal(apply_release_brake(it.apply, &it.stop), 0);
	assert_int_equal(entries(), ANCESTORS);
	assert_cookie("second");
}

/* An aborted refresh that never began is none; what is held needs to know who was mentioned. */
static void
an_abort_does_not_make_everything_go(void **state)
{
	(void)state;
	assert_int_equal(it.feed.abort_refresh(it.feed.context), 0);
	assert_true(is_held());
	assert_int_equal(apply_release_brake(it.apply, &it.stop), 0);
	assert_int_equal(entries(), ANCESTORS);
}

/* Nothing is looked for behind a load into an empty directory; but what an earlier one left there may be gone. */
static void
what_an_aborted_first_load_brought_is_swept(void **state)
{
	static const char *const none[][2] = { { "objectClass", "ispmanBranch" } };

	(void)state;
	assert_int_equal(it.feed.begin_refresh(it.feed.context, true), 0);
	tell("o=b", 0, none, 1);
	tell_host(7);
	assert_int_equal(it.feed.abort_refresh(it.feed.context), 0);
	assert_int_equal(it.feed.flush(it.feed.context), 0);
	assert_int_equal(entries(), 2);
	tell_refresh(3, "first", true);
	assert_int_equal(entries(), ANCESTORS + 3);
	tell_refresh(4, "second", true);
	tell_refresh(2, "third", true);
	assert_int_equal(entries(), ANCESTORS + 2);
}

/* --- weighing --- */

enum { PTRS = 40, PRIMARY = 1, PRIMARY_WITH_PTRS, REPLICA_OF_FIRST, WITHOUT_DNS, WITHOUT_SOA, NEW_SOA, GONE, MOVED };

/* Entries that say nothing but which address has which name. */
static void
tell_pointers(unsigned number, const char *zone)
{
	char dn[160], owner[16], address[32];
	const char *values[][2] = { { "objectClass", "dNSZone" }, { "zoneName", zone },
		                    { "relativeDomainName", owner }, { "pTRRecord", address } };

	for (unsigned i = 0; i < PTRS; i++) {
		snprintf(owner, sizeof(owner), "h%u", i);
		snprintf(address, sizeof(address), "192.0.2.%u", i);
		snprintf(dn, sizeof(dn), "relativeDomainName=%s,ou=pTRRecord,dc=z%u,dc=example,ou=DNS,o=b", owner, number);
		tell(dn, 100000 + number * 100 + i, values, array_size(values));
	}
}

/* Domain NUMBER as HOW says; REPLICA_OF_FIRST repeats that of number 0. */
static void
tell_domain(unsigned number, int how)
{
	static const char *const none[][2] = { { "objectClass", "ispmanBranch" } };
	char zone[32], dn[160], label[16];
	const char *domain[][2] = { { "objectClass", "ispmanDomain" },
		                    { "ispmanDomain", zone },
		                    { "ispmanDomainType", how == WITHOUT_DNS        ? "nodns"
		                                          : how == REPLICA_OF_FIRST ? "replica"
		                                                                    : "primary" },
		                    { "ispmanReplicaMaster", "z0.example" } };
	const char *soa[][2] = { { "objectClass", "dNSZone" },
		                 { "zoneName", zone },
		                 { "relativeDomainName", "@" },
		                 { "sOARecord", "ns.a.example. root.a.example. 1 3600 1800 604800 86400" } };

	if (how == GONE)
		return;
	snprintf(label, sizeof(label), "z%u", number);
	snprintf(zone, sizeof(zone), "%s.example", label);
	snprintf(dn, sizeof(dn), "ispmanDomain=%s,o=b", zone);
	tell(dn, 1000 + number * 10, domain, how == REPLICA_OF_FIRST ? 4 : 3);
	if (how == REPLICA_OF_FIRST || how == WITHOUT_DNS)
		return;
	snprintf(dn, sizeof(dn), "dc=%s,dc=example,ou=DNS,o=b", label);
	tell(dn, 1001 + number * 10, none, 1);
	snprintf(dn, sizeof(dn), "%s,ou=sOARecord,dc=%s,dc=example,ou=DNS,o=b", how == MOVED ? "cn=soa" : "relativeDomainName=@",
	         label);
	if (how == PRIMARY_WITH_PTRS)
		tell_pointers(number, zone);
	if (how != WITHOUT_SOA)
		tell(dn, (how == NEW_SOA ? 1003 : 1002) + number * 10, soa, array_size(soa));
}

struct share {
	unsigned count;
	int before, after;
};

static void
tell_domains(const struct share *shares, size_t count, bool before)
{
	static const char *const none[][2] = { { "objectClass", "ispmanBranch" } };
	unsigned number = 0;

	assert_int_equal(it.feed.begin_refresh(it.feed.context, true), 0);
	tell("o=b", 0, none, 1);
	tell("ou=DNS,o=b", 1, none, 1);
	tell("dc=example,ou=DNS,o=b", 2, none, 1);
	for (size_t i = 0; i < count; i++)
		for (unsigned n = 0; n < shares[i].count; n++)
			tell_domain(number++, before ? shares[i].before : shares[i].after);
	assert_int_equal(it.feed.refresh_done(it.feed.context, true, SPAN("cookie"), 0), 0);
	assert_int_equal(it.feed.flush(it.feed.context), 0);
}

static void
zones_are_weighed_by_what_is_served(void **state)
{
	static const struct {
		const char *what;
		struct share shares[3];
		unsigned held_zones, zones_total; /* 0: not held */
		unsigned held_records;
	} rows[] = {
		{ "five may go", { { 30, PRIMARY, PRIMARY }, { 5, PRIMARY, GONE } }, 0, 0, 0 },
		{ "six may not", { { 30, PRIMARY, PRIMARY }, { 6, PRIMARY, GONE } }, 6, 36, 0 },
		{ "a tenth may", { { 70, PRIMARY, PRIMARY }, { 7, PRIMARY, WITHOUT_SOA } }, 0, 0, 0 },
		{ "more may not", { { 70, PRIMARY, PRIMARY }, { 8, PRIMARY, WITHOUT_SOA } }, 8, 78, 0 },
		{ "domains without DNS are no zones", { { 20, PRIMARY, PRIMARY }, { 100, WITHOUT_DNS, WITHOUT_DNS },
		                                        { 8, PRIMARY, GONE } }, 8, 28, 0 },
		{ "such may go", { { 20, PRIMARY, PRIMARY }, { 100, WITHOUT_DNS, GONE } }, 0, 0, 0 },
		{ "a master takes its replicas with it", { { 1, PRIMARY, WITHOUT_SOA }, { 10, REPLICA_OF_FIRST, REPLICA_OF_FIRST },
		                                           { 20, PRIMARY, PRIMARY } }, 11, 31, 0 },
		{ "which may be few", { { 1, PRIMARY, GONE }, { 4, REPLICA_OF_FIRST, REPLICA_OF_FIRST },
		                        { 20, PRIMARY, PRIMARY } }, 0, 0, 0 },
		{ "both may be gone", { { 1, PRIMARY, GONE }, { 10, REPLICA_OF_FIRST, GONE }, { 20, PRIMARY, PRIMARY } }, 11, 31, 0 },
		{ "rewritten", { { 20, PRIMARY, NEW_SOA }, { 20, PRIMARY, PRIMARY } }, 0, 0, 0 },
		{ "moved", { { 20, PRIMARY, MOVED }, { 20, PRIMARY, PRIMARY } }, 0, 0, 0 },
		{ "computed PTR records count", { { 1, PRIMARY_WITH_PTRS, PRIMARY }, { 2, PRIMARY, PRIMARY } }, 0, 3, PTRS },
		{ "they may go with their zone", { { 1, PRIMARY_WITH_PTRS, GONE }, { 20, PRIMARY, PRIMARY } }, 0, 0, 0 },
		{ "a replica now has its own", { { 1, PRIMARY, PRIMARY }, { 20, REPLICA_OF_FIRST, PRIMARY } }, 0, 0, 0 },
	};

	for (size_t i = 0; i < array_size(rows); i++) {
		struct apply_status status;
		bool held;

		open_empty(state);
		tell_domains(rows[i].shares, array_size(rows[i].shares), true);
		assert_false(is_held());
		tell_domains(rows[i].shares, array_size(rows[i].shares), false);
		apply_status(it.apply, &status);
		/* Every domain is one for mail too, which may be what holds it. */
		held = status.held && status.brake.zones + status.brake.records > 0;
		if (held != (rows[i].held_zones + rows[i].held_records > 0) ||
		    (held && (status.brake.zones != rows[i].held_zones ||
		                     status.brake.zones_total != rows[i].zones_total ||
		                     status.brake.records != rows[i].held_records)))
			fail_msg("%s: held %d, %u of %u zones, %u of %u records", rows[i].what, held,
			         (unsigned)status.brake.zones, (unsigned)status.brake.zones_total,
			         (unsigned)status.brake.records, (unsigned)status.brake.records_total);
		tear_down(state);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(changes_are_applied_between_batches, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_refresh_that_begins_takes_it_back, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_sweep_that_was_stopped_is_held_still, set_up, tear_down),
		cmocka_unit_test(zones_are_weighed_by_what_is_served),
		cmocka_unit_test_setup_teardown(an_abort_does_not_make_everything_go, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_an_aborted_first_load_brought_is_swept, open_empty, tear_down),
	};

	return RUN_TESTS(tests);
}
