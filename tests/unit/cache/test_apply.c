/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * A directory that changes at random, told to apply.c in the ways that RFC 4533 allows, and compared with what the replica
 * makes of it: every entry at its place, every fragment that the entries make and no other, and dns/ made of these.
 */
#include <config.h>

#include "tests/unit/test.h"

#include "cache/apply_internal.h"
#include "cache/project_login.h"
#include "cache/project_mail.h"
#include "cache/publish.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <time.h>

enum {
	ENTRIES = 48,
	DEPTH = 7,
	GONE_MAX = 4096,
	ROUNDS = 40,
	SEEDS = 12,
	REFRESHES_MAX = 6,
	PATIENCE_MILLISECONDS = 20000,
};

/* --- the directory of the provider ------------------------------------------------------------------------- */

static const char *const names[] = {
	"ou=DNS",
	"ispmanDomain=a.example",
	"ispmanDomain=b.example",
	"dc=example",
	"dc=a",
	"dc=b",
	"ou=x",
	"relativeDomainName=@",
	"relativeDomainName=w",
	"relativeDomainName=v",
};

struct one {
	bool used;
	bool hidden; /* the replica may not read it */
	bool dirty;  /* changed since the last cookie */
	unsigned uuid, name, content, csn;
	int parent; /* -1: the base */
};

struct directory {
	struct one entries[ENTRIES]; /* 0 is the base */
	unsigned next_uuid, next_csn;
	unsigned gone[GONE_MAX]; /* since the last cookie */
	size_t gone_count;
};

static uint64_t random_state;

static unsigned
chance(unsigned below)
{
	random_state = random_state * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(random_state >> 33) % below;
}

static void
put_dn(const struct directory *directory, int i, struct text *out)
{
	for (; i > 0; i = directory->entries[i].parent)
		text_putf(out, "%s,", names[directory->entries[i].name]);
	text_put(out, "o=b");
}

static int
depth_of(const struct directory *directory, int i)
{
	int depth = 0;

	for (; i > 0; i = directory->entries[i].parent)
		depth++;
	return depth;
}

static int
find_child(const struct directory *directory, int parent, unsigned name)
{
	for (int i = 1; i < ENTRIES; i++)
		if (directory->entries[i].used && directory->entries[i].parent == parent &&
		    directory->entries[i].name == name)
			return i;
	return -1;
}

static bool
has_child(const struct directory *directory, int parent)
{
	for (int i = 1; i < ENTRIES; i++)
		if (directory->entries[i].used && directory->entries[i].parent == parent)
			return true;
	return false;
}

static bool
is_within(const struct directory *directory, int i, int above)
{
	for (; i >= 0; i = directory->entries[i].parent)
		if (i == above)
			return true;
	return false;
}

/* An entry that is there, or -1. */
static int
some_entry(const struct directory *directory)
{
	for (int tries = 0; tries < 20; tries++) {
		int i = (int)chance(ENTRIES);

		if (directory->entries[i].used)
			return i;
	}
	return -1;
}

static int
add(struct directory *directory, int parent, unsigned name, bool hidden)
{
	if (find_child(directory, parent, name) >= 0 || depth_of(directory, parent) >= DEPTH)
		return -1;
	for (int i = 1; i < ENTRIES; i++)
		if (!directory->entries[i].used) {
			directory->entries[i] = (struct one){ true,      hidden,
				                              true,      directory->next_uuid++,
				                              name,      chance(1 << 16),
				                              directory->next_csn++, parent };
			return i;
		}
	return -1;
}

