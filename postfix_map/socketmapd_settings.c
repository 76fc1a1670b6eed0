/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 */
#include <config.h>

#include "postfix_map/socketmapd_settings.h"

#include <errno.h>

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
read_table(const char *value, enum mail_map *out_map, struct listener_address *out_address, struct text *why)
{
	const char *comma = strchr(value, ',');
	struct listener_address address;
	enum mail_map map;
	struct text ignored = TEXT_INIT;
	int r = -EINVAL;

	if (comma != NULL && mail_map_from_name(span_from(value, (size_t)(comma - value)), &map) == 1)
		r = listener_parse(comma + 1, &address, &ignored);
	text_free(&ignored);
	if (r == 0 && address.family == LISTENER_INET) {
		*out_map = map;
		*out_address = address;
		return 0;
	}
	text_put(why, "MAP,inet:HOST:PORT, where MAP is one of");
	for (unsigned i = 0; i < MAIL_MAPS; i++)
		text_putf(why, " %s", mail_map_name((enum mail_map)i));
	return -EINVAL;
}

static int
check_table(const char *value, struct text *why)
{
	struct listener_address address;
	enum mail_map map;

	return read_table(value, &map, &address, why);
}

#define AT(member) offsetof(struct socketmapd_settings, member)

static const struct conf_setting rows[] = {
	{ "socketmap", "listen", CONF_LIST, AT(server.listen_values), .check = check_listen,
	  .def = "unix:/var/spool/postfix/ispman/socketmap,mode=0660,group=postfix",
	  .help = "sockets that socketmap is spoken on" },
	{ "socketmap", "tcp-table", CONF_LIST, AT(tcp_table_values), .check = check_table,
	  .help = "sockets that tcp_table is spoken on, for one map each: MAP,inet:HOST:PORT" },
	{ "socketmap", "allow", CONF_LIST, AT(allow_values), .check = check_allow, .def = "127.0.0.0/8 ::1",
	  .help = "addresses that may connect to inet sockets" },
	{ "socketmap", "hold", CONF_SECONDS, AT(hold), .max = 20, .def = "5s", .none = "none",
	  .help = "how long a question is held while the cache cannot tell" },
	{ "socketmap", "request-timeout", CONF_SECONDS, AT(server.request_timeout), .min = 1, .max = 60, .def = "10s",
	  .help = "time for a request to arrive once it has begun, and for answers to be read" },
	{ "socketmap", "max-connections", CONF_NUMBER, AT(server.max_connections), .min = 1, .max = 1000000, .def = "2000",
	  .help = "connections that are served at a time" },
	SERVER_SETTINGS_USER("socketmap", AT(server)),
};

static int
fill_tables(struct socketmapd_settings *s, struct text *why)
{
	size_t count = s->tcp_table_values.count;

	s->table_maps = arena_alloc(&s->server.arena, (count + 1) * sizeof(*s->table_maps));
	if (s->table_maps == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		int r = read_table(s->tcp_table_values.items[i], &s->table_maps[i], &s->server.listen[s->server.listen_count + i], why);

		if (r < 0)
			return r;
	}
	s->server.other_count = count;
	return 0;
}

static int
check_rules(const struct socketmapd_settings *s, struct text *why)
{
	size_t before = why->len;

	if (s->server.listen_count + s->server.other_count == 0)
		text_put(why, "[socketmap] listen is empty and tcp-table too: nobody could ask\n");
	server_settings_look_at_folders(&s->server, why);
	server_settings_look_for_twice(&s->server, why);
	return why->len > before ? -EINVAL : 0;
}

int
socketmapd_settings_load(const char *path, const char *const *overrides, size_t override_count,
                         struct server_settings **out, struct text *why)
{
	cleanup(server_settings_freep) struct server_settings *server = calloc(1, sizeof(struct socketmapd_settings));
	struct socketmapd_settings *s = (struct socketmapd_settings *)server;
	const struct conf_table tables[] = { server_settings_table(server), { rows, array_size(rows), s },
	                                    mail_settings_table(&s->mail_values) };
	const struct conf_schema schema = { tables, array_size(tables), other_sections };
	int r;

	if (server == NULL)
		return -ENOMEM;
	r = conf_load(&schema, path, overrides, override_count, &s->server.arena, why);
	if (r == 0)
		r = server_settings_fill(server, "socketmap", s->tcp_table_values.count, why);
	if (r == 0)
		r = fill_tables(s, why);
	if (r == 0)
		r = server_settings_prefixes(&server->arena, &s->allow_values, &server->allow, &server->allow_count, why);
	if (r == 0)
		r = check_rules(s, why);
	if (r < 0)
		return r;
	mail_settings_options(&s->mail_values, &s->mail);
	*out = take(server);
	return 0;
}

void
socketmapd_settings_describe(struct text *out)
{
	conf_describe(rows, array_size(rows), out);
}
