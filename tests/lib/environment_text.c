/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 */
#include <config.h>

#include "tests/lib/environment_text.h"

#include <stdio.h>
#include <unistd.h>

void
environment_text_die(const struct environment_text *out, const char *what)
{
	fprintf(stderr, "%s: line %zu: %s\n", out->name, out->line_number, what);
	exit(1);
}

static void
remove_all(const struct environment_text *out)
{
	struct span key, value;

	for (;;) {
		cleanup(store_cursor_closep) struct store_cursor *cursor = NULL;
		struct key copied;

		if (store_cursor_open(out->txn, 0, &cursor) < 0 || store_cursor_seek(cursor, SPAN(""), &key, &value) <= 0)
			return;
		copied.len = key.len;
		memcpy(copied.octets, key.data, key.len);
		if (store_delete(out->txn, 0, key_span(&copied)) < 0)
			environment_text_die(out, store_error_text());
	}
}

void
environment_text_begin(struct environment_text *out, const char *folder)
{
	const struct store_options options = {
		.map_size = (size_t)1 << 32,
		.file_mode = 0640,
		.group = (gid_t)-1,
	};

	out->line_number = 0;
	/* Another folder, or other files in it. */
	if (out->store != NULL && (strcmp(store_path(out->store), folder) != 0 || access(folder, F_OK) < 0 ||
	                           store_check_replaced(out->store) < 0))
		environment_text_close(out);
	if (out->store == NULL && store_open_writer(folder, &options, &out->store) < 0)
		environment_text_die(out, store_error_text());
	if (store_begin_write(out->store, &out->txn) < 0)
		environment_text_die(out, store_error_text());
	remove_all(out);
}

void
environment_text_lines(struct environment_text *out, struct span text, void (*read_line)(struct span line))
{
	while (text.len > 0) {
		const char *feed = memchr(text.data, '\n', text.len);
		size_t n = feed != NULL ? (size_t)(feed - text.data) : text.len;

		out->line_number++;
		read_line(span_trim(span_from(text.data, n)));
		text = span_skip(text, feed != NULL ? n + 1 : n);
	}
}

void
environment_text_put(struct environment_text *out, struct span key, struct text *value)
{
	if (text_failed(value))
		environment_text_die(out, "no memory");
	if (store_put(out->txn, 0, key, text_span(value)) < 0)
		environment_text_die(out, store_error_text());
	text_free(value);
}

void
environment_text_end(struct environment_text *out, const struct state_record *state)
{
	struct text value = TEXT_INIT;

	if (state != NULL) {
		state_record_put(&value, state);
		environment_text_put(out, SPAN("m"), &value);
	}
	if (store_commit(out->txn) < 0)
		environment_text_die(out, store_error_text());
}

void
environment_text_close(struct environment_text *out)
{
	store_close(out->store);
	out->store = NULL;
}
