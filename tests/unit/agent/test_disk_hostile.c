/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * agent/disk.h against owners of directories who rename, link and mount while it works: what is outside the root stays as it was.
 */
#include <config.h>

#include "tests/unit/agent/disk_folder.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

enum { ROUNDS = 1000, ROUNDS_MAX = 50000, TRIALS = 60, USER = 12345, GROUP = 12346 };

static const uint8_t uuid[DISK_UUID_LEN] = { 9 };
static char outside[160];

/* A folder that everybody may write to, with things in it that would be touched. */
static char *
make_outside(void)
{
	static const char *const names[] = { "ada", "ada/public_html", "users", "content", "sub", "sub/deeper" };

	snprintf(outside, sizeof(outside), "%s/outside", disk_base);
	assert_int_equal(mkdir(outside, 0777), 0);
	assert_int_equal(chmod(outside, 0777), 0);
	for (size_t i = 0; i < array_size(names); i++) {
		assert_int_equal(mkdir(path_in(outside, names[i]), 0777), 0);
		assert_int_equal(chmod(path_in(outside, names[i]), 0777), 0);
		write_file(path_in(path_in(outside, names[i]), "file"), "precious");
	}
	return tree_of(outside);
}

static void
check_outside(char *before)
{
	char *after = tree_of(outside);

	assert_string_equal(after, before);
	free(after);
	free(before);
}

/* Starts a process of the user's, which does ACT for ever. */
static pid_t
start_attacker(void (*act)(void))
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid > 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (geteuid() == 0 && (setregid(GROUP, GROUP) < 0 || setreuid(USER, USER) < 0))
		_exit(1);
	for (;;)
		act();
}

