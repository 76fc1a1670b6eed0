/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * The layout of a counters file, for counters.c and counters_read.c only.
 *
 *   header, rows (names, from header_size on), shards (from shards_offset on: SHARD_COUNT times
 *   shard_stride octets, each an array of 64-bit values in native order, one a row)
 *
 * A gauge lives in shard 0 alone.
 */
#pragma once

#include "common/counters.h"

#include <stdint.h>

#define COUNTERS_MAGIC "ISPMCNT1"
#define COUNTERS_FOLDER "metrics"

enum { COUNTERS_SHARDS = 16, COUNTERS_ALIGN = 128 };

struct counters_header {
	char magic[8]; /* written last */
	uint32_t header_size, row_size, row_count;
	uint32_t shard_count, shard_stride, shards_offset;
	uint32_t pid;
	uint32_t locked; /* 0: the lock was refused, look at the pid instead */
	uint64_t started;
	char program[COUNTERS_PROGRAM_ROOM];
	char spare[48];
};
_Static_assert(sizeof(struct counters_header) == COUNTERS_ALIGN, "header is one aligned block");

struct counters_file_row {
	uint32_t kind;
	uint32_t spare;
	char name[COUNTERS_NAME_ROOM];
	char labels[COUNTERS_LABELS_ROOM];
	char help[COUNTERS_HELP_ROOM];
};
_Static_assert(sizeof(struct counters_file_row) == 256, "rows have one size everywhere");

enum {
	COUNTERS_FILE_MAX = (int)sizeof(struct counters_header) +
	                    COUNTERS_ROWS_MAX * ((int)sizeof(struct counters_file_row) + COUNTERS_SHARDS * 8) +
	                    COUNTERS_ALIGN * (COUNTERS_SHARDS + 1),
};

/* Reads the octets of a file; all of *OUT but a lock is looked at. Returns 0, -EBADMSG or -ENOMEM. */
must_check int counters_parse(struct span image, struct counters_reading *out);

void counters_remove_dead_in(const char *folder, const char *program);

/* The path of AUDIENCE's folder, or with NULL of that which holds them all, to be freed. 0 or -ENOMEM. */
must_check int counters_folder(const char *run_dir, const char *audience, char **out);
