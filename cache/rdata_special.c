/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * Fields that only one type has each: addresses of other networks, gateways, address lists.
 */
#include <config.h>

#include "cache/rdata_read.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>

/* WKS: an address, a protocol, and a bit for each port (RFC 1035 3.4.2). */
enum { PORT_MAP = 8192, LOOKUP_ROOM = 2048, SERVICE_ROOM = 32 };

static bool
find_protocol(const char *name, long *out_number)
{
	struct protoent entry, *found = NULL;
	char room[LOOKUP_ROOM];

	if (getprotobyname_r(name, &entry, room, sizeof(room), &found) != 0 || found == NULL)
		return false;
	*out_number = found->p_proto;
	return true;
}

static bool
find_service(const char *name, const char *protocol, long *out_port)
{
	struct servent entry, *found = NULL;
	char room[LOOKUP_ROOM];

	if (getservbyname_r(name, protocol, &entry, room, sizeof(room), &found) != 0 ||
	    found == NULL)
		return false;
	*out_port = ntohs((uint16_t)found->s_port);
	return true;
}

/* A number, or a name of /etc/services in lower case or as it is spelled. */
static bool
parse_port(const char *word, const char *protocol, long *out_port)
{
	char lower[SERVICE_ROOM];
	char *end;

	*out_port = strtol(word, &end, 10);
	if (*end == '\0')
		return true;
	snprintf(lower, sizeof(lower), "%s", word);
	for (char *c = lower; *c != '\0'; c++)
		*c = ascii_lower(*c);
	return find_service(lower, protocol, out_port) || find_service(word, protocol, out_port);
}

static int
read_wks(struct reader *r, const struct field *field)
{
	static const struct field protocol_field = { NULL, "protocol", 0 };
	static const struct field address_field = { NULL, "address", 0 };
	uint8_t map[PORT_MAP] = { 0 };
	const char *protocol_name;
	long protocol, port;
	size_t n = sizeof(map);
	char *end;
	int result;

	result = reader_read_ipv4(r, &address_field);
	if (result < 0)
		return result;
	result = reader_next(r, &protocol_field, TOKENS_PLAIN);
	if (result < 0)
		return result;
	protocol = strtol(text_str(&r->tokens.word), &end, 10);
	if ((*end != '\0' && !find_protocol(text_str(&r->tokens.word), &protocol)) ||
	    protocol < 0 || protocol > UINT8_MAX)
		return reader_refuse(r, &protocol_field, "a protocol number or name (6, tcp)");
	text_putf(reader_text(r), "%ld", protocol);
	reader_put_u8(r, (uint8_t)protocol);
	protocol_name = protocol == IPPROTO_TCP ? "tcp" : protocol == IPPROTO_UDP ? "udp" : NULL;
	for (;;) {
		result = reader_next_or_end(r, field, TOKENS_PLAIN);
		if (result < 0)
			return result;
		if (result == 0)
			break;
		if (!parse_port(text_str(&r->tokens.word), protocol_name, &port) || port < 0 ||
		    port > UINT16_MAX)
			return reader_refuse(r, field, "port numbers or service names");
		map[port / 8] |= (uint8_t)(0x80 >> port % 8);
	}
	while (n > 0 && map[n - 1] == 0)
		n--;
	reader_put_octets(r, span_from(map, n));
	for (port = 0; port < (long)(8 * n); port++)
		if ((map[port / 8] & 0x80 >> port % 8) != 0)
			text_putf(&r->out->text, " %ld", port);
	return 0;
}

static int
check_wks(struct reader *r, const struct field *field, struct span *rest)
{
	if (rest->len < 5 || rest->len > PORT_MAP + 5 ||
	    (rest->len > 5 && rest->data[rest->len - 1] == 0))
		return reader_refuse_field(r, field, "are no valid port bit map");
	return reader_take(r, field, rest, rest->len, NULL);
}

const struct field_kind field_wks = { read_wks, check_wks };

static int
read_nsap(struct reader *r, const struct field *field)
{
	static const char wanted[] = "0x and pairs of hexadecimal digits";
	cleanup(text_free) struct text digits = TEXT_INIT;
	struct span word;
	size_t before = r->out->wire.len;
	int result;

	result = reader_next(r, field, TOKENS_PLAIN);
	if (result < 0)
		return result;
	word = reader_word(r);
	if (!span_starts_nocase(word, SPAN("0x")))
		return reader_refuse(r, field, wanted);
	/* Dots are for the reader's eye. */
	for (size_t i = 2; i < word.len; i++)
		if (word.data[i] != '.')
			text_put_char(&digits, word.data[i]);
	if (text_failed(&digits))
		return -ENOMEM;
	if (digits.len == 0 || !reader_decode_hex(text_span(&digits), &r->out->wire))
		return reader_refuse(r, field, wanted);
	text_put(reader_text(r), "0x");
	reader_put_hex(&r->out->text, span_skip(text_span(&r->out->wire), before));
	return 0;
}

