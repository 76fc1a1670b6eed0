/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * A DLZ module that knows nothing: each name in its zone has one A record, always the same, and the zone has one SOA.
 *
 *	dlopen constant_dlz.so ZONE ADDRESS SOA
 *
 * It looks nothing up and copies nothing, and offers named no record that is not needed. What named costs with it is what DLZ costs:
 * no module can cost less for these answers.
 */
#include <config.h>

#include "dlz_ispman/dlz.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { NOT_FOUND = 23 }; /* of BIND 9.16 to 9.20 */

struct constant {
	char *zone, *address, *soa;
	dlz_putrr_function *putrr;
};

int
dlz_version(unsigned *flags)
{
	*flags |= DLZ_THREADSAFE;
	return DLZ_VERSION;
}

dlz_result
dlz_create(const char *name, unsigned argc, char *argv[], void **out_data, ...)
{
	struct constant *constant = calloc(1, sizeof(*constant));
	const char *function_name;
	va_list pairs;

	(void)name;
	if (constant == NULL || argc != 4)
		abort();
	va_start(pairs, out_data);
	while ((function_name = va_arg(pairs, const char *)) != NULL) {
		void *function = va_arg(pairs, void *);

		if (strcmp(function_name, "putrr") == 0)
			*(void **)&constant->putrr = function;
	}
	va_end(pairs);
	constant->zone = strdup(argv[1]);
	constant->address = strdup(argv[2]);
	constant->soa = strdup(argv[3]);
	*out_data = constant;
	return DLZ_SUCCESS;
}

void
dlz_destroy(void *data)
{
	struct constant *constant = data;

	free(constant->zone);
	free(constant->address);
	free(constant->soa);
	free(constant);
}

dlz_result
dlz_findzonedb(void *data, const char *name, struct dlz_methods *methods, struct dlz_clientinfo *client)
{
	const struct constant *constant = data;

	(void)methods;
	(void)client;
	return strcmp(name, constant->zone) == 0 ? DLZ_SUCCESS : NOT_FOUND;
}

dlz_result
dlz_lookup(const char *zone, const char *name, void *data, struct dlz_lookup *lookup, struct dlz_methods *methods,
           struct dlz_clientinfo *client)
{
	const struct constant *constant = data;

	(void)zone;
	/* named's own question for the SOA of a negative answer. */
	if (methods == NULL && client == NULL)
		return constant->putrr(lookup, "SOA", 3600, constant->soa);
	if (name[0] == '@')
		return DLZ_SUCCESS;
	return constant->putrr(lookup, "A", 3600, constant->address);
}
