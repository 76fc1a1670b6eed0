/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * The words behind the module's path in named.conf.
 *
 * A new argument is a row in rows[], a member of struct arguments and a line in dlz_ispman.8.
 */
#include <config.h>

#include "dlz_ispman/instance.h"

#include <arpa/inet.h>
#include <errno.h>

typedef int read_function(const char *value, struct arguments *out, struct text *why);

static int
read_cache_dir(const char *value, struct arguments *out, struct text *why)
{
	if (value[0] != '/') {
		text_put(why, "must be an absolute path");
		return -EINVAL;
	}
	out->cache_dir = value;
	return 0;
}

static int
read_run_dir(const char *value, struct arguments *out, struct text *why)
{
	if (value[0] != '/') {
		text_put(why, "must be an absolute path");
		return -EINVAL;
	}
	out->run_dir = value;
	return 0;
}

static int
read_minimal(const char *value, struct arguments *out, struct text *why)
{
	if (strcmp(value, "yes") != 0 && strcmp(value, "no") != 0) {
		text_put(why, "must be yes or no");
		return -EINVAL;
	}
	out->minimal = value[0] == 'y';
	return 0;
}

static int
read_when_unusable(const char *value, struct arguments *out, struct text *why)
{
	if (strcmp(value, "servfail") != 0 && strcmp(value, "refuse") != 0) {
		text_put(why, "must be servfail or refuse");
		return -EINVAL;
	}
	out->refuse = value[0] == 'r';
	return 0;
}

/* "90", "90s", "5m", "2h", "1d"; "none" or 0 is no limit. */
static int
read_max_age(const char *value, struct arguments *out, struct text *why)
{
	static const struct {
		char unit;
		uint64_t seconds;
	} units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 }, { 'w', 604800 } };
	struct span digits = span_of(value);
	uint64_t factor = 1, n;

	if (strcmp(value, "none") == 0) {
		out->max_age = 0;
		return 0;
	}
	for (size_t i = 0; digits.len > 0 && i < array_size(units); i++) {
		if (digits.data[digits.len - 1] == units[i].unit) {
			factor = units[i].seconds;
			digits.len--;
			break;
		}
	}
	if (span_to_u64(digits, 1000000000, &n) < 0) {
		text_put(why, "must be a time like 90, 90s, 5m, 2h, 1d or 1w, or none");
		return -EINVAL;
	}
	out->max_age = n * factor;
	return 0;
}

/* --- allow-transfer ----------------------------------------------------------------------------- */

/* "192.0.2.1", "192.0.2.0/24", "2001:db8::/32". */
static int
read_prefix(struct span text, struct prefix *out)
{
	const char *slash = memchr(text.data, '/', text.len);
	struct span address_text = slash != NULL ? span_from(text.data, (size_t)(slash - text.data)) : text;
	struct prefix prefix = { 0 };
	char address[INET6_ADDRSTRLEN];
	uint64_t bits;

	if (address_text.len >= sizeof(address))
		return -EINVAL;
	memcpy(address, address_text.data, address_text.len);
	address[address_text.len] = '\0';
	if (inet_pton(AF_INET, address, prefix.address) == 1)
		prefix.family = AF_INET;
	else if (inet_pton(AF_INET6, address, prefix.address) == 1)
		prefix.family = AF_INET6;
	else
		return -EINVAL;
	bits = prefix.family == AF_INET ? 32 : 128;
	if (slash != NULL && span_to_u64(span_skip(text, address_text.len + 1), bits, &bits) < 0)
		return -EINVAL;
	prefix.bits = (unsigned)bits;
	*out = prefix;
	return 0;
}

static int
add_prefix(struct arguments *arguments, const struct prefix *prefix)
{
	struct prefix *list = reallocarray(arguments->transfer_to, arguments->transfer_count + 1, sizeof(*list));

	if (list == NULL)
		return -ENOMEM;
	list[arguments->transfer_count++] = *prefix;
	arguments->transfer_to = list;
	return 0;
}

