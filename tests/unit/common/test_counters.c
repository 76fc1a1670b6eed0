/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 */
#include <config.h>

#include "tests/unit/test.h"

#include "common/counters.h"
#include "common/counters_file.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>

enum { HITS, MISSES, QUEUE, CONTACT, ROWS };

static const struct counters_row rows[ROWS] = {
	[HITS] = { "queries", "result=\"hit\"", "Queries by result.", COUNTERS_COUNT },
	[MISSES] = { "queries", "result=\"miss\"", "Queries by result.", COUNTERS_COUNT },
	[QUEUE] = { "queue", NULL, "Waiting \"subjects\".", COUNTERS_GAUGE },
	[CONTACT] = { "contact_seconds", NULL, "Last contact.", COUNTERS_SECONDS },
};

static char folder[64];

static int
make_folder(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/ispman-counters-XXXXXX");
	return mkdtemp(folder) == NULL;
}

static int
remove_folder(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	return system(command) != 0;
}

static void *
count_much(void *argument)
{
	for (int i = 0; i < 10000; i++)
		counters_add(argument, HITS, 1);
	return NULL;
}

static void
shards_of_many_threads_add_up(void **state)
{
	pthread_t threads[20];
	struct counters_reading *readings;
	struct counters *c;

	(void)state;
	assert_int_equal(counters_prepare(folder, "shop", (gid_t)-1), 0);
	c = counters_open(folder, "shop", "test", rows, ROWS);
	assert_non_null(c);
	for (size_t i = 0; i < array_size(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, count_much, c), 0);
	for (size_t i = 0; i < array_size(threads); i++)
		pthread_join(threads[i], NULL);
	counters_set(c, QUEUE, 7);
	counters_add(c, ROWS, 1);
	assert_int_equal(counters_get(c, HITS), 200000);

	/* It is a reader's, not the maker's of the folders. */
	assert_int_equal(counters_read_own(folder, &readings), 0);
	assert_int_equal(counters_read_all(folder, &readings), 1);
	assert_true(readings[0].alive);
	assert_int_equal(readings[0].pid, getpid());
	assert_string_equal(readings[0].program, "test");
	assert_int_equal(counters_find(&readings[0], "queries", "result=\"hit\"")->value, 200000);
	assert_int_equal(counters_find(&readings[0], "queries", "result=\"miss\"")->value, 0);
	assert_int_equal(counters_find(&readings[0], "queue", NULL)->value, 7);
	assert_null(counters_find(&readings[0], "queue", "a=\"b\""));
	counters_reading_free(readings, 1);
	counters_close(c);
	assert_int_equal(counters_read_all(folder, &readings), 0);
	counters_reading_free(readings, 0);
}

static void
counting_goes_on_without_a_folder_and_appears_with_it(void **state)
{
	char path[128];
	struct counters_reading *readings;
	struct counters *c;

	(void)state;
	snprintf(path, sizeof(path), "%s/later", folder);
	c = counters_open(path, "shop", "test", rows, ROWS);
	assert_non_null(c);
	counters_add(c, MISSES, 3);
	assert_int_equal(counters_publish(c), 0);
	assert_int_equal(counters_get(c, MISSES), 3);
	assert_int_equal(mkdir(path, 0755), 0);
	assert_int_equal(counters_prepare(path, "shop", (gid_t)-1), 0);
	assert_int_equal(counters_publish(c), 1);
	counters_add(c, MISSES, 2);
	assert_int_equal(counters_read_all(path, &readings), 1);
	assert_int_equal(counters_find(&readings[0], "queries", "result=\"miss\"")->value, 5);
	counters_reading_free(readings, 1);

	/* Somebody cleans the folder: the figures come back, complete. */
	counters_remove_dead(path, NULL);
	assert_int_equal(counters_read_all(path, &readings), 1);
	counters_reading_free(readings, 1);
	snprintf(path, sizeof(path), "%s/later/metrics/shop/test.%ld", folder, (long)getpid());
	assert_int_equal(unlink(path), 0);
	assert_int_equal(counters_publish(c), 1);
	snprintf(path, sizeof(path), "%s/later", folder);
	assert_int_equal(counters_read_all(path, &readings), 1);
	assert_int_equal(counters_find(&readings[0], "queries", "result=\"miss\"")->value, 5);
	counters_reading_free(readings, 1);
	counters_close(c);
}

static void
null_is_a_handle(void **state)
{
	(void)state;
	counters_add(NULL, 0, 1);
	counters_set(NULL, 0, 1);
	counters_set_now(NULL, 0);
	assert_int_equal(counters_get(NULL, 0), 0);
	assert_int_equal(counters_publish(NULL), 0);
	counters_close(NULL);
	counters_leave(NULL);
}

static void
two_tables_of_one_process_have_two_files(void **state)
{
	struct counters *a = counters_open(folder, "shop", "test", rows, ROWS);
	struct counters *b = counters_open(folder, "shop", "test", rows, ROWS);
	struct counters_reading *readings;

	(void)state;
	assert_int_equal(counters_read_all(folder, &readings), 2);
	counters_reading_free(readings, 2);
	counters_close(a);
	counters_close(b);
}

