/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 */
#include <config.h>

#include "cache/replica.h"

#include "cache/load_mark.h"

#include <errno.h>
#include <sys/random.h>
#include <sys/stat.h>

enum {
	CHILD_TEXT_MAX = 300, /* a longer RDN is keyed by its hash */
	CHILD_PROBES = 8,
};

static const char *const table_names[REPLICA_TABLES] = {
	"meta", "node", "child", "uuid", "fragment", "zone", "pending", "problem",
};

/* --- numbers ------------------------------------------------------------------------------------- */

void
replica_id_put(uint8_t out[REPLICA_ID_LEN], uint64_t id)
{
	for (int i = REPLICA_ID_LEN - 1; i >= 0; i--) {
		out[i] = (uint8_t)id;
		id >>= 8;
	}
}

uint64_t
replica_id_get(const uint8_t octets[REPLICA_ID_LEN])
{
	uint64_t id = 0;

	for (int i = 0; i < REPLICA_ID_LEN; i++)
		id = id << 8 | octets[i];
	return id;
}

/* --- opening ------------------------------------------------------------------------------------- */

static int
make_folder(const char *path, mode_t mode, struct text *why)
{
	if (mkdir(path, mode) < 0 && errno != EEXIST) {
		int saved = errno;

		text_putf(why, "%s cannot be created: %s", path, strerror(saved));
		return -saved;
	}
	return 0;
}

/* Gives a new replica the number that tells it from others: what was derived from it says so. */
static int
identify(struct store *store)
{
	cleanup(store_abortp) struct store_txn *txn = NULL;
	uint8_t identity[16];
	struct span value;
	int r = store_begin_write(store, &txn);

	if (r == 0)
		r = replica_meta(txn, "identity", &value);
	if (r != 0)
		return r < 0 ? r : 0;
	if (getrandom(identity, sizeof(identity), 0) != (ssize_t)sizeof(identity))
		return -EIO;
	r = replica_meta_put(txn, "identity", span_from(identity, sizeof(identity)));
	return r < 0 ? r : store_commit(take(txn));
}

int
replica_open(const char *cache_dir, struct span base, size_t map_size, struct replica *out, bool *out_wiped, struct text *why)
{
	struct store_options options = { table_names, REPLICA_TABLES, map_size, 0600, (gid_t)-1 };
	cleanup(text_free) struct text folder = TEXT_INIT;
	struct replica replica = { .arena = ARENA_INIT };
	int r;

	text_putf(&folder, "%s/directory", cache_dir);
	r = make_folder(text_str(&folder), 0700, why);
	if (r < 0)
		return r;
	text_putf(&folder, "/%d", REPLICA_VERSION);
	r = make_folder(text_str(&folder), 0700, why);
	if (r < 0)
		return r;
	replica.base_text = arena_copy(&replica.arena, base);
	r = dn_split(base, &replica.arena, &replica.base, &replica.base_count);
	if (r < 0) {
		text_putf(why, "base \"%.*s\" is not a DN", (int)base.len, base.data);
		arena_free(&replica.arena);
		return r;
	}
	r = load_mark_open(text_str(&folder), &options, &replica.store, out_wiped, why);
	if (r == 0) {
		r = identify(replica.store);
		if (r < 0)
			text_putf(why, "%s: %s", text_str(&folder), store_error_text());
	}
	if (r < 0) {
		store_close(replica.store);
		arena_free(&replica.arena);
		return r;
	}
	*out = replica;
	return 0;
}

void
replica_close(struct replica *replica)
{
	store_close(replica->store);
	replica->store = NULL;
	arena_free(&replica->arena);
}

/* --- places -------------------------------------------------------------------------------------- */

/* A child's key: 't' and the normalised RDN, or 'x', its hash and the probe. */
static void
child_key(struct key *out, uint64_t parent, struct span normalised, unsigned probe)
{
	replica_id_put(out->octets, parent);
	out->len = REPLICA_ID_LEN;
	if (normalised.len <= CHILD_TEXT_MAX) {
		out->octets[out->len++] = 't';
		memcpy(out->octets + out->len, normalised.data, normalised.len);
		out->len += normalised.len;
		return;
	}
	/* FNV-1a. Equal hashes are told apart by the node's own RDN; whoever makes many only slows his own branch. */
	uint64_t hash = 14695981039346656037u;

	for (size_t i = 0; i < normalised.len; i++)
		hash = (hash ^ (uint8_t)normalised.data[i]) * 1099511628211u;
	out->octets[out->len++] = 'x';
	replica_id_put(out->octets + out->len, hash);
	out->len += REPLICA_ID_LEN;
	out->octets[out->len++] = (uint8_t)probe;
}

