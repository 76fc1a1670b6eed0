/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * `ispmanctl status`: one line that says whether all is well, then what an admin may want to know, most urgent
 * first.
 */
#include <config.h>

#include "cache/ispmanctl.h"

#include "cache/dns.h"

#include <errno.h>
#include <inttypes.h>
#include <langinfo.h>
#include <stdio.h>
#include <time.h>

enum { ANSWER_TIMEOUT = 10000 };

/* --- words and numbers --------------------------------------------------------------------------- */

static void
put_octets(struct text *out, uint64_t octets)
{
	static const char units[][4] = { "B", "KiB", "MiB", "GiB", "TiB" };
	double n = (double)octets;
	size_t unit = 0;

	for (; n >= 1024 && unit + 1 < array_size(units); unit++)
		n /= 1024;
	text_putf(out, unit > 0 && n < 100 ? "%.1f %s" : "%.0f %s", n, units[unit]);
}

static void
put_time(struct text *out, int64_t seconds)
{
	time_t at = (time_t)seconds;
	char room[40];
	struct tm tm;

	if (localtime_r(&at, &tm) != NULL && strftime(room, sizeof(room), "%Y-%m-%d %H:%M:%S", &tm) > 0)
		text_put(out, room);
}

static void
put_number_of(struct text *out, const char *dot, uint64_t n, const char *one, const char *many)
{
	text_put(out, dot);
	ctl_put_count(out, n);
	text_putf(out, " %s", n == 1 ? one : many);
}

/* --- the daemon's answer ------------------------------------------------------------------------- */

static uint64_t
number(const json_t *status, const char *key)
{
	json_int_t n = json_integer_value(json_object_get(status, key));

	return n > 0 ? (uint64_t)n : 0;
}

static bool
flag(const json_t *status, const char *key)
{
	return json_is_true(json_object_get(status, key));
}

static const char *
word(const json_t *status, const char *key)
{
	const char *s = json_string_value(json_object_get(status, key));

	return s != NULL ? s : "";
}

static void
put_state(struct text *out, const json_t *status)
{
	const char *from = word(status, "from");

	if (flag(status, "synchronised"))
		text_putf(out, "synchronised with %s", from);
	else if (!flag(status, "complete") && flag(status, "loading"))
		text_putf(out, "loading for the first time from %s", from);
	else if (flag(status, "refreshing"))
		text_putf(out, "comparing with %s", from);
	else if (word(status, "phase")[0] != '\0')
		text_putf(out, "NOT synchronised with %s: %s", from, word(status, "phase"));
	else
		text_putf(out, "NOT synchronised with %s", from);
}

static void
put_headline(struct text *out, const json_t *status, const char *dot)
{
	const json_t *age = json_object_get(status, "age");

	put_state(out, status);
	if (json_is_number(age)) {
		text_put(out, " (age ");
		ctl_put_seconds(out, json_number_value(age));
		text_put_char(out, ')');
	}
	put_number_of(out, dot, number(status, "entries"), "entry", "entries");
	put_number_of(out, dot, number(status, "zones"), "zone", "zones");
	if (number(status, "mail_domains") > 0 || number(status, "mail_addresses") > 0) {
		put_number_of(out, dot, number(status, "mail_domains"), "mail domain", "mail domains");
		put_number_of(out, dot, number(status, "mail_addresses"), "address", "addresses");
	}
	if (number(status, "accounts") > 0)
		put_number_of(out, dot, number(status, "accounts"), "account", "accounts");
	text_putf(out, "%squeue ", dot);
	ctl_put_count(out, number(status, "queue"));
	put_number_of(out, dot, number(status, "problems"), "problem", "problems");
	text_put_char(out, '\n');
}

static void
put_brake(struct text *out, const json_t *brake)
{
	static const struct {
		const char *key, *total;
	} kinds[] = { { "entries", NULL }, { "zones", "zones_total" }, { "records", "records_total" },
		{ "mail_domains", "mail_domains_total" }, { "addresses", "addresses_total" },
		{ "accounts", "accounts_total" } };
	const char *between = "";

	if (!json_is_object(brake))
		return;
	text_put(out, "\nTHE BRAKE HOLDS: the last comparison would remove ");
	for (size_t i = 0; i < array_size(kinds); i++) {
		uint64_t n = number(brake, kinds[i].key);

		if (n == 0)
			continue;
		text_put(out, between);
		ctl_put_count(out, n);
		if (kinds[i].total != NULL) {
			text_put(out, " of ");
			ctl_put_count(out, number(brake, kinds[i].total));
		}
		text_putf(out, " %s", strcmp(kinds[i].key, "mail_domains") == 0 ? "mail domains" : kinds[i].key);
		between = ", ";
	}
	text_put(out, ".\nNothing is removed; additions and changes go on. Repair the directory, or let it happen "
	              "with\n\"ispmanctl release-brake\".\n\n");
}

