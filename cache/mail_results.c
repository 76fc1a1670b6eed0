/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * Most lists have one result, or a few, which are compared one by one; longer ones get a table of hashes. Nearly all results are plain
 * ASCII and are compared where they stand, without regard to case; the others (quotes, UTF-8, a final dot) are folded beside
 * the list.
 */
#include <config.h>

#include "cache/mail_results.h"

#include <errno.h>

enum { SHORT_LIST = 8 };

void
mail_results_begin(struct mail_results *list, struct text *out)
{
	list->out = out;
	list->begun = out->len;
	list->count = 0;
	if (list->slot_count > 0)
		memset(list->slots, 0, list->slot_count * sizeof(*list->slots));
	list->slot_count = 0;
	text_clear(&list->folded);
	list->failed = false;
}

void
mail_results_free(struct mail_results *list)
{
	free(list->results);
	free(list->slots);
	text_free(&list->folded);
	*list = (struct mail_results){ 0 };
}

uint32_t
mail_hash(struct span octets)
{
	uint32_t hash = 2166136261u;

	for (size_t i = 0; i < octets.len; i++)
		hash = (hash ^ (uint8_t)ascii_lower(octets.data[i])) * 16777619u;
	return hash ^ hash >> 15;
}

static struct span
compared(const struct mail_results *list, const struct mail_result *result)
{
	const struct text *from = result->folded ? &list->folded : list->out;

	return span_from(from->data + result->start, result->len);
}

/* --- the table of a longer list -------------------------------------------------------------------- */

static void
put_slot(struct mail_results *list, size_t i)
{
	size_t at = list->results[i].hash & (list->slot_count - 1);

	while (list->slots[at] != 0)
		at = (at + 1) & (list->slot_count - 1);
	list->slots[at] = (uint32_t)(i + 1);
}

static void
make_slots(struct mail_results *list, size_t count)
{
	uint32_t *slots = realloc(list->slots, count * sizeof(*slots));

	if (slots == NULL) {
		list->failed = true;
		return;
	}
	memset(slots, 0, count * sizeof(*slots));
	/* While the list was short, nobody needed them. */
	for (size_t i = 0; i < list->count && list->slot_count == 0; i++)
		list->results[i].hash = mail_hash(compared(list, &list->results[i]));
	list->slots = slots;
	list->slot_count = count;
	for (size_t i = 0; i < list->count; i++)
		put_slot(list, i);
}

static bool
is_equal(const struct mail_results *list, const struct mail_result *a, const struct mail_result *b)
{
	return a->len == b->len && a->hash == b->hash && span_is_nocase(compared(list, a), compared(list, b));
}

static bool
has(const struct mail_results *list, const struct mail_result *result)
{
	if (list->slot_count == 0) {
		for (size_t i = 0; i < list->count; i++)
			if (is_equal(list, &list->results[i], result))
				return true;
		return false;
	}
	for (size_t at = result->hash & (list->slot_count - 1); list->slots[at] != 0; at = (at + 1) & (list->slot_count - 1))
		if (is_equal(list, &list->results[list->slots[at] - 1], result))
			return true;
	return false;
}

static void
keep(struct mail_results *list, const struct mail_result *result)
{
	if (list->count == list->room) {
		size_t room = list->room > 0 ? 2 * list->room : 16;
		struct mail_result *results = realloc(list->results, room * sizeof(*results));

		if (results == NULL) {
			list->failed = true;
			return;
		}
		list->results = results;
		list->room = room;
	}
	list->results[list->count++] = *result;
	/* A list that was cut short keeps its table. */
	if (list->slot_count == 0 && list->count <= SHORT_LIST)
		return;
	if (2 * list->count > list->slot_count)
		make_slots(list, list->slot_count > 0 ? 2 * list->slot_count : 64);
	else
		put_slot(list, list->count - 1);
}

static void
cut_text(struct text *out, size_t len)
{
	if (out->len == len)
		return;
	out->len = len;
	out->data[len] = '\0';
}

void
mail_results_cut(struct mail_results *list, size_t count)
{
	if (list->count <= count)
		return;
	/* From the last one on, so that no free slot comes to stand before one that was passed by another. */
	for (size_t i = list->count; i > count && list->slot_count > 0; i--) {
		size_t at = list->results[i - 1].hash & (list->slot_count - 1);

		while (list->slots[at] != i)
			at = (at + 1) & (list->slot_count - 1);
		list->slots[at] = 0;
	}
	cut_text(list->out, count > 0 ? list->results[count - 1].end : list->begun);
	list->count = count;
}

/* --- adding ------------------------------------------------------------------------------------------ */

