/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * Addresses, their names below in-addr.arpa and ip6.arpa, and the PTR records that stand there.
 *
 * A reverse zone has no entries of its own: it exists wherever a configured prefix says so, is
 * cut where the prefix says so, and holds one PTR record for every name that claims an address.
 */
#include <config.h>

#include "cache/project_dns_parts.h"
#include "cache/rrtype.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>

static const uint8_t in_addr_arpa[] = "\007in-addr\004arpa";
static const uint8_t ip6_arpa[] = "\003ip6\004arpa";

bool
address_from_text(struct span text, struct address *out)
{
	char string[INET6_ADDRSTRLEN + 1];

	if (text.len == 0 || text.len >= sizeof(string) || memchr(text.data, '\0', text.len) != NULL)
		return false;
	memcpy(string, text.data, text.len);
	string[text.len] = '\0';
	memset(out, 0, sizeof(*out));
	if (inet_pton(AF_INET, string, out->octets) == 1) {
		out->family = 4;
		return true;
	}
	if (inet_pton(AF_INET6, string, out->octets) == 1) {
		out->family = 6;
		return true;
	}
	return false;
}

void
address_reverse_name(const struct address *address, struct dname *out)
{
	static const char digits[] = "0123456789abcdef";
	size_t at = 0;

	if (address->family == 4) {
		for (int i = 3; i >= 0; i--) {
			int n = snprintf((char *)out->wire + at + 1, 4, "%u", address->octets[i]);

			out->wire[at] = (uint8_t)n;
			at += 1 + (size_t)n;
		}
		memcpy(out->wire + at, in_addr_arpa, sizeof(in_addr_arpa));
		out->len = (uint8_t)(at + sizeof(in_addr_arpa));
		return;
	}
	for (int i = 15; i >= 0; i--) {
		out->wire[at++] = 1;
		out->wire[at++] = (uint8_t)digits[address->octets[i] & 15];
		out->wire[at++] = 1;
		out->wire[at++] = (uint8_t)digits[address->octets[i] >> 4];
	}
	memcpy(out->wire + at, ip6_arpa, sizeof(ip6_arpa));
	out->len = (uint8_t)(at + sizeof(ip6_arpa));
}

bool
address_is_within(const struct address *address, const struct reverse_prefix *prefix)
{
	unsigned whole = prefix->length / 8;
	unsigned bits = prefix->length % 8;
	unsigned mask = 0xff00u >> bits & 0xff;

	if (prefix->family != address->family || prefix->length > (prefix->family == 4 ? 32 : 128))
		return false;
	return memcmp(address->octets, prefix->address, whole) == 0 &&
	       (bits == 0 || ((address->octets[whole] ^ prefix->address[whole]) & mask) == 0);
}

void
address_put_prefix(struct text *out, const struct reverse_prefix *prefix)
{
	char string[INET6_ADDRSTRLEN];

	if (inet_ntop(prefix->family == 4 ? AF_INET : AF_INET6, prefix->address, string,
	              sizeof(string)) != NULL)
		text_putf(out, "%s/%u", string, prefix->length);
}

/* One label of an address name as the number it spells: a decimal octet without needless zeros, or one nibble. -1 for
 * anything else. */
static int
label_number(const uint8_t *label, bool nibble)
{
	unsigned n = label[0];
	int number = 0;

	if (nibble)
		return n == 1 ? ascii_hex((char)label[1]) : -1;
	if (n < 1 || n > 3 || (n > 1 && label[1] == '0'))
		return -1;
	for (unsigned i = 1; i <= n; i++) {
		if (label[i] < '0' || label[i] > '9')
			return -1;
		number = number * 10 + (label[i] - '0');
	}
	return number <= 255 ? number : -1;
}

/* Reads the address bits that NAME spells from its end, up to as many labels as an address has: their count in
 * labels, or -1 when NAME is not below in-addr.arpa or ip6.arpa. */
