/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 */
#include <config.h>

#include "tests/unit/test.h"

#include "cache/cache.h"
#include "cache/load_mark.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static const struct store_options plain = {
	.map_size = 16 << 20,
	.file_mode = 0640,
	.group = (gid_t)-1,
};

static char top[64], folder[96];

static int
make_folder(void **state)
{
	(void)state;
	snprintf(top, sizeof(top), "/tmp/test_load_mark.XXXXXX");
	if (mkdtemp(top) == NULL)
		return -1;
	snprintf(folder, sizeof(folder), "%s/dns/1", top);
	return 0;
}

static int
remove_folder(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf '%s'", top);
	return system(command);
}

static bool
has(const char *name)
{
	char path[160];
	struct stat st;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return stat(path, &st) == 0;
}

static void
write_file(const char *name, const char *text)
{
	char path[160];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static struct store *
open_store(bool want_wiped)
{
	struct text why = TEXT_INIT;
	struct store *store;
	bool wiped = !want_wiped;

	if (load_mark_open(folder, &plain, &store, &wiped, &why) < 0)
		fail_msg("%s", text_str(&why));
	assert_int_equal(wiped, want_wiped);
	text_free(&why);
	return store;
}

static void
put(struct store *store, const char *key)
{
	struct store_txn *txn;

	assert_int_equal(store_begin_write(store, &txn), 0);
	assert_int_equal(store_put(txn, 0, span_of(key), SPAN("x")), 0);
	assert_int_equal(store_commit(txn), 0);
}

static bool
holds(struct store *store, const char *key)
{
	struct store_txn *txn;
	struct span value;
	int r;

	assert_int_equal(store_begin_read(store, &txn), 0);
	r = store_get(txn, 0, span_of(key), &value);
	store_abort(txn);
	assert_true(r >= 0);
	return r == 1;
}

static void
a_new_environment_is_marked_before_it_is_there(void **state)
{
	struct store *store = open_store(false);

	(void)state;
	assert_true(has("loading"));
	put(store, "a");
	store_close(store);
	/* Never loaded: what is in it is of no use. */
	store = open_store(true);
	assert_false(holds(store, "a"));
	store_close(store);
}

static void
what_was_loaded_stays(void **state)
{
	struct store *store = open_store(false);

	(void)state;
	assert_int_equal(load_mark_set(store), 0);
	put(store, "a");
	assert_int_equal(load_mark_clear(store), 0);
	assert_false(has("loading"));
	store_close(store);
	store = open_store(false);
	assert_true(holds(store, "a"));
	assert_false(has("loading"));
	store_close(store);
}

static void
no_octets_of_a_marked_environment_matter(void **state)
{
	struct store *store = open_store(false);

	(void)state;
	store_close(store);
	write_file("data.mdb", "no tree of pages");
	write_file("lock.mdb", "no locks");
	store_close(open_store(true));
}

static void
a_damaged_environment_without_a_mark_is_left_alone(void **state)
{
	struct text why = TEXT_INIT;
	struct store *store = open_store(false);
	bool wiped;

	(void)state;
	assert_int_equal(load_mark_clear(store), 0);
	store_close(store);
	write_file("data.mdb", "no tree of pages, but somebody may want to look at it");
	assert_true(load_mark_open(folder, &plain, &store, &wiped, &why) < 0);
	assert_non_null(strstr(text_str(&why), folder));
	text_free(&why);
}

static void
a_mark_is_stale_when_the_machine_went_down(void **state)
{
	struct store *store = open_store(false);

	(void)state;
	assert_false(load_mark_is_stale(folder));
	write_file("loading", "00000000-0000-0000-0000-000000000000");
	assert_true(load_mark_is_stale(folder));
	write_file("loading", "");
	assert_true(load_mark_is_stale(folder));
	assert_int_equal(load_mark_set(store), 0);
	assert_false(load_mark_is_stale(folder));
	assert_int_equal(load_mark_clear(store), 0);
	assert_false(load_mark_is_stale(folder));
	store_close(store);
}

static void
a_reader_does_not_open_what_a_power_loss_left(void **state)
{
	struct cache_options options = { .cache_dir = top, .audience = "dns", .format = 1 };
	struct cache_view *view;
	struct cache *cache;

	(void)state;
	store_close(open_store(false));
	write_file("loading", "00000000-0000-0000-0000-000000000000");
	assert_int_equal(cache_open(&options, &cache), 0);
	assert_int_equal(cache_begin(cache, &view), -ENODATA);
	assert_non_null(strstr(cache_error_text(), "went down"));
	cache_close(cache);
}

int
main(void)
{
#define ROW(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)
	const struct CMUnitTest tests[] = {
		ROW(a_new_environment_is_marked_before_it_is_there),
		ROW(what_was_loaded_stays),
		ROW(no_octets_of_a_marked_environment_matter),
		ROW(a_damaged_environment_without_a_mark_is_left_alone),
		ROW(a_mark_is_stale_when_the_machine_went_down),
		ROW(a_reader_does_not_open_what_a_power_loss_left),
	};

	return RUN_TESTS(tests);
}
