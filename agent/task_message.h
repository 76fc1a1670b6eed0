/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * What the agent writes into a task's ispmanMessage, and reads there again: who has it since when, and which try failed. Text for
 * people, pure.
 *
 *	claimed by mail1.isp.example (5d41402abc4b2a76) at 2026-05-01T10:20:30Z, try 2
 *	try 2 failed, again after 2026-05-01T10:21:00Z: the server is away
 */
#pragma once

#include "common/macro.h"
#include "common/span.h"
#include "common/text.h"

enum {
	TASK_MESSAGE_MAX = 1000,  /* octets of a message */
	TASK_TRY_MAX = 1000000,
};

enum task_message_kind { TASK_MESSAGE_OTHER, TASK_MESSAGE_CLAIM, TASK_MESSAGE_RETRY };

struct task_message {
	enum task_message_kind kind;
	uint64_t at;         /* when it was claimed; not to be tried again before */
	unsigned tries;
	struct span token;   /* of a claim: who made it */
};

/* Anything that is neither a claim nor a retry is another message. */
void task_message_read(struct span text, struct task_message *out);

void task_message_put_claim(struct text *out, struct span host, struct span token, uint64_t at, unsigned tries);
void task_message_put_retry(struct text *out, uint64_t after, unsigned tries, struct span reason);
/* REASON in printable ASCII, which is all the attribute may hold, and not too long. */
void task_message_put_failure(struct text *out, unsigned tries, struct span reason);

/* Whether an agent known by TOKEN may take a task now. CLAIMED: its status says that somebody has it; a claim holds without that too,
 * because a session that is committed in ISPMan sets the status of all its tasks to new. A claim ends LEASE seconds after it was
 * made; one
 * of the agent's own is what it did not finish, and one from the future is as good as none. */
bool task_message_is_open(const struct task_message *message, bool claimed, struct span token, uint64_t now, uint64_t lease);

/* Seconds to wait after that many tries. */
uint64_t task_message_delay(unsigned tries);
