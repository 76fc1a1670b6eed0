/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * Where the entries come from: an LDAP directory or an LDIF file, in a thread of its own.
 */
#pragma once

#include "cache/feed.h"
#include "cache/settings.h"

#include <jansson.h>

struct source;

/* Both are called from the source's thread. */
struct source_listener {
	void (*say)(void *context, enum log_level level, const char *sentence);
	void (*changed)(void *context);
	void *context;
};

/* SETTINGS and FEED must outlive the result. */
must_check int source_start(struct settings *settings, const struct feed *feed, const struct source_listener *listener,
                            struct source **out);
/* Stops the thread and waits for it. NULL is fine. */
void source_stop(struct source *source);

/* What the replica has is what the source had a moment ago. */
bool source_is_current(struct source *source);
/* Asks the source what it has now. When source_has_told() of the number that is returned, the replica has it; CHANGED is
 * called when that may have become so. */
uint64_t source_ask(struct source *source);
bool source_has_told(struct source *source, uint64_t question);
/* When the source was last known to agree: seconds since 1970, 0 never. */
int64_t source_contact(struct source *source);
/* Adds what `ispmanctl status` shows of the source. */
void source_describe(struct source *source, json_t *out);

/* Shows every entry of the source to EACH, over a connection or a descriptor of its own; STOP_FD becomes readable to end it. */
must_check int source_read_all(struct settings *settings, int (*each)(void *context, const struct entry *entry),
                               void *context, int stop_fd, struct text *why);
