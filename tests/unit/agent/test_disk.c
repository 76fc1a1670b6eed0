/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 */
#include <config.h>

#include "tests/unit/agent/disk_folder.h"

#include <signal.h>
#include <sys/wait.h>

static const uint8_t uuid[DISK_UUID_LEN] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 255 };

/* --- making ------------------------------------------------------------------------------------------------------------- */

static void
make_makes_it_whole_with_its_parents(void **state)
{
	struct disk_want want = want_of("d.example/users/ada");
	struct disk_identity it = { 0 }, again = { 0 };
	char want_tree[512], *got;

	(void)state;
	want.maildir = true;
	assert_int_equal(disk_look(disk, &want, &it, &disk_why), DISK_ABSENT);
	assert_int_equal(disk_make(disk, &want, &it, &disk_why), 1);
	assert_int_equal(disk_make(disk, &want, &again, &disk_why), 0);
	assert_memory_equal(&it, &again, sizeof(it));
	assert_int_equal(disk_look(disk, &want, &again, &disk_why), DISK_OURS);
	assert_memory_equal(&it, &again, sizeof(it));
	got = tree_of(path_in(disk_root_path, "d.example/users"));
	snprintf(want_tree, sizeof(want_tree),
	         " 40755 %1$u:%2$u \n/ada 40755 %3$u:%4$u \n/ada/Maildir 40700 %3$u:%4$u \n/ada/Maildir/cur 40700 %3$u:%4$u \n"
	         "/ada/Maildir/new 40700 %3$u:%4$u \n/ada/Maildir/tmp 40700 %3$u:%4$u \n/ada/logs 40755 %3$u:%4$u \n"
	         "/ada/logs/old 40755 %3$u:%4$u \n/ada/public_html 40755 %3$u:%4$u \n",
	         geteuid(), getegid(), want.uid, want.gid);
	assert_string_equal(got, want_tree);
	free(got);
	want.uid++;
	assert_int_equal(disk_look(disk, &want, &again, &disk_why), DISK_FOREIGN);
	assert_int_equal(disk_sync(disk, &disk_why), 0);
}

static void
make_leaves_what_is_there(void **state)
{
	struct disk_want want;
	struct disk_identity it = { 0 };
	static const char *const names[] = { "file", "link", "fifo", "dir" };

	(void)state;
	write_file(path_in(disk_root_path, "file"), "here");
	assert_int_equal(symlink("/etc", path_in(disk_root_path, "link")), 0);
	assert_int_equal(mkfifo(path_in(disk_root_path, "fifo"), 0600), 0);
	assert_int_equal(mkdir(path_in(disk_root_path, "dir"), 0700), 0);
	for (size_t i = 0; i < array_size(names); i++) {
		want = want_of(names[i]);
		want.uid += 7;
		assert_int_equal(disk_look(disk, &want, &it, &disk_why), i == 3 ? DISK_FOREIGN : DISK_OTHER);
		assert_int_equal(disk_make(disk, &want, &it, &disk_why), 0);
	}
	assert_int_equal(count_in(disk_root_path), 4);
	assert_int_not_equal(it.inode, 0);
}

static struct span
keep(struct span s)
{
	static struct text kept[64];
	static unsigned at;

	at = (at + 1) % array_size(kept);
	text_clear(&kept[at]);
	text_put_span(&kept[at], s);
	return text_span(&kept[at]);
}

