/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * Counters that can be read while the program runs: a small mapped file a process in RUN-DIR/metrics/AUDIENCE, or in
 * RUN-DIR/metrics itself for the program that makes these folders.
 *
 * Counting takes no lock and no system call: each thread adds to a shard on cache lines of its own, whoever
 * reads sums the shards. Nothing here may fail the program: a handle of NULL is accepted by every
 * call, and while the folder is missing or not writable the figures are simply kept in
 * memory until counters_publish() finds it usable.
 *
 * The file is NAME.PID (or NAME.PID.N), mode 0644, and its process holds a flock on it for as long as it
 * lives: a file that can be locked belongs to nobody any more. The folders are made by ispman-cached (counters_prepare):
 * RUN-DIR/metrics is its own, and each audience has one with mode 3775 and the group of the programs that answer from
 * its environment. So no reader can pose as the writer or as another audience's reader.
 */
#pragma once

#include "common/macro.h"
#include "common/text.h"

#include <sys/types.h>

enum counters_kind {
	COUNTERS_COUNT = 1,   /* grows */
	COUNTERS_GAUGE = 2,   /* a number as it is now */
	COUNTERS_SECONDS = 3, /* a duration or a time since 1970 as it is now, given in microseconds */
};

enum {
	COUNTERS_ROWS_MAX = 512,
	COUNTERS_NAME_ROOM = 56, /* with the NUL: longer text is cut */
	COUNTERS_LABELS_ROOM = 64,
	COUNTERS_HELP_ROOM = 128,
	COUNTERS_PROGRAM_ROOM = 32,
};

/* What is counted; its index in the program's table is how it is named in calls. */
struct counters_row {
	/* "dns_queries": lower case and underscores, without prefix and "_total"; COUNTERS_SECONDS end in "_seconds". */
	const char *name;
	const char *labels; /* "result=\"hit\"", or NULL; rows of one name stand together */
	const char *help;
	enum counters_kind kind;
};

struct counters;

/* Begins counting and tries to publish. AUDIENCE is a word such as "shop", NULL for the folder itself; PROGRAM is the first part of
 * the file's name. NULL without memory. */
struct counters *counters_open(const char *run_dir, const char *audience, const char *program,
                               const struct counters_row *rows, size_t count);

/* Tries again to have the file in the folder; cheap when it is there (one fstat). For a quiet place
 * that is passed every few seconds; any thread may call it. Returns 1 when the file is there, else 0. */
int counters_publish(struct counters *counters);

/* N may be any number; an INDEX outside the table does nothing. */
void counters_add(struct counters *counters, unsigned index, uint64_t n);
void counters_set(struct counters *counters, unsigned index, uint64_t value);
/* COUNTERS_SECONDS: the present time. */
void counters_set_now(struct counters *counters, unsigned index);

/* The sum as a reader would see it. */
uint64_t counters_get(const struct counters *counters, unsigned index);

/* Ends counting and removes the file. NULL is fine. */
void counters_close(struct counters *counters);
/* The same, but leaves the file for whoever wants the last figures of a program that stopped. */
void counters_leave(struct counters *counters);

/* Makes RUN_DIR/metrics (mode 0755) and in it AUDIENCE's folder (mode 3775, GROUP unless it is (gid_t)-1).
 * Returns 0 or a negative errno. */
must_check int counters_prepare(const char *run_dir, const char *audience, gid_t group);

/* --- reading ----------------------------------------------------------------------------------- */

struct counters_value {
	char name[COUNTERS_NAME_ROOM];
	char labels[COUNTERS_LABELS_ROOM];
	char help[COUNTERS_HELP_ROOM];
	enum counters_kind kind;
	uint64_t value;
};

struct counters_reading {
	char program[COUNTERS_PROGRAM_ROOM];
	pid_t pid;
	uint64_t started; /* microseconds since 1970 */
	bool alive;
	size_t count;
	struct counters_value *values;
};

/* Reads every file of all folders, sorted by program, pid and start; what is not ours is passed over.
 * Returns the number of readings in *OUT (0 without a folder) or a negative errno. */
must_check int counters_read_all(const char *run_dir, struct counters_reading **out);
/* The same, only of RUN_DIR/metrics itself: of who makes the folders. */
must_check int counters_read_own(const char *run_dir, struct counters_reading **out);
void counters_reading_free(struct counters_reading *readings, int count);

/* The value of NAME (and LABELS, NULL for none), or NULL. */
const struct counters_value *counters_find(const struct counters_reading *reading, const char *name,
                                           const char *labels);

/* Removes the files of processes that are gone, those of PROGRAM only unless it is NULL. */
void counters_remove_dead(const char *run_dir, const char *program);

/* OpenMetrics text of READINGS, "# EOF" included: live processes only, families sorted by name. */
void counters_put_openmetrics(struct text *out, const struct counters_reading *readings, int count);