/* One change: the number of the entry that was changed, or -1 for none; *OUT_GONE is the UUID of one that went. */
static int
change(struct directory *directory, unsigned *out_gone)
{
	int i = some_entry(directory), to = some_entry(directory);
	unsigned name = chance(array_size(names));
	struct one *one;

	*out_gone = 0;
	if (i < 0 || to < 0)
		return -1;
	one = &directory->entries[i];
	switch (chance(8)) {
	case 0:
	case 1:
	case 2:
		return add(directory, i, name, chance(6) == 0);
	case 3:
		one->content = chance(1 << 16);
		break;
	case 4:
		if (i == 0 || has_child(directory, i))
			return -1;
		one->used = false;
		if (!one->hidden) {
			assert_true(directory->gone_count < GONE_MAX);
			*out_gone = directory->gone[directory->gone_count++] = one->uuid;
		}
		return i;
	default:
		/* The rename of what is not visible is never told. */
		if (i == 0 || one->hidden || is_within(directory, to, i) || find_child(directory, to, name) >= 0 ||
		    depth_of(directory, to) >= DEPTH - 3)
			return -1;
		one->parent = to;
		one->name = name;
		break;
	}
	one->csn = directory->next_csn++;
	one->dirty = true;
	return i;
}

/* --- its entries ----------------------------------------------------------------------------------------- */

struct shown {
	struct text dn;
	char csn[64];
	struct attribute attributes[8];
	struct span values[8];
	struct entry entry;
};

static void
shown_free(struct shown *shown)
{
	text_free(&shown->dn);
}

static void
put_uuid(uint8_t out[ENTRY_UUID_LEN], unsigned number)
{
	memset(out, 0x11, ENTRY_UUID_LEN);
	for (int i = 0; i < 4; i++)
		out[i] = (uint8_t)(number * 2654435761u >> (8 * i));
	for (int i = 0; i < 4; i++)
		out[12 + i] = (uint8_t)(number >> (8 * i));
}

static void
put_value(struct shown *shown, const char *name, const char *value)
{
	size_t i = shown->entry.attribute_count++;

	shown->values[i] = span_of(value);
	shown->attributes[i] = (struct attribute){ span_of(name), 1, &shown->values[i] };
}

static void
show(const struct directory *directory, int i, struct shown *shown)
{
	static const char *const zones[] = { "a.example", "b.example" };
	static const char *const owners[] = { "@", "w", "v", "w.v" };
	static const char *const addresses[] = { "192.0.2.1", "192.0.2.2", "nonsense" };
	static const char *const types[] = { "primary", "primary", "replica", "nodns" };
	static const char *const serials[] = { "ns.a.example. root.a.example. 1 3600 1800 604800 86400",
		                               "ns.a.example. root.a.example. 7 3600 1800 604800 60" };
	const struct one *one = &directory->entries[i];
	unsigned content = one->content;

	memset(shown, 0, sizeof(*shown));
	put_dn(directory, i, &shown->dn);
	shown->entry.dn = text_span(&shown->dn);
	shown->entry.attributes = shown->attributes;
	put_uuid(shown->entry.uuid, one->uuid);
	snprintf(shown->csn, sizeof(shown->csn), "20261121115900.%06uZ#000000#000#000000", one->csn);
	shown->entry.csn = span_of(shown->csn);
	if (one->name == 1 || one->name == 2) {
		put_value(shown, "objectClass", "ispmanDomain");
		put_value(shown, "ispmanDomain", zones[one->name - 1]);
		put_value(shown, "ispmanDomainType", types[content % 4]);
		put_value(shown, "ispmanReplicaMaster", zones[2 - one->name]);
		return;
	}
	put_value(shown, "objectClass", content % 8 == 0 ? "ispmanBranch" : "dNSZone");
	put_value(shown, "zoneName", zones[content / 8 % 2]);
	put_value(shown, "relativeDomainName", owners[content / 16 % 4]);
	if (content / 64 % 4 == 0)
		put_value(shown, "sOARecord", serials[content / 256 % 2]);
	else
		put_value(shown, "aRecord", addresses[content / 256 % 3]);
}

/* --- the cache ------------------------------------------------------------------------------------------- */

static const struct dns_settings settings = {
	.profile = &profile_ispman,
	.soa_hold = 0,
	.prefix_count = 1,
	.prefixes = { { .family = 4, .length = 24, .cut = 24, .address = { 192, 0, 2 } } },
};
static const struct mail_settings mail = { .profile = &profile_ispman };
static const struct login_settings login = { .profile = &profile_ispman };
static const struct project_settings project = {
	.profile = &profile_ispman, .dns = &settings, .mail = &mail, .login = &login
};

struct cache {
	char folder[64];
	struct replica replica;
	struct publish *publish;
	struct apply *apply;
	struct feed feed;
};

