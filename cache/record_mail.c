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
	uint8_t *to = key->octets + key->len;

	/* Folding has just written S octet by octet. What reads several of them at once, as memcpy does, waits for all of these writes to
	 * leave the processor: a tenth of a lookup. */
	for (size_t i = 0; i < n; i++) {
		uint8_t octet = (uint8_t)s.data[i];

		__asm__("" : "+r"(octet));
		to[i] = octet;
	}
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

/* --- numbers: seven bits an octet, the lowest first, the eighth says that there are more ------------------ */

enum { NUMBER_OCTETS = 4, NUMBER_MAX = (1 << 7 * NUMBER_OCTETS) - 1 };

static void
put_number(struct text *out, size_t n)
{
	for (; n >= 0x80; n >>= 7)
		text_put_char(out, (char)(n | 0x80));
	text_put_char(out, (char)n);
}

/* What is read several times for a question is taken off REST's front without a cursor, each with a branch. */
static inline bool
take_number(struct span *rest, size_t *out)
{
	size_t n = 0;

	for (unsigned i = 0; i < rest->len && i < NUMBER_OCTETS; i++) {
		uint8_t octet = (uint8_t)rest->data[i];

		n |= (size_t)(octet & 0x7f) << 7 * i;
		if (octet < 0x80) {
			*rest = span_skip(*rest, i + 1);
			*out = n;
			return true;
		}
	}
	return false;
}

static inline bool
take_octets(struct span *rest, size_t n, struct span *out)
{
	if (rest->len < n)
		return false;
	*out = span_from(rest->data, n);
	*rest = span_skip(*rest, n);
	return true;
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
	struct mail_list all = { .octets = text_span(list) };
	struct cursor c = { all.octets, false };

	while (c.rest.len > 0 && !c.failed) {
		cursor_string(&c);
		all.count++;
	}
	return all;
}

/* --- lists in the record of an address: a number, and what it calls for ------------------------------ */

enum {
	SAID_PRIMARY,      /* the claim's primary address */
	SAID_LOGIN,        /* the same with _ for each dot and for the @ */
	SAID_DOMAIN_LOGIN, /* the same, but the local part as it is */
	SAID_STRING,       /* and twice the octets: these; and one more: these are a local part at the key's domain */
};

/* A login that is made of an address, changed from FROM on, into ROOM (MAIL_SPELLED_MAX): how long, 0 when it is too long. */
static size_t
spell_login(struct span primary, size_t from, char *room)
{
	if (primary.len > MAIL_SPELLED_MAX)
		return 0;
	for (size_t i = 0; i < primary.len; i++)
		room[i] = i >= from && (primary.data[i] == '.' || primary.data[i] == '@') ? '_' : primary.data[i];
	return primary.len;
}

static size_t
at_of(struct span address)
{
	const char *at = address.len > 0 ? memchr(address.data, '@', address.len) : NULL;

	return at != NULL ? (size_t)(at - address.data) : address.len;
}

/* LOCAL@DOMAIN into ROOM: how long, 0 when it is too long. */
static size_t
spell_address(struct span local, struct span domain, char *room)
{
	if (domain.len == 0 || local.len + 1 + domain.len > MAIL_SPELLED_MAX)
		return 0;
	if (local.len > 0)
		memcpy(room, local.data, local.len);
	room[local.len] = '@';
	memcpy(room + local.len + 1, domain.data, domain.len);
	return local.len + 1 + domain.len;
}

/* Whether ADDRESS is something, an @ and DOMAIN, and short enough to be spelled again. */
static bool
is_at(struct span address, struct span domain)
{
	return address.len > domain.len && address.len <= MAIL_SPELLED_MAX && domain.len > 0 &&
	       address.data[address.len - domain.len - 1] == '@' &&
	       memcmp(address.data + address.len - domain.len, domain.data, domain.len) == 0;
}

static void
put_said(struct text *out, struct span string, struct span primary, struct span domain)
{
	char room[MAIL_SPELLED_MAX];
	bool is_local = is_at(string, domain);

	if (primary.len > 0 && span_is(string, primary)) {
		put_number(out, SAID_PRIMARY);
	} else if (string.len > 0 && span_is(string, span_from(room, spell_login(primary, 0, room)))) {
		put_number(out, SAID_LOGIN);
	} else if (string.len > 0 && span_is(string, span_from(room, spell_login(primary, at_of(primary), room)))) {
		put_number(out, SAID_DOMAIN_LOGIN);
	} else {
		if (is_local)
			string.len -= 1 + domain.len;
		put_number(out, SAID_STRING + 2 * string.len + is_local);
		text_put_span(out, string);
	}
}

