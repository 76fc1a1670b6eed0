/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 */
#include <config.h>

#include "cache/scratch_file.h"

#include "common/text.h"

#include <errno.h>
#include <fcntl.h>

int
scratch_file_open(const char *dir)
{
	struct text path = TEXT_INIT;
	int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (fd >= 0)
		return fd;
	/* Not every file system can. A kernel that cannot says EISDIR. */
	if (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL)
		return -errno;
	text_putf(&path, "%s/.scratch-XXXXXX", dir);
	if (text_failed(&path))
		return -ENOMEM;
	fd = mkostemp(path.data, O_CLOEXEC);
	if (fd < 0)
		fd = -errno;
	else
		unlink(path.data);
	text_free(&path);
	return fd;
}

int
scratch_file_write(int fd, struct span data, off_t offset)
{
	while (data.len > 0) {
		ssize_t n = pwrite(fd, data.data, data.len, offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		data = span_skip(data, (size_t)n);
		offset += n;
	}
	return 0;
}

int
scratch_file_read(int fd, void *out, size_t n, off_t offset)
{
	char *to = out;

	while (n > 0) {
		ssize_t got = pread(fd, to, n, offset);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got < 0 ? -errno : -EIO;
		to += got;
		n -= (size_t)got;
		offset += got;
	}
	return 0;
}
