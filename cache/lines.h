/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * The lines of a file, as RFC 2849 folds them, read in large pieces.
 *
 * read(2) and a buffer, not a mapping: a file that somebody truncates under a mapping kills the process.
 */
#pragma once

#include "common/macro.h"
#include "common/span.h"

struct lines {
	int fd; /* the caller's */
	char *buffer;
	size_t room, at, end; /* at to end: read from the file, not yet given out */
	size_t number;        /* of the line last given out, from 1 */
	size_t max;           /* the longest line that is taken */
	bool at_end;          /* of the file */
	bool has_nul;         /* a NUL was seen: each line must be looked at */
};

/* A line longer than MAX octets is an error. */
must_check int lines_open(struct lines *lines, int fd, size_t max);

/* The next line, without its end (LF or CR LF; the last line may have none). FOLDED: the line after it
 * begins with a blank, and so continues it. The line lives until the next call.
 * Returns 1, 0 at the end of the file, -EMSGSIZE for a line that is too long, -EBADMSG for one with a NUL,
 * or another negative errno. After an error, lines->number names the line. */
must_check int lines_next(struct lines *lines, struct span *out_line, bool *out_folded);

void lines_close(struct lines *lines);