const struct field_kind field_nsap = { read_nsap, reader_check_rest };

/* ATMA: "+" and digits (E.164), or hexadecimal digits; single dots between. */
static int
read_atma(struct reader *r, const struct field *field)
{
	static const char wanted[] = "pairs of hexadecimal digits, or + and digits";
	cleanup(text_free) struct text digits = TEXT_INIT;
	struct span word;
	bool is_number, after_dot = true;
	int result;

	result = reader_next(r, field, TOKENS_PLAIN);
	if (result < 0)
		return result;
	word = reader_word(r);
	is_number = word.data[0] == '+';
	for (size_t i = is_number ? 1 : 0; i < word.len; i++) {
		char c = word.data[i];

		if ((c == '.' && after_dot) || (c != '.' && is_number && (c < '0' || c > '9')))
			return reader_refuse(r, field, wanted);
		after_dot = c == '.';
		if (!after_dot)
			text_put_char(&digits, c);
	}
	if (after_dot)
		return reader_refuse(r, field, wanted);
	reader_put_u8(r, is_number);
	if (is_number)
		reader_put_octets(r, text_span(&digits));
	else if (!reader_decode_hex(text_span(&digits), &r->out->wire))
		return reader_refuse(r, field, wanted);
	text_put(reader_text(r), is_number ? "+" : "");
	text_put_span(&r->out->text, text_span(&digits));
	return text_failed(&digits) ? -ENOMEM : 0;
}

static int
check_atma(struct reader *r, const struct field *field, struct span *rest)
{
	if (rest->len < 2)
		return reader_refuse_field(r, field, "is missing or too short");
	for (size_t i = 1; rest->data[0] == 1 && i < rest->len; i++)
		if (rest->data[i] < '0' || rest->data[i] > '9')
			return reader_refuse_field(r, field, "must be digits");
	return reader_take(r, field, rest, rest->len, NULL);
}

const struct field_kind field_atma = { read_atma, check_atma };

/* APL: any number of [!]family:address/prefix (RFC 3123). */
struct prefix {
	bool negated;
	uint16_t family;
	uint8_t bits;
	uint8_t octets[16];
	uint8_t n; /* octets without the zeros at the end */
};

static bool
parse_prefix(const char *word, struct prefix *out)
{
	cleanup(text_free) struct text address = TEXT_INIT;
	const char *slash;
	char *end;
	unsigned long family, bits;
	int af;

	out->negated = *word == '!';
	if (out->negated)
		word++;
	family = strtoul(word, &end, 10);
	if (*end != ':' || (family != 1 && family != 2))
		return false;
	slash = strchr(end, '/');
	if (slash == NULL || slash[1] < '0' || slash[1] > '9')
		return false;
	text_put_span(&address, span_from(end + 1, (size_t)(slash - end - 1)));
	bits = strtoul(slash + 1, &end, 10);
	if (*end != '\0' || bits > (family == 1 ? 32 : 128))
		return false;
	af = family == 1 ? AF_INET : AF_INET6;
	memset(out->octets, 0, sizeof(out->octets));
	if (inet_pton(af, text_str(&address), out->octets) != 1)
		return false;
	out->family = (uint16_t)family;
	out->bits = (uint8_t)bits;
	out->n = family == 1 ? 4 : 16;
	while (out->n > 0 && out->octets[out->n - 1] == 0)
		out->n--;
	return true;
}

static int
read_apl(struct reader *r, const struct field *field)
{
	struct prefix prefix;
	char shown[INET6_ADDRSTRLEN];
	int result;

	for (;;) {
		result = reader_next_or_end(r, field, TOKENS_PLAIN);
		if (result <= 0)
			return result;
		if (!parse_prefix(text_str(&r->tokens.word), &prefix))
			return reader_refuse(r, field, "[!]1:IPv4/bits or [!]2:IPv6/bits");
		if (inet_ntop(prefix.family == 1 ? AF_INET : AF_INET6, prefix.octets, shown,
		              sizeof(shown)) == NULL)
			return -errno;
		text_putf(reader_text(r), "%s%u:%s/%u", prefix.negated ? "!" : "", prefix.family,
		          shown, prefix.bits);
		reader_put_u16(r, prefix.family);
		reader_put_u8(r, prefix.bits);
		reader_put_u8(r, (uint8_t)(prefix.n | (prefix.negated ? 0x80 : 0)));
		reader_put_octets(r, span_from(prefix.octets, prefix.n));
	}
}

