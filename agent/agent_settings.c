/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 */
#include <config.h>

#include "agent/agent_settings.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

static const char *const other_sections[] = { "cached", "dns", "profile", "mail", "claims", "socketmap", "login", "saslauth",
	                                      "ftpauth", NULL };
static const char *const log_levels[] = { "error", "warning", "notice", "info", "debug", NULL };
static const char *const namings[] = { "address", "uid", NULL };
static const char *const paths[] = { "domain", "any", NULL };

enum { PASSWORD_MAX = 1024 };

static int
read_mode(const char *text, mode_t *out)
{
	unsigned mode = 0;

	if (text[0] == '\0' || strlen(text) > 4)
		return -EINVAL;
	for (; *text != '\0'; text++) {
		if (*text < '0' || *text > '7')
			return -EINVAL;
		mode = mode << 3 | (unsigned)(*text - '0');
	}
	*out = mode;
	return mode <= 02777 ? 0 : -EINVAL;
}

static int
check_mode(const char *value, struct text *why)
{
	mode_t ignored;
	int r = read_mode(value, &ignored);

	if (r < 0)
		text_put(why, "a mode in octal, such as 0755 or 2775");
	return r;
}

static int
check_root(const char *value, struct text *why)
{
	size_t n = strlen(value);

	if (value[0] == '/' && n > 1 && value[n - 1] != '/' && strstr(value, "//") == NULL && strstr(value, "/.") == NULL)
		return 0;
	text_put(why, "an absolute path without .. and without a / at its end, such as /ispman/domains");
	return -EINVAL;
}

static int
check_folder(const char *value, struct text *why)
{
	if (value[0] != '/' && value[0] != '\0' && strstr(value, "..") == NULL && strstr(value, "//") == NULL)
		return 0;
	text_put(why, "a folder below the home, such as public_html");
	return -EINVAL;
}

/* "Sent:\Sent" */
static int
check_mail_folder(const char *value, struct text *why)
{
	const char *colon = strchr(value, ':');

	if (value[0] != ':' && (colon == NULL || colon[1] == '\\') && strpbrk(value, "/.*%\"") == NULL)
		return 0;
	text_put(why, "a folder, or a folder and its special use, such as Sent:\\Sent");
	return -EINVAL;
}

#define AT(member) offsetof(struct agent_settings, member)

