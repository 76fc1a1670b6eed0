/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 */
#include <config.h>

#include "saslauth/saslauthd_settings.h"

#include "saslauth/pool.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>

static const char *const other_sections[] = { "cached", "dns",     "profile", "mail",      "claims",
	                                      "agent",  "ftpauth", "socketmap", NULL };

static int
check_listen(const char *value, struct text *why)
{
	struct listener_address address;
	int r = listener_parse(value, &address, why);

	if (r == 0 && address.family != LISTENER_UNIX) {
		text_put(why, "unix:PATH: passwords do not go over a network like this");
		return -EINVAL;
	}
	return r;
}

static int
check_prefix(const char *value, struct text *why)
{
	struct allow_prefix prefix;

	return allow_parse(value, &prefix, why);
}

#define AT(member) offsetof(struct saslauthd_settings, member)

static const struct conf_setting rows[] = {
	{ "saslauth", "listen", CONF_LIST, AT(server.listen_values), .check = check_listen,
	  .def = "unix:/run/saslauthd/mux,mode=0660,group=sasl",
	  .help = "sockets that saslauthd's protocol is spoken on" },
	{ "saslauth", "allow-users", CONF_LIST, AT(allow_user_values),
	  .help = "users whose programs may ask; empty: whoever the sockets let in" },
	{ "saslauth", "trusted-peers", CONF_LIST, AT(trusted_peer_values), .def = "root",
	  .help = "users whose programs are believed which address a client has" },
	{ "saslauth", "request-timeout", CONF_SECONDS, AT(server.request_timeout), .min = 1, .max = 60, .def = "10s",
	  .help = "time for a request to arrive once it has begun, and for the answer to be read" },
	{ "saslauth", "max-connections", CONF_NUMBER, AT(server.max_connections), .min = 1, .max = 1000000, .def = "4000",
	  .help = "connections that are served at a time" },
	{ "saslauth", "max-age", CONF_SECONDS, AT(max_age), .def = "none", .none = "none",
	  .help = "with older data nobody is answered" },
	{ "saslauth", "workers", CONF_NUMBER, AT(workers), .min = 1, .max = POOL_WORKERS_MAX, .def = "auto", .none = "auto",
	  .help = "threads for costly hashes; auto: one a processor" },
	{ "saslauth", "queue", CONF_NUMBER, AT(queue), .min = 8, .max = 100000, .def = "512",
	  .help = "costly checks that may wait for a thread" },
	{ "saslauth", "hash-memory", CONF_SIZE, AT(hash_memory), .min = 1 << 20, .max = 1ULL << 40, .def = "256M",
	  .help = "memory that running checks may use together" },
	{ "saslauth", "max-values", CONF_NUMBER, AT(max_values), .min = 1, .max = POOL_VALUES_MAX, .def = "4",
	  .help = "passwords of one entry that are tried" },
	{ "saslauth", "allow-clear-passwords", CONF_BOOL, AT(allow_clear_passwords), .def = "no",
	  .help = "whether passwords that are stored in clear are good for a login" },
	{ "saslauth", "verified-cache-size", CONF_NUMBER, AT(verified_cache_size), .max = 1 << 24, .def = "65536",
	  .help = "credentials that are remembered as right; 0: none" },
	{ "saslauth", "verified-cache-life", CONF_SECONDS, AT(verified_cache_life), .max = 86400, .def = "10m", .none = "none",
	  .help = "for how long, at most" },
	{ "saslauth", "throttle", CONF_BOOL, AT(throttle), .def = "yes",
	  .help = "whether whoever guesses has to wait" },
	{ "saslauth", "throttle-decay", CONF_SECONDS, AT(throttle_decay), .min = 1, .max = 86400, .def = "1m",
	  .help = "time after which one wrong password less is counted" },
	{ "saslauth", "throttle-size", CONF_NUMBER, AT(throttle_size), .min = 64, .max = 1 << 24, .def = "32768",
	  .help = "accounts, services of accounts and addresses that are counted at a time" },
	{ "saslauth", "throttle-exempt", CONF_LIST, AT(throttle_exempt_values), .check = check_prefix,
	  .help = "networks that never wait, such as a webmail server's" },
	{ "saslauth", "throttle-exempt-services", CONF_LIST, AT(throttle_exempt_services),
	  .help = "services that never wait" },
	{ "saslauth", "bind-workers", CONF_NUMBER, AT(bind_workers), .min = 1, .max = POOL_WORKERS_MAX, .def = "8",
	  .help = "binds to LDAP at a time, if verify says so" },
	{ "saslauth", "control-group", CONF_STRING, AT(control_group),
	  .help = "group whose members may ask about accounts at the control socket" },
	SERVER_SETTINGS_USER("saslauth", AT(server)),

	{ "ldap", "uri", CONF_LIST, AT(ldap_uri), .help = "servers of one database, the preferred first" },
	{ "ldap", "starttls", CONF_BOOL, AT(ldap_starttls), .def = "no",
	  .help = "encrypt ldap:// connections, and refuse them otherwise" },
	{ "ldap", "ca-file", CONF_PATH, AT(ldap_ca_file), .help = "certificates that servers are checked with" },
	{ "ldap", "cert-file", CONF_PATH, AT(ldap_cert_file), .help = "own certificate" },
	{ "ldap", "key-file", CONF_PATH, AT(ldap_key_file), .help = "own key" },
	{ "ldap", "timeout", CONF_SECONDS, AT(ldap_timeout), .min = 1, .max = 3600, .def = "10s",
	  .help = "patience with a server that does not answer" },
	{ "ldap", "base", CONF_STRING, AT(not_ours[0]), .help = "see ispman-cached" },
	{ "ldap", "bind-dn", CONF_STRING, AT(not_ours[1]), .help = "see ispman-cached" },
	{ "ldap", "bind-password-file", CONF_STRING, AT(not_ours[2]), .help = "see ispman-cached" },
	{ "ldap", "sasl-mech", CONF_STRING, AT(not_ours[3]), .help = "see ispman-cached" },
	{ "ldap", "filter", CONF_STRING, AT(not_ours[4]), .help = "see ispman-cached" },
	{ "ldap", "probe-interval", CONF_STRING, AT(not_ours[5]), .help = "see ispman-cached" },
	{ "ldap", "return-interval", CONF_STRING, AT(not_ours[6]), .help = "see ispman-cached" },
	{ "ldap", "lag-timeout", CONF_STRING, AT(not_ours[7]), .help = "see ispman-cached" },
};