/* What NUMBER, 1 or more, calls for: how long it is in SPELLING's room, 0 for what cannot be. */
static size_t
spell(struct mail_spelling *spelling, size_t number, struct span local)
{
	if (number >= SAID_STRING)
		return spell_address(local, spelling->domain, spelling->string);
	return spell_login(spelling->primary, number == SAID_LOGIN ? 0 : at_of(spelling->primary), spelling->string);
}

static bool
take_said(struct mail_list *list, struct span *out)
{
	struct span string = { "", 0 };
	size_t n, spelled;

	if (!take_number(&list->octets, &n))
		return false;
	if (n == SAID_PRIMARY) {
		*out = list->spelling->primary;
		return out->len > 0;
	}
	if (n >= SAID_STRING && !take_octets(&list->octets, (n - SAID_STRING) / 2, &string))
		return false;
	if (n >= SAID_STRING && (n - SAID_STRING) % 2 == 0) {
		*out = string;
		return true;
	}
	spelled = spell(list->spelling, n, string);
	*out = span_from(list->spelling->string, spelled);
	return spelled > 0;
}

int
mail_list_next(struct mail_list *list, struct span *out)
{
	size_t n;

	if (list->count == 0)
		return list->octets.len == 0 ? 0 : -EBADMSG;
	if (list->spelling != NULL) {
		if (!take_said(list, out))
			return -EBADMSG;
	} else {
		if (list->octets.len < 2)
			return -EBADMSG;
		n = octets_u16(list->octets.data);
		if (list->octets.len - 2 < n)
			return -EBADMSG;
		*out = span_from(list->octets.data + 2, n);
		list->octets = span_skip(list->octets, 2 + n);
	}
	list->count--;
	return 1;
}

