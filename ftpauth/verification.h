/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * One question to ispman-saslauthd on a connection of its own, without waiting for it.
 *
 * A socket that nobody listens at is tried again for VERIFICATION_HOLD_MS, a full backlog for as long as there is time: mostly that is a
 * restart. Whatever else goes wrong is "cannot tell".
 */
#pragma once

#include "common/macro.h"
#include "common/text.h"
#include "ftpauth/question.h"

struct event_base;
struct verification;

enum { VERIFICATION_HOLD_MS = 2000 };

struct verification_order {
	struct event_base *base;
	const char *path;     /* of the socket; copied */
	uint64_t timeout_ms;
	/* Called once, from the loop. WHY is a sentence for "cannot tell". The verification is over then, and freed. */
	void (*done)(void *context, const struct question_answer *answer, const char *why);
	void *context;
};

/* Asks QUESTION (question_put). It is taken, and wiped when it was sent. NULL without memory. */
struct verification *verification_begin(const struct verification_order *order, struct text *question);
/* Nobody wants to know any more: done() is not called. NULL is fine. */
void verification_cancel(struct verification *verification);
