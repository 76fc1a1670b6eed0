/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * A refresh from its begin to its end, the brake that may hold what it would remove, and the cookie that it earns.
 */
#include <config.h>

#include "cache/apply_internal.h"

#include "cache/load_mark.h"
#include "common/log.h"

#include <errno.h>

void
apply_forget_mentions(struct apply *apply)
{
	seen_clear(&apply->seen);
	seen_clear(&apply->told);
}

/* Whether no entry is stored: 1, 0 or negative. */
static int
is_nothing_stored(struct apply *apply)
{
	cleanup(store_abortp) struct store_txn *txn = NULL;
	uint64_t entries = 0;
	int r = store_begin_read(apply->replica->store, &txn);

	if (r == 0)
		r = replica_meta_number(txn, "entries", &entries);
	return r < 0 ? r : entries == 0;
}

int
apply_on_begin_refresh(void *context, bool complete)
{
	struct apply *apply = context;
	int r;

	apply_lock(apply);
	r = apply_commit(apply);
	if (r == 0 && !apply->complete && !apply->loading) {
		r = load_mark_set(apply->replica->store);
		apply->loading = r == 0;
	}
	if (r == 0)
		r = is_nothing_stored(apply);
	if (r >= 0) {
		apply->from_nothing = r == 1;
		r = 0;
		apply_forget_mentions(apply);
		apply->named_all = complete;
		apply->first_new_id = apply->next_id;
		apply->refreshing = true;
		apply->mentioned = 0;
		apply->held = false;
		apply_publish_status(apply);
	}
	r = apply_tell_failure(apply, r);
	apply_unlock(apply);
	return r;
}

static int
keep_serial(void *context, struct span reversed, uint32_t serial)
{
	struct apply *apply = context;
	int r = apply_begin(apply);

	if (r == 0)
		r = touch_keep_serial(apply, reversed, serial);
	arena_reset(&apply->arena);
	return r == 0 ? apply_commit_if_large(apply) : r;
}

/* The serials of a directory that was just loaded from nothing begin at SECONDS, or later where later ones were served. */
static int
begin_serials(struct apply *apply, uint32_t seconds)
{
	uint32_t base = 0, epoch = 0;
	int known = apply->options.served == NULL
	                    ? 0
	                    : apply->options.served(apply->options.context, &base, &epoch, NULL, NULL);
	int r = known < 0 ? known : apply_begin(apply);

	if (r < 0)
		return r;
	apply->base_serial = base == 0 ? seconds : seconds == 0 ? base : serial_later(seconds, base);
	apply->epoch = epoch;
	r = replica_meta_put_number(apply->txn, "base-serial", apply->base_serial);
	if (r == 0)
		r = replica_meta_put_number(apply->txn, "epoch", apply->epoch);
	if (r == 0 && known == 1 && !apply->options.project->dns->serial_stored)
		r = apply->options.served(apply->options.context, &base, &epoch, keep_serial, apply);
	return r < 0 ? r : 0;
}

/* Records that the replica is what COOKIE says. */
static int
finish_refresh(struct apply *apply, struct span cookie, uint32_t seconds)
{
	bool first = apply->loading, held = apply->held;
	int r = first ? begin_serials(apply, seconds) : 0;

	if (r == 0)
		r = apply_begin(apply);
	if (r < 0) {
		apply_drop(apply);
		return r;
	}
	r = replica_meta_put(apply->txn, "cookie", cookie);
	if (r == 0)
		r = replica_meta_put(apply->txn, "binding", text_span(&apply->binding));
	if (r == 0 && first)
		r = replica_meta_put_number(apply->txn, "complete", 1);
	if (r < 0) {
		apply_drop(apply);
		return r;
	}
	apply->complete = true;
	apply->refreshing = false;
	apply->held = false;
	r = apply_commit(apply);
	if (r < 0) {
		/* The sweep is still to come, and no cookie may be stored before it. */
		apply->held = held;
		return r;
	}
	apply_forget_mentions(apply);
	if (first) {
		r = load_mark_clear(apply->replica->store);
		if (r == 0) {
			apply->loading = false;
			apply_publish_status(apply);
			if (apply->options.completed != NULL)
				apply->options.completed(apply->options.context);
		}
	}
	return r;
}

