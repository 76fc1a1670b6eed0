/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 */
#include <config.h>

#include "common/allow.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>

static const uint8_t mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

static bool
is_within(const uint8_t *address, const struct allow_prefix *prefix)
{
	unsigned octets = prefix->length / 8, bits = prefix->length % 8;

	if (memcmp(address, prefix->address, octets) != 0)
		return false;
	return bits == 0 || ((address[octets] ^ prefix->address[octets]) & (0xff00U >> bits) & 0xff) == 0;
}

static bool
has_bits_behind(const struct allow_prefix *prefix)
{
	for (unsigned bit = prefix->length; bit < 128; bit++)
		if ((prefix->address[bit / 8] & (0x80U >> (bit % 8))) != 0)
			return true;
	return false;
}

static int
refuse(struct text *why)
{
	text_put(why, "ADDRESS or PREFIX/LENGTH, zero behind its length: 127.0.0.1, 192.0.2.0/24, ::1, 2001:db8::/32");
	return -EINVAL;
}

int
allow_parse(const char *text, struct allow_prefix *out, struct text *why)
{
	const char *slash = strchr(text, '/');
	size_t n = slash != NULL ? (size_t)(slash - text) : strlen(text);
	struct allow_prefix prefix = { .length = 128 };
	char address[INET6_ADDRSTRLEN];
	uint64_t length;
	bool is_v4;

	if (n >= sizeof(address))
		return refuse(why);
	memcpy(address, text, n);
	address[n] = '\0';
	is_v4 = strchr(address, ':') == NULL;
	if (is_v4)
		memcpy(prefix.address, mapped, sizeof(mapped));
	if (inet_pton(is_v4 ? AF_INET : AF_INET6, address, prefix.address + (is_v4 ? sizeof(mapped) : 0)) != 1)
		return refuse(why);
	if (slash != NULL) {
		if (span_to_u64(span_of(slash + 1), is_v4 ? 32 : 128, &length) < 0)
			return refuse(why);
		prefix.length = (unsigned)length + (is_v4 ? 96 : 0);
	}
	if (has_bits_behind(&prefix))
		return refuse(why);
	*out = prefix;
	return 0;
}

bool
allow_has(const struct allow_prefix *prefixes, size_t count, const struct sockaddr *address)
{
	uint8_t octets[16];

	if (address->sa_family == AF_INET) {
		memcpy(octets, mapped, sizeof(mapped));
		memcpy(octets + sizeof(mapped), &((const struct sockaddr_in *)(const void *)address)->sin_addr, 4);
	} else if (address->sa_family == AF_INET6) {
		memcpy(octets, &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr, 16);
	} else {
		return false;
	}
	for (size_t i = 0; i < count; i++)
		if (is_within(octets, &prefixes[i]))
			return true;
	return false;
}
