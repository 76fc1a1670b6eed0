/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * The parameters of SVCB and HTTPS records (RFC 9460 2.1): read in any order, kept by number.
 *
 * A parameter has a name with a text form of its own, or is keyN="octets". Both end in the same
 * octets, which are what is checked.
 */
#include <config.h>

#include "cache/rdata_read.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>

enum {
	KEY_MANDATORY = 0,
	KEY_ALPN = 1,
	KEY_NO_DEFAULT_ALPN = 2,
	KEY_PORT = 3,
	KEY_IPV4HINT = 4,
	KEY_ECH = 5,
	KEY_IPV6HINT = 6,
	KEY_DOHPATH = 7,
};

static const char *const key_names[] = {
	[KEY_MANDATORY] = "mandatory",
	[KEY_ALPN] = "alpn",
	[KEY_NO_DEFAULT_ALPN] = "no-default-alpn",
	[KEY_PORT] = "port",
	[KEY_IPV4HINT] = "ipv4hint",
	[KEY_ECH] = "ech",
	[KEY_IPV6HINT] = "ipv6hint",
	[KEY_DOHPATH] = "dohpath",
};

enum { KEY_HEAD = 4 }; /* octets of a parameter's number and length */

static unsigned
u16_at(struct span octets, size_t at)
{
	return (unsigned)(unsigned char)octets.data[at] << 8 | (unsigned char)octets.data[at + 1];
}

static void
put_u16(struct text *text, unsigned number)
{
	text_put_char(text, (char)(number >> 8));
	text_put_char(text, (char)number);
}

/* A name that ends where SEPARATOR or the text does. Returns its length, 0 for another name. */
static size_t
match_key(const char *text, const char *name, char separator, bool any_case)
{
	size_t n = strlen(name);
	bool same = any_case ? strncasecmp(text, name, n) == 0 : strncmp(text, name, n) == 0;

	return same && (text[n] == '\0' || text[n] == separator) ? n : 0;
}

/* Reads a key's name in any case, or keyN; *REST is left behind its separator. */
static bool
parse_key(const char **rest, char separator, unsigned *out_key)
{
	const char *text = *rest;
	unsigned long number = 0;
	char *end;
	size_t n = 0;

	for (; number < array_size(key_names); number++) {
		n = match_key(text, key_names[number], separator, true);
		if (n > 0)
			break;
	}
	text += n;
	if (n == 0) {
		if (strncmp(text, "key", 3) != 0)
			return false;
		text += 3;
		if (*text == '-' || *text == '+' ||
		    (text[0] == '0' && text[1] != '\0' && text[1] != separator))
			return false;
		number = strtoul(text, &end, 10);
		if (end == text || (*end != separator && *end != '\0') || number > UINT16_MAX)
			return false;
		text = end;
	}
	if (*text != '\0') {
		/* Another name must follow a comma. */
		if (separator == ',' && text[1] == '\0')
			return false;
		text++;
	}
	*rest = text;
	*out_key = (unsigned)number;
	return true;
}

static int
compare_u16(const void *a, const void *b)
{
	return memcmp(a, b, 2);
}

static bool
read_key_list(const char *value, struct text *out)
{
	size_t before = out->len;

	if (*value == '\0')
		return false;
	while (*value != '\0') {
		unsigned key;

		if (!parse_key(&value, ',', &key))
			return false;
		put_u16(out, key);
	}
	if (text_failed(out))
		return true;
	qsort(out->data + before, (out->len - before) / 2, 2, compare_u16);
	return true;
}

/* Protocols are separated by commas in what remains after the usual escapes; there, a backslash
 * keeps a comma or a backslash from meaning more than itself. */
static bool
read_alpn(struct span value, struct text *out)
{
	cleanup(text_free) struct text plain = TEXT_INIT;
	size_t begin;
	size_t i = 0;

	if (!reader_decode_escapes(value, &plain))
		return false;
	do {
		begin = out->len;
		text_put_char(out, 0);
		for (; i < plain.len && plain.data[i] != ','; i++) {
			if (plain.data[i] == '\\' && ++i == plain.len)
				return false;
			text_put_char(out, plain.data[i]);
		}
		if (text_failed(out) || text_failed(&plain))
			return true;
		if (out->len - begin < 2 || out->len - begin > 256)
			return false;
		out->data[begin] = (char)(out->len - begin - 1);
	} while (i++ < plain.len);
	return true;
}

