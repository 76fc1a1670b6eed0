/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * What the settings of all daemons on stream sockets share: [ispman], and in the daemon's own section listen, user and group.
 *
 *	struct x_settings {
 *		struct server_settings server;          first: what is freed is one block
 *		uint64_t hold;
 *	};
 *	static const struct conf_setting rows[] = {
 *		{ "x", "listen", CONF_LIST, AT(server.listen_values), ... },
 *		{ "x", "hold", CONF_SECONDS, AT(hold), ... },
 *		SERVER_SETTINGS_USER("x", AT(server)),
 *	};
 *	const struct conf_table tables[] = { server_settings_table(&s->server), { rows, array_size(rows), s } };
 */
#pragma once

#include "common/allow.h"
#include "common/arena.h"
#include "common/conf.h"
#include "common/listener.h"
#include "common/log.h"

struct server_settings {
	struct arena arena;
	const char *section; /* the daemon's own: "x" */

	/* [ispman] */
	const char *cache_dir, *run_dir;
	int log_level_word;
	const char *cached_user, *cached_group; /* not ours */

	/* The daemon's own section; times in seconds. */
	struct conf_list listen_values;
	uint64_t request_timeout, max_connections;
	const char *user, *group; /* to become when started as root */

	/* Made of the above. */
	enum log_level log_level;
	struct listener_address *listen; /* the first LISTEN_COUNT speak the daemon's usual protocol, OTHER_COUNT after them others */
	size_t listen_count, other_count;
	struct allow_prefix *allow; /* of inet peers */
	size_t allow_count;
	const struct listener_address *control; /* of a control socket; NULL: none */
};

/* [ispman]. */
struct conf_table server_settings_table(struct server_settings *target);

/* Rows of the daemon's own section; AT is where the struct server_settings is in the table's target. */
#define SERVER_SETTINGS_USER(section, at)                                                                                      \
	{ section, "user", CONF_STRING, (at) + offsetof(struct server_settings, user),                                         \
	  .help = "user to become when started as root" },                                                                     \
	{ section, "group", CONF_STRING, (at) + offsetof(struct server_settings, group),                                       \
	  .help = "group to become when started as root; the user's own unless set" }

/* After conf_load(): what is made of the values, with room for OTHERS more addresses at the end of listen, which the caller fills
 * and counts. SECTION is kept. 0, or negative with a sentence in WHY. */
must_check int server_settings_fill(struct server_settings *s, const char *section, size_t others, struct text *why);

/* Prefixes of VALUES, in ARENA. 0, or negative with a sentence in WHY. */
must_check int server_settings_prefixes(struct arena *arena, const struct conf_list *values, struct allow_prefix **out,
                                        size_t *out_count, struct text *why);

/* A sentence in WHY for each thing that cannot be: folders without a name, an address that is given twice. */
void server_settings_look_at_folders(const struct server_settings *s, struct text *why);
void server_settings_look_for_twice(const struct server_settings *s, struct text *why);

/* What can be found out without listening: folders, users and groups exist. 0, or negative with a sentence a line in WHY. */
must_check int server_settings_check(const struct server_settings *s, struct text *why);
/* The same of group NAME (NULL is fine), the value of KEY in the daemon's section: a sentence if there is no such group. */
void server_settings_check_group(const struct server_settings *s, const char *key, const char *name, struct text *why);

/* Whether B has its data in other folders than A. */
bool server_settings_moved(const struct server_settings *a, const struct server_settings *b);

/* Frees the block that S is the first member of. */
void server_settings_free(struct server_settings *s);
void server_settings_freep(struct server_settings **s);