static int
check_apl(struct reader *r, const struct field *field, struct span *rest)
{
	while (rest->len > 0) {
		struct span head, address;
		unsigned family, bits;
		int result = reader_take(r, field, rest, 4, &head);

		if (result < 0)
			return result;
		result = reader_take(r, field, rest, head.data[3] & 0x7f, &address);
		if (result < 0)
			return result;
		family = (unsigned)(unsigned char)head.data[0] << 8 | (unsigned char)head.data[1];
		bits = (unsigned char)head.data[2];
		if ((family == 1 && (bits > 32 || address.len > 4)) ||
		    (family == 2 && (bits > 128 || address.len > 16)))
			return reader_refuse_field(r, field, "are longer than their addresses");
		if (address.len > 0 && address.data[address.len - 1] == 0)
			return reader_refuse_field(r, field, "may not end in zeros");
	}
	return 0;
}

const struct field_kind field_apl = { read_apl, check_apl };

/* A6: how many bits NAME supplies, the other bits of the address, NAME (RFC 2874 3.1). */
static const struct field a6_name_field = { NULL, "prefix name", 0 };

static int
read_a6(struct reader *r, const struct field *field)
{
	static const struct field bits_field = { NULL, "prefix length", 128 };
	uint8_t address[16];
	char shown[INET6_ADDRSTRLEN];
	uint32_t bits;
	int result;

	result = reader_number(r, &bits_field, &bits);
	if (result < 0)
		return result;
	text_putf(reader_text(r), "%u", bits);
	reader_put_u8(r, (uint8_t)bits);
	if (bits < 128) {
		size_t first = bits / 8;

		result = reader_next(r, field, TOKENS_PLAIN);
		if (result < 0)
			return result;
		if (inet_pton(AF_INET6, text_str(&r->tokens.word), address) != 1)
			return reader_refuse(r, field, "an IPv6 address (::1)");
		memset(address, 0, first);
		address[first] &= (uint8_t)(0xff >> bits % 8);
		if (inet_ntop(AF_INET6, address, shown, sizeof(shown)) == NULL)
			return -errno;
		text_put(reader_text(r), shown);
		reader_put_octets(r, span_from(address + first, 16 - first));
	}
	return bits > 0 ? field_name.read(r, &a6_name_field) : 0;
}

static int
check_a6(struct reader *r, const struct field *field, struct span *rest)
{
	struct span head, suffix;
	unsigned bits;
	int result = reader_take(r, field, rest, 1, &head);

	if (result < 0)
		return result;
	bits = (unsigned char)head.data[0];
	if (bits > 128)
		return reader_refuse_field(r, field, "prefix length must be at most 128");
	if (bits < 128) {
		result = reader_take(r, field, rest, 16 - bits / 8, &suffix);
		if (result < 0)
			return result;
		if (((unsigned char)suffix.data[0] & ~(0xffu >> bits % 8)) != 0)
			return reader_refuse_field(r, field, "has bits that belong to the prefix");
	}
	return bits > 0 ? field_name.check(r, &a6_name_field, rest) : 0;
}

const struct field_kind field_a6 = { read_a6, check_a6 };

/* The gateway of IPSECKEY and the relay of AMTRELAY: nothing, an address or a name. */
static int
read_gateway(struct reader *r, const struct field *field, uint32_t kind)
{
	int result;

	switch (kind) {
	case 0:
		result = reader_next(r, field, TOKENS_PLAIN);
		if (result < 0)
			return result;
		if (!span_is(reader_word(r), SPAN(".")))
			return reader_refuse(r, field, "\".\" with type 0");
		text_put_char(reader_text(r), '.');
		return 0;
	case 1:
		return reader_read_ipv4(r, field);
	case 2:
		return reader_read_ipv6(r, field);
	default:
		return field_name.read(r, field);
	}
}

static int
check_gateway(struct reader *r, const struct field *field, unsigned kind, struct span *rest)
{
	switch (kind) {
	case 0:
		return 0;
	case 1:
		return reader_take(r, field, rest, 4, NULL);
	case 2:
		return reader_take(r, field, rest, 16, NULL);
	default:
		return field_name.check(r, field, rest);
	}
}

static int
read_ipseckey(struct reader *r, const struct field *field)
{
	static const struct field kind_field = { NULL, "gateway type", 3 };
	static const struct field algorithm_field = { &field_u8, "algorithm", 0 };
	uint32_t kind;
	int result = reader_number(r, &kind_field, &kind);

	if (result < 0)
		return result;
	text_putf(reader_text(r), "%u", kind);
	reader_put_u8(r, (uint8_t)kind);
	result = field_u8.read(r, &algorithm_field);
	if (result < 0)
		return result;
	return read_gateway(r, field, kind);
}

