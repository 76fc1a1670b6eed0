/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * Numbers for people, and strings in JSON.
 */
#include <config.h>

#include "cache/ispmanctl.h"

#include <inttypes.h>

void
ctl_put_count(struct text *out, uint64_t n)
{
	if (n >= 1000) {
		ctl_put_count(out, n / 1000);
		text_putf(out, ",%03" PRIu64, n % 1000);
	} else {
		text_putf(out, "%" PRIu64, n);
	}
}

void
ctl_put_seconds(struct text *out, double seconds)
{
	uint64_t whole = seconds > 0 ? (uint64_t)seconds : 0;

	if (whole < 10)
		text_putf(out, "%.1f s", seconds > 0 ? seconds : 0.0);
	else if (whole < 120)
		text_putf(out, "%" PRIu64 " s", whole);
	else if (whole < 7200)
		text_putf(out, "%" PRIu64 " min", whole / 60);
	else if (whole < 172800)
		text_putf(out, "%" PRIu64 " h %" PRIu64 " min", whole / 3600, whole % 3600 / 60);
	else
		text_putf(out, "%" PRIu64 " d %" PRIu64 " h", whole / 86400, whole % 86400 / 3600);
}

json_t *
ctl_foreign_json(struct span s)
{
	json_t *string = json_stringn(s.data, s.len);
	struct text shown = TEXT_INIT;

	if (string != NULL)
		return string;
	for (size_t i = 0; i < s.len; i++) {
		if (s.data[i] >= ' ' && s.data[i] < 0x7f)
			text_put_char(&shown, s.data[i]);
		else
			text_putf(&shown, "\\x%02x", (uint8_t)s.data[i]);
	}
	string = json_string(text_str(&shown));
	text_free(&shown);
	return string;
}

const char *
ctl_member(const json_t *object, const char *key)
{
	const char *s = json_string_value(json_object_get(object, key));

	return s != NULL ? s : "";
}
