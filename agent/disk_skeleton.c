/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * The skeleton of new homes, copied into a directory in staging. It is an admin's, so that what is odd in it is refused and said, not
 * worked around.
 */
#include <config.h>

#include "agent/disk_internal.h"

#include <errno.h>

enum { LEVELS_MAX = 16, ENTRIES_MAX = 4096, CHUNK = 16384 };
#define OCTETS_MAX ((uint64_t)64 << 20)

struct copy {
	struct disk *disk;
	const struct disk_want *want;
	struct text *why;
	unsigned entries;
	uint64_t octets;
};

static int copy_directory(struct copy *copy, int from, int to, unsigned level);

static int
refuse(struct copy *copy, const char *name, const char *what)
{
	disk_say(copy->why, span_of(name), 0, what);
	if (copy->why != NULL)
		text_put(copy->why, " (in the skeleton)");
	return -EINVAL;
}

static int
copy_octets(struct copy *copy, int from, int to, const char *name)
{
	char chunk[CHUNK];

	for (;;) {
		ssize_t got = read(from, chunk, sizeof(chunk));

		if (got <= 0)
			return got == 0 ? 0 : -errno;
		copy->octets += (uint64_t)got;
		if (copy->octets > OCTETS_MAX)
			return refuse(copy, name, "is too much to copy");
		for (ssize_t put = 0; put < got;) {
			ssize_t n = write(to, chunk + put, (size_t)(got - put));

			if (n < 0)
				return -errno;
			put += n;
		}
	}
}

/* What stands in a file that was just renamed into its place may be lost with the power, unlike the renaming: hence fdatasync. */
static int
copy_file(struct copy *copy, int from, int to, const char *name)
{
	cleanup(close_fdp) int source = openat(from, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	cleanup(close_fdp) int target = -1;
	struct stat s;
	int r;

	if (source < 0 || fstat(source, &s) < 0)
		return -errno;
	if (!S_ISREG(s.st_mode) || s.st_nlink != 1)
		return refuse(copy, name, "is no regular file with one name only");
	target = openat(to, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (target < 0)
		return -errno;
	disk_step(copy->disk);
	r = copy_octets(copy, source, target, name);
	if (r < 0)
		return r;
	if (fchown(target, copy->want->uid, copy->want->gid) < 0 || fchmod(target, s.st_mode & 0777) < 0 || fdatasync(target) < 0)
		return -errno;
	disk_step(copy->disk);
	return 0;
}

static int
copy_folder(struct copy *copy, int from, int to, const char *name, unsigned level)
{
	cleanup(close_fdp) int source = openat(from, name, DISK_DIRECTORY);
	cleanup(close_fdp) int target = -1;
	struct stat s;
	int r;

	if (source < 0 || fstat(source, &s) < 0 || mkdirat(to, name, 0700) < 0)
		return -errno;
	disk_step(copy->disk);
	target = openat(to, name, DISK_DIRECTORY);
	if (target < 0)
		return -errno;
	r = copy_directory(copy, source, target, level + 1);
	if (r < 0)
		return r;
	if (fchown(target, copy->want->uid, copy->want->gid) < 0 || fchmod(target, s.st_mode & 0777) < 0)
		return -errno;
	return 0;
}

static int
copy_entry(struct copy *copy, int from, int to, const char *name, unsigned level)
{
	struct stat s;

	if (++copy->entries > ENTRIES_MAX)
		return refuse(copy, name, "is one too many to copy");
	if (fstatat(from, name, &s, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (s.st_uid != 0 && s.st_uid != geteuid())
		return refuse(copy, name, "has another owner than root");
	if (S_ISDIR(s.st_mode))
		return copy_folder(copy, from, to, name, level);
	if (S_ISREG(s.st_mode))
		return copy_file(copy, from, to, name);
	return refuse(copy, name, "is neither a directory nor a regular file");
}

static int
copy_directory(struct copy *copy, int from, int to, unsigned level)
{
	/* Opened anew: each copy reads it from its beginning. */
	int fd = openat(from, ".", DISK_DIRECTORY), r = 0;
	DIR *list = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *entry;

	if (list == NULL) {
		r = -errno;
		close_fdp(&fd);
		return r;
	}
	if (level > LEVELS_MAX)
		r = refuse(copy, ".", "goes too deep");
	while (r == 0 && (errno = 0, entry = readdir(list)) != NULL)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
			r = copy_entry(copy, from, to, entry->d_name, level);
			if (r < 0 && r != -EINVAL)
				disk_say(copy->why, span_of(entry->d_name), -r, "of the skeleton cannot be copied");
		}
	if (r == 0)
		r = -errno;
	closedir(list);
	return r;
}

int
disk_copy_skeleton(struct disk *disk, int directory, const struct disk_want *want, struct text *why)
{
	struct copy copy = { .disk = disk, .want = want, .why = why };

	return copy_directory(&copy, disk->skeleton, directory, 1);
}
