/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * The account environment as ispman-agent reads it: in order, and by what changed.
 */
#include <config.h>

#include "cache/home.h"

#include <errno.h>

enum { NUMBER_OCTETS = 8, CHANGE_KEY_OCTETS = 1 + NUMBER_OCTETS, EPOCH_OCTETS = 16 };

int
home_open(const char *cache_dir, const char *run_dir, struct cache **out)
{
	const struct cache_options options = {
		.cache_dir = cache_dir,
		.audience = "account",
		.format = ACCOUNT_FORMAT,
		.run_dir = run_dir,
	};

	return cache_open(&options, out);
}

void
home_account_free(struct home_account *account)
{
	text_free(&account->record);
}

/* --- accounts ------------------------------------------------------------------------------------------ */

static int
take_account(struct span uuid, struct span record, struct home_account *out)
{
	text_clear(&out->record);
	text_put_span(&out->record, record);
	if (text_failed(&out->record))
		return -ENOMEM;
	if (uuid.len != ENTRY_UUID_LEN || account_entry_read(text_span(&out->record), &out->entry) < 0)
		return -EBADMSG;
	memcpy(out->uuid, uuid.data, ENTRY_UUID_LEN);
	return 1;
}

int
home_get(struct cache *cache, const uint8_t uuid[ENTRY_UUID_LEN], struct home_account *out)
{
	struct cache_view *view;
	struct span record;
	struct key key;
	int r = cache_begin(cache, &view);

	if (r < 0)
		return r;
	key_login_entry(&key, LOGIN_ACCOUNT, uuid);
	r = store_get(view->txn, 0, key_span(&key), &record);
	if (r > 0)
		r = take_account(span_from(uuid, ENTRY_UUID_LEN), record, out);
	cache_end(view);
	return r;
}

/* The first row at or above KEY, if its key begins as KEY does. */
static int
seek(struct cache_view *view, const struct key *key, struct span *out_key, struct span *out_value)
{
	int r = store_cursor_seek(view->cursor, key_span(key), out_key, out_value);

	return r > 0 && out_key->data[0] != (char)key->octets[0] ? 0 : r;
}

int
home_next(struct cache *cache, struct home_walk *walk, struct home_account *out)
{
	struct cache_view *view;
	struct span found, record;
	struct key key;
	int r = cache_begin(cache, &view);

	if (r < 0)
		return r;
	key_login_entry(&key, LOGIN_ACCOUNT, walk->last);
	if (!walk->begun)
		key.len = 1;
	r = seek(view, &key, &found, &record);
	if (r > 0 && walk->begun && span_is(found, key_span(&key))) {
		r = store_cursor_next(view->cursor, &found, &record);
		if (r > 0 && found.data[0] != 'E')
			r = 0;
	}
	if (r > 0)
		r = take_account(span_skip(found, 1), record, out);
	if (r > 0) {
		walk->begun = true;
		memcpy(walk->last, out->uuid, ENTRY_UUID_LEN);
	}
	cache_end(view);
	return r;
}

/* --- the log ----------------------------------------------------------------------------------------------- */

static uint64_t
number_of(struct span key)
{
	uint64_t n = 0;

	for (size_t i = 1; i < CHANGE_KEY_OCTETS; i++)
		n = n << 8 | (uint8_t)key.data[i];
	return n;
}

static void
key_of(struct key *out, uint64_t number)
{
	out->octets[0] = 'c';
	for (size_t i = 0; i < NUMBER_OCTETS; i++)
		out->octets[1 + i] = (uint8_t)(number >> (8 * (NUMBER_OCTETS - 1 - i)));
	out->len = CHANGE_KEY_OCTETS;
}

static bool
is_change(struct span key)
{
	return key.len == CHANGE_KEY_OCTETS && key.data[0] == 'c';
}

/* The end of the log in VIEW's snapshot. */
static int
read_newest(struct cache_view *view, struct home_cursor *out)
{
	const struct key behind = { .len = 1, .octets = { 'd' } };
	struct span key, value;
	int r = store_get(view->txn, 0, SPAN("i"), &value);

	*out = (struct home_cursor){ .sequence = 0 };
	if (r <= 0)
		return r;
	if (value.len != EPOCH_OCTETS)
		return -EBADMSG;
	memcpy(out->epoch, value.data, EPOCH_OCTETS);
	r = store_cursor_seek(view->cursor, key_span(&behind), &key, &value);
	if (r >= 0)
		r = r > 0 ? store_cursor_prev(view->cursor, &key, &value) : store_cursor_last(view->cursor, &key, &value);
	if (r > 0 && is_change(key))
		out->sequence = number_of(key);
	return r < 0 ? r : 0;
}

