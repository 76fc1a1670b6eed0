/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * Reading DNS from the cache: from a name to its zone, from there to the records, as RFC 1034, 4592 and 6672 and named's own
 * zones answer.
 *
 *	dns_begin(cache, &view);
 *	dns_question_set(&question, &name);
 *	if (dns_find_zone(view, &question, &zone) > 0 && dns_resolve(view, &zone, &question, &answer) == 0)
 *		while (dns_records_next(&answer.records, &rr) > 0)
 *			...
 *	dns_end(view);
 *
 * What the outputs point to lies in the snapshot and is valid until dns_end(), unless it was kept (dns_*_keep). Nothing here allocates
 * on the way of a query, but for the first ones of a thread.
 */
#pragma once

#include "cache/cache.h"
#include "cache/dname.h"
#include "cache/key.h"
#include "cache/record.h"
#include "cache/rrtype.h"
#include "common/text.h"

struct dns_view;

/* cache_open for CACHE_DIR/dns/DNS_FORMAT. RUN_DIR may be NULL. */
must_check int dns_open(const char *cache_dir, const char *run_dir, struct cache **out);

must_check int dns_begin(struct cache *cache, struct dns_view **out);
void dns_end(struct dns_view *view);

/* Changes with every commit of the writer. */
uint64_t dns_snapshot(const struct dns_view *view);

/* The same in all of one thread's snapshots between two changes, and never the same again in this process. Never 0. */
uint64_t dns_epoch(const struct dns_view *view);

/* The second of CLOCK_MONOTONIC_COARSE in which it was begun. */
uint32_t dns_second(const struct dns_view *view);

/* --- what is asked ------------------------------------------------------------------------------ */

/* A name with what a search needs of it. */
struct dns_question {
	struct dname name;                   /* in lower case */
	uint8_t labels;                      /* without the root */
	uint8_t reversed_len;
	uint8_t ends[DNAME_LABELS_MAX + 1];  /* ends[n]: octets that the last n labels take in REVERSED */
	uint8_t reversed[DNAME_MAX];         /* as in key.h */
	uint64_t hash;
};
void dns_question_set(struct dns_question *out, const struct dname *name);

/* Has the processor fetch what this thread may know of the name, while it begins. */
void dns_expect(struct cache *cache, const struct dns_question *question);

/* NAME's last LABELS labels. */
void dns_question_cut(const struct dns_question *question, unsigned labels, struct dns_question *out);

/* --- zones -------------------------------------------------------------------------------------- */

enum dns_zone_class {
	DNS_PRIMARY,
	DNS_REPLICA,
	DNS_REVERSE, /* computed; an explicitly hosted reverse zone is a primary */
};

struct dns_zone {
	enum dns_zone_class class;
	uint8_t labels;      /* the origin: so many last labels of the question's name */
	uint8_t origin_len;  /* octets of the origin in wire form */
	bool has_computed;   /* computed PTR records may stand in it */
	bool held;           /* its SOA is the last good one; the directory has none now */
	uint32_t serial, soa_ttl, minimum;
	struct span nodes;   /* the reversed name under which its nodes are stored: its own, or its master's */
	struct span soa_head, soa_tail; /* text before and after the serial */
	struct dns_hints *hints; /* what searches in it have found out, or NULL; until dns_end() */
};

/* The zone that answers for the question: the longest one that is served. 1 found, 0 none, or negative. */
must_check int dns_find_zone(struct dns_view *view, const struct dns_question *question, struct dns_zone *out);

/* The zone whose origin is the question's name itself. */
must_check int dns_find_exact_zone(struct dns_view *view, const struct dns_question *question, struct dns_zone *out);

/* Copies ZONE's texts to the end of ROOM, as dns_records_keep does. 0 or -ENOMEM. NODES is not kept. */
must_check int dns_zone_keep(struct dns_zone *zone, struct text *room);

/* Appends "mname rname serial refresh retry expire minimum". */
void dns_zone_put_soa(const struct dns_zone *zone, struct text *out);

/* --- records ------------------------------------------------------------------------------------ */

/* The records of one name. Copy the struct to go through them once more. */
struct dns_records {
	struct span stored, computed; /* node records; either may be empty */
	uint32_t minimum;
	uint8_t origin_len;
	bool replica;
	const uint8_t *origin; /* replica: wire form, within the question's name */
	/* Where dns_records_next stands. */
	struct node node;
	uint16_t type;
	uint32_t ttl;
	bool begun, mixed; /* mixed: of this type, some may be equal at a replica's origin only */
};

/* 1 and the next record in *OUT with the TTL it is served with (an RRset has one TTL, the lowest), 0 at the end, -EBADMSG.
 * Sorted by type. The text's relative names are relative to the zone's origin. SOA is never among them. */
must_check int dns_records_next(struct dns_records *records, struct rr *out);

/* Copies the records to the end of ROOM, so that they outlive the snapshot but not the next change of ROOM. To be called before
 * the first dns_records_next. 0 or -ENOMEM. */
must_check int dns_records_keep(struct dns_records *records, struct text *room);

/* --- answers ------------------------------------------------------------------------------------ */

enum dns_outcome {
	DNS_DATA,     /* RECORDS stand at the name, or at the wildcard that it matches */
	DNS_EMPTY,    /* the name exists (or a wildcard for it does) but has no records */
	DNS_NXDOMAIN,
	DNS_CUT,      /* RECORDS stand at a zone cut at or above the name */
	DNS_DNAME,    /* RECORDS stand above the name and rewrite it */
};

struct dns_answer {
	enum dns_outcome outcome;
	bool wildcard; /* DATA, EMPTY: it is the wildcard's */
	bool glue;     /* dns_read_name: the name is at or below a cut, its addresses are no data of the zone */
	uint8_t level; /* labels below the origin of: the name, the cut, the DNAME, or the closest encloser (wildcard, NXDOMAIN) */
	struct dns_records records;
};

/* The whole of the search in ZONE, which dns_find_zone gave for this question: topmost cut or DNAME, the name itself, wildcard. */
must_check int dns_resolve(struct dns_view *view, const struct dns_zone *zone, const struct dns_question *question,
                           struct dns_answer *out);

/* The same without looking for cuts and DNAMEs above: what stands at the name, or would if nothing hid it (glue). */
must_check int dns_read_name(struct dns_view *view, const struct dns_zone *zone, const struct dns_question *question,
                             struct dns_answer *out);

/* Calls EACH with every name of ZONE that has records, the apex first, all records of a name together (a transfer). OWNER
 * is absolute. Stops at the first result that is not 0 and returns it. ORIGIN is the zone's name. */
must_check int dns_each_name(struct dns_view *view, const struct dns_zone *zone, const struct dns_question *origin,
                             int (*each)(void *context, const struct dname *owner, struct dns_records *records),
                             void *context);

/* --- explaining ----------------------------------------------------------------------------------- */

/* Says each step of what follows on this thread's view of the cache as a sentence, until it is set to NULL. */
void dns_trace(struct dns_view *view, void (*say)(void *context, const char *sentence), void *context);
