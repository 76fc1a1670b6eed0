/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * Derives the fragments again from the entries: after a change of configuration or of the projection, or because an
 * admin asks. Works on a live replica, in small transactions: first every entry's fragments are
 * put right, then fragments that no entry explains are removed. Only differences are written and touched.
 */
#include <config.h>

#include "cache/apply_internal.h"

#include "cache/project_login.h"
#include "cache/project_mail.h"
#include "common/log.h"

#include <errno.h>

enum { REMAP_BATCH = 500 };

/* Names the settings and the code that fragments depend on. */
static void
projection_name(const struct apply *apply, struct text *out)
{
	const struct dns_settings *dns = apply->options.project->dns;
	const struct mail_settings *mail = apply->options.project->mail;
	const struct login_settings *login = apply->options.project->login;
	/* A profile is spans and nothing else. */
	const struct span *names = (const struct span *)(const void *)apply->options.project->profile;

	text_putf(out, "%d", PROFILE_VERSION);
	for (size_t i = 0; i < sizeof(struct profile) / sizeof(struct span); i++) {
		text_put_char(out, ' ');
		text_put_span(out, names[i]);
	}
	for (size_t i = 0; i < dns->prefix_count; i++) {
		const struct reverse_prefix *prefix = &dns->prefixes[i];

		text_putf(out, " %u/%u@%u:", prefix->family, prefix->length, prefix->cut);
		for (size_t octet = 0; octet < sizeof(prefix->address); octet++)
			text_putf(out, "%02x", prefix->address[octet]);
	}
	text_putf(out, " %d", dns->serial_stored);
	for (size_t i = 0; i < mail->cross_count; i++) {
		text_put_char(out, ' ');
		text_put_span(out, mail->cross[i].claimer);
		text_put_char(out, '/');
		text_put_span(out, mail->cross[i].domain);
	}
	for (size_t i = 0; i < mail->transport_count; i++) {
		text_put(out, " transport ");
		text_put_span(out, mail->transports[i]);
	}
	/* Its claims are mail's. */
	if (login->report_weak_passwords)
		text_put(out, " weak");
}

/* Whether directory/ says NAME of itself as VALUE: 1, 0, or negative. */
static int
is_noted(struct store_txn *txn, const char *name, struct span value)
{
	struct span stored;
	int r = replica_meta(txn, name, &stored);

	return r < 0 ? r : r == 1 && span_is(stored, value);
}

int
apply_needs_remap(struct apply *apply)
{
	cleanup(text_free) struct text name = TEXT_INIT;
	cleanup(store_abortp) struct store_txn *txn = NULL;
	int r = store_begin_read(apply->replica->store, &txn);

	if (r < 0)
		return r;
	projection_name(apply, &name);
	r = is_noted(txn, "projection", text_span(&name));
	return r < 0 ? r : r == 0;
}

int
apply_may_remap(struct apply *apply)
{
	cleanup(store_abortp) struct store_txn *txn = NULL;
	uint64_t version;
	struct span stored;
	size_t digits = 0;
	int r = store_begin_read(apply->replica->store, &txn);

	if (r == 0)
		r = is_noted(txn, "binding", text_span(&apply->binding));
	if (r != 0)
		return r;
	r = replica_meta(txn, "projection", &stored);
	if (r <= 0)
		return r < 0 ? r : 1;
	while (digits < stored.len && stored.data[digits] != ' ')
		digits++;
	return span_to_u64(span_from(stored.data, digits), UINT64_MAX, &version) < 0 || version != PROFILE_VERSION;
}

int
apply_is_derived(struct apply *apply)
{
	cleanup(text_free) struct text name = TEXT_INIT;
	cleanup(store_abortp) struct store_txn *txn = NULL;
	int r = store_begin_read(apply->replica->store, &txn);

	if (r == 0)
		r = is_noted(txn, "binding", text_span(&apply->binding));
	if (r != 1)
		return r;
	projection_name(apply, &name);
	return is_noted(txn, "fragments", text_span(&name));
}

/* What entry ID has among the fragments of the subjects that MAPPED names, as a list of the same shape. */
static int
stored_fragments(struct apply *apply, uint64_t id, const struct mapped *mapped, struct mapped *out)
{
	struct fragment **last = &out->fragments;
	uint8_t key[REPLICA_ID_LEN];
	struct span value;
	int r;

	*out = (struct mapped){ .problems = TEXT_INIT };
	for (const struct fragment *one = mapped->fragments; one != NULL; one = one->next) {
		struct fragment *copy;
		struct key row;

		replica_fragment_key(&row, key_span(&one->subject), id);
		r = store_get(apply->txn, REPLICA_FRAGMENT, key_span(&row), &value);
		if (r < 0)
			return r;
		if (r == 0)
			continue;
		copy = arena_alloc(&apply->arena, sizeof(*copy));
		if (copy == NULL)
			return -ENOMEM;
		*copy = *one;
		copy->next = NULL;
		copy->payload = arena_copy(&apply->arena, value);
		if (copy->payload.data == NULL)
			return -ENOMEM;
		*last = copy;
		last = &copy->next;
	}
	replica_id_put(key, id);
	r = store_get(apply->txn, REPLICA_PROBLEM, span_from(key, sizeof(key)), &value);
	if (r == 1)
		text_put_span(&out->problems, value);
	return r < 0 ? r : 0;
}

