/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 */
#include <config.h>

#include "agent/queue.h"

#include "common/log.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>

#define SPAN_ARGS(span) (int)(span).len, (span).data

enum { TELL_SECONDS = 3600 }; /* between sentences about tasks that nobody takes */

struct queue {
	struct queue_options options;
	struct tasks *tasks;
	struct engine *engine; /* in queue_turn */
	int error;             /* the engine's */
	bool said_away;
	uint64_t told;         /* seconds since 1970 */
	struct text name;      /* of a mailbox; keeps its memory */
};

int
queue_new(const struct queue_options *options, struct queue **out)
{
	struct queue *queue = calloc(1, sizeof(*queue));
	int r;

	if (queue == NULL)
		return -ENOMEM;
	queue->options = *options;
	r = tasks_open(&queue->options.tasks, &queue->tasks);
	if (r < 0) {
		queue_free(queue);
		return r;
	}
	*out = queue;
	return 0;
}

void
queue_free(struct queue *queue)
{
	if (queue == NULL)
		return;
	tasks_close(queue->tasks);
	text_free(&queue->name);
	free(queue);
}

/* --- what a task has come to --------------------------------------------------------------------------------------------------- */

enum outcome { DONE, FAILED, LATER };

/* Mailboxes are called by uids: an address becomes one as ISPMan made it. */
static struct span
mailbox_of(struct queue *queue, struct span place)
{
	bool by_uid = engine_naming(queue->engine) == PLAN_BY_UID;

	text_clear(&queue->name);
	for (size_t i = 0; i < place.len; i++)
		text_put_char(&queue->name,
		              by_uid && (place.data[i] == '@' || place.data[i] == '.') ? '_' : ascii_lower(place.data[i]));
	return text_span(&queue->name);
}

static enum outcome
judge(struct queue *queue, const struct task_subject *subject, struct text *why)
{
	enum plan_kind kind = task_kind_is_mailbox(subject->kind) ? PLAN_MAILBOX : PLAN_DIRECTORY;
	struct span place = kind == PLAN_MAILBOX ? mailbox_of(queue, subject->place) : subject->place;
	enum engine_place state;
	char reason[256];
	int r = engine_look_at_place(queue->engine, kind, place, task_kind_is_delete(subject->kind), &state, reason);

	if (r < 0) {
		queue->error = r;
		text_put(why, "the agent's book cannot be read");
		return LATER;
	}
	if (task_kind_is_delete(subject->kind)) {
		if (state == ENGINE_PLACE_FREE)
			return DONE;
		text_putf(why, "%s", state == ENGINE_PLACE_LIVES ? "the directory still has its account" : reason);
		return state == ENGINE_PLACE_LIVES ? FAILED : LATER;
	}
	if (state == ENGINE_PLACE_LIVES && reason[0] == '\0')
		return DONE;
	text_putf(why, "%s", reason[0] != '\0' ? reason : "no entry of the directory has it on this host");
	return LATER;
}

static void
end(struct queue *queue, const struct task *task, const struct tasks_claim *claim, enum outcome outcome, const struct text *reason)
{
	cleanup(text_free) struct text why = TEXT_INIT;
	int r = outcome == DONE     ? tasks_done(queue->tasks, task, claim, &why)
	        : outcome == FAILED ? tasks_failed(queue->tasks, task, claim, text_span(reason), &why)
	                            : tasks_retry(queue->tasks, task, claim, text_span(reason), &why);

	if (r < 0)
		log_warning("%.*s: %s", SPAN_ARGS(task->dn), text_str(&why));
	else if (outcome == DONE)
		log_info("%.*s %.*s is done", SPAN_ARGS(task->process), SPAN_ARGS(task->domain));
	else if (outcome == FAILED || r == 2)
		log_warning("%.*s: %s", SPAN_ARGS(task->dn), text_str(reason));
}

static int
do_task(void *context, const struct task *task)
{
	struct queue *queue = context;
	cleanup(text_free) struct text why = TEXT_INIT, reason = TEXT_INIT;
	struct task_subject subject;
	struct tasks_claim claim;
	int r = tasks_claim(queue->tasks, task, &claim, &why);

	if (r <= 0) {
		if (r < 0)
			log_warning("%.*s: %s", SPAN_ARGS(task->dn), text_str(&why));
		return r == -EAGAIN ? 1 : 0;
	}
	r = task_subject(task, &subject, &reason);
	if (r == 0)
		end(queue, task, &claim, DONE, &reason);
	else if (r < 0)
		end(queue, task, &claim, FAILED, &reason);
	else
		end(queue, task, &claim, judge(queue, &subject, &reason), &reason);
	return queue->error < 0;
}

/* --- tasks that nobody takes ----------------------------------------------------------------------------------------------------- */

static int
tell_unclaimed(void *context, const struct tasks_unclaimed *waiting)
{
	struct queue *queue = context;
	cleanup(text_free) struct text names = TEXT_INIT;

	for (size_t i = 0; i < queue->options.tasks.name_count; i++)
		text_putf(&names, "%s%.*s", i > 0 ? ", " : "", SPAN_ARGS(queue->options.tasks.names[i]));
	log_warning("%zu tasks for the host \"%.*s\" have not been taken, %.*s for one. This agent takes those for %s: see [agent] host, and "
	            "ispmanHostAlias of the host's entry",
	            waiting->count, SPAN_ARGS(waiting->host), SPAN_ARGS(waiting->dn), text_str(&names));
	return 0;
}

static void
tell_all_unclaimed(struct queue *queue)
{
	cleanup(text_free) struct text why = TEXT_INIT;
	uint64_t now = (uint64_t)time(NULL);

	if (now >= queue->told && now - queue->told < TELL_SECONDS)
		return;
	if (tasks_unclaimed(queue->tasks, queue->options.unclaimed_after, tell_unclaimed, queue, &why) >= 0)
		queue->told = now;
}

int
queue_turn(struct queue *queue, struct engine *engine)
{
	cleanup(text_free) struct text why = TEXT_INIT;
	const struct span *names;
	size_t count;
	int r;

	queue->engine = engine;
	queue->error = 0;
	/* As the directory names this host now. */
	engine_names(engine, &names, &count);
	if (count == 0)
		return 0;
	queue->options.tasks.names = names;
	queue->options.tasks.name_count = count;
	r = tasks_poll(queue->tasks, do_task, queue, &why);
	if (r < 0 && !queue->said_away)
		log_warning("ISPMan's queue is not looked at: %s", text_str(&why));
	else if (r >= 0 && queue->said_away)
		log_notice("ISPMan's queue is looked at again");
	queue->said_away = r < 0;
	if (r == 0)
		tell_all_unclaimed(queue);
	return queue->error;
}