static void
no_path_leads_elsewhere(void **state)
{
	char long_name[600], outside[256];
	static const char *const relative[] = { "", ".", "..", "a/..", "a/../../x", "./a", "a/./b", "a//b", "a/", "/a", ".hidden", ".ispman",
		                                ".ispman/trash", "a/.ispman", "a/.ispman/b" };
	struct disk_identity it = { 0 };
	struct text t = TEXT_INIT;
	struct span bad[32];
	size_t n = 0;

	(void)state;
	for (size_t i = 0; i < array_size(relative); i++)
		bad[n++] = keep(span_of(path_in(disk_root_path, relative[i])));
	memset(long_name, 'x', sizeof(long_name));
	long_name[256] = '\0';
	bad[n++] = keep(span_of(path_in(disk_root_path, long_name)));
	bad[n++] = keep(span_of(disk_root_path));
	bad[n++] = keep(span_of(disk_base));
	bad[n++] = keep(span_of("/"));
	bad[n++] = keep(span_of(""));
	bad[n++] = keep(span_of("relative"));
	bad[n++] = keep(span_of("/etc/passwd"));
	snprintf(outside, sizeof(outside), "%sx/a", disk_root_path);
	bad[n++] = keep(span_of(outside));
	text_put(&t, path_in(disk_root_path, "nul"));
	text_put_span(&t, SPAN("\0/../../x"));
	bad[n++] = keep(text_span(&t));
	for (size_t i = 0; i < 2100; i++)
		text_put(&t, "/x");
	bad[n++] = keep(text_span(&t));
	text_free(&t);
	for (size_t i = 0; i < n; i++) {
		struct disk_want want = want_of("x");

		want.path = bad[i];
		if (disk_make(disk, &want, &it, &disk_why) != -EINVAL || disk_look(disk, &want, &it, &disk_why) != -EINVAL ||
		    disk_complete(disk, &want, &disk_why) != -EINVAL || disk_trash(disk, bad[i], &it, uuid, 1, &disk_why) != -EINVAL ||
		    disk_move(disk, bad[i], below("y"), &it, &disk_why) != -EINVAL ||
		    disk_move(disk, below("y"), bad[i], &it, &disk_why) != -EINVAL ||
		    disk_set_quota(disk, bad[i], 1, 1, &disk_why) != -EINVAL)
			fail_msg("row %zu is accepted: %.*s", i, (int)bad[i].len, bad[i].data);
		assert_true(disk_why.len > 0);
	}
	assert_int_equal(count_in(disk_root_path), 0);
}

static void
folders_and_modes_are_checked(void **state)
{
	static const struct { struct span folder; mode_t mode; int want; } rows[] = {
		{ SPAN("../x"), 0755, -EINVAL }, { SPAN("/x"), 0755, -EINVAL }, { SPAN(""), 0755, -EINVAL }, { SPAN("a//b"), 0755, -EINVAL },
		{ SPAN("a\0b"), 0755, -EINVAL }, { SPAN("a/.."), 0755, -EINVAL }, { SPAN("a"), 04755, -EINVAL }, { SPAN("a"), 0100755, -EINVAL },
		{ SPAN("a/b/c"), 02750, 1 }, { SPAN(" \n\t\"'`$(x);\\\x01\xff\xfe*?"), 0711, 1 }, { SPAN("-rf"), 01777, 1 },
	};
	struct disk_identity it = { 0 };
	char name[16];
	struct stat s;

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		struct disk_want want;
		int r;

		snprintf(name, sizeof(name), "u%zu", i);
		want = want_of(name);
		want.folder_count = 1;
		want.folders = &rows[i].folder;
		want.mode = rows[i].mode;
		r = disk_make(disk, &want, &it, &disk_why);
		if (r != rows[i].want)
			fail_msg("row %zu: got %d, want %d: %s", i, r, rows[i].want, text_str(&disk_why));
		if (r == 1) {
			assert_int_equal(stat(path_in(disk_root_path, name), &s), 0);
			assert_int_equal(s.st_mode & 07777, rows[i].mode);
			assert_int_equal(s.st_uid, want.uid);
		}
	}
	assert_int_equal(count_in(path_in(disk_root_path, ".")), 3 + 3 + 1 + 1);
}

static void
names_may_have_any_octets(void **state)
{
	static const char *const names[] = { " ", "-rf", "*", "a\nb", "\x01\x02\xff", "'; rm -rf x", "$(id)", "\xc3\xa4", "a\\", "x..." };

	(void)state;
	for (size_t i = 0; i < array_size(names); i++) {
		struct disk_identity it = make(names[i]);

		assert_int_equal(disk_trash(disk, below(names[i]), &it, uuid, 100, &disk_why), 1);
	}
	make("x/.../y");
}