/* Begins to read VALUE: 0, -EPROTO for another version, -EBADMSG for nothing at all. */
static int
begin(struct cursor *c, struct span value, uint8_t version)
{
	if (value.len == 0)
		return -EBADMSG;
	if ((uint8_t)value.data[0] != version)
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
	int r = begin(&c, value, MAIL_VERSION);

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

/* --- claims by themselves: version, 1 (2), holder, flags, four strings, three lists -------------------------
 *
 * A list is count (2), octets (4), the strings. */

static void
put_list(struct text *out, const struct mail_list *list)
{
	if (list->count > UINT16_MAX || list->octets.len > UINT32_MAX || list->spelling != NULL)
		out->failed = true;
	octets_put_u16(out, (uint16_t)list->count);
	octets_put_u32(out, (uint32_t)list->octets.len);
	text_put_span(out, list->octets);
}

static struct mail_list
cursor_list(struct cursor *c)
{
	struct mail_list list = { .count = cursor_u16(c) };

	list.octets = cursor_take(c, cursor_u32(c));
	return list;
}

void
mail_claim_put(struct text *out, const struct mail_claim *claim)
{
	text_put_char(out, MAIL_VERSION);
	octets_put_u16(out, 1);
	text_put_char(out, (char)claim->holder);
	text_put_char(out, (char)claim->flags);
	octets_put_string(out, claim->claimer);
	octets_put_string(out, claim->primary);
	octets_put_string(out, claim->mail_host);
	octets_put_string(out, claim->relocated);
	put_list(out, &claim->routing);
	put_list(out, &claim->forwarding);
	put_list(out, &claim->logins);
}

int
mail_claim_read(struct span value, struct mail_claim *out)
{
	struct mail_claim claim = { 0 };
	struct cursor c;
	int r = begin(&c, value, MAIL_VERSION);

	if (r < 0)
		return r;
	if (cursor_u16(&c) != 1)
		return -EBADMSG;
	claim.holder = cursor_u8(&c);
	claim.flags = cursor_u8(&c);
	claim.claimer = cursor_string(&c);
	claim.primary = cursor_string(&c);
	claim.mail_host = cursor_string(&c);
	claim.relocated = cursor_string(&c);
	claim.routing = cursor_list(&c);
	claim.forwarding = cursor_list(&c);
	claim.logins = cursor_list(&c);
	if (c.failed || c.rest.len > 0 || (claim.holder != MAIL_USER && claim.holder != MAIL_GROUP))
		return -EBADMSG;
	*out = claim;
	return 0;
}

/* --- addresses: version, claims ---------------------------------------------------------------------------------
 *
 * A claim is bits (2), and those that they tell of: claimer, primary address, mail host, where it has moved to, and three lists. A
 * string is its length as a number and its octets; a list is how many, how many octets, and the strings, as told above. */

enum {
	CLAIM_GROUP = 1 << 0,
	CLAIM_FLAGS_AT = 1,
	CLAIM_FLAGS = MAIL_SUSPENDED | MAIL_NO_COPY | MAIL_PRIMARY,
	CLAIM_CLAIMER = 1 << 4,
	CLAIM_HOST = 1 << 5,
	CLAIM_RELOCATED = 1 << 6,
	CLAIM_FORWARDING = 1 << 7,
	CLAIM_LOGINS = 1 << 8,
	CLAIM_ROUTING = 1 << 9,
	CLAIM_ROUTING_PRIMARY = 1 << 10, /* the primary address alone, and no list */
	CLAIM_PRIMARY_AT = 11,
	CLAIM_PRIMARY = 3 << CLAIM_PRIMARY_AT,
	CLAIM_PRIMARY_KEY = 1 << CLAIM_PRIMARY_AT,   /* the key's address */
	CLAIM_PRIMARY_LOCAL = 2 << CLAIM_PRIMARY_AT, /* a string, at the key's domain */
	CLAIM_PRIMARY_WHOLE = 3 << CLAIM_PRIMARY_AT, /* a string */
	CLAIM_END = 1 << 13,
};

_Static_assert(CLAIM_FLAGS << CLAIM_FLAGS_AT < CLAIM_CLAIMER, "flags have their place");

void
mail_address_begin(struct text *out)
{
	text_put_char(out, MAIL_ADDRESS_VERSION);
}

static void
put_string(struct text *out, struct span string)
{
	if (string.len > UINT16_MAX)
		out->failed = true;
	put_number(out, string.len);
	text_put_span(out, string);
}

static void
put_said_list(struct text *out, struct mail_list list, struct span primary, struct span domain)
{
	cleanup(text_free) struct text strings = TEXT_INIT;
	size_t count = list.count;
	struct span string;
	int r;

	if (count == 0)
		return;
	while ((r = mail_list_next(&list, &string)) > 0)
		put_said(&strings, string, primary, domain);
	if (r < 0 || count > UINT16_MAX || strings.len > NUMBER_MAX || text_failed(&strings))
		out->failed = true;
	put_number(out, count);
	put_number(out, strings.len);
	text_put_span(out, text_span(&strings));
}

/* Whether LIST is PRIMARY and nothing else. */
static bool
is_primary_alone(struct mail_list list, struct span primary)
{
	struct span string;

	return list.count == 1 && primary.len > 0 && mail_list_next(&list, &string) > 0 && span_is(string, primary);
}

static unsigned
bits_of(const struct mail_claim *claim, struct span domain, struct span local)
{
	unsigned bits = (claim->holder == MAIL_GROUP ? CLAIM_GROUP : 0) | (claim->flags & CLAIM_FLAGS) << CLAIM_FLAGS_AT;

	bits |= claim->claimer.len > 0 ? CLAIM_CLAIMER : 0;
	bits |= claim->mail_host.len > 0 ? CLAIM_HOST : 0;
	bits |= claim->relocated.len > 0 ? CLAIM_RELOCATED : 0;
	bits |= claim->forwarding.count > 0 ? CLAIM_FORWARDING : 0;
	bits |= claim->logins.count > 0 ? CLAIM_LOGINS : 0;
	if (is_primary_alone(claim->routing, claim->primary))
		bits |= CLAIM_ROUTING_PRIMARY;
	else if (claim->routing.count > 0)
		bits |= CLAIM_ROUTING;
	if (claim->primary.len > 0 && !is_at(claim->primary, domain))
		bits |= CLAIM_PRIMARY_WHOLE;
	else if (claim->primary.len > 0 && span_is(span_from(claim->primary.data, claim->primary.len - 1 - domain.len), local))
		bits |= CLAIM_PRIMARY_KEY;
	else if (claim->primary.len > 0)
		bits |= CLAIM_PRIMARY_LOCAL;
	return bits;
}

void
mail_address_put(struct text *out, struct span domain, struct span local, const struct mail_claim *claim)
{
	unsigned bits = bits_of(claim, domain, local);
	struct span primary = claim->primary;

	octets_put_u16(out, (uint16_t)bits);
	if ((bits & CLAIM_CLAIMER) != 0)
		put_string(out, claim->claimer);
	if ((bits & CLAIM_PRIMARY) == CLAIM_PRIMARY_WHOLE)
		put_string(out, primary);
	else if ((bits & CLAIM_PRIMARY) == CLAIM_PRIMARY_LOCAL)
		put_string(out, span_from(primary.data, primary.len - 1 - domain.len));
	if ((bits & CLAIM_HOST) != 0)
		put_string(out, claim->mail_host);
	if ((bits & CLAIM_RELOCATED) != 0)
		put_string(out, claim->relocated);
	if ((bits & CLAIM_ROUTING) != 0)
		put_said_list(out, claim->routing, primary, domain);
	put_said_list(out, claim->forwarding, primary, domain);
	put_said_list(out, claim->logins, primary, domain);
}

int
mail_address_read(struct span value, struct span domain, struct span local, struct mail_address *out)
{
	if (value.len == 0)
		return -EBADMSG;
	if (value.data[0] != MAIL_ADDRESS_VERSION)
		return -EPROTO;
	out->octets = span_skip(value, 1);
	out->domain = domain;
	out->local = local;
	return 0;
}

static inline bool
take_string(struct span *rest, struct span *out)
{
	size_t n;

	return take_number(rest, &n) && take_octets(rest, n, out);
}

static inline bool
take_list(struct span *rest, struct mail_spelling *spelling, struct mail_list *out)
{
	out->spelling = spelling;
	return take_number(rest, &out->count) && take_string(rest, &out->octets);
}

static bool
take_primary(const struct mail_address *address, unsigned bits, struct span *rest, struct mail_room *room, struct span *out)
{
	struct span local = address->local;

	if (bits == CLAIM_PRIMARY_WHOLE)
		return take_string(rest, out);
	if (bits == CLAIM_PRIMARY_LOCAL && !take_string(rest, &local))
		return false;
	*out = span_from(room->primary, spell_address(local, address->domain, room->primary));
	return out->len > 0;
}

int
mail_address_next(struct mail_address *address, struct mail_room *room, struct mail_claim *out)
{
	static const char primary_alone[] = { SAID_PRIMARY };
	struct span rest = address->octets;
	unsigned bits;

	if (rest.len < 2)
		return rest.len == 0 ? 0 : -EBADMSG;
	bits = octets_u16(rest.data);
	if (bits >= CLAIM_END)
		return -EBADMSG;
	rest = span_skip(rest, 2);
	out->holder = (bits & CLAIM_GROUP) != 0 ? MAIL_GROUP : MAIL_USER;
	out->flags = bits >> CLAIM_FLAGS_AT & CLAIM_FLAGS;
	out->claimer = out->primary = out->mail_host = out->relocated = (struct span){ "", 0 };
	out->routing = out->forwarding = out->logins = (struct mail_list){ .octets = { "", 0 } };
	if ((bits & CLAIM_CLAIMER) != 0 && !take_string(&rest, &out->claimer))
		return -EBADMSG;
	if ((bits & CLAIM_PRIMARY) != 0 && !take_primary(address, bits & CLAIM_PRIMARY, &rest, room, &out->primary))
		return -EBADMSG;
	if ((bits & CLAIM_HOST) != 0 && !take_string(&rest, &out->mail_host))
		return -EBADMSG;
	if ((bits & CLAIM_RELOCATED) != 0 && !take_string(&rest, &out->relocated))
		return -EBADMSG;
	room->spelling.primary = out->primary;
	room->spelling.domain = address->domain;
	if ((bits & CLAIM_ROUTING_PRIMARY) != 0 && out->primary.len == 0)
		return -EBADMSG;
	if ((bits & CLAIM_ROUTING_PRIMARY) != 0)
		out->routing = (struct mail_list){ 1, { primary_alone, 1 }, &room->spelling };
	else if ((bits & CLAIM_ROUTING) != 0 && !take_list(&rest, &room->spelling, &out->routing))
		return -EBADMSG;
	if ((bits & CLAIM_FORWARDING) != 0 && !take_list(&rest, &room->spelling, &out->forwarding))
		return -EBADMSG;
	if ((bits & CLAIM_LOGINS) != 0 && !take_list(&rest, &room->spelling, &out->logins))
		return -EBADMSG;
	address->octets = rest;
	return 1;
}
