/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 */
#include <config.h>

#include "cache/verify.h"

#include "cache/apply_internal.h"

#include <errno.h>

enum { SNAPSHOT_ENTRIES = 200, AGAIN_MAX = 1000 };

/* An entry that was not found: it may have been created a moment ago. */
struct again {
	struct again *next;
	struct span dn;
};

struct verify {
	const struct replica *replica;
	bool by_dn;
	void (*tell)(void *context, const char *sentence);
	void *context;
	struct store_txn *txn;
	unsigned in_snapshot;
	struct seen seen;
	uint64_t last_id; /* numbers from here on were given after the start */
	struct arena arena;      /* of one entry */
	struct arena again_arena;
	struct again *again;
	size_t again_count;
	struct verify_figures figures;
};

int
verify_new(const struct replica *replica, bool by_dn, void (*tell)(void *context, const char *sentence), void *context,
           struct verify **out)
{
	struct verify *verify = calloc(1, sizeof(*verify));
	int r;

	if (verify == NULL)
		return -ENOMEM;
	verify->replica = replica;
	verify->by_dn = by_dn;
	verify->tell = tell;
	verify->context = context;
	r = store_begin_read(replica->store, &verify->txn);
	if (r == 0)
		r = replica_meta_number(verify->txn, "next", &verify->last_id);
	if (r < 0) {
		verify_free(verify);
		return r;
	}
	*out = verify;
	return 0;
}

void
verify_free(struct verify *verify)
{
	if (verify == NULL)
		return;
	store_abort(verify->txn);
	seen_clear(&verify->seen);
	arena_free(&verify->arena);
	arena_free(&verify->again_arena);
	free(verify);
}

static void
say(struct verify *verify, struct span dn, const char *what)
{
	cleanup(text_free) struct text sentence = TEXT_INIT;

	text_putf(&sentence, "%.*s %s", (int)dn.len, dn.data, what);
	verify->tell(verify->context, text_str(&sentence));
}

/* The newest snapshot, now and then. */
static int
refresh_snapshot(struct verify *verify)
{
	if (++verify->in_snapshot < SNAPSHOT_ENTRIES)
		return 0;
	verify->in_snapshot = 0;
	store_reset(verify->txn);
	return store_renew(verify->txn);
}

static int
find(struct verify *verify, const struct entry *entry, uint64_t *out_id)
{
	const struct replica *replica = verify->replica;
	struct rdn *rdns;
	uint64_t id = REPLICA_ROOT;
	size_t count;
	int r = dn_split(entry->dn, &verify->arena, &rdns, &count);

	if (r < 0 || count < replica->base_count)
		return r < 0 ? r : 0;
	for (size_t i = count - replica->base_count; i > 0; i--) {
		r = replica_child(verify->txn, id, rdns[i - 1].normalised, &id);
		if (r <= 0)
			return r;
	}
	*out_id = id;
	return 1;
}

static bool
has_value(const struct attribute *attribute, struct span value)
{
	for (size_t i = 0; i < attribute->count; i++)
		if (span_is(attribute->values[i], value))
			return true;
	return false;
}

/* Values have no order. */
static bool
same_attributes(const struct entry *a, const struct entry *b)
{
	if (a->attribute_count != b->attribute_count)
		return false;
	for (size_t i = 0; i < a->attribute_count; i++) {
		const struct attribute *here = &a->attributes[i];
		const struct attribute *there = entry_find(b, here->name);

		if (there == NULL || there->count != here->count)
			return false;
		for (size_t v = 0; v < here->count; v++)
			if (!has_value(there, here->values[v]))
				return false;
	}
	return true;
}

