/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 */
#include <config.h>

#include "cache/ldif_base.h"

#include "cache/ldif.h"

#include <errno.h>
#include <fcntl.h>

static bool
wants_nothing(void *context, struct span attribute)
{
	(void)context;
	(void)attribute;
	return false;
}

int
ldif_base(const char *path, struct text *out, struct text *why)
{
	cleanup(close_fdp) int fd = open(path, O_RDONLY | O_CLOEXEC);
	cleanup(ldif_freep) struct ldif *ldif = NULL;
	cleanup(text_free) struct text reason = TEXT_INIT;
	struct arena arena = ARENA_INIT;
	struct entry entry;
	int r = fd < 0 ? -errno : ldif_open(fd, wants_nothing, NULL, &ldif);

	if (r == 0)
		r = ldif_next(ldif, &arena, &entry, &reason);
	if (r > 0)
		text_put_span(out, entry.dn);
	arena_free(&arena);
	if (r > 0)
		return text_failed(out) ? -ENOMEM : 0;
	text_putf(why, "[ldap] base is not set, and cannot be taken from the first entry of %s: %s", path,
	          r == 0           ? "it has none"
	          : reason.len > 0 ? text_str(&reason)
	                           : strerror(-r));
	return r == 0 ? -ENODATA : r;
}
