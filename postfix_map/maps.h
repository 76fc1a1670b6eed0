/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * The maps that are answered: name → question to the cache, outcome → reply.
 */
#pragma once

#include "cache/mail.h"
#include "common/text.h"
#include "postfix_map/reply.h"

/* What stood in the way of a reply as it was meant, for the log. */
enum maps_flaw {
	MAPS_SOUND,
	MAPS_TOO_LONG,   /* the answer exceeds what a reply can hold */
	MAPS_UNPRINTABLE /* a value was not UTF-8, or had control characters in it: it was left out */
};

/* Makes the reply to a question about MAP of what mail_lookup() said: R, and VALUE, which may be changed. ERROR is the sentence
 * for "cannot tell". TEXT of the reply points into VALUE, ERROR or constants. Pure. */
enum maps_flaw maps_reply(enum mail_map map, int r, struct text *value, const char *error, struct reply *out);

/* The reply for a map that does not exist: "there is no map ...; there are virtual ...", in SENTENCE. */
void maps_unknown(struct span name, struct text *sentence, struct reply *out);