static unsigned
child_probes(struct span normalised)
{
	return normalised.len <= CHILD_TEXT_MAX ? 1 : CHILD_PROBES;
}

/* Whether the RDN of node ID is NORMALISED. */
static int
is_named(struct store_txn *txn, uint64_t id, struct span normalised)
{
	struct arena arena = ARENA_INIT;
	struct replica_node node;
	struct rdn *rdns;
	size_t count;
	int r = replica_node(txn, id, &node);

	if (r <= 0)
		return r;
	r = dn_split(node.rdn, &arena, &rdns, &count);
	if (r == 0)
		r = count == 1 && span_is(rdns[0].normalised, normalised);
	arena_free(&arena);
	return r;
}

int
replica_child(struct store_txn *txn, uint64_t parent, struct span normalised, uint64_t *out_id)
{
	struct key key unfilled;
	struct span value;

	for (unsigned probe = 0; probe < child_probes(normalised); probe++) {
		uint64_t id;
		int r;

		child_key(&key, parent, normalised, probe);
		r = store_get(txn, REPLICA_CHILD, key_span(&key), &value);
		if (r < 0)
			return r;
		if (r == 0)
			continue;
		if (value.len != REPLICA_ID_LEN)
			return -EBADMSG;
		id = replica_id_get((const uint8_t *)value.data);
		r = normalised.len <= CHILD_TEXT_MAX ? 1 : is_named(txn, id, normalised);
		if (r < 0)
			return r;
		if (r == 1) {
			*out_id = id;
			return 1;
		}
	}
	return 0;
}

int
replica_child_put(struct store_txn *txn, uint64_t parent, struct span normalised, uint64_t id)
{
	uint8_t octets[REPLICA_ID_LEN];

	replica_id_put(octets, id);
	for (unsigned probe = 0; probe < child_probes(normalised); probe++) {
		struct key key unfilled;
		struct span value;
		int r;

		child_key(&key, parent, normalised, probe);
		if (normalised.len <= CHILD_TEXT_MAX)
			return store_put(txn, REPLICA_CHILD, key_span(&key), span_from(octets, sizeof(octets)));
		r = store_get(txn, REPLICA_CHILD, key_span(&key), &value);
		if (r < 0)
			return r;
		if (r == 0)
			return store_put(txn, REPLICA_CHILD, key_span(&key), span_from(octets, sizeof(octets)));
	}
	return -ENOSPC;
}

int
replica_child_delete(struct store_txn *txn, uint64_t parent, struct span normalised, uint64_t id)
{
	for (unsigned probe = 0; probe < child_probes(normalised); probe++) {
		struct key key unfilled;
		struct span value;
		int r;

		child_key(&key, parent, normalised, probe);
		r = store_get(txn, REPLICA_CHILD, key_span(&key), &value);
		if (r < 0)
			return r;
		if (r == 1 && value.len == REPLICA_ID_LEN && replica_id_get((const uint8_t *)value.data) == id)
			return store_delete(txn, REPLICA_CHILD, key_span(&key));
	}
	return 0;
}

int
replica_each_child(struct store_txn *txn, uint64_t parent, int (*each)(void *context, uint64_t id), void *context)
{
	cleanup(store_cursor_closep) struct store_cursor *cursor = NULL;
	uint8_t prefix[REPLICA_ID_LEN];
	struct span key, value;
	int r = store_cursor_open(txn, REPLICA_CHILD, &cursor);

	if (r < 0)
		return r;
	replica_id_put(prefix, parent);
	r = store_cursor_seek(cursor, span_from(prefix, sizeof(prefix)), &key, &value);
	while (r == 1 && key.len > sizeof(prefix) && memcmp(key.data, prefix, sizeof(prefix)) == 0) {
		if (value.len != REPLICA_ID_LEN)
			return -EBADMSG;
		r = each(context, replica_id_get((const uint8_t *)value.data));
		if (r != 0)
			return r;
		r = store_cursor_next(cursor, &key, &value);
	}
	return r < 0 ? r : 0;
}

static int
stop_at_first(void *context, uint64_t id)
{
	(void)context;
	(void)id;
	return 1;
}

int
replica_has_children(struct store_txn *txn, uint64_t id)
{
	return replica_each_child(txn, id, stop_at_first, NULL);
}

