/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * What load generators measure with: clocks, and how long answers took, in buckets that are a thirty-second of an octave wide.
 */
#pragma once

#include <stdint.h>
#include <time.h>

enum { LATENCY_FINE = 32, LATENCY_OCTAVES = 40 };

struct latency {
	uint64_t total, buckets[LATENCY_FINE * LATENCY_OCTAVES];
};

/* Nanoseconds; 0 of a process that is gone. */
static inline uint64_t
clock_of(clockid_t id)
{
	struct timespec t;

	if (clock_gettime(id, &t) < 0)
		return 0;
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static inline void
latency_add(struct latency *l, uint64_t ns)
{
	unsigned octave = 0, bucket = (unsigned)ns;

	if (ns >= 2 * LATENCY_FINE) {
		while (ns >> octave >= 2 * LATENCY_FINE)
			octave++;
		bucket = (octave + 1) * LATENCY_FINE + (unsigned)(ns >> octave) - LATENCY_FINE;
	}
	l->buckets[bucket]++;
	l->total++;
}

static inline void
latency_join(struct latency *l, const struct latency *other)
{
	for (unsigned i = 0; i < LATENCY_FINE * LATENCY_OCTAVES; i++)
		l->buckets[i] += other->buckets[i];
	l->total += other->total;
}

/* Microseconds that PART of all answers took at most. */
static inline double
latency_percentile(const struct latency *l, double part)
{
	uint64_t below = 0, wanted = (uint64_t)((double)l->total * part);

	for (unsigned i = 0; i < LATENCY_FINE * LATENCY_OCTAVES; i++) {
		unsigned octave = i / LATENCY_FINE;

		below += l->buckets[i];
		if (below <= wanted)
			continue;
		if (octave < 2)
			return i / 1e3;
		return (double)((uint64_t)(i % LATENCY_FINE + LATENCY_FINE) << (octave - 1)) / 1e3;
	}
	return 0;
}
