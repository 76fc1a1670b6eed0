/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 */
#include <config.h>

#include "postfix_map/socketmapd_settings.h"

#include "common/daemon.h"

#include <errno.h>
#include <pwd.h>
#include <sys/stat.h>

static const char *const log_levels[] = { "error", "warning", "notice", "info", "debug", NULL };
static const char *const other_sections[] = { "ldap",   "cached",   "dns",     "profile", "login",
	                                      "claims", "saslauth", "ftpauth", "agent",   NULL };

static int
check_listen(const char *value, struct text *why)
{
	struct listener_address address;

	return listener_parse(value, &address, why);
}

static int
check_allow(const char *value, struct text *why)
{
	struct allow_prefix prefix;

	return allow_parse(value, &prefix, why);
}

/* "virtual,inet:127.0.0.1:4712". */
static int
read_table(const char *value, struct socketmapd_table *out, struct text *why)
{
	const char *comma = strchr(value, ',');
	struct socketmapd_table table;
	struct text ignored = TEXT_INIT;
	int r = -EINVAL;

	if (comma != NULL && mail_map_from_name(span_from(value, (size_t)(comma - value)), &table.map) == 1)
		r = listener_parse(comma + 1, &table.address, &ignored);
	text_free(&ignored);
	if (r == 0 && table.address.family == LISTENER_INET) {
		*out = table;
		return 0;
	}
	text_put(why, "MAP,inet:HOST:PORT, where MAP is one of");
	for (unsigned map = 0; map < MAIL_MAPS; map++)
		text_putf(why, " %s", mail_map_name((enum mail_map)map));
	return -EINVAL;
}

static int
check_table(const char *value, struct text *why)
{
	struct socketmapd_table table;

	return read_table(value, &table, why);
}

#define AT(member) offsetof(struct socketmapd_settings, member)

static const struct conf_setting rows[] = {
	{ "ispman", "cache-dir", CONF_PATH, AT(cache_dir), .def = CACHE_DIR,
	  .help = "folder of the cache" },
	{ "ispman", "run-dir", CONF_PATH, AT(run_dir), .def = RUN_DIR,
	  .help = "folder of the control socket and the counters" },
	{ "ispman", "log-level", CONF_CHOICE, AT(log_level_word), .words = log_levels, .def = "info",
	  .help = "least important messages that are logged" },

	{ "ispman", "user", CONF_STRING, AT(cached_user), .help = "see ispman-cached" },
	{ "ispman", "group", CONF_STRING, AT(cached_group), .help = "see ispman-cached" },

	{ "socketmap", "listen", CONF_LIST, AT(listen_values), .check = check_listen,
	  .def = "unix:/var/spool/postfix/ispman/socketmap,mode=0660,group=postfix",
	  .help = "sockets that socketmap is spoken on" },
	{ "socketmap", "tcp-table", CONF_LIST, AT(tcp_table_values), .check = check_table,
	  .help = "sockets that tcp_table is spoken on, for one map each: MAP,inet:HOST:PORT" },
	{ "socketmap", "allow", CONF_LIST, AT(allow_values), .check = check_allow, .def = "127.0.0.0/8 ::1",
	  .help = "addresses that may connect to inet sockets" },
	{ "socketmap", "hold", CONF_SECONDS, AT(hold), .max = 20, .def = "5s", .none = "none",
	  .help = "how long a question is held while the cache cannot tell" },
	{ "socketmap", "request-timeout", CONF_SECONDS, AT(request_timeout), .min = 1, .max = 60, .def = "10s",
	  .help = "time for a request to arrive once it has begun, and for answers to be read" },
	{ "socketmap", "max-connections", CONF_NUMBER, AT(max_connections), .min = 1, .max = 1000000, .def = "2000",
	  .help = "connections that are served at a time" },
	{ "socketmap", "user", CONF_STRING, AT(user),
	  .help = "user to become when started as root" },
	{ "socketmap", "group", CONF_STRING, AT(group),
	  .help = "group to become when started as root; the user's own unless set" },
};

static int
fill_listen(struct socketmapd_settings *s, struct text *why)
{
	size_t count = s->listen_values.count;

	s->listen = arena_alloc(&s->arena, (count + 1) * sizeof(*s->listen));
	if (s->listen == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		int r = listener_parse(s->listen_values.items[i], &s->listen[i], why);

		if (r < 0)
			return r;
	}
	s->listen_count = count;
	return 0;
}

