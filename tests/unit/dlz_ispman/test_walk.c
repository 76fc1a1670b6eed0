/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * The module asked as named 9.18 asks it (lib/dns/sdlz.c): label by label, with named's own search for wildcards.
 */
#include <config.h>

#include "tests/unit/test.h"

#include "dlz_ispman/walk.h"
#include "tests/lib/dns_text.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>

enum { LABELS_MAX = 16, RECORDS_MAX = 32 };

static char folder[64];
static void *module;
static struct text logged;

/* --- named's side ------------------------------------------------------------------------------- */

struct dlz_lookup {
	size_t count;
	struct {
		char type[16];
		char text[64];
	} records[RECORDS_MAX];
};

__attribute__((format(printf, 2, 3))) static void
take_log(int level, const char *format, ...)
{
	char line[512];
	va_list args;

	(void)level;
	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	text_put(&logged, line);
	text_put_char(&logged, '\n');
}

static dlz_result
put_record(struct dlz_lookup *lookup, const char *type, uint32_t ttl, const char *data)
{
	(void)ttl;
	assert_true(lookup->count < RECORDS_MAX);
	snprintf(lookup->records[lookup->count].type, 16, "%s", type);
	snprintf(lookup->records[lookup->count].text, 64, "%s", data);
	lookup->count++;
	return strcmp(data, "\"bad\"") == 0 ? 1 : DLZ_SUCCESS;
}

static dlz_result
put_named(struct dlz_allnodes *nodes, const char *name, const char *type, uint32_t ttl, const char *data)
{
	(void)nodes;
	text_putf(&logged, "%s %u %s %s\n", name, ttl, type, data);
	return DLZ_SUCCESS;
}

static struct instance *
instance_of(void)
{
	return module;
}

static const char *
find(const struct dlz_lookup *lookup, const char *type)
{
	for (size_t i = 0; i < lookup->count; i++)
		if (strcmp(lookup->records[i].type, type) == 0)
			return lookup->records[i].text;
	return NULL;
}

/* Where each label of NAME begins. */
static unsigned
split(const char *name, const char *labels[LABELS_MAX])
{
	unsigned n = 0;

	labels[n++] = name;
	for (const char *p = name; (p = strchr(p, '.')) != NULL;)
		labels[n++] = ++p;
	return n;
}

/* One node, as getnodedata() gets it: NAME is relative to ZONE. */
static dlz_result
get_node(const char *zone, const char *name, bool internal, struct dlz_clientinfo *client, struct dlz_lookup *out)
{
	struct dlz_methods *methods = internal ? NULL : (struct dlz_methods *)client;
	dlz_result result;
	bool is_apex = strcmp(name, "@") == 0;
	const char *rest = name;

	out->count = 0;
	result = dlz_lookup(zone, name, module, out, methods, internal ? NULL : client);
	while (result == instance_of()->codes.not_found && !is_apex && rest != NULL) {
		char wild[256];

		rest = strchr(rest, '.');
		snprintf(wild, sizeof(wild), "*%s", rest != NULL ? rest : "");
		if (rest != NULL)
			rest++;
		result = dlz_lookup(zone, wild, module, out, methods, internal ? NULL : client);
		if (result == DLZ_SUCCESS)
			break;
		result = instance_of()->codes.not_found;
	}
	if (result == instance_of()->codes.not_found && is_apex)
		result = DLZ_SUCCESS;
	return result;
}

/* The walk from the apex to NAME, as findext() does it. */
static void
walk(const char *zone, const char *name, const char *type, struct dlz_clientinfo *client, struct text *out)
{
	const char *labels[LABELS_MAX];
	unsigned count = split(name, labels), below = count - split(zone, (const char *[LABELS_MAX]){ 0 });
	bool nxdomain = false;

	for (unsigned level = 0; level <= below; level++) {
		struct dlz_lookup node;
		char relative[256];
		dlz_result result;

		if (level == 0)
			strcpy(relative, "@");
		else
			snprintf(relative, sizeof(relative), "%.*s",
			         (int)(strlen(labels[below - level]) - strlen(zone) - 1), labels[below - level]);
		result = get_node(zone, relative, false, client, &node);
		nxdomain = result == instance_of()->codes.not_found ||
		           (instance_of()->codes.complete && result == instance_of()->codes.nxdomain);
		if (result == instance_of()->codes.not_found)
			continue;
		if (nxdomain)
			break;
		if (instance_of()->codes.complete && result == instance_of()->codes.empty_name) {
			text_put(out, "nodata");
			return;
		}
		if (result != DLZ_SUCCESS) {
			text_put(out, "servfail");
			return;
		}
		if (level < below && find(&node, "DNAME") != NULL) {
			text_putf(out, "dname %s", find(&node, "DNAME"));
			return;
		}
		if (level > 0 && find(&node, "NS") != NULL) {
			text_putf(out, "delegation %s", find(&node, "NS"));
			return;
		}
		if (level < below)
			continue;
		if (find(&node, type) != NULL)
			text_put(out, find(&node, type));
		else if (find(&node, "CNAME") != NULL)
			text_putf(out, "cname %s", find(&node, "CNAME"));
		else
			text_put(out, "nodata");
		return;
	}
	assert_true(nxdomain);
	text_put(out, "nxdomain");
}