static const struct conf_setting rows[] = {
	{ "ispman", "cache-dir", CONF_PATH, AT(cache_dir), .def = CACHE_DIR, .help = "folder of the cache" },
	{ "ispman", "run-dir", CONF_PATH, AT(run_dir), .def = RUN_DIR, .help = "folder of the control socket and the counters" },
	{ "ispman", "log-level", CONF_CHOICE, AT(log_level_word), .words = log_levels, .def = "info",
	  .help = "least important messages that are logged" },
	{ "ispman", "user", CONF_STRING, AT(cached_user), .help = "see ispman-cached" },
	{ "ispman", "group", CONF_STRING, AT(cached_group), .help = "see ispman-cached" },

	{ "agent", "state-dir", CONF_PATH, AT(state_dir), .def = CACHE_DIR "-agent", .help = "folder of the agent's book" },
	{ "agent", "host", CONF_LIST, AT(hosts), .help = "names of this host; its aliases in the directory count too" },
	{ "agent", "everything", CONF_BOOL, AT(everything), .def = "no",
	  .help = "a single server: what any host has is here" },
	{ "agent", "file-group", CONF_STRING, AT(file_group), .def = "fileservergroup",
	  .help = "group of hosts whose members have directories that name no host" },
	{ "agent", "directories", CONF_BOOL, AT(directories), .def = "yes", .help = "whether directories are kept" },
	{ "agent", "roots", CONF_LIST, AT(roots), .check = check_root,
	  .help = "folders below which directories are made, and nowhere else" },
	{ "agent", "paths", CONF_CHOICE, AT(paths), .words = paths, .def = "domain",
	  .help = "whether a path has to have its domain's name in it: domain or any" },
	{ "agent", "mode", CONF_STRING, AT(mode_text), .check = check_mode, .def = "0755", .help = "mode of directories that are made" },
	{ "agent", "user-folders", CONF_LIST, AT(user_folders), .check = check_folder, .def = "public_html",
	  .help = "folders in a user's home" },
	{ "agent", "domain-folders", CONF_LIST, AT(domain_folders), .check = check_folder, .def = "vhosts users",
	  .help = "folders in a domain's directory" },
	{ "agent", "skeleton", CONF_PATH, AT(skeleton), .help = "folder whose content a new user's home gets" },
	{ "agent", "maildir", CONF_BOOL, AT(maildir), .def = "no", .help = "whether a user's home gets a Maildir" },
	{ "agent", "project-quota", CONF_BOOL, AT(project_quota), .def = "no",
	  .help = "whether a domain's disk quota is set, where the file system has project quotas" },
	{ "agent", "uid-min", CONF_NUMBER, AT(uid_min), .min = 1, .max = UINT32_MAX - 1, .def = "1000",
	  .help = "least uid and gid that get a directory" },
	{ "agent", "mailboxes", CONF_BOOL, AT(mailboxes), .def = "no", .help = "whether mailboxes are kept" },
	{ "agent", "mailbox-name", CONF_CHOICE, AT(mailbox_name), .words = namings, .def = "address",
	  .help = "what mailboxes are called by: address or uid" },
	{ "agent", "mail-folders", CONF_LIST, AT(mail_folders), .check = check_mail_folder,
	  .def = "Sent:\\Sent Drafts:\\Drafts Trash:\\Trash Junk:\\Junk", .help = "folders of a new mailbox, with their special use" },
	{ "agent", "imap-server", CONF_STRING, AT(imap_server), .def = "127.0.0.1:143", .help = "the mail store: unix:PATH or HOST:PORT" },
	{ "agent", "imap-user", CONF_STRING, AT(imap_user), .def = "cyrus", .help = "admin of the mail store" },
	{ "agent", "imap-password-file", CONF_PATH, AT(imap_password_file), .help = "file with the password of imap-user" },
	{ "agent", "imap-starttls", CONF_BOOL, AT(imap_starttls), .def = "no", .help = "encrypt, and refuse a server that cannot" },
	{ "agent", "imap-ca-file", CONF_PATH, AT(imap_ca_file), .help = "certificates that the mail store is checked with" },
	{ "agent", "imap-timeout", CONF_SECONDS, AT(imap_timeout), .min = 1, .max = 600, .def = "30s",
	  .help = "patience with a mail store that does not answer" },
	{ "agent", "settle", CONF_SECONDS, AT(settle), .max = 30 * 86400, .def = "10m",
	  .help = "time that an entry must be gone before anything is removed" },
	{ "agent", "interval", CONF_SECONDS, AT(interval), .min = 60, .def = "1d", .help = "time between complete comparisons" },
	{ "agent", "brake-percent", CONF_NUMBER, AT(brake_percent), .max = 100, .def = "5",
	  .help = "most of what there is that may be removed within an hour" },
	{ "agent", "trash-days", CONF_NUMBER, AT(trash_days), .max = 36500, .def = "30", .none = "forever",
	  .help = "days that removed directories are kept" },
	{ "agent", "max-age", CONF_SECONDS, AT(max_age), .def = "none", .none = "none",
	  .help = "with older data nothing is removed" },
	{ "agent", "queue", CONF_BOOL, AT(queue), .def = "no", .help = "whether ISPMan's queue of tasks is looked at" },
	{ "agent", "queue-bind-dn", CONF_STRING, AT(queue_bind_dn), .help = "who changes tasks; needs no right elsewhere" },
	{ "agent", "queue-bind-password-file", CONF_PATH, AT(queue_bind_password_file), .help = "file with the password of queue-bind-dn" },
	{ "agent", "queue-interval", CONF_SECONDS, AT(queue_interval), .min = 1, .max = 3600, .def = "5s",
	  .help = "time between looks at the queue" },
	{ "agent", "queue-unclaimed", CONF_SECONDS, AT(queue_unclaimed), .min = 60, .def = "10m",
	  .help = "time after which tasks that nobody takes are told of" },

	{ "ldap", "uri", CONF_LIST, AT(ldap_uri), .help = "servers of one database, the preferred first" },
	{ "ldap", "base", CONF_STRING, AT(ldap_base), .help = "suffix of the database" },
	{ "ldap", "starttls", CONF_BOOL, AT(ldap_starttls), .def = "no", .help = "encrypt ldap:// connections, and refuse them otherwise" },
	{ "ldap", "ca-file", CONF_PATH, AT(ldap_ca_file), .help = "certificates that servers are checked with" },
	{ "ldap", "cert-file", CONF_PATH, AT(ldap_cert_file), .help = "own certificate" },
	{ "ldap", "key-file", CONF_PATH, AT(ldap_key_file), .help = "own key" },
	{ "ldap", "timeout", CONF_SECONDS, AT(ldap_timeout), .min = 1, .max = 3600, .def = "10s",
	  .help = "patience with a server that does not answer" },
	{ "ldap", "bind-dn", CONF_STRING, AT(not_ours[0]), .help = "see ispman-cached" },
	{ "ldap", "bind-password-file", CONF_STRING, AT(not_ours[1]), .help = "see ispman-cached" },
	{ "ldap", "sasl-mech", CONF_STRING, AT(not_ours[2]), .help = "see ispman-cached" },
	{ "ldap", "filter", CONF_STRING, AT(not_ours[3]), .help = "see ispman-cached" },
	{ "ldap", "probe-interval", CONF_STRING, AT(not_ours[4]), .help = "see ispman-cached" },
	{ "ldap", "return-interval", CONF_STRING, AT(not_ours[5]), .help = "see ispman-cached" },
	{ "ldap", "lag-timeout", CONF_STRING, AT(not_ours[6]), .help = "see ispman-cached" },
};