static bool
read_port(const char *value, struct text *out)
{
	unsigned long port;
	char *end;

	if (*value < '0' || *value > '9')
		return false;
	port = strtoul(value, &end, 10);
	if (*end != '\0' || port > UINT16_MAX)
		return false;
	put_u16(out, (unsigned)port);
	return true;
}

static bool
read_addresses(struct span value, int family, size_t n, struct text *out)
{
	char word[INET6_ADDRSTRLEN];
	char address[sizeof(struct in6_addr)];

	for (;;) {
		const char *comma = value.len > 0 ? memchr(value.data, ',', value.len) : NULL;
		size_t length = comma != NULL ? (size_t)(comma - value.data) : value.len;

		if (length >= sizeof(word))
			return false;
		memcpy(word, value.data, length);
		word[length] = '\0';
		if (inet_pton(family, word, address) != 1)
			return false;
		text_put_span(out, span_from(address, n));
		if (comma == NULL)
			return true;
		value = span_skip(value, length + 1);
	}
}

static bool
read_ech(struct span value, struct text *out)
{
	cleanup(text_free) struct text digits = TEXT_INIT;

	/* In quotes, blanks may break the digits. */
	for (size_t i = 0; i < value.len; i++)
		if (strchr(" \t\r", value.data[i]) == NULL)
			text_put_char(&digits, value.data[i]);
	if (text_failed(&digits))
		out->failed = true;
	return reader_decode_base64(text_span(&digits), out);
}

/* Appends the octets that VALUE, the text form of parameter KEY, stands for. */
static bool
read_value(unsigned key, struct span value, struct text *out)
{
	switch (key) {
	case KEY_MANDATORY:
		return read_key_list(value.data, out);
	case KEY_ALPN:
		return read_alpn(value, out);
	case KEY_NO_DEFAULT_ALPN:
		return value.len == 0;
	case KEY_PORT:
		return read_port(value.data, out);
	case KEY_IPV4HINT:
		return read_addresses(value, AF_INET, 4, out);
	case KEY_ECH:
		return read_ech(value, out);
	case KEY_IPV6HINT:
		return read_addresses(value, AF_INET6, 16, out);
	default:
		return reader_decode_escapes(value, out);
	}
}

static bool
is_key_list(struct span octets)
{
	if (octets.len == 0 || octets.len % 2 != 0)
		return false;
	for (size_t i = 2; i < octets.len; i += 2)
		if (u16_at(octets, i) <= u16_at(octets, i - 2))
			return false;
	return true;
}

static bool
is_alpn(struct span octets)
{
	if (octets.len == 0)
		return false;
	while (octets.len > 0) {
		size_t n = (unsigned char)octets.data[0];

		if (n == 0 || 1 + n > octets.len)
			return false;
		octets = span_skip(octets, 1 + n);
	}
	return true;
}

static bool
is_value(unsigned key, struct span octets)
{
	switch (key) {
	case KEY_MANDATORY:
		return is_key_list(octets);
	case KEY_ALPN:
		return is_alpn(octets);
	case KEY_NO_DEFAULT_ALPN:
		return octets.len == 0;
	case KEY_PORT:
		return octets.len == 2;
	case KEY_IPV4HINT:
		return octets.len > 0 && octets.len % 4 == 0;
	case KEY_IPV6HINT:
		return octets.len > 0 && octets.len % 16 == 0;
	case KEY_DOHPATH:
		return reader_is_doh_path(octets);
	default:
		return true;
	}
}

/* The first parameter in REST, which holds whole parameters only. */
static struct span
first_parameter(struct span rest)
{
	return span_from(rest.data, KEY_HEAD + u16_at(rest, 2));
}

/* Whether the sorted parameters are all that the sorted list MANDATORY names. */
static bool
has_all(struct span parameters, struct span mandatory)
{
	if (mandatory.len > 0 && u16_at(mandatory, 0) == KEY_MANDATORY)
		return false;
	while (parameters.len > 0 && mandatory.len > 0) {
		if (u16_at(parameters, 0) == u16_at(mandatory, 0))
			mandatory = span_skip(mandatory, 2);
		parameters = span_skip(parameters, first_parameter(parameters).len);
	}
	return mandatory.len == 0;
}

