/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * What is removed lies in ROOT/.ispman/trash/UUID.SECONDS for a while: its name there says whose it was and since when, the file origin
 * beside it where it stood. A folder there without "content" is what a crash or a restoration left, or what is being reaped.
 */
#include <config.h>

#include "agent/disk_internal.h"

#include <errno.h>
#include <stdio.h>

/* Two of one UUID in one second: the next second's name is taken, at most so many. */
enum { SECONDS_TRIES = 1000, UUID_TEXT = 36, NAME_ROOM = 64 };

/* --- names ---------------------------------------------------------------------------------------------------------- */

static void
name_of(const uint8_t uuid[DISK_UUID_LEN], uint64_t since, char out[NAME_ROOM])
{
	size_t at = 0;

	for (size_t i = 0; i < DISK_UUID_LEN; i++)
		at += (size_t)snprintf(out + at, NAME_ROOM - at, i == 4 || i == 6 || i == 8 || i == 10 ? "-%02x" : "%02x", uuid[i]);
	snprintf(out + at, NAME_ROOM - at, ".%llu", (unsigned long long)since);
}

/* Only what name_of has written. */
static bool
read_name(const char *name, struct disk_trashed *out)
{
	struct disk_trashed it = { 0 };
	struct span s = span_of(name);
	char again[NAME_ROOM];
	size_t at = 0;

	if (s.len <= UUID_TEXT + 1 || s.data[UUID_TEXT] != '.')
		return false;
	if (span_to_u64(span_skip(s, UUID_TEXT + 1), UINT64_MAX, &it.since) < 0)
		return false;
	for (size_t i = 0; i < DISK_UUID_LEN; i++) {
		int high, low;

		at += i == 4 || i == 6 || i == 8 || i == 10;
		high = ascii_hex(s.data[at++]);
		low = high >= 0 ? ascii_hex(s.data[at++]) : -1;
		if (low < 0)
			return false;
		it.uuid[i] = (uint8_t)(high << 4 | low);
	}
	name_of(it.uuid, it.since, again);
	if (strcmp(name, again) != 0)
		return false;
	*out = it;
	return true;
}

static int
write_origin(struct disk *disk, int container, struct span path)
{
	cleanup(close_fdp) int fd = openat(container, "origin", O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0)
		return -errno;
	disk_step(disk);
	/* Before the renaming, or a power cut may leave a directory of which nobody knows where it stood. */
	if (write(fd, path.data, path.len) != (ssize_t)path.len)
		return errno != 0 ? -errno : -ENOSPC;
	if (fsync(fd) < 0 || fsync(container) < 0)
		return -errno;
	disk_step(disk);
	return 0;
}

