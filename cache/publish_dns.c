/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * What the dns environment has that others do not: serials, zones whose SOA is held for a while, and zones
 * that are remembered without any entry.
 */
#include <config.h>

#include "cache/publish_internal.h"

#include "cache/record.h"

#include <errno.h>
#include <time.h>

static int
read_hold(struct store_txn *records, struct span subject, uint64_t *out_until)
{
	struct key key;
	struct span value;
	int r;

	publish_companion_key(&key, 'h', span_skip(subject, 1));
	r = store_get(records, 0, key_span(&key), &value);
	if (r < 0)
		return r;
	*out_until = r == 1 && value.len == REPLICA_ID_LEN ? replica_id_get((const uint8_t *)value.data) : 0;
	return 0;
}

static int
know(struct store_txn *directory, struct store_txn *records, struct reduce_input *input)
{
	int r = 0;

	if (input->subject.data[0] == 'z') {
		struct zone_state state = { 0, 0 };

		r = replica_zone(directory, span_skip(input->subject, 1), &state);
		if (r < 0)
			return r;
		input->serial = state.serial;
		input->epoch = state.epoch;
		r = read_hold(records, input->subject, &input->hold_until);
	} else if (input->subject.data[0] == 's') {
		uint64_t base, epoch;

		r = replica_meta_number(directory, "base-serial", &base);
		if (r == 0)
			r = replica_meta_number(directory, "epoch", &epoch);
		if (r < 0)
			return r;
		input->base_serial = (uint32_t)base;
		input->epoch = (uint32_t)epoch;
	}
	return r;
}

/* --- held zones --------------------------------------------------------------------------------------- */

static void
note_hold(struct publish *publish, uint64_t until)
{
	if (until != 0 && (publish->next_due == 0 || until < publish->next_due))
		publish->next_due = until;
}

static int
wrote(struct publish *publish, struct store_txn *records, const struct reduce_input *known)
{
	uint64_t until = publish->reduced.hold_until;
	uint8_t octets[REPLICA_ID_LEN];
	int r;

	if (known->subject.data[0] != 'z')
		return 0;
	note_hold(publish, until);
	if (until == known->hold_until)
		return 0;
	replica_id_put(octets, until);
	r = publish_put_companion(publish, records, 'h', span_skip(known->subject, 1),
	                          span_from(octets, until != 0 ? sizeof(octets) : 0));
	return r < 0 ? r : 1;
}

/* Combines the zones whose hold has ended, and finds out when the next one ends. */
static int
end_holds(struct publish *publish)
{
	cleanup(store_abortp) struct store_txn *directory = NULL;
	cleanup(store_abortp) struct store_txn *records = NULL;
	struct key last = { .len = 1, .octets = { 'h' } };
	bool changed = false;
	int r = store_begin_read(publish->replica->store, &directory);

	if (r == 0)
		r = store_begin_write(publish->store, &records);
	if (r == 0)
		publish->next_due = 0;
	while (r >= 0) {
		cleanup(store_cursor_closep) struct store_cursor *cursor = NULL;
		struct span key, value;
		uint64_t until;

		r = store_cursor_open(records, 0, &cursor);
		if (r == 0)
			r = store_cursor_seek(cursor, key_span(&last), &key, &value);
		if (r == 1 && span_is(key, key_span(&last)))
			r = store_cursor_next(cursor, &key, &value);
		if (r <= 0 || key.len < 2 || key.len > KEY_MAX || key.data[0] != 'h')
			break;
		memcpy(last.octets, key.data, key.len);
		last.len = key.len;
		until = value.len == REPLICA_ID_LEN ? replica_id_get((const uint8_t *)value.data) : 0;
		if (until > (uint64_t)time(NULL)) {
			note_hold(publish, until);
			continue;
		}
		struct key subject = last;

		subject.octets[0] = 'z';
		r = publish_subject(publish, directory, records, key_span(&subject));
		changed |= r > 0;
	}
	/* A commit that changes nothing would make the data look newer than it is. */
	if (r >= 0 && changed)
		r = publish_commit(publish, &records, publish->complete, publish->durable);
	if (r < 0)
		publish->next_due = 1;
	return r < 0 ? r : 0;
}

/* --- all subjects -------------------------------------------------------------------------------------- */

/* The next zone: of those that have fragments, and those that are remembered without. */
static int
walk_zones(const struct walk *at, const struct walk_cursors *cursors, struct key *out)
{
	struct walk_position zones = { .letter = 'z', .fragments = true, .pass = true };
	struct key best = { .len = 0 };
	struct key found unfilled;
	int r;

	if (at->last.len > 0) {
		zones.after = at->last;
		zones.after.octets[0] = 'z';
		zones.after.len = 1 + key_zone_len(span_skip(key_span(&at->last), 1));
	}
	r = publish_walk_seek(&zones, cursors->fragments, &found);
	if (r == 1)
		publish_walk_take(&found, &best);
	zones.fragments = false;
	zones.unprefixed = true;
	if (r >= 0)
		r = publish_walk_seek(&zones, cursors->zones, &found);
	if (r == 1)
		publish_walk_take(&found, &best);
	if (r < 0)
		return r;
	*out = best;
	return best.len > 0;
}

static int
walk(const struct walk *at, const struct walk_cursors *cursors, struct key *out)
{
	if (*at->letters == 'n')
		return walk_zones(at, cursors, out);
	/* There is always one. */
	if (*at->letters == 's' && at->last.len == 0) {
		*out = (struct key){ .len = 1, .octets = { 's' } };
		return 1;
	}
	return 0;
}

const struct publish_special publish_special_dns = {
	.know = know,
	.wrote = wrote,
	.letters = "nrs", /* a zone is walked with its nodes */
	/* A zone that knows of a later epoch than the settings would have an earlier serial until these come. */
	.letters_again = "snr",
	.walk = walk,
	.due = end_holds,
};

/* --- serials --------------------------------------------------------------------------------------------- */

int
publish_served(struct publish *publish, uint32_t *out_base, uint32_t *out_epoch,
               int (*each)(void *context, struct span reversed, uint32_t serial), void *context)
{
	cleanup(store_abortp) struct store_txn *txn = NULL;
	cleanup(store_cursor_closep) struct store_cursor *cursor = NULL;
	struct settings_record settings;
	struct state_record state;
	struct span key, value;
	int r = store_begin_read(publish->store, &txn);

	if (r == 0)
		r = store_get(txn, 0, SPAN("m"), &value);
	if (r <= 0 || state_record_read(value, &state) < 0 || !state.complete)
		return r < 0 ? r : 0;
	r = store_get(txn, 0, SPAN("s"), &value);
	if (r <= 0 || settings_record_read(value, &settings) < 0)
		return r < 0 ? r : 0;
	*out_base = settings.base_serial;
	*out_epoch = settings.epoch;
	if (each == NULL)
		return 1;
	r = store_cursor_open(txn, 0, &cursor);
	if (r == 0)
		r = store_cursor_seek(cursor, SPAN("n"), &key, &value);
	while (r == 1 && key.data[0] == 'n') {
		struct zone_record zone;

		/* A replica has its master's. */
		if (key_is_zone(key) && zone_record_read(value, &zone) == 0 && zone.kind != ZONE_REPLICA) {
			r = each(context, span_skip(key, 1), zone_serial(&zone, &settings));
			if (r < 0)
				return r;
		}
		r = store_cursor_next(cursor, &key, &value);
	}
	return r < 0 ? r : 1;
}
