/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * Removal of trees, of any depth, with a few descriptors and no recursion: a directory found in another is renamed to the top, to be
 * emptied there in its turn. No "..", which would lead elsewhere if somebody who still holds a descriptor in the tree renamed a
 * directory out of it; and each directory is taken from its owner before it is read, so that nothing comes into it any more.
 */
#include <config.h>

#include "agent/disk_internal.h"

#include <errno.h>
#include <stdio.h>

struct removal {
	struct disk *disk;
	int top;
	size_t *budget;
	uint64_t device;
	int error;      /* the first of what cannot be removed */
};

static bool
is_dots(const char *name)
{
	return name[0] == '.' && (name[1] == '\0' || (name[1] == '.' && name[2] == '\0'));
}

static void
failed(struct removal *removal, int error)
{
	if (removal->error == 0 && error != ENOENT)
		removal->error = -error;
}

static void
went(struct removal *removal)
{
	if (*removal->budget > 0)
		(*removal->budget)--;
	disk_step(removal->disk);
}

/* Opens NAME in DIRECTORY, ours from now on, also if its mode lets nobody in. What is mounted there is not entered. */
static int
enter(const struct removal *removal, int directory, const char *name)
{
	cleanup(close_fdp) int fd = disk_resolve(removal->disk, directory, removal->device, name, DISK_DIRECTORY);

	if (fd == -EACCES) {
		cleanup(close_fdp) int closed =
			disk_resolve(removal->disk, directory, removal->device, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		char link[64];

		if (closed < 0)
			return closed;
		/* fchmod refuses a descriptor of O_PATH; this is its own, and no name that anybody could change. */
		snprintf(link, sizeof(link), "/proc/self/fd/%d", closed);
		if (chmod(link, 0700) < 0)
			return -errno;
		fd = openat(closed, ".", DISK_DIRECTORY);
		if (fd < 0)
			return -errno;
	}
	if (fd < 0)
		return fd;
	if (fchown(fd, geteuid(), (gid_t)-1) < 0 || fchmod(fd, 0700) < 0)
		return -errno;
	return take_fd(&fd);
}

/* Renames NAME to the top under a name that nothing there has. */
static int
lift(struct removal *removal, int directory, const char *name)
{
	char up[32];
	int r;

	do {
		snprintf(up, sizeof(up), "+%llx", (unsigned long long)removal->disk->counter++);
		r = disk_rename(directory, name, removal->top, up);
	} while (r == -EEXIST);
	return r;
}

static void
lift_directory(struct removal *removal, int directory, const char *name)
{
	int r = lift(removal, directory, name);

	if (r == -EACCES) {
		/* Only for root may a directory be renamed that is not writable. */
		cleanup(close_fdp) int fd = enter(removal, directory, name);

		r = fd < 0 ? fd : lift(removal, directory, name);
	}
	if (r == 0)
		went(removal);
	else
		failed(removal, -r);
}

/* Removes NAME unless it is a directory with something in it: whether it is one. */
static bool
remove_entry(struct removal *removal, int directory, const struct dirent *entry)
{
	bool is_directory = entry->d_type == DT_DIR;

	if (!is_directory) {
		if (unlinkat(directory, entry->d_name, 0) == 0) {
			went(removal);
			return false;
		}
		/* Not every file system tells the type. */
		if (errno != EISDIR && errno != EPERM) {
			failed(removal, errno);
			return false;
		}
	}
	if (unlinkat(directory, entry->d_name, AT_REMOVEDIR) == 0) {
		went(removal);
		return false;
	}
	if (errno == ENOTEMPTY || errno == EEXIST)
		return true;
	failed(removal, errno);
	return false;
}

typedef void (*full_directory)(struct removal *removal, int directory, const char *name);

/* Removes what is in DIRECTORY, and calls FULL for directories with something in them, until nothing is left, nothing more goes, or
 * the budget is used up. */
static void
sweep(struct removal *removal, int directory, full_directory full)
{
	int fd = openat(directory, ".", DISK_DIRECTORY);
	DIR *list = fd >= 0 ? fdopendir(fd) : NULL;
	bool more = true;

	if (list == NULL) {
		failed(removal, errno);
		close_fdp(&fd);
		return;
	}
	while (more && *removal->budget > 0) {
		size_t before = *removal->budget;
		struct dirent *entry;

		/* A list that loses its entries while it is read may leave some out: again until nothing goes. */
		rewinddir(list);
		while (*removal->budget > 0 && (entry = readdir(list)) != NULL)
			if (!is_dots(entry->d_name) && remove_entry(removal, directory, entry))
				full(removal, directory, entry->d_name);
		more = *removal->budget != before;
	}
	closedir(list);
}

static void
empty_directory(struct removal *removal, int directory, const char *name)
{
	cleanup(close_fdp) int fd = enter(removal, directory, name);

	if (fd < 0) {
		failed(removal, -fd);
		return;
	}
	sweep(removal, fd, lift_directory);
	if (*removal->budget == 0)
		return;
	if (unlinkat(directory, name, AT_REMOVEDIR) == 0)
		went(removal);
	else
		failed(removal, errno);
}

int
disk_empty(struct disk *disk, int directory, size_t *budget)
{
	struct removal removal = { .disk = disk, .top = directory, .budget = budget };
	struct stat s;

	if (fstat(directory, &s) < 0)
		return -errno;
	removal.device = s.st_dev;
	sweep(&removal, directory, empty_directory);
	if (removal.error < 0)
		return removal.error;
	return *budget == 0;
}
