/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * directory/: the private replica of the entries that are used, as a tree of numbered nodes.
 *
 * A node is an entry, or only a place that entries below it need (its own entry is not visible, or has not
 * come yet). It knows its parent by number and its own RDN, so the rename of a grouping node moves all that is below
 * it without touching it. Numbers are given in order and never again.
 *
 * Tables
 *   meta      a word → a value                                  (cookie, sequence, next number, ...)
 *   node      number                → parent, UUID, CSN, RDN, attributes
 *   child     parent, RDN           → number     (a long RDN by its hash, verified)
 *   uuid      entryUUID             → number     (in order of time, so that a load appends)
 *   fragment  subject 0 number      → payload    (what the entry contributes to the subject)
 *   zone      reversed zone name    → serial state
 *   pending   sequence, subject     → nothing    (touched subjects that environments may not show yet)
 *   problem   number                → what is wrong with the entry
 *
 * Functions take the transaction they work in; none begins or ends one but replica_open. Each returns 1 or 0 for found and
 * absent (or 0 for done) and a negative errno.
 */
#pragma once

#include "cache/entry.h"
#include "cache/key.h"
#include "cache/project_dns.h"
#include "cache/store.h"

enum replica_table {
	REPLICA_META,
	REPLICA_NODE,
	REPLICA_CHILD,
	REPLICA_UUID,
	REPLICA_FRAGMENT,
	REPLICA_ZONE,
	REPLICA_PENDING,
	REPLICA_PROBLEM,
	REPLICA_TABLES
};

enum { REPLICA_ROOT = 1, REPLICA_LIMBO = 2, REPLICA_FIRST = 16 };
enum { REPLICA_DEPTH_MAX = 64, REPLICA_VERSION = 1 };

struct replica {
	struct store *store;
	size_t base_count; /* RDNs of the base DN */
	struct rdn *base;
	struct span base_text;
	struct arena arena; /* holds the two above */
};

/* Opens (creates) CACHE_DIR/directory/1 for the base DN BASE. What a first load left half done is
 * wiped: *OUT_WIPED says so. WHY gets a sentence on failure. */
must_check int replica_open(const char *cache_dir, struct span base, size_t map_size, struct replica *out, bool *out_wiped,
                            struct text *why);
void replica_close(struct replica *replica);

struct replica_node {
	uint64_t id, parent;
	bool has_entry;
	uint8_t uuid[ENTRY_UUID_LEN];
	struct span csn, rdn, attributes; /* in the transaction's pages */
};

must_check int replica_node(struct store_txn *txn, uint64_t id, struct replica_node *out);

/* The stored form of a node, appended to OUT; ENTRY NULL makes a node without one. */
void replica_node_put(struct text *out, uint64_t parent, struct span rdn, const struct entry *entry);

/* The entry of NODE, its attributes in ARENA but their octets in the pages; dn stays empty. */
must_check int replica_node_entry(const struct replica_node *node, struct arena *arena, struct entry *out);

/* Numbers by place and by entryUUID. */
must_check int replica_child(struct store_txn *txn, uint64_t parent, struct span normalised, uint64_t *out_id);
must_check int replica_child_put(struct store_txn *txn, uint64_t parent, struct span normalised, uint64_t id);
must_check int replica_child_delete(struct store_txn *txn, uint64_t parent, struct span normalised, uint64_t id);
must_check int replica_has_children(struct store_txn *txn, uint64_t id);
/* Calls EACH for the children of PARENT until it returns nonzero, which is returned. */
must_check int replica_each_child(struct store_txn *txn, uint64_t parent, int (*each)(void *context, uint64_t id),
                                  void *context);
must_check int replica_uuid(struct store_txn *txn, const uint8_t uuid[ENTRY_UUID_LEN], uint64_t *out_id);
must_check int replica_uuid_put(struct store_txn *txn, const uint8_t uuid[ENTRY_UUID_LEN], uint64_t id);
must_check int replica_uuid_delete(struct store_txn *txn, const uint8_t uuid[ENTRY_UUID_LEN]);

/* The RDNs from node ID up to, not including, the base, in ARENA. -ELOOP, -ENOENT for a broken tree; a node in limbo has
 * depth 0 and is told by *out_limbo. */
must_check int replica_path(struct store_txn *txn, uint64_t id, struct arena *arena, struct rdn **out_rdns, size_t *out_depth,
                            bool *out_limbo);
/* Appends the DN of node ID. */
must_check int replica_dn(const struct replica *replica, struct store_txn *txn, uint64_t id, struct text *out);

/* All fragments of SUBJECT, in ARENA, payloads in the pages; sorted by number. */
must_check int replica_fragments(struct store_txn *txn, struct span subject, struct arena *arena,
                                 struct held_fragment **out, size_t *out_count);
/* The key of a fragment row; and back: the subject and the number. */
void replica_fragment_key(struct key *out, struct span subject, uint64_t id);
must_check int replica_fragment_split(struct span key, struct span *out_subject, uint64_t *out_id);

struct zone_state {
	uint32_t serial, epoch;
};
must_check int replica_zone(struct store_txn *txn, struct span reversed, struct zone_state *out);
must_check int replica_zone_put(struct store_txn *txn, struct span reversed, const struct zone_state *state);

/* What is wrong with entries, an entry a call: the list (problem_next) of the next one after number *LAST in
 * OUT_LIST: 1, 0 at the end. Takes a snapshot of its own. */
must_check int replica_next_problems(const struct replica *replica, uint64_t *last, struct text *out_list);
/* How many there are. */
must_check int replica_count_problems(const struct replica *replica, uint64_t *out_count);

/* Small values of the meta table. get_number: 0 when absent. */
must_check int replica_meta(struct store_txn *txn, const char *name, struct span *out);
must_check int replica_meta_put(struct store_txn *txn, const char *name, struct span value);
must_check int replica_meta_number(struct store_txn *txn, const char *name, uint64_t *out);
must_check int replica_meta_put_number(struct store_txn *txn, const char *name, uint64_t number);

/* Numbers as key octets, most significant first. */
enum { REPLICA_ID_LEN = 8 };
void replica_id_put(uint8_t out[REPLICA_ID_LEN], uint64_t id);
uint64_t replica_id_get(const uint8_t octets[REPLICA_ID_LEN]);