static int
address_of_name(const struct dname *name, struct address *out)
{
	unsigned labels = dname_labels(name);
	const uint8_t *starts[DNAME_LABELS_MAX];
	struct dname suffix;
	bool nibble;
	unsigned count, most;

	if (labels < 2)
		return -1;
	dname_strip(name, labels - 2, &suffix);
	dname_lower(&suffix);
	if (suffix.len == sizeof(in_addr_arpa) && memcmp(suffix.wire, in_addr_arpa, suffix.len) == 0)
		nibble = false;
	else if (suffix.len == sizeof(ip6_arpa) && memcmp(suffix.wire, ip6_arpa, suffix.len) == 0)
		nibble = true;
	else
		return -1;
	memset(out, 0, sizeof(*out));
	out->family = nibble ? 6 : 4;
	most = nibble ? 32 : 4;
	for (size_t i = 0, n = 0; name->wire[i] != 0; i += 1u + name->wire[i])
		starts[n++] = name->wire + i;
	labels -= 2;
	for (count = 0; count < most && count < labels; count++) {
		int number = label_number(starts[labels - 1 - count], nibble);

		if (number < 0)
			break;
		if (nibble)
			out->octets[count / 2] |= (uint8_t)(number << (count % 2 == 0 ? 4 : 0));
		else
			out->octets[count] = (uint8_t)number;
	}
	return (int)count;
}

bool
project_dns_reverse_zone(const struct dns_settings *settings, const struct dname *name,
                         struct dname *out_zone)
{
	const struct reverse_prefix *best = NULL;
	struct address address;
	int count = address_of_name(name, &address);
	unsigned label_bits;

	if (count < 0)
		return false;
	label_bits = address.family == 4 ? 8 : 4;
	for (size_t i = 0; i < settings->prefix_count; i++) {
		const struct reverse_prefix *prefix = &settings->prefixes[i];

		/* What NAME says must reach down to the cut, or it lies above the zone. */
		if (prefix->family == address.family && (unsigned)count * label_bits >= prefix->cut &&
		    prefix->cut >= prefix->length && address_is_within(&address, prefix) &&
		    (best == NULL || prefix->length > best->length))
			best = prefix;
	}
	if (best == NULL)
		return false;
	dname_strip(name, dname_labels(name) - 2 - best->cut / label_bits, out_zone);
	dname_lower(out_zone);
	return true;
}

static int
compare_names(const void *a, const void *b)
{
	const struct dname *x = a;
	const struct dname *y = b;
	size_t n = x->len < y->len ? x->len : y->len;
	int order = memcmp(x->wire, y->wire, n);

	return order != 0 ? order : (int)x->len - (int)y->len;
}

/* Collects the names that all fragments claim for the address: OUT holds one struct dname after the other. */
static int
collect_targets(const struct reduce_input *input, struct text *out)
{
	for (size_t i = 0; i < input->count; i++) {
		struct dname name;
		struct span rest;
		int r = payload_open(input->fragments[i].payload, &rest);

		while (r >= 0 && (r = payload_next_target(&rest, &name)) > 0) {
			dname_lower(&name);
			text_put_span(out, span_from(&name, sizeof(name)));
		}
		if (r < 0)
			return r;
	}
	return text_failed(out) ? -ENOMEM : 0;
}

int
reduce_reverse(struct reducing *r)
{
	cleanup(text_free) struct text targets = TEXT_INIT;
	cleanup(text_free) struct text text = TEXT_INIT;
	struct node_writer writer;
	struct dname *names;
	size_t count, kept = 0;
	int result = collect_targets(r->input, &targets);

	if (result < 0)
		return result;
	if (targets.len == 0)
		return 0;
	names = (struct dname *)(void *)targets.data;
	count = targets.len / sizeof(*names);
	qsort(names, count, sizeof(*names), compare_names);
	node_begin(&writer, &r->out->value);
	for (size_t i = 0; i < count && kept < UINT16_MAX; i++) {
		if (i > 0 && compare_names(&names[i - 1], &names[i]) == 0)
			continue;
		text_clear(&text);
		dname_put_text(&text, &names[i]);
		node_put(&writer, &(struct rr){ .type = RRTYPE_PTR,
		                                .ttl = RECORD_TTL_DEFAULT,
		                                .text = text_span(&text) });
		kept++;
	}
	node_end(&writer, NODE_HAS_PTR);
	if (text_failed(&text))
		return -ENOMEM;
	r->out->present = kept > 0;
	return 0;
}
