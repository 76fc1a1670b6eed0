/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * A tree of entries is changed at random, and the replica is told of it in every way that a source may tell: as it
 * happens, or afterwards in any order, with or without naming what stayed, broken off and begun again. Afterwards every
 * entry must stand where it does in the tree, and contribute what it contributes there.
 */
#include <config.h>

#include "tests/unit/test.h"

#include "cache/apply.h"
#include "cache/project_login.h"
#include "cache/project_mail.h"
#include "common/log.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { ENTRIES = 40, NAMES = 5, DEPTH_MAX = 7, ROUNDS = 250 };

struct model_entry {
	bool alive, changed, was;
	unsigned generation; /* of the entry that has this place in the table */
	int parent;          /* -1: below ou=DNS */
	unsigned name, value;
};

struct world {
	uint64_t random;
	struct model_entry entries[ENTRIES];
	char folder[64];
	struct replica replica;
	struct apply *apply;
	struct feed feed;
	struct dns_settings settings;
	struct mail_settings mail;
	struct login_settings login;
	struct project_settings project;
	unsigned agains;
};

static unsigned
choose(struct world *w, unsigned below)
{
	w->random = w->random * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(w->random >> 33) % below;
}

/* --- the tree ----------------------------------------------------------------------------------- */

static unsigned
depth_of(const struct world *w, int i)
{
	unsigned depth = 0;

	for (; i >= 0; i = w->entries[i].parent)
		depth++;
	return depth;
}

static bool
is_below(const struct world *w, int i, int top)
{
	for (; i >= 0; i = w->entries[i].parent)
		if (i == top)
			return true;
	return false;
}

static unsigned
height_of(const struct world *w, int top)
{
	unsigned height = 0;

	for (int i = 0; i < ENTRIES; i++)
		if (w->entries[i].alive && is_below(w, i, top) && depth_of(w, i) - depth_of(w, top) > height)
			height = depth_of(w, i) - depth_of(w, top);
	return height;
}

static bool
is_taken(const struct world *w, int parent, unsigned name)
{
	for (int i = 0; i < ENTRIES; i++)
		if (w->entries[i].alive && w->entries[i].parent == parent && w->entries[i].name == name)
			return true;
	return false;
}

static bool
has_children(const struct world *w, int parent)
{
	for (int i = 0; i < ENTRIES; i++)
		if (w->entries[i].alive && w->entries[i].parent == parent)
			return true;
	return false;
}

/* Somewhere to be; -1 is always there. */
static int
any_parent(struct world *w)
{
	int i = (int)choose(w, ENTRIES);

	return w->entries[i].alive ? i : -1;
}

static void
put_dn(const struct world *w, int i, struct text *out)
{
	for (; i >= 0; i = w->entries[i].parent)
		text_putf(out, "dc=%c,", 'a' + (int)w->entries[i].name);
	text_put(out, "ou=DNS,o=test");
}

static void
put_uuid(const struct world *w, int i, uint8_t out[ENTRY_UUID_LEN])
{
	memset(out, 0, ENTRY_UUID_LEN);
	out[0] = (uint8_t)(i + 1);
	out[1] = (uint8_t)w->entries[i].generation;
	out[2] = (uint8_t)(w->entries[i].generation >> 8);
}

/* --- telling ------------------------------------------------------------------------------------ */

static int
tell(struct world *w, int i)
{
	const struct model_entry *e = &w->entries[i];
	struct text dn = TEXT_INIT, zone = TEXT_INIT, owner = TEXT_INIT, address = TEXT_INIT;
	struct span class = SPAN("dNSZone"), zone_value, owner_value, address_value;
	struct attribute attributes[] = {
		{ SPAN("objectClass"), 1, &class },
		{ SPAN("zoneName"), 1, &zone_value },
		{ SPAN("relativeDomainName"), 1, &owner_value },
		{ SPAN("aRecord"), 1, &address_value },
	};
	struct entry entry = { .attribute_count = array_size(attributes), .attributes = attributes };
	int r;

	put_dn(w, i, &dn);
	/* Right for one place of many. */
	text_putf(&zone, "%c.%c", 'a' + (int)(e->value % NAMES), 'a' + (int)(e->value / NAMES % NAMES));
	text_putf(&owner, "r%d", i % 3);
	text_putf(&address, "192.0.2.%u", e->value % 250);
	zone_value = text_span(&zone);
	owner_value = text_span(&owner);
	address_value = text_span(&address);
	entry.dn = text_span(&dn);
	put_uuid(w, i, entry.uuid);
	r = w->feed.entry(w->feed.context, &entry);
	text_free(&dn);
	text_free(&zone);
	text_free(&owner);
	text_free(&address);
	return r;
}