static void
stop_attacker(pid_t pid)
{
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static char swap_a[160], swap_b[160];

static void
swap(void)
{
	(void)renameat2(AT_FDCWD, swap_a, AT_FDCWD, swap_b, RENAME_EXCHANGE);
}

/* d/NAME, and d/evil, which the attacker exchanges with it all the time. */
static void
swap_with(const char *name)
{
	snprintf(swap_a, sizeof(swap_a), "%s/d/%s", disk_root_path, name);
	snprintf(swap_b, sizeof(swap_b), "%s/d/evil", disk_root_path);
}

static void
parents_swapped_for_links_lead_nowhere(void **state)
{
	struct disk_identity it;
	struct disk_want want;
	struct text path = TEXT_INIT;
	unsigned made = 0, completed = 0, trashed = 0, refused = 0;
	char *before = make_outside();
	pid_t attacker;

	(void)state;
	make("d");
	make("d/users");
	swap_with("users");
	assert_int_equal(symlink(outside, swap_b), 0);
	attacker = start_attacker(swap);
	/* Until both have had their turns. */
	for (int i = 0; i < ROUNDS || ((made < 20 || refused < 20) && i < ROUNDS_MAX); i++) {
		char name[64];
		int r;

		sched_yield();
		snprintf(name, sizeof(name), "d/users/%s%d", i % 2 ? "u" : "ada/u", i);
		want = want_of(name);
		want.maildir = true;
		it = (struct disk_identity){ 0 };
		r = disk_make(disk, &want, &it, &disk_why);
		made += r == 1;
		refused += r < 0;
		if (i % 8 == 0) {
			want.folders = (const struct span[]){ SPAN("more/and/more") };
			want.folder_count = 1;
			r = disk_complete(disk, &want, &disk_why);
			completed += r > 0;
		}
		(void)!disk_look(disk, &want, &it, &disk_why);
		if (it.inode != 0) {
			r = disk_trash(disk, want.path, &it, uuid, (uint64_t)i, &disk_why);
			trashed += r == 1;
			if (r == 1 && i % 4 == 0)
				(void)!disk_restore(disk, uuid, SPAN(""), &path, &disk_why);
			if (r < 0 && r != -ENOENT && r != -ELOOP && r != -ENOTDIR && r != -ESTALE)
				fail_msg("%d %s", r, text_str(&disk_why));
		}
		if (i % 50 == 0)
			while (disk_reap(disk, UINT64_MAX, 100, &disk_why) == 1)
				;
	}
	stop_attacker(attacker);
	print_message("# made %u, completed %u, trashed %u, refused %u\n", made, completed, trashed, refused);
	assert_true(made > 0);
	assert_true(refused > 0);
	text_free(&path);
	check_outside(before);
}

/* The directory itself changes place with a link, or with a directory that is none of ours. */
static void
race_the_trash(bool with_link)
{
	unsigned trashed = 0, nothing = 0, kept = 0;
	char *before = make_outside();
	struct disk_identity it, decoy = { 0 };
	struct disk_want want;

	make("d");
	for (int i = 0; i < TRIALS; i++) {
		struct text path = TEXT_INIT;
		pid_t attacker;
		struct stat s;
		int r = 0;

		it = make("d/ada");
		swap_with("ada");
		if (with_link)
			assert_int_equal(symlink(outside, swap_b), 0);
		else
			decoy = make("d/evil");
		attacker = start_attacker(swap);
		for (int j = 0; j < 50 && r == 0; j++)
			r = disk_trash(disk, below("d/ada"), &it, uuid, 1000, &disk_why);
		stop_attacker(attacker);
		trashed += r == 1;
		nothing += r == 0;
		kept += r == -ESTALE;
		if (r != 1 && r != 0 && r != -ESTALE)
			fail_msg("%d %s", r, text_str(&disk_why));
		if (r == 1) {
			assert_int_equal(disk_restore(disk, uuid, below("d/back"), &path, &disk_why), 1);
			assert_int_equal(lstat(path_in(disk_root_path, "d/back"), &s), 0);
			assert_int_equal(s.st_ino, it.inode);
			assert_int_not_equal(s.st_ino, decoy.inode);
		}
		text_free(&path);
		while ((r = disk_reap(disk, UINT64_MAX, 1000, &disk_why)) == 1)
			;
		assert_int_equal(r, 0);
		/* And all away for the next round. */
		static const char *const names[] = { "d/ada", "d/evil", "d/back" };
		for (size_t n = 0; n < array_size(names); n++) {
			want = want_of(names[n]);
			r = disk_look(disk, &want, &it, &disk_why);
			if (r == DISK_OTHER)
				assert_int_equal(unlink(path_in(disk_root_path, names[n])), 0);
			else if (r == DISK_OURS)
				assert_int_equal(disk_trash(disk, want.path, &it, uuid, 0, &disk_why), 1);
		}
	}
	print_message("# trashed %u, not %u, kept %u\n", trashed, nothing, kept);
	check_outside(before);
}

static void
trash_takes_no_link_put_in_place(void **state)
{
	(void)state;
	race_the_trash(true);
}

static void
trash_takes_no_other_directory_put_in_place(void **state)
{
	(void)state;
	race_the_trash(false);
}

/* Somebody who holds a descriptor in what is being reaped renames directories out of it and back. */
static int held, held_outside;

static void
carry(void)
{
	(void)renameat2(held, "sub", held_outside, "carried", RENAME_NOREPLACE);
	(void)renameat2(held_outside, "carried", held, "sub", RENAME_NOREPLACE);
	(void)mkdirat(held, "sub", 0755);
	(void)!symlinkat(outside, held, "link");
	(void)renameat2(held, "link", held, "sub", RENAME_EXCHANGE);
}

static void
reap_stays_in_the_trash_when_directories_leave_it(void **state)
{
	char *before = make_outside();
	char command[200];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf '%s/elsewhere/carried'", disk_base);
	assert_int_equal(mkdir(path_in(disk_base, "elsewhere"), 0777), 0);
	assert_int_equal(chmod(path_in(disk_base, "elsewhere"), 0777), 0);
	held_outside = open(path_in(disk_base, "elsewhere"), O_RDONLY | O_DIRECTORY);
	for (int i = 0; i < TRIALS / 2; i++) {
		struct disk_identity it = make("ada");
		struct disk_want want = want_of("unused");
		pid_t attacker;
		char name[200];
		int r = 0;

		for (int j = 0; j < 30; j++) {
			snprintf(name, sizeof(name), "%s/ada/logs/%c%d", disk_root_path, 'a' + j % 26, j);
			assert_int_equal(mkdir(name, 0755), 0);
			assert_int_equal(mkdir(path_in(name, "x"), 0755), 0);
		}
		assert_int_equal(mkdir(path_in(disk_root_path, "ada/logs/sub"), 0755), 0);
		assert_int_equal(mkdir(path_in(disk_root_path, "ada/logs/sub/y"), 0755), 0);
		if (geteuid() == 0)
			assert_int_equal(chown(path_in(disk_root_path, "ada/logs/sub"), want.uid, want.gid), 0);
		held = open(path_in(disk_root_path, "ada/logs"), O_RDONLY | O_DIRECTORY);
		assert_int_equal(disk_trash(disk, below("ada"), &it, uuid, 1, &disk_why), 1);
		attacker = start_attacker(carry);
		for (int j = 0; j < 200 && (r = disk_reap(disk, 1, 7, &disk_why)) != 0; j++)
			;
		stop_attacker(attacker);
		/* Once each directory was taken from the user, nothing comes any more. */
		for (int j = 0; j < 200 && (r = disk_reap(disk, 1, 1000, &disk_why)) != 0; j++)
			;
		if (r != 0)
			fail_msg("%d %s", r, text_str(&disk_why));
		close(held);
		assert_int_equal(system(command), 0);
	}
	close(held_outside);
	check_outside(before);
}

/* Hard links and FIFOs in a home are only names there. */
static void
reap_removes_names_only(void **state)
{
	struct disk_identity it = make("ada");
	char *before = make_outside();

	(void)state;
	assert_int_equal(link(path_in(outside, "sub/file"), path_in(disk_root_path, "ada/hard")), 0);
	assert_int_equal(symlink(outside, path_in(disk_root_path, "ada/link")), 0);
	assert_int_equal(symlink("..", path_in(disk_root_path, "ada/up")), 0);
	assert_int_equal(mkfifo(path_in(disk_root_path, "ada/fifo"), 0600), 0);
	assert_int_equal(disk_trash(disk, below("ada"), &it, uuid, 1, &disk_why), 1);
	assert_int_equal(disk_reap(disk, 1, 1000, &disk_why), 0);
	check_outside(before);
}

static bool
own_mounts(void)
{
	return unshare(CLONE_NEWNS) == 0 && mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) == 0;
}