/* OpenLDAP's entryUUIDs hold the time, its fastest octets first; put the slow ones first and a load appends. */
static void
uuid_key(uint8_t out[ENTRY_UUID_LEN], const uint8_t uuid[ENTRY_UUID_LEN])
{
	memcpy(out, uuid + 6, 2);
	memcpy(out + 2, uuid + 4, 2);
	memcpy(out + 4, uuid, 4);
	memcpy(out + 8, uuid + 8, 8);
}

int
replica_uuid(struct store_txn *txn, const uint8_t uuid[ENTRY_UUID_LEN], uint64_t *out_id)
{
	uint8_t key[ENTRY_UUID_LEN];
	struct span value;
	int r;

	uuid_key(key, uuid);
	r = store_get(txn, REPLICA_UUID, span_from(key, sizeof(key)), &value);
	if (r <= 0)
		return r;
	if (value.len != REPLICA_ID_LEN)
		return -EBADMSG;
	*out_id = replica_id_get((const uint8_t *)value.data);
	return 1;
}

int
replica_uuid_put(struct store_txn *txn, const uint8_t uuid[ENTRY_UUID_LEN], uint64_t id)
{
	uint8_t key[ENTRY_UUID_LEN];
	uint8_t octets[REPLICA_ID_LEN];

	uuid_key(key, uuid);
	replica_id_put(octets, id);
	return store_put(txn, REPLICA_UUID, span_from(key, sizeof(key)), span_from(octets, sizeof(octets)));
}

int
replica_uuid_delete(struct store_txn *txn, const uint8_t uuid[ENTRY_UUID_LEN])
{
	uint8_t key[ENTRY_UUID_LEN];

	uuid_key(key, uuid);
	return store_delete(txn, REPLICA_UUID, span_from(key, sizeof(key)));
}

int
replica_path(struct store_txn *txn, uint64_t id, struct arena *arena, struct rdn **out_rdns, size_t *out_depth,
             bool *out_limbo)
{
	struct rdn *path = arena_alloc(arena, REPLICA_DEPTH_MAX * sizeof(*path));
	size_t depth = 0;

	if (path == NULL)
		return -ENOMEM;
	while (id != REPLICA_ROOT && id != REPLICA_LIMBO) {
		struct replica_node node;
		struct rdn *rdns;
		size_t count;
		int r = replica_node(txn, id, &node);

		if (r < 0)
			return r;
		if (r == 0)
			return -ENOENT;
		if (depth == REPLICA_DEPTH_MAX)
			return -ELOOP;
		r = dn_split(node.rdn, arena, &rdns, &count);
		if (r < 0)
			return r;
		if (count == 1)
			path[depth++] = rdns[0];
		else if (node.parent != REPLICA_LIMBO)
			return -EBADMSG;
		id = node.parent;
	}
	*out_limbo = id == REPLICA_LIMBO;
	*out_rdns = path;
	*out_depth = id == REPLICA_LIMBO ? 0 : depth;
	return 0;
}

int
replica_dn(const struct replica *replica, struct store_txn *txn, uint64_t id, struct text *out)
{
	while (id != REPLICA_ROOT && id != REPLICA_LIMBO) {
		struct replica_node node;
		int r = replica_node(txn, id, &node);

		if (r < 0)
			return r;
		if (r == 0)
			return -ENOENT;
		text_put_span(out, node.rdn);
		text_put_char(out, ',');
		id = node.parent;
	}
	text_put_span(out, replica->base_text);
	return 0;
}

/* --- fragments ----------------------------------------------------------------------------------- */

void
replica_fragment_key(struct key *out, struct span subject, uint64_t id)
{
	memcpy(out->octets, subject.data, subject.len);
	out->octets[subject.len] = 0;
	replica_id_put(out->octets + subject.len + 1, id);
	out->len = subject.len + 1 + REPLICA_ID_LEN;
}

int
replica_fragment_split(struct span key, struct span *out_subject, uint64_t *out_id)
{
	if (key.len < 1 + 1 + REPLICA_ID_LEN)
		return -EBADMSG;
	*out_subject = span_from(key.data, key.len - 1 - REPLICA_ID_LEN);
	*out_id = replica_id_get((const uint8_t *)key.data + key.len - REPLICA_ID_LEN);
	return 0;
}