static int
compare_csn(struct span a, struct span b)
{
	size_t n = a.len < b.len ? a.len : b.len;
	/* An entry of a file has none. */
	int order = n > 0 ? memcmp(a.data, b.data, n) : 0;

	return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

int
verify_entry(struct verify *verify, const struct entry *entry)
{
	struct replica_node node;
	struct entry here;
	uint64_t id;
	int r = refresh_snapshot(verify);

	if (r == 0)
		r = find(verify, entry, &id);
	if (r == 1)
		r = replica_node(verify->txn, id, &node);
	if (r < 0)
		goto out;
	verify->figures.entries++;
	if (r == 0 || !node.has_entry) {
		struct again *again = verify->again_count < AGAIN_MAX ? arena_alloc(&verify->again_arena, sizeof(*again)) : NULL;

		if (again == NULL) {
			verify->figures.missing++;
			say(verify, entry->dn, "is missing here");
		} else {
			again->dn = arena_copy(&verify->again_arena, entry->dn);
			again->next = verify->again;
			verify->again = again;
			verify->again_count++;
		}
		r = 0;
		goto out;
	}
	r = seen_mark(&verify->seen, id);
	if (r == 0)
		r = replica_node_entry(&node, &verify->arena, &here);
	if (r < 0)
		goto out;
	if (compare_csn(here.csn, entry->csn) <= 0 &&
	    (!same_attributes(&here, entry) || (!verify->by_dn && memcmp(here.uuid, entry->uuid, ENTRY_UUID_LEN) != 0))) {
		verify->figures.different++;
		say(verify, entry->dn, "is different here");
	}
out:
	arena_reset(&verify->arena);
	return r;
}

static int
look_again(struct verify *verify)
{
	for (struct again *again = verify->again; again != NULL; again = again->next) {
		struct entry entry = { .dn = again->dn };
		struct replica_node node = { .has_entry = false };
		uint64_t id;
		int r = find(verify, &entry, &id);

		if (r == 1)
			r = replica_node(verify->txn, id, &node);
		if (r == 1)
			r = seen_mark(&verify->seen, id);
		arena_reset(&verify->arena);
		if (r < 0)
			return r;
		if (!node.has_entry) {
			verify->figures.missing++;
			say(verify, again->dn, "is missing here");
		}
	}
	return 0;
}

/* Counts, and tells unless QUIET, what is here only: 1 when there is any. */
static int
look_for_extra(struct verify *verify, bool quiet)
{
	cleanup(store_cursor_closep) struct store_cursor *cursor = NULL;
	struct span key, value;
	int r = store_cursor_open(verify->txn, REPLICA_NODE, &cursor);

	if (r == 0)
		r = store_cursor_seek(cursor, SPAN("\0"), &key, &value);
	while (r == 1) {
		uint64_t id = replica_id_get((const uint8_t *)key.data);
		struct replica_node node;

		if (id >= verify->last_id)
			break;
		r = seen_has(&verify->seen, id) ? 0 : replica_node(verify->txn, id, &node);
		if (r == 1 && node.has_entry && quiet)
			return 1;
		if (r == 1 && node.has_entry) {
			cleanup(text_free) struct text dn = TEXT_INIT;

			r = replica_dn(verify->replica, verify->txn, id, &dn);
			if (r == 0) {
				verify->figures.extra++;
				say(verify, text_span(&dn), "is here but not in the source");
			}
		}
		if (r >= 0)
			r = store_cursor_next(cursor, &key, &value);
	}
	return r < 0 ? r : 0;
}

int
verify_finish(struct verify *verify, void (*settle)(void *context), struct verify_figures *out)
{
	int r = verify->again_count > 0 ? 1 : look_for_extra(verify, true);

	if (r < 0)
		return r;
	/* What differs may be what changes at this moment. */
	if (r == 1) {
		store_reset(verify->txn);
		if (settle != NULL)
			settle(verify->context);
		r = store_renew(verify->txn);
		if (r == 0)
			r = look_again(verify);
		if (r == 0)
			r = look_for_extra(verify, false);
	}
	if (r == 0)
		*out = verify->figures;
	return r;
}