/* The rules between parameters. TEXT: as named judges the text form, which overlooks a missing
 * alpn where the last parameter is no-default-alpn and the last one that is mandatory. */
static int
check_together(struct reader *r, const struct field *field, struct span parameters, bool text)
{
	struct span mandatory = { NULL, 0 };
	bool has_alpn = false;
	int last = -1;

	for (struct span rest = parameters; rest.len > 0;) {
		struct span parameter = first_parameter(rest);
		int key = (int)u16_at(parameter, 0);

		rest = span_skip(rest, parameter.len);
		if (key <= last)
			return reader_refuse_field(r, field, "name a parameter twice");
		last = key;
		if (key == KEY_MANDATORY)
			mandatory = span_skip(parameter, KEY_HEAD);
		if (key == KEY_ALPN)
			has_alpn = true;
		if (key == KEY_NO_DEFAULT_ALPN && !has_alpn &&
		    !(text && rest.len == 0 && mandatory.len > 0 &&
		      u16_at(mandatory, mandatory.len - 2) == KEY_NO_DEFAULT_ALPN))
			return reader_refuse_field(r, field, "have no-default-alpn without alpn");
	}
	if (!has_all(parameters, mandatory))
		return reader_refuse_field(r, field, "lack one that is listed as mandatory");
	return 0;
}

static int
compare_parameters(const void *a, const void *b)
{
	const struct span *x = a, *y = b;

	return memcmp(x->data, y->data, 2);
}

/* Orders the whole parameters in WIRE from BEFORE on by their numbers. */
static int
sort_parameters(struct text *wire, size_t before)
{
	cleanup(text_free) struct text copy = TEXT_INIT;
	struct span *parameters;
	size_t n = 0;

	text_put_span(&copy, span_skip(text_span(wire), before));
	if (text_failed(&copy))
		return -ENOMEM;
	for (struct span rest = text_span(&copy); rest.len > 0; n++)
		rest = span_skip(rest, first_parameter(rest).len);
	if (n < 2)
		return 0;
	parameters = calloc(n, sizeof(*parameters));
	if (parameters == NULL)
		return -ENOMEM;
	n = 0;
	for (struct span rest = text_span(&copy); rest.len > 0; n++) {
		parameters[n] = first_parameter(rest);
		rest = span_skip(rest, parameters[n].len);
	}
	qsort(parameters, n, sizeof(*parameters), compare_parameters);
	wire->len = before;
	for (size_t i = 0; i < n; i++)
		text_put_span(wire, parameters[i]);
	free(parameters);
	return 0;
}

static void
put_alpn(struct text *text, struct span octets)
{
	cleanup(text_free) struct text list = TEXT_INIT;

	while (octets.len > 0) {
		size_t n = (unsigned char)octets.data[0];

		if (list.len > 0)
			text_put_char(&list, ',');
		for (size_t i = 1; i <= n; i++) {
			if (octets.data[i] == ',' || octets.data[i] == '\\')
				text_put_char(&list, '\\');
			text_put_char(&list, octets.data[i]);
		}
		octets = span_skip(octets, 1 + n);
	}
	if (text_failed(&list))
		text->failed = true;
	reader_put_quoted(text, text_span(&list));
}

static void
put_addresses(struct text *text, int family, size_t n, struct span octets)
{
	char shown[INET6_ADDRSTRLEN];

	for (size_t i = 0; i < octets.len; i += n) {
		if (i > 0)
			text_put_char(text, ',');
		text_put(text, inet_ntop(family, octets.data + i, shown, sizeof(shown)));
	}
}

