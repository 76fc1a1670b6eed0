/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * What named calls. Queries are answered in walk.c; here are start and end, result codes, transfers, counters and the
 * log.
 *
 * named creates the instances of a new configuration before it destroys the old ones, from any thread, and uses them from
 * all of its threads. Data that is missing is no reason not to start: only arguments are.
 */
#include <config.h>

#include "dlz_ispman/walk.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <time.h>

enum {
	RCODE_NXDOMAIN = 3,
	/* Result codes from 0 on are spelled by isc_result_totext(), which crashes beyond its last one. That of NXDOMAIN comes after
	 * all that are looked for. Early releases of 9.18 numbered them by class, and theirs was safe. */
	CODES_BY_CLASS = 65536,
	CODES_A_CLASS = 256,
	TEND_SECONDS = 5,
};

/* --- result codes ------------------------------------------------------------------------------- */

typedef dlz_result from_rcode_function(uint16_t rcode);
typedef const char *to_text_function(dlz_result result);

/* A function of the named that loaded us. */
static void *
find_function(const char *name)
{
	return dlsym(RTLD_DEFAULT, name);
}

/* The code that is spelled TEXT: USUAL, or one from FIRST up to, not including, END; -1 when there is none. */
static dlz_result
find_code(to_text_function *to_text, const char *text, dlz_result usual, dlz_result first, dlz_result end)
{
	if (usual >= first && usual < end && strcmp(to_text(usual), text) == 0)
		return usual;
	for (dlz_result code = first; code < end; code++)
		if (strcmp(to_text(code), text) == 0)
			return code;
	return -1;
}

static dlz_result
known_or(dlz_result found, dlz_result usual)
{
	return found >= 0 ? found : usual;
}

static struct dlz_codes
find_codes(void)
{
	/* As they were in every release from 9.16 to 9.20. */
	struct dlz_codes codes = { .not_found = 23, .no_permission = 6, .no_more = 29, .failure = 25, .deflt = 68 };
	from_rcode_function *from_rcode;
	to_text_function *to_text;
	dlz_result nxdomain, first = 0, end;

	*(void **)&from_rcode = find_function("dns_result_fromrcode");
	*(void **)&to_text = find_function("isc_result_totext");
	if (from_rcode == NULL || to_text == NULL)
		return codes;
	nxdomain = from_rcode(RCODE_NXDOMAIN);
	end = nxdomain < CODES_BY_CLASS ? nxdomain : CODES_A_CLASS / 2;
	codes.not_found = known_or(find_code(to_text, "not found", codes.not_found, 0, end), codes.not_found);
	codes.no_permission =
		known_or(find_code(to_text, "permission denied", codes.no_permission, 0, end), codes.no_permission);
	codes.no_more = known_or(find_code(to_text, "no more", codes.no_more, 0, end), codes.no_more);
	codes.failure = known_or(find_code(to_text, "failure", codes.failure, 0, end), codes.failure);
	codes.deflt = known_or(find_code(to_text, "default", codes.deflt, 0, end), codes.deflt);
	if (nxdomain >= CODES_BY_CLASS) {
		first = CODES_BY_CLASS;
		end = CODES_BY_CLASS + CODES_A_CLASS;
	}
	codes.nxdomain = nxdomain;
	codes.empty_name = find_code(to_text, "empty name", -1, first, end);
	codes.complete = codes.empty_name >= 0 && nxdomain > 0;
	return codes;
}

/* --- counters ----------------------------------------------------------------------------------- */

#define ANSWER(result, zone) \
	{ "dns_answers", "result=\"" result "\",zone=\"" zone "\"", \
	  "Questions that were resolved; named does not tell the type, so data may still have been NODATA", COUNTERS_COUNT }
#define ANSWERS(zone) \
	ANSWER("data", zone), ANSWER("empty", zone), ANSWER("nxdomain", zone), ANSWER("referral", zone), \
	ANSWER("dname", zone), ANSWER("wildcard", zone)

static const struct counters_row counter_rows[] = {
	ANSWERS("primary"),
	ANSWERS("replica"),
	ANSWERS("reverse"),
	{ "dns_no_zone", NULL, "Questions about names in no zone of the cache", COUNTERS_COUNT },
	{ "dns_cannot_tell", NULL, "Questions that the cache could not answer", COUNTERS_COUNT },
	{ "dns_transfers", NULL, "Zones that were transferred", COUNTERS_COUNT },
	{ "dns_data_time_seconds", NULL, "When the cache was last known to be equal to the directory", COUNTERS_SECONDS },
};

_Static_assert(array_size(counter_rows) == COUNT_DATA_TIME + 1, "a row for each counter");

/* All instances count together: they are one named. */
static pthread_mutex_t shared_lock = PTHREAD_MUTEX_INITIALIZER;
static struct counters *shared_counters;
static unsigned shared_holders;

static struct counters *
hold_counters(const char *run_dir)
{
	struct counters *counters;

	pthread_mutex_lock(&shared_lock);
	if (shared_holders++ == 0)
		shared_counters = counters_open(run_dir, "dns", "dlz_ispman", counter_rows, array_size(counter_rows));
	counters = shared_counters;
	pthread_mutex_unlock(&shared_lock);
	return counters;
}

