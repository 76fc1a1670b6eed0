/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 */
#include <config.h>

#include "tests/unit/test.h"

#include "cache/store.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>

enum { MAP_SIZE = 16 << 20, RENEWALS_MAX = 100 };

static const struct store_options plain = {
	.map_size = MAP_SIZE,
	.file_mode = 0640,
	.group = (gid_t)-1,
};

static char folder[64];

static char *
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
	snprintf(folder, sizeof(folder), "/tmp/test_store.XXXXXX");
	return mkdtemp(folder) != NULL ? 0 : -1;
}

static int
remove_folder(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	return system(command);
}

static void
write_pairs(struct store *store, const char *const *pairs)
{
	struct store_txn *txn;

	assert_int_equal(store_begin_write(store, &txn), 0);
	for (; *pairs != NULL; pairs += 2)
		assert_int_equal(store_put(txn, 0, span_of(pairs[0]), span_of(pairs[1])), 0);
	assert_int_equal(store_commit(txn), 0);
}

static void
the_writer_makes_folders_and_files_with_their_modes(void **state)
{
	struct store *store;
	struct stat st;

	(void)state;
	assert_int_equal(store_open_writer(path_of("dns/1"), &plain, &store), 0);
	assert_int_equal(stat(path_of("dns/1"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 02750);
	assert_int_equal(stat(path_of("dns/1/data.mdb"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	assert_int_equal(stat(path_of("dns/1/lock.mdb"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0660);
	assert_string_equal(store_path(store), path_of("dns/1"));
	store_close(store);
}

static void
a_reader_creates_nothing(void **state)
{
	struct store *store = NULL;
	struct stat st;

	(void)state;
	assert_int_equal(store_open_reader(path_of("none"), NULL, &store), -ENOENT);
	assert_non_null(strstr(store_error_text(), "none/data.mdb"));
	assert_int_equal(store_open_writer(path_of("a"), &plain, &store), 0);
	store_close(store);
	assert_int_equal(unlink(path_of("a/lock.mdb")), 0);
	store = NULL;
	assert_int_equal(store_open_reader(path_of("a"), NULL, &store), -ENOENT);
	assert_null(store);
	assert_int_equal(stat(path_of("a/lock.mdb"), &st), -1);
}

static void
one_environment_is_opened_once_and_shared(void **state)
{
	struct store *first, *second, *writer;

	(void)state;
	assert_int_equal(store_open_writer(path_of("a"), &plain, &writer), 0);
	assert_int_equal(store_open_writer(path_of("a"), &plain, &second), -EBUSY);
	assert_int_equal(store_open_reader(path_of("a"), NULL, &first), 0);
	assert_int_equal(symlink(path_of("a"), path_of("b")), 0);
	assert_int_equal(store_open_reader(path_of("b"), NULL, &second), 0);
	assert_ptr_equal(first, writer);
	assert_ptr_equal(second, writer);
	store_close(writer);
	store_close(first);
	write_pairs(second, (const char *[]){ "k", "v", NULL });
	store_close(second);
}

static void
replaced_files_are_noticed(void **state)
{
	struct store *store, *other;

	(void)state;
	assert_int_equal(store_open_writer(path_of("a"), &plain, &store), 0);
	store_close(store);
	assert_int_equal(store_open_reader(path_of("a"), NULL, &store), 0);
	assert_int_equal(store_check_replaced(store), 0);
	assert_int_equal(rename(path_of("a"), path_of("old")), 0);
	assert_int_equal(store_check_replaced(store), 0);
	assert_int_equal(store_open_writer(path_of("a"), &plain, &other), 0);
	assert_int_equal(store_check_replaced(store), -ESTALE);
	assert_int_equal(store_check_replaced(other), 0);
	assert_ptr_not_equal(store, other);
	store_close(other);
	store_close(store);

	/* A new lock file alone is enough: the writer behind it would not see our snapshots. */
	assert_int_equal(store_open_reader(path_of("a"), NULL, &store), 0);
	assert_int_equal(rename(path_of("a/lock.mdb"), path_of("a/kept")), 0);
	assert_int_equal(store_open_writer(path_of("a"), &plain, &other), 0);
	assert_int_equal(store_check_replaced(store), -ESTALE);
	store_close(other);
	store_close(store);
}

static void
pairs_are_found_deleted_and_appended_in_order(void **state)
{
	struct store *store;
	struct store_txn *txn;
	struct span value;
	char longest[STORE_KEY_MAX + 1];

	(void)state;
	memset(longest, 'z', sizeof(longest));
	assert_int_equal(store_open_writer(path_of("a"), &plain, &store), 0);
	assert_int_equal(store_begin_write(store, &txn), 0);
	assert_int_equal(store_append(txn, 0, SPAN("a"), SPAN("1")), 0);
	assert_int_equal(store_append(txn, 0, SPAN("c"), SPAN("")), 0);
	assert_int_equal(store_append(txn, 0, SPAN("b"), SPAN("2")), -EEXIST);
	assert_int_equal(store_put(txn, 0, SPAN("b"), SPAN("3")), 0);
	assert_int_equal(store_put(txn, 0, span_from(longest, STORE_KEY_MAX), SPAN("long")), 0);
	assert_int_equal(store_put(txn, 0, span_from(longest, sizeof(longest)), SPAN("")), -EINVAL);
	assert_int_equal(store_put(txn, 0, SPAN(""), SPAN("")), -EINVAL);
	assert_int_equal(store_delete(txn, 0, SPAN("a")), 1);
	assert_int_equal(store_delete(txn, 0, SPAN("a")), 0);
	assert_int_equal(store_delete(txn, 0, SPAN("")), 0);
	assert_true(store_dirty_pages(txn) > 0);
	assert_int_equal(store_get(txn, 0, SPAN("c"), &value), 1);
	assert_int_equal(value.len, 0);
	assert_int_equal(store_get(txn, 0, span_from(longest, STORE_KEY_MAX), &value), 1);
	assert_int_equal(store_get(txn, 0, span_from(longest, sizeof(longest)), &value), 0);
	assert_int_equal(store_get(txn, 0, SPAN(""), &value), 0);
	assert_int_equal(store_get(txn, 0, SPAN("a"), &value), 0);
	assert_int_equal(store_commit(txn), 0);
	store_close(store);
}

static void
a_cursor_steps_back_from_anywhere(void **state)
{
	struct store *store;
	struct store_txn *txn;
	struct store_cursor *cursor;
	struct span key, value;

	(void)state;
	assert_int_equal(store_open_writer(path_of("a"), &plain, &store), 0);
	write_pairs(store, (const char *[]){ "b", "1", "d", "2", NULL });
	assert_int_equal(store_begin_read(store, &txn), 0);
	assert_int_equal(store_cursor_open(txn, 0, &cursor), 0);
	assert_int_equal(store_cursor_seek(cursor, SPAN("c"), &key, &value), 1);
	assert_true(span_is(key, SPAN("d")));
	assert_int_equal(store_cursor_prev(cursor, &key, &value), 1);
	assert_true(span_is(key, SPAN("b")) && span_is(value, SPAN("1")));
	assert_int_equal(store_cursor_prev(cursor, &key, &value), 0);
	assert_int_equal(store_cursor_seek(cursor, SPAN("e"), &key, &value), 0);
	assert_int_equal(store_cursor_prev(cursor, &key, &value), 1);
	assert_true(span_is(key, SPAN("d")));
	assert_int_equal(store_cursor_next(cursor, &key, &value), 0);
	assert_int_equal(store_cursor_last(cursor, &key, &value), 1);
	assert_true(span_is(key, SPAN("d")));
	assert_int_equal(store_cursor_seek(cursor, SPAN(""), &key, &value), 1);
	assert_true(span_is(key, SPAN("b")));

	/* The transaction may end before or after its cursors. */
	store_abort(txn);
	store_cursor_close(cursor);
	store_close(store);
}

static void
a_kept_reader_sees_a_commit_when_renewed(void **state)
{
	struct store *store;
	struct store_txn *txn;
	struct store_cursor *cursor;
	struct span key, value;
	uint64_t id;

	(void)state;
	assert_int_equal(store_open_writer(path_of("a"), &plain, &store), 0);
	assert_int_equal(store_begin_read(store, &txn), 0);
	assert_int_equal(store_cursor_open(txn, 0, &cursor), 0);
	id = store_txn_id(txn);
	write_pairs(store, (const char *[]){ "k", "v", NULL });
	assert_int_equal(store_get(txn, 0, SPAN("k"), &value), 0);
	store_reset(txn);
	assert_int_equal(store_renew(txn), 0);
	assert_true(store_txn_id(txn) != id);
	assert_int_equal(store_get(txn, 0, SPAN("k"), &value), 1);
	assert_int_equal(store_cursor_renew(txn, cursor), 0);
	assert_int_equal(store_cursor_seek(cursor, SPAN("k"), &key, &value), 1);
	store_cursor_close(cursor);
	store_abort(txn);
	store_close(store);
}

static void
named_tables_are_apart(void **state)
{
	static const char *const names[] = { "one", "two" };
	struct store_options options = plain;
	struct store *store;
	struct store_txn *txn;
	struct span value;

	(void)state;
	options.tables = names;
	options.table_count = 2;
	assert_int_equal(store_open_writer(path_of("a"), &plain, &store), 0);
	store_close(store);
	assert_int_equal(store_open_reader(path_of("a"), &options, &store), -ENOENT);
	assert_int_equal(store_open_writer(path_of("a"), &options, &store), 0);
	assert_int_equal(store_begin_write(store, &txn), 0);
	assert_int_equal(store_put(txn, 1, SPAN("k"), SPAN("v")), 0);
	assert_int_equal(store_commit(txn), 0);
	store_close(store);
	assert_int_equal(store_open_reader(path_of("a"), &options, &store), 0);
	assert_int_equal(store_begin_read(store, &txn), 0);
	assert_int_equal(store_get(txn, 0, SPAN("k"), &value), 0);
	assert_int_equal(store_get(txn, 1, SPAN("k"), &value), 1);
	store_abort(txn);
	store_close(store);
}

/* What main() does as "grow": fills more than the map that the test has open. */
static int
grow(const char *path)
{
	static char megabyte[1 << 20];
	struct store_options options = plain;
	struct store *store;
	struct store_txn *txn;

	options.map_size = (size_t)MAP_SIZE * 4;
	if (store_open_writer(path, &options, &store) < 0 || store_begin_write(store, &txn) < 0)
		return 1;
	for (char i = 'a'; i < 'a' + 24; i++)
		if (store_put(txn, 0, span_from(&i, 1), span_from(megabyte, sizeof(megabyte))) < 0)
			return 2;
	if (store_commit(txn) < 0)
		return 3;
	store_close(store);
	return 0;
}

static void
grow_elsewhere(void)
{
	char self[4096] = "";
	pid_t pid;
	int status;

	/* Executing the link itself would start valgrind's tool when this runs under valgrind. */
	assert_true(readlink("/proc/self/exe", self, sizeof(self) - 1) > 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		/* An environment is not to be used across a fork: begin as a new program. */
		execl(self, "grow", path_of("a"), NULL);
		_exit(9);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void *
read_for_a_while(void *context)
{
	struct store_txn *txn = context;
	struct timespec pause = { 0, 20000000 };

	nanosleep(&pause, NULL);
	store_reset(txn);
	return NULL;
}

static void
a_map_that_grew_is_mapped_anew(void **state)
{
	struct store *store;
	struct store_txn *kept, *other;
	struct span value;
	pthread_t thread;
	int r, tries = 0;

	(void)state;
	assert_int_equal(store_open_writer(path_of("a"), &plain, &store), 0);
	store_close(store);
	assert_int_equal(store_open_reader(path_of("a"), NULL, &store), 0);
	assert_int_equal(store_begin_read(store, &kept), 0);
	store_reset(kept);
	assert_int_equal(store_begin_read(store, &other), 0);
	grow_elsewhere();

	/* Another thread reads: it is waited for; when it takes too long (a loaded machine, a transfer) the next try gets it. */
	assert_int_equal(pthread_create(&thread, NULL, read_for_a_while, other), 0);
	do
		r = store_renew(kept);
	while (r == -EBUSY && tries++ < RENEWALS_MAX);
	assert_int_equal(r, 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(store_get(kept, 0, SPAN("x"), &value), 1);
	assert_int_equal(value.len, 1 << 20);
	assert_int_equal(store_renew(other), 0);
	assert_int_equal(store_get(other, 0, SPAN("a"), &value), 1);
	store_abort(other);
	store_abort(kept);
	store_close(store);
}

static void
figures_tell_who_reads(void **state)
{
	struct store *store;
	struct store_txn *txn;
	struct store_figures figures;

	(void)state;
	assert_int_equal(store_open_writer(path_of("a"), &plain, &store), 0);
	write_pairs(store, (const char *[]){ "k", "v", NULL });
	assert_int_equal(store_begin_read(store, &txn), 0);
	write_pairs(store, (const char *[]){ "k", "w", NULL });
	write_pairs(store, (const char *[]){ "k", "x", NULL });
	assert_int_equal(store_figures(store, &figures), 0);
	assert_int_equal(figures.map_size, MAP_SIZE);
	assert_int_equal(figures.readers_max, STORE_READERS);
	assert_int_equal(figures.readers, 1);
	assert_int_equal(figures.oldest_reader_lag, 2);
	assert_true(figures.used_octets > 0 && figures.used_octets < MAP_SIZE);
	store_abort(txn);
	assert_int_equal(store_figures(store, &figures), 0);
	assert_int_equal(figures.oldest_reader_lag, 0);
	assert_int_equal(store_check_readers(store), 0);
	assert_int_equal(store_set_nosync(store, true), 0);
	write_pairs(store, (const char *[]){ "k", "y", NULL });
	assert_int_equal(store_set_nosync(store, false), 0);
	store_close(store);
}

/* --- a write transaction beside a plain list of pairs --- */

enum { MODEL_ROWS = 3000, MODEL_STEPS = 12000, MODEL_VALUE = 5000 };

struct model_row {
	size_t key_len;
	uint8_t key[40];
	size_t value_len;
	uint8_t fill; /* every octet of the value */
};

static struct {
	struct model_row rows[MODEL_ROWS];
	size_t count;
	unsigned random;
	uint32_t next; /* keys that come in order, as those of a load do */
} model;

static unsigned
chance(unsigned n)
{
	model.random = model.random * 1103515245u + 12345u;
	return (model.random >> 16) % n;
}

static int
compare_key(const struct model_row *row, struct span key)
{
	size_t n = row->key_len < key.len ? row->key_len : key.len;
	int order = memcmp(row->key, key.data, n);

	return order != 0 ? order : (row->key_len > key.len) - (row->key_len < key.len);
}

/* Where KEY is, or would be. */
static size_t
model_place(struct span key)
{
	size_t low = 0, high = model.count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (compare_key(&model.rows[middle], key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool
model_has(struct span key, size_t *out_place)
{
	*out_place = model_place(key);
	return *out_place < model.count && compare_key(&model.rows[*out_place], key) == 0;
}

static void
model_put(struct span key, size_t value_len, uint8_t fill)
{
	size_t place;

	if (!model_has(key, &place)) {
		memmove(&model.rows[place + 1], &model.rows[place], (model.count++ - place) * sizeof(model.rows[0]));
		memcpy(model.rows[place].key, key.data, key.len);
		model.rows[place].key_len = key.len;
	}
	model.rows[place].value_len = value_len;
	model.rows[place].fill = fill;
}

/* One that is there, one near it, one that sorts behind everything that came in order, or any. */
static struct span
some_key(uint8_t room[40])
{
	size_t n;

	switch (chance(4)) {
	case 0:
		if (model.count > 0) {
			const struct model_row *row = &model.rows[chance((unsigned)model.count)];

			memcpy(room, row->key, row->key_len);
			return span_from(room, row->key_len);
		}
		__attribute__((fallthrough));
	case 1:
		n = 1 + chance(3);
		for (size_t i = 0; i < n; i++)
			room[i] = (uint8_t)chance(256);
		return span_from(room, n);
	default:
		n = (size_t)snprintf((char *)room, 40, "%08x%.*s", (unsigned)(chance(8) != 0 ? model.next++ : chance(model.next + 1)),
		                     (int)chance(20), "--------------------");
		return span_from(room, n);
	}
}

static void
assert_value(struct span value, const struct model_row *row)
{
	assert_int_equal(value.len, row->value_len);
	for (size_t i = 0; i < value.len; i++)
		assert_int_equal((uint8_t)value.data[i], row->fill);
}

static void
assert_same(struct store_txn *txn)
{
	struct store_cursor *cursor;
	struct span key, value;
	uint64_t rows;
	size_t at = 0;

	assert_int_equal(store_count(txn, 0, &rows), 0);
	assert_int_equal(rows, model.count);
	assert_int_equal(store_cursor_open(txn, 0, &cursor), 0);
	for (int r = store_cursor_seek(cursor, SPAN(""), &key, &value); r != 0; r = store_cursor_next(cursor, &key, &value), at++) {
		assert_int_equal(r, 1);
		assert_true(at < model.count && compare_key(&model.rows[at], key) == 0);
		assert_value(value, &model.rows[at]);
	}
	assert_int_equal(at, model.count);
	store_cursor_close(cursor);
}

static void
model_step(struct store_txn *txn, struct store_cursor *cursor)
{
	static uint8_t filled[MODEL_VALUE];
	uint8_t room[40];
	struct span key = some_key(room), found, value;
	size_t place, len;
	bool has = model_has(key, &place);

	switch (chance(8)) {
	case 0:
	case 1:
		assert_int_equal(store_get(txn, 0, key, &value), has);
		if (has)
			assert_value(value, &model.rows[place]);
		break;
	case 2:
		assert_int_equal(store_delete(txn, 0, key), has);
		if (has)
			memmove(&model.rows[place], &model.rows[place + 1], (--model.count - place) * sizeof(model.rows[0]));
		break;
	case 3:
		assert_int_equal(store_cursor_seek(cursor, key, &found, &value), place < model.count);
		if (place < model.count) {
			assert_int_equal(compare_key(&model.rows[place], found), 0);
			assert_value(value, &model.rows[place]);
		}
		break;
	default:
		if (model.count == MODEL_ROWS)
			break;
		len = chance(20) == 0 ? chance(MODEL_VALUE) : chance(100);
		memset(filled, (int)chance(256), sizeof(filled));
		/* In order, and at the end: as an append. */
		if (chance(3) == 0) {
			int want = place == model.count && !has ? 0 : -EEXIST;

			assert_int_equal(store_append(txn, 0, key, span_from(filled, len)), want);
			if (want < 0)
				break;
		} else {
			assert_int_equal(store_put(txn, 0, key, span_from(filled, len)), 0);
		}
		model_put(key, len, filled[0]);
		break;
	}
}

static void
a_write_transaction_sees_what_it_wrote(void **state)
{
	struct store *store;

	(void)state;
	assert_int_equal(store_open_writer(path_of("a"), &plain, &store), 0);
	memset(&model, 0, sizeof(model));
	model.random = 20261121;
	for (int i = 0; i < 12; i++) {
		struct store_txn *txn, *snapshot;
		struct store_cursor *cursor;

		assert_int_equal(store_begin_write(store, &txn), 0);
		assert_int_equal(store_cursor_open(txn, 0, &cursor), 0);
		for (int step = 0; step < (i % 3 == 0 ? 20 : MODEL_STEPS / 8); step++)
			model_step(txn, cursor);
		/* Everything, at times. */
		if (i == 6)
			while (model.count > 0) {
				struct model_row *row = &model.rows[--model.count];

				assert_int_equal(store_delete(txn, 0, span_from(row->key, row->key_len)), 1);
			}
		assert_same(txn);
		store_cursor_close(cursor);
		assert_int_equal(store_commit(txn), 0);
		assert_int_equal(store_begin_read(store, &snapshot), 0);
		assert_same(snapshot);
		store_abort(snapshot);
	}
	store_close(store);
}

#define WITH_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		WITH_FOLDER(the_writer_makes_folders_and_files_with_their_modes),
		WITH_FOLDER(a_reader_creates_nothing),
		WITH_FOLDER(one_environment_is_opened_once_and_shared),
		WITH_FOLDER(replaced_files_are_noticed),
		WITH_FOLDER(pairs_are_found_deleted_and_appended_in_order),
		WITH_FOLDER(a_cursor_steps_back_from_anywhere),
		WITH_FOLDER(a_kept_reader_sees_a_commit_when_renewed),
		WITH_FOLDER(named_tables_are_apart),
		WITH_FOLDER(a_map_that_grew_is_mapped_anew),
		WITH_FOLDER(figures_tell_who_reads),
		WITH_FOLDER(a_write_transaction_sees_what_it_wrote),
	};

	if (argc == 2 && strcmp(argv[0], "grow") == 0)
		return grow(argv[1]);
	return RUN_TESTS(tests);
}
