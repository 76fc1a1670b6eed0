/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * Claims and retries as text.
 */
#include <config.h>

#include "agent/task_message.h"

#include <errno.h>
#include <time.h>

enum {
	TIME_LEN = 20, /* 2026-05-01T10:20:30Z */
	DELAY_FIRST = 15,
	DELAY_MAX = 3600,
	NAME_SHOWN_MAX = 255,
};
#define TIME_FORMAT "%Y-%m-%dT%H:%M:%SZ"

static void
put_time(struct text *out, uint64_t at)
{
	char room[TIME_LEN + 1] = "";
	time_t seconds = (time_t)at;
	struct tm tm;

	if (gmtime_r(&seconds, &tm) != NULL && strftime(room, sizeof(room), TIME_FORMAT, &tm) == TIME_LEN)
		text_put(out, room);
	else
		text_put(out, "1970-01-01T00:00:00Z");
}

static bool
read_time(struct span s, uint64_t *out_at)
{
	char room[TIME_LEN + 1], *end;
	struct tm tm = { 0 };
	time_t seconds;

	if (s.len != TIME_LEN)
		return false;
	memcpy(room, s.data, TIME_LEN);
	room[TIME_LEN] = '\0';
	for (size_t i = 0; i < TIME_LEN; i++)
		if ("dddd-dd-ddTdd:dd:ddZ"[i] == 'd' ? room[i] < '0' || room[i] > '9' : room[i] != "dddd-dd-ddTdd:dd:ddZ"[i])
			return false;
	end = strptime(room, TIME_FORMAT, &tm);
	if (end == NULL || *end != '\0')
		return false;
	seconds = timegm(&tm);
	if (seconds < 0)
		return false;
	*out_at = (uint64_t)seconds;
	return true;
}

/* Splits S at the last SEPARATOR. */
static bool
split_last(struct span s, struct span separator, struct span *out_head, struct span *out_tail)
{
	for (size_t n = s.len < separator.len ? 0 : s.len - separator.len + 1; n-- > 0;) {
		if (memcmp(s.data + n, separator.data, separator.len) == 0) {
			*out_head = span_from(s.data, n);
			*out_tail = span_skip(s, n + separator.len);
			return true;
		}
	}
	return false;
}

static bool
read_tries(struct span s, unsigned *out_tries)
{
	uint64_t n;

	if (span_to_u64(s, TASK_TRY_MAX, &n) < 0)
		return false;
	*out_tries = (unsigned)n;
	return true;
}

static bool
read_claim(struct span s, struct task_message *out)
{
	struct span tries, at, token;

	out->kind = TASK_MESSAGE_CLAIM;
	return span_starts_nocase(s, SPAN("claimed by ")) && split_last(s, SPAN(", try "), &s, &tries) && read_tries(tries, &out->tries) &&
	       split_last(s, SPAN(") at "), &s, &at) && read_time(at, &out->at) && split_last(s, SPAN(" ("), &s, &token) &&
	       (out->token = token, true);
}

static bool
read_retry(struct span s, struct task_message *out)
{
	struct span start = SPAN("try "), middle = SPAN(" failed, again after ");
	size_t n = start.len;

	out->kind = TASK_MESSAGE_RETRY;
	if (!span_starts_nocase(s, start))
		return false;
	while (n < s.len && s.data[n] >= '0' && s.data[n] <= '9')
		n++;
	if (!read_tries(span_from(s.data + start.len, n - start.len), &out->tries) || !span_starts_nocase(span_skip(s, n), middle))
		return false;
	s = span_skip(s, n + middle.len);
	return s.len > TIME_LEN && s.data[TIME_LEN] == ':' && read_time(span_from(s.data, TIME_LEN), &out->at);
}

void
task_message_read(struct span text, struct task_message *out)
{
	struct task_message message = { .token = SPAN("") };

	if (!read_claim(text, &message)) {
		message = (struct task_message){ .token = SPAN("") };
		if (!read_retry(text, &message))
			message = (struct task_message){ .token = SPAN("") };
	}
	*out = message;
}

static void
put_plain(struct text *out, struct span s, size_t max)
{
	bool cut = s.len > max;

	for (size_t i = 0; i < (cut ? max : s.len); i++) {
		char c = s.data[i];

		text_put_char(out, c >= 0x20 && c < 0x7f ? c : '?');
	}
	if (cut)
		text_put(out, "...");
}

void
task_message_put_claim(struct text *out, struct span host, struct span token, uint64_t at, unsigned tries)
{
	text_put(out, "claimed by ");
	put_plain(out, host, NAME_SHOWN_MAX);
	text_put(out, " (");
	text_put_span(out, token);
	text_put(out, ") at ");
	put_time(out, at);
	text_putf(out, ", try %u", tries);
}

void
task_message_put_retry(struct text *out, uint64_t after, unsigned tries, struct span reason)
{
	text_putf(out, "try %u failed, again after ", tries);
	put_time(out, after);
	text_put(out, ": ");
	put_plain(out, reason.len > 0 ? reason : SPAN("no reason"), TASK_MESSAGE_MAX - 100);
}

void
task_message_put_failure(struct text *out, unsigned tries, struct span reason)
{
	if (tries > 1)
		text_putf(out, "given up after %u tries: ", tries);
	put_plain(out, reason.len > 0 ? reason : SPAN("failed without a reason"), TASK_MESSAGE_MAX - 100);
}

bool
task_message_is_open(const struct task_message *message, bool claimed, struct span token, uint64_t now, uint64_t lease)
{
	if (message->kind == TASK_MESSAGE_CLAIM)
		return span_is(message->token, token) || message->at > now + lease || message->at + lease <= now;
	return claimed || message->kind != TASK_MESSAGE_RETRY || message->at <= now || message->at > now + DELAY_MAX;
}

uint64_t
task_message_delay(unsigned tries)
{
	uint64_t delay = DELAY_FIRST;

	while (tries-- > 1 && delay < DELAY_MAX)
		delay *= 2;
	return delay < DELAY_MAX ? delay : DELAY_MAX;
}
