/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * Directories of accounts, below configured roots and nowhere else. The only header of the agent's that leads to file-system calls.
 *
 * No call follows a symbolic link below a root, leaves the file system of its root (what is mounted below one is refused: -EXDEV), or
 * runs a program. Names are resolved from a root's descriptor on each call (openat2 with RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS |
 * RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV, or component by component where the kernel lacks it). A directory is made in a staging
 * folder that only root can enter, complete with its content, owner and mode, and renamed into its place (RENAME_NOREPLACE): it is
 * there as a whole or not at all. What is removed is renamed into a trash folder on the same file system.
 *
 *	ROOT/.ispman/                   0700, of who runs this (root)
 *	ROOT/.ispman/staging/PID.RANDOM/   what a process is making; what dead ones left is removed by disk_open
 *	ROOT/.ispman/trash/UUID.SECONDS/{content,origin}   what was removed: the directory, and where it stood
 *
 * Directories on the way may belong to users, who may rename what is in them at any time: what was renamed is looked at again
 * afterwards, and what is not what it should be is put back or, where that fails, kept in the trash and reported (-ESTALE).
 *
 * Everything idempotent: called again after a crash at any step it goes on. Results are 0 or positive, or a negative errno with a
 * sentence for people in WHY (or NULL) that names the path. After a power cut too, if disk_sync was called before the result was
 * noted elsewhere. A struct disk is for one thread; several processes may have one each.
 *
 * Needs CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_FOWNER, CAP_FSETID, CAP_SETUID, CAP_SETGID, CAP_KILL, and CAP_SYS_ADMIN for project quotas.
 */
#pragma once

#include "common/macro.h"
#include "common/span.h"
#include "common/text.h"

#include <sys/types.h>

enum { DISK_UUID_LEN = 16 };

struct disk;

struct disk_options {
	size_t root_count;
	/* Absolute; each must exist, belong to who runs this and be writable for nobody else. The path of a root itself may go through
	 * symbolic links. */
	const char *const *roots;
	mode_t parent_mode;           /* of directories on the way, which belong to root: 0755 */
	/* A folder whose content new homes get; NULL: none. Belongs to root, and all in it; directories and regular files with one name
	 * only, at most 16 levels, 4096 entries and 64 MiB; set-id bits are not copied. */
	const char *skeleton;
	bool project_quota;           /* try project quotas for domains */
	bool no_openat2;              /* as on a kernel without it */
	unsigned child_seconds;       /* that the child of disk_complete may take; 0: 10 */
	/* Called after each change to the file system, NULL: not; a test ends the process there. */
	void (*at_step)(void *context);
	void *context;
};

/* A sentence in WHY names a root that cannot be used. Keeps nothing of OPTIONS. */
must_check int disk_open(const struct disk_options *options, struct disk **out, struct text *why);
/* What was made, moved and trashed until now is on the disk when this returns: one syncfs for each root that was changed. */
must_check int disk_sync(struct disk *disk, struct text *why);
void disk_close(struct disk *disk);

/* What a directory was found to be: enough to know it again whatever its owner does inside. The device's number may be another after
 * a reboot: it counts only where the file system does not tell when the directory was born. */
struct disk_identity {
	uint64_t device, inode;
	uint64_t born; /* nanoseconds since 1970 (statx btime), 0: the file system does not tell */
};

/* A directory that is wanted. */
struct disk_want {
	/* Absolute, below a root (the longest that fits); no empty, ".", ".." or ".ispman" components, no NUL, none beginning with "."
	 * right below a root; not itself a root or on the way to one. -EINVAL otherwise, in all calls. */
	struct span path;
	uid_t uid;
	gid_t gid;
	mode_t mode;                  /* of it and the folders in it; no set-user-id */
	size_t folder_count;
	const struct span *folders;   /* made in it, relative ("public_html", "logs/old"), same owner and mode */
	bool skeleton, maildir;       /* copy the skeleton; make Maildir/{tmp,new,cur} 0700 */
};

enum disk_state {
	DISK_ABSENT,
	DISK_OURS,     /* a directory with the wanted owner and group */
	DISK_FOREIGN,  /* a directory with another owner or group */
	DISK_OTHER,    /* something else: a file, a link, a FIFO */
};
/* What stands at the path now: an enum disk_state. *OUT_IDENTITY for directories. */
must_check int disk_look(struct disk *disk, const struct disk_want *want, struct disk_identity *out_identity, struct text *why);

/* Makes it: 1 made, 0 it is there already (whatever it is: look; *OUT_IDENTITY for directories). -EEXIST never. Parents that are
 * missing are made, root's. -ESTALE: it was made, but is not at its path any more. */
must_check int disk_make(struct disk *disk, const struct disk_want *want, struct disk_identity *out_identity, struct text *why);

/* Makes folders that are missing in one that is there, as its owner (a child process with that uid and gid and nothing else), never
 * anything else: how many were made. -EPERM when it has another owner or group, or root's. What the owner has put in a folder's place
 * stays. No process is started when nothing is missing. -ETIMEDOUT: the child was killed. */
must_check int disk_complete(struct disk *disk, const struct disk_want *want, struct text *why);

/* Renames a directory known by IDENTITY from one path to another, which must be free (-EEXIST) and on the same file system (-EXDEV): 0,
 * also when it was done before; -ENOENT when FROM is not it. */
must_check int disk_move(struct disk *disk, struct span from, struct span to, const struct disk_identity *identity, struct text *why);

/* Renames it into the trash: 1; 0 when nothing stands there, or something that is not what IDENTITY tells. -ESTALE: something else
 * was put in its place meanwhile, and is in the trash because it could not be put back. */
must_check int disk_trash(struct disk *disk, struct span path, const struct disk_identity *identity, const uint8_t uuid[DISK_UUID_LEN],
                          uint64_t now, struct text *why);

struct disk_trashed {
	uint8_t uuid[DISK_UUID_LEN];
	uint64_t since;      /* seconds since 1970 */
	struct span origin;  /* the path it had */
};
/* All that lies in the trash, oldest first; what EACH returns other than 0 ends it and is the result. */
must_check int disk_each_trashed(struct disk *disk, int (*each)(void *context, const struct disk_trashed *trashed), void *context,
                                 struct text *why);
/* Puts back the newest one of UUID to where it stood, which must be free (-EEXIST), or to TO unless that is empty: 1, 0 when there is
 * none. */
must_check int disk_restore(struct disk *disk, const uint8_t uuid[DISK_UUID_LEN], struct span to, struct text *out_path,
                            struct text *why);
/* Removes for good what has lain there since BEFORE or longer, at most ENTRIES files and directories a call: 1 there is more, 0 done.
 * What cannot be removed (something is mounted there) is the error at the end; the rest is removed nevertheless. */
must_check int disk_reap(struct disk *disk, uint64_t before, size_t entries, struct text *why);

/* Sets the project quota of the directory tree at PATH: OCTETS, 0 lifts it; PROJECT is not 0. 1 set, 0 the file system has none (or the
 * option is off). The directory hands its project down to what is made in it from then on; what was in it before is not counted. */
must_check int disk_set_quota(struct disk *disk, struct span path, uint32_t project, uint64_t octets, struct text *why);