/* Whether the octets are an address, a login or a part of one to everybody, without quotes or UTF-8. */
static bool
is_plain(struct span s)
{
	/* One @ is plain, anything else that counts is not. */
	static const uint8_t odd[256] = {
		[0 ... ' '] = 2, ['"'] = 2, ['('] = 2, [')'] = 2,  [','] = 2, [':'] = 2, [';'] = 2,    ['<'] = 2,
		['>'] = 2,       ['@'] = 1, ['['] = 2, ['\\'] = 2, [']'] = 2, [0x7f ... 0xff] = 2,
	};
	size_t sum = 0;

	for (size_t i = 0; i < s.len; i++)
		sum += odd[(uint8_t)s.data[i]];
	return sum <= 1 && s.len > 0 && s.data[s.len - 1] != '.';
}

/* Appends S after a comma, unless RESULT is there already. */
static int
add(struct mail_results *list, struct span s, struct mail_result result)
{
	size_t before = list->out->len;

	if (list->count > 0)
		text_put_char(list->out, ',');
	if (!result.folded) {
		result.start = (uint32_t)list->out->len;
		result.len = (uint32_t)s.len;
	}
	text_put_span(list->out, s);
	if (text_failed(list->out) || text_failed(&list->folded)) {
		list->failed = true;
		return 0;
	}
	if (list->slot_count > 0)
		result.hash = mail_hash(compared(list, &result));
	if (has(list, &result)) {
		cut_text(list->out, before);
		return 0;
	}
	result.end = list->out->len;
	keep(list, &result);
	return 1;
}

/* Whether a local part stands as it was typed: UTF-8 without what needs quotes. */
static bool
stands_as_typed(struct span local)
{
	for (size_t i = 0; i < local.len; i++)
		if ((uint8_t)local.data[i] < 0x80 && !is_plain(span_from(local.data + i, 1)) && local.data[i] != '.')
			return false;
	return true;
}

/* An address that is not plain. Its domain is written as A-labels: the rest of the message may be ASCII. */
static int
add_odd(struct mail_results *list, struct span s)
{
	struct mail_result result = { .folded = true, .start = (uint32_t)list->folded.len };
	cleanup(text_free) struct text again = TEXT_INIT;
	struct address address;
	struct span local;
	int r = address_read(s, &address);

	if (r == -ENOMEM)
		list->failed = true;
	if (r < 0 || address.kind != ADDRESS_FULL)
		return 0;
	text_put_span(&list->folded, address_local_span(&address));
	text_put_char(&list->folded, '@');
	text_put_span(&list->folded, address_domain_span(&address));
	result.len = (uint32_t)(list->folded.len - result.start);
	local = stands_as_typed(address.typed_local) ? address.typed_local : address_local_span(&address);
	address_put(&again, local, address_domain_span(&address));
	if (text_failed(&again)) {
		list->failed = true;
		return 0;
	}
	return add(list, text_span(&again), result);
}

int
mail_results_add(struct mail_results *list, struct span address)
{
	static const struct mail_result where_it_stands;

	if (is_plain(address))
		return add(list, address, where_it_stands);
	return add_odd(list, address);
}

int
mail_results_add_login(struct mail_results *list, struct span login)
{
	static const struct mail_result where_it_stands;

	/* Who splits the list does so at blanks and commas, and takes the rest as it is. */
	for (size_t i = 0; i < login.len; i++)
		if ((uint8_t)login.data[i] <= ' ' || login.data[i] == ',' || login.data[i] == 0x7f)
			return 0;
	return login.len > 0 ? add(list, login, where_it_stands) : 0;
}

/* --- text ---------------------------------------------------------------------------------------------- */

/* Octets of the UTF-8 character at the front of S (RFC 3629), 0 when there is none. */
static size_t
utf8_len(struct span s)
{
	const uint8_t *c = (const uint8_t *)s.data;
	size_t n = c[0] < 0x80 ? 1 : c[0] < 0xc2 ? 0 : c[0] < 0xe0 ? 2 : c[0] < 0xf0 ? 3 : c[0] < 0xf5 ? 4 : 0;

	if (n > s.len || (c[0] == 0xe0 && c[1] < 0xa0) || (c[0] == 0xed && c[1] >= 0xa0) || (c[0] == 0xf0 && c[1] < 0x90) ||
	    (c[0] == 0xf4 && c[1] >= 0x90))
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((c[i] & 0xc0) != 0x80)
			return 0;
	return n;
}

void
mail_put_clean(struct text *out, struct span text)
{
	while (text.len > 0) {
		size_t n = 0;

		while (n < text.len && text.data[n] >= ' ' && text.data[n] < 0x7f)
			n++;
		text_put_span(out, span_from(text.data, n));
		text = span_skip(text, n);
		if (text.len == 0)
			return;
		n = utf8_len(text);
		if (n == 0 || (n == 1 && ((uint8_t)text.data[0] < ' ' || text.data[0] == 0x7f)) ||
		    (n == 2 && (uint8_t)text.data[0] == 0xc2 && (uint8_t)text.data[1] < 0xa0)) {
			text_put_char(out, '?');
			n = n > 0 ? n : 1;
		} else {
			text_put_span(out, span_from(text.data, n));
		}
		text = span_skip(text, n);
	}
}
