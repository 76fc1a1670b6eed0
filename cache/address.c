/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * Folding, extensions and quoting of mail addresses.
 *
 * This is in the path of every question: text that is all ASCII is folded in place, octet by octet. libunistring and libidn2 see the
 * rest only.
 */
#include <config.h>

#include "cache/address.h"

#include <errno.h>
#include <idn2.h>
#include <unicase.h>
#include <uninorm.h>
#include <unistr.h>

enum { LABEL_MAX = 63 };

/* Functions with room for a whole text stay out of the others: on entry it is filled with zeroes. */
#define apart __attribute__((noinline))

/* What an octet of a domain's name becomes; 0: it can be none of an ASCII name. */
#define LETTER(upper, lower) [upper] = (lower), [lower] = (lower)
static const char domain_octets[256] = {
	LETTER('A', 'a'), LETTER('B', 'b'), LETTER('C', 'c'), LETTER('D', 'd'), LETTER('E', 'e'), LETTER('F', 'f'), LETTER('G', 'g'),
	LETTER('H', 'h'), LETTER('I', 'i'), LETTER('J', 'j'), LETTER('K', 'k'), LETTER('L', 'l'), LETTER('M', 'm'), LETTER('N', 'n'),
	LETTER('O', 'o'), LETTER('P', 'p'), LETTER('Q', 'q'), LETTER('R', 'r'), LETTER('S', 's'), LETTER('T', 't'), LETTER('U', 'u'),
	LETTER('V', 'v'), LETTER('W', 'w'), LETTER('X', 'x'), LETTER('Y', 'y'), LETTER('Z', 'z'),
	['0'] = '0', ['1'] = '1', ['2'] = '2', ['3'] = '3', ['4'] = '4', ['5'] = '5', ['6'] = '6', ['7'] = '7', ['8'] = '8',
	['9'] = '9', ['-'] = '-', ['_'] = '_', ['.'] = '.',
};
#undef LETTER

/* What an octet of an ASCII local part becomes; 0: a control character, or no ASCII. */
#define FOLDED(c) ((c) < ' ' || (c) >= 0x7f ? 0 : (c) >= 'A' && (c) <= 'Z' ? (c) - 'A' + 'a' : (c))
#define EIGHT(c) \
	FOLDED(c), FOLDED((c) + 1), FOLDED((c) + 2), FOLDED((c) + 3), FOLDED((c) + 4), FOLDED((c) + 5), FOLDED((c) + 6), \
		FOLDED((c) + 7)
static const char local_octets[256] = {
	EIGHT(0x00), EIGHT(0x08), EIGHT(0x10), EIGHT(0x18), EIGHT(0x20), EIGHT(0x28), EIGHT(0x30), EIGHT(0x38),
	EIGHT(0x40), EIGHT(0x48), EIGHT(0x50), EIGHT(0x58), EIGHT(0x60), EIGHT(0x68), EIGHT(0x70), EIGHT(0x78),
};
#undef EIGHT
#undef FOLDED

static bool
is_control(char c)
{
	return (unsigned char)c < ' ' || c == 0x7f;
}

static bool
is_ascii(struct span s)
{
	const uint64_t high_bits = UINT64_MAX / 255 * 0x80;
	uint64_t all = 0, eight;
	size_t i = 0;

	for (; i + sizeof(eight) <= s.len; i += sizeof(eight)) {
		memcpy(&eight, s.data + i, sizeof(eight));
		all |= eight;
	}
	for (; i < s.len; i++)
		all |= (unsigned char)s.data[i];
	return (all & high_bits) == 0;
}

static void
free_idn(uint8_t **p)
{
	idn2_free(*p);
}

static void
free_octets(uint8_t **p)
{
	free(*p);
}

/* --- domains --------------------------------------------------------------------------------------- */