/* The environments, and who reads them. */
static const struct environment_words {
	const char *name, *data, *askers;
} environments[] = {
	{ "dns", "DNS", "name servers" },
	{ "mail", "mail", "mail servers" },
	{ "secret", "secret", "those who verify passwords" },
	{ "account", "account", "file servers" },
};

/* What is said of one environment; of dns also by a daemon that has no other. */
static const json_t *
environment_of(const json_t *status, const struct environment_words *words)
{
	const json_t *all = json_object_get(status, "environments");

	if (all == NULL)
		return words == environments ? status : NULL;
	return json_object_get(all, words->name);
}

static void
put_environment_warnings(struct text *out, const struct environment_words *words, const json_t *status)
{
	const char *error = word(status, json_object_get(status, "publish_error") != NULL ? "publish_error" : "error");
	uint64_t stuck = number(status, "stuck");

	if (error[0] != '\0')
		text_putf(out, "the %s data cannot be written: %s\n", words->data, error);
	if (stuck >= 10) {
		text_putf(out, "one write to the %s data has been under way for ", words->data);
		ctl_put_seconds(out, (double)stuck);
		text_put(out, ": a reader may be holding it up\n");
	}
}

/* What needs a look, each in a line of its own. */
static void
put_warnings(struct text *out, const json_t *status)
{
	const json_t *warning;
	size_t i;

	for (i = 0; i < array_size(environments); i++) {
		const json_t *environment = environment_of(status, &environments[i]);

		if (environment != NULL && !flag(environment, "complete"))
			text_putf(out, "not complete yet: %s cannot tell before the first load is done\n",
			          environments[i].askers);
	}
	if (word(status, "error")[0] != '\0') {
		text_putf(out, "last error: %s", word(status, "error"));
		if (number(status, "error_at") > 0) {
			text_put(out, " (");
			put_time(out, (int64_t)number(status, "error_at"));
			text_put_char(out, ')');
		}
		text_put_char(out, '\n');
	}
	for (i = 0; i < array_size(environments); i++)
		put_environment_warnings(out, &environments[i], environment_of(status, &environments[i]));
	if (number(status, "held_zones") > 0) {
		put_number_of(out, "", number(status, "held_zones"), "zone is served with its last good SOA",
		              "zones are served with their last good SOA");
		text_put(out, ", the directory has none or a wrong one: see \"ispmanctl problems\"\n");
	}
	json_array_foreach(json_object_get(status, "warnings"), i, warning)
		text_putf(out, "%s\n", json_string_value(warning) != NULL ? json_string_value(warning) : "");
}

static void
put_work(struct text *out, const json_t *status)
{
	if (flag(status, "refreshing") || flag(status, "loading")) {
		text_put(out, "  seen so far  ");
		ctl_put_count(out, number(status, "mentioned"));
		text_put(out, " entries\n");
	}
	for (size_t i = 0; i < array_size(environments); i++)
		if (flag(environment_of(status, &environments[i]), "rebuilding"))
			text_putf(out, "  rebuilding   the %s data, from the replica\n", environments[i].data);
	if (word(status, "job")[0] != '\0')
		text_putf(out, "  running      %s\n", word(status, "job"));
}

static void
put_stores(struct text *out, const json_t *stores)
{
	const char *name;
	json_t *store;

	json_object_foreach((json_t *)(uintptr_t)stores, name, store)
	{
		if (!json_is_object(store))
			continue;
		text_putf(out, "  %-11s  ", name);
		put_octets(out, number(store, "used"));
		text_put(out, " of ");
		put_octets(out, number(store, "map"));
		text_putf(out, ", %" PRIu64 " of %" PRIu64 " readers\n", number(store, "readers"),
		          number(store, "readers_max"));
	}
}

