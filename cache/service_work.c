/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * The jobs: verify, rebuild, release-brake.
 */
#include <config.h>

#include "cache/service_internal.h"

#include "cache/verify.h"
#include "common/log.h"

#include <errno.h>
#include <poll.h>

enum { SETTLE_MILLISECONDS = 1000, REBUILD_POLL_MILLISECONDS = 20 };

static void
tell_difference(void *context, const char *sentence)
{
	struct service_job *job = context;

	service_job_put(job, json_pack("{s:o}", "difference", control_text(span_of(sentence))));
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
	int64_t differ[PROJECT_ENVIRONMENTS] = { 0 };
	int r = verify_new(service->replica, service->settings->ldif_path != NULL, tell_difference, job, &work.verify);

	if (r == 0)
		r = source_read_all(service->settings, verify_one, &work, job->stop_fd, &job->error);
	if (r == 0)
		r = verify_finish(work.verify, settle, &figures);
	verify_free(work.verify);
	if (r == 0) {
		for (size_t i = 0; i < PROJECT_ENVIRONMENTS && r == 0; i++) {
			differ[i] = publish_verify(service->publish[i], tell_difference, job, &job->stop);
			r = differ[i] < 0 ? (int)differ[i] : 0;
		}
	}
	if (r < 0) {
		if (job->error.len == 0)
			text_putf(&job->error, "verify ended early: %s", r == -ECANCELED ? "stopped" : strerror(-r));
		return;
	}
	job->result = json_pack("{s:I, s:I, s:I, s:I}", "entries", (json_int_t)figures.entries, "missing",
	                        (json_int_t)figures.missing, "different", (json_int_t)figures.different, "extra",
	                        (json_int_t)figures.extra);
	for (size_t i = 0; i < PROJECT_ENVIRONMENTS; i++)
		json_object_set_new(job->result, projections[i].name, json_integer((json_int_t)differ[i]));
}

int
service_verify(void *context, const struct control_peer *peer, struct control_stream *out, struct text *why)
{
	(void)peer;
	return service_job_start(context, "verify", PROJECT_ENVIRONMENTS, verify_work, out, why);
}

/* --- rebuild */

static bool
is_rebuilt(const struct service_job *job, enum project_environment i)
{
	return job->environment == i || job->environment == PROJECT_ENVIRONMENTS;
}

/* Waits until environment I is rebuilt; -ECANCELED or -EIO with job->error. */
static int
wait_for_rebuild(struct service_job *job, enum project_environment i)
{
	for (;;) {
		struct pollfd stop = { job->stop_fd, POLLIN, 0 };
		struct publish_status status;

		publish_status(job->service->publish[i], &status);
		/* A first build waits for what it needs, and is of everything. */
		if (!status.rebuilding && (!status.rebuild_due || !status.complete))
			return 0;
		if (atomic_load(&job->stop) || status.error[0] != '\0') {
			text_put(&job->error, status.error[0] != '\0' ? status.error : "stopped");
			return status.error[0] != '\0' ? -EIO : -ECANCELED;
		}
		poll(&stop, 1, REBUILD_POLL_MILLISECONDS);
	}
}

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
	for (enum project_environment i = 0; i < PROJECT_ENVIRONMENTS; i++)
		if (is_rebuilt(job, i))
			publish_rebuild(service->publish[i]);
	for (enum project_environment i = 0; i < PROJECT_ENVIRONMENTS; i++)
		if (is_rebuilt(job, i) && wait_for_rebuild(job, i) < 0)
			return;
	if (job->environment == PROJECT_ENVIRONMENTS) {
		if (apply_mark_derived(service->apply) < 0) {
			text_putf(&job->error, "directory/ cannot be written: %s", store_error_text());
			return;
		}
		atomic_store(&service->remap_due, false);
	}
	job->result = json_pack("{s:I}", "fragments", (json_int_t)fragments);
}

void
service_remap(struct service *service)
{
	cleanup(text_free) struct text why = TEXT_INIT;

	if (!atomic_load(&service->remap_due) || service_job_name(service) != NULL || apply_may_remap(service->apply) != 1)
		return;
	log_notice("the configuration or the version of what is derived has changed: it is derived again");
	if (service_job_start(service, "rebuild", PROJECT_ENVIRONMENTS, rebuild_work, NULL, &why) < 0)
		log_warning("%s", text_str(&why));
}

int
service_rebuild(void *context, const struct control_peer *peer, const char *environment, struct control_stream *out,
                struct text *why)
{
	enum project_environment which = environment != NULL ? project_named(environment) : PROJECT_ENVIRONMENTS;

	if (environment != NULL && which == PROJECT_ENVIRONMENTS) {
		text_putf(why, "there is no environment \"%.40s\"; known:", environment);
		for (size_t i = 0; i < PROJECT_ENVIRONMENTS; i++)
			text_putf(why, " %s", projections[i].name);
		return -EINVAL;
	}
	log_notice("a rebuild%s%.40s was asked for by uid %lu", environment != NULL ? " of " : "",
	           environment != NULL ? environment : "", (unsigned long)peer->uid);
	return service_job_start(context, "rebuild", which, rebuild_work, out, why);
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

int
service_release_brake(void *context, const struct control_peer *peer, struct control_stream *out, struct text *why)
{
	struct service *service = context;
	struct apply_status status;
	int r;

	apply_status(service->apply, &status);
	if (!status.held) {
		text_put(why, "the brake holds nothing");
		return -ENOENT;
	}
	r = service_job_start(service, "release-brake", PROJECT_ENVIRONMENTS, release_work, out, why);
	if (r == 0)
		log_notice("the brake was released by uid %lu: the held removals are made", (unsigned long)peer->uid);
	return r;
}
