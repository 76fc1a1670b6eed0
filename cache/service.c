/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 */
#include <config.h>

#include "cache/service.h"

#include "cache/verify.h"
#include "common/log.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <time.h>

enum { JOB_LINES_MAX = 1000, SETTLE_MILLISECONDS = 1000 };

bool
service_is_synchronised(struct service *service)
{
	struct apply_status applied;
	struct publish_status published;

	/* In this order: what the source has handed over is committed, and what is committed is published. */
	if (!source_is_current(service->source))
		return false;
	apply_status(service->apply, &applied);
	publish_status(service->publish, &published);
	return applied.complete && !applied.refreshing && !applied.loading && !applied.held && published.complete &&
	       !published.rebuilding && !published.rebuild_due && published.applied >= applied.sequence;
}

void
service_note_contact(struct service *service)
{
	uint64_t contact = (uint64_t)source_contact(service->source) * 1000000;
	struct publish_status published;

	publish_status(service->publish, &published);
	if (published.error[0] == '\0' && !publish_is_stuck(&published) && contact > service->contact)
		service->contact = contact;
}

/* --- status ------------------------------------------------------------------------------------------ */

static json_t *
describe_store(int r, const struct store_figures *figures)
{
	if (r < 0)
		return json_null();
	return json_pack("{s:I, s:I, s:I, s:I, s:I}", "used", (json_int_t)figures->used_octets, "map",
	                 (json_int_t)figures->map_size, "readers", (json_int_t)figures->readers, "readers_max",
	                 (json_int_t)figures->readers_max, "oldest_reader_lag", (json_int_t)figures->oldest_reader_lag);
}

static json_t *
describe_brake(const struct apply_status *status)
{
	const struct brake_figures *brake = &status->brake;

	if (!status->held)
		return json_null();
	return json_pack("{s:I, s:I, s:I, s:I, s:I}", "entries", (json_int_t)brake->entries, "zones",
	                 (json_int_t)brake->zones, "zones_total", (json_int_t)brake->zones_total, "records",
	                 (json_int_t)brake->records, "records_total", (json_int_t)brake->records_total);
}

static uint64_t
milliseconds_since(uint64_t start)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000 - start;
}

static const char *job_name(struct service *service);

static void
add_warning(void *context, const char *sentence)
{
	json_array_append_new(context, json_string(sentence));
}

static json_t *
describe_warnings(const struct service *service)
{
	json_t *out = json_array();

	settings_warn(service->settings, add_warning, out);
	return out;
}