static int
fill_tables(struct socketmapd_settings *s, struct text *why)
{
	size_t count = s->tcp_table_values.count;

	s->tables = arena_alloc(&s->arena, (count + 1) * sizeof(*s->tables));
	if (s->tables == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		int r = read_table(s->tcp_table_values.items[i], &s->tables[i], why);

		if (r < 0)
			return r;
	}
	s->table_count = count;
	return 0;
}

static int
fill_allow(struct socketmapd_settings *s, struct text *why)
{
	size_t count = s->allow_values.count;

	s->allow = arena_alloc(&s->arena, (count + 1) * sizeof(*s->allow));
	if (s->allow == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		int r = allow_parse(s->allow_values.items[i], &s->allow[i], why);

		if (r < 0)
			return r;
	}
	s->allow_count = count;
	return 0;
}

static const struct listener_address *
address_at(const struct socketmapd_settings *s, size_t i)
{
	return i < s->listen_count ? &s->listen[i] : &s->tables[i - s->listen_count].address;
}

static int
check_rules(const struct socketmapd_settings *s, struct text *why)
{
	size_t before = why->len, count = s->listen_count + s->table_count;

	if (count == 0)
		text_put(why, "[socketmap] listen is empty and tcp-table too: nobody could ask\n");
	if (s->cache_dir == NULL || s->run_dir == NULL)
		text_put(why, "[ispman] cache-dir and run-dir may not be empty\n");
	for (size_t i = 0; i < count; i++) {
		for (size_t j = 0; j < i; j++) {
			if (!listener_is_same(address_at(s, i), address_at(s, j)))
				continue;
			text_put(why, "[socketmap] ");
			listener_put(why, address_at(s, i));
			text_put(why, " is given twice\n");
		}
	}
	return why->len > before ? -EINVAL : 0;
}

int
socketmapd_settings_load(const char *path, const char *const *overrides, size_t override_count,
                         struct socketmapd_settings **out, struct text *why)
{
	cleanup(socketmapd_settings_freep) struct socketmapd_settings *s = calloc(1, sizeof(*s));
	const struct conf_table tables[] = { { rows, array_size(rows), s }, mail_settings_table(&s->mail_values) };
	const struct conf_schema schema = { tables, array_size(tables), other_sections };
	int r;

	if (s == NULL)
		return -ENOMEM;
	r = conf_load(&schema, path, overrides, override_count, &s->arena, why);
	if (r == 0)
		r = fill_listen(s, why);
	if (r == 0)
		r = fill_tables(s, why);
	if (r == 0)
		r = fill_allow(s, why);
	if (r == 0)
		r = check_rules(s, why);
	if (r < 0)
		return r;
	s->log_level = LOG_ERROR + s->log_level_word;
	mail_settings_options(&s->mail_values, &s->mail);
	*out = take(s);
	return 0;
}

void
socketmapd_settings_free(struct socketmapd_settings *settings)
{
	if (settings == NULL)
		return;
	arena_free(&settings->arena);
	free(settings);
}

void
socketmapd_settings_freep(struct socketmapd_settings **settings)
{
	socketmapd_settings_free(*settings);
}

int
socketmapd_settings_check(const struct socketmapd_settings *s, struct text *why)
{
	size_t before = why->len;
	gid_t gid;
	int r = 0;

	for (size_t i = 0; i < s->listen_count + s->table_count && r != -ENOMEM; i++)
		r = listener_check(address_at(s, i), why);
	if (s->user != NULL && getpwnam(s->user) == NULL)
		text_putf(why, "[socketmap] user: there is no user \"%s\"\n", s->user);
	if (s->group != NULL && daemon_group_id(s->group, &gid) < 0)
		text_putf(why, "[socketmap] group: there is no group \"%s\"\n", s->group);
	return why->len > before ? -EINVAL : r;
}

void
socketmapd_settings_describe(struct text *out)
{
	for (size_t i = 0; i < array_size(rows); i++)
		text_putf(out, "[%s] %s (%s): %s\n", rows[i].section, rows[i].key,
		          rows[i].def != NULL ? rows[i].def : "not set", rows[i].help);
}
