/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * Values of the dns environment: the first octet chooses the decoder, the rest is the value. A decoder stays within it,
 * and what it accepts is written back as the same octets.
 */
#include <config.h>

#include "cache/key.h"
#include "cache/record.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(bool truth)
{
	if (!truth)
		abort();
}

static void
is_rewritten(const struct text *text, struct span value)
{
	require(!text_failed(text) && span_is(text_span(text), value));
}

static void
try_node(struct span value, struct text *again)
{
	struct node_writer writer;
	struct node node;
	struct rr rr;
	int r;

	if (node_read(value, &node) < 0)
		return;
	node_begin(&writer, again);
	while ((r = node_next(&node, &rr)) > 0) {
		require(rr.text.data[rr.text.len] == '\0');
		require(rr.text.data > value.data && rr.text.data + rr.text.len < value.data + value.len);
		node_put(&writer, &rr);
	}
	node_end(&writer, node.flags);
	if (r == 0)
		is_rewritten(again, value);
}

static void
try_zone(struct span value, struct text *again)
{
	struct zone_record zone;

	if (zone_record_read(value, &zone) < 0)
		return;
	zone_record_put(again, &zone);
	/* Bits that mean nothing are dropped. */
	require(!text_failed(again) && again->len == value.len);
}

static void
try_settings(struct span value, struct text *again)
{
	static struct settings_record settings;

	if (settings_record_read(value, &settings) < 0)
		return;
	settings_record_put(again, &settings);
	require(!text_failed(again) && again->len == value.len);
}

static void
try_state(struct span value, struct text *again)
{
	struct state_record state;

	if (state_record_read(value, &state) < 0)
		return;
	state_record_put(again, &state);
	require(!text_failed(again) && again->len == value.len);
}

static void
try_problems(struct span value, struct text *again)
{
	struct problem problem;
	struct span rest = value;

	while (problem_next(&rest, &problem) > 0)
		problem_put(again, &problem);
	require(!text_failed(again));
}

static void
try_key(struct span value)
{
	struct dname zone, name, back;
	struct key key = { .len = 0 }, subject, row;
	unsigned labels;
	char letter;

	if (value.len > 0 && value.len <= KEY_MAX) {
		key_subject(&subject, value);
		key_row(&row, key_span(&subject));
		require(value.data[0] == 'z' || span_is(key_span(&row), value));
	}

	if (key_to_name(value, &name) == 0) {
		key_put_name(&key, &name);
		require(key_to_name(key_span(&key), &back) == 0 && dname_is(&back, &name));
		require(key_common_labels(key_span(&key), key_span(&key), &labels) == key.len);
		require(labels == dname_labels(&name));
	}
	if (key_split(value, &letter, &zone, &name) == 0 && letter == 'n') {
		require(dname_is_within(&name, &zone));
		key_node(&key, &zone, &name);
		require(key.len == value.len);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct text again = TEXT_INIT;
	struct span value;

	if (size == 0)
		return 0;
	value = span_from(data + 1, size - 1);
	switch (data[0]) {
	case 'n':
		try_node(value, &again);
		break;
	case 'z':
		try_zone(value, &again);
		break;
	case 's':
		try_settings(value, &again);
		break;
	case 'm':
		try_state(value, &again);
		break;
	case 'p':
		try_problems(value, &again);
		break;
	default:
		try_key(value);
		break;
	}
	text_free(&again);
	return 0;
}
