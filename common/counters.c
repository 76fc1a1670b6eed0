/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * The counting side. The image of the file is anonymous memory at first; publishing writes it to a file and
 * maps that in its place, so that the address never changes and counting threads need not know. What they add
 * in the microseconds between is lost, which a counter can bear.
 */
#include <config.h>

#include "common/counters.h"
#include "common/counters_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>

enum { FILES_A_PROCESS = 64 };

struct counters {
	char *image;
	size_t size;
	uint32_t row_count, shard_stride, shards_offset;
	atomic_flag publishing;
	int fd;     /* of the file that is mapped, or -1 */
	char *folder;
	char *path; /* of that file */
	char program[COUNTERS_PROGRAM_ROOM];
	_Atomic uint64_t *shards;
};

static atomic_uint threads_seen;
static _Thread_local unsigned shard_of_thread; /* plus 1; 0 is not known yet */

static uint64_t
now_microseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static uint32_t
round_up(size_t n)
{
	return (uint32_t)((n + COUNTERS_ALIGN - 1) / COUNTERS_ALIGN * COUNTERS_ALIGN);
}

/* Printable ASCII only, so that no reader needs to mind. */
static void
copy_text(char *to, size_t room, const char *from)
{
	size_t n = 0;

	for (; from != NULL && from[n] != '\0' && n + 1 < room; n++)
		to[n] = from[n] >= ' ' && from[n] <= '~' ? from[n] : '?';
	to[n] = '\0';
}

static void
fill_image(struct counters *c, const struct counters_row *rows)
{
	struct counters_header header = {
		.header_size = sizeof(header),
		.row_size = sizeof(struct counters_file_row),
		.row_count = c->row_count,
		.shard_count = COUNTERS_SHARDS,
		.shard_stride = c->shard_stride,
		.shards_offset = c->shards_offset,
		.started = now_microseconds(),
	};

	memcpy(header.magic, COUNTERS_MAGIC, sizeof(header.magic));
	memcpy(header.program, c->program, sizeof(header.program));
	memcpy(c->image, &header, sizeof(header));
	for (uint32_t i = 0; i < c->row_count; i++) {
		struct counters_file_row row = { .kind = rows[i].kind };

		copy_text(row.name, sizeof(row.name), rows[i].name);
		copy_text(row.labels, sizeof(row.labels), rows[i].labels);
		copy_text(row.help, sizeof(row.help), rows[i].help);
		memcpy(c->image + sizeof(header) + i * sizeof(row), &row, sizeof(row));
	}
}

int
counters_folder(const char *run_dir, const char *audience, char **out)
{
	int r = audience == NULL ? asprintf(out, "%s/%s", run_dir, COUNTERS_FOLDER)
	                         : asprintf(out, "%s/%s/%s", run_dir, COUNTERS_FOLDER, audience);

	return r < 0 ? -ENOMEM : 0;
}