static int
tell_branch(struct world *w, const char *dn, uint8_t mark)
{
	struct span class = SPAN("organization");
	struct attribute attribute = { SPAN("objectClass"), 1, &class };
	struct entry entry = { .dn = span_of(dn), .attribute_count = 1, .attributes = &attribute };

	memset(entry.uuid, 0xff, sizeof(entry.uuid));
	entry.uuid[0] = mark;
	return w->feed.entry(w->feed.context, &entry);
}

/* The uuids of what went are needed after their table rows got other entries. */
struct gone {
	uint8_t uuid[ENTRY_UUID_LEN];
};

struct news {
	struct gone gone[8 * ENTRIES];
	size_t gone_count;
};

static void
note_gone(struct world *w, struct news *news, int i)
{
	if (w->entries[i].was && news->gone_count < array_size(news->gone))
		put_uuid(w, i, news->gone[news->gone_count++].uuid);
	w->entries[i].alive = w->entries[i].changed = w->entries[i].was = false;
	w->entries[i].generation++;
}

/* One change; LIVE: it is told at once. */
static void
change(struct world *w, struct news *news, bool live)
{
	int i = (int)choose(w, ENTRIES), parent = any_parent(w);
	struct model_entry *e = &w->entries[i];
	unsigned name = choose(w, NAMES), what = choose(w, 8);

	if (!e->alive) {
		if (depth_of(w, parent) + 1 > DEPTH_MAX || is_taken(w, parent, name))
			return;
		*e = (struct model_entry){ .alive = true, .changed = true, .generation = e->generation,
			                   .parent = parent, .name = name, .value = choose(w, 2000) };
	} else if (what == 0) {
		if (has_children(w, i))
			return;
		if (live) {
			uint8_t uuid[ENTRY_UUID_LEN];

			put_uuid(w, i, uuid);
			assert_int_equal(w->feed.gone(w->feed.context, uuid), 0);
		}
		note_gone(w, news, i);
		return;
	} else if (what == 1) {
		e->value = choose(w, 2000);
	} else if (what < 4) {
		if (is_taken(w, e->parent, name))
			return;
		e->name = name;
	} else {
		if (is_below(w, parent, i) || is_taken(w, parent, name) ||
		    depth_of(w, parent) + 1 + height_of(w, i) > DEPTH_MAX)
			return;
		e->parent = parent;
		e->name = name;
	}
	e->changed = true;
	if (live)
		assert_int_equal(tell(w, i), 0);
}

static void
settle(struct world *w, struct news *news)
{
	for (int i = 0; i < ENTRIES; i++) {
		w->entries[i].was = w->entries[i].alive;
		w->entries[i].changed = false;
	}
	news->gone_count = 0;
}

/* Tells what changed (or, with ALL, everything), in any order; 0, or -EAGAIN when everything is asked for. At PAUSE events
 * it is broken off: -EINTR. */