int
replica_fragments(struct store_txn *txn, struct span subject, struct arena *arena, struct held_fragment **out,
                  size_t *out_count)
{
	cleanup(store_cursor_closep) struct store_cursor *cursor = NULL;
	struct held_fragment *fragments = NULL;
	size_t count = 0, room = 0;
	struct key first unfilled;
	struct span key, value;
	int r = store_cursor_open(txn, REPLICA_FRAGMENT, &cursor);

	if (r < 0)
		return r;
	replica_fragment_key(&first, subject, 0);
	r = store_cursor_seek(cursor, key_span(&first), &key, &value);
	while (r == 1 && key.len == first.len && memcmp(key.data, first.octets, subject.len + 1) == 0) {
		if (count == room) {
			struct held_fragment *grown;

			room = room == 0 ? 8 : room * 2;
			grown = arena_alloc(arena, room * sizeof(*grown));
			if (grown == NULL)
				return -ENOMEM;
			if (count > 0)
				memcpy(grown, fragments, count * sizeof(*grown));
			fragments = grown;
		}
		fragments[count].entry_id = replica_id_get((const uint8_t *)key.data + key.len - REPLICA_ID_LEN);
		fragments[count++].payload = value;
		r = store_cursor_next(cursor, &key, &value);
	}
	if (r < 0)
		return r;
	*out = fragments;
	*out_count = count;
	return 0;
}

/* --- zones and small values ---------------------------------------------------------------------- */

int
replica_zone(struct store_txn *txn, struct span reversed, struct zone_state *out)
{
	struct zone_state state = { 0, 0 };
	struct span value;
	int r = store_get(txn, REPLICA_ZONE, reversed, &value);

	if (r <= 0)
		return r;
	if (value.len < 8)
		return -EBADMSG;
	for (int i = 3; i >= 0; i--) {
		state.serial = state.serial << 8 | (uint8_t)value.data[i];
		state.epoch = state.epoch << 8 | (uint8_t)value.data[4 + i];
	}
	*out = state;
	return 1;
}

int
replica_zone_put(struct store_txn *txn, struct span reversed, const struct zone_state *state)
{
	uint8_t octets[8];

	for (int i = 0; i < 4; i++) {
		octets[i] = (uint8_t)(state->serial >> (8 * i));
		octets[4 + i] = (uint8_t)(state->epoch >> (8 * i));
	}
	return store_put(txn, REPLICA_ZONE, reversed, span_from(octets, sizeof(octets)));
}

int
replica_next_problems(const struct replica *replica, uint64_t *last, struct text *out_list)
{
	cleanup(store_abortp) struct store_txn *txn = NULL;
	cleanup(store_cursor_closep) struct store_cursor *cursor = NULL;
	uint8_t start[REPLICA_ID_LEN];
	struct span key, value;
	int r = store_begin_read(replica->store, &txn);

	if (r == 0)
		r = store_cursor_open(txn, REPLICA_PROBLEM, &cursor);
	replica_id_put(start, *last + 1);
	if (r == 0)
		r = store_cursor_seek(cursor, span_from(start, sizeof(start)), &key, &value);
	if (r <= 0)
		return r;
	if (key.len != REPLICA_ID_LEN)
		return -EBADMSG;
	text_clear(out_list);
	text_put_span(out_list, value);
	if (text_failed(out_list))
		return -ENOMEM;
	*last = replica_id_get((const uint8_t *)key.data);
	return 1;
}

int
replica_count_problems(const struct replica *replica, uint64_t *out_count)
{
	cleanup(store_abortp) struct store_txn *txn = NULL;
	int r = store_begin_read(replica->store, &txn);

	return r < 0 ? r : store_count(txn, REPLICA_PROBLEM, out_count);
}

int
replica_meta(struct store_txn *txn, const char *name, struct span *out)
{
	return store_get(txn, REPLICA_META, span_of(name), out);
}

int
replica_meta_put(struct store_txn *txn, const char *name, struct span value)
{
	return store_put(txn, REPLICA_META, span_of(name), value);
}

int
replica_meta_number(struct store_txn *txn, const char *name, uint64_t *out)
{
	struct span value;
	int r = replica_meta(txn, name, &value);

	if (r < 0)
		return r;
	if (r == 1 && value.len != REPLICA_ID_LEN)
		return -EBADMSG;
	*out = r == 1 ? replica_id_get((const uint8_t *)value.data) : 0;
	return 0;
}

int
replica_meta_put_number(struct store_txn *txn, const char *name, uint64_t number)
{
	uint8_t octets[REPLICA_ID_LEN];

	replica_id_put(octets, number);
	return replica_meta_put(txn, name, span_from(octets, sizeof(octets)));
}
