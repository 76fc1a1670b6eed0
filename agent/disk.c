/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * Roots are opened once, with the folders of our own in them; what stands at a path; renaming.
 */
#include <config.h>

#include "agent/disk_internal.h"

#include <errno.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/random.h>

enum { CHILD_SECONDS = 10, STAGING_TRIES = 16 };

/* --- our own folders ------------------------------------------------------------------------------------------------- */

/* NAME in DIRECTORY, made where it is missing: nobody else's, and nobody else may enter. */
static int
open_own(struct disk *disk, struct disk_root *root, int directory, const char *name, struct text *why)
{
	cleanup(close_fdp) int fd = -1;
	struct stat s;

	if (mkdirat(directory, name, 0700) == 0)
		disk_step(disk);
	else if (errno != EEXIST)
		return disk_say(why, span_of(root->path), errno, "the folder .ispman in it cannot be made");
	fd = disk_resolve(disk, directory, root->device, name, DISK_DIRECTORY);
	if (fd < 0) {
		disk_say(why, span_of(root->path), -fd, "its .ispman, or a folder in that, is not a directory that can be used");
		return fd;
	}
	if (fstat(fd, &s) < 0)
		return disk_say(why, span_of(root->path), errno, "its .ispman cannot be read");
	if (s.st_uid != geteuid() || (s.st_mode & 077) != 0) {
		disk_say(why, span_of(root->path), 0, "its .ispman, or a folder in that, has another owner or is open to others");
		return -EPERM;
	}
	return take_fd(&fd);
}

/* What processes left that are dead: nobody holds its lock. */
static int
empty_staging(struct disk *disk, struct disk_root *root, struct text *why)
{
	int fd = openat(root->staging, ".", DISK_DIRECTORY), r = 0;
	DIR *list = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *entry;

	if (list == NULL) {
		r = -errno;
		close_fdp(&fd);
		return disk_say(why, span_of(root->path), -r, "its staging folder cannot be read");
	}
	while (r == 0 && (errno = 0, entry = readdir(list)) != NULL) {
		cleanup(close_fdp) int left = -1;
		size_t budget = SIZE_MAX;

		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		left = openat(root->staging, entry->d_name, DISK_DIRECTORY);
		if (left < 0) {
			/* Of another process, which has just removed it, or nothing of ours. */
			if (errno != ENOENT && unlinkat(root->staging, entry->d_name, 0) < 0)
				r = -errno;
			continue;
		}
		if (flock(left, LOCK_EX | LOCK_NB) < 0)
			continue;
		r = disk_empty(disk, left, &budget);
		if (r == 0 && unlinkat(root->staging, entry->d_name, AT_REMOVEDIR) < 0 && errno != ENOENT)
			r = -errno;
	}
	closedir(list);
	return r == 0 ? 0 : disk_say(why, span_of(root->path), -r, "its staging folder cannot be emptied");
}

/* The folder of this process. Between its making and its lock another process may think that it is left over. */
static int
open_mine(struct disk *disk, struct disk_root *root, struct text *why)
{
	for (int i = 0; i < STAGING_TRIES; i++) {
		cleanup(close_fdp) int fd = -1;
		uint64_t random;
		struct stat s;

		if (getrandom(&random, sizeof(random), 0) != sizeof(random))
			return disk_say(why, span_of(root->path), EIO, "no random numbers");
		snprintf(root->mine_name, sizeof(root->mine_name), "%ld.%016llx", (long)getpid(), (unsigned long long)random);
		if (mkdirat(root->staging, root->mine_name, 0700) < 0) {
			if (errno == EEXIST)
				continue;
			return disk_say(why, span_of(root->path), errno, "nothing can be made in its staging folder");
		}
		disk_step(disk);
		fd = openat(root->staging, root->mine_name, DISK_DIRECTORY);
		if (fd < 0 || flock(fd, LOCK_EX) < 0 || fstat(fd, &s) < 0 || s.st_nlink == 0)
			continue;
		root->mine = take_fd(&fd);
		return 0;
	}
	return disk_say(why, span_of(root->path), EAGAIN, "nothing stays in its staging folder");
}