/* A whole query; negative answers end with the SOA's serial. */
static void
query(const char *name, const char *type, struct text *out)
{
	static struct dlz_clientinfo client = { .version = 3, .data = &client };
	const char *labels[LABELS_MAX];
	unsigned count = split(name, labels);
	const char *zone = NULL;

	text_clear(out);
	for (unsigned i = 0; i < count && zone == NULL; i++) {
		dlz_result result = dlz_findzonedb(module, labels[i], (struct dlz_methods *)&client, &client);

		if (result == DLZ_SUCCESS)
			zone = labels[i];
		else if (result == instance_of()->codes.no_more)
			break;
		else
			assert_int_equal(result, instance_of()->codes.not_found);
	}
	if (zone == NULL) {
		text_put(out, "refused");
		return;
	}
	walk(zone, name, type, &client, out);
	if (strcmp(text_str(out), "nodata") == 0 || strcmp(text_str(out), "nxdomain") == 0) {
		struct dlz_lookup apex = { 0 };
		const char *soa;

		assert_int_equal(get_node(zone, "@", true, NULL, &apex), DLZ_SUCCESS);
		soa = find(&apex, "SOA");
		text_putf(out, " %c", soa != NULL ? soa[strlen("ns. host. ")] : '?');
	}
}

/* --- tests -------------------------------------------------------------------------------------- */

static void
fill(const char *text)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/dns/2", folder);
	dns_text_write(path, span_of(text));
}

static dlz_result
create(const char *argument)
{
	char cache_dir[128], run_dir[128];
	char path[] = "dlz_ispman.so";
	char *words[4] = { path, cache_dir, run_dir, (char *)(uintptr_t)argument };

	snprintf(cache_dir, sizeof(cache_dir), "cache-dir=%s", folder);
	snprintf(run_dir, sizeof(run_dir), "run-dir=%s/run", folder);
	module = NULL;
	return dlz_create("test", argument != NULL ? 4 : 3, words, &module, "log", take_log, "putrr", put_record,
	                  "putnamedrr", put_named, "writeable_zone", NULL, NULL);
}

#define ZONES \
	"zone tern.example primary 5 3600 ns. host.\n" \
	"rr tern.example @ NS - ns1\nrr tern.example @ MX - 10 mx\nrr tern.example www A - 192.0.2.1\n" \
	"rr tern.example a.b.c TXT - \"deep\"\nrr tern.example *.w A - 192.0.2.2\nrr tern.example x.d.w TXT - \"in the way\"\n" \
	"rr tern.example sub NS - ns.sub\nrr tern.example ns.sub A - 192.0.2.3\nrr tern.example d DNAME - other.\n" \
	"rr tern.example alias CNAME - www\nrr tern.example bad TXT - \"bad\"\nrr tern.example s.*.e TXT - \"below\"\n" \
	"zone shop.tern.example primary 7 3600 ns. host.\nrr shop.tern.example * A - 192.0.2.4\n"

static int
make_module(void **state)
{
	char path[128];

	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/test_walk.XXXXXX");
	if (mkdtemp(folder) == NULL)
		return -1;
	snprintf(path, sizeof(path), "%s/run", folder);
	mkdir(path, 0755);
	fill(ZONES);
	return create(NULL);
}

static int
remove_module(void **state)
{
	char command[128];

	(void)state;
	if (module != NULL)
		dlz_destroy(module);
	module = NULL;
	dns_text_close();
	text_free(&logged);
	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	return system(command);
}

