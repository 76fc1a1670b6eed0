/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * The first octet chooses: sync state, sync done, sync info, a cookie, the attributes of an entry, a message. What is
 * read must lie within the input.
 */
#include <config.h>

#include "cache/message.h"
#include "cache/syncmsg.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct span input;

static void
check_inside(struct span s)
{
	if (s.len > 0 && (s.data < input.data || s.data + s.len > input.data + input.len))
		abort();
}

static void
read_info(void)
{
	uint8_t uuid[ENTRY_UUID_LEN];
	struct syncmsg_info info;
	size_t n = 0;

	if (syncmsg_read_info(input, &info) < 0)
		return;
	check_inside(info.cookie.value);
	check_inside(info.uuids);
	while (syncmsg_next_uuid(&info.uuids, uuid))
		n++;
	/* All of a set that was accepted can be walked. */
	if (info.uuids.len > 0 || n > input.len)
		abort();
}

static void
read_cookie(void)
{
	struct span rest = input, csn;
	struct text merged = TEXT_INIT;

	while (syncmsg_next_csn(&rest, &csn)) {
		check_inside(csn);
		if (csn.len == 0)
			abort();
	}
	(void)syncmsg_cookie_seconds(input);
	/* Whatever is in it, it is as new as itself. */
	if (!syncmsg_state_covers(input, input))
		abort();
	/* What is merged is as new as what came last. */
	rest = span_skip(input, input.len / 2);
	syncmsg_put_merged(&merged, span_from(input.data, input.len / 2), rest);
	if (!text_failed(&merged) && syncmsg_cookie_is_usable(rest) && !syncmsg_state_covers(text_span(&merged), rest))
		abort();
	text_free(&merged);
}

static void
read_attributes(void)
{
	struct arena arena = ARENA_INIT;
	struct entry entry = { 0 };
	bool has_uuid;

	if (message_read_attributes(input, &arena, &entry, &has_uuid) == 0) {
		check_inside(entry.csn);
		for (size_t i = 0; i < entry.attribute_count; i++) {
			check_inside(entry.attributes[i].name);
			for (size_t j = 0; j < entry.attributes[i].count; j++)
				check_inside(entry.attributes[i].values[j]);
		}
	}
	arena_free(&arena);
}

static void
read_message(void)
{
	struct message message = { .kind = MESSAGE_OTHER };
	struct arena arena = ARENA_INIT;

	if (message_read(input, &arena, &message) == 0) {
		check_inside(message.entry.dn);
		check_inside(message.value);
		check_inside(message.text);
		check_inside(message.referral);
	}
	arena_free(&arena);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct syncmsg_state state;
	struct syncmsg_done done;

	if (size == 0)
		return 0;
	input = span_from(data + 1, size - 1);
	switch (data[0]) {
	case 's':
		if (syncmsg_read_state(input, &state) == 0)
			check_inside(state.cookie.value);
		break;
	case 'd':
		if (syncmsg_read_done(input, &done) == 0)
			check_inside(done.cookie.value);
		break;
	case 'i':
		read_info();
		break;
	case 'c':
		read_cookie();
		break;
	case 'a':
		read_attributes();
		break;
	case 'm':
		read_message();
		break;
	default:
		break;
	}
	return 0;
}