static void
release_counters(void)
{
	pthread_mutex_lock(&shared_lock);
	if (--shared_holders == 0) {
		counters_close(shared_counters);
		shared_counters = NULL;
	}
	pthread_mutex_unlock(&shared_lock);
}

static void
publish(struct instance *instance)
{
	uint64_t age;

	counters_publish(instance->counters);
	if (cache_age(instance->cache, &age) == 0)
		counters_set(instance->counters, COUNT_DATA_TIME, ((uint64_t)time(NULL) - age) * 1000000);
}

static uint32_t
present_second(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	return (uint32_t)now.tv_sec;
}

/* One thread in some seconds does what need not be done for each query. */
static void
tend(struct instance *instance, uint32_t second)
{
	unsigned last = atomic_load_explicit(&instance->tended, memory_order_relaxed);

	if (second - last < TEND_SECONDS || !atomic_compare_exchange_strong(&instance->tended, &last, second))
		return;
	publish(instance);
}

/* --- the cache ---------------------------------------------------------------------------------- */

static void
say_unusable(struct instance *instance)
{
	if (!atomic_exchange(&instance->unusable, true))
		instance->log(DLZ_LOG_ERROR, "dlz %s: the cache cannot be used, %s until it can: %s", instance->name,
		              instance->arguments.refuse ? "its zones are not served" : "queries get SERVFAIL",
		              cache_error_text());
}

int
instance_begin(struct instance *instance, struct dns_view **out)
{
	struct dns_view *view;
	int r = dns_begin(instance->cache, &view);

	if (r == 0 && instance->arguments.max_age != 0) {
		r = cache_check_age(instance->cache, instance->arguments.max_age);
		if (r < 0)
			dns_end(view);
	}
	if (r < 0) {
		counters_add(instance->counters, COUNT_CANNOT_TELL, 1);
		say_unusable(instance);
		tend(instance, present_second());
		return r;
	}
	tend(instance, dns_second(view));
	if (atomic_load_explicit(&instance->unusable, memory_order_relaxed) &&
	    atomic_exchange(&instance->unusable, false))
		instance->log(DLZ_LOG_NOTICE, "dlz %s: the cache can be used again", instance->name);
	*out = view;
	return 0;
}

/* --- start and end ------------------------------------------------------------------------------ */

static void
no_log(int level, const char *format, ...)
{
	(void)level;
	(void)format;
}

static void
instance_free(struct instance *instance)
{
	if (instance == NULL)
		return;
	if (instance->counters != NULL)
		release_counters();
	cache_close(instance->cache);
	arguments_free(&instance->arguments);
	free(instance->name);
	free(instance);
}

static void
instance_freep(struct instance **instance)
{
	instance_free(*instance);
}

/* Opens what can be opened now, and says what is the matter with the rest. */
static int
instance_open(struct instance *instance)
{
	struct dns_view *view;

	if (dns_open(instance->arguments.cache_dir, instance->arguments.run_dir, &instance->cache) < 0)
		return -ENOMEM;
	instance->counters = hold_counters(instance->arguments.run_dir);
	if (counters_publish(instance->counters) == 0)
		instance->log(DLZ_LOG_WARNING, "dlz %s: no counters for ispmanctl metrics: %s/metrics/dns cannot be written to",
		              instance->name, instance->arguments.run_dir);
	if (!instance->codes.complete)
		instance->log(DLZ_LOG_WARNING, "dlz %s: this named does not tell its result codes; "
		              "ANY at an empty name will be SERVFAIL", instance->name);
	if (instance_begin(instance, &view) == 0) {
		dns_end(view);
		instance->log(DLZ_LOG_INFO, "dlz %s: serving %s", instance->name, cache_path(instance->cache));
	}
	return 0;
}

int
dlz_version(unsigned *flags)
{
	*flags |= DLZ_THREADSAFE;
	return DLZ_VERSION;
}

static void
take_functions(struct instance *instance, va_list pairs)
{
	const char *name;

	while ((name = va_arg(pairs, const char *)) != NULL) {
		void *function = va_arg(pairs, void *);

		if (strcmp(name, "log") == 0)
			*(void **)&instance->log = function;
		else if (strcmp(name, "putrr") == 0)
			*(void **)&instance->putrr = function;
		else if (strcmp(name, "putnamedrr") == 0)
			*(void **)&instance->putnamedrr = function;
	}
}

dlz_result
dlz_create(const char *name, unsigned argc, char *argv[], void **out_data, ...)
{
	static const dlz_result usual_failure = 25;
	cleanup(instance_freep) struct instance *instance = calloc(1, sizeof(*instance));
	struct text why = TEXT_INIT;
	va_list pairs;
	int r;

	if (instance == NULL)
		return usual_failure;
	instance->log = no_log;
	va_start(pairs, out_data);
	take_functions(instance, pairs);
	va_end(pairs);
	instance->codes = find_codes();
	instance->name = strdup(name);
	if (instance->name == NULL || instance->putrr == NULL || instance->putnamedrr == NULL)
		return instance->codes.failure;
	r = arguments_read(argc, argv, &instance->arguments, &why);
	if (r < 0)
		instance->log(DLZ_LOG_ERROR, "dlz %s: %s", name, text_str(&why));
	text_free(&why);
	if (r == 0)
		r = instance_open(instance);
	if (r < 0)
		return instance->codes.failure;
	*out_data = take(instance);
	return DLZ_SUCCESS;
}