/* 1 and the path, 0 when there is none. */
static int
read_origin(int container, struct text *out)
{
	cleanup(close_fdp) int fd = openat(container, "origin", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	char path[PATH_MAX];
	ssize_t got;

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	got = read(fd, path, sizeof(path));
	if (got < 0)
		return -errno;
	text_clear(out);
	text_put_span(out, span_from(path, (size_t)got));
	return got > 0;
}

/* The folder for what is trashed now, with nothing but, maybe, an origin in it. */
static int
open_container(struct disk *disk, struct disk_root *root, const uint8_t uuid[DISK_UUID_LEN], uint64_t now, char name[NAME_ROOM])
{
	for (uint64_t since = now; since - now < SECONDS_TRIES; since++) {
		cleanup(close_fdp) int fd = -1;
		struct statx s;
		int r;

		name_of(uuid, since, name);
		if (mkdirat(root->trash, name, 0700) < 0 && errno != EEXIST)
			return -errno;
		disk_step(disk);
		fd = openat(root->trash, name, DISK_DIRECTORY);
		if (fd < 0)
			return -errno;
		r = disk_stat(fd, "content", &s);
		if (r == -ENOENT)
			return take_fd(&fd);
		if (r < 0)
			return r;
	}
	return -EEXIST;
}

static void
remove_container(struct disk *disk, struct disk_root *root, int container, const char *name)
{
	(void)unlinkat(container, "origin", 0);
	disk_step(disk);
	(void)unlinkat(root->trash, name, AT_REMOVEDIR);
	disk_step(disk);
}

/* --- into the trash ------------------------------------------------------------------------------------------------- */

/* Nobody can rename in the container: what is in it now is what was renamed. */
static int
check_arrived(struct disk *disk, const struct disk_place *place, int parent, int container, const char *name,
              const struct disk_identity *identity, struct text *why)
{
	struct disk_identity it = { 0 };
	struct statx s;
	int r = disk_stat(container, "content", &s);

	if (r < 0)
		return disk_say(why, place->path, -r, "what was renamed into the trash cannot be read");
	it = disk_identity_of(&s);
	if (S_ISDIR(s.stx_mode) && disk_is_same(&it, identity))
		return 1;
	r = disk_rename(container, "content", parent, place->name);
	if (r == 0) {
		disk_step(disk);
		remove_container(disk, place->root, container, name);
		return 0;
	}
	disk_say(why, place->path, 0, "was replaced while it was removed; what was in its place lies in the trash as ");
	if (why != NULL)
		text_put(why, name);
	return -ESTALE;
}

int
disk_trash(struct disk *disk, struct span path, const struct disk_identity *identity, const uint8_t uuid[DISK_UUID_LEN], uint64_t now,
           struct text *why)
{
	cleanup(close_fdp) int parent = -1;
	cleanup(close_fdp) int container = -1;
	struct disk_place place;
	struct disk_identity it;
	char name[NAME_ROOM];
	struct statx s;
	int r = disk_place_of(disk, path, &place, why);

	if (r < 0)
		return r;
	parent = disk_parent(disk, &place, false, why);
	if (parent == -ENOENT)
		return 0;
	if (parent < 0)
		return parent;
	r = disk_stat(parent, place.name, &s);
	if (r < 0)
		return r == -ENOENT ? 0 : disk_say(why, path, -r, "cannot be read");
	it = disk_identity_of(&s);
	if (!S_ISDIR(s.stx_mode) || !disk_is_same(&it, identity))
		return 0;
	container = open_container(disk, place.root, uuid, now, name);
	if (container < 0)
		return disk_say(why, path, -container, "no folder for it can be made in the trash");
	errno = 0;
	r = write_origin(disk, container, path);
	if (r == 0)
		r = disk_rename(parent, place.name, container, "content");
	if (r < 0) {
		remove_container(disk, place.root, container, name);
		return r == -ENOENT ? 0 : disk_say(why, path, -r, "cannot be renamed into the trash");
	}
	place.root->changed = true;
	disk_step(disk);
	return check_arrived(disk, &place, parent, container, name, identity, why);
}

/* --- what lies there ------------------------------------------------------------------------------------------------ */

struct found {
	struct disk_trashed trashed;
	struct disk_root *root;
	struct text origin;
};

struct list {
	struct found *found;
	size_t count;
};

static void
list_free(struct list *list)
{
	for (size_t i = 0; i < list->count; i++)
		text_free(&list->found[i].origin);
	free(list->found);
}

/* WITHOUT_CONTENT: also what a crash or a restoration left. */
static int
list_add(struct list *list, struct disk_root *root, const char *name, bool without_content)
{
	cleanup(close_fdp) int container = -1;
	struct found it = { .root = root, .origin = TEXT_INIT };
	struct found *more;
	struct stat s;
	int r = 0;

	if (!read_name(name, &it.trashed))
		return 0;
	container = openat(root->trash, name, DISK_DIRECTORY);
	if (container < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!without_content) {
		if (fstatat(container, "content", &s, AT_SYMLINK_NOFOLLOW) < 0)
			return errno == ENOENT ? 0 : -errno;
		r = read_origin(container, &it.origin);
		if (r < 0)
			return r;
	}
	more = reallocarray(list->found, list->count + 1, sizeof(*more));
	if (more == NULL || text_failed(&it.origin)) {
		if (more != NULL)
			list->found = more;
		text_free(&it.origin);
		return -ENOMEM;
	}
	list->found = more;
	more[list->count++] = it;
	return 0;
}

static int
oldest_first(const void *a, const void *b)
{
	const struct found *x = a, *y = b;

	if (x->trashed.since != y->trashed.since)
		return x->trashed.since < y->trashed.since ? -1 : 1;
	return memcmp(x->trashed.uuid, y->trashed.uuid, DISK_UUID_LEN);
}

static int
list_root(struct list *list, struct disk_root *root, bool without_content)
{
	int fd = openat(root->trash, ".", DISK_DIRECTORY), r = 0;
	DIR *names = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *entry;

	if (names == NULL) {
		r = -errno;
		close_fdp(&fd);
		return r;
	}
	while (r == 0 && (errno = 0, entry = readdir(names)) != NULL)
		r = list_add(list, root, entry->d_name, without_content);
	if (r == 0)
		r = -errno;
	closedir(names);
	return r;
}

static int
list_all(struct disk *disk, struct list *list, bool without_content, struct text *why)
{
	for (size_t i = 0; i < disk->root_count; i++) {
		struct disk_root *root = &disk->roots[i];
		int r = list_root(list, root, without_content);

		if (r < 0)
			return disk_say(why, span_of(root->path), -r, "its trash cannot be read");
	}
	if (list->count > 0)
		qsort(list->found, list->count, sizeof(*list->found), oldest_first);
	for (size_t i = 0; i < list->count; i++)
		list->found[i].trashed.origin = text_span(&list->found[i].origin);
	return 0;
}

int
disk_each_trashed(struct disk *disk, int (*each)(void *context, const struct disk_trashed *trashed), void *context, struct text *why)
{
	cleanup(list_free) struct list list = { 0 };
	int r = list_all(disk, &list, false, why);

	for (size_t i = 0; i < list.count && r == 0; i++)
		r = each(context, &list.found[i].trashed);
	return r;
}

/* --- back ----------------------------------------------------------------------------------------------------------- */

static int
put_back(struct disk *disk, const struct found *it, struct span path, struct text *why)
{
	cleanup(close_fdp) int container = -1;
	cleanup(close_fdp) int parent = -1;
	struct disk_place place;
	char name[NAME_ROOM];
	int r = disk_place_of(disk, path, &place, why);

	if (r < 0)
		return r;
	name_of(it->trashed.uuid, it->trashed.since, name);
	container = openat(it->root->trash, name, DISK_DIRECTORY);
	if (container < 0)
		return disk_say(why, path, errno, "what was removed cannot be opened");
	parent = disk_parent(disk, &place, true, why);
	if (parent < 0)
		return parent;
	r = disk_rename(container, "content", parent, place.name);
	if (r == -EEXIST) {
		disk_say(why, path, 0, "something stands there");
		return r;
	}
	if (r < 0)
		return disk_say(why, path, -r, "what was removed cannot be renamed to this");
	place.root->changed = it->root->changed = true;
	disk_step(disk);
	remove_container(disk, it->root, container, name);
	return 1;
}

int
disk_restore(struct disk *disk, const uint8_t uuid[DISK_UUID_LEN], struct span to, struct text *out_path, struct text *why)
{
	cleanup(list_free) struct list list = { 0 };
	int r = list_all(disk, &list, false, why);

	if (r < 0)
		return r;
	for (size_t i = list.count; i-- > 0;) {
		const struct found *it = &list.found[i];
		struct span path = to.len > 0 ? to : it->trashed.origin;

		if (memcmp(it->trashed.uuid, uuid, DISK_UUID_LEN) != 0)
			continue;
		r = put_back(disk, it, path, why);
		if (r > 0) {
			text_clear(out_path);
			text_put_span(out_path, path);
		}
		return r;
	}
	return 0;
}

/* --- for good ------------------------------------------------------------------------------------------------------- */

/* "content" is renamed first: half of a directory is nothing to restore. */
static int
reap_one(struct disk *disk, const struct found *it, size_t *budget)
{
	cleanup(close_fdp) int container = -1;
	char name[NAME_ROOM], gone[32];
	int r;

	name_of(it->trashed.uuid, it->trashed.since, name);
	container = openat(it->root->trash, name, DISK_DIRECTORY);
	if (container < 0)
		return errno == ENOENT ? 0 : -errno;
	do {
		snprintf(gone, sizeof(gone), "-%llx", (unsigned long long)disk->counter++);
		r = disk_rename(container, "content", container, gone);
	} while (r == -EEXIST);
	if (r < 0 && r != -ENOENT)
		return r;
	disk_step(disk);
	r = disk_empty(disk, container, budget);
	if (r == 0 && unlinkat(it->root->trash, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
		r = -errno;
	disk_step(disk);
	return r;
}

int
disk_reap(struct disk *disk, uint64_t before, size_t entries, struct text *why)
{
	cleanup(list_free) struct list list = { 0 };
	size_t budget = entries > 0 ? entries : 1;
	int r = list_all(disk, &list, true, why), result = 0;

	if (r < 0)
		return r;
	for (size_t i = 0; i < list.count && list.found[i].trashed.since <= before; i++) {
		const struct found *it = &list.found[i];
		char name[NAME_ROOM];

		if (budget == 0)
			return 1;
		r = reap_one(disk, it, &budget);
		if (r > 0)
			return 1;
		if (r < 0 && result == 0) {
			name_of(it->trashed.uuid, it->trashed.since, name);
			result = disk_say(why, span_of(name), -r, "cannot be removed from the trash");
		}
	}
	return result;
}