void
agent_settings_describe(struct text *out)
{
	for (size_t i = 0; i < array_size(rows); i++)
		text_putf(out, "[%s] %s (%s): %s\n", rows[i].section, rows[i].key, rows[i].def != NULL ? rows[i].def : "not set",
		          rows[i].help);
}

/* --- what is made of values ------------------------------------------------------------------------------------------------- */

static int
spans_of(struct agent_settings *s, const struct conf_list *list, const struct span **out, size_t *out_count)
{
	struct span *spans = arena_alloc(&s->arena, (list->count + 1) * sizeof(*spans));

	if (spans == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < list->count; i++)
		spans[i] = span_of(list->items[i]);
	*out = spans;
	*out_count = list->count;
	return 0;
}

static int
fill_mail_folders(struct agent_settings *s)
{
	struct mailbox_folder *folders = arena_alloc(&s->arena, (s->mail_folders.count + 1) * sizeof(*folders));

	if (folders == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < s->mail_folders.count; i++) {
		const char *text = s->mail_folders.items[i], *colon = strchr(text, ':');

		folders[i].name = colon != NULL ? span_from(text, (size_t)(colon - text)) : span_of(text);
		folders[i].special_use = colon != NULL ? span_of(colon + 1) : SPAN("");
	}
	s->mail.folders = folders;
	s->mail.folder_count = s->mail_folders.count;
	return 0;
}

/* This host's own name, when none is configured. */
static int
default_host(struct agent_settings *s)
{
	char room[256];
	const char **items;
	struct span kept;

	if (s->hosts.count > 0)
		return 0;
	if (gethostname(room, sizeof(room)) < 0)
		return -errno;
	room[sizeof(room) - 1] = '\0';
	kept = arena_copy(&s->arena, span_from(room, strlen(room) + 1));
	items = arena_alloc(&s->arena, sizeof(*items));
	if (kept.data == NULL || items == NULL)
		return -ENOMEM;
	items[0] = kept.data;
	s->hosts = (struct conf_list){ 1, items };
	return 0;
}

static int
fill(struct agent_settings *s)
{
	struct plan_rules *rules = &s->engine.rules;
	int r = default_host(s);

	if (r == 0)
		r = spans_of(s, &s->hosts, &s->engine.own_names, &s->engine.own_name_count);
	if (r == 0)
		r = spans_of(s, &s->roots, &rules->roots, &rules->root_count);
	if (r == 0)
		r = spans_of(s, &s->user_folders, &rules->user_folders, &rules->user_folder_count);
	if (r == 0)
		r = spans_of(s, &s->domain_folders, &rules->domain_folders, &rules->domain_folder_count);
	if (r == 0)
		r = fill_mail_folders(s);
	if (r == 0)
		r = read_mode(s->mode_text, &s->mode);
	if (r < 0)
		return r;
	s->log_level = LOG_ERROR + s->log_level_word;
	rules->everything = s->everything;
	rules->directories = s->directories && s->roots.count > 0;
	rules->mailboxes = s->mailboxes;
	rules->project_quota = s->project_quota;
	rules->naming = (enum plan_naming)s->mailbox_name;
	rules->settle = s->settle;
	rules->uid_min = s->uid_min;
	rules->any_path = s->paths == 1;
	s->engine.file_group = span_of(s->file_group != NULL ? s->file_group : "");
	s->engine.mode = s->mode;
	s->engine.maildir = s->maildir;
	s->engine.brake_percent = (unsigned)s->brake_percent;
	s->engine.trash_days = s->trash_days;
	s->disk = (struct disk_options){
		.root_count = s->roots.count,
		.roots = (const char *const *)s->roots.items,
		.parent_mode = 0755,
		.skeleton = s->skeleton,
		.project_quota = s->project_quota,
	};
	s->tasks = (struct queue_options){
		.tasks = {
			.uris = (const char *const *)s->ldap_uri.items,
			.uri_count = s->ldap_uri.count,
			.base = s->ldap_base,
			.bind_dn = s->queue_bind_dn,
			.bind_password_file = s->queue_bind_password_file,
			.starttls = s->ldap_starttls,
			.ca_file = s->ldap_ca_file,
			.cert_file = s->ldap_cert_file,
			.key_file = s->ldap_key_file,
			.timeout = (unsigned)s->ldap_timeout,
			.name_count = s->engine.own_name_count,
			.names = s->engine.own_names,
		},
		.unclaimed_after = s->queue_unclaimed,
	};
	s->mail.server = s->imap_server;
	s->mail.user = s->imap_user;
	s->mail.starttls = s->imap_starttls;
	s->mail.ca_file = s->imap_ca_file;
	s->mail.timeout = (unsigned)s->imap_timeout;
	s->mail.virtual_domains = s->mailbox_name == PLAN_BY_ADDRESS;
	return 0;
}

