/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 */
#include <config.h>

#include "cache/load_mark.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

/* Makes durable that a name was made or removed in FOLDER. */
static int
sync_folder(const char *folder)
{
	cleanup(close_fdp) int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || fsync(fd) < 0)
		return -errno;
	return 0;
}

int
load_mark_wipe(const char *folder, bool *out_wiped, struct text *why)
{
	/* The mark goes last: a crash in between wipes again. */
	static const char *const files[] = { "data.mdb", "lock.mdb", "loading" };
	cleanup(text_free) struct text path = TEXT_INIT;
	struct stat st;

	*out_wiped = false;
	text_putf(&path, "%s/loading", folder);
	if (stat(text_str(&path), &st) < 0)
		return 0;
	for (size_t i = 0; i < array_size(files); i++) {
		text_clear(&path);
		text_putf(&path, "%s/%s", folder, files[i]);
		if (unlink(text_str(&path)) < 0 && errno != ENOENT) {
			int saved = errno;

			text_putf(why, "%s, left by a first load that did not end, cannot be removed: %s", text_str(&path),
			          strerror(saved));
			return -saved;
		}
	}
	*out_wiped = true;
	return sync_folder(folder);
}

int
load_mark_set(struct store *store)
{
	cleanup(text_free) struct text path = TEXT_INIT;
	cleanup(close_fdp) int fd = -1;
	int r;

	text_putf(&path, "%s/loading", store_path(store));
	fd = open(text_str(&path), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || fsync(fd) < 0)
		return -errno;
	r = sync_folder(store_path(store));
	if (r < 0)
		return r;
	return store_set_nosync(store, true);
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