/* Both another file system and the same one mounted again. */
/* Not on an old kernel, nor under valgrind. */
static bool
has_openat2(void)
{
	const struct open_how how = { .flags = O_PATH | O_CLOEXEC };
	long fd = syscall(SYS_openat2, AT_FDCWD, "/", &how, sizeof(how));

	if (fd >= 0)
		close((int)fd);
	return fd >= 0;
}

static void
what_is_mounted_below_a_root_is_not_entered(void **state)
{
	struct disk_identity it = make("d"), home = make("d/m/ada"), ignored;
	struct disk_want want;
	char *before = make_outside();

	(void)state;
	for (int bind = 0; bind < 2; bind++) {
		const char *at = path_in(disk_root_path, "d/m");
		char command[200];
		int r;

		if (!own_mounts() || mount(bind ? outside : "tmpfs", at, bind ? "none" : "tmpfs", bind ? MS_BIND : 0, "size=1m") < 0) {
			free(before);
			skip();
		}
		reopen_disk(); /* in the new name space */
		/* Only the kernel sees that the same file system was mounted again. */
		if (!bind || (!disk_options.no_openat2 && has_openat2())) {
			want = want_of("d/m/new");
			assert_int_equal(disk_make(disk, &want, &ignored, &disk_why), -EXDEV);
			want = want_of("d/m");
			assert_int_equal(disk_look(disk, &want, &ignored, &disk_why), -EXDEV);
			assert_int_equal(disk_complete(disk, &want, &disk_why), -EXDEV);
			assert_int_equal(disk_trash(disk, below("d/m/ada"), &home, uuid, 1, &disk_why), -EXDEV);
			assert_non_null(strstr(text_str(&disk_why), "mounted"));
			r = disk_trash(disk, below("d/m"), &home, uuid, 1, &disk_why);
			assert_true(r <= 0);
		}
		/* What has a mount in it goes into the trash, but the mount is neither emptied nor left. */
		assert_int_equal(disk_trash(disk, below("d"), &it, uuid, 1, &disk_why), 1);
		while ((r = disk_reap(disk, 1, 1000, &disk_why)) == 1)
			;
		assert_int_equal(r, -EBUSY);
		snprintf(command, sizeof(command), "umount $(awk '$5 ~ \"^%s\" { print $5 }' /proc/self/mountinfo)", disk_base);
		assert_int_equal(system(command), 0);
		reopen_disk();
		assert_int_equal(disk_reap(disk, 1, 1000, &disk_why), 0);
		it = make("d");
		home = make("d/m/ada");
	}
	check_outside(before);
}