int
home_newest(struct cache *cache, struct home_cursor *out)
{
	struct cache_view *view;
	int r = cache_begin(cache, &view);

	if (r < 0)
		return r;
	r = read_newest(view, out);
	cache_end(view);
	return r;
}

/* The subjects of changes, sorted, so that each is told once. */
struct changes {
	size_t count, room;
	struct change {
		char letter;
		uint8_t uuid[ENTRY_UUID_LEN];
	} *items;
};

static int
add_change(struct changes *changes, struct span subject)
{
	struct change *item;

	if (subject.len == 0)
		return -EBADMSG;
	if (changes->count == changes->room) {
		size_t room = changes->room > 0 ? 2 * changes->room : 64;
		struct change *items = realloc(changes->items, room * sizeof(*items));

		if (items == NULL)
			return -ENOMEM;
		changes->items = items;
		changes->room = room;
	}
	item = &changes->items[changes->count++];
	*item = (struct change){ .letter = subject.data[0] };
	if (subject.data[0] == HOME_ACCOUNT && subject.len == 1 + ENTRY_UUID_LEN)
		memcpy(item->uuid, subject.data + 1, ENTRY_UUID_LEN);
	return 0;
}

static int
compare_changes(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct change));
}

/* The changes behind CURSOR: 1, 0 when the log does not reach back so far. */
static int
read_changes(struct cache_view *view, const struct home_cursor *cursor, struct changes *out)
{
	struct span found, value;
	struct key key;
	uint64_t wanted = cursor->sequence + 1;
	int r;

	key_of(&key, wanted);
	r = store_cursor_seek(view->cursor, key_span(&key), &found, &value);
	if (r <= 0 || !is_change(found))
		return r < 0 ? r : 1;
	if (number_of(found) != wanted)
		return 0;
	for (;;) {
		r = add_change(out, value);
		if (r == 0)
			r = store_cursor_next(view->cursor, &found, &value);
		if (r <= 0 || !is_change(found))
			return r < 0 ? r : 1;
	}
}

int
home_changes(struct cache *cache, struct home_cursor *cursor,
             void (*each)(void *context, enum home_kind kind, const uint8_t *uuid), void *context)
{
	struct changes changes = { 0 };
	struct home_cursor newest;
	struct cache_view *view;
	int r = cache_begin(cache, &view);

	if (r < 0)
		return r;
	r = read_newest(view, &newest);
	if (r == 0)
		r = memcmp(newest.epoch, cursor->epoch, EPOCH_OCTETS) == 0 && newest.sequence >= cursor->sequence;
	if (r == 1 && newest.sequence > cursor->sequence)
		r = read_changes(view, cursor, &changes);
	cache_end(view);
	if (changes.count > 1)
		qsort(changes.items, changes.count, sizeof(*changes.items), compare_changes);
	for (size_t i = 0; r == 1 && i < changes.count; i++)
		if (i == 0 || compare_changes(&changes.items[i], &changes.items[i - 1]) != 0)
			each(context, (enum home_kind)changes.items[i].letter,
			     changes.items[i].letter == HOME_ACCOUNT ? changes.items[i].uuid : NULL);
	free(changes.items);
	if (r == 1)
		*cursor = newest;
	return r;
}

/* --- hosts -------------------------------------------------------------------------------------------------- */

static int
each_host(struct cache_view *view, enum home_kind kind,
          void (*each)(void *context, enum home_kind kind, struct span name, struct span alias_or_member), void *context)
{
	const struct key first = { .len = 1, .octets = { (uint8_t)kind } };
	struct span key, value, names, name;
	int r = seek(view, &first, &key, &value);

	while (r > 0 && key.data[0] == (char)kind) {
		if (login_host_read(value, &names) < 0)
			return -EBADMSG;
		/* One without any is told, too. */
		if (names.len == 0)
			each(context, kind, span_skip(key, 1), SPAN(""));
		while (login_next_name(&names, &name))
			each(context, kind, span_skip(key, 1), name);
		r = store_cursor_next(view->cursor, &key, &value);
	}
	return r < 0 ? r : 0;
}

int
home_hosts(struct cache *cache, void (*each)(void *context, enum home_kind kind, struct span name, struct span alias_or_member),
           void *context)
{
	struct cache_view *view;
	int r = cache_begin(cache, &view);

	if (r < 0)
		return r;
	r = each_host(view, HOME_HOST, each, context);
	if (r == 0)
		r = each_host(view, HOME_GROUP, each, context);
	cache_end(view);
	return r;
}