static int
refresh(struct world *w, const struct news *news, bool all, bool present, unsigned pause)
{
	unsigned order[ENTRIES + array_size(news->gone)], count = 0, told = 0;
	const struct feed *feed = &w->feed;
	int r;

	assert_int_equal(feed->begin_refresh(feed->context, all), 0);
	if (all || present) {
		assert_int_equal(tell_branch(w, "o=test", 1), 0);
		assert_int_equal(tell_branch(w, "ou=DNS,o=test", 2), 0);
	}
	for (unsigned i = 0; i < ENTRIES; i++)
		if (w->entries[i].alive && (all || present || w->entries[i].changed))
			order[count++] = i;
	for (unsigned i = 0; i < news->gone_count && !all && !present; i++)
		order[count++] = ENTRIES + i;
	for (unsigned i = count; i > 1; i--) {
		unsigned other = choose(w, i), held = order[other];

		order[other] = order[i - 1];
		order[i - 1] = held;
	}
	for (unsigned k = 0; k < count; k++) {
		unsigned i = order[k];
		uint8_t uuid[ENTRY_UUID_LEN];

		if (told++ == pause) {
			assert_int_equal(feed->abort_refresh(feed->context), 0);
			assert_int_equal(feed->flush(feed->context), 0);
			return -EINTR;
		}
		if (i >= ENTRIES) {
			r = feed->gone(feed->context, news->gone[i - ENTRIES].uuid);
		} else if (all || w->entries[i].changed) {
			r = tell(w, (int)i);
		} else {
			put_uuid(w, (int)i, uuid);
			r = feed->present(feed->context, uuid);
		}
		assert_int_equal(r, 0);
		if (choose(w, 6) == 0)
			assert_int_equal(feed->flush(feed->context), 0);
	}
	r = feed->refresh_done(feed->context, all || present, SPAN("cookie"), 0);
	if (r < 0)
		assert_int_equal(feed->abort_refresh(feed->context), 0);
	assert_int_equal(feed->flush(feed->context), 0);
	return r;
}

/* --- opening and looking -------------------------------------------------------------------------- */

static void
say_nothing(void *context, int level, const char *sentence)
{
	(void)context;
	(void)level;
	(void)sentence;
}

static void
start(struct world *w)
{
	struct apply_options options = {
		.project = &w->project, .binding = SPAN("test"), .brake_percent = 100, .say = say_nothing
	};

	assert_int_equal(apply_new(&w->replica, &options, &w->apply), 0);
	apply_feed(w->apply, &w->feed);
}

static void
open_world(struct world *w, uint64_t seed)
{
	cleanup(text_free) struct text why = TEXT_INIT;
	bool wiped;

	memset(w, 0, sizeof(*w));
	w->random = seed;
	w->settings.profile = &profile_ispman;
	w->mail.profile = &profile_ispman;
	w->login.profile = &profile_ispman;
	w->project = (struct project_settings){ .profile = &profile_ispman, .dns = &w->settings, .mail = &w->mail,
	                                       .login = &w->login };
	snprintf(w->folder, sizeof(w->folder), "/tmp/ispman-test-place.XXXXXX");
	assert_non_null(mkdtemp(w->folder));
	assert_int_equal(replica_open(w->folder, SPAN("o=test"), 64 << 20, &w->replica, &wiped, &why), 0);
	start(w);
}

static int
remove_one(const char *path, const struct stat *stat, int kind, struct FTW *ftw)
{
	(void)stat;
	(void)kind;
	(void)ftw;
	return remove(path);
}

static void
close_world(struct world *w)
{
	apply_free(w->apply);
	replica_close(&w->replica);
	nftw(w->folder, remove_one, 10, FTW_DEPTH | FTW_PHYS);
}

static int
found_child(void *context, uint64_t id)
{
	*(uint64_t *)context = id;
	return 1;
}

static void
check(struct world *w, const char *how, unsigned round)
{
	const atomic_bool stop = false;
	struct text want = TEXT_INIT, have = TEXT_INIT;
	struct apply_status status;
	struct store_txn *txn;
	uint64_t count = 2, lost;

	assert_int_equal(store_begin_read(w->replica.store, &txn), 0);
	for (int i = 0; i < ENTRIES; i++) {
		uint8_t uuid[ENTRY_UUID_LEN];
		uint64_t id;

		if (!w->entries[i].alive)
			continue;
		count++;
		put_uuid(w, i, uuid);
		text_clear(&want);
		text_clear(&have);
		put_dn(w, i, &want);
		if (replica_uuid(txn, uuid, &id) != 1 || replica_dn(&w->replica, txn, id, &have) < 0 ||
		    !span_is(text_span(&want), text_span(&have)))
			fail_msg("%s, round %u: entry %d is \"%s\" and stands at \"%s\"", how, round, i,
			         text_str(&want), text_str(&have));
	}
	if (replica_each_child(txn, REPLICA_LIMBO, found_child, &lost) != 0) {
		struct replica_node node;

		assert_int_equal(replica_node(txn, lost, &node), 1);
		fail_msg("%s, round %u: node %u (%.*s, %s) has no place, %s below it", how, round, (unsigned)lost,
		         (int)node.rdn.len, node.rdn.data, node.has_entry ? "an entry" : "no entry",
		         replica_has_children(txn, lost) == 1 ? "something" : "nothing");
	}
	store_abort(txn);
	apply_status(w->apply, &status);
	if (status.entries != count)
		fail_msg("%s, round %u: %u entries, not %u", how, round, (unsigned)status.entries, (unsigned)count);
	assert_int_equal(apply_remap(w->apply, &stop), 0);
	text_free(&want);
	text_free(&have);
}

