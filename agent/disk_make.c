/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * A directory is made whole in staging, where nobody else has a way in, and renamed into its place.
 */
#include <config.h>

#include "agent/disk_internal.h"

#include <errno.h>
#include <stdio.h>

const struct span disk_maildir_folders[3] = { SPAN("Maildir/tmp"), SPAN("Maildir/new"), SPAN("Maildir/cur") };

/* Makes NAME in DIRECTORY if it is not there, with its owner and mode; the descriptor of it. */
static int
make_component(struct disk *disk, int directory, const char *name, const struct disk_want *want, mode_t mode)
{
	cleanup(close_fdp) int fd = -1;
	bool is_made = mkdirat(directory, name, 0700) == 0;

	if (!is_made && errno != EEXIST)
		return -errno;
	disk_step(disk);
	fd = openat(directory, name, DISK_DIRECTORY);
	if (fd < 0)
		return -errno;
	if (is_made && (fchown(fd, want->uid, want->gid) < 0 || fchmod(fd, mode) < 0))
		return -errno;
	return take_fd(&fd);
}

/* RELATIVE below DIRECTORY, which is in staging; what the skeleton has brought stays as it is. */
static int
make_folder(struct disk *disk, int directory, struct span relative, const struct disk_want *want, mode_t mode)
{
	cleanup(close_fdp) int at = -1;

	if (!disk_relative_is_good(relative))
		return -EINVAL;
	for (;;) {
		const char *slash = memchr(relative.data, '/', relative.len);
		size_t len = slash != NULL ? (size_t)(slash - relative.data) : relative.len;
		char name[NAME_MAX + 1];
		int next;

		memcpy(name, relative.data, len);
		name[len] = '\0';
		next = make_component(disk, at >= 0 ? at : directory, name, want, mode);
		close_fdp(&at);
		at = next;
		if (at < 0)
			return at;
		if (slash == NULL)
			return 0;
		relative = span_skip(relative, len + 1);
	}
}

static int
fill(struct disk *disk, int directory, const struct disk_want *want, struct text *why)
{
	int r = 0;

	if (want->skeleton && disk->skeleton >= 0)
		r = disk_copy_skeleton(disk, directory, want, why);
	if (r < 0)
		return r;
	for (size_t i = 0; i < want->folder_count && r == 0; i++)
		r = make_folder(disk, directory, want->folders[i], want, want->mode);
	if (want->maildir)
		for (size_t i = 0; i < array_size(disk_maildir_folders) && r == 0; i++)
			r = make_folder(disk, directory, disk_maildir_folders[i], want, 0700);
	return r == 0 ? 0 : disk_say(why, want->path, -r, "the folders in it cannot be made");
}

/* Owner first, then the mode: a change of owner takes set-id bits away. */
static int
make_staged(struct disk *disk, int parent, int directory, const struct disk_want *want, struct text *why)
{
	int r = disk_inherit_project(parent, directory);

	if (r < 0)
		return disk_say(why, want->path, -r, "the project of the directory above cannot be taken over");
	r = fill(disk, directory, want, why);
	if (r < 0)
		return r;
	if (fchown(directory, want->uid, want->gid) < 0)
		return disk_say(why, want->path, errno, "the owner cannot be set");
	disk_step(disk);
	if (fchmod(directory, want->mode) < 0)
		return disk_say(why, want->path, errno, "the mode cannot be set");
	disk_step(disk);
	return 0;
}

/* Makes NAME in PARENT as WANT says: 1, or 0 when something is there already. */
static int
make_in(struct disk *disk, struct disk_root *root, int parent, const char *name, const struct disk_want *want,
        struct disk_identity *out_identity, struct text *why)
{
	cleanup(close_fdp) int fd = -1;
	size_t budget = SIZE_MAX;
	struct statx s;
	char staged[32];
	int r;

