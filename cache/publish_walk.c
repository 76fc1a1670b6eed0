/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * Walking over all subjects that there are or should be: for a rebuild, and for comparing.
 */
#include <config.h>

#include "cache/publish_internal.h"

#include <errno.h>
#include <poll.h>

enum {
	VERIFY_PAUSE_MILLISECONDS = 10,
	VERIFY_PATIENCE = 200, /* such pauses, in all */
};

int
publish_compare(const void *a, const void *b)
{
	const struct span *x = a, *y = b;
	int order = memcmp(x->data, y->data, x->len < y->len ? x->len : y->len);

	return order != 0 ? order : (x->len > y->len) - (x->len < y->len);
}

struct walk
publish_walk_of(const struct publish *publish)
{
	return (struct walk){
		.special = publish->special,
		.letters = publish->special != NULL ? publish->special->letters : publish->projection->letters,
	};
}

int
publish_walk_seek(const struct walk_position *position, struct store_cursor *cursor, struct key *out)
{
	size_t cut = position->fragments ? 1 + REPLICA_ID_LEN : 0;
	struct key start = position->after;
	struct span key, value;
	int r;

	if (start.len == 0) {
		start.octets[0] = (uint8_t)position->letter;
		start.len = 1;
	} else if (position->fragments && position->pass) {
		/* Behind the last fragment of the subject: SUBJECT 0 FF... */
		start.octets[start.len] = 0;
		memset(start.octets + start.len + 1, 0xff, REPLICA_ID_LEN);
		start.len += 1 + REPLICA_ID_LEN;
	}
	if (position->unprefixed) {
		memmove(start.octets, start.octets + 1, start.len - 1);
		start.len--;
	}
	r = store_cursor_seek(cursor, start.len > 0 ? key_span(&start) : SPAN("\0"), &key, &value);
	if (r == 1 && position->after.len > 0 && span_is(key, key_span(&start)))
		r = store_cursor_next(cursor, &key, &value);
	if (r <= 0)
		return r;
	if (key.len > KEY_MAX - 1 || key.len <= cut)
		return -EBADMSG;
	if (!position->unprefixed && key.data[0] != position->letter)
		return 0;
	out->len = 0;
	if (position->unprefixed)
		out->octets[out->len++] = (uint8_t)position->letter;
	memcpy(out->octets + out->len, key.data, key.len - cut);
	out->len += key.len - cut;
	return 1;
}

void
publish_walk_take(const struct key *candidate, struct key *best)
{
	struct key row unfilled, best_row unfilled;
	struct span a, b;

	key_row(&row, key_span(candidate));
	a = key_span(&row);
	if (best->len > 0) {
		key_row(&best_row, key_span(best));
		b = key_span(&best_row);
		if (publish_compare(&a, &b) >= 0)
			return;
	}
	*best = *candidate;
}

/* The next subject of the walk's letter, and whatever has its records among those: 1, 0 for none, or negative. */
static int
next_of_letter(const struct walk *walk, const struct walk_cursors *cursors, struct key *out)
{
	struct walk_position at = { .letter = *walk->letters, .fragments = true };
	struct key best = { .len = 0 };
	struct key found unfilled, subject unfilled;
	int r;

	if (walk->last.len > 0) {
		key_row(&at.after, key_span(&walk->last));
		/* Another one's record may come right before this one's first: then none is passed over. */
		at.pass = walk->last.octets[0] == (uint8_t)at.letter;
	}
	r = publish_walk_seek(&at, cursors->fragments, &found);
	if (r == 1)
		publish_walk_take(&found, &best);
	at.fragments = false;
	if (r >= 0)
		r = publish_walk_seek(&at, cursors->records, &found);
	if (r == 1) {
		key_subject(&subject, key_span(&found));
		publish_walk_take(&subject, &best);
	}
	if (r >= 0 && walk->special != NULL) {
		r = walk->special->walk(walk, cursors, &found);
		if (r == 1)
			publish_walk_take(&found, &best);
	}
	if (r < 0)
		return r;
	*out = best;
	return best.len > 0;
}

