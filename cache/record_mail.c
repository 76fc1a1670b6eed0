/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * How each value is laid out stands above its writer; a reader checks every length before it believes it.
 */
#include <config.h>

#include "cache/record_mail.h"

#include "cache/octets.h"

#include <errno.h>

_Static_assert(KEY_MAX >= 3 + 2 * ADDRESS_DOMAIN_MAX && KEY_MAX >= 3 + ADDRESS_DOMAIN_MAX + ADDRESS_LOCAL_MAX,
               "a subject's key, with the p of its problems in front");

/* --- keys ------------------------------------------------------------------------------------------ */

static void
put(struct key *key, struct span s, size_t max)
{
	size_t n = s.len < max ? s.len : max;

	if (n > 0)
		memcpy(key->octets + key->len, s.data, n);
	key->len += n;
}

void
key_mail_domain(struct key *out, struct span domain)
{
	out->octets[0] = 'd';
	out->len = 1;
	put(out, domain, ADDRESS_DOMAIN_MAX);
}

void
key_mail_address(struct key *out, struct span domain, struct span local)
{
	out->octets[0] = 'a';
	out->len = 1;
	put(out, domain, ADDRESS_DOMAIN_MAX);
	out->octets[out->len++] = 0;
	put(out, local, ADDRESS_LOCAL_MAX);
}

void
key_mail_foreign(struct key *out, struct span domain, struct span claimer)
{
	out->octets[0] = 'f';
	out->len = 1;
	put(out, domain, ADDRESS_DOMAIN_MAX);
	out->octets[out->len++] = 0;
	put(out, claimer, ADDRESS_DOMAIN_MAX);
}

int
key_mail_split(struct span key, char *out_letter, struct span *out_domain, struct span *out_rest)
{
	struct span domain, rest = { "", 0 };
	const char *zero;
	bool two;

	if (key.len < 2 || (key.data[0] != 'd' && key.data[0] != 'a' && key.data[0] != 'f'))
		return -EINVAL;
	two = key.data[0] != 'd';
	domain = span_skip(key, 1);
	zero = memchr(domain.data, 0, domain.len);
	if (two != (zero != NULL))
		return -EINVAL;
	if (two) {
		rest = span_skip(domain, (size_t)(zero - domain.data) + 1);
		domain.len = (size_t)(zero - domain.data);
	}
	if (domain.len == 0 || domain.len > ADDRESS_DOMAIN_MAX ||
	    rest.len > (key.data[0] == 'a' ? ADDRESS_LOCAL_MAX : ADDRESS_DOMAIN_MAX) || memchr(rest.data, 0, rest.len) != NULL)
		return -EINVAL;
	*out_letter = key.data[0];
	*out_domain = domain;
	*out_rest = rest;
	return 0;
}

/* --- lists: strings, each with its length (2) in front --------------------------------------------- */

void
mail_list_put(struct text *list, struct span string)
{
	octets_put_string(list, string);
}

struct mail_list
mail_list_of(const struct text *list)
{
	struct mail_list all = { 0, text_span(list) };
	struct cursor c = { all.octets, false };

	while (c.rest.len > 0 && !c.failed) {
		cursor_string(&c);
		all.count++;
	}
	return all;
}

int
mail_list_next(struct mail_list *list, struct span *out)
{
	struct cursor c = { list->octets, false };
	struct span string;

	if (list->count == 0)
		return list->octets.len == 0 ? 0 : -EBADMSG;
	string = cursor_string(&c);
	if (c.failed)
		return -EBADMSG;
	*out = string;
	list->octets = c.rest;
	list->count--;
	return 1;
}

/* In a record: count (2), octets (4), the strings. */
static void
put_list(struct text *out, const struct mail_list *list)
{
	if (list->count > UINT16_MAX || list->octets.len > UINT32_MAX)
		out->failed = true;
	octets_put_u16(out, (uint16_t)list->count);
	octets_put_u32(out, (uint32_t)list->octets.len);
	text_put_span(out, list->octets);
}

/* Begins to read VALUE: 0, -EPROTO for another version, -EBADMSG for nothing at all. */
static int
begin(struct cursor *c, struct span value)
{
	if (value.len == 0)
		return -EBADMSG;
	if (value.data[0] != MAIL_VERSION)
		return -EPROTO;
	*c = (struct cursor){ span_skip(value, 1), false };
	return 0;
}

/* Adds one to the count (2) at AT. */
static void
count_up(struct text *out, size_t at)
{
	uint32_t count;

	if (text_failed(out))
		return;
	count = octets_u16(out->data + at) + 1;
	if (count > UINT16_MAX) {
		out->failed = true;
		return;
	}
	out->data[at] = (char)count;
	out->data[at + 1] = (char)(count >> 8);
}