	snprintf(staged, sizeof(staged), "%llu", (unsigned long long)disk->counter++);
	if (mkdirat(root->mine, staged, 0700) < 0)
		return disk_say(why, want->path, errno, "nothing can be made in the staging folder");
	disk_step(disk);
	fd = openat(root->mine, staged, DISK_DIRECTORY);
	r = fd < 0 ? disk_say(why, want->path, errno, "the staging folder cannot be used") : make_staged(disk, parent, fd, want, why);
	if (r == 0)
		r = disk_stat(fd, "", &s);
	if (r == 0) {
		r = disk_rename(root->mine, staged, parent, name);
		if (r == 0) {
			root->changed = true;
			disk_step(disk);
			*out_identity = disk_identity_of(&s);
			return 1;
		}
		if (r == -EXDEV)
			disk_say(why, want->path, 0, "is on another file system, or of another project, than the staging folder of its root");
		else if (r != -EEXIST)
			disk_say(why, want->path, -r, "cannot be put in its place");
	}
	if (disk_empty(disk, root->mine, &budget) < 0) {
		/* The next disk_open removes it. */
	}
	return r == -EEXIST ? 0 : r;
}

int
disk_parent(struct disk *disk, const struct disk_place *place, bool make, struct text *why)
{
	const struct disk_want want = { .path = place->path, .uid = geteuid(), .gid = getegid(), .mode = disk->parent_mode };
	struct disk_root *root = place->root;
	int fd = disk_resolve(disk, root->fd, root->device, place->parent, DISK_DIRECTORY);
	char prefix[PATH_MAX];

	if (fd == -ENOENT && !make)
		return fd;
	if (fd != -ENOENT)
		return fd < 0 ? disk_say_resolve(why, place->path, fd) : fd;
	/* From the top, each that is missing. */
	fd = disk_resolve(disk, root->fd, root->device, "", DISK_DIRECTORY);
	for (size_t at = 0; fd >= 0; at++) {
		cleanup(close_fdp) int above = fd;
		size_t begin = at;
		struct disk_identity ignored;

		at += strcspn(place->parent + at, "/");
		memcpy(prefix, place->parent, at);
		prefix[at] = '\0';
		fd = disk_resolve(disk, root->fd, root->device, prefix, DISK_DIRECTORY);
		if (fd == -ENOENT) {
			int r = make_in(disk, root, above, prefix + begin, &want, &ignored, why);

			if (r < 0)
				return r;
			fd = disk_resolve(disk, root->fd, root->device, prefix, DISK_DIRECTORY);
		}
		if (fd >= 0 && place->parent[at] == '\0')
			return fd;
	}
	return disk_say_resolve(why, place->path, fd);
}

static int
want_is_good(const struct disk_want *want, struct text *why)
{
	int r = -EINVAL;

	if (want->uid == (uid_t)-1 || want->gid == (gid_t)-1)
		disk_say(why, want->path, 0, "has no owner");
	else if ((want->mode & ~(mode_t)03777) != 0)
		disk_say(why, want->path, 0, "is to have a mode that no directory gets here");
	else
		r = 0;
	for (size_t i = 0; i < want->folder_count && r == 0; i++)
		if (!disk_relative_is_good(want->folders[i])) {
			disk_say(why, want->path, 0, "a folder in it has a name that none may have");
			r = -EINVAL;
		}
	return r;
}

int
disk_make(struct disk *disk, const struct disk_want *want, struct disk_identity *out_identity, struct text *why)
{
	cleanup(close_fdp) int parent = -1;
	struct disk_identity made;
	struct disk_place place;
	struct statx s;
	int r = disk_place_of(disk, want->path, &place, why);

	if (r == 0)
		r = want_is_good(want, why);
	if (r < 0)
		return r;
	parent = disk_parent(disk, &place, true, why);
	if (parent < 0)
		return parent;
	r = disk_stat(parent, place.name, &s);
	if (r == 0) {
		if (S_ISDIR(s.stx_mode))
			*out_identity = disk_identity_of(&s);
		return 0;
	}
	if (r != -ENOENT)
		return disk_say(why, want->path, -r, "cannot be read");
	r = make_in(disk, place.root, parent, place.name, want, &made, why);
	if (r == 0 && disk_stat(parent, place.name, &s) == 0 && S_ISDIR(s.stx_mode))
		*out_identity = disk_identity_of(&s);
	if (r <= 0)
		return r;
	if (!disk_is_at(disk, &place, &made)) {
		disk_say(why, want->path, 0, "was renamed, or what is above it, right after it was made");
		return -ESTALE;
	}
	*out_identity = made;
	return 1;
}
