/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 */
#include <config.h>

/* Before ours: OpenSSL's headers spell out attributes that macro.h has short names for. */
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "saslauth/digest.h"

#include <errno.h>
#include <sys/random.h>

struct digest {
	EVP_MAC_CTX *mac; /* keyed; begun anew for each digest */
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

int
digest_new(struct digest **out)
{
	char name[] = "SHA256";
	OSSL_PARAM parameters[] = { OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0),
		                    OSSL_PARAM_construct_end() };
	struct digest *digest = calloc(1, sizeof(*digest));
	EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	unsigned char key[DIGEST_OCTETS];
	int r = random_octets(key, sizeof(key));

	if (r == 0 && (digest == NULL || hmac == NULL))
		r = -ENOMEM;
	if (r == 0) {
		digest->mac = EVP_MAC_CTX_new(hmac);
		if (digest->mac == NULL || EVP_MAC_init(digest->mac, key, sizeof(key), parameters) != 1)
			r = -EIO;
	}
	explicit_bzero(key, sizeof(key));
	EVP_MAC_free(hmac);
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
	EVP_MAC_CTX_free(digest->mac); /* wipes its key */
	free(digest);
}

int
digest_of(struct digest *digest, const struct span *parts, size_t count, unsigned char out[DIGEST_OCTETS])
{
	size_t n = 0;

	/* Without a key: the one that it has. */
	if (EVP_MAC_init(digest->mac, NULL, 0, NULL) != 1)
		return -EIO;
	for (size_t i = 0; i < count; i++) {
		uint64_t len = parts[i].len;

		if (EVP_MAC_update(digest->mac, (const unsigned char *)&len, sizeof(len)) != 1 ||
		    (len > 0 && EVP_MAC_update(digest->mac, (const unsigned char *)parts[i].data, parts[i].len) != 1))
			return -EIO;
	}
	if (EVP_MAC_final(digest->mac, out, &n, DIGEST_OCTETS) != 1 || n != DIGEST_OCTETS)
		return -EIO;
	return 0;
}
