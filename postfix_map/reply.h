/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * What can be said to a question, whatever the dialect.
 */
#pragma once

#include "common/span.h"

enum reply_word {
	REPLY_FOUND,     /* TEXT is the value: not empty, printable UTF-8 */
	REPLY_ABSENT,    /* there is no such thing, or there can be none */
	REPLY_LATER,     /* cannot tell; TEXT says why */
	REPLY_NONSENSE,  /* no such map; TEXT says so */
	REPLY_WORDS
};

struct reply {
	enum reply_word word;
	struct span text;
};