static int
check_ipseckey(struct reader *r, const struct field *field, struct span *rest)
{
	struct span head;
	int result = reader_take(r, field, rest, 2, &head);

	if (result < 0)
		return result;
	if ((unsigned char)head.data[0] > 3)
		return reader_refuse_field(r, field, "type must be from 0 to 3");
	return check_gateway(r, field, (unsigned char)head.data[0], rest);
}

const struct field_kind field_ipseckey = { read_ipseckey, check_ipseckey };

static int
read_amtrelay(struct reader *r, const struct field *field)
{
	static const struct field discovery_field = { NULL, "discovery bit", 1 };
	static const struct field kind_field = { NULL, "relay type", 3 };
	uint32_t discovery, kind;
	int result;

	result = reader_number(r, &discovery_field, &discovery);
	if (result < 0)
		return result;
	result = reader_number(r, &kind_field, &kind);
	if (result < 0)
		return result;
	text_putf(reader_text(r), "%u %u", discovery, kind);
	reader_put_u8(r, (uint8_t)(discovery << 7 | kind));
	return read_gateway(r, field, kind);
}

static int
check_amtrelay(struct reader *r, const struct field *field, struct span *rest)
{
	struct span head;
	unsigned kind;
	int result = reader_take(r, field, rest, 1, &head);

	if (result < 0)
		return result;
	kind = head.data[0] & 0x7f;
	/* Types of the future are let pass, whatever follows. */
	if (kind > 3)
		return reader_take(r, field, rest, rest->len, NULL);
	return check_gateway(r, field, kind, rest);
}

const struct field_kind field_amtrelay = { read_amtrelay, check_amtrelay };

/* HIP: two lengths and the algorithm come before what they measure (RFC 8005 5). */
static const struct field hip_server_field = { NULL, "rendezvous server", 0 };

static int
read_hip_names(struct reader *r)
{
	int result;

	for (;;) {
		result = reader_next_or_end(r, &hip_server_field, TOKENS_PLAIN);
		if (result <= 0)
			return result;
		tokens_back(&r->tokens);
		result = field_name.read(r, &hip_server_field);
		if (result < 0)
			return result;
	}
}

static int
read_hip(struct reader *r, const struct field *field)
{
	static const struct field algorithm_field = { NULL, "algorithm", UINT8_MAX };
	static const struct field key_field = { NULL, "public key", 0 };
	cleanup(text_free) struct text tag = TEXT_INIT;
	cleanup(text_free) struct text key = TEXT_INIT;
	uint32_t algorithm;
	int result;

	result = reader_number(r, &algorithm_field, &algorithm);
	if (result < 0)
		return result;
	result = reader_next(r, field, TOKENS_PLAIN);
	if (result < 0)
		return result;
	if (!reader_decode_hex(reader_word(r), &tag) || tag.len > UINT8_MAX)
		return reader_refuse(r, field, "up to 255 octets in hexadecimal");
	result = reader_next(r, &key_field, TOKENS_PLAIN);
	if (result < 0)
		return result;
	if (!reader_decode_base64(reader_word(r), &key) || key.len > UINT16_MAX)
		return reader_refuse(r, &key_field, "up to 65535 octets in base64");
	if (text_failed(&tag) || text_failed(&key))
		return -ENOMEM;
	text_putf(reader_text(r), "%u ", algorithm);
	reader_put_hex(&r->out->text, text_span(&tag));
	reader_put_base64(reader_text(r), text_span(&key));
	reader_put_u8(r, (uint8_t)tag.len);
	reader_put_u8(r, (uint8_t)algorithm);
	reader_put_u16(r, (uint16_t)key.len);
	reader_put_octets(r, text_span(&tag));
	reader_put_octets(r, text_span(&key));
	return read_hip_names(r);
}

static int
check_hip(struct reader *r, const struct field *field, struct span *rest)
{
	struct span head;
	size_t tag, key;
	int result = reader_take(r, field, rest, 4, &head);

	if (result < 0)
		return result;
	tag = (unsigned char)head.data[0];
	key = (size_t)(unsigned char)head.data[2] << 8 | (unsigned char)head.data[3];
	if (tag == 0 || key == 0)
		return reader_refuse_field(r, field, "and public key may not be empty");
	result = reader_take(r, field, rest, tag + key, NULL);
	while (result == 0 && rest->len > 0)
		result = field_name.check(r, &hip_server_field, rest);
	return result;
}

const struct field_kind field_hip = { read_hip, check_hip };

/* DOA's data: base64, or "-" for none. */
static int
read_doa_data(struct reader *r, const struct field *field)
{
	int result = reader_next(r, field, TOKENS_PLAIN);

	if (result < 0)
		return result;
	if (span_is(reader_word(r), SPAN("-"))) {
		text_put_char(reader_text(r), '-');
		return 0;
	}
	tokens_back(&r->tokens);
	return reader_read_base64(r, field);
}

const struct field_kind field_doa_data = { read_doa_data, reader_check_rest };
