/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 */
#include <config.h>

#include "cache/project_entry.h"

#include <errno.h>

int
project_compare(struct span a, struct span b)
{
	size_t n = a.len < b.len ? a.len : b.len;
	int order = n > 0 ? memcmp(a.data, b.data, n) : 0;

	return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

static int
compare_values(const void *a, const void *b)
{
	return project_compare(*(const struct span *)a, *(const struct span *)b);
}

int
project_values_of(const struct entry *entry, struct span attribute, struct arena *arena, struct project_values *out)
{
	const struct attribute *found = entry_find(entry, attribute);
	size_t count = 0, once = 0;

	*out = (struct project_values){ 0, NULL };
	if (found == NULL || found->count == 0)
		return 0;
	out->values = arena_alloc(arena, found->count * sizeof(*out->values));
	if (out->values == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < found->count; i++) {
		out->values[count] = span_trim(found->values[i]);
		count += out->values[count].len > 0;
	}
	if (count > 1)
		qsort(out->values, count, sizeof(*out->values), compare_values);
	for (size_t i = 0; i < count; i++)
		if (once == 0 || !span_is(out->values[i], out->values[once - 1]))
			out->values[once++] = out->values[i];
	out->count = once;
	return 0;
}

bool
project_is_suspended(const struct profile *profile, const struct entry *entry)
{
	const struct attribute *status = entry_find(entry, profile->status);

	for (size_t i = 0; status != NULL && i < status->count; i++)
		if (span_is_nocase(span_trim(status->values[i]), SPAN("suspended")))
			return true;
	return false;
}

int
project_master_of(const struct profile *profile, const struct entry *entry, struct span own, struct arena *arena,
                  char room[ADDRESS_DOMAIN_MAX], struct span *out)
{
	struct project_values types, masters;
	size_t n;
	int r = project_values_of(entry, profile->domain_type, arena, &types);

	*out = (struct span){ "", 0 };
	if (r == 0)
		r = project_values_of(entry, profile->replica_master, arena, &masters);
	if (r < 0 || types.count != 1 || !span_is_nocase(types.values[0], SPAN("replica")) || masters.count != 1)
		return r;
	r = address_domain(masters.values[0], room, &n);
	if (r == 0 && room[0] != '.' && room[0] != '[' && !span_is(span_from(room, n), own))
		*out = span_from(room, n);
	return r == -EINVAL ? 0 : r;
}

bool
project_is_allowed(const struct cross_claim *cross, size_t count, struct span claimer, struct span domain)
{
	for (size_t i = 0; i < count; i++)
		if ((span_is(cross[i].claimer, SPAN("*")) || span_is(cross[i].claimer, claimer)) &&
		    (span_is(cross[i].domain, SPAN("*")) || span_is(cross[i].domain, domain)))
			return true;
	return false;
}