static void
on_committed(void *context, uint64_t sequence)
{
	publish_wanted(((struct cache *)context)->publish, sequence);
}

static void
on_completed(void *context)
{
	publish_rebuild(((struct cache *)context)->publish);
}

static uint64_t
on_published(void *context)
{
	return publish_applied(((struct cache *)context)->publish);
}

static void
cache_open(struct cache *cache)
{
	struct publish_options publish = {
		.cache_dir = cache->folder, .settings = &project, .map_size = 64 << 20, .group = (gid_t)-1
	};
	struct apply_options apply = {
		.project = &project,
		.binding = SPAN("test"),
		.brake_percent = 100,
		.committed = on_committed,
		.completed = on_completed,
		.published = on_published,
		.context = cache,
	};
	cleanup(text_free) struct text why = TEXT_INIT;
	bool wiped;

	assert_int_equal(replica_open(cache->folder, SPAN("o=b"), 64 << 20, &cache->replica, &wiped, &why), 0);
	assert_int_equal(publish_open(&cache->replica, &publish, &cache->publish, &why), 0);
	assert_int_equal(apply_new(&cache->replica, &apply, &cache->apply), 0);
	assert_int_equal(publish_start(cache->publish), 0);
	apply_feed(cache->apply, &cache->feed);
}

