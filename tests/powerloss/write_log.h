/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * The log of a program's storage operations, as record_writes.c writes and replay_writes.c reads it.
 *
 * One record an operation, in the order in which they were done: a lock in the program made it one order. A record is the
 * struct below, the path (relative to the recorded folder), and the data.
 */
#pragma once

#include <stdint.h>

enum write_log_op {
	WRITE_LOG_OPEN = 1, /* PATH is INODE now; FLAGS may say that it was made */
	WRITE_LOG_WRITE,    /* DATA at OFFSET of INODE */
	WRITE_LOG_TRUNCATE, /* INODE has OFFSET octets */
	WRITE_LOG_SYNC,     /* INODE is durable */
	WRITE_LOG_SYNC_FOLDER,
	WRITE_LOG_UNLINK,
	WRITE_LOG_START,    /* another life of the program */
};

enum write_log_flag {
	WRITE_LOG_CREATED = 1,
	WRITE_LOG_DSYNC = 2, /* the write is durable when it ends */
};

struct write_log {
	uint16_t op, flags;
	uint32_t path_len, data_len, reserved;
	uint64_t inode, offset;
};
