/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * Records of DNSSEC for which named refuses a zone when they stand at its own name: a DS, which is the
 * parent's; CDS and CDNSKEY without a DNSKEY of their algorithm; only unknown hashes in NSEC3PARAM.
 */
#include <config.h>

#include "cache/project_dns_node.h"
#include "cache/rdata.h"
#include "cache/rrtype.h"

#include <errno.h>

enum { RRTYPE_DNSKEY = 48, RRTYPE_NSEC3PARAM = 51, RRTYPE_CDS = 59, RRTYPE_CDNSKEY = 60 };
enum { NSEC3_SHA1 = 1 };

/* Algorithms of the zone's keys, and whether a hash that named knows is among its NSEC3PARAMs. */
struct apex {
	struct node_reducing *n;
	bool algorithms[256];
	bool known_hash;
	bool has_cds, has_cdnskey; /* others than the request to remove all */
};

/* What a record says: the algorithm of a key or digest, or the hash; and whether it asks for removal. */
struct words {
	uint8_t algorithm;
	bool removal;
};

static int
read_words(const struct apex *apex, const struct item *item, struct words *out)
{
	static const uint8_t cds_removal[5] = { 0, 0, 0, 0, 0 };
	static const uint8_t cdnskey_removal[5] = { 0, 0, 3, 0, 0 };
	cleanup(text_free) struct text why = TEXT_INIT;
	struct rdata rdata = { TEXT_INIT, TEXT_INIT, 0 };
	int r = rdata_parse(item->record.type, item->record.text, apex->n->zone, &rdata, &why);
	const uint8_t *wire = (const uint8_t *)rdata.wire.data;
	size_t at = item->record.type == RRTYPE_NSEC3PARAM ? 0 : item->record.type == RRTYPE_CDS ? 2 : 3;

	*out = (struct words){ 0, false };
	if (r == 0 && rdata.wire.len > at)
		out->algorithm = wire[at];
	if (r == 0 && rdata.wire.len == 5)
		out->removal = memcmp(wire, item->record.type == RRTYPE_CDS ? cds_removal : cdnskey_removal,
		                      5) == 0;
	rdata_free(&rdata);
	return r == -ENOMEM ? r : 0;
}

static void
note(struct apex *apex, const struct item *item, const struct words *words)
{
	switch (item->record.type) {
	case RRTYPE_DNSKEY:
		apex->algorithms[words->algorithm] = true;
		break;
	case RRTYPE_NSEC3PARAM:
		apex->known_hash |= words->algorithm == NSEC3_SHA1;
		break;
	case RRTYPE_CDS:
		apex->has_cds |= !words->removal && apex->algorithms[words->algorithm];
		break;
	case RRTYPE_CDNSKEY:
		apex->has_cdnskey |= !words->removal && apex->algorithms[words->algorithm];
		break;
	default:
		break;
	}
}

static void
judge(const struct apex *apex, struct item *item, const struct words *words)
{
	const char *wrong = NULL;

	switch (item->record.type) {
	case RRTYPE_DS:
		wrong = "it belongs to the zone above. Move it there.";
		break;
	case RRTYPE_NSEC3PARAM:
		if (!apex->known_hash)
			wrong = "its hash is not known. Remove it.";
		break;
	case RRTYPE_CDS:
	case RRTYPE_CDNSKEY:
		if (words->removal && (item->record.type == RRTYPE_CDS ? apex->has_cds : apex->has_cdnskey))
			wrong = "the request to remove all keys must stand alone. Remove it or the others.";
		else if (!words->removal && !apex->algorithms[words->algorithm])
			wrong = "the zone has no DNSKEY of its algorithm. Remove it, or add the key.";
		break;
	default:
		break;
	}
	if (wrong == NULL)
		return;
	item->dropped = true;
	text_putf(node_complain(apex->n, item), " is not served: %s", wrong);
	reducing_complain(apex->n->r, "misplaced-dnssec", item->entry_id);
}

static bool
is_judged(const struct item *item)
{
	switch (item->record.type) {
	case RRTYPE_DS:
	case RRTYPE_DNSKEY:
	case RRTYPE_NSEC3PARAM:
	case RRTYPE_CDS:
	case RRTYPE_CDNSKEY:
		return !item->dropped;
	default:
		return false;
	}
}

int
settle_apex(struct node_reducing *n)
{
	struct apex apex = { .n = n };
	struct words words;

	/* DNSKEY comes before CDS and CDNSKEY in the order of types. */
	for (int pass = 0; pass < 2; pass++) {
		for (size_t i = 0; i < n->count; i++) {
			if (!is_judged(&n->items[i]))
				continue;
			if (read_words(&apex, &n->items[i], &words) < 0)
				return -ENOMEM;
			if (pass == 0)
				note(&apex, &n->items[i], &words);
			else
				judge(&apex, &n->items[i], &words);
		}
	}
	return 0;
}