/* --- the skeleton --------------------------------------------------------------------------------------------------------- */

static void
skeleton_is_copied_without_set_id_bits(void **state)
{
	struct disk_want want = want_of("ada");
	struct disk_identity it = { 0 };
	char want_tree[512], *got;

	(void)state;
	make_skeleton();
	reopen_disk();
	want.skeleton = true;
	want.folder_count = 1;
	if (disk_make(disk, &want, &it, &disk_why) != 1)
		fail_msg("%s", text_str(&disk_why));
	got = tree_of(path_in(disk_root_path, "ada"));
	snprintf(want_tree, sizeof(want_tree),
	         " 40755 %1$u:%2$u \n/.profile 100755 %1$u:%2$u umask 077\n\n/.ssh 40700 %1$u:%2$u \n/.ssh/config 100644 %1$u:%2$u \n"
	         "/public_html 40755 %1$u:%2$u \n", want.uid, want.gid);
	assert_string_equal(got, want_tree);
	free(got);
	/* And again, from the beginning. */
	want.path = below("bob");
	assert_int_equal(disk_make(disk, &want, &it, &disk_why), 1);
	assert_int_equal(count_in(path_in(disk_root_path, "bob")), 4);
}

static void
skeleton_with_odd_things_is_refused(void **state)
{
	static const char *const odd[] = { "link", "hard", "fifo", "owner", "deep" };
	struct disk_identity it = { 0 };

	(void)state;
	make_skeleton();
	for (size_t i = 0; i < array_size(odd); i++) {
		struct disk_want want = want_of("ada");
		char at[1024];
		int r;

		snprintf(at, sizeof(at), "%s/skel/odd", disk_base);
		switch (i) {
		case 0: r = symlink("/etc/passwd", at); break;
		case 1: r = link(path_in(disk_skeleton, ".profile"), at); break;
		case 2: r = mkfifo(at, 0600); break;
		case 3: write_file(at, "x"); r = geteuid() == 0 ? chown(at, 4, 4) : -1; break;
		default:
			r = 0;
			for (int level = 0; level < 20 && r == 0; level++) {
				r = mkdir(at, 0755);
				strcat(at, "/d");
			}
		}
		if (r == 0) {
			reopen_disk();
			want.skeleton = true;
			r = disk_make(disk, &want, &it, &disk_why);
			if (r != -EINVAL)
				fail_msg("%s: %d", odd[i], r);
			assert_non_null(strstr(text_str(&disk_why), "skeleton"));
			assert_int_equal(count_in(disk_root_path), 0);
		}
		snprintf(at, sizeof(at), "rm -rf '%s/skel/odd'", disk_base);
		assert_int_equal(system(at), 0);
	}
	assert_int_equal(chmod(disk_skeleton, 0777), 0);
	disk_close(disk);
	disk = NULL;
	assert_int_equal(disk_open(&disk_options, &disk, &disk_why), -EPERM);
}

/* --- completing ----------------------------------------------------------------------------------------------------------- */

static void
complete_makes_what_is_missing_as_the_owner(void **state)
{
	struct disk_want want = want_of("ada");
	struct stat s;

	(void)state;
	make("ada");
	assert_int_equal(disk_complete(disk, &want, &disk_why), 0);
	if (geteuid() != 0)
		skip();
	assert_int_equal(rmdir(path_in(disk_root_path, "ada/logs/old")), 0);
	assert_int_equal(rmdir(path_in(disk_root_path, "ada/logs")), 0);
	want.maildir = true;
	if (disk_complete(disk, &want, &disk_why) != 2 + 4)
		fail_msg("%s", text_str(&disk_why));
	assert_int_equal(stat(path_in(disk_root_path, "ada/logs/old"), &s), 0);
	assert_int_equal(s.st_mode, S_IFDIR | 0755);
	assert_int_equal(s.st_uid, want.uid);
	assert_int_equal(s.st_gid, want.gid);
	assert_int_equal(stat(path_in(disk_root_path, "ada/Maildir/new"), &s), 0);
	assert_int_equal(s.st_mode, S_IFDIR | 0700);
	assert_int_equal(disk_complete(disk, &want, &disk_why), 0);
}

