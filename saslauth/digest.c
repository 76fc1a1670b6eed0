/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * HMAC (RFC 2104) from SHA-256's own functions. OpenSSL prefers its generic ones, which copy their state on the heap for each digest:
 * that costs more than the digest.
 */
#include <config.h>

/* Before ours: OpenSSL's headers spell out attributes that macro.h has short names for. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>

#include "saslauth/digest.h"

#include <errno.h>
#include <sys/random.h>

_Static_assert((int)DIGEST_OCTETS == (int)SHA256_DIGEST_LENGTH, "a digest is one of SHA-256");

struct digest {
	SHA256_CTX inner, outer; /* each has taken its half of the key */
};

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

/* A state that has taken KEY, of DIGEST_OCTETS, as HMAC pads and masks it. */
static int
take_key(const unsigned char *key, unsigned char mask, SHA256_CTX *out)
{
	unsigned char block[SHA256_CBLOCK];
	int r;

	for (size_t i = 0; i < sizeof(block); i++)
		block[i] = (i < DIGEST_OCTETS ? key[i] : 0) ^ mask;
	r = SHA256_Init(out) == 1 && SHA256_Update(out, block, sizeof(block)) == 1 ? 0 : -EIO;
	explicit_bzero(block, sizeof(block));
	return r;
}

int
digest_new(struct digest **out)
{
	struct digest *digest = calloc(1, sizeof(*digest));
	unsigned char key[DIGEST_OCTETS];
	int r = random_octets(key, sizeof(key));

	if (r == 0 && digest == NULL)
		r = -ENOMEM;
	if (r == 0)
		r = take_key(key, 0x36, &digest->inner);
	if (r == 0)
		r = take_key(key, 0x5c, &digest->outer);
	explicit_bzero(key, sizeof(key));
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
	free(digest);
}

int
digest_of(struct digest *digest, const struct span *parts, size_t count, unsigned char out[DIGEST_OCTETS])
{
	unsigned char inner[DIGEST_OCTETS];
	SHA256_CTX state = digest->inner;
	bool done = true;

	for (size_t i = 0; i < count; i++) {
		uint64_t len = parts[i].len;

		done = done && SHA256_Update(&state, &len, sizeof(len)) == 1 &&
		       (len == 0 || SHA256_Update(&state, parts[i].data, parts[i].len) == 1);
	}
	done = done && SHA256_Final(inner, &state) == 1;
	state = digest->outer;
	done = done && SHA256_Update(&state, inner, sizeof(inner)) == 1 && SHA256_Final(out, &state) == 1;
	/* OpenSSL leaves there what it has not hashed yet. */
	explicit_bzero(&state, sizeof(state));
	return done ? 0 : -EIO;
}
