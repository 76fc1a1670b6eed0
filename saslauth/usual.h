/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * What stored passwords usually are here: the scheme and cost that most checks had lately.
 *
 * A login that does not exist takes the time of a check of that, so that how long "no" takes does not tell who exists. It is learnt
 * from the values that are checked; a sample of each form is kept, and wiped.
 */
#pragma once

#include "common/span.h"
#include "common/text.h"
#include "saslauth/password.h"

enum { USUAL_FORMS = 8 };

struct usual {
	struct usual_form {
		const char *scheme; /* NULL: none */
		uint64_t cost;
		unsigned count;
		struct text sample;
	} forms[USUAL_FORMS];
};

/* STORED, which is VALUE, was checked. */
void usual_note(struct usual *usual, struct span stored, const struct password_value *value);
/* A stored value of the form that is usual; a salted SHA-1 while nothing is known. Valid until the next note. */
struct span usual_stored(const struct usual *usual);
void usual_wipe(struct usual *usual);
