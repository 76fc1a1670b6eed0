/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * Rows of one name stand together, so the table has a row a name and environment and is made when it is opened.
 */
#include <config.h>

#include "cache/cached_counters.h"

#include "cache/cache.h"
#include "common/counters.h"

#include <stdio.h>

enum { COUNT_CONTACT, COUNT_ENTRIES, COUNT_PROBLEMS, COUNT_QUEUE, COUNT_COMMITS, COUNT_SUBJECTS, COUNT_HELD, COUNT_FIXED };

static const struct counters_row fixed_rows[COUNT_FIXED] = {
	/* Of dns/, for readers that know no other environment. */
	[COUNT_CONTACT] = { CACHE_CONTACT_COUNTER, NULL, "When the source was last known to agree with the cache.",
	                    COUNTERS_SECONDS },
	[COUNT_ENTRIES] = { "entries", NULL, "Entries in the replica.", COUNTERS_GAUGE },
	[COUNT_PROBLEMS] = { "problems", NULL, "Entries and names with something wrong.", COUNTERS_GAUGE },
	[COUNT_QUEUE] = { "queue", NULL, "Commits that are not visible yet.", COUNTERS_GAUGE },
	[COUNT_COMMITS] = { "sequence", NULL, "The last commit of the replica.", COUNTERS_GAUGE },
	[COUNT_SUBJECTS] = { "subjects", NULL, "Subjects combined since the start.", COUNTERS_GAUGE },
	[COUNT_HELD] = { "brake_held", NULL, "1 while the brake holds removals.", COUNTERS_GAUGE },
};

enum { EACH_CONTACT, EACH_COMPLETE, EACH_QUEUE, EACH_STUCK, EACH_KINDS };

static const struct counters_row each_rows[EACH_KINDS] = {
	[EACH_CONTACT] = { CACHE_CONTACT_COUNTER_EACH, NULL, "When the source was last known to agree with the environment.",
	                   COUNTERS_SECONDS },
	[EACH_COMPLETE] = { "environment_complete", NULL, "1 when readers may use the environment.", COUNTERS_GAUGE },
	[EACH_QUEUE] = { "environment_queue", NULL, "Commits that the environment does not show yet.", COUNTERS_GAUGE },
	[EACH_STUCK] = { "environment_write_seconds", NULL, "For how long one write has been under way; a reader may hold it up.",
	                 COUNTERS_SECONDS },
};

enum {
	FIRST_EACH = COUNT_FIXED,
	FIRST_COUNTED = FIRST_EACH + EACH_KINDS * PROJECT_ENVIRONMENTS,
	ROWS_MAX = FIRST_COUNTED + PROJECT_COUNTED_MAX * PROJECT_ENVIRONMENTS,
};

struct cached_counters {
	struct counters *counters;
};

static char labels[PROJECT_ENVIRONMENTS][COUNTERS_LABELS_ROOM];

struct cached_counters *
cached_counters_open(const char *run_dir)
{
	struct cached_counters *out = calloc(1, sizeof(*out));
	struct counters_row rows[ROWS_MAX];
	size_t count = COUNT_FIXED;

	if (out == NULL)
		return NULL;
	memcpy(rows, fixed_rows, sizeof(fixed_rows));
	for (size_t i = 0; i < PROJECT_ENVIRONMENTS; i++)
		snprintf(labels[i], sizeof(labels[i]), CACHE_CONTACT_LABELS, projections[i].name);
	for (size_t kind = 0; kind < EACH_KINDS; kind++) {
		for (size_t i = 0; i < PROJECT_ENVIRONMENTS; i++) {
			rows[count] = each_rows[kind];
			rows[count++].labels = labels[i];
		}
	}
	for (size_t i = 0; i < PROJECT_ENVIRONMENTS; i++)
		for (size_t c = 0; c < PROJECT_COUNTED_MAX && projections[i].counted[c] != NULL; c++)
			rows[count++] = (struct counters_row){ projections[i].counted[c], NULL, projections[i].counted_help[c],
				                               COUNTERS_GAUGE };
	out->counters = counters_open(run_dir, NULL, CACHE_CONTACT_PROGRAM, rows, count);
	return out;
}

void
cached_counters_set(struct cached_counters *counters, struct service *service)
{
	struct apply_status applied;
	uint64_t problems = 0, queue = 0, subjects = 0;
	unsigned counted = FIRST_COUNTED;

	if (counters == NULL)
		return;
	apply_status(service->apply, &applied);
	if (replica_count_problems(service->replica, &problems) < 0)
		problems = 0;
	counters_publish(counters->counters);
	service_note_contact(service);
	for (unsigned i = 0; i < PROJECT_ENVIRONMENTS; i++) {
		struct publish_status status;
		uint64_t behind;

		publish_status(service->publish[i], &status);
		behind = status.wanted > status.applied ? status.wanted - status.applied : 0;
		counters_set(counters->counters, FIRST_EACH + EACH_CONTACT * PROJECT_ENVIRONMENTS + i, service->contact[i]);
		counters_set(counters->counters, FIRST_EACH + EACH_COMPLETE * PROJECT_ENVIRONMENTS + i, status.complete);
		counters_set(counters->counters, FIRST_EACH + EACH_QUEUE * PROJECT_ENVIRONMENTS + i, behind);
		counters_set(counters->counters, FIRST_EACH + EACH_STUCK * PROJECT_ENVIRONMENTS + i,
		             publish_busy_for(&status) * 1000);
		for (size_t c = 0; c < PROJECT_COUNTED_MAX && projections[i].counted[c] != NULL; c++)
			counters_set(counters->counters, counted++, status.counts[c]);
		problems += status.problems;
		subjects += status.subjects;
		if (behind > queue)
			queue = behind;
	}
	counters_set(counters->counters, COUNT_CONTACT, service->contact[PROJECT_DNS]);
	counters_set(counters->counters, COUNT_ENTRIES, applied.entries);
	counters_set(counters->counters, COUNT_PROBLEMS, problems);
	counters_set(counters->counters, COUNT_QUEUE, queue);
	counters_set(counters->counters, COUNT_COMMITS, applied.sequence);
	counters_set(counters->counters, COUNT_SUBJECTS, subjects);
	counters_set(counters->counters, COUNT_HELD, applied.held);
}

void
cached_counters_leave(struct cached_counters *counters)
{
	if (counters == NULL)
		return;
	counters_leave(counters->counters);
	free(counters);
}
