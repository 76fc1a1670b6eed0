/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 */
#include <config.h>

#include "saslauth/client.h"

#include <arpa/inet.h>
#include <string.h>

static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

int
client_address(struct span text, uint8_t out[CLIENT_OCTETS])
{
	const char *end = text.len > 0 ? memchr(text.data, ';', text.len) : NULL;
	size_t len = end != NULL ? (size_t)(end - text.data) : text.len;
	char address[INET6_ADDRSTRLEN];
	uint8_t octets[CLIENT_OCTETS];

	if (len == 0 || len >= sizeof(address) || memchr(text.data, '\0', len) != NULL)
		return 0;
	memcpy(address, text.data, len);
	address[len] = '\0';
	if (inet_pton(AF_INET, address, octets + sizeof(mapped)) == 1)
		memcpy(octets, mapped, sizeof(mapped));
	else if (inet_pton(AF_INET6, address, octets) != 1)
		return 0;
	memcpy(out, octets, sizeof(octets));
	return 1;
}

bool
client_is_within(const uint8_t address[CLIENT_OCTETS], const struct allow_prefix *prefixes, size_t count)
{
	union {
		struct sockaddr any;
		struct sockaddr_in6 in6;
	} socket = { .in6 = { .sin6_family = AF_INET6 } };

	memcpy(&socket.in6.sin6_addr, address, CLIENT_OCTETS);
	return allow_has(prefixes, count, &socket.any);
}

void
client_put(struct text *out, const uint8_t address[CLIENT_OCTETS])
{
	char text[INET6_ADDRSTRLEN] = "?";

	if (memcmp(address, mapped, sizeof(mapped)) == 0)
		inet_ntop(AF_INET, address + sizeof(mapped), text, sizeof(text));
	else
		inet_ntop(AF_INET6, address, text, sizeof(text));
	text_put(out, text);
}

static bool
is_plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       (c != '\0' && strchr("@._-+=/:~!#$%&'*?^`{|}", c) != NULL);
}

void
client_put_word(struct text *out, struct span word, size_t max)
{
	for (size_t i = 0; i < word.len && i < max; i++) {
		if (is_plain(word.data[i]))
			text_put_char(out, word.data[i]);
		else
			text_putf(out, "\\x%02X", (unsigned char)word.data[i]);
	}
	if (word.len > max)
		text_put(out, "...");
}
