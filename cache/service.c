/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 */
#include <config.h>

#include "cache/service_internal.h"

#include <errno.h>

static bool
is_up_to(struct publish *publish, uint64_t sequence)
{
	struct publish_status status;

	publish_status(publish, &status);
	return status.complete && !status.rebuilding && !status.rebuild_due && status.applied >= sequence;
}

bool
service_is_synchronised(struct service *service)
{
	struct apply_status applied;

	/* In this order: what the source has handed over is committed, and what is committed is published. */
	if (!source_is_current(service->source))
		return false;
	apply_status(service->apply, &applied);
	if (!applied.complete || applied.refreshing || applied.loading || applied.held ||
	    atomic_load(&service->remap_due))
		return false;
	for (size_t i = 0; i < PROJECT_ENVIRONMENTS; i++)
		if (!is_up_to(service->publish[i], applied.sequence))
			return false;
	return true;
}

void
service_note_contact(struct service *service)
{
	uint64_t contact = (uint64_t)source_contact(service->source) * 1000000;

	for (size_t i = 0; i < PROJECT_ENVIRONMENTS; i++) {
		struct publish_status status;

		publish_status(service->publish[i], &status);
		if (status.complete && status.error[0] == '\0' && !publish_is_stuck(&status) && contact > service->contact[i])
			service->contact[i] = contact;
	}
}

static uint64_t
on_begin_wait(void *context)
{
	struct service *service = context;

	return source_ask(service->source);
}

static bool
on_synchronised(void *context, uint64_t wait)
{
	struct service *service = context;

	return source_has_told(service->source, wait) && service_is_synchronised(service);
}

/* --- problems ---------------------------------------------------------------------------------------- */

/* Walks the problems of entries, then those between entries, an environment after another. */
struct problem_walk {
	struct service *service;
	bool between;
	enum project_environment environment;
	uint64_t last_id;
	struct key last_key;
	struct text list;
	struct span rest;
	json_int_t count;
};

static int
next_problem(void *context, json_t **out_line, struct text *why)
{
	struct problem_walk *walk = context;
	struct problem problem;

	for (;;) {
		int r = problem_next(&walk->rest, &problem);

		if (r == 1) {
			walk->count++;
			*out_line = json_pack("{s:o, s:o, s:o}", "kind", control_text(problem.kind), "dn",
			                      control_text(problem.dn), "sentence", control_text(problem.sentence));
			return *out_line != NULL ? 1 : -ENOMEM;
		}
		r = walk->between ? publish_next_problems(walk->service->publish[walk->environment], &walk->last_key,
		                                          &walk->list)
		                  : replica_next_problems(walk->service->replica, &walk->last_id, &walk->list);
		if (r < 0) {
			text_putf(why, "the problems cannot be read: %s", store_error_text());
			return r;
		}
		if (r == 0 && walk->between && ++walk->environment == PROJECT_ENVIRONMENTS) {
			*out_line = json_pack("{s:I}", "problems", walk->count);
			return 0;
		}
		if (r == 0) {
			walk->between = true;
			walk->last_key.len = 0;
		}
		walk->rest = r == 1 ? text_span(&walk->list) : SPAN("");
	}
}

static void
close_problems(void *context)
{
	struct problem_walk *walk = context;

	text_free(&walk->list);
	free(walk);
}

static int
on_problems(void *context, struct control_stream *out, struct text *why)
{
	struct problem_walk *walk = calloc(1, sizeof(*walk));

	(void)why;
	if (walk == NULL)
		return -ENOMEM;
	walk->service = context;
	walk->rest = SPAN("");
	*out = (struct control_stream){ walk, next_problem, close_problems };
	return 0;
}

/* --- entries ------------------------------------------------------------------------------------------ */

static int
add_dns(const struct replica *replica, struct store_txn *txn, struct span subject, json_t *out)
{
	cleanup(arena_free) struct arena arena = ARENA_INIT;
	cleanup(text_free) struct text dn = TEXT_INIT;
	struct held_fragment *fragments;
	size_t count;
	int r = replica_fragments(txn, subject, &arena, &fragments, &count);

	for (size_t i = 0; r >= 0 && i < count && i < CONTROL_DNS_MAX; i++) {
		text_clear(&dn);
		r = replica_dn(replica, txn, fragments[i].entry_id, &dn);
		if (r >= 0 && json_array_append_new(out, control_text(text_span(&dn))) < 0)
			r = -ENOMEM;
	}
	return r;
}

static int
on_entries(void *context, struct span subject, json_t **out_dns, struct text *why)
{
	struct service *service = context;
	struct store_txn *txn;
	json_t *out = json_array();
	int r = out != NULL ? store_begin_read(service->replica->store, &txn) : -ENOMEM;

	if (r == 0) {
		r = add_dns(service->replica, txn, subject, out);
		store_abort(txn);
	}
	if (r < 0) {
		text_putf(why, "the replica cannot be read: %s", r == -ENOMEM ? strerror(ENOMEM) : store_error_text());
		json_decref(out);
		return r;
	}
	*out_dns = out;
	return 0;
}

void
service_actions(struct service *service, struct control_actions *out)
{
	*out = (struct control_actions){
		.context = service,
		.status = service_status,
		.begin_wait = on_begin_wait,
		.synchronised = on_synchronised,
		.problems = on_problems,
		.verify = service_verify,
		.rebuild = service_rebuild,
		.entries = on_entries,
		.release_brake = service_release_brake,
	};
}