static void
cache_close(struct cache *cache)
{
	/* With a batch open, which nobody will see. */
	apply_free(cache->apply);
	publish_free(cache->publish);
	replica_close(&cache->replica);
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

/* --- telling --------------------------------------------------------------------------------------------- */

static void
tell_entry(struct cache *cache, const struct directory *directory, int i)
{
	cleanup(shown_free) struct shown shown;

	show(directory, i, &shown);
	assert_int_equal(cache->feed.entry(cache->feed.context, &shown.entry), 0);
}

static void
tell_gone(struct cache *cache, unsigned number)
{
	uint8_t uuid[ENTRY_UUID_LEN];

	put_uuid(uuid, number);
	assert_int_equal(cache->feed.gone(cache->feed.context, uuid), 0);
}

static void
tell_present(struct cache *cache, unsigned number)
{
	uint8_t uuid[ENTRY_UUID_LEN];

	put_uuid(uuid, number);
	assert_int_equal(cache->feed.present(cache->feed.context, uuid), 0);
}

static void
forget_changes(struct directory *directory)
{
	for (int i = 0; i < ENTRIES; i++)
		directory->entries[i].dirty = false;
	directory->gone_count = 0;
}

/* The visible entries in an order that says nothing about the tree; at most MOST of them. */
static void
tell_entries(struct cache *cache, const struct directory *directory, bool all, bool present, int most)
{
	static const unsigned steps[] = { 1, 5, 7, 11, 25, 43, 47 }; /* without a divisor in common with ENTRIES */
	unsigned step = steps[chance(array_size(steps))], start = chance(ENTRIES);

	for (unsigned n = 0; n < ENTRIES && most > 0; n++) {
		int i = (int)((start + n * step) % ENTRIES);
		const struct one *one = &directory->entries[i];

		if (!one->used || one->hidden)
			continue;
		if (all || one->dirty)
			tell_entry(cache, directory, i);
		else if (present)
			tell_present(cache, one->uuid);
		most--;
		if (chance(16) == 0)
			assert_int_equal(cache->feed.flush(cache->feed.context), 0);
	}
}

static void
refresh(struct cache *cache, struct directory *directory)
{
	const struct feed *feed = &cache->feed;
	bool first = feed->is_empty(feed->context) == 1;
	bool all = first || chance(4) == 0, sweep = all || chance(2) == 0;
	int times = 0, r;

	if (chance(4) == 0) {
		assert_int_equal(feed->begin_refresh(feed->context, sweep), 0);
		tell_entries(cache, directory, all, sweep, (int)chance(ENTRIES));
		assert_int_equal(feed->abort_refresh(feed->context), 0);
		assert_int_equal(feed->flush(feed->context), 0);
	}
again:
	assert_int_equal(feed->begin_refresh(feed->context, sweep), 0);
	if (!sweep && chance(2) == 0) {
		for (size_t i = 0; i < directory->gone_count; i++)
			tell_gone(cache, directory->gone[i]);
		tell_entries(cache, directory, all, sweep, ENTRIES);
	} else {
		tell_entries(cache, directory, all, sweep, ENTRIES);
		for (size_t i = 0; !sweep && i < directory->gone_count; i++)
			tell_gone(cache, directory->gone[i]);
	}
	r = feed->refresh_done(feed->context, sweep, SPAN("cookie"), 0);
	if (r == -EAGAIN) {
		assert_true(++times < REFRESHES_MAX);
		goto again;
	}
	assert_int_equal(r, 0);
	assert_int_equal(feed->flush(feed->context), 0);
	forget_changes(directory);
}

/* Changes as they happen. */
static void
persist(struct cache *cache, struct directory *directory, unsigned count)
{
	const struct feed *feed = &cache->feed;

	while (count-- > 0) {
		unsigned gone;
		int i = change(directory, &gone);

		if (i < 0 || directory->entries[i].hidden)
			continue;
		if (gone != 0)
			tell_gone(cache, gone);
		else
			tell_entry(cache, directory, i);
		if (chance(8) == 0)
			assert_int_equal(feed->flush(feed->context), 0);
	}
	if (chance(3) == 0)
		return; /* without a cookie: what a restart does not know it is told again */
	assert_int_equal(feed->cookie(feed->context, SPAN("later")), 0);
	assert_int_equal(feed->flush(feed->context), 0);
	forget_changes(directory);
}

/* --- comparing ------------------------------------------------------------------------------------------- */

struct counted {
	uint64_t entries, fragments, limbo, empty;
};

static void
compare_entry(struct cache *cache, struct store_txn *txn, const struct directory *directory, int i, uint64_t *fragments)
{
	struct arena arena = ARENA_INIT;
	cleanup(text_free) struct text dn = TEXT_INIT;
	cleanup(shown_free) struct shown shown;
	struct mapped mapped = { .problems = TEXT_INIT };
	struct placed_entry placed = { .entry = &shown.entry };
	struct rdn *rdns;
	size_t count;
	uint64_t id;

	show(directory, i, &shown);
	assert_int_equal(dn_split(shown.entry.dn, &arena, &rdns, &count), 0);
	assert_int_equal(replica_uuid(txn, shown.entry.uuid, &id), 1);
	assert_int_equal(replica_dn(&cache->replica, txn, id, &dn), 0);
	assert_string_equal(text_str(&dn), text_str(&shown.dn));
	placed.rdns = rdns;
	placed.depth = count - 1;
	assert_int_equal(project_map(&project, &placed, &arena, &mapped), 0);
	for (const struct fragment *one = mapped.fragments; one != NULL; one = one->next) {
		struct key key;
		struct span value;

		replica_fragment_key(&key, key_span(&one->subject), id);
		assert_int_equal(store_get(txn, REPLICA_FRAGMENT, key_span(&key), &value), 1);
		assert_true(span_is(value, one->payload));
		++*fragments;
	}
	text_free(&mapped.problems);
	arena_free(&arena);
}

static void
count_nodes(struct store_txn *txn, struct counted *out)
{
	struct store_cursor *cursor;
	struct span key, value;
	int r;

	assert_int_equal(store_cursor_open(txn, REPLICA_NODE, &cursor), 0);
	for (r = store_cursor_seek(cursor, SPAN("\0"), &key, &value); r == 1; r = store_cursor_next(cursor, &key, &value)) {
		struct replica_node node;

		assert_int_equal(replica_node(txn, replica_id_get((const uint8_t *)key.data), &node), 1);
		out->entries += node.has_entry;
		out->limbo += node.parent == REPLICA_LIMBO;
		if (!node.has_entry && node.id >= REPLICA_FIRST)
			if (replica_has_children(txn, node.id) == 0) {
				print_message("# node %u below %u: %.*s\n", (unsigned)node.id, (unsigned)node.parent,
				              (int)node.rdn.len, node.rdn.data);
				out->empty++;
			}
	}
	assert_int_equal(r, 0);
	store_cursor_close(cursor);
}

static void
tell_difference(void *context, const char *sentence)
{
	(void)context;
	print_message("# %s\n", sentence);
}

static void
wait_until_published(struct cache *cache)
{
	for (int waited = 0;; waited++) {
		struct apply_status applied;
		struct publish_status published;

		apply_status(cache->apply, &applied);
		publish_status(cache->publish, &published);
		if (published.complete && !published.rebuild_due && !published.rebuilding &&
		    published.applied >= applied.sequence)
			return;
		assert_string_equal(published.error, "");
		assert_true(waited < PATIENCE_MILLISECONDS);
		nanosleep(&(struct timespec){ 0, 1000000 }, NULL);
	}
}

static void
compare(struct cache *cache, const struct directory *directory)
{
	static const atomic_bool go_on;
	struct store_txn *txn;
	struct counted counted = { 0 };
	struct apply_status status;
	uint64_t entries = 0, fragments = 0, rows;

	assert_int_equal(store_begin_read(cache->replica.store, &txn), 0);
	for (int i = 0; i < ENTRIES; i++)
		if (directory->entries[i].used && !directory->entries[i].hidden) {
			compare_entry(cache, txn, directory, i, &fragments);
			entries++;
		}
	count_nodes(txn, &counted);
	assert_int_equal(counted.entries, entries);
	assert_int_equal(counted.limbo, 0);
	assert_int_equal(counted.empty, 0);
	assert_int_equal(store_count(txn, REPLICA_FRAGMENT, &rows), 0);
	assert_int_equal(rows, fragments);
	assert_int_equal(store_count(txn, REPLICA_UUID, &rows), 0);
	assert_int_equal(rows, entries);
	store_abort(txn);
	apply_status(cache->apply, &status);
	assert_int_equal(status.entries, entries);
	wait_until_published(cache);
	assert_int_equal(publish_verify(cache->publish, tell_difference, NULL, &go_on), 0);
}

/* --- the tests ------------------------------------------------------------------------------------------- */

static void
open_new(struct cache *cache, struct directory *directory)
{
	const char *temporary = getenv("TMPDIR");

	*cache = (struct cache){ .publish = NULL };
	snprintf(cache->folder, sizeof(cache->folder), "%s/apply-XXXXXX", temporary != NULL ? temporary : "/tmp");
	assert_non_null(mkdtemp(cache->folder));
	cache_open(cache);
	*directory = (struct directory){ .next_uuid = 2, .next_csn = 1 };
	directory->entries[0] = (struct one){ .used = true, .dirty = true, .uuid = 1, .parent = -1 };
}

static void
close_for_good(struct cache *cache)
{
	cache_close(cache);
	nftw(cache->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void
run_seed(uint64_t seed)
{
	static struct directory directory;
	static struct cache cache;
	int above = 0;

	random_state = seed;
	open_new(&cache, &directory);
	/* Somewhere for records to stand. */
	above = add(&directory, 0, 0, false);
	above = add(&directory, above, 3, chance(2) == 0);
	assert_true(add(&directory, above, 4, chance(2) == 0) >= 0);
	refresh(&cache, &directory);
	for (int round = 0; round < ROUNDS; round++) {
		unsigned gone;

		persist(&cache, &directory, chance(12));
		if (chance(2) == 0) {
			if (chance(2) == 0) {
				cache_close(&cache);
				cache_open(&cache);
			}
			for (unsigned n = chance(20); n > 0; n--)
				if (change(&directory, &gone) < 0)
					continue;
			refresh(&cache, &directory);
		}
		assert_int_equal(cache.feed.flush(cache.feed.context), 0);
		compare(&cache, &directory);
	}
	close_for_good(&cache);
}

static void
test_random_changes(void **state)
{
	const char *seed = getenv("APPLY_SEED");

	(void)state;
	if (seed != NULL) {
		run_seed(strtoull(seed, NULL, 10));
		return;
	}
	for (uint64_t n = 1; n <= SEEDS; n++) {
		print_message("# APPLY_SEED=%u\n", (unsigned)n);
		run_seed(n);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_changes),
	};

	return RUN_TESTS(tests);
}