static int
read_allow_transfer(const char *value, struct arguments *out, struct text *why)
{
	struct span rest = span_of(value);

	out->transfer = TRANSFER_NONE;
	if (strcmp(value, "none") == 0)
		return 0;
	if (strcmp(value, "view") == 0) {
		out->transfer = TRANSFER_VIEW;
		return 0;
	}
	out->transfer = TRANSFER_LIST;
	for (;;) {
		const char *comma = memchr(rest.data, ',', rest.len);
		struct span word = comma != NULL ? span_from(rest.data, (size_t)(comma - rest.data)) : rest;
		struct prefix prefix;

		if (read_prefix(word, &prefix) < 0) {
			text_put(why, "must be none, view, or addresses and prefixes with commas between them "
			              "(192.0.2.1,2001:db8::/32)");
			return -EINVAL;
		}
		if (add_prefix(out, &prefix) < 0) {
			text_put(why, "there is no memory for the list");
			return -ENOMEM;
		}
		if (comma == NULL)
			return 0;
		rest = span_skip(rest, word.len + 1);
	}
}

static bool
is_within(const struct prefix *address, const struct prefix *prefix)
{
	unsigned octets = prefix->bits / 8, rest = prefix->bits % 8;

	if (address->family != prefix->family || memcmp(address->address, prefix->address, octets) != 0)
		return false;
	return rest == 0 || ((address->address[octets] ^ prefix->address[octets]) >> (8 - rest)) == 0;
}

bool
arguments_allow_transfer(const struct arguments *arguments, const char *address)
{
	const char *zone_index = strchr(address, '%'); /* of a link-local address */
	struct prefix client;

	if (arguments->transfer != TRANSFER_LIST)
		return false;
	if (read_prefix(span_from(address, zone_index != NULL ? (size_t)(zone_index - address) : strlen(address)),
	                &client) < 0)
		return false;
	for (size_t i = 0; i < arguments->transfer_count; i++)
		if (is_within(&client, &arguments->transfer_to[i]))
			return true;
	return false;
}

/* --- all of them -------------------------------------------------------------------------------- */

static const struct {
	const char *key;
	read_function *read;
} rows[] = {
	{ "allow-transfer", read_allow_transfer },
	{ "cache-dir", read_cache_dir },
	{ "max-age", read_max_age },
	{ "minimal", read_minimal },
	{ "run-dir", read_run_dir },
	{ "when-unusable", read_when_unusable },
};

static int
read_word(const char *word, struct arguments *out, struct text *why)
{
	const char *equals = strchr(word, '=');
	struct span name = span_from(word, equals != NULL ? (size_t)(equals - word) : strlen(word));

	for (size_t i = 0; i < array_size(rows); i++) {
		if (!span_is(name, span_of(rows[i].key)))
			continue;
		text_putf(why, "argument %s ", word);
		return rows[i].read(equals != NULL ? equals + 1 : "", out, why);
	}
	text_putf(why, "argument %s is not known; there are", word);
	for (size_t i = 0; i < array_size(rows); i++)
		text_putf(why, "%s %s=", i > 0 ? "," : "", rows[i].key);
	return -EINVAL;
}

int
arguments_read(unsigned argc, char *const argv[], struct arguments *out, struct text *why)
{
	struct arguments arguments = { .cache_dir = CACHE_DIR, .run_dir = RUN_DIR };

	for (unsigned i = 1; i < argc; i++) {
		int r;

		text_clear(why);
		r = read_word(argv[i], &arguments, why);
		if (r < 0) {
			arguments_free(&arguments);
			return r;
		}
	}
	*out = arguments;
	return 0;
}

void
arguments_free(struct arguments *arguments)
{
	free(arguments->transfer_to);
	arguments->transfer_to = NULL;
	arguments->transfer_count = 0;
}
