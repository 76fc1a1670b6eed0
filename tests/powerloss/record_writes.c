/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * To be preloaded: writes down what a program does to the files below a folder, or kills it in the middle of that.
 *
 *	RECORD_ROOT    the folder (absolute)
 *	RECORD_LOG     a file to append to (write_log.h)
 *	RECORD_DIE_AT  a number: the program ends by SIGKILL before, within or after its operation of that number
 *	RECORD_TROUBLE a file; while it is there and says "full PART" writes that make a file longer fail for want of room,
 *	               while it says "sync PART" syncs fail, while it says "meta PART" writes to the first two pages; for
 *	               files whose path has PART in it
 *
 * One lock is held over each operation and its record, so the log is the one order in which they were done. What
 * cannot be recorded (a shared writable mapping of anything but a lock file, a rename) ends the program: a
 * recording with holes would prove nothing.
 */
#include <config.h>

#include "tests/powerloss/write_log.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { FILES_MAX = 1024, PATH_ROOM = 512, VECTORS_MAX = 1024, PAGE_OCTETS = 4096 };

struct file {
	bool known, dsync, is_folder;
	uint64_t inode;
	char path[PATH_ROOM];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct file files[FILES_MAX];
static const char *root;
static size_t root_len;
static int log_fd = -1;
static long die_at, operations;
static const char *trouble;

static int (*next_openat)(int, const char *, int, ...);
static int (*next_close)(int);
static ssize_t (*next_write)(int, const void *, size_t);
static ssize_t (*next_pwrite)(int, const void *, size_t, off_t);
static ssize_t (*next_writev)(int, const struct iovec *, int);
static ssize_t (*next_pwritev)(int, const struct iovec *, int, off_t);
static int (*next_ftruncate)(int, off_t);
static int (*next_fsync)(int);
static int (*next_fdatasync)(int);
static int (*next_unlinkat)(int, const char *, int);
static void *(*next_mmap)(void *, size_t, int, int, int, off_t);
static int (*next_rename)(const char *, const char *);

int __open_2(const char *path, int flags);
int __open64_2(const char *path, int flags);

static void __attribute__((noreturn))
give_up(const char *why)
{
	fprintf(stderr, "record_writes: %s\n", why);
	abort();
}

static void
find(void *out_function, const char *name)
{
	void *found = dlsym(RTLD_NEXT, name);

	if (found == NULL)
		give_up(name);
	memcpy(out_function, &found, sizeof(found));
}

static void
log_record(struct write_log record, const char *path, const void *data)
{
	struct iovec parts[3] = {
		{ &record, sizeof(record) },
		{ (void *)(uintptr_t)path, path != NULL ? strlen(path) : 0 },
		{ (void *)(uintptr_t)data, data != NULL ? record.data_len : 0 },
	};

	if (log_fd < 0)
		return;
	record.path_len = (uint32_t)parts[1].iov_len;
	record.data_len = (uint32_t)parts[2].iov_len;
	if (syscall(SYS_writev, log_fd, parts, 3) != (long)(parts[0].iov_len + parts[1].iov_len + parts[2].iov_len))
		give_up("the log cannot be written");
}

static void __attribute__((constructor))
begin(void)
{
	const char *log = getenv("RECORD_LOG"), *number = getenv("RECORD_DIE_AT");

	if (next_openat != NULL)
		return;
	find(&next_close, "close");
	find(&next_write, "write");
	find(&next_pwrite, "pwrite");
	find(&next_writev, "writev");
	find(&next_pwritev, "pwritev");
	find(&next_ftruncate, "ftruncate");
	find(&next_fsync, "fsync");
	find(&next_fdatasync, "fdatasync");
	find(&next_unlinkat, "unlinkat");
	find(&next_mmap, "mmap");
	find(&next_rename, "rename");
	find(&next_openat, "openat");
	root = getenv("RECORD_ROOT");
	if (root == NULL)
		return;
	root_len = strlen(root);
	if (log != NULL) {
		log_fd = (int)syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
		if (log_fd < 0)
			give_up("RECORD_LOG cannot be opened");
		log_record((struct write_log){ .op = WRITE_LOG_START }, NULL, NULL);
	}
	if (number != NULL)
		die_at = atol(number);
	trouble = getenv("RECORD_TROUBLE");
}

/* Whether there is trouble of KIND for FILE now. */
static bool
is_troubled(const struct file *file, const char *kind)
{
	char text[PATH_ROOM] = "", word[16], part[PATH_ROOM];
	long fd, n;

	if (trouble == NULL)
		return false;
	fd = syscall(SYS_openat, AT_FDCWD, trouble, O_RDONLY | O_CLOEXEC, 0);
	if (fd < 0)
		return false;
	n = syscall(SYS_read, fd, text, sizeof(text) - 1);
	syscall(SYS_close, fd);
	return n > 0 && sscanf(text, "%15s %511s", word, part) == 2 && strcmp(word, kind) == 0 &&
	       strstr(file->path, part) != NULL;
}

static void __attribute__((noreturn))
die(void)
{
	for (;;) {
		kill(getpid(), SIGKILL);
		pause();
	}
}

/* To be called before an operation; whether it is to be the last one, and done by half. */
static bool
count(void)
{
	if (++operations != die_at)
		return false;
	if (die_at % 3 == 0)
		die();
	return true;
}

static const char *
relative(const char *path)
{
	if (root == NULL || path == NULL || strncmp(path, root, root_len) != 0 || path[root_len] != '/')
		return NULL;
	return path + root_len + 1;
}

static struct file *
file_of(int fd)
{
	return fd >= 0 && fd < FILES_MAX && files[fd].known ? &files[fd] : NULL;
}

static int
open_recorded(int folder, const char *path, int flags, mode_t mode)
{
	const char *name;
	struct stat st;
	struct file *file;
	bool created, last;
	int fd;

	begin();
	name = relative(path);
	if (name == NULL)
		return next_openat(folder, path, flags, mode);
	pthread_mutex_lock(&lock);
	created = (flags & O_CREAT) != 0 && syscall(SYS_newfstatat, AT_FDCWD, path, &st, 0) < 0;
	last = created && count();
	fd = next_openat(folder, path, flags, mode);
	if (fd >= 0) {
		if (fd >= FILES_MAX || strlen(name) >= PATH_ROOM || fstat(fd, &st) < 0 || (flags & O_TRUNC))
			give_up("a file that cannot be recorded");
		file = &files[fd];
		*file = (struct file){ true, (flags & O_DSYNC) != 0, S_ISDIR(st.st_mode), st.st_ino, "" };
		memcpy(file->path, name, strlen(name) + 1);
		if (!file->is_folder)
			log_record((struct write_log){ .op = WRITE_LOG_OPEN, .flags = created ? WRITE_LOG_CREATED : 0,
			                               .inode = st.st_ino }, name, NULL);
	}
	if (last)
		die();
	pthread_mutex_unlock(&lock);
	return fd;
}

static mode_t
mode_of(int flags, va_list args)
{
	return (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(args, mode_t) : 0;
}

int
open(const char *path, int flags, ...)
{
	va_list args;
	mode_t mode;

	va_start(args, flags);
	mode = mode_of(flags, args);
	va_end(args);
	return open_recorded(AT_FDCWD, path, flags, mode);
}

int
open64(const char *path, int flags, ...)
{
	va_list args;
	mode_t mode;

	va_start(args, flags);
	mode = mode_of(flags, args);
	va_end(args);
	return open_recorded(AT_FDCWD, path, flags, mode);
}

int
openat(int folder, const char *path, int flags, ...)
{
	va_list args;
	mode_t mode;

	va_start(args, flags);
	mode = mode_of(flags, args);
	va_end(args);
	return open_recorded(folder, path, flags, mode);
}

int
__open_2(const char *path, int flags)
{
	return open_recorded(AT_FDCWD, path, flags, 0);
}

int
__open64_2(const char *path, int flags)
{
	return open_recorded(AT_FDCWD, path, flags, 0);
}

int
close(int fd)
{
	begin();
	if (file_of(fd) != NULL) {
		pthread_mutex_lock(&lock);
		files[fd].known = false;
		pthread_mutex_unlock(&lock);
	}
	return next_close(fd);
}

static ssize_t
write_recorded(int fd, const void *data, size_t size, off_t offset)
{
	struct file *file = file_of(fd);
	bool last = count();
	struct stat st;

	if (is_troubled(file, "full") && fstat(fd, &st) == 0 && offset + (off_t)size > st.st_size) {
		errno = ENOSPC;
		return -1;
	}
	if (offset < 2 * PAGE_OCTETS && is_troubled(file, "meta")) {
		errno = EIO;
		return -1;
	}
	/* Never less than a page: the kernel does not stop within one. */
	ssize_t n = next_pwrite(fd, data, last && die_at % 3 == 1 ? size / 2 / PAGE_OCTETS * PAGE_OCTETS : size, offset);

	if (n > 0)
		log_record((struct write_log){ .op = WRITE_LOG_WRITE, .flags = file->dsync ? WRITE_LOG_DSYNC : 0,
		                               .inode = file->inode, .offset = (uint64_t)offset, .data_len = (uint32_t)n },
		           NULL, data);
	if (last)
		die();
	return n;
}

ssize_t
pwrite(int fd, const void *data, size_t size, off_t offset)
{
	ssize_t n;

	begin();
	if (file_of(fd) == NULL)
		return next_pwrite(fd, data, size, offset);
	pthread_mutex_lock(&lock);
	n = write_recorded(fd, data, size, offset);
	pthread_mutex_unlock(&lock);
	return n;
}

ssize_t
pwrite64(int fd, const void *data, size_t size, off_t offset)
{
	return pwrite(fd, data, size, offset);
}

static ssize_t
write_vectors(int fd, const struct iovec *vectors, int n, off_t offset)
{
	char *all;
	size_t size = 0, at = 0;
	ssize_t written;

	if (n > VECTORS_MAX)
		give_up("too many vectors");
	for (int i = 0; i < n; i++)
		size += vectors[i].iov_len;
	all = malloc(size + 1);
	if (all == NULL)
		give_up("no memory");
	for (int i = 0; i < n; at += vectors[i++].iov_len)
		memcpy(all + at, vectors[i].iov_base, vectors[i].iov_len);
	written = write_recorded(fd, all, size, offset);
	free(all);
	return written;
}

/* A write where the file stands. */
static ssize_t
write_on(int fd, const struct iovec *vectors, int n)
{
	off_t at = lseek(fd, 0, SEEK_CUR);
	ssize_t written;

	if (at < 0 || (fcntl(fd, F_GETFL) & O_APPEND) != 0)
		give_up("a write whose place is not known");
	written = write_vectors(fd, vectors, n, at);
	if (written > 0 && lseek(fd, at + written, SEEK_SET) < 0)
		give_up("lseek");
	return written;
}

ssize_t
write(int fd, const void *data, size_t size)
{
	struct iovec vector = { (void *)(uintptr_t)data, size };
	ssize_t n;

	begin();
	if (file_of(fd) == NULL)
		return next_write(fd, data, size);
	pthread_mutex_lock(&lock);
	n = write_on(fd, &vector, 1);
	pthread_mutex_unlock(&lock);
	return n;
}

ssize_t
writev(int fd, const struct iovec *vectors, int n)
{
	ssize_t written;

	begin();
	if (file_of(fd) == NULL)
		return next_writev(fd, vectors, n);
	pthread_mutex_lock(&lock);
	written = write_on(fd, vectors, n);
	pthread_mutex_unlock(&lock);
	return written;
}

ssize_t
pwritev(int fd, const struct iovec *vectors, int n, off_t offset)
{
	ssize_t written;

	begin();
	if (file_of(fd) == NULL)
		return next_pwritev(fd, vectors, n, offset);
	pthread_mutex_lock(&lock);
	written = write_vectors(fd, vectors, n, offset);
	pthread_mutex_unlock(&lock);
	return written;
}

ssize_t
pwritev64(int fd, const struct iovec *vectors, int n, off_t offset)
{
	return pwritev(fd, vectors, n, offset);
}

int
ftruncate(int fd, off_t size)
{
	struct file *file;
	bool last;
	int r;

	begin();
	file = file_of(fd);
	if (file == NULL)
		return next_ftruncate(fd, size);
	pthread_mutex_lock(&lock);
	last = count();
	r = next_ftruncate(fd, size);
	if (r == 0)
		log_record((struct write_log){ .op = WRITE_LOG_TRUNCATE, .inode = file->inode, .offset = (uint64_t)size },
		           NULL, NULL);
	if (last)
		die();
	pthread_mutex_unlock(&lock);
	return r;
}

int
ftruncate64(int fd, off_t size)
{
	return ftruncate(fd, size);
}

static int
sync_recorded(int fd, int (*sync)(int))
{
	struct file *file = file_of(fd);
	bool last;
	int r;

	if (file == NULL)
		return sync(fd);
	pthread_mutex_lock(&lock);
	last = count();
	r = sync(fd);
	if (r == 0 && is_troubled(file, "sync")) {
		errno = EIO;
		r = -1;
	}
	if (r == 0)
		log_record((struct write_log){ .op = file->is_folder ? WRITE_LOG_SYNC_FOLDER : WRITE_LOG_SYNC,
		                               .inode = file->inode }, file->path, NULL);
	if (last)
		die();
	pthread_mutex_unlock(&lock);
	return r;
}

int
fsync(int fd)
{
	begin();
	return sync_recorded(fd, next_fsync);
}

int
fdatasync(int fd)
{
	begin();
	return sync_recorded(fd, next_fdatasync);
}

static int
unlink_recorded(int folder, const char *path, int flags)
{
	const char *name;
	bool last;
	int r;

	begin();
	name = relative(path);
	if (name == NULL)
		return next_unlinkat(folder, path, flags);
	pthread_mutex_lock(&lock);
	last = count();
	r = next_unlinkat(folder, path, flags);
	if (r == 0)
		log_record((struct write_log){ .op = WRITE_LOG_UNLINK }, name, NULL);
	if (last)
		die();
	pthread_mutex_unlock(&lock);
	return r;
}

int
unlink(const char *path)
{
	return unlink_recorded(AT_FDCWD, path, 0);
}

int
unlinkat(int folder, const char *path, int flags)
{
	return unlink_recorded(folder, path, flags);
}

int
rename(const char *from, const char *to)
{
	begin();
	if (relative(from) != NULL || relative(to) != NULL)
		give_up("a rename");
	return next_rename(from, to);
}

void *
mmap(void *address, size_t size, int protection, int flags, int fd, off_t offset)
{
	struct file *file;

	if (next_mmap == NULL)
		find(&next_mmap, "mmap");
	file = file_of(fd);
	if (file != NULL && (protection & PROT_WRITE) != 0 && (flags & MAP_SHARED) != 0 &&
	    strstr(file->path, "lock.mdb") == NULL)
		give_up("a writable mapping");
	return next_mmap(address, size, protection, flags, fd, offset);
}

void *
mmap64(void *address, size_t size, int protection, int flags, int fd, off_t offset)
{
	return mmap(address, size, protection, flags, fd, offset);
}
