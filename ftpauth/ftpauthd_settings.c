/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 */
#include <config.h>

#include "ftpauth/ftpauthd_settings.h"

#include "common/daemon.h"

#include <errno.h>
#include <pwd.h>
#include <sys/un.h>

static const char *const log_levels[] = { "error", "warning", "notice", "info", "debug", NULL };
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
	{ "ispman", "cache-dir", CONF_PATH, AT(cache_dir), .def = CACHE_DIR,
	  .help = "folder of the cache" },
	{ "ispman", "run-dir", CONF_PATH, AT(run_dir), .def = RUN_DIR,
	  .help = "folder of the control socket and the counters" },
	{ "ispman", "log-level", CONF_CHOICE, AT(log_level_word), .words = log_levels, .def = "info",
	  .help = "least important messages that are logged" },

	{ "ispman", "user", CONF_STRING, AT(cached_user), .help = "see ispman-cached" },
	{ "ispman", "group", CONF_STRING, AT(cached_group), .help = "see ispman-cached" },

	{ "ftpauth", "listen", CONF_LIST, AT(listen_values), .check = check_listen,
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
	{ "ftpauth", "max-connections", CONF_NUMBER, AT(max_connections), .min = 1, .max = 100000, .def = "1000",
	  .help = "logins that are judged at a time" },
	{ "ftpauth", "user", CONF_STRING, AT(user),
	  .help = "user to become when started as root" },
	{ "ftpauth", "group", CONF_STRING, AT(group),
	  .help = "group to become when started as root; the user's own unless set" },
};

static int
fill_listen(struct ftpauthd_settings *s, struct text *why)
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
check_rules(const struct ftpauthd_settings *s, struct text *why)
{
	size_t before = why->len;

	if (s->listen_count == 0)
		text_put(why, "[ftpauth] listen is empty: nobody could ask\n");
	if (s->saslauth_socket == NULL)
		text_put(why, "[ftpauth] saslauth-socket may not be empty\n");
	if (s->cache_dir == NULL || s->run_dir == NULL)
		text_put(why, "[ispman] cache-dir and run-dir may not be empty\n");
	for (size_t i = 0; i < s->listen_count; i++) {
		for (size_t j = 0; j < i; j++) {
			if (!listener_is_same(&s->listen[i], &s->listen[j]))
				continue;
			text_put(why, "[ftpauth] ");
			listener_put(why, &s->listen[i]);
			text_put(why, " is given twice\n");
		}
	}
	return why->len > before ? -EINVAL : 0;
}

int
ftpauthd_settings_load(const char *path, const char *const *overrides, size_t override_count, struct ftpauthd_settings **out,
                       struct text *why)
{
	cleanup(ftpauthd_settings_freep) struct ftpauthd_settings *s = calloc(1, sizeof(*s));
	const struct conf_table tables[] = { { rows, array_size(rows), s }, login_settings_table(&s->login_values) };
	const struct conf_schema schema = { tables, array_size(tables), other_sections };
	int r;

	if (s == NULL)
		return -ENOMEM;
	r = conf_load(&schema, path, overrides, override_count, &s->arena, why);
	if (r == 0)
		r = fill_listen(s, why);
	if (r == 0)
		r = check_rules(s, why);
	if (r == 0)
		r = login_settings_options(&s->login_values, &s->arena, &s->login, why);
	if (r < 0)
		return r;
	s->login.max_age = s->max_age;
	s->log_level = LOG_ERROR + s->log_level_word;
	*out = take(s);
	return 0;
}

void
ftpauthd_settings_free(struct ftpauthd_settings *settings)
{
	if (settings == NULL)
		return;
	arena_free(&settings->arena);
	free(settings);
}

void
ftpauthd_settings_freep(struct ftpauthd_settings **settings)
{
	ftpauthd_settings_free(*settings);
}

int
ftpauthd_settings_check(const struct ftpauthd_settings *s, struct text *why)
{
	size_t before = why->len;
	gid_t gid;
	int r = 0;

	for (size_t i = 0; i < s->listen_count && r != -ENOMEM; i++)
		r = listener_check(&s->listen[i], why);
	if (s->user != NULL && getpwnam(s->user) == NULL)
		text_putf(why, "[ftpauth] user: there is no user \"%s\"\n", s->user);
	if (s->group != NULL && daemon_group_id(s->group, &gid) < 0)
		text_putf(why, "[ftpauth] group: there is no group \"%s\"\n", s->group);
	return why->len > before ? -EINVAL : r;
}

void
ftpauthd_settings_describe(struct text *out)
{
	for (size_t i = 0; i < array_size(rows); i++)
		text_putf(out, "[%s] %s (%s): %s\n", rows[i].section, rows[i].key,
		          rows[i].def != NULL ? rows[i].def : "not set", rows[i].help);
}