/* A small file system that is full: nothing half-made stays, and there is room again once something was removed. */
static void
a_full_disk_leaves_nothing_half_made(void **state)
{
	struct disk_identity it = { 0 };
	struct disk_want want;
	unsigned made = 0;
	char name[64];
	int r = 1;

	(void)state;
	disk_close(disk);
	disk = NULL;
	if (!own_mounts() || mount("tmpfs", disk_root_path, "tmpfs", 0, "size=1m,nr_inodes=200,mode=0755") < 0)
		skip();
	open_disk();
	while (r == 1 && made < 1000) {
		snprintf(name, sizeof(name), "u%u", made);
		want = want_of(name);
		want.maildir = true;
		r = disk_make(disk, &want, &it, &disk_why);
		made += r == 1;
	}
	assert_int_equal(r, -ENOSPC);
	assert_non_null(strstr(text_str(&disk_why), name));
	assert_true(made > 10);
	assert_false(is_there(name));
	assert_int_equal(disk_make(disk, &want, &it, &disk_why), -ENOSPC);
	/* A home has 1 + 3 + 4 entries, and the trash needs 2 for a while. */
	assert_int_equal(count_in(disk_root_path), made * 8);
	want.path = below("u0");
	assert_int_equal(disk_look(disk, &want, &it, &disk_why), DISK_OURS);
	r = disk_trash(disk, want.path, &it, uuid, 1, &disk_why);
	if (r == 1) {
		assert_int_equal(disk_reap(disk, 1, 100, &disk_why), 0);
		assert_int_equal(disk_make(disk, &want, &it, &disk_why), 1);
	} else {
		assert_int_equal(r, -ENOSPC);
		assert_true(is_there("u0"));
	}
	disk_close(disk);
	disk = NULL;
	assert_int_equal(umount(disk_root_path), 0);
}

/* A file of the skeleton that cannot be written as a whole. */
static void
a_write_that_fails_leaves_nothing_half_made(void **state)
{
	struct rlimit old, small = { 8192, 8192 };
	struct disk_identity it = { 0 };
	struct disk_want want = want_of("ada");
	FILE *f;

	(void)state;
	assert_int_equal(mkdir(disk_skeleton, 0755), 0);
	f = fopen(path_in(disk_skeleton, "big"), "w");
	for (int i = 0; i < 100000; i++)
		fputc('x', f);
	fclose(f);
	disk_options.skeleton = disk_skeleton;
	reopen_disk();
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	small.rlim_max = old.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	want.skeleton = true;
	assert_int_equal(disk_make(disk, &want, &it, &disk_why), -EFBIG);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_false(is_there("ada"));
	assert_int_equal(disk_make(disk, &want, &it, &disk_why), 1);
}

/* Killed at any time, again and again; what is there is whole. */
static void
killed_at_random_it_leaves_whole_homes_only(void **state)
{
	struct disk_want want;
	struct disk_identity it = { 0 };
	unsigned seed = 1;
	char name[64];

	(void)state;
	disk_close(disk);
	disk = NULL;
	for (int i = 0; i < 60; i++) {
		pid_t pid = fork();

		assert_true(pid >= 0);
		if (pid == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			open_disk();
			for (unsigned n = 0; n < 2000; n++) {
				snprintf(name, sizeof(name), "d%u/users/u%u", n % 7, n);
				want = want_of(name);
				want.maildir = true;
				if (disk_make(disk, &want, &it, &disk_why) < 0)
					_exit(1);
			}
			_exit(0);
		}
		usleep((useconds_t)(rand_r(&seed) % 20000));
		kill(pid, SIGKILL);
		assert_int_equal(waitpid(pid, NULL, 0), pid);
	}
	open_disk();
	for (unsigned n = 0; n < 2000; n++) {
		snprintf(name, sizeof(name), "d%u/users/u%u", n % 7, n);
		want = want_of(name);
		want.maildir = true;
		if (disk_look(disk, &want, &it, &disk_why) == DISK_OURS)
			assert_int_equal(count_in(path_in(disk_root_path, name)), 3 + 4);
	}
	disk_close(disk);
	disk = NULL;
	assert_int_equal(rmdir(path_in(disk_root_path, ".ispman/staging")), 0);
}

#define BOTH(test)                                                                                  \
	cmocka_unit_test_setup_teardown(test, begin, end),                                          \
		{ #test "_by_component", test, begin_old, end, NULL }

int
main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(parents_swapped_for_links_lead_nowhere),
		BOTH(trash_takes_no_link_put_in_place),
		BOTH(trash_takes_no_other_directory_put_in_place),
		BOTH(reap_stays_in_the_trash_when_directories_leave_it),
		BOTH(reap_removes_names_only),
		BOTH(what_is_mounted_below_a_root_is_not_entered),
		cmocka_unit_test_setup_teardown(a_full_disk_leaves_nothing_half_made, begin, end),
		cmocka_unit_test_setup_teardown(a_write_that_fails_leaves_nothing_half_made, begin, end),
		cmocka_unit_test_setup_teardown(killed_at_random_it_leaves_whole_homes_only, begin, end),
	};

	return RUN_TESTS(tests);
}