/* --- the tests ------------------------------------------------------------------------------------ */

static void
load(struct world *w, struct news *news)
{
	for (int n = 0; n < 100; n++)
		change(w, news, false);
	news->gone_count = 0;
	assert_int_equal(refresh(w, news, true, false, UINT32_MAX), 0);
	settle(w, news);
	check(w, "loaded", 0);
}

static void
changes_are_followed_as_they_come(void **state)
{
	struct news news = { .gone_count = 0 };
	struct world w;

	(void)state;
	open_world(&w, 7);
	load(&w, &news);
	for (unsigned round = 1; round <= ROUNDS; round++) {
		for (int n = 0; n < 10; n++)
			change(&w, &news, true);
		assert_int_equal(w.feed.flush(w.feed.context), 0);
		settle(&w, &news);
		check(&w, "live", round);
	}
	close_world(&w);
}

/* Returns whether everything had to be told again. */
static bool
catch_up(struct world *w, struct news *news, bool all, bool present)
{
	int r = -EINTR;
	unsigned agains = 0;

	/* Cut short now and then, by a connection that breaks or by the end of the program. */
	while (r == -EINTR) {
		r = refresh(w, news, all, present, choose(w, 3) == 0 ? choose(w, 20) : UINT32_MAX);
		if (r == -EINTR && choose(w, 2) == 0) {
			apply_free(w->apply);
			start(w);
		}
	}
	while (r == -EAGAIN) {
		assert_false(all);
		assert_int_equal(++agains, 1);
		r = refresh(w, news, true, false, UINT32_MAX);
	}
	assert_int_equal(r, 0);
	settle(w, news);
	w->agains += agains;
	return agains > 0;
}

static void
changes_are_caught_up_with(void **state)
{
	static const struct {
		const char *name;
		bool all, present;
	} ways[] = { { "by naming what went", false, false },
		     { "by naming what stayed", false, true },
		     { "by naming everything", true, false } };

	(void)state;
	for (size_t way = 0; way < array_size(ways); way++) {
		struct news news = { .gone_count = 0 };
		unsigned again = 0;
		struct world w;

		open_world(&w, 11 + way);
		load(&w, &news);
		for (unsigned round = 1; round <= ROUNDS; round++) {
			for (unsigned n = 1 + choose(&w, 30); n > 0; n--)
				change(&w, &news, false);
			again += catch_up(&w, &news, ways[way].all, ways[way].present);
			check(&w, ways[way].name, round);
		}
		print_message("# %s: %u of %u times all was told again\n", ways[way].name, again, (unsigned)ROUNDS);
		close_world(&w);
	}
}

/* Without moves the order never matters, and once is enough. */
static void
what_keeps_its_place_is_told_once(void **state)
{
	struct news news = { .gone_count = 0 };
	struct world w;

	(void)state;
	open_world(&w, 5);
	load(&w, &news);
	for (unsigned round = 1; round <= 50; round++) {
		for (int n = 0; n < 10; n++) {
			int i = (int)choose(&w, ENTRIES);
			struct model_entry *e = &w.entries[i];

			if (!e->alive)
				continue;
			if (has_children(&w, i) || choose(&w, 2) == 0) {
				e->value = choose(&w, 2000);
			} else {
				/* Another entry at the same place. */
				struct model_entry old = *e;

				note_gone(&w, &news, i);
				e->alive = true;
				e->parent = old.parent;
				e->name = old.name;
			}
			e->changed = true;
		}
		assert_false(catch_up(&w, &news, round % 3 == 0, round % 3 == 1));
		check(&w, "replaced", round);
	}
	close_world(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(changes_are_followed_as_they_come),
		cmocka_unit_test(changes_are_caught_up_with),
		cmocka_unit_test(what_keeps_its_place_is_told_once),
	};

	return RUN_TESTS(tests);
}
