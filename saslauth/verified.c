/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * A table of sets: a digest's first octets choose the set, the others and the time stand in one of its rows.
 */
#include <config.h>

#include "saslauth/verified.h"

#include <errno.h>
#include <sys/mman.h>

enum { WAYS = 8, TAG_OCTETS = DIGEST_OCTETS - sizeof(uint32_t) };

struct row {
	unsigned char tag[TAG_OCTETS];
	uint32_t when; /* tenths of a second, from 1; 0: empty */
};

struct account {
	uint64_t account;
	uint32_t when; /* as in a row */
};

struct verified {
	struct row *rows;
	struct account *accounts; /* SETS of them */
	size_t sets; /* a power of two; 0: none */
	size_t octets;
	uint32_t life;
	bool can_be_swapped;
};

static uint32_t
tenths(uint64_t milliseconds)
{
	uint64_t n = milliseconds / 100 + 1;

	return n < UINT32_MAX ? (uint32_t)n : UINT32_MAX;
}

int
verified_new(size_t rows, uint64_t life, struct verified **out)
{
	struct verified *v = calloc(1, sizeof(*v));
	size_t sets = 1;
	void *memory;

	if (v == NULL)
		return -ENOMEM;
	verified_set_life(v, life);
	if (rows == 0) {
		*out = v;
		return 0;
	}
	while (sets * WAYS < rows)
		sets *= 2;
	v->octets = sets * WAYS * sizeof(*v->rows);
	memory = mmap(NULL, v->octets, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED) {
		free(v);
		return -ENOMEM;
	}
	v->accounts = calloc(sets, sizeof(*v->accounts));
	if (v->accounts == NULL) {
		munmap(memory, v->octets);
		free(v);
		return -ENOMEM;
	}
	v->rows = memory;
	v->sets = sets;
	v->can_be_swapped = mlock(memory, v->octets) < 0;
	/* Neither can fail in a way that matters: an old kernel has no such advice. */
	madvise(memory, v->octets, MADV_DONTDUMP);
	madvise(memory, v->octets, MADV_WIPEONFORK);
	*out = v;
	return 0;
}

void
verified_free(struct verified *v)
{
	if (v == NULL)
		return;
	if (v->rows != NULL) {
		explicit_bzero(v->rows, v->octets);
		munmap(v->rows, v->octets);
	}
	free(v->accounts);
	free(v);
}

void
verified_set_life(struct verified *v, uint64_t life)
{
	v->life = life > 0 ? tenths(life) - 1 : 0;
}

static struct row *
set_of(const struct verified *v, const unsigned char *digest)
{
	uint32_t n;

	memcpy(&n, digest, sizeof(n));
	return &v->rows[(n & (v->sets - 1)) * WAYS];
}

static bool
is_live(const struct verified *v, uint32_t when, uint32_t now)
{
	return when != 0 && now >= when && now - when < v->life;
}

bool
verified_has(const struct verified *v, const unsigned char digest[DIGEST_OCTETS], uint64_t now)
{
	const unsigned char *tag = digest + (DIGEST_OCTETS - TAG_OCTETS);
	const struct row *set;

	if (v->sets == 0)
		return false;
	set = set_of(v, digest);
	/* How long this takes tells nothing: without the key nobody can choose a digest. */
	for (size_t i = 0; i < WAYS; i++)
		if (memcmp(set[i].tag, tag, TAG_OCTETS) == 0)
			return is_live(v, set[i].when, tenths(now));
	return false;
}

void
verified_put(struct verified *v, const unsigned char digest[DIGEST_OCTETS], uint64_t now)
{
	const unsigned char *tag = digest + (DIGEST_OCTETS - TAG_OCTETS);
	struct row *set, *chosen;

	if (v->sets == 0)
		return;
	set = set_of(v, digest);
	chosen = &set[0];
	for (size_t i = 0; i < WAYS; i++) {
		if (memcmp(set[i].tag, tag, TAG_OCTETS) == 0) {
			chosen = &set[i];
			break;
		}
		/* The oldest one; an empty one is older than any. */
		if (set[i].when < chosen->when)
			chosen = &set[i];
	}
	memcpy(chosen->tag, tag, TAG_OCTETS);
	chosen->when = tenths(now);
}

/* Octets of an entryUUID follow a clock: the product's upper half depends on all of them. */
static struct account *
place_of(const struct verified *v, uint64_t account)
{
	return &v->accounts[(account * 0x9e3779b97f4a7c15) >> 32 & (v->sets - 1)];
}

bool
verified_has_account(const struct verified *v, uint64_t account, uint64_t now)
{
	const struct account *place = v->sets > 0 ? place_of(v, account) : NULL;

	return place != NULL && place->account == account && is_live(v, place->when, tenths(now));
}

void
verified_put_account(struct verified *v, uint64_t account, uint64_t now)
{
	if (v->sets > 0)
		*place_of(v, account) = (struct account){ account, tenths(now) };
}

bool
verified_can_be_swapped(const struct verified *v)
{
	return v->can_be_swapped;
}