static void
complete_leaves_what_the_owner_put_there(void **state)
{
	struct disk_want want = want_of("ada");
	const char *outside = path_in(disk_base, "outside");

	(void)state;
	if (geteuid() != 0)
		skip();
	make("ada");
	assert_int_equal(mkdir(outside, 0777), 0);
	assert_int_equal(chmod(outside, 0777), 0);
	assert_int_equal(rmdir(path_in(disk_root_path, "ada/logs/old")), 0);
	assert_int_equal(rmdir(path_in(disk_root_path, "ada/logs")), 0);
	assert_int_equal(symlink("../../outside", path_in(disk_root_path, "ada/logs")), 0);
	assert_int_equal(rmdir(path_in(disk_root_path, "ada/public_html")), 0);
	assert_int_equal(symlink("nowhere", path_in(disk_root_path, "ada/public_html")), 0);
	assert_int_equal(disk_complete(disk, &want, &disk_why), 0);
	assert_int_equal(count_in(outside), 0);
	/* A directory of somebody else's is not touched, nor one of root's. */
	assert_int_equal(chown(path_in(disk_root_path, "ada"), 0, 0), 0);
	assert_int_equal(disk_complete(disk, &want, &disk_why), -EPERM);
	assert_int_equal(unlink(path_in(disk_root_path, "ada/logs")), 0);
	want.uid = 0;
	want.gid = 0;
	assert_int_equal(disk_complete(disk, &want, &disk_why), -EPERM);
}

static pid_t test_pid;

/* In the child: what it may, then it hangs. */
static void
hang_in_child(void *context)
{
	char line[256], ok = 'y';
	FILE *f;

	if (getpid() == test_pid)
		return;
	f = fopen("/proc/self/status", "r");
	while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
		unsigned long long caps;

		if ((sscanf(line, "CapEff: %llx", &caps) == 1 || sscanf(line, "CapPrm: %llx", &caps) == 1) && caps != 0)
			ok = 'c';
		if (strncmp(line, "NoNewPrivs:\t0", 13) == 0)
			ok = 'p';
		if (strncmp(line, "Groups:\t", 8) == 0 && strspn(line + 8, "0123456789") > 0)
			ok = 'g';
	}
	for (int fd = 10; fd < 100; fd++)
		if (f == NULL || (fd != fileno(f) && fcntl(fd, F_GETFD) >= 0))
			ok = 'f';
	if (truncate(context, ok) < 0)
		_exit(9);
	pause();
}

