/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * One load of an LDIF file: all of it into a feed as a complete refresh, or nothing that is seen.
 *
 * While a feed serves nothing yet, entries go to it as they are read: what it got is not seen unless the load
 * completes. Otherwise they wait in a file without a name until the last one is known to be good.
 */
#pragma once

#include "cache/feed.h"
#include "common/text.h"

#include <sys/stat.h>

enum { LDIF_LOAD_PACE = 1024 }; /* entries between two calls of progress */

struct ldif_load {
	const struct feed *feed;
	const char *spool_dir; /* for what does not fit into memory */

	/* Attributes to keep (NULL: all), and those that nobody else may read (NULL: passwords by
	 * ISPMan's and the usual names). */
	bool (*wanted)(void *context, struct span attribute);
	bool (*secret)(void *context, struct span attribute);
	void *context;

	/* Told how many entries were read, or (APPLYING) given to the feed, now and then; false stops the
	 * load. May be NULL. */
	bool (*progress)(void *context, bool applying, uint64_t entries);
	void *progress_context;

	/* Puts the cookie that covers the file together, when all of it was read. May be NULL. */
	void (*cookie)(void *context, const struct ldif_load *load, struct text *out);
	void *cookie_context;

	/* What was found. */
	uint64_t entries;
	uint32_t seconds; /* of the newest entryCSN */
};

/* Loads FD, whose fstat() gave BEFORE.
 * Returns 0; -EAGAIN when the file changed meanwhile; -ECANCELED when progress said so; -EINVAL with a sentence in WHY
 * when the file cannot be used as it is; or another negative errno with a sentence when the
 * feed or the disk failed, and trying again may help. */
must_check int ldif_load(struct ldif_load *load, int fd, const struct stat *before, struct text *why);

/* Whether what was read between the two is one content: B has the same size and nothing wrote. */
bool ldif_load_is_unchanged(const struct stat *a, const struct stat *b);
