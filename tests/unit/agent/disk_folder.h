/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * A folder with a root in it for the tests of agent/disk.h, and what a tree looks like as text.
 */
#pragma once

#include "tests/unit/test.h"

#include "agent/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>

static char disk_base[64], disk_root_path[128], disk_skeleton[128];
static struct disk *disk;
static struct disk_options disk_options;
static const char *disk_roots[4];
static struct text disk_why;
/* Who owns what is made: root makes it for somebody else. */
static uid_t disk_user;

/* Good for the next 64 calls. */
static inline const char *
path_in(const char *folder, const char *name)
{
	static struct text paths[64];
	static unsigned at;
	struct text path = TEXT_INIT;

	at = (at + 1) % array_size(paths);
	text_put(&path, folder);
	text_put_char(&path, '/');
	text_put(&path, name);
	text_free(&paths[at]);
	paths[at] = path;
	return text_str(&paths[at]);
}

/* NAME below the root. */
static inline struct span
below(const char *name)
{
	return span_of(path_in(disk_root_path, name));
}

static inline void
open_disk(void)
{
	int r = disk_open(&disk_options, &disk, &disk_why);

	if (r != 0)
		fail_msg("disk_open: %d %s", r, text_str(&disk_why));
}

static inline void
reopen_disk(void)
{
	disk_close(disk);
	disk = NULL;
	open_disk();
}

static inline int
begin_with(bool no_openat2)
{
	disk_user = geteuid() == 0 ? 12345 : geteuid();
	umask(022);
	strcpy(disk_base, "/tmp/ispman-disk-XXXXXX");
	assert_non_null(mkdtemp(disk_base));
	assert_int_equal(chmod(disk_base, 0711), 0);
	snprintf(disk_root_path, sizeof(disk_root_path), "%s/root", disk_base);
	assert_int_equal(mkdir(disk_root_path, 0755), 0);
	snprintf(disk_skeleton, sizeof(disk_skeleton), "%s/skel", disk_base);
	disk_roots[0] = disk_root_path;
	disk_options = (struct disk_options){ .root_count = 1, .roots = disk_roots, .parent_mode = 0755, .no_openat2 = no_openat2 };
	open_disk();
	return 0;
}

static int
begin(void **state)
{
	(void)state;
	return begin_with(false);
}

static int
begin_old(void **state)
{
	(void)state;
	return begin_with(true);
}

static int
end(void **state)
{
	char command[128];

	(void)state;
	disk_close(disk);
	disk = NULL;
	text_free(&disk_why);
	snprintf(command, sizeof(command), "rm -rf '%s'", disk_base);
	return system(command);
}

static inline struct disk_want
want_of(const char *name)
{
	static const struct span folders[] = { SPAN("public_html"), SPAN("logs/old") };

	return (struct disk_want){ .path = below(name), .uid = disk_user, .gid = disk_user == 12345 ? 12346 : getegid(), .mode = 0755,
		                   .folder_count = array_size(folders), .folders = folders };
}

static inline struct disk_identity
make(const char *name)
{
	struct disk_want want = want_of(name);
	struct disk_identity it = { 0 };
	int r = disk_make(disk, &want, &it, &disk_why);

	if (r != 1)
		fail_msg("disk_make %s: %d %s", name, r, text_str(&disk_why));
	return it;
}

static inline void
write_file(const char *path, const char *content)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(content, f);
	assert_int_equal(fclose(f), 0);
}

static inline bool
is_there(const char *name)
{
	struct stat s;

	return lstat(path_in(disk_root_path, name), &s) == 0;
}

/* --- a tree as text: a line for each entry, sorted; .ispman left out ---------------------------------------------------- */

static struct {
	char *lines[4096];
	size_t count, skip;
} tree;

static int
tree_add(const char *path, const struct stat *s, int flag, struct FTW *where)
{
	char content[64] = "", *line;
	FILE *f;

	(void)flag;
	(void)where;
	if (strstr(path, "/.ispman") != NULL || tree.count == array_size(tree.lines))
		return 0;
	if (S_ISREG(s->st_mode) && (f = fopen(path, "r")) != NULL) {
		content[fread(content, 1, sizeof(content) - 1, f)] = '\0';
		fclose(f);
	}
	if (asprintf(&line, "%s %o %u:%u %s\n", path + tree.skip, s->st_mode, s->st_uid, s->st_gid, content) < 0)
		return -1;
	tree.lines[tree.count++] = line;
	return 0;
}

static int
line_order(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* To be freed. */
static inline char *
tree_of(const char *folder)
{
	struct text t = TEXT_INIT;

	tree.count = 0;
	tree.skip = strlen(folder);
	assert_int_equal(nftw(folder, tree_add, 16, FTW_PHYS), 0);
	qsort(tree.lines, tree.count, sizeof(tree.lines[0]), line_order);
	for (size_t i = 0; i < tree.count; i++) {
		text_put(&t, tree.lines[i]);
		free(tree.lines[i]);
	}
	text_put(&t, "");
	return t.data;
}

/* How many entries PATH has, at any depth. */
static inline int
count_in(const char *path)
{
	free(tree_of(path));
	return (int)tree.count - 1;
}

static inline void
make_skeleton(void)
{
	const char *path = disk_skeleton;

	assert_int_equal(mkdir(path, 0755), 0);
	write_file(path_in(path, ".profile"), "umask 077\n");
	assert_int_equal(chmod(path_in(path, ".profile"), 06755), 0);
	assert_int_equal(mkdir(path_in(path, ".ssh"), 0700), 0);
	write_file(path_in(path, ".ssh/config"), "");
	disk_options.skeleton = path;
}