static void
say_held(struct apply *apply)
{
	const struct brake_figures *brake = &apply->brake;
	const struct {
		uint64_t n, of;
		const char *words;
	} kinds[] = {
		{ brake->zones, brake->zones_total, "zones" },
		{ brake->records, brake->records_total, "records of zones that stay" },
		{ brake->mail_domains, brake->mail_domains_total, "mail domains" },
		{ brake->addresses, brake->addresses_total, "addresses of mail domains that stay" },
		{ brake->accounts, brake->accounts_total, "accounts of domains that stay" },
	};
	cleanup(text_free) struct text list = TEXT_INIT;

	for (size_t i = 0; i < array_size(kinds); i++)
		if (kinds[i].n > 0)
			text_putf(&list, "%s%llu of %llu %s", list.len > 0 ? ", " : "", (unsigned long long)kinds[i].n,
			          (unsigned long long)kinds[i].of, kinds[i].words);
	apply_say(apply, LOG_ERROR,
	          "BRAKE: the refresh would remove %s; nothing is removed until `ispmanctl release-brake`. Changes go on being "
	          "applied. If this is not what was meant, look at the provider's data and at the read rights of the bind DN.",
	          text_str(&list));
}

/* An entry that nothing was said of lost its place to another one: changes came in an order that does not tell where it
 * is now. -EAGAIN asks for everything. */
static int
read_again(struct apply *apply)
{
	int r = replica_meta_put(apply->txn, "cookie", SPAN(""));

	if (r == 0)
		r = apply_commit(apply);
	return r < 0 ? r : -EAGAIN;
}

int
apply_on_refresh_done(void *context, bool sweep, struct span cookie, uint32_t seconds)
{
	struct apply *apply = context;
	int r;

	apply_lock(apply);
	r = apply_commit(apply);
	if (r == 0 && sweep) {
		if (apply->mentioned == 0) {
			apply_say(apply, LOG_ERROR,
			          "the refresh named no entry at all: an empty answer never empties the cache; what is cached stays");
			r = -ENODATA;
		} else if (!apply->from_nothing) {
			r = sweep_weigh(apply, &apply->brake);
		}
		if (r == 1) {
			apply_drop(apply);
			apply->held = true;
			apply->hold++;
			apply->refreshing = false;
			text_clear(&apply->held_cookie);
			text_put_span(&apply->held_cookie, cookie);
			apply->held_seconds = seconds;
			say_held(apply);
			apply_publish_status(apply);
			apply_unlock(apply);
			return text_failed(&apply->held_cookie) ? -ENOMEM : 0;
		}
		/* What came to an empty directory was all mentioned. */
		if (r == 0 && !apply->from_nothing)
			r = sweep_run(apply);
	}
	if (r == 0 && !apply->named_all && !apply->loading) {
		r = place_has_lost(apply);
		if (r == 1)
			r = read_again(apply);
	}
	if (r == 0)
		r = finish_refresh(apply, cookie, seconds);
	if (r < 0) {
		apply_drop(apply);
		apply->refreshing = false;
		apply_publish_status(apply);
	}
	r = apply_tell_failure(apply, r);
	apply_unlock(apply);
	return r;
}

int
apply_on_abort_refresh(void *context)
{
	struct apply *apply = context;
	int r;

	apply_lock(apply);
	r = apply_commit(apply);
	apply->refreshing = false;
	/* A sweep that is held needs them still. */
	if (!apply->held)
		apply_forget_mentions(apply);
	apply_publish_status(apply);
	r = apply_tell_failure(apply, r);
	apply_unlock(apply);
	return r;
}

/* A batch of the held sweep, or its end. 1 when there is more. */
static int
run_held_sweep(struct apply *apply, uint64_t *from)
{
	int r = sweep_some(apply, from);

	if (r == 0)
		r = finish_refresh(apply, text_span(&apply->held_cookie), apply->held_seconds);
	if (r < 0)
		apply_drop(apply);
	return apply_tell_failure(apply, r);
}

int
apply_release_brake(struct apply *apply, const atomic_bool *stop)
{
	uint64_t from = 0, hold = 0;
	int r = 1;

	for (bool first = true; r == 1; first = false) {
		apply_lock_idle(apply);
		if (first)
			hold = apply->hold;
		if (!apply->held || apply->hold != hold)
			r = first ? -ENOENT : -ESTALE;
		else if (atomic_load(stop))
			r = -ECANCELED;
		else
			r = run_held_sweep(apply, &from);
		apply_unlock(apply);
	}
	return r;
}

int
apply_on_cookie(void *context, struct span cookie)
{
	struct apply *apply = context;
	int r;

	apply_lock(apply);
	if (apply->held) {
		/* Not stored: a restart must come to the same sweep again. */
		text_clear(&apply->held_cookie);
		text_put_span(&apply->held_cookie, cookie);
		r = text_failed(&apply->held_cookie) ? -ENOMEM : 0;
	} else {
		r = apply_begin(apply);
		if (r == 0)
			r = replica_meta_put(apply->txn, "cookie", cookie);
	}
	return apply_end_event(apply, r);
}

int
apply_on_flush(void *context)
{
	struct apply *apply = context;
	int r;

	apply_lock(apply);
	r = apply_commit(apply);
	r = apply_tell_failure(apply, r);
	apply_unlock(apply);
	return r;
}
