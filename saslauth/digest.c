/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 */
#include <config.h>

#include "saslauth/digest.h"

#include <endian.h>
#include <errno.h>
#include <sys/mman.h>
#include <sys/random.h>

enum { LANES = 2 };

struct digest {
	unsigned char key[DIGEST_OCTETS];
};

/* Both lanes do the same at the same time: the processor does not wait for one of them twice. */
struct lanes {
	uint64_t v0[LANES], v1[LANES], v2[LANES], v3[LANES];
};

static inline uint64_t
turned(uint64_t x, unsigned bits)
{
	return x << bits | x >> (64 - bits);
}

static inline void
stir(struct lanes *l, unsigned rounds)
{
	for (unsigned n = 0; n < rounds; n++) {
		for (unsigned i = 0; i < LANES; i++) {
			l->v0[i] += l->v1[i];
			l->v1[i] = turned(l->v1[i], 13) ^ l->v0[i];
			l->v0[i] = turned(l->v0[i], 32);
			l->v2[i] += l->v3[i];
			l->v3[i] = turned(l->v3[i], 16) ^ l->v2[i];
			l->v0[i] += l->v3[i];
			l->v3[i] = turned(l->v3[i], 21) ^ l->v0[i];
			l->v2[i] += l->v1[i];
			l->v1[i] = turned(l->v1[i], 17) ^ l->v2[i];
			l->v2[i] = turned(l->v2[i], 32);
		}
	}
}

static inline void
absorb(struct lanes *l, uint64_t word)
{
	for (unsigned i = 0; i < LANES; i++)
		l->v3[i] ^= word;
	stir(l, 2);
	for (unsigned i = 0; i < LANES; i++)
		l->v0[i] ^= word;
}

static inline uint64_t
word_at(const void *octets)
{
	uint64_t word;

	memcpy(&word, octets, sizeof(word));
	return le64toh(word);
}

static void
begin(struct lanes *l, const unsigned char *key)
{
	for (unsigned i = 0; i < LANES; i++) {
		uint64_t k0 = word_at(key + 16 * i), k1 = word_at(key + 16 * i + 8);

		l->v0[i] = k0 ^ 0x736f6d6570736575;
		l->v1[i] = k1 ^ 0x646f72616e646f6d ^ 0xee;
		l->v2[i] = k0 ^ 0x6c7967656e657261;
		l->v3[i] = k1 ^ 0x7465646279746573;
	}
}

static void
put_half(const struct lanes *l, unsigned char *out)
{
	for (unsigned i = 0; i < LANES; i++) {
		uint64_t word = htole64(l->v0[i] ^ l->v1[i] ^ l->v2[i] ^ l->v3[i]);

		memcpy(out + 16 * i, &word, sizeof(word));
	}
}

void
digest_with(const unsigned char key[DIGEST_OCTETS], const struct span *parts, size_t count, unsigned char out[DIGEST_OCTETS])
{
	unsigned char rest[8];
	struct lanes l;
	size_t words = 0;

	begin(&l, key);
	for (size_t p = 0; p < count; p++) {
		const char *at = parts[p].data;
		size_t left = parts[p].len;

		absorb(&l, left);
		words += 1 + (left + 7) / 8;
		for (; left >= 8; left -= 8, at += 8)
			absorb(&l, word_at(at));
		if (left > 0) {
			memset(rest, 0, sizeof(rest));
			memcpy(rest, at, left);
			absorb(&l, word_at(rest));
		}
	}
	absorb(&l, (uint64_t)(words * 8) << 56);
	for (unsigned i = 0; i < LANES; i++)
		l.v2[i] ^= 0xee;
	stir(&l, 4);
	put_half(&l, out);
	for (unsigned i = 0; i < LANES; i++)
		l.v1[i] ^= 0xdd;
	stir(&l, 4);
	put_half(&l, out + 8);
	explicit_bzero(rest, sizeof(rest));
}

void
digest_of(const struct digest *digest, const struct span *parts, size_t count, unsigned char out[DIGEST_OCTETS])
{
	digest_with(digest->key, parts, count, out);
}

static int
random_octets(unsigned char *out, size_t n)
{
	while (n > 0) {
		ssize_t got = getrandom(out, n, 0);

		if (got < 0 && errno != EINTR)
			return -errno;
		if (got > 0) {
			out += got;
			n -= (size_t)got;
		}
	}
	return 0;
}

int
digest_new(struct digest **out)
{
	/* A page of its own, which is neither swapped nor dumped nor a child's. */
	struct digest *digest = mmap(NULL, sizeof(*digest), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int r;

	if (digest == MAP_FAILED)
		return -ENOMEM;
	mlock(digest, sizeof(*digest));
	madvise(digest, sizeof(*digest), MADV_DONTDUMP);
	madvise(digest, sizeof(*digest), MADV_WIPEONFORK);
	r = random_octets(digest->key, sizeof(digest->key));
	if (r < 0) {
		digest_free(digest);
		return r;
	}
	*out = digest;
	return 0;
}

void
digest_free(struct digest *digest)
{
	if (digest == NULL)
		return;
	explicit_bzero(digest, sizeof(*digest));
	munmap(digest, sizeof(*digest));
}
