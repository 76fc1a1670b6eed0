/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * One subject of an environment: its fragments combined, and what differs written.
 */
#include <config.h>

#include "cache/publish_internal.h"

#include <errno.h>
#include <time.h>

enum { DEFERRED_MAX = 8 << 20 }; /* octets of problems kept back in the first build, so that it can append */

struct naming {
	struct publish *publish;
	struct store_txn *directory;
};

static void
dn_of(void *context, uint64_t entry_id, struct text *out_dn)
{
	struct naming *naming = context;

	/* An entry that just went away has no DN any more; its fragments are about to go too. */
	if (replica_dn(naming->publish->replica, naming->directory, entry_id, out_dn) < 0)
		text_clear(out_dn);
}

int
publish_combine(struct publish *publish, struct store_txn *directory, struct store_txn *records, struct span subject,
                bool *out_exists, struct reduce_input *out_known)
{
	struct naming naming = { publish, directory };
	struct held_fragment *fragments;
	struct reduce_input input = {
		.subject = subject,
		.now = (uint64_t)time(NULL),
		.dn_of = dn_of,
		.context = &naming,
	};
	struct span served = SPAN("");
	struct key row unfilled;
	int r = replica_fragments(directory, subject, &publish->arena, &fragments, &input.count);

	if (r < 0)
		return r;
	input.fragments = fragments;
	key_row(&row, subject);
	r = store_get(records, 0, key_span(&row), &served);
	if (r < 0)
		return r;
	*out_exists = r == 1;
	text_clear(&publish->served);
	if (r == 1)
		text_put_span(&publish->served, served);
	input.served = text_span(&publish->served);
	if (publish->special != NULL) {
		r = publish->special->know(directory, records, &input);
		if (r < 0)
			return r;
	}
	r = publish->projection->reduce(publish->options.settings, &input, &publish->reduced);
	/* Without what does not outlive this. */
	*out_known = (struct reduce_input){ .subject = subject, .hold_until = input.hold_until, .now = input.now };
	return r;
}

void
publish_companion_key(struct key *out, char letter, struct span subject)
{
	out->octets[0] = (uint8_t)letter;
	memcpy(out->octets + 1, subject.data, subject.len);
	out->len = 1 + subject.len;
}

int
publish_put_companion(struct publish *publish, struct store_txn *records, char letter, struct span subject,
                      struct span octets)
{
	struct key key unfilled;
	struct span old;
	int r;

	publish_companion_key(&key, letter, subject);
	if (publish->appending && octets.len == 0)
		return 0;
	r = store_get(records, 0, key_span(&key), &old);
	if (r < 0 || (r == 0 && octets.len == 0) || (r == 1 && span_is(old, octets)))
		return r < 0 ? r : 0;
	if (letter == 'p')
		publish->problems += (octets.len > 0) - (uint64_t)(r == 1);
	r = octets.len > 0 ? store_put(records, 0, key_span(&key), octets) : store_delete(records, 0, key_span(&key));
	return r < 0 ? r : 1;
}

static int
put_record(struct publish *publish, struct store_txn *records, struct span subject, bool exists)
{
	const struct reduced *reduced = &publish->reduced;
	struct key row unfilled;
	int r;

	key_row(&row, subject);
	if (!reduced->present)
		return exists ? store_delete(records, 0, key_span(&row)) : 0;
	if (exists && span_is(text_span(&publish->served), text_span(&reduced->value)))
		return 0;
	r = publish->appending ? store_append(records, 0, key_span(&row), text_span(&reduced->value)) : -EEXIST;
	if (r == -EEXIST)
		r = store_put(records, 0, key_span(&row), text_span(&reduced->value));
	return r < 0 ? r : 1;
}

