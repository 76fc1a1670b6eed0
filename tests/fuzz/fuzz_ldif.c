/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * LDIF files: an entry that is read is whole, and an error names a line.
 */
#include <config.h>

#include "cache/ldif.h"

#include <errno.h>
#include <sys/mman.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(bool truth)
{
	if (!truth)
		abort();
}

static bool
want_most(void *context, struct span attribute)
{
	(void)context;
	return attribute.len != 3;
}

static void
check_entry(const struct entry *entry)
{
	uint8_t uuid[ENTRY_UUID_LEN];

	require(entry_uuid_of_dn(entry->dn, uuid) == 0);
	for (size_t i = 0; i < entry->attribute_count; i++) {
		const struct attribute *attribute = &entry->attributes[i];

		require(attribute->name.len > 0 && attribute->count > 0);
		require(entry_find(entry, attribute->name) == attribute);
		for (size_t v = 0; v < attribute->count; v++)
			require(attribute->values[v].data != NULL);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup(arena_free) struct arena arena = ARENA_INIT;
	cleanup(ldif_freep) struct ldif *ldif = NULL;
	cleanup(close_fdp) int fd = memfd_create("ldif", MFD_CLOEXEC);
	struct text why = TEXT_INIT;
	struct entry entry;
	size_t line = 0;
	int r;

	require(fd >= 0 && pwrite(fd, data, size, 0) == (ssize_t)size);
	require(ldif_open(fd, size % 2 != 0 ? want_most : NULL, NULL, &ldif) == 0);
	while ((r = ldif_next(ldif, &arena, &entry, &why)) == 1) {
		require(ldif_line(ldif) > line);
		line = ldif_line(ldif);
		check_entry(&entry);
		arena_reset(&arena);
	}
	require(r == 0 || (r == -EINVAL && span_starts_nocase(text_span(&why), SPAN("line "))));
	text_free(&why);
	return 0;
}