/* A file system that cannot rename without replacing is of no use here: better known now. */
static int
try_rename(struct disk_root *root, struct text *why)
{
	int r;

	if (mkdirat(root->mine, "try", 0700) < 0)
		return 0; /* full, or read-only: each call will say it */
	r = disk_rename(root->mine, "try", root->mine, "tried");
	(void)unlinkat(root->mine, r == 0 ? "tried" : "try", AT_REMOVEDIR);
	if (r == -EINVAL || r == -ENOSYS) {
		disk_say(why, span_of(root->path), 0, "its file system cannot rename without replacing");
		return -EOPNOTSUPP;
	}
	return 0;
}

static int
open_root(struct disk *disk, struct disk_root *root, const char *path, bool no_openat2, struct text *why)
{
	struct stat s;
	int r;

	root->len = strlen(path);
	while (root->len > 0 && path[root->len - 1] == '/')
		root->len--;
	if (path[0] != '/' || root->len == 0 || !disk_relative_is_good(span_from(path + 1, root->len - 1))) {
		disk_say(why, span_of(path), 0, "a root is an absolute path without empty components, \".\" and \"..\", and not /");
		return -EINVAL;
	}
	root->path = strndup(path, root->len);
	if (root->path == NULL)
		return -ENOMEM;
	root->fd = open(root->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (root->fd < 0 || fstat(root->fd, &s) < 0)
		return disk_say(why, span_of(root->path), errno, "the root cannot be opened");
	if (s.st_uid != geteuid() || (s.st_mode & 022) != 0) {
		disk_say(why, span_of(root->path), 0, "the root has another owner or is writable for others");
		return -EPERM;
	}
	root->device = s.st_dev;
	if (no_openat2 || !disk_has_openat2(root->fd))
		disk->by_component = true;
	root->own = r = open_own(disk, root, root->fd, ".ispman", why);
	if (r < 0)
		return r;
	root->staging = r = open_own(disk, root, root->own, "staging", why);
	if (r < 0)
		return r;
	root->trash = r = open_own(disk, root, root->own, "trash", why);
	if (r < 0)
		return r;
	r = empty_staging(disk, root, why);
	if (r == 0)
		r = open_mine(disk, root, why);
	return r < 0 ? r : try_rename(root, why);
}

static int
open_skeleton(struct disk *disk, const char *path, struct text *why)
{
	struct stat s;

	disk->skeleton = open(path, DISK_DIRECTORY);
	if (disk->skeleton < 0 || fstat(disk->skeleton, &s) < 0)
		return disk_say(why, span_of(path), errno, "the skeleton cannot be opened");
	if ((s.st_uid != 0 && s.st_uid != geteuid()) || (s.st_mode & 022) != 0) {
		disk_say(why, span_of(path), 0, "the skeleton has another owner than root or is writable for others");
		return -EPERM;
	}
	return 0;
}

static void
disk_closep(struct disk **disk)
{
	disk_close(*disk);
}

int
disk_open(const struct disk_options *options, struct disk **out, struct text *why)
{
	cleanup(disk_closep) struct disk *disk = calloc(1, sizeof(*disk));
	int r = 0;

	if (disk == NULL)
		return -ENOMEM;
	disk->skeleton = -1;
	disk->parent_mode = options->parent_mode;
	disk->project_quota = options->project_quota;
	disk->child_seconds = options->child_seconds != 0 ? options->child_seconds : CHILD_SECONDS;
	disk->at_step = options->at_step;
	disk->context = options->context;
	disk->roots = calloc(options->root_count + 1, sizeof(*disk->roots));
	if (disk->roots == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < options->root_count && r == 0; i++) {
		disk->roots[i] = (struct disk_root){ .fd = -1, .own = -1, .staging = -1, .trash = -1, .mine = -1 };
		disk->root_count = i + 1;
		r = open_root(disk, &disk->roots[i], options->roots[i], options->no_openat2, why);
	}
	if (r == 0 && options->skeleton != NULL)
		r = open_skeleton(disk, options->skeleton, why);
	if (r < 0)
		return r;
	*out = take(disk);
	return 0;
}

void
disk_close(struct disk *disk)
{
	if (disk == NULL)
		return;
	for (size_t i = 0; i < disk->root_count; i++) {
		struct disk_root *root = &disk->roots[i];

		if (root->mine >= 0)
			(void)unlinkat(root->staging, root->mine_name, AT_REMOVEDIR);
		close_fdp(&root->mine);
		close_fdp(&root->trash);
		close_fdp(&root->staging);
		close_fdp(&root->own);
		close_fdp(&root->fd);
		free(root->path);
	}
	close_fdp(&disk->skeleton);
	free(disk->roots);
	free(disk);
}

int
disk_sync(struct disk *disk, struct text *why)
{
	for (size_t i = 0; i < disk->root_count; i++) {
		struct disk_root *root = &disk->roots[i];

		if (!root->changed)
			continue;
		if (syncfs(root->fd) < 0)
			return disk_say(why, span_of(root->path), errno, "what was done cannot be written to the disk");
		root->changed = false;
	}
	return 0;
}

/* --- what stands there ----------------------------------------------------------------------------------------------- */

static int
state_of(const struct statx *s, const struct disk_want *want, struct disk_identity *out_identity)
{
	if (!S_ISDIR(s->stx_mode))
		return DISK_OTHER;
	*out_identity = disk_identity_of(s);
	return s->stx_uid == want->uid && s->stx_gid == want->gid ? DISK_OURS : DISK_FOREIGN;
}

int
disk_look(struct disk *disk, const struct disk_want *want, struct disk_identity *out_identity, struct text *why)
{
	cleanup(close_fdp) int fd = -1;
	cleanup(close_fdp) int parent = -1;
	struct disk_place place;
	struct statx s;
	int r = disk_place_of(disk, want->path, &place, why);

	if (r < 0)
		return r;
	/* The usual case is one step: it is there, or not. */
	fd = disk_resolve(disk, place.root->fd, place.root->device, place.whole, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -ENOENT)
		return DISK_ABSENT;
	if (fd >= 0) {
		r = disk_stat(fd, "", &s);
		return r < 0 ? disk_say(why, want->path, -r, "cannot be read") : state_of(&s, want, out_identity);
	}
	if (fd != -ELOOP && fd != -ENOTDIR)
		return disk_say_resolve(why, want->path, fd);
	parent = disk_parent(disk, &place, false, why);
	if (parent < 0)
		return parent == -ENOENT ? DISK_ABSENT : parent;
	r = disk_stat(parent, place.name, &s);
	if (r < 0)
		return r == -ENOENT ? DISK_ABSENT : disk_say(why, want->path, -r, "cannot be read");
	if (S_ISDIR(s.stx_mode)) {
		disk_say(why, want->path, 0, "changes while it is looked at");
		return -EAGAIN;
	}
	return DISK_OTHER;
}

/* --- renaming -------------------------------------------------------------------------------------------------------- */

static bool
is_only_ours(int directory)
{
	struct stat s;

	return fstat(directory, &s) == 0 && s.st_uid == geteuid() && (s.st_mode & 022) == 0;
}

int
disk_move(struct disk *disk, struct span from, struct span to, const struct disk_identity *identity, struct text *why)
{
	cleanup(close_fdp) int source = -1;
	cleanup(close_fdp) int target = -1;
	struct disk_place old, new;
	struct disk_identity it;
	struct statx s;
	int r = disk_place_of(disk, from, &old, why);

	if (r == 0)
		r = disk_place_of(disk, to, &new, why);
	if (r < 0)
		return r;
	if (disk_is_at(disk, &new, identity))
		return 0; /* done before */
	if (!disk_is_at(disk, &old, identity)) {
		disk_say(why, from, 0, "is not the directory that was made there");
		return -ENOENT;
	}
	source = disk_parent(disk, &old, false, why);
	if (source < 0)
		return source;
	target = disk_parent(disk, &new, true, why);
	if (target < 0)
		return target;
	r = disk_rename(source, old.name, target, new.name);
	if (r == -ENOENT) {
		disk_say(why, from, 0, "is not the directory that was made there");
		return r;
	}
	if (r < 0)
		return disk_say(why, to, -r, "the directory cannot be renamed to this");
	old.root->changed = new.root->changed = true;
	disk_step(disk);
	r = disk_stat(target, new.name, &s);
	if (r == 0) {
		it = disk_identity_of(&s);
		if (disk_is_same(&it, identity))
			return 0;
	}
	/* Something was put in its place between the look and the renaming, or has been since. The first is certain, and undone, where
	 * nobody else may rename. */
	if (r == 0)
		r = is_only_ours(target) ? disk_rename(target, new.name, source, old.name) : -EPERM;
	disk_say(why, from, 0, r == 0 ? "was replaced while it was renamed; that was undone" : "was replaced while it was renamed");
	return -ESTALE;
}