static int
put_problems(struct publish *publish, struct store_txn *records, struct span subject)
{
	struct span problems = text_span(&publish->reduced.problems);
	uint32_t lengths[2] = { (uint32_t)subject.len, (uint32_t)problems.len };

	if (!publish->appending || problems.len == 0 || publish->deferred.len >= DEFERRED_MAX)
		return publish_put_companion(publish, records, 'p', subject, problems);
	text_put_span(&publish->deferred, span_from(lengths, sizeof(lengths)));
	text_put_span(&publish->deferred, subject);
	text_put_span(&publish->deferred, problems);
	return 0;
}

int
publish_put_deferred(struct publish *publish, struct store_txn *records)
{
	struct span rest = text_span(&publish->deferred);
	int r = text_failed(&publish->deferred) ? -ENOMEM : 0;

	publish->appending = false;
	while (r >= 0 && rest.len > 0) {
		uint32_t lengths[2];

		memcpy(lengths, rest.data, sizeof(lengths));
		rest = span_skip(rest, sizeof(lengths));
		r = publish_put_companion(publish, records, 'p', span_from(rest.data, lengths[0]),
		                          span_from(rest.data + lengths[0], lengths[1]));
		rest = span_skip(rest, (size_t)lengths[0] + lengths[1]);
	}
	text_free(&publish->deferred);
	return r < 0 ? r : 0;
}

/* ADD the record VALUE of SUBJECT to what is counted, or take it away. */
static void
count(struct publish *publish, struct span subject, struct span value, bool add)
{
	unsigned counts = publish->projection->counts(subject, value);

	for (size_t i = 0; i < PROJECT_COUNTED_MAX; i++)
		if ((counts & 1u << i) != 0)
			publish->counts[i] += add ? 1 : UINT64_MAX;
}

int
publish_subject(struct publish *publish, struct store_txn *directory, struct store_txn *records, struct span subject)
{
	struct reduced *reduced = &publish->reduced;
	struct reduce_input known;
	bool exists = false;
	int changed, r = publish_combine(publish, directory, records, subject, &exists, &known);

	arena_reset(&publish->arena);
	if (r < 0)
		return r;
	changed = put_record(publish, records, subject, exists);
	if (changed < 0)
		return changed;
	if (changed == 1 && exists)
		count(publish, subject, text_span(&publish->served), false);
	if (changed == 1 && reduced->present)
		count(publish, subject, text_span(&reduced->value), true);
	r = put_problems(publish, records, subject);
	if (r >= 0 && changed == 1)
		r |= publish_log(publish, records, subject);
	if (r < 0)
		return r;
	changed |= r;
	r = publish->special != NULL ? publish->special->wrote(publish, records, &known) : 0;
	return r < 0 ? r : changed | r;
}

int
publish_count(struct publish *publish, struct store_txn *records)
{
	cleanup(store_cursor_closep) struct store_cursor *cursor = NULL;
	const char *letter = publish->projection->counted_letters;
	struct span key, value;
	int r = store_cursor_open(records, 0, &cursor);

	for (; r >= 0 && *letter != '\0'; letter++) {
		struct key first unfilled, subject unfilled;

		key_row(&first, span_from(letter, 1));
		r = store_cursor_seek(cursor, key_span(&first), &key, &value);
		while (r == 1 && key.len > 0 && (uint8_t)key.data[0] == first.octets[0]) {
			key_subject(&subject, key);
			if (subject.octets[0] == (uint8_t)*letter)
				count(publish, key_span(&subject), value, true);
			r = store_cursor_next(cursor, &key, &value);
		}
	}
	if (r >= 0)
		r = store_cursor_seek(cursor, SPAN("p"), &key, &value);
	while (r == 1 && key.len > 0 && key.data[0] == 'p') {
		publish->problems++;
		r = store_cursor_next(cursor, &key, &value);
	}
	return r < 0 ? r : 0;
}

void
publish_forget_counts(struct publish *publish)
{
	memcpy(publish->counts, publish->status.counts, sizeof(publish->counts));
	publish->problems = publish->status.problems;
	publish->log_next = 0;
}