/* PLAIN: as keyN. */
static void
put_parameter(struct text *text, unsigned key, struct span octets, bool plain)
{
	if (plain)
		text_putf(text, "key%u", key);
	else
		text_put(text, key_names[key]);
	if (octets.len == 0)
		return;
	text_put_char(text, '=');
	if (plain) {
		reader_put_quoted(text, octets);
		return;
	}
	switch (key) {
	case KEY_MANDATORY:
		for (size_t i = 0; i < octets.len; i += 2) {
			unsigned listed = u16_at(octets, i);

			text_put(text, i > 0 ? "," : "");
			if (listed < KEY_DOHPATH)
				text_put(text, key_names[listed]);
			else
				text_putf(text, "key%u", listed);
		}
		break;
	case KEY_ALPN:
		put_alpn(text, octets);
		break;
	case KEY_PORT:
		text_putf(text, "%u", u16_at(octets, 0));
		break;
	case KEY_IPV4HINT:
		put_addresses(text, AF_INET, 4, octets);
		break;
	case KEY_ECH:
		reader_put_base64(text, octets);
		break;
	case KEY_IPV6HINT:
		put_addresses(text, AF_INET6, 16, octets);
		break;
	default:
		break;
	}
}

/* Whether all releases of named read a parameter well in the text form of its own. They do not
 * know dohpath at first. And a DLZ module's text is read into room for as many octets as the text
 * has, and some: when an origin that is put behind the target uses that up, addresses are lost
 * without an error. */
static bool
is_plain(const struct reader *r, unsigned key)
{
	return key >= KEY_DOHPATH ||
	       (r->needs_origin && (key == KEY_IPV4HINT || key == KEY_IPV6HINT));
}

/* Appends the parameter that the token last read is. */
static int
read_parameter(struct reader *r, const struct field *field)
{
	struct text *wire = &r->out->wire;
	const char *value = text_str(&r->tokens.word);
	const char *end = value + r->tokens.word.len;
	size_t before = wire->len;
	unsigned key = 0;
	size_t name = 0, n;
	bool good;

	/* A name in the case of its registration has its own text form. In another case, named
	 * takes it for keyN. */
	for (; key < array_size(key_names); key++) {
		name = match_key(value, key_names[key], '=', false);
		if (name > 0)
			break;
	}
	if (name > 0) {
		value += name;
		if (*value == '=')
			value++;
	} else if (!parse_key(&value, '=', &key)) {
		return reader_refuse(r, field, "known names or keyN (0 to 65535)");
	}
	put_u16(wire, key);
	put_u16(wire, 0);
	if (name > 0)
		good = read_value(key, span_from(value, (size_t)(end - value)), wire);
	else
		good = reader_decode_escapes(span_from(value, (size_t)(end - value)), wire);
	if (text_failed(wire))
		return -ENOMEM;
	n = wire->len - before - KEY_HEAD;
	if (!good || n > UINT16_MAX || !is_value(key, span_skip(text_span(wire), before + KEY_HEAD)))
		return reader_refuse(r, field, "valid values of their keys");
	wire->data[before + 2] = (char)(n >> 8);
	wire->data[before + 3] = (char)n;
	return 0;
}

static int
read_parameters(struct reader *r, const struct field *field)
{
	struct text *wire = &r->out->wire;
	size_t before = wire->len;
	int result;

	for (;;) {
		result = reader_next_or_end(r, field, TOKENS_PAIRS);
		if (result < 0)
			return result;
		if (result == 0)
			break;
		result = read_parameter(r, field);
		if (result < 0)
			return result;
	}
	result = sort_parameters(wire, before);
	if (result < 0)
		return result;
	if (text_failed(wire))
		return -ENOMEM;
	result = check_together(r, field, span_skip(text_span(wire), before), true);
	if (result < 0)
		return result;
	for (struct span rest = span_skip(text_span(wire), before); rest.len > 0;) {
		struct span parameter = first_parameter(rest);
		unsigned key = u16_at(parameter, 0);

		put_parameter(reader_text(r), key, span_skip(parameter, KEY_HEAD),
		              is_plain(r, key));
		rest = span_skip(rest, parameter.len);
	}
	return 0;
}

static int
check_parameters(struct reader *r, const struct field *field, struct span *rest)
{
	struct span parameters = *rest;
	int result;

	while (rest->len > 0) {
		struct span head, value;

		result = reader_take(r, field, rest, KEY_HEAD, &head);
		if (result < 0)
			return result;
		result = reader_take(r, field, rest, u16_at(head, 2), &value);
		if (result < 0)
			return result;
		if (!is_value(u16_at(head, 0), value))
			return reader_refuse_field(r, field, "have an invalid value");
	}
	return check_together(r, field, parameters, false);
}

const struct field_kind field_service_parameters = { read_parameters, check_parameters };
