/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * Directories of accounts, below configured roots and nowhere else. The only header of the agent's that leads to file-system calls.
 *
 * No call follows a symbolic link, leaves the file system of its root, or runs a program. Names are resolved from a root's
 * descriptor on each call (openat2 with RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS, or component by component
 * where the kernel lacks it). A directory is
 * made in a staging folder that only root can enter, complete with its content, owner and mode, and renamed into its place
 * (RENAME_NOREPLACE): it is there as a whole or not at all. What is removed is renamed into a trash folder on the same file system.
 *
 *	ROOT/.ispman/            0700 root
 *	ROOT/.ispman/staging/    what is being made; emptied at the start
 *	ROOT/.ispman/trash/UUID.SECONDS/{content,origin}   what was removed: the directory, and where it stood
 *
 * Everything idempotent: called again after a crash at any step it goes on. Results are 0 or positive, or a negative errno with a
 * sentence for people in WHY that names the path.
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
	const char *const *roots;     /* absolute; each must exist */
	mode_t parent_mode;           /* of directories on the way, which belong to root: 0755 */
	const char *skeleton;         /* a folder whose content new homes get; NULL: none. Belongs to root, and all in it */
	bool project_quota;           /* try project quotas for domains */
};

/* A sentence in WHY names a root that cannot be used. */
must_check int disk_open(const struct disk_options *options, struct disk **out, struct text *why);
void disk_close(struct disk *disk);

/* What a directory was found to be: enough to know it again whatever its owner does inside. */
struct disk_identity {
	uint64_t device, inode;
	uint64_t born; /* nanoseconds since 1970 (statx btime), 0: the file system does not tell */
};

/* A directory that is wanted. */
struct disk_want {
	struct span path;             /* absolute, below a root; no empty, "." or ".." components, no NUL, none beginning with "." right
	                               * below a root */
	uid_t uid;
	gid_t gid;
	mode_t mode;                  /* of it and the folders in it */
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

/* Makes it: 1 made, 0 it is there already (whatever it is: look). -EEXIST never. Parents that are missing are made, root's. */
must_check int disk_make(struct disk *disk, const struct disk_want *want, struct disk_identity *out_identity, struct text *why);

/* Makes folders that are missing in one that is there, as its owner (a child process with that uid and gid and nothing else), never
 * anything else:
 * how many were made. */
must_check int disk_complete(struct disk *disk, const struct disk_want *want, struct text *why);

/* Renames a directory known by IDENTITY from one path to another, which must be free: 0; -ENOENT when FROM is not it. */
must_check int disk_move(struct disk *disk, struct span from, struct span to, const struct disk_identity *identity, struct text *why);

/* Renames it into the trash: 1; 0 when nothing stands there, or something that is not what IDENTITY tells. */
must_check int disk_trash(struct disk *disk, struct span path, const struct disk_identity *identity, const uint8_t uuid[DISK_UUID_LEN],
                          uint64_t now, struct text *why);

struct disk_trashed {
	uint8_t uuid[DISK_UUID_LEN];
	uint64_t since;      /* seconds since 1970 */
	struct span origin;  /* the path it had */
};
/* All that lies in the trash, oldest first. */
must_check int disk_each_trashed(struct disk *disk, int (*each)(void *context, const struct disk_trashed *trashed), void *context,
                                 struct text *why);
/* Puts back the newest one of UUID to where it stood, which must be free (TO, unless empty): 1, 0 when there is none. */
must_check int disk_restore(struct disk *disk, const uint8_t uuid[DISK_UUID_LEN], struct span to, struct text *out_path,
                            struct text *why);
/* Removes for good what has lain there since BEFORE or longer, at most ENTRIES files and directories a call: 1 there is more, 0 done. */
must_check int disk_reap(struct disk *disk, uint64_t before, size_t entries, struct text *why);

/* Sets the project quota of the directory tree at PATH: OCTETS, 0 lifts it. 1 set, 0 the file system has none. */
must_check int disk_set_quota(struct disk *disk, struct span path, uint32_t project, uint64_t octets, struct text *why);
