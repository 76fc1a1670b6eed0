/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 */
#include <config.h>

#include "common/server_settings.h"

#include "common/daemon.h"

#include <errno.h>
#include <pwd.h>

static const char *const log_levels[] = { "error", "warning", "notice", "info", "debug", NULL };

#define AT(member) offsetof(struct server_settings, member)

static const struct conf_setting rows[] = {
	{ "ispman", "cache-dir", CONF_PATH, AT(cache_dir), .def = CACHE_DIR,
	  .help = "folder of the cache" },
	{ "ispman", "run-dir", CONF_PATH, AT(run_dir), .def = RUN_DIR,
	  .help = "folder of the control socket and the counters" },
	{ "ispman", "log-level", CONF_CHOICE, AT(log_level_word), .words = log_levels, .def = "info",
	  .help = "least important messages that are logged" },
	{ "ispman", "user", CONF_STRING, AT(cached_user), .help = "see ispman-cached" },
	{ "ispman", "group", CONF_STRING, AT(cached_group), .help = "see ispman-cached" },
};

struct conf_table
server_settings_table(struct server_settings *target)
{
	return (struct conf_table){ rows, array_size(rows), target };
}

int
server_settings_fill(struct server_settings *s, const char *section, size_t others, struct text *why)
{
	size_t count = s->listen_values.count;

	s->section = section;
	s->log_level = LOG_ERROR + s->log_level_word;
	s->listen = arena_alloc(&s->arena, (count + others + 1) * sizeof(*s->listen));
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

int
server_settings_prefixes(struct arena *arena, const struct conf_list *values, struct allow_prefix **out, size_t *out_count,
                         struct text *why)
{
	struct allow_prefix *prefixes = arena_alloc(arena, (values->count + 1) * sizeof(*prefixes));

	if (prefixes == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < values->count; i++) {
		int r = allow_parse(values->items[i], &prefixes[i], why);

		if (r < 0)
			return r;
	}
	*out = prefixes;
	*out_count = values->count;
	return 0;
}

void
server_settings_look_at_folders(const struct server_settings *s, struct text *why)
{
	if (s->cache_dir == NULL || s->run_dir == NULL)
		text_put(why, "[ispman] cache-dir and run-dir may not be empty\n");
}

void
server_settings_look_for_twice(const struct server_settings *s, struct text *why)
{
	for (size_t i = 0; i < s->listen_count + s->other_count; i++) {
		for (size_t j = 0; j < i; j++) {
			if (!listener_is_same(&s->listen[i], &s->listen[j]))
				continue;
			text_putf(why, "[%s] ", s->section);
			listener_put(why, &s->listen[i]);
			text_put(why, " is given twice\n");
		}
	}
}

void
server_settings_check_group(const struct server_settings *s, const char *key, const char *name, struct text *why)
{
	gid_t gid;

	if (name != NULL && daemon_group_id(name, &gid) < 0)
		text_putf(why, "[%s] %s: there is no group \"%s\"\n", s->section, key, name);
}

int
server_settings_check(const struct server_settings *s, struct text *why)
{
	size_t before = why->len;
	int r = 0;

	for (size_t i = 0; i < s->listen_count + s->other_count && r != -ENOMEM; i++)
		r = listener_check(&s->listen[i], why);
	if (s->user != NULL && getpwnam(s->user) == NULL)
		text_putf(why, "[%s] user: there is no user \"%s\"\n", s->section, s->user);
	server_settings_check_group(s, "group", s->group, why);
	return why->len > before ? -EINVAL : r;
}

bool
server_settings_moved(const struct server_settings *a, const struct server_settings *b)
{
	return strcmp(a->cache_dir, b->cache_dir) != 0 || strcmp(a->run_dir, b->run_dir) != 0;
}

void
server_settings_free(struct server_settings *s)
{
	if (s == NULL)
		return;
	arena_free(&s->arena);
	free(s);
}

void
server_settings_freep(struct server_settings **s)
{
	server_settings_free(*s);
}
