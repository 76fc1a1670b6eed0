/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * Address names: which of them are ours because reverse zones are computed there.
 */
#include <config.h>

#include "cache/read_dns.h"

/* "arpa" and what is below it, as keys begin. */
#define REVERSED_IN_ADDR "\4arpa\7in-addr"
#define REVERSED_IP6     "\4arpa\3ip6"

bool
dns_is_reverse(const struct dns_question *question)
{
	struct span name = span_from(question->reversed, question->reversed_len);

	return (name.len >= sizeof(REVERSED_IN_ADDR) - 1 &&
	        memcmp(name.data, REVERSED_IN_ADDR, sizeof(REVERSED_IN_ADDR) - 1) == 0) ||
	       (name.len >= sizeof(REVERSED_IP6) - 1 &&
	        memcmp(name.data, REVERSED_IP6, sizeof(REVERSED_IP6) - 1) == 0);
}

/* The number that a label of an address name stands for, -1 when it is none: "0" to "255" without a leading zero. */
static int
read_octet(const uint8_t *label)
{
	int n = 0;

	if (label[0] == 0 || label[0] > 3 || (label[0] > 1 && label[1] == '0'))
		return -1;
	for (unsigned i = 1; i <= label[0]; i++) {
		if (label[i] < '0' || label[i] > '9')
			return -1;
		n = n * 10 + (label[i] - '0');
	}
	return n <= 255 ? n : -1;
}

static int
read_nibble(const uint8_t *label)
{
	if (label[0] != 1)
		return -1;
	if (label[1] >= '0' && label[1] <= '9')
		return label[1] - '0';
	return label[1] >= 'a' && label[1] <= 'f' ? label[1] - 'a' + 10 : -1;
}

/* The address bits that the question's labels state from the top; returns how many bits. */
static unsigned
read_address(const struct dns_question *question, uint8_t family, uint8_t out_address[16])
{
	unsigned step = family == 4 ? 8 : 4;
	unsigned bits = 0;

	memset(out_address, 0, 16);
	for (unsigned i = 2; i < question->labels && bits < (family == 4 ? 32 : 128); i++) {
		const uint8_t *label = question->reversed + question->ends[i];
		int n = family == 4 ? read_octet(label) : read_nibble(label);

		if (n < 0)
			break;
		out_address[bits / 8] |= (uint8_t)(family == 4 || bits % 8 != 0 ? n : n << 4);
		bits += step;
	}
	return bits;
}

static bool
starts_with_bits(const uint8_t *address, const struct reverse_prefix *prefix)
{
	unsigned octets = prefix->length / 8, rest = prefix->length % 8;

	if (memcmp(address, prefix->address, octets) != 0)
		return false;
	return rest == 0 || ((address[octets] ^ prefix->address[octets]) >> (8 - rest)) == 0;
}

unsigned
dns_reverse_labels(const struct dns_view *view, const struct dns_question *question)
{
	const struct settings_record *settings = &view->settings;
	const struct reverse_prefix *best = NULL;
	uint8_t address[16];
	/* Below "arpa" stands "in-addr" or "ip6". */
	uint8_t family = question->reversed[question->ends[1]] == sizeof("in-addr") - 1 ? 4 : 6;
	unsigned bits = read_address(question, family, address);

	for (size_t i = 0; i < settings->prefix_count; i++) {
		const struct reverse_prefix *prefix = &settings->prefixes[i];

		if (prefix->family == family && bits >= prefix->cut && starts_with_bits(address, prefix) &&
		    (best == NULL || prefix->length > best->length))
			best = prefix;
	}
	return best != NULL ? 2u + best->cut / (family == 4 ? 8u : 4u) : 0;
}
