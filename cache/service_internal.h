/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * What the files of the service share: jobs, and the actions that are not in service.c.
 */
#pragma once

#include "cache/service.h"

#include <pthread.h>

/* --- service_status.c */

json_t *service_status(void *context);

/* --- service_job.c: what takes long runs in a thread of its own, one at a time */

struct job_line;

struct service_job {
	struct service *service;
	const char *name;
	enum project_environment environment; /* that a rebuild is of; PROJECT_ENVIRONMENTS: all */
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

/* What runs, or NULL. */
const char *service_job_name(struct service *service);
/* Starts WORK, which fills in job->result or job->error. OUT NULL: nobody listens. -EBUSY while another job runs. */
must_check int service_job_start(struct service *service, const char *name, enum project_environment environment,
                                 void (*work)(struct service_job *), struct control_stream *out, struct text *why);
/* A line for the client; waits while it is slow, drops it when there is no client. */
void service_job_put(struct service_job *job, json_t *json);

/* --- service_work.c */

must_check int service_verify(void *context, const struct control_peer *peer, struct control_stream *out, struct text *why);
must_check int service_rebuild(void *context, const struct control_peer *peer, const char *environment,
                               struct control_stream *out, struct text *why);
must_check int service_release_brake(void *context, const struct control_peer *peer, struct control_stream *out,
                                     struct text *why);
