/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 */
#include <config.h>

#include "cache/sync.h"

#include "cache/message.h"
#include "cache/sync_serve.h"
#include "cache/sync_words.h"

#include <errno.h>
#include <poll.h>

enum { SILENCES = 6 }; /* a server may be silent for this many timeouts */

struct reading {
	const struct sync_config *config;
	struct connection *c;
	int id, stop_fd;
	int (*each)(void *context, const struct entry *entry);
	void *context;
	size_t entries;
	struct text *why;
};

static struct sync_words_scene
scene(const struct reading *r)
{
	return (struct sync_words_scene){
		.step = SYNC_WORDS_SEARCH,
		.uri = r->config->server.uris[r->c->uri],
		.identity = text_str(&r->c->identity),
		.base = r->config->base,
		.entries = r->entries,
	};
}

static int
send_search(struct reading *reading)
{
	const struct sync_config *config = reading->config;
	const char **attributes = calloc(config->attribute_count + 3, sizeof(*attributes));
	struct message_search search = {
		.base = config->base,
		.filter = config->filter != NULL ? config->filter : "(objectClass=*)",
		.attributes = attributes,
	};
	struct sync_words_scene where = scene(reading);
	int code = 0;

	if (attributes == NULL)
		return -ENOMEM;
	if (config->attribute_count == 0)
		attributes[search.attribute_count++] = "*";
	for (size_t i = 0; i < config->attribute_count; i++)
		attributes[search.attribute_count++] = config->attributes[i];
	attributes[search.attribute_count++] = "entryUUID";
	attributes[search.attribute_count++] = "entryCSN";
	reading->id = message_search(reading->c, &search, &code);
	free(attributes);
	if (reading->id < 0) {
		sync_words_result(reading->why, &where, code, SPAN(""));
		return -EIO;
	}
	return 0;
}

/* 1: go on; 0: the end. */
static int
take_message(struct reading *reading, const struct message *m)
{
	struct sync_words_scene where = scene(reading);
	int r;

	if (m->kind == MESSAGE_GOODBYE || (m->kind == MESSAGE_RESULT && m->code != 0)) {
		sync_words_result(reading->why, &where, m->code, m->text);
		return -EIO;
	}
	if (m->kind == MESSAGE_RESULT)
		return 0;
	if (m->kind != MESSAGE_ENTRY)
		return 1;
	if (!m->has_uuid) {
		sync_words_no_uuid(reading->why, &where);
		return -EACCES;
	}
	reading->entries++;
	r = reading->each(reading->context, &m->entry);
	return r < 0 ? r : 1;
}

static int
wait_for_input(struct reading *reading, uint64_t heard)
{
	uint64_t patience = (uint64_t)reading->config->server.timeout * SILENCES * 1000;
	struct pollfd wait[] = {
		{ .fd = reading->stop_fd, .events = POLLIN },
		{ .fd = reading->c->fd, .events = POLLIN },
	};

	if (poll(wait, array_size(wait), 1000) < 0 && errno != EINTR)
		return -errno;
	if (wait[0].revents != 0)
		return -ECANCELED;
	if (wait[1].revents == 0 && sync_now() - heard > patience) {
		text_putf(reading->why, "%s: the server has not answered for %llu s",
		          reading->config->server.uris[reading->c->uri],
		          (unsigned long long)patience / 1000);
		return -ETIMEDOUT;
	}
	return 0;
}

static int
read_entries(struct reading *reading)
{
	struct arena arena = ARENA_INIT;
	uint64_t heard = sync_now();
	int r = send_search(reading);

	if (r == 0)
		r = 1;
	while (r > 0) {
		struct message m;

		r = message_next(reading->c, &arena, &m);
		if (r < 0) {
			text_putf(reading->why, "%s: the connection was lost while the entries were read",
			          reading->config->server.uris[reading->c->uri]);
		} else if (r == 0) {
			r = wait_for_input(reading, heard);
			if (r == 0)
				r = 1;
		} else {
			/* Often enough to obey, seldom enough not to cost anything. */
			struct pollfd stop = { .fd = reading->stop_fd, .events = POLLIN };

			heard = sync_now();
			r = m.id == reading->id || m.kind == MESSAGE_GOODBYE
			            ? take_message(reading, &m)
			            : 1;
			message_free(&m);
			arena_reset(&arena);
			if (r > 0 && reading->entries % 256 == 0 && poll(&stop, 1, 0) > 0)
				r = -ECANCELED;
		}
	}
	arena_free(&arena);
	return r;
}

int
sync_read_all(const struct sync_config *config,
              int (*each)(void *context, const struct entry *entry), void *context, int stop_fd,
              struct text *why)
{
	struct connection_wish wish = { .base = config->base };
	cleanup(connection_closep) struct connection *c = NULL;
	struct reading reading = {
		.config = config,
		.stop_fd = stop_fd,
		.each = each,
		.context = context,
		.why = why,
	};
	int r = -EINVAL;

	for (size_t i = 0; i < config->server.uri_count && c == NULL; i++) {
		text_clear(why);
		r = connection_open(&config->server, i, &wish, stop_fd, &c, why);
		if (r == -ECANCELED) {
			connection_settle();
			return r;
		}
	}
	if (r < 0)
		return r;
	reading.c = c;
	return read_entries(&reading);
}