/* --- domains: version, delivery, bits, count of logins (2), four strings, the logins ---------------------- */

enum { DOMAIN_BIT_SUSPENDED = 1, DOMAIN_COUNT_AT = 3 };

void
mail_domain_begin(struct text *out, const struct mail_domain *domain)
{
	text_put_char(out, MAIL_VERSION);
	text_put_char(out, (char)domain->delivery);
	text_put_char(out, domain->suspended ? DOMAIN_BIT_SUSPENDED : 0);
	octets_put_u16(out, 0);
	octets_put_string(out, domain->master);
	octets_put_string(out, domain->name);
	octets_put_string(out, domain->transport);
	octets_put_string(out, domain->below_transport);
}

void
mail_domain_put_login(struct text *out, size_t begun, struct span login)
{
	octets_put_string(out, login);
	count_up(out, begun + DOMAIN_COUNT_AT);
}

int
mail_domain_read(struct span value, struct mail_domain *out)
{
	struct mail_domain domain = { 0 };
	struct cursor c;
	int r = begin(&c, value);

	if (r < 0)
		return r;
	domain.delivery = cursor_u8(&c);
	domain.suspended = (cursor_u8(&c) & DOMAIN_BIT_SUSPENDED) != 0;
	domain.logins.count = cursor_u16(&c);
	domain.master = cursor_string(&c);
	domain.name = cursor_string(&c);
	domain.transport = cursor_string(&c);
	domain.below_transport = cursor_string(&c);
	domain.logins.octets = c.rest;
	if (c.failed || domain.delivery > MAIL_DELIVERY_SMTP)
		return -EBADMSG;
	*out = domain;
	return 0;
}

/* --- addresses: version, count of claims (2); a claim is holder, flags, four strings, three lists ------------ */

enum { ADDRESS_COUNT_AT = 1 };

void
mail_address_begin(struct text *out)
{
	text_put_char(out, MAIL_VERSION);
	octets_put_u16(out, 0);
}

void
mail_address_put(struct text *out, size_t begun, const struct mail_claim *claim)
{
	text_put_char(out, (char)claim->holder);
	text_put_char(out, (char)claim->flags);
	octets_put_string(out, claim->claimer);
	octets_put_string(out, claim->primary);
	octets_put_string(out, claim->mail_host);
	octets_put_string(out, claim->relocated);
	put_list(out, &claim->routing);
	put_list(out, &claim->forwarding);
	put_list(out, &claim->logins);
	count_up(out, begun + ADDRESS_COUNT_AT);
}

int
mail_address_read(struct span value, struct mail_address *out)
{
	struct mail_address address;
	struct cursor c;
	int r = begin(&c, value);

	if (r < 0)
		return r;
	address.count = cursor_u16(&c);
	address.octets = c.rest;
	if (c.failed)
		return -EBADMSG;
	*out = address;
	return 0;
}

/* A claim is read several times for a question: its fields are taken off REST's front without a cursor, each with a branch. */
static inline bool
take_string(struct span *rest, struct span *out)
{
	size_t n;

	if (rest->len < 2)
		return false;
	n = octets_u16(rest->data);
	if (rest->len - 2 < n)
		return false;
	*out = span_from(rest->data + 2, n);
	*rest = span_skip(*rest, 2 + n);
	return true;
}

static inline bool
take_list(struct span *rest, struct mail_list *out)
{
	size_t n;

	if (rest->len < 6)
		return false;
	n = octets_u32(rest->data + 2);
	if (rest->len - 6 < n)
		return false;
	out->count = octets_u16(rest->data);
	out->octets = span_from(rest->data + 6, n);
	*rest = span_skip(*rest, 6 + n);
	return true;
}

int
mail_address_next(struct mail_address *address, struct mail_claim *out)
{
	struct span rest = address->octets;

	if (address->count == 0)
		return rest.len == 0 ? 0 : -EBADMSG;
	if (rest.len < 2)
		return -EBADMSG;
	out->holder = (uint8_t)rest.data[0];
	out->flags = (uint8_t)rest.data[1];
	rest = span_skip(rest, 2);
	if ((out->holder != MAIL_USER && out->holder != MAIL_GROUP) || !take_string(&rest, &out->claimer) ||
	    !take_string(&rest, &out->primary) || !take_string(&rest, &out->mail_host) || !take_string(&rest, &out->relocated) ||
	    !take_list(&rest, &out->routing) || !take_list(&rest, &out->forwarding) || !take_list(&rest, &out->logins))
		return -EBADMSG;
	address->octets = rest;
	address->count--;
	return 1;
}
