/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 */
#include <config.h>

#include "tests/unit/test.h"

#include "cache/cache.h"
#include "cache/dns.h"
#include "common/counters.h"
#include "tests/lib/dns_text.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>

enum { DEADLINE_SECONDS = 20, THREADS = 8 };

static char folder[64];
static struct cache *cache;

static const char *
path_of(const char *name)
{
	static char path[4][128];
	static unsigned n;
	char *p = path[n++ % 4];

	snprintf(p, sizeof(path[0]), "%s/%s", folder, name);
	return p;
}

static int
make_folder(void **state)
{
	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/test_cache.XXXXXX");
	if (mkdtemp(folder) == NULL)
		return -1;
	return dns_open(folder, path_of("run"), &cache);
}

static int
remove_folder(void **state)
{
	char command[128];

	(void)state;
	cache_close(cache);
	dns_text_close();
	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	return system(command);
}

static void
fill(const char *text)
{
	dns_text_write(path_of("dns/2"), span_of(text));
}

#define ZONE(serial) "zone tern.example primary " #serial " 3600 ns. host.\n"

/* The serial of tern.example, 0 without such a zone, or why it cannot be told. */
static int64_t
read_serial(void)
{
	struct dns_question question;
	struct dname name;
	struct dns_zone zone;
	struct dns_view *view;
	int r = dns_begin(cache, &view);

	if (r < 0)
		return r;
	assert_int_equal(dname_from_text(SPAN("tern.example."), NULL, &name), 0);
	dns_question_set(&question, &name);
	r = dns_find_zone(view, &question, &zone);
	dns_end(view);
	return r > 0 ? (int64_t)zone.serial : r;
}

/* Files are looked for once a second. */
static void
comes_to(int64_t want)
{
	static const struct timespec pause = { 0, 10000000 };
	time_t until = time(NULL) + DEADLINE_SECONDS;

	while (read_serial() != want) {
		if (time(NULL) > until)
			fail_msg("got %lld, want %lld", (long long)read_serial(), (long long)want);
		nanosleep(&pause, NULL);
	}
}

static void
it_cannot_tell_before_the_first_load_is_complete(void **state)
{
	(void)state;
	assert_int_equal(read_serial(), -ENOENT);
	assert_non_null(strstr(cache_error_text(), "dns/2/data.mdb"));
	fill(ZONE(5) "incomplete\n");
	comes_to(-ENODATA);
	assert_non_null(strstr(cache_error_text(), "never been loaded completely"));
	fill(ZONE(5));
	comes_to(5);
}

static void
another_layout_is_not_read(void **state)
{
	(void)state;
	fill(ZONE(5) "version 2\n");
	assert_int_equal(read_serial(), -EPROTO);
	assert_non_null(strstr(cache_error_text(), "another version"));
	fill(ZONE(6));
	assert_int_equal(read_serial(), 6);
}

static void
new_files_are_taken_once_they_are_complete(void **state)
{
	(void)state;
	fill(ZONE(1));
	comes_to(1);
	assert_int_equal(rename(path_of("dns/2"), path_of("dns/old")), 0);
	assert_int_equal(read_serial(), 1);
	fill(ZONE(2) "incomplete\n");
	/* The rename alone changes nothing, and neither does a file that is still being filled: for longer than a second. */
	for (time_t until = time(NULL) + 2; time(NULL) <= until;)
		assert_int_equal(read_serial(), 1);
	fill(ZONE(3));
	comes_to(3);
}

static void
the_same_environment_is_one_cache(void **state)
{
	struct cache *again, *other;

	(void)state;
	assert_int_equal(dns_open(folder, path_of("run"), &again), 0);
	assert_ptr_equal(again, cache);
	assert_int_equal(dns_open(path_of("other"), path_of("run"), &other), 0);
	assert_ptr_not_equal(other, cache);
	assert_string_equal(cache_path(other), path_of("other/dns/2"));
	cache_close(again);
	cache_close(other);
}

static void *
read_often(void *context)
{
	static char complaint[] = "the serial ran backwards";
	const bool *stop = context;
	int64_t last = 0;

	while (!__atomic_load_n(stop, __ATOMIC_RELAXED)) {
		int64_t serial = read_serial();

		/* Each snapshot is at least as new as the one before. */
		if (serial < last)
			return complaint;
		last = serial;
	}
	return NULL;
}

static void
threads_come_and_go_while_it_is_written(void **state)
{
	pthread_t threads[THREADS];
	bool stop = false;
	char text[128];
	void *complaint;

	(void)state;
	fill(ZONE(1));
	for (int round = 0; round < 3; round++) {
		__atomic_store_n(&stop, false, __ATOMIC_RELAXED);
		for (int i = 0; i < THREADS; i++)
			assert_int_equal(pthread_create(&threads[i], NULL, read_often, &stop), 0);
		for (int i = 1; i <= 100; i++) {
			snprintf(text, sizeof(text), "zone tern.example primary %d 3600 ns. host.\n", round * 100 + i);
			fill(text);
		}
		__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
		for (int i = 0; i < THREADS; i++) {
			assert_int_equal(pthread_join(threads[i], &complaint), 0);
			assert_null(complaint);
		}
	}
}

static void
its_age_is_what_the_writer_publishes(void **state)
{
	static const struct counters_row rows[] = {
		{ CACHE_CONTACT_COUNTER, NULL, "Last contact", COUNTERS_SECONDS },
	};
	struct timespec old[2] = { { .tv_sec = time(NULL) - 5000 }, { .tv_sec = time(NULL) - 5000 } };
	struct counters *counters;
	uint64_t age = 0;

	(void)state;
	assert_int_equal(cache_age(cache, &age), -ENODATA);
	assert_int_equal(cache_check_age(cache, 0), 0);
	assert_int_equal(cache_check_age(cache, 10), -ESTALE);

	/* Without it, the last commit's. */
	fill(ZONE(1));
	assert_int_equal(utimensat(AT_FDCWD, path_of("dns/2/data.mdb"), old, 0), 0);
	for (time_t until = time(NULL) + DEADLINE_SECONDS; age < 5000 || age > 5000 + DEADLINE_SECONDS;) {
		if (cache_age(cache, &age) < 0)
			age = 0;
		assert_true(time(NULL) <= until);
	}
	assert_int_equal(cache_check_age(cache, 4000), -ESTALE);
	assert_non_null(strstr(cache_error_text(), "max-age is 4000 s"));
	assert_int_equal(cache_check_age(cache, 6000), 0);

	assert_int_equal(mkdir(path_of("run"), 0755), 0);
	assert_int_equal(counters_prepare(path_of("run"), "dns", (gid_t)-1), 0);
	counters = counters_open(path_of("run"), NULL, CACHE_CONTACT_PROGRAM, rows, 1);
	counters_set(counters, 0, ((uint64_t)time(NULL) - 100) * 1000000);
	for (time_t until = time(NULL) + DEADLINE_SECONDS; age < 100 || age > 100 + DEADLINE_SECONDS;) {
		assert_int_equal(cache_age(cache, &age), 0);
		assert_true(time(NULL) <= until);
	}
	counters_close(counters);
}

#define WITH_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_FOLDER(it_cannot_tell_before_the_first_load_is_complete),
		WITH_FOLDER(another_layout_is_not_read),
		WITH_FOLDER(new_files_are_taken_once_they_are_complete),
		WITH_FOLDER(the_same_environment_is_one_cache),
		WITH_FOLDER(threads_come_and_go_while_it_is_written),
		WITH_FOLDER(its_age_is_what_the_writer_publishes),
	};

	return RUN_TESTS(tests);
}
