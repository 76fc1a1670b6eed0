/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * A file without a name: what does not fit into memory lies there until it is closed.
 */
#pragma once

#include "common/macro.h"
#include "common/span.h"

#include <sys/types.h>

/* A new one on DIR's file system, readable by nobody else. A descriptor or a negative errno. */
must_check int scratch_file_open(const char *dir);

/* All of DATA at OFFSET; exactly N octets from OFFSET (-EIO when the file ends before). */
must_check int scratch_file_write(int fd, struct span data, off_t offset);
must_check int scratch_file_read(int fd, void *out, size_t n, off_t offset);
