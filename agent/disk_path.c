/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * Paths of accounts become descriptors, from a root's descriptor downwards and without a step aside.
 */
#include <config.h>

#include "agent/disk_internal.h"

#include <errno.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

/* Somebody renames on the way: the kernel asks to try again. After so many times it is the result. */
enum { RESOLVE_TRIES = 64, SHOWN_MAX = 300 };

int
disk_say(struct text *why, struct span path, int error, const char *what)
{
	if (why != NULL) {
		text_clear(why);
		text_put_escaped(why, path, SHOWN_MAX);
		text_putf(why, ": %s", what);
		if (error != 0)
			text_putf(why, ": %s", strerror(error));
	}
	return -error;
}

static bool
component_is_good(struct span c)
{
	return c.len > 0 && c.len <= NAME_MAX && !span_is(c, SPAN(".")) && !span_is(c, SPAN("..")) && !span_is(c, SPAN(".ispman"));
}

bool
disk_relative_is_good(struct span name)
{
	if (name.len >= PATH_MAX || (name.len > 0 && memchr(name.data, '\0', name.len) != NULL))
		return false;
	for (;;) {
		const char *slash = name.len > 0 ? memchr(name.data, '/', name.len) : NULL;
		size_t len = slash != NULL ? (size_t)(slash - name.data) : name.len;

		if (!component_is_good(span_from(name.data, len)))
			return false;
		if (slash == NULL)
			return true;
		name = span_skip(name, len + 1);
	}
}

/* Whether INNER is OUTER or below it. */
static bool
is_at_or_below(struct span inner, struct span outer)
{
	return inner.len >= outer.len && memcmp(inner.data, outer.data, outer.len) == 0 &&
	       (inner.len == outer.len || inner.data[outer.len] == '/');
}

int
disk_place_of(struct disk *disk, struct span path, struct disk_place *out, struct text *why)
{
	struct disk_root *best = NULL;
	struct span rest;
	size_t parent;

	if (path.len == 0 || path.data[0] != '/' || path.len >= PATH_MAX) {
		disk_say(why, path, 0, "is not an absolute path of a usual length");
		return -EINVAL;
	}
	for (size_t i = 0; i < disk->root_count; i++) {
		struct disk_root *root = &disk->roots[i];

		if (is_at_or_below(span_from(root->path, root->len), path)) {
			disk_say(why, path, 0, "is a root or on the way to one");
			return -EINVAL;
		}
		if (is_at_or_below(path, span_from(root->path, root->len)) && (best == NULL || root->len > best->len))
			best = root;
	}
	if (best == NULL) {
		disk_say(why, path, 0, "is not below one of the roots");
		return -EINVAL;
	}
	rest = span_skip(path, best->len + 1);
	if (!disk_relative_is_good(rest) || rest.data[0] == '.') {
		disk_say(why, path, 0, "has a component that no account's directory may have");
		return -EINVAL;
	}
	out->root = best;
	out->path = path;
	memcpy(out->whole, rest.data, rest.len);
	out->whole[rest.len] = '\0';
	for (parent = rest.len; parent > 0 && rest.data[parent - 1] != '/'; parent--)
		;
	memcpy(out->name, out->whole + parent, rest.len - parent + 1);
	if (parent > 0)
		memcpy(out->parent, rest.data, --parent);
	out->parent[parent] = '\0';
	return 0;
}

/* --- resolution ------------------------------------------------------------------------------------------------------- */

static int
open_beneath(int base, const char *relative, int flags)
{
	struct open_how how = {
		.flags = (uint64_t)flags,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV,
	};

	for (int i = 0; i < RESOLVE_TRIES; i++) {
		long fd = syscall(SYS_openat2, base, relative, &how, sizeof(how));

		if (fd >= 0)
			return (int)fd;
		if (errno != EAGAIN && errno != EINTR)
			return -errno;
	}
	return -EAGAIN;
}

bool
disk_has_openat2(int fd)
{
	cleanup(close_fdp) int again = open_beneath(fd, ".", DISK_DIRECTORY);

	return again != -ENOSYS && again != -EPERM;
}

/* One component: no link, and of the same device. A mount of the same file system is not seen; openat2 sees it. */
static int
open_component(int directory, uint64_t device, const char *name, int flags)
{
	cleanup(close_fdp) int fd = openat(directory, name, flags | O_NOFOLLOW | O_DIRECTORY | O_CLOEXEC);
	struct stat s;

	if (fd < 0 || fstat(fd, &s) < 0)
		return -errno;
	if (s.st_dev != device)
		return -EXDEV;
	return take_fd(&fd);
}

static int
open_by_component(int base, uint64_t device, const char *relative, int flags)
{
	cleanup(close_fdp) int at = -1;

	for (;;) {
		size_t len = strcspn(relative, "/");
		bool is_last = relative[len] == '\0';
		char name[NAME_MAX + 1];
		int next;

		if (len > NAME_MAX)
			return -ENAMETOOLONG;
		memcpy(name, relative, len);
		name[len] = '\0';
		next = open_component(at >= 0 ? at : base, device, name, is_last ? flags : O_PATH);
		close_fdp(&at);
		at = next;
		if (at < 0 || is_last)
			return take_fd(&at);
		relative += len + 1;
	}
}

int
disk_resolve(const struct disk *disk, int base, uint64_t device, const char *relative, int flags)
{
	if (relative[0] == '\0')
		relative = ".";
	return disk->by_component ? open_by_component(base, device, relative, flags) : open_beneath(base, relative, flags);
}

int
disk_say_resolve(struct text *why, struct span path, int r)
{
	switch (-r) {
	case ELOOP:
	case ENOTDIR:
		disk_say(why, path, 0, "a symbolic link, or something else that is no directory, is in the way");
		return r;
	case EXDEV:
		disk_say(why, path, 0, "another file system is mounted in the way; what is mounted needs a root of its own");
		return r;
	default:
		return disk_say(why, path, -r, "cannot be opened");
	}
}

/* --- what stands there ------------------------------------------------------------------------------------------------- */

int
disk_stat(int directory, const char *name, struct statx *out)
{
	int flags = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | (name[0] == '\0' ? AT_EMPTY_PATH : 0);

	return statx(directory, name, flags, STATX_BASIC_STATS | STATX_BTIME, out) < 0 ? -errno : 0;
}

struct disk_identity
disk_identity_of(const struct statx *s)
{
	struct disk_identity it = { .device = makedev(s->stx_dev_major, s->stx_dev_minor), .inode = s->stx_ino };

	if (s->stx_mask & STATX_BTIME)
		it.born = (uint64_t)s->stx_btime.tv_sec * 1000000000 + s->stx_btime.tv_nsec;
	return it;
}

bool
disk_is_same(const struct disk_identity *a, const struct disk_identity *b)
{
	if (a->inode != b->inode || a->born != b->born)
		return false;
	return a->born != 0 || a->device == b->device;
}

bool
disk_is_at(const struct disk *disk, const struct disk_place *place, const struct disk_identity *identity)
{
	cleanup(close_fdp) int fd =
		disk_resolve(disk, place->root->fd, place->root->device, place->whole, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct disk_identity it;
	struct statx s;

	if (fd < 0 || disk_stat(fd, "", &s) < 0)
		return false;
	it = disk_identity_of(&s);
	return disk_is_same(&it, identity);
}

int
disk_rename(int from, const char *name, int to, const char *to_name)
{
	return renameat2(from, name, to, to_name, RENAME_NOREPLACE) < 0 ? -errno : 0;
}
