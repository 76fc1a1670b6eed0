/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * Writing down what is wrong: sentences for people, gathered into a list of problems.
 *
 *	struct text *say = complaint_begin(&complaints);
 *
 *	text_put(say, "The zone name ");
 *	complaint_quote(say, value);
 *	text_put(say, " is ...");
 *	complaint_end(&complaints, "bad-zone", dn);
 */
#pragma once

#include "cache/record.h"
#include "common/macro.h"
#include "common/span.h"
#include "common/text.h"

/* Whoever writes an entry chooses how much is wrong with it; nobody reads the hundredth problem. */
enum { COMPLAINTS_MAX = 50, COMPLAINT_QUOTE_MAX = 80, COMPLAINT_DN_MAX = 2000 };

struct complaints {
	struct text *list; /* where problems are appended */
	struct text sentence;
	unsigned count;
};

#define COMPLAINTS_INIT(list) ((struct complaints){ (list), TEXT_INIT, 0 })

/* Starts a sentence. */
struct text *complaint_begin(struct complaints *complaints);

/* Appends the sentence to the list. After COMPLAINTS_MAX one last problem says that there are more. */
void complaint_end(struct complaints *complaints, const char *kind, struct span dn);

void complaints_free(struct complaints *complaints);

/* Appends VALUE in quotes, shortened, and with everything that is not printable UTF-8 as \DDD. */
void complaint_quote(struct text *out, struct span value);
void complaint_quote_max(struct text *out, struct span value, size_t max);

/* Whether VALUE is UTF-8 without control characters. */
bool complaint_is_printable(struct span value);

/* Whether a problem would still be kept: lets a caller save the work of describing it. */
static inline bool
complaints_wanted(const struct complaints *complaints)
{
	return complaints->count < COMPLAINTS_MAX;
}
