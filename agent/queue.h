/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * ISPMan's queue beside the agent's own work: a task says where to look now, what is done there follows from the directory, and the
 * task ends when that has been done.
 *
 *   make, quota     done when the book has the place for a living account; tried again while the entry is not in the cache yet
 *   delete          done when nothing stands there any more by the book; what is gone from the directory waits no longer. Refused
 *                   while the directory still has the account: the entry is to be deleted, not only its directory
 */
#pragma once

#include "agent/engine.h"
#include "agent/tasks.h"

struct queue_options {
	struct tasks_options tasks;
	uint64_t unclaimed_after; /* seconds after which a task that nobody takes is told of */
};

struct queue;

must_check int queue_new(const struct queue_options *options, struct queue **out);
void queue_free(struct queue *queue);

/* Looks at all tasks once. Servers that are away, and what is wrong with single tasks, are told to the log: never an error but -ENOMEM or
 * the engine's. */
must_check int queue_turn(struct queue *queue, struct engine *engine);
