/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * Folders that are missing in a directory which has an owner already are made by a child process that is this owner: whatever the owner
 * has put there, nothing happens that the owner could not do alone.
 */
#include <config.h>

#include "agent/disk_internal.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#ifdef SYS_setresuid32
#define SETGROUPS SYS_setgroups32
#define SETRESGID SYS_setresgid32
#define SETRESUID SYS_setresuid32
#else
#define SETGROUPS SYS_setgroups
#define SETRESGID SYS_setresgid
#define SETRESUID SYS_setresuid
#endif

enum { CHILD_FD = 3, REPORT_FD = 4, REAP_MILLISECONDS = 1000 };

struct folder {
	char path[PATH_MAX];
	mode_t mode;
};

struct work {
	struct disk *disk;
	uint64_t device;
	const struct disk_want *want;
	size_t count;
	struct folder *folders; /* what is missing */
};

static void
work_free(struct work *work)
{
	free(work->folders);
}

/* --- the child: calls of the kernel only, the parent may have threads --------------------------------------------------- */

/* Makes what is missing of PATH; what is no directory there is the owner's wish. How many were made, or a negative errno. */
static int
make_path(const struct work *work, char *path, mode_t mode)
{
	int at = CHILD_FD, made = 0;

	for (;;) {
		char *slash = strchr(path, '/');
		int next;

		if (slash != NULL)
			*slash = '\0';
		if (mkdirat(at, path, mode) == 0) {
			made++;
			disk_step(work->disk);
		} else if (errno != EEXIST) {
			return -errno;
		}
		if (slash == NULL)
			return made;
		next = disk_resolve(work->disk, at, work->device, path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (at != CHILD_FD)
			close(at);
		if (next < 0)
			return next == -ELOOP || next == -ENOTDIR || next == -EXDEV ? made : next;
		at = next;
		path = slash + 1;
	}
}

/* A process with the owner's ids, no group more, no capability and no way to any. */
static int
become_owner(const struct disk_want *want)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return -errno;
	if (geteuid() == 0) {
		/* From 0 to another uid the kernel takes all capabilities away; kept ones would need to be asked for. */
		if (prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0) < 0 || syscall(SETGROUPS, 0, NULL) < 0 ||
		    syscall(SETRESGID, want->gid, want->gid, want->gid) < 0 || syscall(SETRESUID, want->uid, want->uid, want->uid) < 0)
			return -errno;
		if (syscall(SETRESUID, 0, 0, 0) == 0)
			return -EPERM;
		/* uid changes make it 0 already unless fs.suid_dumpable says otherwise. */
		if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
			return -errno;
	}
	return geteuid() == want->uid ? 0 : -EPERM;
}