static const struct {
	const char *name, *type, *want;
} rows[] = {
	{ "www.tern.example", "A", "192.0.2.1" },
	{ "www.tern.example", "AAAA", "nodata 5" },
	{ "tern.example", "MX", "10 mx" },
	{ "tern.example", "SOA", "ns. host. 5 1h 10m 1w 1h" },
	{ "tern.example", "A", "nodata 5" },
	{ "no.tern.example", "A", "nxdomain 5" },
	{ "x.www.tern.example", "A", "nxdomain 5" },
	{ "z.y.x.www.tern.example", "A", "nxdomain 5" },
	{ "a.b.c.tern.example", "TXT", "\"deep\"" },
	{ "b.c.tern.example", "TXT", "nodata 5" },
	{ "x.b.c.tern.example", "TXT", "nxdomain 5" },
	{ "any.w.tern.example", "A", "192.0.2.2" },
	{ "any.thing.w.tern.example", "A", "192.0.2.2" },
	{ "any.w.tern.example", "TXT", "nodata 5" },
	/* The closest encloser has no wildcard: the one above may not be used. */
	{ "y.d.w.tern.example", "A", "nxdomain 5" },
	{ "d.w.tern.example", "A", "nodata 5" },
	{ "y.x.d.w.tern.example", "A", "nxdomain 5" },
	{ "x.*.w.tern.example", "A", "nxdomain 5" },
	{ "*.w.tern.example", "A", "192.0.2.2" },
	{ "x.e.tern.example", "A", "nodata 5" },
	{ "y.x.e.tern.example", "A", "nodata 5" },
	{ "x.y.sub.tern.example", "A", "delegation ns.sub" },
	{ "sub.tern.example", "A", "delegation ns.sub" },
	{ "x.d.tern.example", "A", "dname other." },
	{ "d.tern.example", "DNAME", "other." },
	{ "alias.tern.example", "A", "cname www" },
	{ "bad.tern.example", "TXT", "servfail" },
	{ "x.y.shop.tern.example", "A", "192.0.2.4" },
	{ "shop.tern.example", "A", "nodata 7" },
	{ "www.heron.example", "A", "refused" },
	{ "example", "A", "refused" },
};

static void
all_rows(void)
{
	struct text got = TEXT_INIT;

	for (int round = 0; round < 2; round++) {
		for (size_t i = 0; i < array_size(rows); i++) {
			query(rows[i].name, rows[i].type, &got);
			if (strcmp(text_str(&got), rows[i].want) != 0)
				fail_msg("%s %s: got %s, want %s", rows[i].name, rows[i].type, text_str(&got), rows[i].want);
		}
	}
	text_free(&got);
}

static void
named_is_led_to_the_answer(void **state)
{
	(void)state;
	instance_of()->codes.complete = true;
	instance_of()->codes.nxdomain = 225;
	instance_of()->codes.empty_name = 165;
	all_rows();
}

static void
named_that_tells_no_codes_is_too(void **state)
{
	(void)state;
	/* Nothing in this program tells them. */
	assert_false(instance_of()->codes.complete);
	assert_int_equal(instance_of()->codes.not_found, 23);
	assert_non_null(strstr(text_str(&logged), "does not tell its result codes"));
	all_rows();
}

static void *
query_in_a_thread(void *context)
{
	struct text got = TEXT_INIT;

	(void)context;
	query("any.w.tern.example", "A", &got);
	assert_string_equal(text_str(&got), "192.0.2.2");
	text_free(&got);
	return NULL;
}

