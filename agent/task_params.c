/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * "name=value&name=value" taken apart.
 */
#include <config.h>

#include "agent/task_params.h"

#include <errno.h>

/* What C has in S up to it, and what is behind it; all of S and nothing when there is none. */
static bool
split(struct span s, char c, struct span *out_head, struct span *out_tail)
{
	const char *at = s.len > 0 ? memchr(s.data, c, s.len) : NULL;
	size_t n = at != NULL ? (size_t)(at - s.data) : s.len;

	*out_head = span_from(s.data, n);
	*out_tail = at != NULL ? span_skip(s, n + 1) : span_skip(s, s.len);
	return at != NULL;
}

static bool
is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static struct span
without_last_blanks(struct span s)
{
	while (s.len > 0 && is_blank(s.data[s.len - 1]))
		s.len--;
	return s;
}

static struct span
without_first_blanks(struct span s)
{
	while (s.len > 0 && is_blank(s.data[0]))
		s = span_skip(s, 1);
	return s;
}

static struct task_param
read_part(struct span part)
{
	struct task_param param = { .value = SPAN("") };
	struct span rest, more;

	if (split(part, '=', &param.name, &rest)) {
		bool cut = split(rest, '=', &param.value, &more);

		param.name = without_last_blanks(param.name);
		param.value = without_first_blanks(param.value);
		if (cut)
			param.value = without_last_blanks(param.value);
	}
	return param;
}

int
task_params_read(struct span text, struct task_params *out)
{
	struct task_params params = { 0 };
	struct span part;

	while (text.len > 0) {
		split(text, '&', &part, &text);
		if (part.len == 0)
			continue;
		if (params.count == TASK_PARAMS_MAX)
			return -E2BIG;
		params.rows[params.count] = read_part(part);
		if (params.rows[params.count].name.len > 0)
			params.count++;
	}
	*out = params;
	return 0;
}

int
task_params_find(const struct task_params *params, struct span name, struct span *out_value)
{
	for (size_t i = params->count; i-- > 0;) {
		if (span_is(params->rows[i].name, name)) {
			*out_value = params->rows[i].value;
			return 1;
		}
	}
	return 0;
}