static void
child(struct work *work, int directory, int report)
{
	sigset_t none;
	int made = 0, r;

	/* Two descriptors and no other: it inherits all that the parent has open, and will be somebody else. */
	directory = fcntl(directory, F_DUPFD_CLOEXEC, REPORT_FD + 1);
	report = fcntl(report, F_DUPFD_CLOEXEC, REPORT_FD + 1);
	if (directory < 0 || report < 0 || dup2(directory, CHILD_FD) < 0 || dup2(report, REPORT_FD) < 0 ||
	    syscall(SYS_close_range, REPORT_FD + 1, ~0U, 0) < 0) {
		/* Before Linux 5.9: one by one. */
		if (errno != ENOSYS)
			_exit(1);
		for (int fd = REPORT_FD + 1; fd < (int)sysconf(_SC_OPEN_MAX); fd++)
			close(fd);
	}
	/* Whoever stops the child may not keep the parent's signals waiting with it. */
	signal(SIGALRM, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	alarm(work->disk->child_seconds + 1);
	umask(0);
	r = become_owner(work->want);
	for (size_t i = 0; i < work->count && r >= 0; i++) {
		r = make_path(work, work->folders[i].path, work->folders[i].mode);
		if (r > 0)
			made += r;
	}
	if (r >= 0)
		r = made;
	_exit(write(REPORT_FD, &r, sizeof(r)) == sizeof(r) ? 0 : 1);
}

/* --- the parent --------------------------------------------------------------------------------------------------------- */

/* It was killed, or has just reported, and ends now. One that hangs in the kernel is left behind. */
static void
reap(pid_t pid)
{
	for (int i = 0; i < REAP_MILLISECONDS; i++) {
		if (waitpid(pid, NULL, WNOHANG) != 0)
			return;
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	}
}

static int
milliseconds_until(const struct timespec *deadline)
{
	struct timespec now;
	int64_t left;

	clock_gettime(CLOCK_MONOTONIC, &now);
	left = (int64_t)(deadline->tv_sec - now.tv_sec) * 1000 + (deadline->tv_nsec - now.tv_nsec) / 1000000;
	return left > 0 ? (int)left : 0;
}

static int
run(struct work *work, int directory)
{
	cleanup(close_fdp) int from = -1;
	struct timespec deadline;
	int ends[2], r, result;
	ssize_t got = 0;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	from = ends[0];
	pid = fork();
	if (pid == 0)
		child(work, directory, ends[1]);
	r = pid < 0 ? -errno : 0;
	close(ends[1]);
	if (r < 0)
		return r;
	clock_gettime(CLOCK_MONOTONIC, &deadline);
	deadline.tv_sec += work->disk->child_seconds;
	do
		r = poll(&(struct pollfd){ .fd = from, .events = POLLIN }, 1, milliseconds_until(&deadline));
	while (r < 0 && errno == EINTR);
	if (r > 0)
		got = read(from, &result, sizeof(result));
	if (got != sizeof(result))
		(void)kill(pid, SIGKILL);
	reap(pid);
	if (r == 0)
		return -ETIMEDOUT;
	return got == sizeof(result) ? result : -EIO;
}

/* Whether there is nothing at RELATIVE. What cannot be looked at is the owner's, not missing. */
static bool
is_missing(const struct work *work, int directory, const char *relative)
{
	cleanup(close_fdp) int above = -1;
	const char *name = strrchr(relative, '/');
	struct stat s;

	if (name != NULL) {
		char parent[PATH_MAX];

		memcpy(parent, relative, (size_t)(name - relative));
		parent[name - relative] = '\0';
		above = disk_resolve(work->disk, directory, work->device, parent, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (above < 0)
			return above == -ENOENT;
		name++;
	}
	return fstatat(name != NULL ? above : directory, name != NULL ? name : relative, &s, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) < 0 &&
	       errno == ENOENT;
}

static int
note_missing(struct work *work, int directory, struct span relative, mode_t mode)
{
	char path[PATH_MAX];
	struct folder *more;

	if (!disk_relative_is_good(relative))
		return -EINVAL;
	memcpy(path, relative.data, relative.len);
	path[relative.len] = '\0';
	if (!is_missing(work, directory, path))
		return 0;
	more = reallocarray(work->folders, work->count + 1, sizeof(*more));
	if (more == NULL)
		return -ENOMEM;
	work->folders = more;
	memcpy(more[work->count].path, path, relative.len + 1);
	more[work->count++].mode = mode;
	return 0;
}

int
disk_complete(struct disk *disk, const struct disk_want *want, struct text *why)
{
	cleanup(work_free) struct work work = { .disk = disk, .want = want };
	cleanup(close_fdp) int fd = -1;
	struct disk_place place;
	struct stat s;
	int r = disk_place_of(disk, want->path, &place, why);

	if (r < 0)
		return r;
	work.device = place.root->device;
	fd = disk_resolve(disk, place.root->fd, place.root->device, place.whole, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return disk_say_resolve(why, want->path, fd);
	if (fstat(fd, &s) < 0)
		return disk_say(why, want->path, errno, "cannot be read");
	if (s.st_uid != want->uid || s.st_gid != want->gid) {
		disk_say(why, want->path, 0, "has another owner or group");
		return -EPERM;
	}
	for (size_t i = 0; i < want->folder_count && r == 0; i++)
		r = note_missing(&work, fd, want->folders[i], want->mode & 03777);
	if (want->maildir)
		for (size_t i = 0; i < array_size(disk_maildir_folders) && r == 0; i++)
			r = note_missing(&work, fd, disk_maildir_folders[i], 0700);
	if (r < 0)
		return disk_say(why, want->path, -r, "a folder in it has a name that none may have");
	if (work.count == 0)
		return 0;
	if (geteuid() == 0 && want->uid == 0) {
		disk_say(why, want->path, 0, "belongs to root; nothing is made in it");
		return -EPERM;
	}
	r = run(&work, fd);
	if (r > 0)
		place.root->changed = true;
	return r >= 0 ? r : disk_say(why, want->path, -r, "the folders in it cannot be made as its owner");
}
