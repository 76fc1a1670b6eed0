/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * Prints number and attribute of every record type with a name, for schema.py to compare with the schema.
 */
#include <config.h>

#include "cache/rrtype.h"

#include <stdio.h>

static void
print(void *context, const char *attribute)
{
	uint16_t type;

	(void)context;
	if (rrtype_from_attribute(span_of(attribute), &type) == 0)
		printf("%u %s\n", (unsigned)type, attribute);
}

int
main(void)
{
	rrtype_each_attribute(print, NULL);
	return fflush(stdout) == 0 ? 0 : 1;
}