static void
a_walk_belongs_to_its_thread_and_client(void **state)
{
	struct dlz_clientinfo one = { .version = 3, .data = &one }, other = { .version = 3, .data = &other };
	struct dlz_methods *methods = (struct dlz_methods *)&one;
	struct dlz_lookup node = { 0 };
	pthread_t thread;

	(void)state;
	instance_of()->codes.complete = true;
	instance_of()->codes.nxdomain = 225;
	instance_of()->codes.empty_name = 165;

	/* Armed for a name that does not exist: others are not told so. */
	assert_int_equal(dlz_findzonedb(module, "no.tern.example", methods, &one), 23);
	assert_int_equal(dlz_lookup("tern.example", "@", module, &node, methods, &other), DLZ_SUCCESS);
	assert_non_null(find(&node, "MX"));
	assert_int_equal(dlz_findzonedb(module, "tern.example", methods, &one), DLZ_SUCCESS);
	node.count = 0;
	assert_int_equal(dlz_lookup("tern.example", "www", module, &node, methods, &one), DLZ_SUCCESS);
	assert_string_equal(find(&node, "A"), "192.0.2.1");

	/* Another thread in the middle of it. */
	assert_int_equal(dlz_findzonedb(module, "no.tern.example", methods, &one), 23);
	assert_int_equal(dlz_findzonedb(module, "tern.example", methods, &one), DLZ_SUCCESS);
	assert_int_equal(pthread_create(&thread, NULL, query_in_a_thread, NULL), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(dlz_lookup("tern.example", "@", module, &node, methods, &one), 225);
}

static void
one_answer_comes_from_one_snapshot(void **state)
{
	struct dlz_clientinfo client = { .version = 3, .data = &client };
	struct dlz_methods *methods = (struct dlz_methods *)&client;
	struct dlz_lookup node = { 0 };

	(void)state;
	assert_int_equal(dlz_findzonedb(module, "www.tern.example", methods, &client), 23);
	fill("zone tern.example primary 6 3600 ns. host.\n");
	assert_int_equal(dlz_findzonedb(module, "tern.example", methods, &client), DLZ_SUCCESS);
	assert_int_equal(dlz_lookup("tern.example", "@", module, &node, methods, &client), DLZ_SUCCESS);
	assert_int_equal(node.count, 0);
	assert_int_equal(dlz_lookup("tern.example", "www", module, &node, methods, &client), DLZ_SUCCESS);
	assert_string_equal(find(&node, "A"), "192.0.2.1");
	node.count = 0;
	instance_of()->arguments.minimal = true;
	assert_int_equal(dlz_lookup("tern.example", "@", module, &node, NULL, NULL), DLZ_SUCCESS);
	assert_string_equal(find(&node, "SOA"), "ns. host. 5 1h 10m 1w 1h");
	assert_int_equal(node.count, 1);
	/* Unless something else begins. */
	node.count = 0;
	assert_int_equal(dlz_allowzonexfr(module, "tern.example", "192.0.2.1"), instance_of()->codes.no_permission);
	assert_int_equal(dlz_lookup("tern.example", "@", module, &node, NULL, NULL), DLZ_SUCCESS);
	assert_string_equal(find(&node, "SOA"), "ns. host. 6 1h 10m 1w 1h");
}

static void
soa_is_spelled_short_for_named(void **state)
{
	static const struct {
		const char *names, *minimum, *want;
	} soas[] = {
		{ "ns1.tern.example. host.isp.example.", "86400", "ns1 host.isp.example. 1 1h 10m 1w 1d" },
		{ "tern.example. h.tern.example.", "0", "tern.example. h 1 1h 10m 1w 0" },
		{ "xtern.example. a\\.tern.example.", "61", "xtern.example. a\\.tern.example. 1 1h 10m 1w 61" },
		{ "Ns1.Tern.example. .", "4294967280", "Ns1.Tern.example. . 1 1h 10m 1w 71582788m" },
	};
	char text[256];

	(void)state;
	for (size_t i = 0; i < array_size(soas); i++) {
		struct dlz_lookup node = { 0 };

		snprintf(text, sizeof(text), "zone tern.example primary 1 %s %s\n", soas[i].minimum, soas[i].names);
		fill(text);
		assert_int_equal(dlz_lookup("tern.example", "@", module, &node, NULL, NULL), DLZ_SUCCESS);
		assert_string_equal(find(&node, "SOA"), soas[i].want);
	}
}

static void
names_with_any_octet_are_walked(void **state)
{
	struct dlz_clientinfo client = { .version = 3, .data = &client };
	struct dlz_methods *methods = (struct dlz_methods *)&client;
	struct dlz_lookup node = { 0 };

	(void)state;
	fill("zone tern.example primary 6 3600 ns. host.\nrr tern.example a\\.b.\\000\\255 TXT - \"odd\"\n");
	assert_int_equal(dlz_findzonedb(module, "a\\.b.\\000\\255.tern.example", methods, &client), 23);
	assert_int_equal(dlz_findzonedb(module, "\\000\\255.tern.example", methods, &client), 23);
	assert_int_equal(dlz_findzonedb(module, "tern.example", methods, &client), DLZ_SUCCESS);
	assert_int_equal(dlz_lookup("tern.example", "@", module, &node, methods, &client), DLZ_SUCCESS);
	assert_int_equal(dlz_lookup("tern.example", "\\000\\255", module, &node, methods, &client), DLZ_SUCCESS);
	assert_int_equal(node.count, 0);
	assert_int_equal(dlz_lookup("tern.example", "a\\.b.\\000\\255", module, &node, methods, &client), DLZ_SUCCESS);
	assert_string_equal(find(&node, "TXT"), "\"odd\"");
}

static void
a_cache_that_cannot_tell_claims_no_more_than_it_must(void **state)
{
	struct text got = TEXT_INIT;

	(void)state;
	fill(ZONES "incomplete\n");
	query("www.tern.example", "A", &got);
	assert_string_equal(text_str(&got), "servfail");
	assert_non_null(strstr(text_str(&logged), "queries get SERVFAIL until it can"));
	instance_of()->arguments.refuse = true;
	query("www.tern.example", "A", &got);
	assert_string_equal(text_str(&got), "refused");
	text_clear(&logged);
	fill(ZONES);
	query("www.tern.example", "A", &got);
	assert_string_equal(text_str(&got), "192.0.2.1");
	assert_non_null(strstr(text_str(&logged), "can be used again"));
	text_free(&got);
}

static void
transfers_are_for_those_who_may(void **state)
{
	(void)state;
	dlz_destroy(module);
	assert_int_equal(create("allow-transfer=192.0.2.0/24,2001:db8::7"), DLZ_SUCCESS);
	assert_int_equal(dlz_allowzonexfr(module, "tern.example", "192.0.2.99"), DLZ_SUCCESS);
	assert_int_equal(dlz_allowzonexfr(module, "tern.example", "192.0.3.99"), 6);
	assert_int_equal(dlz_allowzonexfr(module, "tern.example", "2001:db8::7"), DLZ_SUCCESS);
	assert_int_equal(dlz_allowzonexfr(module, "www.tern.example", "192.0.2.99"), 23);
	text_clear(&logged);
	assert_int_equal(dlz_allnodes("shop.tern.example", module, NULL), DLZ_SUCCESS);
	assert_string_equal(text_str(&logged), "shop.tern.example. 3600 SOA ns. host. 7 3600 600 604800 3600\n"
	                                       "*.shop.tern.example. 3600 A 192.0.2.4\n");
	assert_int_equal(dlz_allnodes("nosuch.example", module, NULL), 25);
}

static void
wrong_arguments_are_named(void **state)
{
	static const struct {
		const char *argument, *want;
	} wrong[] = {
		{ "cachedir=/x", "argument cachedir=/x is not known; there are allow-transfer=, cache-dir=" },
		{ "cache-dir=x", "argument cache-dir=x must be an absolute path" },
		{ "minimal=true", "argument minimal=true must be yes or no" },
		{ "minimal", "argument minimal must be yes or no" },
		{ "when-unusable=", "argument when-unusable= must be servfail or refuse" },
		{ "max-age=1y", "must be a time like" },
		{ "max-age=-1", "must be a time like" },
		{ "allow-transfer=192.0.2.1,", "must be none, view, or addresses" },
		{ "allow-transfer=192.0.2.1/33", "must be none, view, or addresses" },
		{ "allow-transfer=any", "must be none, view, or addresses" },
	};

	(void)state;
	dlz_destroy(module);
	for (size_t i = 0; i < array_size(wrong); i++) {
		text_clear(&logged);
		assert_int_equal(create(wrong[i].argument), 25);
		assert_null(module);
		if (strstr(text_str(&logged), wrong[i].want) == NULL)
			fail_msg("%s: got %s", wrong[i].argument, text_str(&logged));
	}
	assert_int_equal(create("max-age=2h"), DLZ_SUCCESS);
	assert_int_equal(instance_of()->arguments.max_age, 7200);
}

static void
it_starts_without_data_and_counts(void **state)
{
	struct counters *counters;
	struct text got = TEXT_INIT;

	(void)state;
	counters = instance_of()->counters;
	query("www.tern.example", "A", &got);
	query("no.tern.example", "A", &got);
	query("x.heron.example", "A", &got);
	assert_int_equal(counters_get(counters, COUNT_ANSWERS + DNS_PRIMARY * COUNT_KINDS + COUNT_DATA), 1);
	assert_int_equal(counters_get(counters, COUNT_ANSWERS + DNS_PRIMARY * COUNT_KINDS + COUNT_NXDOMAIN), 1);
	assert_int_equal(counters_get(counters, COUNT_NO_ZONE), 1);
	dlz_destroy(module);
	assert_int_equal(create("cache-dir=/nonexistent"), DLZ_SUCCESS);
	query("www.tern.example", "A", &got);
	assert_string_equal(text_str(&got), "servfail");
	text_free(&got);
}

#define WITH_MODULE(test) cmocka_unit_test_setup_teardown(test, make_module, remove_module)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_MODULE(named_is_led_to_the_answer),
		WITH_MODULE(named_that_tells_no_codes_is_too),
		WITH_MODULE(a_walk_belongs_to_its_thread_and_client),
		WITH_MODULE(one_answer_comes_from_one_snapshot),
		WITH_MODULE(soa_is_spelled_short_for_named),
		WITH_MODULE(names_with_any_octet_are_walked),
		WITH_MODULE(a_cache_that_cannot_tell_claims_no_more_than_it_must),
		WITH_MODULE(transfers_are_for_those_who_may),
		WITH_MODULE(wrong_arguments_are_named),
		WITH_MODULE(it_starts_without_data_and_counts),
	};

	return RUN_TESTS(tests);
}
