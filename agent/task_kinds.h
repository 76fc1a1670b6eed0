/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * What a task of ISPMan's queue is about, pure. A task is never carried out to the letter: it says which path or mailbox to look at now,
 * and one that deletes says that nobody needs to wait until an entry that is gone may count as gone. What is then done follows from
 * the directory.
 */
#pragma once

#include "agent/task_params.h"
#include "common/macro.h"
#include "common/span.h"
#include "common/text.h"

/* An entry of the queue. */
struct task {
	struct span dn;
	uint64_t pid; /* its number, by which tasks are ordered; UINT64_MAX when it has none */
	struct span domain, host, user; /* as they stand there, or empty */
	struct span process;            /* the task's name */
	struct task_params params;
	unsigned tries;     /* that were made before */
	struct span fault;  /* why it cannot be a task at all: a sentence, or empty */
	struct span status, message; /* as they stand there; no data: there is none */
};

enum task_kind {
	TASK_MAKE_DOMAIN,
	TASK_MAKE_HOME,
	TASK_MAKE_VHOST,
	TASK_DELETE_DOMAIN,
	TASK_DELETE_HOME,
	TASK_DELETE_VHOST,
	TASK_MAKE_MAILBOX,
	TASK_SET_QUOTA,
	TASK_DELETE_MAILBOX,
};

struct task_subject {
	enum task_kind kind;
	struct span place;  /* the path, without a / at its end; or the name of the mailbox, as the task spells it */
	int64_t quota;      /* KiB, of TASK_SET_QUOTA; else -1 */
};

static inline bool
task_kind_is_mailbox(enum task_kind kind)
{
	return kind == TASK_MAKE_MAILBOX || kind == TASK_SET_QUOTA || kind == TASK_DELETE_MAILBOX;
}

static inline bool
task_kind_is_delete(enum task_kind kind)
{
	return kind == TASK_DELETE_DOMAIN || kind == TASK_DELETE_HOME || kind == TASK_DELETE_VHOST || kind == TASK_DELETE_MAILBOX;
}

/* Returns 1 and what to look at; 0 for a task that nobody needs to do any more, because what it would write is looked up: it is to be
 * acknowledged; or a negative errno with a sentence in WHY, with which the task fails:
 * -EINVAL parameters are missing or make no sense, -EOPNOTSUPP a task of ISPMan's that this agent does not do, -ENOENT no task of
 * ISPMan's. *OUT points into TASK. */
must_check int task_subject(const struct task *task, struct task_subject *out, struct text *why);