void
ctl_put_status(struct text *out, const json_t *status, const char *dot)
{
	put_headline(out, status, dot);
	put_brake(out, json_object_get(status, "brake"));
	put_warnings(out, status);
	if (number(status, "contact") > 0) {
		text_put(out, "  contact      ");
		put_time(out, (int64_t)number(status, "contact"));
		text_put_char(out, '\n');
	}
	put_work(out, status);
	put_stores(out, json_object_get(status, "stores"));
	text_putf(out, "  daemon       ispman-cached %s, pid %" PRIu64 ", since ", word(status, "version"),
	          number(status, "pid"));
	put_time(out, (int64_t)number(status, "started"));
	text_put_char(out, '\n');
}

/* --- without the daemon --------------------------------------------------------------------------- */

/* The cache itself still tells how old it is. */
static json_t *
describe_cache(const struct ctl *ctl)
{
	cleanup(cache_closep) struct cache *cache = NULL;
	json_t *out = json_pack("{s:b}", "synchronised", 0);
	struct dns_view *view;
	uint64_t age;
	int r = dns_open(ctl->settings->cache_dir, ctl->settings->run_dir, &cache);

	if (r == 0)
		r = dns_begin(cache, &view);
	if (r == 0)
		dns_end(view);
	json_object_set_new(out, "usable", json_boolean(r == 0));
	if (r < 0)
		json_object_set_new(out, "cache_error", json_string(cache_error_text()));
	else if (cache_age(cache, &age) == 0)
		json_object_set_new(out, "age", json_integer((json_int_t)age));
	return out;
}

/* Errors of servers stand in them. */
static void
print_lines(struct text *lines)
{
	char *line = lines->data, *end;

	for (; line != NULL && (end = strchr(line, '\n')) != NULL; line = end + 1) {
		*end = '\0';
		ctl_print_foreign(line);
		putchar('\n');
	}
}

static int
status_without_daemon(const struct ctl *ctl, const char *why, json_t *agent, const char *dot)
{
	json_t *status = describe_cache(ctl);
	const json_t *age = json_object_get(status, "age");
	struct text out = TEXT_INIT;

	json_object_set_new(status, "error", json_string(why));
	if (agent != NULL)
		json_object_set(status, "agent", agent);
	if (ctl->json) {
		ctl_print_json(status);
		return CTL_CANNOT_TELL;
	}
	text_putf(&out, "%s\n", why);
	if (!flag(status, "usable")) {
		text_putf(&out, "the cache cannot be read: %s\n", word(status, "cache_error"));
	} else if (age != NULL) {
		text_put(&out, "the cache is answered from as it is (age ");
		ctl_put_seconds(&out, json_number_value(age));
		text_put(&out, ")\n");
	} else {
		text_put(&out, "the cache is answered from as it is; its age is not known\n");
	}
	if (agent != NULL)
		ctl_put_agent(&out, agent, time(NULL), dot);
	print_lines(&out);
	text_free(&out);
	json_decref(status);
	return CTL_CANNOT_TELL;
}

/* --- the command ---------------------------------------------------------------------------------- */

static bool
is_fine(const json_t *status, const json_t *agent)
{
	return flag(status, "synchronised") && !json_is_object(json_object_get(status, "brake")) &&
	       word(status, "publish_error")[0] == '\0' && (agent == NULL || ctl_agent_is_fine(agent));
}

int
ctl_status(const struct ctl *ctl)
{
	const char *dot = strcmp(nl_langinfo(CODESET), "UTF-8") == 0 ? " \xc2\xb7 " : ", ";
	struct text why = TEXT_INIT, out = TEXT_INIT;
	json_t *status = NULL, *agent = ctl_read_agent(ctl->settings->run_dir);
	int code;

	if (ask_once(ctl->settings->run_dir, "status", ANSWER_TIMEOUT, NULL, NULL, &status, &why) < 0) {
		code = status_without_daemon(ctl, text_str(&why), agent, dot);
	} else {
		code = is_fine(status, agent) ? CTL_FINE : CTL_ABSENT;
		if (ctl->json) {
			if (agent != NULL)
				json_object_set(status, "agent", agent);
			ctl_print_json(status);
		} else {
			ctl_put_status(&out, status, dot);
			if (agent != NULL)
				ctl_put_agent(&out, agent, time(NULL), dot);
			print_lines(&out);
			json_decref(status);
		}
	}
	json_decref(agent);
	text_free(&out);
	text_free(&why);
	return code;
}