static void
the_dead_are_known_and_removed(void **state)
{
	struct counters_reading *readings;
	int status;
	pid_t child = fork();

	(void)state;
	if (child == 0) {
		struct counters *c = counters_open(folder, "shop", "gone", rows, ROWS);

		counters_add(c, HITS, 42);
		counters_leave(c);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(counters_read_all(folder, &readings), 1);
	assert_false(readings[0].alive);
	assert_int_equal(readings[0].pid, child);
	assert_int_equal(counters_find(&readings[0], "queries", "result=\"hit\"")->value, 42);
	counters_reading_free(readings, 1);
	counters_remove_dead(folder, "other");
	assert_int_equal(counters_read_all(folder, &readings), 1);
	counters_reading_free(readings, 1);
	counters_remove_dead(folder, "gone");
	assert_int_equal(counters_read_all(folder, &readings), 0);
	counters_reading_free(readings, 0);
}

static void
foreign_files_are_passed_over(void **state)
{
	static const char *const names[] = { "text", "empty", "short" };
	static const char *const contents[] = { "hello\n", "", COUNTERS_MAGIC };
	struct counters_reading *readings;
	char path[128];

	(void)state;
	for (size_t i = 0; i < array_size(names); i++) {
		FILE *f;

		snprintf(path, sizeof(path), "%s/metrics/%s", folder, names[i]);
		f = fopen(path, "w");
		assert_non_null(f);
		fputs(contents[i], f);
		fclose(f);
	}
	snprintf(path, sizeof(path), "%s/metrics/shop/fifo", folder);
	assert_int_equal(mkfifo(path, 0666), 0);
	snprintf(path, sizeof(path), "%s/metrics/shop/link", folder);
	assert_int_equal(symlink("/etc/passwd", path), 0);
	assert_int_equal(counters_read_all(folder, &readings), 0);
	counters_reading_free(readings, 0);
}

static void
headers_that_lie_are_refused(void **state)
{
	struct {
		struct counters_header header;
		struct counters_file_row row;
		char shards[COUNTERS_SHARDS * COUNTERS_ALIGN + COUNTERS_ALIGN];
	} image;
	struct counters_header good = {
		.magic = COUNTERS_MAGIC,
		.header_size = sizeof(good),
		.row_size = sizeof(struct counters_file_row),
		.row_count = 1,
		.shard_count = COUNTERS_SHARDS,
		.shard_stride = COUNTERS_ALIGN,
		.shards_offset = sizeof(good) + sizeof(struct counters_file_row),
		.pid = 1,
		.program = "x",
	};
	struct counters_reading reading;

	(void)state;
	for (int i = 0; i < 9; i++) {
		memset(&image, 0, sizeof(image));
		image.header = good;
		image.row = (struct counters_file_row){ .kind = COUNTERS_COUNT, .name = "a" };
		switch (i) {
		case 0:
			break;
		case 1:
			image.header.row_count = 2;
			break;
		case 2:
			image.header.row_count = UINT32_MAX;
			break;
		case 3:
			image.header.shards_offset = UINT32_MAX;
			break;
		case 4:
			image.header.shard_stride = UINT32_MAX / 16 + 1;
			break;
		case 5:
			memset(image.header.program, 'x', sizeof(image.header.program));
			break;
		case 6:
			memset(image.row.name, 'x', sizeof(image.row.name));
			break;
		case 7:
			strcpy(image.row.labels, "a=\"b\"} 1\n");
			break;
		default:
			image.row.kind = 99;
			break;
		}
		assert_int_equal(counters_parse(span_from(&image, sizeof(image)), &reading),
		                 i == 0 ? 0 : -EBADMSG);
		if (i == 0)
			free(reading.values);
	}
}

static void
metrics_are_openmetrics_text(void **state)
{
	struct counters_value values[] = {
		{ "queries", "result=\"hit\"", "By result.", COUNTERS_COUNT, 3 },
		{ "queries", "result=\"miss\"", "By result.", COUNTERS_COUNT, 0 },
		{ "contact_seconds", "", "With \"quotes\".", COUNTERS_SECONDS, 1500000 },
	};
	struct counters_reading readings[] = {
		{ "named", 10, 0, true, 2, values },
		{ "dead", 11, 0, false, 3, values },
		{ "other", 12, 0, true, 3, values },
	};
	struct text out = TEXT_INIT;

	(void)state;
	counters_put_openmetrics(&out, readings, 3);
	assert_string_equal(text_str(&out),
	                    "# TYPE ispman_contact_seconds gauge\n"
	                    "# UNIT ispman_contact_seconds seconds\n"
	                    "# HELP ispman_contact_seconds With \\\"quotes\\\".\n"
	                    "ispman_contact_seconds{program=\"other\",pid=\"12\"} 1.500000\n"
	                    "# TYPE ispman_queries counter\n"
	                    "# HELP ispman_queries By result.\n"
	                    "ispman_queries_total{program=\"named\",pid=\"10\",result=\"hit\"} 3\n"
	                    "ispman_queries_total{program=\"named\",pid=\"10\",result=\"miss\"} 0\n"
	                    "ispman_queries_total{program=\"other\",pid=\"12\",result=\"hit\"} 3\n"
	                    "ispman_queries_total{program=\"other\",pid=\"12\",result=\"miss\"} 0\n"
	                    "# EOF\n");
	text_free(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shards_of_many_threads_add_up),
		cmocka_unit_test(counting_goes_on_without_a_folder_and_appears_with_it),
		cmocka_unit_test(null_is_a_handle),
		cmocka_unit_test(two_tables_of_one_process_have_two_files),
		cmocka_unit_test(the_dead_are_known_and_removed),
		cmocka_unit_test(foreign_files_are_passed_over),
		cmocka_unit_test(headers_that_lie_are_refused),
		cmocka_unit_test(metrics_are_openmetrics_text),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
