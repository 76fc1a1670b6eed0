/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * The few words that every file here uses: scope ownership, attributes on declarations.
 *
 * Rule of the house: a function uses scope cleanup or `goto out`, never both.
 */
#pragma once

#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#define must_check __attribute__((warn_unused_result))
#define printf_like(string, first) __attribute__((format(printf, string, first)))
#define cleanup(function) __attribute__((cleanup(function)))
#define unused __attribute__((unused))

/* Of a large variable in the path of every question: the compiler does not fill it with zeroes; what is read was written before. */
#define unfilled __attribute__((uninitialized))

/* Moves VARIABLE's pointer out of a scope that would free it. */
#define take(variable)                                                                             \
	({                                                                                         \
		__typeof__(variable) taken_ = (variable);                                          \
		(variable) = NULL;                                                                 \
		taken_;                                                                            \
	})

#define array_size(array) (sizeof(array) / sizeof((array)[0]))

/* The same for a descriptor: the scope does not close it any more. */
static inline int
take_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

static inline void
free_charp(char **p)
{
	free(*p);
}

/* Closes *FD if it is open; for cleanup(close_fdp). */
static inline void
close_fdp(const int *fd)
{
	if (*fd >= 0)
		close(*fd);
}
