/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * A counters file, which any member of the group may have written: what is accepted makes OpenMetrics text of the right
 * shape, whatever its names and labels are.
 */
#include <config.h>

#include "common/counters_file.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_line(struct span line)
{
	const char *brace = memchr(line.data, '{', line.len);

	if (line.len == 0)
		abort();
	if (line.data[0] != '#' && (brace == NULL || memmem(line.data, line.len, "} ", 2) == NULL))
		abort();
	for (size_t i = 0; i < line.len; i++)
		if (line.data[i] < ' ' || line.data[i] > '~')
			abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct counters_reading reading;
	struct text out = TEXT_INIT;
	struct span rest;

	if (counters_parse(span_from(data, size), &reading) < 0)
		return 0;
	reading.alive = true;
	counters_put_openmetrics(&out, &reading, 1);
	rest = text_span(&out);
	while (rest.len > 0) {
		const char *end = memchr(rest.data, '\n', rest.len);

		if (end == NULL)
			abort();
		check_line(span_from(rest.data, (size_t)(end - rest.data)));
		rest = span_skip(rest, (size_t)(end - rest.data) + 1);
	}
	text_free(&out);
	free(reading.values);
	return 0;
}
