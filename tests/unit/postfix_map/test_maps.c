/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 */
#include <config.h>

#include "tests/unit/test.h"

#include "postfix_map/maps.h"

#include <errno.h>

static void
an_outcome_has_one_reply(void **state)
{
	static const struct {
		enum mail_map map;
		int r;
		struct span value;
		enum reply_word want;
		struct span text;
		enum maps_flaw flaw;
	} rows[] = {
		{ MAIL_VIRTUAL, 1, SPAN("a@b,c@d"), REPLY_FOUND, SPAN("a@b,c@d"), MAPS_SOUND },
		{ MAIL_VIRTUAL, 1, SPAN("j\xc3\xb6@b"), REPLY_FOUND, SPAN("j\xc3\xb6@b"), MAPS_SOUND },
		{ MAIL_VIRTUAL, 0, SPAN(""), REPLY_ABSENT, SPAN(""), MAPS_SOUND },
		{ MAIL_VIRTUAL, 0, SPAN("left over"), REPLY_ABSENT, SPAN(""), MAPS_SOUND },
		{ MAIL_DOMAINS, 1, SPAN(""), REPLY_ABSENT, SPAN(""), MAPS_SOUND },
		{ MAIL_DOMAINS, -ENODATA, SPAN(""), REPLY_LATER, SPAN("why"), MAPS_SOUND },
		{ MAIL_DOMAINS, -EIO, SPAN("left over"), REPLY_LATER, SPAN("why"), MAPS_SOUND },
		{ MAIL_VIRTUAL, -E2BIG, SPAN(""), REPLY_LATER, SPAN("the answer is too long"), MAPS_TOO_LONG },
		{ MAIL_VIRTUAL, 1, SPAN("a@b,\xff@x,c@d"), REPLY_FOUND, SPAN("a@b,c@d"), MAPS_UNPRINTABLE },
		{ MAIL_VIRTUAL, 1, SPAN("\xff@x,c@d"), REPLY_FOUND, SPAN("c@d"), MAPS_UNPRINTABLE },
		{ MAIL_VIRTUAL, 1, SPAN("c@d,a\nb@x"), REPLY_FOUND, SPAN("c@d"), MAPS_UNPRINTABLE },
		{ MAIL_VIRTUAL, 1, SPAN("\"a,b\"@c,\xff@x"), REPLY_FOUND, SPAN("\"a,b\"@c"), MAPS_UNPRINTABLE },
		{ MAIL_VIRTUAL, 1, SPAN("\"a\\\",b\"@c,\xff@x"), REPLY_FOUND, SPAN("\"a\\\",b\"@c"), MAPS_UNPRINTABLE },
		{ MAIL_VIRTUAL, 1, SPAN("\"a,\xff@x,c@d"), REPLY_ABSENT, SPAN(""), MAPS_UNPRINTABLE },
		{ MAIL_VIRTUAL, 1, SPAN("\xed\xa0\x80@x"), REPLY_ABSENT, SPAN(""), MAPS_UNPRINTABLE },
		{ MAIL_VIRTUAL, 1, SPAN("a\0b"), REPLY_ABSENT, SPAN(""), MAPS_UNPRINTABLE },
		{ MAIL_SENDER_LOGIN, 1, SPAN("joe,\x7f"), REPLY_FOUND, SPAN("joe"), MAPS_UNPRINTABLE },
		{ MAIL_RELOCATED, 1, SPAN("Main St, \xe4"), REPLY_ABSENT, SPAN(""), MAPS_UNPRINTABLE },
		{ MAIL_RELOCATED, 1, SPAN("Main St, 4"), REPLY_FOUND, SPAN("Main St, 4"), MAPS_SOUND },
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		struct text value = TEXT_INIT;
		struct reply reply;
		enum maps_flaw flaw;

		text_put_span(&value, rows[i].value);
		flaw = maps_reply(rows[i].map, rows[i].r, &value, "why", &reply);
		if (reply.word != rows[i].want || !span_is(reply.text, rows[i].text) || flaw != rows[i].flaw)
			fail_msg("row %zu: %d \"%.*s\" %d", i, (int)reply.word, (int)reply.text.len, reply.text.data, (int)flaw);
		text_free(&value);
	}
}

/* Every octet at every place of a word and behind it. */
static void
octets_that_cannot_be_printed_are_found_anywhere(void **state)
{
	(void)state;
	for (unsigned octet = 0; octet < 256; octet++) {
		for (size_t at = 0; at < 19; at++) {
			struct text value = TEXT_INIT;
			bool plain = octet >= 0x20 && octet < 0x7f;
			struct reply reply;

			text_put(&value, "~~  aaZZ00@@..--~~ ");
			value.data[at] = (char)octet;
			if (maps_reply(MAIL_RELOCATED, 1, &value, "", &reply) != (plain ? MAPS_SOUND : MAPS_UNPRINTABLE))
				fail_msg("octet %02x at %zu", octet, at);
			text_free(&value);
		}
	}
}

static void
who_asks_for_a_map_that_is_not_there_hears_which_are(void **state)
{
	struct text sentence = TEXT_INIT;
	struct reply reply;

	(void)state;
	maps_unknown(SPAN("vir\ntual"), &sentence, &reply);
	assert_int_equal(reply.word, REPLY_NONSENSE);
	assert_string_equal(text_str(&sentence), "there is no map \"vir\\x0atual\"; there are virtual domains relay-domains "
	                                         "transport recipients canonical sender-login mailbox relocated");
	text_free(&sentence);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_outcome_has_one_reply),
		cmocka_unit_test(octets_that_cannot_be_printed_are_found_anywhere),
		cmocka_unit_test(who_asks_for_a_map_that_is_not_there_hears_which_are),
	};

	return RUN_TESTS(tests);
}
