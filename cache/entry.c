/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * Attributes of an entry by name, and the small texts that name an entry: CSN, entryUUID.
 *
 * The reading of DNs is in cache/dn.c.
 */
#include <config.h>

/* Before ours: it says __attribute__((unused)), and common/macro.h defines that word. */
#include <openssl/evp.h>

#include "cache/entry.h"

#include <errno.h>
#include <pthread.h>

const struct attribute *
entry_find(const struct entry *entry, struct span name)
{
	for (size_t i = 0; i < entry->attribute_count; i++)
		if (span_is_nocase(entry->attributes[i].name, name))
			return &entry->attributes[i];
	return NULL;
}

/* Reads N digits off the front of *REST. */
static bool
take_digits(struct span *rest, size_t n, unsigned *out_number)
{
	unsigned number = 0;

	if (rest->len < n)
		return false;
	for (size_t i = 0; i < n; i++) {
		unsigned digit = (unsigned char)rest->data[i] - (unsigned)'0';

		if (digit > 9)
			return false;
		number = number * 10 + digit;
	}
	*rest = span_skip(*rest, n);
	*out_number = number;
	return true;
}

static bool
is_leap(unsigned year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

/* Days from 1970-01-01 to the first of MONTH (1 to 12) of YEAR (1970 or later). */
static uint64_t
days_before(unsigned year, unsigned month)
{
	static const unsigned before_month[] = { 0,   31,  59,  90,  120, 151,
						 181, 212, 243, 273, 304, 334 };
	unsigned years = year - 1;

	return (uint64_t)(year - 1970) * 365 + (years / 4 - years / 100 + years / 400) -
	       (1969 / 4 - 1969 / 100 + 1969 / 400) + before_month[month - 1] +
	       (month > 2 && is_leap(year) ? 1 : 0);
}

uint32_t
csn_seconds(struct span csn)
{
	static const unsigned month_days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	unsigned year, month, day, hour, minute, second;
	struct span rest = csn;
	uint64_t seconds;

	if (!take_digits(&rest, 4, &year) || !take_digits(&rest, 2, &month) ||
	    !take_digits(&rest, 2, &day) || !take_digits(&rest, 2, &hour) ||
	    !take_digits(&rest, 2, &minute) || !take_digits(&rest, 2, &second))
		return 0;
	if (rest.len > 0 && (rest.data[0] == '.' || rest.data[0] == ',')) {
		unsigned digit;

		rest = span_skip(rest, 1);
		if (!take_digits(&rest, 1, &digit))
			return 0;
		while (take_digits(&rest, 1, &digit))
			continue;
	}
	if (rest.len == 0 || rest.data[0] != 'Z' || (rest.len > 1 && rest.data[1] != '#'))
		return 0;
	if (year < 1970 || month < 1 || month > 12 || day < 1 || hour > 23 || minute > 59 ||
	    second > 60)
		return 0;
	if (day > month_days[month - 1] + (month == 2 && is_leap(year) ? 1 : 0))
		return 0;
	seconds = (days_before(year, month) + day - 1) * 86400 + hour * 3600 + minute * 60 + second;
	return seconds <= UINT32_MAX ? (uint32_t)seconds : 0;
}

int
uuid_from_text(struct span text, uint8_t out_uuid[ENTRY_UUID_LEN])
{
	bool hyphens = text.len == 2 * ENTRY_UUID_LEN + 4;
	uint8_t uuid[ENTRY_UUID_LEN];
	size_t at = 0;

	if (!hyphens && text.len != 2 * ENTRY_UUID_LEN)
		return -EINVAL;
	for (size_t i = 0; i < ENTRY_UUID_LEN; i++) {
		int high, low;

		if (hyphens && (i == 4 || i == 6 || i == 8 || i == 10) && text.data[at++] != '-')
			return -EINVAL;
		high = ascii_hex(text.data[at++]);
		low = ascii_hex(text.data[at++]);
		if (high < 0 || low < 0)
			return -EINVAL;
		uuid[i] = (uint8_t)(high << 4 | low);
	}
	memcpy(out_uuid, uuid, ENTRY_UUID_LEN);
	return 0;
}

/* Looked up once: OpenSSL takes longer for that than for the digest of a DN. */
static pthread_once_t sha1_once = PTHREAD_ONCE_INIT;
static EVP_MD *sha1;

static void
fetch_sha1(void)
{
	sha1 = EVP_MD_fetch(NULL, "SHA1", NULL);
}

int
entry_uuid_of_normalised(struct span dn, uint8_t out_uuid[ENTRY_UUID_LEN])
{
	/* Random, and fixed for ever: another value would give every entry a new identity. */
	static const uint8_t name_space[ENTRY_UUID_LEN] = {
		0x80, 0xf4, 0xe7, 0x38, 0xd6, 0xea, 0x4e, 0xc9,
		0xad, 0x0e, 0x2d, 0xda, 0xef, 0x60, 0xe5, 0xe2,
	};
	uint8_t digest[EVP_MAX_MD_SIZE];
	EVP_MD_CTX *context;
	int ok;

	pthread_once(&sha1_once, fetch_sha1);
	context = EVP_MD_CTX_new();
	if (context == NULL || sha1 == NULL) {
		EVP_MD_CTX_free(context);
		return -ENOMEM;
	}
	ok = EVP_DigestInit_ex(context, sha1, NULL) &&
	     EVP_DigestUpdate(context, name_space, sizeof(name_space)) &&
	     EVP_DigestUpdate(context, dn.data, dn.len) && EVP_DigestFinal_ex(context, digest, NULL);
	EVP_MD_CTX_free(context);
	if (!ok)
		return -ENOMEM;
	digest[6] = (uint8_t)((digest[6] & 0x0f) | 0x50);
	digest[8] = (uint8_t)((digest[8] & 0x3f) | 0x80);
	memcpy(out_uuid, digest, ENTRY_UUID_LEN);
	return 0;
}

int
entry_uuid_of_dn(struct span dn, uint8_t out_uuid[ENTRY_UUID_LEN])
{
	cleanup(arena_free) struct arena arena = ARENA_INIT;
	struct span normalised;
	int r;

	r = dn_normalise(dn, &arena, &normalised);
	if (r < 0)
		return r;
	return entry_uuid_of_normalised(normalised, out_uuid);
}
