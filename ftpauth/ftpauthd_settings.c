/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 */
#include <config.h>

#include "ftpauth/ftpauthd_settings.h"

#include <errno.h>
#include <sys/un.h>

enum { REQUEST_TIMEOUT = 10 }; /* seconds: Pure-FTPd sends all at once */

static const char *const other_sections[] = { "ldap",   "cached",    "dns",  "profile", "claims",
	                                      "socketmap", "mail", "saslauth", "agent",   NULL };

/* Pure-FTPd speaks to unix sockets only. */
static int
check_listen(const char *value, struct text *why)
{
	struct listener_address address;

	if (strncmp(value, "unix:", 5) == 0)
		return listener_parse(value, &address, why);
	text_put(why, "unix:PATH, also with ,mode=0600,owner=NAME,group=NAME");
	return -EINVAL;
}

static int
check_socket(const char *value, struct text *why)
{
	if (strlen(value) < sizeof(((struct sockaddr_un *)0)->sun_path))
		return 0;
	text_putf(why, "a path of less than %zu octets", sizeof(((struct sockaddr_un *)0)->sun_path));
	return -EINVAL;
}

#define AT(member) offsetof(struct ftpauthd_settings, member)

static const struct conf_setting rows[] = {
	{ "ftpauth", "listen", CONF_LIST, AT(server.listen_values), .check = check_listen,
	  .def = "unix:/run/ispman-ftpauthd/extauth,mode=0600",
	  .help = "sockets that extauth is spoken on" },
	{ "ftpauth", "saslauth-socket", CONF_PATH, AT(saslauth_socket), .check = check_socket, .def = "/run/saslauthd/mux",
	  .help = "where ispman-saslauthd is asked about passwords" },
	{ "ftpauth", "timeout", CONF_SECONDS, AT(timeout), .min = 1, .max = 300, .def = "30s",
	  .help = "how long ispman-saslauthd may take for an answer" },
	{ "ftpauth", "chroot", CONF_BOOL, AT(rules.chroot), .def = "yes",
	  .help = "accounts see nothing outside their homes" },
	{ "ftpauth", "roots", CONF_LIST, AT(rules.roots), .check = session_check_root,
	  .help = "folders that homes must be in; any unless set" },
	{ "ftpauth", "max-age", CONF_SECONDS, AT(max_age), .def = "none", .none = "none",
	  .help = "older account data is no answer any more" },
	{ "ftpauth", "max-connections", CONF_NUMBER, AT(server.max_connections), .min = 1, .max = 100000, .def = "1000",
	  .help = "logins that are judged at a time" },
	SERVER_SETTINGS_USER("ftpauth", AT(server)),
};

static int
check_rules(const struct ftpauthd_settings *s, struct text *why)
{
	size_t before = why->len;

	if (s->server.listen_count == 0)
		text_put(why, "[ftpauth] listen is empty: nobody could ask\n");
	if (s->saslauth_socket == NULL)
		text_put(why, "[ftpauth] saslauth-socket may not be empty\n");
	server_settings_look_at_folders(&s->server, why);
	server_settings_look_for_twice(&s->server, why);
	return why->len > before ? -EINVAL : 0;
}

int
ftpauthd_settings_load(const char *path, const char *const *overrides, size_t override_count, struct server_settings **out,
                       struct text *why)
{
	cleanup(server_settings_freep) struct server_settings *server = calloc(1, sizeof(struct ftpauthd_settings));
	struct ftpauthd_settings *s = (struct ftpauthd_settings *)server;
	const struct conf_table tables[] = { server_settings_table(server), { rows, array_size(rows), s },
	                                    login_settings_table(&s->login_values) };
	const struct conf_schema schema = { tables, array_size(tables), other_sections };
	int r;

	if (server == NULL)
		return -ENOMEM;
	r = conf_load(&schema, path, overrides, override_count, &s->server.arena, why);
	if (r == 0)
		r = server_settings_fill(server, "ftpauth", 0, why);
	if (r == 0)
		r = check_rules(s, why);
	if (r == 0)
		r = login_settings_options(&s->login_values, &s->server.arena, &s->login, why);
	if (r < 0)
		return r;
	s->login.max_age = s->max_age;
	s->server.request_timeout = REQUEST_TIMEOUT;
	*out = take(server);
	return 0;
}

void
ftpauthd_settings_describe(struct text *out)
{
	conf_describe(rows, array_size(rows), out);
}