static int
check_rules(const struct agent_settings *s, struct text *why)
{
	size_t before = why->len;

	if (s->cache_dir == NULL || s->run_dir == NULL || s->state_dir == NULL)
		text_put(why, "[ispman] cache-dir and run-dir and [agent] state-dir may not be empty\n");
	if (s->directories && s->roots.count == 0)
		text_put(why, "[agent] roots is empty: say below which folders directories are made, or directories = no\n");
	if (s->mailboxes && s->imap_password_file == NULL)
		text_put(why, "[agent] imap-password-file is not set: mailboxes = yes needs it\n");
	if (s->queue && (s->ldap_uri.count == 0 || s->ldap_base == NULL))
		text_put(why, "[ldap] uri and base are not set: [agent] queue = yes needs them\n");
	if (s->queue && (s->queue_bind_dn != NULL) != (s->queue_bind_password_file != NULL))
		text_put(why, "[agent] queue-bind-dn and queue-bind-password-file need each other\n");
	if (!s->directories && !s->mailboxes)
		text_put(why, "[agent] directories = no and mailboxes = no: there is nothing for ispman-agent to do\n");
	return why->len > before ? -EINVAL : 0;
}

int
agent_settings_load(const char *path, const char *const *overrides, size_t override_count, struct agent_settings **out,
                    struct text *why)
{
	cleanup(agent_settings_freep) struct agent_settings *s = calloc(1, sizeof(*s));
	const struct conf_table tables[] = { { rows, array_size(rows), s } };
	const struct conf_schema schema = { tables, array_size(tables), other_sections };
	int r;

	if (s == NULL)
		return -ENOMEM;
	r = conf_load(&schema, path, overrides, override_count, &s->arena, why);
	if (r == 0)
		r = check_rules(s, why);
	if (r == 0)
		r = fill(s);
	if (r < 0)
		return r;
	*out = take(s);
	return 0;
}

void
agent_settings_free(struct agent_settings *s)
{
	if (s == NULL)
		return;
	if (s->mail.password != NULL)
		explicit_bzero((char *)(uintptr_t)s->mail.password, strlen(s->mail.password));
	arena_free(&s->arena);
	free(s);
}

void
agent_settings_freep(struct agent_settings **settings)
{
	agent_settings_free(*settings);
}

int
agent_settings_read_password(struct agent_settings *s, struct text *why)
{
	cleanup(close_fdp) int fd = -1;
	char *room;
	struct stat stat;
	ssize_t n;

	if (!s->mailboxes)
		return 0;
	fd = open(s->imap_password_file, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &stat) < 0) {
		text_putf(why, "[agent] imap-password-file %s: %s\n", s->imap_password_file, strerror(errno));
		return -EINVAL;
	}
	if ((stat.st_mode & (S_IROTH | S_IWOTH)) != 0) {
		text_putf(why, "[agent] imap-password-file %s: others can read or write it; chmod 0600\n", s->imap_password_file);
		return -EINVAL;
	}
	room = arena_alloc(&s->arena, PASSWORD_MAX);
	if (room == NULL)
		return -ENOMEM;
	n = read(fd, room, PASSWORD_MAX - 1);
	if (n < 0) {
		text_putf(why, "[agent] imap-password-file %s: %s\n", s->imap_password_file, strerror(errno));
		return -EINVAL;
	}
	room[n] = '\0';
	room[strcspn(room, "\r\n")] = '\0';
	s->mail.password = room;
	return 0;
}
