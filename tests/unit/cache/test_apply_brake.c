/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * A sweep that the brake held and an admin released: it is made in batches, and the source has its turn between two of them.
 */
#include <config.h>

#include "tests/unit/test.h"

#include "cache/apply_internal.h"

#include <errno.h>
#include <ftw.h>
#include <poll.h>
#include <stdio.h>

enum { HOSTS = 2500, ANCESTORS = 6, PATIENCE_MILLISECONDS = 20000 };

static const struct dns_settings settings = { .profile = &profile_ispman };
static const struct project_settings project = { .profile = &profile_ispman, .dns = &settings };

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
set_up(void **state)
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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(changes_are_applied_between_batches, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_refresh_that_begins_takes_it_back, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_sweep_that_was_stopped_is_held_still, set_up, tear_down),
		cmocka_unit_test_setup_teardown(an_abort_does_not_make_everything_go, set_up, tear_down),
	};

	return RUN_TESTS(tests);
}