static json_t *
on_status(void *context)
{
	struct service *service = context;
	struct apply_status applied;
	struct publish_status published;
	struct store_figures directory, dns;
	int directory_r = store_figures(service->replica->store, &directory);
	int dns_r = publish_figures(service->publish, &dns);
	const char *job = job_name(service);
	uint64_t problems = 0;
	json_t *out;

	apply_status(service->apply, &applied);
	publish_status(service->publish, &published);
	if (replica_count_problems(service->replica, &problems) < 0)
		problems = 0;
	out = json_pack("{s:s, s:i, s:I}", "version", PACKAGE_VERSION, "pid", (int)getpid(), "started",
	                (json_int_t)service->started);
	if (out == NULL)
		return NULL;
	source_describe(service->source, out);
	service_note_contact(service);
	json_object_set_new(out, "contact", json_integer((json_int_t)(service->contact / 1000000)));
	json_object_set_new(out, "age",
	                    service->contact != 0
	                            ? json_real((double)time(NULL) - (double)(service->contact / 1000000))
	                            : json_null());
	json_object_set_new(out, "synchronised", json_boolean(service_is_synchronised(service)));
	json_object_set_new(out, "complete", json_boolean(applied.complete && published.complete));
	json_object_set_new(out, "loading", json_boolean(applied.loading));
	json_object_set_new(out, "refreshing", json_boolean(applied.refreshing));
	json_object_set_new(out, "mentioned", json_integer((json_int_t)applied.mentioned));
	json_object_set_new(out, "entries", json_integer((json_int_t)applied.entries));
	json_object_set_new(out, "zones", json_integer((json_int_t)published.zones));
	json_object_set_new(out, "problems", json_integer((json_int_t)(problems + published.problems)));
	json_object_set_new(out, "sequence", json_integer((json_int_t)applied.sequence));
	json_object_set_new(out, "applied", json_integer((json_int_t)published.applied));
	json_object_set_new(out, "queue",
	                    json_integer(published.wanted > published.applied
	                                         ? (json_int_t)(published.wanted - published.applied)
	                                         : 0));
	json_object_set_new(out, "subjects", json_integer((json_int_t)published.subjects));
	json_object_set_new(out, "held_zones", json_integer((json_int_t)published.held_zones));
	json_object_set_new(out, "rebuilding", json_boolean(published.rebuilding));
	json_object_set_new(out, "publish_error", json_string(published.error));
	json_object_set_new(out, "stuck",
	                    json_integer(published.busy_since != 0
	                                         ? (json_int_t)(milliseconds_since(published.busy_since) / 1000)
	                                         : 0));
	json_object_set_new(out, "brake", describe_brake(&applied));
	json_object_set_new(out, "warnings", describe_warnings(service));
	json_object_set_new(out, "job", job != NULL ? json_string(job) : json_null());
	json_object_set_new(out, "stores",
	                    json_pack("{s:o, s:o}", "directory", describe_store(directory_r, &directory), "dns",
	                              describe_store(dns_r, &dns)));
	return out;
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

/* Walks the problems of entries, then those between entries. */
struct problem_walk {
	struct service *service;
	bool between;
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
		r = walk->between ? publish_next_problems(walk->service->publish, &walk->last_key, &walk->list)
		                  : replica_next_problems(walk->service->replica, &walk->last_id, &walk->list);
		if (r < 0) {
			text_putf(why, "the problems cannot be read: %s", store_error_text());
			return r;
		}
		if (r == 0 && walk->between) {
			*out_line = json_pack("{s:I}", "problems", walk->count);
			return 0;
		}
		walk->between |= r == 0;
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

/* --- jobs: verify, rebuild, release-brake, in a thread ------------------------------------------------ */

struct job_line {
	struct job_line *next;
	json_t *json;
};

struct service_job {
	struct service *service;
	const char *name;
	void (*work)(struct service_job *job);
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t room;
	atomic_bool stop;
	int stop_fd;
	bool ended, has_client;
	bool let_go; /* the service is done with it: its client's end frees it */
	size_t count;
	struct job_line *first, **last;
	json_t *result; /* the last object */
	struct text error;
};

static const char *
job_name(struct service *service)
{
	const char *name = NULL;

	if (service->job != NULL) {
		pthread_mutex_lock(&service->job->lock);
		if (!service->job->ended)
			name = service->job->name;
		pthread_mutex_unlock(&service->job->lock);
	}
	return name;
}

/* A line for the client; waits while it is slow, drops it when there is no client. */
static void
job_put(struct service_job *job, json_t *json)
{
	struct job_line *line = calloc(1, sizeof(*line));

	pthread_mutex_lock(&job->lock);
	while (job->has_client && job->count >= JOB_LINES_MAX && !atomic_load(&job->stop))
		pthread_cond_wait(&job->room, &job->lock);
	if (!job->has_client || line == NULL || json == NULL) {
		json_decref(json);
		free(line);
	} else {
		line->json = json;
		*job->last = line;
		job->last = &line->next;
		job->count++;
	}
	pthread_mutex_unlock(&job->lock);
	control_wake(job->service->control);
}

static int
job_next(void *context, json_t **out_line, struct text *why)
{
	struct service_job *job = context;
	struct job_line *line;
	int r = -EAGAIN;

	pthread_mutex_lock(&job->lock);
	line = job->first;
	if (line != NULL) {
		job->first = line->next;
		if (job->first == NULL)
			job->last = &job->first;
		job->count--;
		*out_line = line->json;
		free(line);
		pthread_cond_broadcast(&job->room);
		r = 1;
	} else if (job->ended && job->error.len > 0) {
		text_put_span(why, text_span(&job->error));
		r = -EIO;
	} else if (job->ended) {
		*out_line = job->result != NULL ? json_incref(job->result) : NULL;
		r = 0;
	}
	pthread_mutex_unlock(&job->lock);
	return r;
}

static void
job_free(struct service_job *job)
{
	while (job->first != NULL) {
		struct job_line *line = job->first;

		job->first = line->next;
		json_decref(line->json);
		free(line);
	}
	json_decref(job->result);
	text_free(&job->error);
	close_fdp(&job->stop_fd);
	pthread_mutex_destroy(&job->lock);
	pthread_cond_destroy(&job->room);
	free(job);
}

/* The client is gone: a verify without one is pointless, the others go on. */
static void
job_leave(void *context)
{
	struct service_job *job = context;

	pthread_mutex_lock(&job->lock);
	job->has_client = false;
	if (strcmp(job->name, "verify") == 0)
		atomic_store(&job->stop, true);
	pthread_cond_broadcast(&job->room);
	pthread_mutex_unlock(&job->lock);
	if (job->let_go)
		job_free(job);
	else if (eventfd_write(job->stop_fd, atomic_load(&job->stop)) < 0)
		log_debug("%s: its end cannot be told", job->name);
}

void
service_stop_job(struct service *service)
{
	struct service_job *job = service->job;

	if (job == NULL)
		return;
	atomic_store(&job->stop, true);
	if (eventfd_write(job->stop_fd, 1) < 0)
		log_debug("%s: its end cannot be told", job->name);
	pthread_mutex_lock(&job->lock);
	pthread_cond_broadcast(&job->room);
	pthread_mutex_unlock(&job->lock);
	pthread_join(job->thread, NULL);
	service->job = NULL;
	/* A slow client may still be reading what the job said. Clients come and go in this thread only. */
	if (job->has_client)
		job->let_go = true;
	else
		job_free(job);
}

static void *
job_run(void *context)
{
	struct service_job *job = context;

	job->work(job);
	pthread_mutex_lock(&job->lock);
	job->ended = true;
	pthread_mutex_unlock(&job->lock);
	control_wake(job->service->control);
	return NULL;
}

static int
job_start(struct service *service, const char *name, void (*work)(struct service_job *), struct control_stream *out,
          struct text *why)
{
	const char *running = job_name(service);
	struct service_job *job;
	int r;

	if (running != NULL) {
		text_putf(why, "%s is already running", running);
		return -EBUSY;
	}
	service_stop_job(service);
	job = calloc(1, sizeof(*job));
	if (job == NULL)
		return -ENOMEM;
	job->service = service;
	job->name = name;
	job->work = work;
	job->last = &job->first;
	job->has_client = out != NULL;
	job->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	pthread_mutex_init(&job->lock, NULL);
	pthread_cond_init(&job->room, NULL);
	service->job = job;
	r = job->stop_fd < 0 ? errno : pthread_create(&job->thread, NULL, job_run, job);
	if (r != 0) {
		service->job = NULL;
		job_free(job);
		text_putf(why, "%s cannot be started: %s", name, strerror(r));
		return -r;
	}
	if (out != NULL)
		*out = (struct control_stream){ job, job_next, job_leave };
	return 0;
}

/* --- verify */

static void
tell_difference(void *context, const char *sentence)
{
	struct service_job *job = context;

	job_put(job, json_pack("{s:o}", "difference", control_text(span_of(sentence))));
}

struct verify_work {
	struct service_job *job;
	struct verify *verify;
};

static int
verify_one(void *context, const struct entry *entry)
{
	struct verify_work *work = context;

	return atomic_load(&work->job->stop) ? -ECANCELED : verify_entry(work->verify, entry);
}

static void
settle(void *context)
{
	struct service_job *job = context;
	struct pollfd stop = { job->stop_fd, POLLIN, 0 };

	poll(&stop, 1, SETTLE_MILLISECONDS);
}

static void
verify_work(struct service_job *job)
{
	struct service *service = job->service;
	struct verify_work work = { job, NULL };
	struct verify_figures figures;
	int64_t differ = 0;
	int r = verify_new(service->replica, service->settings->ldif_path != NULL, tell_difference, job, &work.verify);

	if (r == 0)
		r = source_read_all(service->settings, verify_one, &work, job->stop_fd, &job->error);
	if (r == 0)
		r = verify_finish(work.verify, settle, &figures);
	verify_free(work.verify);
	if (r == 0) {
		differ = publish_verify(service->publish, tell_difference, job, &job->stop);
		r = differ < 0 ? (int)differ : 0;
	}
	if (r < 0) {
		if (job->error.len == 0)
			text_putf(&job->error, "verify ended early: %s", r == -ECANCELED ? "stopped" : strerror(-r));
		return;
	}
	job->result = json_pack("{s:I, s:I, s:I, s:I, s:I}", "entries", (json_int_t)figures.entries, "missing",
	                        (json_int_t)figures.missing, "different", (json_int_t)figures.different, "extra",
	                        (json_int_t)figures.extra, "dns", (json_int_t)differ);
}

static int
on_verify(void *context, const struct control_peer *peer, struct control_stream *out, struct text *why)
{
	(void)peer;
	return job_start(context, "verify", verify_work, out, why);
}

/* --- rebuild */

static void
rebuild_work(struct service_job *job)
{
	struct service *service = job->service;
	int64_t fragments = apply_remap(service->apply, &job->stop);

	if (fragments < 0) {
		text_putf(&job->error, "the fragments cannot be derived again: %s",
		          fragments == -ECANCELED ? "stopped" : strerror((int)-fragments));
		return;
	}
	publish_rebuild(service->publish);
	for (;;) {
		struct publish_status status;
		struct pollfd stop = { job->stop_fd, POLLIN, 0 };

		publish_status(service->publish, &status);
		if (!status.rebuild_due && !status.rebuilding)
			break;
		if (atomic_load(&job->stop) || status.error[0] != '\0') {
			text_putf(&job->error, "%s", status.error[0] != '\0' ? status.error : "stopped");
			return;
		}
		poll(&stop, 1, 20);
	}
	if (apply_mark_derived(service->apply) < 0) {
		text_putf(&job->error, "directory/ cannot be written: %s", store_error_text());
		return;
	}
	job->result = json_pack("{s:I}", "fragments", (json_int_t)fragments);
}

int
service_start_rebuild(struct service *service)
{
	cleanup(text_free) struct text why = TEXT_INIT;

	return job_start(service, "rebuild", rebuild_work, NULL, &why);
}

static int
on_rebuild(void *context, const struct control_peer *peer, struct control_stream *out, struct text *why)
{
	log_notice("a rebuild was asked for by uid %lu", (unsigned long)peer->uid);
	return job_start(context, "rebuild", rebuild_work, out, why);
}

/* --- release-brake */

static void
release_work(struct service_job *job)
{
	int r = apply_release_brake(job->service->apply, &job->stop);

	if (r == 0)
		job->result = json_pack("{s:s}", "said", "the held removals are made");
	else if (r == -ENOENT)
		text_put(&job->error, "the brake holds nothing");
	else if (r == -ESTALE)
		text_put(&job->error, "a new comparison has begun, which the brake will weigh itself");
	else
		text_putf(&job->error, "the held removals are not all made: %s",
		          r == -ECANCELED ? "stopped" : strerror(-r));
}

static int
on_release_brake(void *context, const struct control_peer *peer, struct control_stream *out, struct text *why)
{
	struct service *service = context;
	struct apply_status status;
	int r;

	apply_status(service->apply, &status);
	if (!status.held) {
		text_put(why, "the brake holds nothing");
		return -ENOENT;
	}
	r = job_start(service, "release-brake", release_work, out, why);
	if (r == 0)
		log_notice("the brake was released by uid %lu: the held removals are made", (unsigned long)peer->uid);
	return r;
}

void
service_actions(struct service *service, struct control_actions *out)
{
	*out = (struct control_actions){
		.context = service,
		.status = on_status,
		.begin_wait = on_begin_wait,
		.synchronised = on_synchronised,
		.problems = on_problems,
		.verify = on_verify,
		.rebuild = on_rebuild,
		.entries = on_entries,
		.release_brake = on_release_brake,
	};
}