int
publish_walk_next(struct walk *walk, const struct walk_cursors *cursors)
{
	for (; *walk->letters != '\0'; walk->letters++, walk->last.len = 0) {
		struct key next;
		int r = next_of_letter(walk, cursors, &next);

		if (r == 1)
			walk->last = next;
		if (r != 0)
			return r;
	}
	return 0;
}

int
publish_step_begin(struct publish *publish, bool write, struct walk_step *step)
{
	int r = store_begin_read(publish->replica->store, &step->directory);

	if (r == 0)
		r = write ? store_begin_write(publish->store, &step->records) : store_begin_read(publish->store, &step->records);
	if (r == 0)
		r = store_cursor_open(step->directory, REPLICA_FRAGMENT, &step->cursors.fragments);
	if (r == 0)
		r = store_cursor_open(step->directory, REPLICA_ZONE, &step->cursors.zones);
	if (r == 0)
		r = store_cursor_open(step->records, 0, &step->cursors.records);
	return r;
}

void
publish_step_end(struct walk_step *step)
{
	store_cursor_close(step->cursors.fragments);
	store_cursor_close(step->cursors.zones);
	store_cursor_close(step->cursors.records);
	store_abort(step->directory);
	store_abort(step->records);
	*step = (struct walk_step){ .directory = NULL };
}

/* --- comparing --------------------------------------------------------------------------------------------- */

/* Whether SUBJECT is what it should be, 1 or 0; *OUT_EXISTS: it is there at all. */
static int
verify_subject(struct publish *reader, const struct walk_step *step, struct span subject, bool *out_exists)
{
	struct reduce_input known;
	int r = publish_combine(reader, step->directory, step->records, subject, out_exists, &known);

	arena_reset(&reader->arena);
	if (r < 0)
		return r;
	return reader->reduced.present == *out_exists &&
	       (!*out_exists || span_is(text_span(&reader->served), text_span(&reader->reduced.value)));
}

static void
say_difference(const struct projection *projection, struct span subject, bool exists,
               void (*each)(void *context, const char *sentence), void *context)
{
	cleanup(text_free) struct text sentence = TEXT_INIT;

	text_putf(&sentence, "%s: ", projection->name);
	projection->put_subject(&sentence, subject);
	text_put(&sentence, exists ? " differs from what directory/ says" : " is missing");
	each(context, text_str(&sentence));
}

int64_t
publish_verify(struct publish *publish, void (*each)(void *context, const char *sentence), void *context,
               const atomic_bool *stop)
{
	struct publish *reader = calloc(1, sizeof(*reader));
	struct walk walk = publish_walk_of(publish);
	struct walk_step step = { .directory = NULL };
	int64_t differ = 0;
	int patience = VERIFY_PATIENCE;
	int r = 1;

	if (reader == NULL)
		return -ENOMEM;
	/* A shadow with scratch memory of its own: the thread goes on meanwhile. */
	reader->projection = publish->projection;
	reader->special = publish->special;
	reader->replica = publish->replica;
	reader->options = publish->options;
	while (r == 1) {
		r = atomic_load(stop) ? -ECANCELED : publish_step_begin(publish, false, &step);
		for (int n = 0; r >= 0 && n < PUBLISH_BATCH; n++) {
			bool exists = false;

			r = publish_walk_next(&walk, &step.cursors);
			if (r <= 0)
				break;
			r = verify_subject(reader, &step, key_span(&walk.last), &exists);
			/* The two snapshots are not of one moment: what changes now is looked at again. */
			while (r == 0 && patience > 0 && !atomic_load(stop)) {
				publish_step_end(&step);
				poll(NULL, 0, VERIFY_PAUSE_MILLISECONDS);
				patience--;
				r = publish_step_begin(publish, false, &step);
				if (r == 0)
					r = verify_subject(reader, &step, key_span(&walk.last), &exists);
			}
			if (r < 0)
				break;
			if (r == 0) {
				differ++;
				if (each != NULL)
					say_difference(publish->projection, key_span(&walk.last), exists, each, context);
			}
			r = 1;
		}
		publish_step_end(&step);
	}
	arena_free(&reader->arena);
	text_free(&reader->served);
	text_free(&reader->reduced.value);
	text_free(&reader->reduced.problems);
	free(reader);
	return r < 0 ? r : differ;
}
