/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * What the files of agent/disk.h share: roots, names resolved below them, and the removal of trees.
 */
#pragma once

#include "agent/disk.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/stat.h>
#include <sys/stat.h>

/* How a directory is opened everywhere here. */
enum { DISK_DIRECTORY = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC };

struct disk_root {
	char *path;
	size_t len;
	int fd, own, staging, trash;
	int mine;           /* staging/PID.RANDOM, locked while it is ours */
	char mine_name[64];
	uint64_t device;
	bool changed;       /* since disk_sync */
};

struct disk {
	size_t root_count;
	struct disk_root *roots;
	mode_t parent_mode;
	int skeleton;
	bool project_quota, by_component;
	unsigned child_seconds;
	uint64_t counter;   /* for names that nothing else has */
	void (*at_step)(void *context);
	void *context;
};

/* A change was made. */
static inline void
disk_step(struct disk *disk)
{
	if (disk->at_step != NULL)
		disk->at_step(disk->context);
}

/* Puts "PATH: WHAT" and ERROR's words (0: none) into WHY, and returns -ERROR. */
int disk_say(struct text *why, struct span path, int error, const char *what);

/* --- names: disk_path.c --------------------------------------------------------------------------------------------- */

struct disk_place {
	struct disk_root *root;
	struct span path;
	char name[NAME_MAX + 1];   /* the last component */
	char parent[PATH_MAX];     /* the others, "" for the root itself */
	char whole[PATH_MAX];      /* all of them, relative to the root */
};

/* Where PATH is: 0, or -EINVAL when it may not be the path of an account's directory. */
must_check int disk_place_of(struct disk *disk, struct span path, struct disk_place *out, struct text *why);
/* Whether NAME (relative, of one component or more) is good; the caller says what is wrong. */
bool disk_relative_is_good(struct span name);
/* Opens what RELATIVE is below BASE, on DEVICE: a descriptor or a negative errno. -ELOOP or -ENOTDIR for links. */
must_check int disk_resolve(const struct disk *disk, int base, uint64_t device, const char *relative, int flags);
/* A sentence for what disk_resolve returned. */
int disk_say_resolve(struct text *why, struct span path, int r);
/* Whether the kernel has openat2 and it may be called. */
bool disk_has_openat2(int fd);
/* NAME in DIRECTORY, or DIRECTORY itself if NAME is "": 0 or a negative errno. Never follows, never mounts. */
must_check int disk_stat(int directory, const char *name, struct statx *out);
struct disk_identity disk_identity_of(const struct statx *s);
bool disk_is_same(const struct disk_identity *a, const struct disk_identity *b);
/* Whether what PLACE names now is IDENTITY. */
bool disk_is_at(const struct disk *disk, const struct disk_place *place, const struct disk_identity *identity);
/* 0 or a negative errno; -EEXIST when TO is there. */
must_check int disk_rename(int from, const char *name, int to, const char *to_name);

/* --- making: disk_make.c -------------------------------------------------------------------------------------------- */

/* Maildir/tmp and the others: three. */
extern const struct span disk_maildir_folders[3];
/* The directory that holds PLACE; MAKE makes it where it is missing. A descriptor, or a negative errno (-ENOENT without MAKE). */
must_check int disk_parent(struct disk *disk, const struct disk_place *place, bool make, struct text *why);
/* Copies the skeleton into DIRECTORY (in staging): disk_skeleton.c. */
must_check int disk_copy_skeleton(struct disk *disk, int directory, const struct disk_want *want, struct text *why);

/* --- removing: disk_remove.c ---------------------------------------------------------------------------------------- */

/* Removes everything in DIRECTORY, of which only root has the way in, until *BUDGET entries were removed: 0 it is empty, 1 there is
 * more, or a negative errno (what can be removed was). */
must_check int disk_empty(struct disk *disk, int directory, size_t *budget);

/* --- projects: disk_quota.c ----------------------------------------------------------------------------------------- */

/* What is made in PARENT and handed down there, DIRECTORY (new, empty) gets too: without it no rename into PARENT is allowed. */
must_check int disk_inherit_project(int parent, int directory);