/* --- what is made of values ------------------------------------------------------------------------------ */

static int
fill_control(struct saslauthd_settings *s, struct text *why)
{
	cleanup(text_free) struct text control = TEXT_INIT;

	text_putf(&control, "unix:%s/saslauth-control,mode=0660", s->server.run_dir != NULL ? s->server.run_dir : "");
	if (s->control_group != NULL)
		text_putf(&control, ",group=%s", s->control_group);
	if (text_failed(&control))
		return -ENOMEM;
	s->server.control = &s->control;
	return listener_parse(text_str(&control), &s->control, why);
}

/* A name or a number. */
static bool
find_uid(const char *name, uid_t *out)
{
	const struct passwd *found;
	uint64_t number;

	if (span_to_u64(span_of(name), UINT32_MAX - 1, &number) == 0) {
		*out = (uid_t)number;
		return true;
	}
	found = getpwnam(name);
	if (found == NULL)
		return false;
	*out = found->pw_uid;
	return true;
}

/* Users that do not exist connect to nothing: saslauthd_settings_check() speaks of them. */
static int
fill_uids(struct saslauthd_settings *s, const struct conf_list *values, struct saslauthd_uids *out)
{
	out->uids = arena_alloc(&s->server.arena, (values->count + 1) * sizeof(*out->uids));
	if (out->uids == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < values->count; i++)
		if (find_uid(values->items[i], &out->uids[out->count]))
			out->count++;
	return 0;
}

bool
saslauthd_uids_have(const struct saslauthd_uids *uids, uid_t uid)
{
	for (size_t i = 0; i < uids->count; i++)
		if (uids->uids[i] == uid)
			return true;
	return false;
}

static int
check_rules(const struct saslauthd_settings *s, struct text *why)
{
	size_t before = why->len;

	if (s->server.listen_count == 0)
		text_put(why, "[saslauth] listen is empty: nobody could ask\n");
	server_settings_look_at_folders(&s->server, why);
	if ((s->verify == LOGIN_VERIFY_BIND || s->verify == LOGIN_VERIFY_HASH_THEN_BIND) && s->ldap_uri.count == 0)
		text_put(why, "[ldap] uri is not set, and [login] verify wants binds\n");
	if (s->verify == LOGIN_VERIFY_NONE)
		text_put(why, "[login] verify = none: there is nothing for ispman-saslauthd to do\n");
	server_settings_look_for_twice(&s->server, why);
	return why->len > before ? -EINVAL : 0;
}

int
saslauthd_settings_load(const char *path, const char *const *overrides, size_t override_count, struct server_settings **out,
                        struct text *why)
{
	cleanup(server_settings_freep) struct server_settings *server = calloc(1, sizeof(struct saslauthd_settings));
	struct saslauthd_settings *s = (struct saslauthd_settings *)server;
	const struct conf_table tables[] = { server_settings_table(server), { rows, array_size(rows), s },
	                                    login_settings_table(&s->login_values) };
	const struct conf_schema schema = { tables, array_size(tables), other_sections };
	int r;

	if (server == NULL)
		return -ENOMEM;
	r = conf_load(&schema, path, overrides, override_count, &s->server.arena, why);
	if (r == 0)
		r = login_settings_options(&s->login_values, &s->server.arena, &s->login, why);
	if (r == 0)
		r = server_settings_fill(server, "saslauth", 0, why);
	if (r == 0)
		r = fill_control(s, why);
	if (r == 0)
		r = server_settings_prefixes(&server->arena, &s->throttle_exempt_values, &s->throttle_exempt, &s->throttle_exempt_count,
		                             why);
	if (r == 0)
		r = fill_uids(s, &s->allow_user_values, &s->allow_users);
	if (r == 0)
		r = fill_uids(s, &s->trusted_peer_values, &s->trusted_peers);
	if (r < 0)
		return r;
	s->verify = (enum login_verify)s->login_values.verify;
	s->login.max_age = s->max_age;
	r = check_rules(s, why);
	if (r < 0)
		return r;
	*out = take(server);
	return 0;
}

static void
check_users(const struct conf_list *values, const char *key, struct text *why)
{
	uid_t uid;

	for (size_t i = 0; i < values->count; i++)
		if (!find_uid(values->items[i], &uid))
			text_putf(why, "[saslauth] %s: there is no user \"%s\"\n", key, values->items[i]);
}

int
saslauthd_settings_check(const struct server_settings *server, struct text *why)
{
	const struct saslauthd_settings *s = (const struct saslauthd_settings *)server;
	size_t before = why->len;
	int r = server_settings_check(server, why);

	server_settings_check_group(server, "control-group", s->control_group, why);
	check_users(&s->allow_user_values, "allow-users", why);
	check_users(&s->trusted_peer_values, "trusted-peers", why);
	return why->len > before ? -EINVAL : r;
}

void
saslauthd_settings_describe(struct text *out)
{
	conf_describe(rows, array_size(rows), out);
}