void
dlz_destroy(void *data)
{
	walk_forget();
	instance_free(data);
}

/* --- queries ------------------------------------------------------------------------------------ */

dlz_result
dlz_findzonedb(void *data, const char *name, struct dlz_methods *methods, struct dlz_clientinfo *client)
{
	(void)methods;
	return walk_find_zone(data, name, client != NULL ? client->data : NULL);
}

dlz_result
dlz_lookup(const char *zone, const char *name, void *data, struct dlz_lookup *lookup, struct dlz_methods *methods,
           struct dlz_clientinfo *client)
{
	return walk_lookup(data, zone, name, methods == NULL && client == NULL, client != NULL ? client->data : NULL,
	                   lookup);
}

/* --- transfers ---------------------------------------------------------------------------------- */

/* The zone of this very name: 1, 0 or negative. */
static int
find_zone(struct dns_view *view, const char *name, struct dns_question *out_question, struct dns_zone *out_zone)
{
	struct dname wire;

	if (dname_from_text(span_of(name), NULL, &wire) < 0)
		return 0;
	dns_question_set(out_question, &wire);
	return dns_find_exact_zone(view, out_question, out_zone);
}

dlz_result
dlz_allowzonexfr(void *data, const char *name, const char *client)
{
	struct instance *instance = data;
	struct dns_question question;
	struct dns_zone zone;
	struct dns_view *view;
	int r;

	walk_forget();
	r = instance_begin(instance, &view);
	if (r < 0)
		return instance->arguments.refuse ? instance->codes.not_found : instance->codes.failure;
	r = find_zone(view, name, &question, &zone);
	dns_end(view);
	if (r < 0)
		return instance->codes.failure;
	if (r == 0)
		return instance->codes.not_found;
	if (instance->arguments.transfer == TRANSFER_VIEW)
		return instance->codes.deflt;
	return arguments_allow_transfer(&instance->arguments, client) ? DLZ_SUCCESS : instance->codes.no_permission;
}

struct transfer {
	const struct instance *instance;
	struct dlz_allnodes *nodes;
	struct text owner;
	dlz_result result;
};

/* Puts all records of OWNER; not 0 stops the transfer. */
static int
transfer_name(void *context, const struct dname *owner, struct dns_records *records)
{
	struct transfer *transfer = context;
	char type_room[RRTYPE_TEXT_MAX];
	struct rr rr;
	int r;

	text_clear(&transfer->owner);
	dname_put_text(&transfer->owner, owner);
	if (text_failed(&transfer->owner))
		return -ENOMEM;
	while ((r = dns_records_next(records, &rr)) > 0) {
		transfer->result = transfer->instance->putnamedrr(transfer->nodes, text_str(&transfer->owner),
		                                                  rrtype_text(rr.type, type_room), rr.ttl,
		                                                  rr.text.data);
		if (transfer->result != DLZ_SUCCESS)
			return -EBADMSG;
	}
	return r;
}

/* SOA and all that each name has, from one snapshot. */
static int
transfer_zone(struct transfer *transfer, struct dns_view *view, const char *name)
{
	struct dns_question question;
	struct text soa = TEXT_INIT;
	struct dns_zone zone;
	int r = find_zone(view, name, &question, &zone);

	if (r <= 0)
		return r < 0 ? r : -ENOENT;
	dns_zone_put_soa(&zone, &soa);
	dname_put_text(&transfer->owner, &question.name);
	if (text_failed(&soa) || text_failed(&transfer->owner))
		r = -ENOMEM;
	else
		transfer->result = transfer->instance->putnamedrr(transfer->nodes, text_str(&transfer->owner), "SOA",
		                                                  zone.soa_ttl, text_str(&soa));
	text_free(&soa);
	if (r < 0 || transfer->result != DLZ_SUCCESS)
		return -EBADMSG;
	return dns_each_name(view, &zone, &question, transfer_name, transfer);
}

dlz_result
dlz_allnodes(const char *zone, void *data, struct dlz_allnodes *nodes)
{
	struct instance *instance = data;
	struct transfer transfer = { .instance = instance, .nodes = nodes, .owner = TEXT_INIT };
	struct dns_view *view;
	int r;

	walk_forget();
	r = instance_begin(instance, &view);
	if (r < 0)
		return instance->codes.failure;
	r = transfer_zone(&transfer, view, zone);
	dns_end(view);
	text_free(&transfer.owner);
	if (r < 0) {
		instance->log(DLZ_LOG_ERROR, "dlz %s: the zone %s cannot be transferred", instance->name, zone);
		return instance->codes.failure;
	}
	counters_add(instance->counters, COUNT_TRANSFERS, 1);
	return DLZ_SUCCESS;
}
