/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * A job: work in a thread of its own, whose lines wait for a client of the control socket.
 */
#include <config.h>

#include "cache/service_internal.h"

#include "common/log.h"

#include <errno.h>
#include <sys/eventfd.h>

enum { JOB_LINES_MAX = 1000 };

struct job_line {
	struct job_line *next;
	json_t *json;
};

const char *
service_job_name(struct service *service)
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

void
service_job_put(struct service_job *job, json_t *json)
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

int
service_job_start(struct service *service, const char *name, enum project_environment environment,
                  void (*work)(struct service_job *), struct control_stream *out, struct text *why)
{
	const char *running = service_job_name(service);
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
	job->environment = environment;
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