static void
a_child_that_hangs_is_killed(void **state)
{
	struct disk_want want = want_of("ada");
	static char note[160];
	struct stat s;

	(void)state;
	if (geteuid() != 0)
		skip();
	make("ada");
	assert_int_equal(rmdir(path_in(disk_root_path, "ada/public_html")), 0);
	snprintf(note, sizeof(note), "%s/note", disk_base);
	write_file(note, "");
	assert_int_equal(chmod(note, 0666), 0);
	test_pid = getpid();
	disk_options.child_seconds = 1;
	disk_options.at_step = hang_in_child;
	disk_options.context = note;
	reopen_disk();
	assert_int_equal(disk_complete(disk, &want, &disk_why), -ETIMEDOUT);
	assert_int_equal(stat(note, &s), 0);
	/* The file's length tells what the child found about itself. */
	assert_int_equal(s.st_size, 'y');
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

/* --- moving, the trash -------------------------------------------------------------------------------------------------------- */

static void
move_moves_what_was_made_only(void **state)
{
	struct disk_identity it = make("ada"), other = make("bob");

	(void)state;
	assert_int_equal(disk_move(disk, below("ada"), below("bob"), &it, &disk_why), -EEXIST);
	assert_int_equal(disk_move(disk, below("ada"), below("new/ada"), &other, &disk_why), -ENOENT);
	assert_int_equal(disk_move(disk, below("none"), below("new/ada"), &other, &disk_why), -ENOENT);
	assert_int_equal(disk_move(disk, below("ada"), below("new/ada"), &it, &disk_why), 0);
	assert_int_equal(disk_move(disk, below("ada"), below("new/ada"), &it, &disk_why), 0);
	assert_false(is_there("ada"));
	assert_true(is_there("new/ada/public_html"));
}

static int
note_origin(void *context, const struct disk_trashed *trashed)
{
	assert_memory_equal(trashed->uuid, uuid, sizeof(uuid));
	text_putf(context, "%llu ", (unsigned long long)trashed->since);
	text_put_span(context, span_skip(trashed->origin, strlen(disk_base)));
	text_put_char(context, '\n');
	return 0;
}

static void
trash_is_listed_restored_and_reaped(void **state)
{
	struct disk_identity first = make("d/ada"), second, it = { 0 };
	struct text list = TEXT_INIT, path = TEXT_INIT;
	struct disk_want want = want_of("d/ada");

	(void)state;
	assert_int_equal(disk_trash(disk, below("d/none"), &first, uuid, 100, &disk_why), 0);
	assert_int_equal(disk_trash(disk, below("none/x"), &first, uuid, 100, &disk_why), 0);
	assert_int_equal(disk_trash(disk, below("d/ada"), &first, uuid, 100, &disk_why), 1);
	assert_int_equal(disk_trash(disk, below("d/ada"), &first, uuid, 100, &disk_why), 0);
	second = make("d/ada");
	assert_int_equal(disk_trash(disk, below("d/ada"), &first, uuid, 100, &disk_why), 0);
	assert_int_equal(disk_trash(disk, below("d/ada"), &second, uuid, 100, &disk_why), 1);
	assert_int_equal(disk_each_trashed(disk, note_origin, &list, &disk_why), 0);
	assert_string_equal(text_str(&list), "100 /root/d/ada\n101 /root/d/ada\n");
	/* The newest; then something stands there; then elsewhere. */
	assert_int_equal(disk_restore(disk, uuid, SPAN(""), &path, &disk_why), 1);
	assert_int_equal(disk_look(disk, &want, &it, &disk_why), DISK_OURS);
	assert_memory_equal(&it, &second, sizeof(it));
	assert_int_equal(disk_restore(disk, uuid, SPAN(""), &path, &disk_why), -EEXIST);
	assert_int_equal(disk_restore(disk, uuid, below("e/old"), &path, &disk_why), 1);
	assert_string_equal(text_str(&path), path_in(disk_root_path, "e/old"));
	assert_int_equal(disk_restore(disk, uuid, SPAN(""), &path, &disk_why), 0);
	assert_int_equal(disk_restore(disk, uuid, SPAN("/etc/x"), &path, &disk_why), 0);
	assert_int_equal(disk_trash(disk, below("d/ada"), &second, uuid, 200, &disk_why), 1);
	assert_int_equal(disk_restore(disk, uuid, SPAN("/etc/x"), &path, &disk_why), -EINVAL);
	assert_int_equal(disk_reap(disk, 199, 1000, &disk_why), 0);
	text_clear(&list);
	assert_int_equal(disk_each_trashed(disk, note_origin, &list, &disk_why), 0);
	assert_true(list.len > 0);
	assert_int_equal(disk_reap(disk, 200, 1000, &disk_why), 0);
	text_clear(&list);
	assert_int_equal(disk_each_trashed(disk, note_origin, &list, &disk_why), 0);
	assert_int_equal(list.len, 0);
	text_free(&list);
	text_free(&path);
}

static void
reap_goes_on_where_it_stopped(void **state)
{
	struct disk_identity it = make("ada");
	char name[64], home[160];
	int calls = 1, r;

	(void)state;
	snprintf(home, sizeof(home), "%s/ada", disk_root_path);
	for (int i = 0; i < 300; i++) {
		snprintf(name, sizeof(name), "d%d", i);
		assert_int_equal(mkdir(path_in(home, name), i % 2 ? 0700 : 0), 0);
		snprintf(name, sizeof(name), "f%d", i);
		write_file(path_in(home, name), name);
		snprintf(name, sizeof(name), "d%d/in", i);
		if (i % 2)
			write_file(path_in(home, name), name);
	}
	assert_int_equal(symlink("/tmp", path_in(home, "link")), 0);
	assert_int_equal(mkfifo(path_in(home, "fifo"), 0600), 0);
	assert_int_equal(chmod(path_in(home, "d1"), 0), 0);
	assert_int_equal(disk_trash(disk, below("ada"), &it, uuid, 100, &disk_why), 1);
	for (; (r = disk_reap(disk, 100, 50, &disk_why)) == 1; calls++)
		assert_true(calls < 100);
	if (r != 0)
		fail_msg("%s", text_str(&disk_why));
	assert_true(calls >= 750 / 50);
	/* Nothing of a half-reaped one is to be restored. */
	assert_int_equal(rmdir(path_in(disk_root_path, ".ispman/trash")), 0);
}

static void
reap_goes_to_any_depth(void **state)
{
	struct disk_identity it = make("ada");
	int fd = open(path_in(disk_root_path, "ada"), O_RDONLY | O_DIRECTORY), r;

	(void)state;
	for (int i = 0; i < 10500; i++) {
		int next;

		assert_int_equal(mkdirat(fd, "deeper", 0755), 0);
		next = openat(fd, "deeper", O_RDONLY | O_DIRECTORY);
		assert_true(next >= 0);
		close(fd);
		fd = next;
	}
	close(fd);
	assert_int_equal(disk_trash(disk, below("ada"), &it, uuid, 100, &disk_why), 1);
	while ((r = disk_reap(disk, 100, 5000, &disk_why)) == 1)
		;
	if (r != 0)
		fail_msg("%d %s", r, text_str(&disk_why));
	assert_int_equal(rmdir(path_in(disk_root_path, ".ispman/trash")), 0);
}

/* --- opening -------------------------------------------------------------------------------------------------------------------- */

static void
open_refuses_what_is_not_its_own(void **state)
{
	enum { LINK, FILE_THERE, OPEN, FOREIGN, STAGING_LINK, WRITABLE, ABSENT, RELATIVE, SLASH, ROWS };
	static const int errors[ROWS] = { -ELOOP, -ENOTDIR, -EPERM, -EPERM, -ELOOP, -EPERM, -ENOENT, -EINVAL, -EINVAL };

	(void)state;
	disk_close(disk);
	disk = NULL;
	for (int row = 0; row < ROWS; row++) {
		const char *own = path_in(disk_root_path, ".ispman");
		char command[256];
		int r = 0;

		snprintf(command, sizeof(command), "rm -rf '%s'", own);
		assert_int_equal(system(command), 0);
		disk_roots[0] = disk_root_path;
		switch (row) {
		case LINK: r = symlink("/tmp", own); break;
		case FILE_THERE: write_file(own, ""); break;
		case OPEN: r = mkdir(own, 0755); break;
		case FOREIGN: r = mkdir(own, 0700) < 0 || chown(own, disk_user, (gid_t)-1) < 0 || geteuid() != 0; break;
		case STAGING_LINK: r = mkdir(own, 0700) < 0 || symlink("/tmp", path_in(own, "staging")) < 0; break;
		case WRITABLE: r = chmod(disk_root_path, 0777); break;
		case ABSENT: chmod(disk_root_path, 0755); disk_roots[0] = "/nowhere/at/all"; break;
		case RELATIVE: disk_roots[0] = "tmp"; break;
		default: disk_roots[0] = "/";
		}
		if (r != 0)
			continue;
		r = disk_open(&disk_options, &disk, &disk_why);
		if (r != errors[row] && !(r == -ENOTDIR && errors[row] == -ELOOP))
			fail_msg("row %d: got %d, want %d: %s", row, r, errors[row], text_str(&disk_why));
		assert_true(disk_why.len > 0);
	}
}

static void
the_longest_root_counts_and_no_root_is_touched(void **state)
{
	static char inner[160];
	struct disk_identity it = { 0 };
	struct disk_want want;

	(void)state;
	snprintf(inner, sizeof(inner), "%s/inner/root/", disk_root_path);
	assert_int_equal(mkdir(path_in(disk_root_path, "inner"), 0755), 0);
	assert_int_equal(mkdir(inner, 0755), 0);
	disk_roots[1] = inner;
	disk_options.root_count = 2;
	reopen_disk();
	it = make("inner/root/ada");
	assert_int_equal(disk_trash(disk, below("inner/root/ada"), &it, uuid, 1, &disk_why), 1);
	assert_int_equal(access(path_in(inner, ".ispman/trash/01020304-0506-0708-090a-0b0c0d0e0fff.1/content"), F_OK), 0);
	want = want_of("inner");
	assert_int_equal(disk_look(disk, &want, &it, &disk_why), -EINVAL);
	want = want_of("inner/root/.ispman");
	assert_int_equal(disk_look(disk, &want, &it, &disk_why), -EINVAL);
}

static void
open_removes_what_dead_ones_left_only(void **state)
{
	struct disk *second = NULL;
	const char *staging = path_in(disk_root_path, ".ispman/staging");

	(void)state;
	assert_int_equal(mkdir(path_in(staging, "123.abc"), 0700), 0);
	assert_int_equal(mkdir(path_in(staging, "123.abc/0"), 0), 0);
	assert_int_equal(disk_open(&disk_options, &second, &disk_why), 0);
	assert_int_equal(access(path_in(staging, "123.abc"), F_OK), -1);
	/* The first one's is still there and used. */
	make("ada");
	disk_close(second);
}

/* --- quota ------------------------------------------------------------------------------------------------------------------------ */

static void
quota_is_set_or_said_to_be_none(void **state)
{
	int r;

	(void)state;
	make("d");
	assert_int_equal(disk_set_quota(disk, below("d"), 77, 1 << 20, &disk_why), 0);
	disk_options.project_quota = true;
	reopen_disk();
	assert_int_equal(disk_set_quota(disk, below("d"), 0, 1 << 20, &disk_why), -EINVAL);
	r = disk_set_quota(disk, below("d"), 77, 1 << 20, &disk_why);
	if (r != 0 && r != 1 && r != -EPERM)
		fail_msg("%d %s", r, text_str(&disk_why));
	/* With a project or without one, homes are made in it. */
	make("d/users/ada");
	if (r == 1)
		assert_int_equal(disk_set_quota(disk, below("d"), 77, 0, &disk_why), 1);
}

#define BOTH(test)                                                                                  \
	cmocka_unit_test_setup_teardown(test, begin, end),                                          \
		{ #test "_by_component", test, begin_old, end, NULL }

int
main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(make_makes_it_whole_with_its_parents),
		BOTH(make_leaves_what_is_there),
		BOTH(no_path_leads_elsewhere),
		BOTH(folders_and_modes_are_checked),
		BOTH(names_may_have_any_octets),
		BOTH(skeleton_is_copied_without_set_id_bits),
		BOTH(skeleton_with_odd_things_is_refused),
		BOTH(complete_makes_what_is_missing_as_the_owner),
		BOTH(complete_leaves_what_the_owner_put_there),
		cmocka_unit_test_setup_teardown(a_child_that_hangs_is_killed, begin, end),
		BOTH(move_moves_what_was_made_only),
		BOTH(trash_is_listed_restored_and_reaped),
		BOTH(reap_goes_on_where_it_stopped),
		cmocka_unit_test_setup_teardown(reap_goes_to_any_depth, begin, end),
		BOTH(open_refuses_what_is_not_its_own),
		BOTH(the_longest_root_counts_and_no_root_is_touched),
		BOTH(open_removes_what_dead_ones_left_only),
		BOTH(quota_is_set_or_said_to_be_none),
	};

	return RUN_TESTS(tests);
}
