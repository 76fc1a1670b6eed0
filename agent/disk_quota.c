/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * Project quotas: ext4 and XFS count what belongs to a project, and a directory hands its project down to what is made in it.
 */
#include <config.h>

#include "agent/disk_internal.h"

#include <errno.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/quota.h>
#include <sys/syscall.h>

#ifndef SYS_quotactl_fd
#define SYS_quotactl_fd 443
#endif
#ifndef PRJQUOTA
#define PRJQUOTA 2
#endif

enum { QUOTA_BLOCK = 1024 };

/* The file system, or the kernel, knows no projects, or does not count them now. */
static bool
is_none(int error)
{
	return error == ENOSYS || error == ENOTTY || error == EOPNOTSUPP || error == EINVAL || error == ESRCH || error == ENOENT;
}

int
disk_inherit_project(int parent, int directory)
{
	struct fsxattr above, own;

	if (ioctl(parent, FS_IOC_FSGETXATTR, &above) < 0 || (above.fsx_xflags & FS_XFLAG_PROJINHERIT) == 0)
		return 0;
	if (ioctl(directory, FS_IOC_FSGETXATTR, &own) < 0)
		return -errno;
	own.fsx_projid = above.fsx_projid;
	own.fsx_xflags |= FS_XFLAG_PROJINHERIT;
	return ioctl(directory, FS_IOC_FSSETXATTR, &own) < 0 ? -errno : 0;
}

int
disk_set_quota(struct disk *disk, struct span path, uint32_t project, uint64_t octets, struct text *why)
{
	struct dqblk limit = { .dqb_valid = QIF_BLIMITS };
	cleanup(close_fdp) int fd = -1;
	struct disk_place place;
	struct fsxattr own;
	int r = disk_place_of(disk, path, &place, why);

	if (r < 0)
		return r;
	if (project == 0) {
		disk_say(why, path, 0, "0 is no project");
		return -EINVAL;
	}
	if (!disk->project_quota)
		return 0;
	fd = disk_resolve(disk, place.root->fd, place.root->device, place.whole, DISK_DIRECTORY);
	if (fd < 0)
		return disk_say_resolve(why, path, fd);
	/* Rounded up: a limit of some octets is not none. */
	limit.dqb_bhardlimit = limit.dqb_bsoftlimit = octets / QUOTA_BLOCK + (octets % QUOTA_BLOCK != 0);
	/* QCMD shifts a signed number out of its range. */
	if (syscall(SYS_quotactl_fd, fd, (unsigned)Q_SETQUOTA << SUBCMDSHIFT | PRJQUOTA, project, &limit) < 0) {
		if (is_none(errno))
			return 0;
		return disk_say(why, path, errno, "its quota cannot be set");
	}
	disk_step(disk);
	if (ioctl(fd, FS_IOC_FSGETXATTR, &own) < 0)
		return disk_say(why, path, errno, "its project cannot be read");
	if (own.fsx_projid == project && (own.fsx_xflags & FS_XFLAG_PROJINHERIT) != 0)
		return 1;
	own.fsx_projid = project;
	own.fsx_xflags |= FS_XFLAG_PROJINHERIT;
	if (ioctl(fd, FS_IOC_FSSETXATTR, &own) < 0)
		return disk_say(why, path, errno, "its project cannot be set");
	place.root->changed = true;
	disk_step(disk);
	return 1;
}
