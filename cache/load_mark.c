/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 */
#include <config.h>

#include "cache/load_mark.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

enum { BOOT_ID_LEN = 36 };

/* This boot's id; empty when the kernel does not tell. */
static struct span
read_boot_id(char room[BOOT_ID_LEN])
{
	cleanup(close_fdp) int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);

	if (fd < 0 || read(fd, room, BOOT_ID_LEN) != BOOT_ID_LEN)
		return SPAN("");
	return span_from(room, BOOT_ID_LEN);
}

/* Makes durable that a name was made or removed in FOLDER. */
static int
sync_folder(const char *folder)
{
	cleanup(close_fdp) int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || fsync(fd) < 0)
		return -errno;
	return 0;
}

static bool
has_file(const char *folder, const char *name)
{
	cleanup(text_free) struct text path = TEXT_INIT;
	struct stat st;

	text_putf(&path, "%s/%s", folder, name);
	return stat(text_str(&path), &st) == 0;
}

static int
remove_file(const char *folder, const char *name, struct text *why)
{
	cleanup(text_free) struct text path = TEXT_INIT;

	text_putf(&path, "%s/%s", folder, name);
	if (unlink(text_str(&path)) < 0 && errno != ENOENT) {
		int saved = errno;

		text_putf(why, "%s, left by a first load that did not end, cannot be removed: %s", text_str(&path),
		          strerror(saved));
		return -saved;
	}
	return 0;
}

/* The mark goes last, and not before the others are gone for good: whenever this is cut short, the next one wipes again. */
static int
wipe(const char *folder, struct text *why)
{
	int r = remove_file(folder, "data.mdb", why);

	if (r == 0)
		r = remove_file(folder, "lock.mdb", why);
	if (r == 0) {
		r = sync_folder(folder);
		if (r < 0)
			text_putf(why, "%s: %s", folder, strerror(-r));
	}
	return r;
}

static int
make_mark(const char *folder)
{
	cleanup(text_free) struct text path = TEXT_INIT;
	cleanup(close_fdp) int fd = -1;
	char room[BOOT_ID_LEN];
	struct span id = read_boot_id(room);

	text_putf(&path, "%s/loading", folder);
	fd = open(text_str(&path), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	if (fd < 0 || pwrite(fd, id.data, id.len, 0) != (ssize_t)id.len || fsync(fd) < 0)
		return errno != 0 ? -errno : -EIO;
	return sync_folder(folder);
}

int
load_mark_open(const char *folder, const struct store_options *options, struct store **out, bool *out_wiped,
               struct text *why)
{
	bool wiped = false;
	int r = 0;

	if (has_file(folder, "loading")) {
		wiped = has_file(folder, "data.mdb");
		r = wipe(folder, why);
		if (r < 0)
			return r;
	}
	if (!has_file(folder, "data.mdb")) {
		r = store_make_folder(folder, options->group);
		if (r == 0) {
			r = make_mark(folder);
			if (r < 0) {
				text_putf(why, "%s/loading cannot be written: %s", folder, strerror(-r));
				return r;
			}
		}
	}
	if (r == 0)
		r = store_open_writer(folder, options, out);
	if (r < 0) {
		text_putf(why, "%s: %s", folder, store_error_text());
		return r;
	}
	*out_wiped = wiped;
	return 0;
}

int
load_mark_set(struct store *store)
{
	int r = make_mark(store_path(store));

	return r < 0 ? r : store_set_nosync(store, true);
}

int
load_mark_clear(struct store *store)
{
	cleanup(text_free) struct text path = TEXT_INIT;
	int r = store_set_nosync(store, false);

	if (r < 0)
		return r;
	text_putf(&path, "%s/loading", store_path(store));
	if (unlink(text_str(&path)) < 0 && errno != ENOENT)
		return -errno;
	return sync_folder(store_path(store));
}

bool
load_mark_is_stale(const char *folder)
{
	cleanup(text_free) struct text path = TEXT_INIT;
	cleanup(close_fdp) int fd = -1;
	char room[BOOT_ID_LEN], marked[BOOT_ID_LEN];
	struct span id;

	text_putf(&path, "%s/loading", folder);
	fd = open(text_str(&path), O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	id = read_boot_id(room);
	/* Where no boot can be told from another, the mark says nothing. */
	return id.len > 0 && (read(fd, marked, sizeof(marked)) != (ssize_t)sizeof(marked) ||
	                      !span_is(id, span_from(marked, sizeof(marked))));
}
