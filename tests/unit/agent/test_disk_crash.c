/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * Each call of agent/disk.h is ended at each of its steps, and made again: the result is that of a call that nothing disturbed.
 */
#include <config.h>

#include "tests/unit/agent/disk_folder.h"

#include <sys/wait.h>

static const uint8_t uuid[DISK_UUID_LEN] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 255 };

static int
note_origin(void *context, const struct disk_trashed *trashed)
{
	assert_memory_equal(trashed->uuid, uuid, sizeof(uuid));
	text_putf(context, "%llu ", (unsigned long long)trashed->since);
	text_put_span(context, span_skip(trashed->origin, strlen(disk_base)));
	text_put_char(context, '\n');
	return 0;
}

static int step_left;

static void
die(void *context)
{
	(void)context;
	if (--step_left == 0)
		_exit(42);
}

static struct disk_identity crash_it;

static int
do_make(void)
{
	struct disk_want want = want_of("x/y/ada");
	struct disk_identity it = { 0 };

	want.skeleton = want.maildir = true;
	return disk_make(disk, &want, &it, &disk_why);
}

static int
do_move(void)
{
	return disk_move(disk, below("d/ada"), below("x/y/ada"), &crash_it, &disk_why);
}

static int
do_trash(void)
{
	return disk_trash(disk, below("d/ada"), &crash_it, uuid, 100, &disk_why);
}

static int
do_restore(void)
{
	struct text path = TEXT_INIT;
	int r = disk_restore(disk, uuid, below("r/s"), &path, &disk_why);

	text_free(&path);
	return r;
}

static int
do_reap(void)
{
	int r;

	while ((r = disk_reap(disk, 100, 3, &disk_why)) == 1)
		;
	return r;
}

static int
do_complete(void)
{
	struct disk_want want = want_of("d/ada");

	want.maildir = true;
	return disk_complete(disk, &want, &disk_why);
}

/* What an op leaves: the tree, and what lies in the trash. */
static char *
outcome(void)
{
	struct text t = TEXT_INIT;
	char *all = tree_of(disk_root_path);

	text_put(&t, all);
	free(all);
	assert_int_equal(disk_each_trashed(disk, note_origin, &t, &disk_why), 0);
	text_put(&t, "");
	return t.data;
}

static void
prepare_op(int op)
{
	crash_it = make("d/ada");
	write_file(path_in(disk_root_path, "d/ada/file"), "mine");
	if (op == 3 || op == 4) {
		assert_int_equal(disk_trash(disk, below("d/ada"), &crash_it, uuid, 100, &disk_why), 1);
	}
}

static void
a_crash_at_any_step_heals(void **state)
{
	static int (*const ops[])(void) = { do_make, do_move, do_trash, do_restore, do_reap, do_complete };
	int crashes = 0;

	(void)state;
	for (size_t op = 0; op < array_size(ops); op++) {
		char *undisturbed = NULL;

		for (int at = 0; at < 500; at++) {
			int status = 0;
			pid_t pid;
			char *got;

			end(NULL);
			begin(NULL);
			make_skeleton();
			disk_options.at_step = die;
			step_left = 0;
			reopen_disk();
			prepare_op((int)op);
			disk_close(disk);
			disk = NULL;
			if (at > 0) {
				pid = fork();
				if (pid == 0) {
					/* disk_open's own steps count, too. */
					step_left = at;
					if (disk_open(&disk_options, &disk, &disk_why) == 0)
						(void)!ops[op]();
					_exit(0);
				}
				assert_int_equal(waitpid(pid, &status, 0), pid);
				crashes += WEXITSTATUS(status) == 42;
			}
			step_left = 0;
			open_disk();
			if (ops[op]() < 0)
				fail_msg("op %zu after a crash at %d: %s", op, at, text_str(&disk_why));
			got = outcome();
			if (undisturbed == NULL)
				undisturbed = got;
			else if (strcmp(got, undisturbed) != 0)
				fail_msg("op %zu after a crash at %d: got\n%s\nwant\n%s", op, at, got, undisturbed);
			if (got != undisturbed)
				free(got);
			/* Nothing stays in staging but this process's own folder, empty. */
			disk_close(disk);
			disk = NULL;
			assert_int_equal(rmdir(path_in(disk_root_path, ".ispman/staging")), 0);
			if (at > 0 && WEXITSTATUS(status) == 0)
				break;
		}
		free(undisturbed);
	}
	print_message("# %d crashes\n", crashes);
	assert_true(crashes > 40);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_crash_at_any_step_heals, begin, end),
	};

	(void)begin_old;
	return RUN_TESTS(tests);
}