struct counters *
counters_open(const char *run_dir, const char *audience, const char *program, const struct counters_row *rows, size_t count)
{
	struct counters *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->fd = -1;
	atomic_flag_clear(&c->publishing);
	c->row_count = (uint32_t)(count < COUNTERS_ROWS_MAX ? count : COUNTERS_ROWS_MAX);
	c->shard_stride = round_up(c->row_count * sizeof(uint64_t));
	c->shards_offset = round_up(sizeof(struct counters_header) +
	                            c->row_count * sizeof(struct counters_file_row));
	c->size = c->shards_offset + (size_t)COUNTERS_SHARDS * c->shard_stride;
	copy_text(c->program, sizeof(c->program), program);
	c->image = mmap(NULL, c->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (c->image == MAP_FAILED || counters_folder(run_dir, audience, &c->folder) < 0) {
		if (c->image != MAP_FAILED)
			munmap(c->image, c->size);
		free(c);
		return NULL;
	}
	c->shards = (_Atomic uint64_t *)(void *)(c->image + c->shards_offset);
	fill_image(c, rows);
	counters_publish(c);
	return c;
}

/* Creates a file that nobody had; a leftover of the same name belongs to a process that had our pid. */
static int
create_file(const struct counters *c, char **out_path)
{
	for (int n = 0; n < FILES_A_PROCESS; n++) {
		char *path;
		int fd, r;

		r = n == 0 ? asprintf(&path, "%s/%s.%ld", c->folder, c->program, (long)getpid())
		           : asprintf(&path, "%s/%s.%ld.%d", c->folder, c->program, (long)getpid(), n);
		if (r < 0)
			return -ENOMEM;
		fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
		if (fd >= 0) {
			*out_path = path;
			return fd;
		}
		r = -errno;
		free(path);
		if (r != -EEXIST)
			return r;
	}
	return -EEXIST;
}

/* Allocated, not only sized: a mapping of a full file system would kill the program at its first count. */
static int
write_image(const struct counters *c, int fd)
{
	struct counters_header header;
	size_t done = sizeof(header);
	int r = posix_fallocate(fd, 0, (off_t)c->size);

	if (r != 0)
		return -r;
	if (fchmod(fd, 0644) < 0) /* whatever the umask was */
		return -errno;
	memcpy(&header, c->image, sizeof(header));
	header.pid = (uint32_t)getpid();
	header.locked = flock(fd, LOCK_SH | LOCK_NB) == 0;
	while (done < c->size) {
		ssize_t w = pwrite(fd, c->image + done, c->size - done, (off_t)done);

		if (w < 0 && errno == EINTR)
			continue;
		if (w <= 0)
			return w < 0 ? -errno : -EIO;
		done += (size_t)w;
	}
	if (pwrite(fd, &header, sizeof(header), 0) != (ssize_t)sizeof(header))
		return -EIO;
	return 0;
}

static int
publish_file(struct counters *c)
{
	char *path = NULL;
	void *mapped;
	int fd, r;

	counters_remove_dead_in(c->folder, c->program);
	fd = create_file(c, &path);
	if (fd < 0)
		return fd;
	r = write_image(c, fd);
	if (r == 0) {
		mapped = mmap(c->image, c->size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0);
		if (mapped == MAP_FAILED)
			r = -errno;
	}
	if (r < 0) {
		unlink(path);
		free(path);
		close(fd);
		return r;
	}
	if (c->fd >= 0)
		close(c->fd);
	free(c->path);
	c->fd = fd;
	c->path = path;
	return 0;
}

int
counters_publish(struct counters *c)
{
	struct stat st;
	int there;

	if (c == NULL || atomic_flag_test_and_set(&c->publishing))
		return 0;
	there = c->fd >= 0 && fstat(c->fd, &st) == 0 && st.st_nlink > 0;
	if (!there)
		there = publish_file(c) == 0;
	atomic_flag_clear(&c->publishing);
	return there;
}

static _Atomic uint64_t *
cell(const struct counters *c, unsigned shard, unsigned index)
{
	return c->shards + shard * (c->shard_stride / sizeof(uint64_t)) + index;
}

void
counters_add(struct counters *c, unsigned index, uint64_t n)
{
	if (c == NULL || index >= c->row_count)
		return;
	if (shard_of_thread == 0)
		shard_of_thread =
			atomic_fetch_add_explicit(&threads_seen, 1, memory_order_relaxed) % COUNTERS_SHARDS + 1;
	atomic_fetch_add_explicit(cell(c, shard_of_thread - 1, index), n, memory_order_relaxed);
}

void
counters_set(struct counters *c, unsigned index, uint64_t value)
{
	if (c == NULL || index >= c->row_count)
		return;
	atomic_store_explicit(cell(c, 0, index), value, memory_order_relaxed);
}

void
counters_set_now(struct counters *c, unsigned index)
{
	if (c != NULL)
		counters_set(c, index, now_microseconds());
}

uint64_t
counters_get(const struct counters *c, unsigned index)
{
	uint64_t sum = 0;

	if (c == NULL || index >= c->row_count)
		return 0;
	for (unsigned shard = 0; shard < COUNTERS_SHARDS; shard++)
		sum += atomic_load_explicit(cell(c, shard, index), memory_order_relaxed);
	return sum;
}

static void
end(struct counters *c, bool leave)
{
	if (c == NULL)
		return;
	if (c->path != NULL && !leave)
		unlink(c->path);
	munmap(c->image, c->size);
	if (c->fd >= 0)
		close(c->fd);
	free(c->path);
	free(c->folder);
	free(c);
}

void
counters_close(struct counters *c)
{
	end(c, false);
}

void
counters_leave(struct counters *c)
{
	end(c, true);
}

/* Makes the folder PATH. */
static int
prepare_folder(const char *path, gid_t group, mode_t mode)
{
	cleanup(close_fdp) int fd = -1;

	if (mkdir(path, 0750) < 0 && errno != EEXIST)
		return -errno;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (group != (gid_t)-1 && fchown(fd, (uid_t)-1, group) < 0)
		return -errno;
	if (fchmod(fd, mode) < 0)
		return -errno;
	return 0;
}

int
counters_prepare(const char *run_dir, const char *audience, gid_t group)
{
	cleanup(free_charp) char *top = NULL;
	cleanup(free_charp) char *path = NULL;
	int r = counters_folder(run_dir, NULL, &top);

	if (r == 0)
		r = counters_folder(run_dir, audience, &path);
	if (r == 0)
		r = prepare_folder(top, (gid_t)-1, 0755);
	/* Group members create files here; sticky, so that none removes another's. */
	return r < 0 ? r : prepare_folder(path, group, 03775);
}