/* TEXT's labels in lower case, MAX octets at most. A dot at the end is dropped, an empty label is none. */
static int
fold_ascii_domain(struct span text, size_t max, char *out, size_t *out_len)
{
	size_t n = text.len, label = 0;

	if (n > 0 && text.data[n - 1] == '.')
		n--;
	if (n == 0 || n > max)
		return -EINVAL;
	for (size_t i = 0; i < n; i++) {
		char c = domain_octets[(unsigned char)text.data[i]];

		out[i] = c;
		/* Of what may be in a name only - and the dot itself are not above the dot. */
		if (c > '.')
			continue;
		if (c == '.') {
			if (i == label || i - label > LABEL_MAX)
				return -EINVAL;
			label = i + 1;
		} else if (c == 0) {
			return -EINVAL;
		}
	}
	if (n == label || n - label > LABEL_MAX)
		return -EINVAL;
	*out_len = n;
	return 0;
}

/* What is not ASCII becomes A-labels. */
static apart int
fold_wide_domain(struct span text, size_t max, char *out, size_t *out_len)
{
	cleanup(free_idn) uint8_t *ascii = NULL;
	char copy[ADDRESS_TEXT_MAX + 1];
	int r;

	if (text.len > ADDRESS_TEXT_MAX || memchr(text.data, 0, text.len) != NULL)
		return -EINVAL;
	memcpy(copy, text.data, text.len);
	copy[text.len] = '\0';
	r = idn2_lookup_u8((const uint8_t *)copy, &ascii, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
	if (r != IDN2_OK)
		return r == IDN2_MALLOC ? -ENOMEM : -EINVAL;
	return fold_ascii_domain(span_of((const char *)ascii), max, out, out_len);
}

/* [192.0.2.1], [IPv6:2001:db8::1]: letters, digits and what stands between them. */
static int
fold_literal(struct span text, char *out, size_t *out_len)
{
	if (text.len < 3 || text.len > ADDRESS_DOMAIN_MAX || text.data[text.len - 1] != ']')
		return -EINVAL;
	for (size_t i = 1; i + 1 < text.len; i++) {
		char c = ascii_lower(text.data[i]);

		if ((c < 'a' || c > 'z') && (c < '0' || c > '9') && c != ':' && c != '.' && c != '-')
			return -EINVAL;
		out[i] = c;
	}
	out[0] = '[';
	out[text.len - 1] = ']';
	*out_len = text.len;
	return 0;
}

int
address_domain(struct span text, char *out, size_t *out_len)
{
	size_t dot = text.len > 0 && text.data[0] == '.';
	struct span name = span_skip(text, dot);
	size_t max = ADDRESS_DOMAIN_MAX - dot;
	int r;

	if (name.len > 0 && name.data[0] == '[')
		r = dot ? -EINVAL : fold_literal(name, out, out_len);
	else if (is_ascii(name))
		r = fold_ascii_domain(name, max, out + dot, out_len);
	else
		r = fold_wide_domain(name, max, out + dot, out_len);
	if (r < 0)
		return r;
	if (dot)
		out[0] = '.';
	*out_len += dot;
	return 0;
}

/* --- local parts ----------------------------------------------------------------------------------- */

/* TEXT without its quotes and backslashes into OUT (as many octets as TEXT has), if it is one quoted string. */
static bool
unquote(struct span text, char *out, size_t *out_len)
{
	size_t n = 0;

	if (text.len < 2 || text.data[0] != '"' || text.data[text.len - 1] != '"')
		return false;
	for (size_t i = 1; i + 1 < text.len; i++) {
		if (text.data[i] == '"')
			return false;
		/* A backslash before the last quote: that quote does not end the string. */
		if (text.data[i] == '\\' && ++i + 1 == text.len)
			return false;
		out[n++] = text.data[i];
	}
	*out_len = n;
	return true;
}

/* NFC of the case-folded TEXT, which is not ASCII or has controls, into OUT (ADDRESS_LOCAL_MAX octets). */
static int
fold_wide_local(struct span text, char *out, size_t *out_len)
{
	cleanup(free_octets) uint8_t *folded = NULL;
	size_t n;

	for (size_t i = 0; i < text.len; i++)
		if (is_control(text.data[i]))
			return -EINVAL;
	if (u8_check((const uint8_t *)text.data, text.len) != NULL)
		return -EINVAL;
	folded = u8_casefold((const uint8_t *)text.data, text.len, NULL, UNINORM_NFC, NULL, &n);
	if (folded == NULL)
		return errno == ENOMEM ? -ENOMEM : -EINVAL;
	if (n == 0 || n > ADDRESS_LOCAL_MAX)
		return -EINVAL;
	memcpy(out, folded, n);
	*out_len = n;
	return 0;
}

int
address_local(struct span text, char *out, size_t *out_len)
{
	if (text.len == 0 || text.len > ADDRESS_TEXT_MAX)
		return -EINVAL;
	if (text.len > ADDRESS_LOCAL_MAX)
		return is_ascii(text) ? -EINVAL : fold_wide_local(text, out, out_len);
	for (size_t i = 0; i < text.len; i++) {
		char c = local_octets[(unsigned char)text.data[i]];

		if (c == 0)
			return fold_wide_local(text, out, out_len);
		out[i] = c;
	}
	*out_len = text.len;
	return 0;
}

/* The quoted string's content in ROOM, or TYPED itself. */
static struct span
plain_local(struct span typed, char room[ADDRESS_TEXT_MAX])
{
	size_t n;

	if (typed.len <= ADDRESS_TEXT_MAX && unquote(typed, room, &n))
		return span_from(room, n);
	return typed;
}

static apart int
fold_quoted_local(struct span text, char *out, size_t *out_len)
{
	char room[ADDRESS_TEXT_MAX];

	return address_local(plain_local(text, room), out, out_len);
}

int
address_read(struct span text, struct address *out)
{
	const char *at;
	int r;

	if (text.len == 0 || text.len > ADDRESS_TEXT_MAX)
		return -EINVAL;
	at = memrchr(text.data, '@', text.len);
	out->typed_local = at != NULL ? span_from(text.data, (size_t)(at - text.data)) : text;
	out->local_len = 0;
	out->kind = ADDRESS_WORD;
	if (at != NULL) {
		text = span_skip(text, out->typed_local.len + 1);
		/* A dot at the front is for names alone. */
		if (text.len > 0 && text.data[0] == '.')
			return -EINVAL;
		out->kind = ADDRESS_CATCH_ALL;
		if (out->typed_local.len > 0) {
			out->kind = ADDRESS_FULL;
			r = out->typed_local.data[0] == '"' ? fold_quoted_local(out->typed_local, out->local, &out->local_len)
			                                    : address_local(out->typed_local, out->local, &out->local_len);
			if (r < 0)
				return r;
		}
	}
	r = address_domain(text, out->domain, &out->domain_len);
	if (r < 0)
		return r;
	out->literal = out->domain[0] == '[';
	return 0;
}

bool
address_stands_for(struct span text, struct span local, struct span domain)
{
	if (text.len != local.len + 1 + domain.len || local.len == 0 || text.data[0] == '"' || text.data[local.len] != '@')
		return false;
	for (size_t i = 0; i < local.len; i++)
		if (local_octets[(unsigned char)text.data[i]] != local.data[i])
			return false;
	text = span_skip(text, local.len + 1);
	for (size_t i = 0; i < domain.len; i++)
		if (domain_octets[(unsigned char)text.data[i]] != domain.data[i])
			return false;
	return true;
}

/* --- extensions ------------------------------------------------------------------------------------- */

static bool
is_never_split(struct span local, struct span delimiters)
{
	static const struct span whole[] = { SPAN("postmaster"), SPAN("mailer-daemon"), SPAN("double-bounce") };

	for (size_t i = 0; i < array_size(whole); i++)
		if (span_is_nocase(local, whole[i]))
			return true;
	if (memchr(delimiters.data, '-', delimiters.len) == NULL)
		return false;
	return span_starts_nocase(local, SPAN("owner-")) || (local.len > 8 && span_ends_nocase(local, SPAN("-request")));
}

size_t
address_extension(struct span local, struct span delimiters)
{
	size_t n = local.len;

	for (size_t i = 0; i < delimiters.len && n > 0; i++) {
		/* No character is cut in two. */
		const char *at = (unsigned char)delimiters.data[i] < 0x80 ? memchr(local.data, delimiters.data[i], n) : NULL;

		if (at != NULL)
			n = (size_t)(at - local.data);
	}
	return n == 0 || n == local.len || is_never_split(local, delimiters) ? local.len : n;
}

void
address_put_typed_extension(struct text *out, const struct address *address, struct span delimiters)
{
	char room[ADDRESS_TEXT_MAX] unfilled;
	struct span plain;

	if (address->kind != ADDRESS_FULL)
		return;
	plain = plain_local(address->typed_local, room);
	text_put_span(out, span_skip(plain, address_extension(plain, delimiters)));
}

/* --- writing ---------------------------------------------------------------------------------------- */

/* Whether LOCAL stands without quotes: atoms with dots between them. */
static bool
is_dot_string(struct span local)
{
	if (local.len == 0 || local.data[0] == '.' || local.data[local.len - 1] == '.')
		return false;
	for (size_t i = 0; i < local.len; i++) {
		char c = local.data[i];

		if (is_control(c) || memchr(" ()<>@,;:\\\"[]", c, 13) != NULL)
			return false;
		if (c == '.' && local.data[i + 1] == '.')
			return false;
	}
	return true;
}

static void
put_local(struct text *out, struct span local)
{
	if (local.len == 0 || is_dot_string(local)) {
		text_put_span(out, local);
		return;
	}
	text_put_char(out, '"');
	for (size_t i = 0; i < local.len; i++) {
		if (local.data[i] == '"' || local.data[i] == '\\')
			text_put_char(out, '\\');
		text_put_char(out, local.data[i]);
	}
	text_put_char(out, '"');
}

void
address_put(struct text *out, struct span local, struct span domain)
{
	put_local(out, local);
	text_put_char(out, '@');
	text_put_span(out, domain);
}

/* Whether LOCAL, which is one but for its length, is longer than any that is read: 1, 0 or -ENOMEM. */
static int
is_too_long(struct span local)
{
	enum { GROWTH_MAX = 3 }; /* an octet that is folded becomes no more */
	char folded[ADDRESS_LOCAL_MAX] unfilled;
	size_t n;
	int r;

	if (local.len <= ADDRESS_LOCAL_MAX / GROWTH_MAX)
		return 0;
	r = address_local(local, folded, &n);
	return r == -EINVAL ? 1 : r;
}

void
address_put_extended(struct text *out, struct span address, struct span extension)
{
	const char *at = address.len > 0 ? memrchr(address.data, '@', address.len) : NULL;
	size_t local = at != NULL ? (size_t)(at - address.data) : address.len;
	cleanup(text_free) struct text whole = TEXT_INIT;
	char room[ADDRESS_TEXT_MAX] unfilled;
	int r;

	if (extension.len == 0 || local == 0) {
		text_put_span(out, address);
		return;
	}
	text_put_span(&whole, plain_local(span_from(address.data, local), room));
	text_put_span(&whole, extension);
	r = text_failed(&whole) ? -ENOMEM : is_too_long(text_span(&whole));
	if (r != 0) {
		if (r > 0)
			text_put_span(out, address);
		else
			out->failed = true;
		return;
	}
	put_local(out, text_span(&whole));
	text_put_span(out, span_skip(address, local));
}
