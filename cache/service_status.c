/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * The status: of the whole, and of each environment.
 */
#include <config.h>

#include "cache/service_internal.h"

#include <time.h>

static void
set_number(json_t *object, const char *key, uint64_t n)
{
	json_object_set_new(object, key, json_integer((json_int_t)n));
}

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
	json_t *out;

	if (!status->held)
		return json_null();
	out = json_object();
	set_number(out, "entries", brake->entries);
	set_number(out, "zones", brake->zones);
	set_number(out, "zones_total", brake->zones_total);
	set_number(out, "records", brake->records);
	set_number(out, "records_total", brake->records_total);
	set_number(out, "mail_domains", brake->mail_domains);
	set_number(out, "mail_domains_total", brake->mail_domains_total);
	set_number(out, "addresses", brake->addresses);
	set_number(out, "addresses_total", brake->addresses_total);
	set_number(out, "accounts", brake->accounts);
	set_number(out, "accounts_total", brake->accounts_total);
	return out;
}

static void
add_warning(void *context, const char *sentence)
{
	json_array_append_new(context, json_string(sentence));
}

static json_t *
describe_warnings(struct service *service)
{
	cleanup(text_free) struct text missing = TEXT_INIT;
	json_t *out = json_array();

	settings_warn(service->settings, add_warning, out);
	if (service_missing_passwords(service, &missing) == 1)
		add_warning(out, text_str(&missing));
	return out;
}

/* What makes the whole of the environments. */
struct sums {
	bool complete, rebuilding;
	uint64_t applied, queue, subjects, problems, stuck, contact;
	char error[sizeof(((struct publish_status *)0)->error)];
};

static json_t *
describe_environment(struct service *service, enum project_environment i, struct sums *sums, json_t *all, json_t *stores)
{
	const struct projection *projection = &projections[i];
	json_t *out = json_object();
	struct publish_status status;
	struct store_figures figures;
	uint64_t queue, stuck;
	int r = publish_figures(service->publish[i], &figures);

	publish_status(service->publish[i], &status);
	queue = status.wanted > status.applied ? status.wanted - status.applied : 0;
	stuck = publish_busy_for(&status) / 1000;
	json_object_set_new(out, "complete", json_boolean(status.complete));
	json_object_set_new(out, "rebuilding", json_boolean(status.rebuilding));
	set_number(out, "applied", status.applied);
	set_number(out, "queue", queue);
	set_number(out, "stuck", stuck);
	set_number(out, "subjects", status.subjects);
	set_number(out, "problems", status.problems);
	json_object_set_new(out, "error", json_string(status.error));
	set_number(out, "contact", service->contact[i] / 1000000);
	for (size_t c = 0; c < PROJECT_COUNTED_MAX && projection->counted[c] != NULL; c++) {
		set_number(out, projection->counted[c], status.counts[c]);
		set_number(all, projection->counted[c], status.counts[c]);
	}
	json_object_set_new(stores, projection->name, describe_store(r, &figures));
	json_object_set(out, "store", json_object_get(stores, projection->name));

	/* What is read from all of them is as old as the oldest. */
	if (status.complete && service->contact[i] < sums->contact)
		sums->contact = service->contact[i];
	sums->complete &= status.complete;
	sums->rebuilding |= status.rebuilding;
	sums->subjects += status.subjects;
	sums->problems += status.problems;
	if (status.applied < sums->applied)
		sums->applied = status.applied;
	if (queue > sums->queue)
		sums->queue = queue;
	if (stuck > sums->stuck)
		sums->stuck = stuck;
	if (sums->error[0] == '\0')
		memcpy(sums->error, status.error, sizeof(sums->error));
	return out;
}

json_t *
service_status(void *context)
{
	struct service *service = context;
	struct apply_status applied;
	struct store_figures directory;
	struct sums sums = { .complete = true, .applied = UINT64_MAX, .contact = UINT64_MAX };
	int r = store_figures(service->replica->store, &directory);
	const char *job = service_job_name(service);
	json_t *out, *environments = json_object(), *stores = json_object();
	uint64_t problems = 0, contact;

	apply_status(service->apply, &applied);
	if (replica_count_problems(service->replica, &problems) < 0)
		problems = 0;
	out = json_pack("{s:s, s:i, s:I}", "version", PACKAGE_VERSION, "pid", (int)getpid(), "started",
	                (json_int_t)service->started);
	source_describe(service->source, out);
	service_note_contact(service);
	json_object_set_new(stores, "directory", describe_store(r, &directory));
	for (enum project_environment i = 0; i < PROJECT_ENVIRONMENTS; i++)
		json_object_set_new(environments, projections[i].name,
		                    describe_environment(service, i, &sums, out, stores));
	contact = sums.contact != UINT64_MAX ? sums.contact / 1000000 : 0;
	set_number(out, "contact", contact);
	json_object_set_new(out, "age", contact != 0 ? json_real((double)time(NULL) - (double)contact) : json_null());
	json_object_set_new(out, "synchronised", json_boolean(service_is_synchronised(service)));
	json_object_set_new(out, "complete", json_boolean(applied.complete && sums.complete));
	json_object_set_new(out, "loading", json_boolean(applied.loading));
	json_object_set_new(out, "refreshing", json_boolean(applied.refreshing));
	set_number(out, "mentioned", applied.mentioned);
	set_number(out, "entries", applied.entries);
	set_number(out, "problems", problems + sums.problems);
	set_number(out, "sequence", applied.sequence);
	set_number(out, "applied", sums.applied);
	set_number(out, "queue", sums.queue);
	set_number(out, "subjects", sums.subjects);
	json_object_set_new(out, "rebuilding", json_boolean(sums.rebuilding));
	json_object_set_new(out, "publish_error", json_string(sums.error));
	set_number(out, "stuck", sums.stuck);
	json_object_set_new(out, "brake", describe_brake(&applied));
	json_object_set_new(out, "warnings", describe_warnings(service));
	json_object_set_new(out, "job", job != NULL ? json_string(job) : json_null());
	json_object_set_new(out, "environments", environments);
	json_object_set_new(out, "stores", stores);
	return out;
}