static int
remap_entry(struct apply *apply, uint64_t id)
{
	cleanup(mapped_free) struct mapped before = { .problems = TEXT_INIT };
	cleanup(mapped_free) struct mapped after = { .problems = TEXT_INIT };
	int r = touch_map_stored(apply, id, &apply->arena, &after);
	int differ = 0;

	if (r == 0)
		r = stored_fragments(apply, id, &after, &before);
	if (r == 0)
		r = differ = touch_replace(apply, id, &before, &after);
	if (r >= 0)
		r = touch_finish(apply, 0);
	arena_reset(&apply->arena);
	return r < 0 ? r : differ;
}

/* The next key of TABLE after *LAST (from the start when it is empty), into *LAST: 1, 0 at the end. */
static int
next_key(struct apply *apply, unsigned table, struct key *last)
{
	cleanup(store_cursor_closep) struct store_cursor *cursor = NULL;
	struct span key, value;
	int r = store_cursor_open(apply->txn, table, &cursor);

	if (r == 0)
		r = store_cursor_seek(cursor, last->len > 0 ? key_span(last) : SPAN("\0"), &key, &value);
	if (r == 1 && last->len > 0 && span_is(key, key_span(last)))
		r = store_cursor_next(cursor, &key, &value);
	if (r != 1)
		return r;
	if (key.len > KEY_MAX)
		return -EBADMSG;
	memcpy(last->octets, key.data, key.len);
	last->len = key.len;
	return 1;
}

/* Removes the fragment row KEY when the entry it names does not make it. */
static int
check_fragment(struct apply *apply, const struct key *row)
{
	cleanup(mapped_free) struct mapped mapped = { .problems = TEXT_INIT };
	const struct fragment *one;
	struct span subject;
	uint64_t id;
	int r = replica_fragment_split(key_span(row), &subject, &id);

	if (r == 0)
		r = touch_map_stored(apply, id, &apply->arena, &mapped);
	if (r < 0)
		return r;
	for (one = mapped.fragments; one != NULL; one = one->next)
		if (span_is(key_span(&one->subject), subject))
			break;
	if (one == NULL) {
		r = store_delete(apply->txn, REPLICA_FRAGMENT, key_span(row));
		if (r >= 0)
			r = touch_subject(apply, subject);
		if (r >= 0)
			r = touch_finish(apply, 0);
	}
	arena_reset(&apply->arena);
	return r < 0 ? r : one == NULL;
}

/* One batch; 1 when there is more, 0 at the end. */
static int
remap_batch(struct apply *apply, unsigned table, struct key *last, int64_t *differ)
{
	int r = apply_begin(apply);

	for (int n = 0; r == 0 && n < REMAP_BATCH; n++) {
		r = next_key(apply, table, last);
		if (r <= 0)
			break;
		r = table == REPLICA_NODE ? remap_entry(apply, replica_id_get(last->octets)) : check_fragment(apply, last);
		if (r > 0) {
			*differ += r;
			r = 0;
		}
		if (r == 0 && n == REMAP_BATCH - 1)
			r = 1;
	}
	if (r < 0) {
		apply_drop(apply);
		return r;
	}
	int committed = apply_commit(apply);

	return committed < 0 ? committed : r;
}

/* Notes under each of NAMES, up to NULL, that it is what these settings make it. */
static int
note(struct apply *apply, const char *const *names)
{
	cleanup(text_free) struct text name = TEXT_INIT;
	int r;

	projection_name(apply, &name);
	apply_lock_idle(apply);
	r = apply_begin(apply);
	for (; r == 0 && *names != NULL; names++)
		r = replica_meta_put(apply->txn, *names, text_span(&name));
	if (r == 0)
		r = apply_commit(apply);
	else
		apply_drop(apply);
	apply_unlock(apply);
	return r;
}

int64_t
apply_remap(struct apply *apply, const atomic_bool *stop)
{
	static const unsigned tables[] = { REPLICA_NODE, REPLICA_FRAGMENT };
	static const char *const names[] = { "fragments", NULL };
	int64_t differ = 0;
	int r;

	for (size_t t = 0; t < array_size(tables); t++) {
		struct key last = { .len = 0 };

		for (r = 1; r == 1;) {
			if (atomic_load(stop))
				return -ECANCELED;
			apply_lock_idle(apply);
			r = remap_batch(apply, tables[t], &last, &differ);
			apply_unlock(apply);
		}
		if (r < 0)
			return r;
	}
	r = note(apply, names);
	return r < 0 ? r : differ;
}

int
apply_mark_derived(struct apply *apply)
{
	static const char *const names[] = { "fragments", "projection", NULL };

	return note(apply, names);
}
