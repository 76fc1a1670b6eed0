/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * A user or a group to claims: for each address it holds, what it says of mail for it.
 *
 * Whose an entry is, its place in the tree says, and nothing in the entry: whoever may write below one domain cannot speak for another.
 */
#include <config.h>

#include "cache/project_mail_parts.h"

#include <arpa/inet.h>
#include <errno.h>

/* Postfix takes no address that is longer (line_length_limit apart) from a table. */
enum { TARGET_MAX = 1000, RELOCATED_MAX = 500, HOST_MAX = 253 };

struct held_address {
	struct key subject;
	struct span typed, domain; /* domain: in SUBJECT */
	bool primary, own, full;
};

struct holder {
	struct mail_mapping *m;
	uint8_t kind;
	char own_room[ADDRESS_DOMAIN_MAX];
	struct span own; /* the domain below which it stands */
	size_t count;
	struct held_address *held; /* sorted by subject */
	const struct held_address *name; /* the one that the mailbox goes by, may be NULL */
	struct mail_claim claim;   /* what is the same for all of them */
	struct text routing, forwarding, logins;
};

static void
holder_done(struct holder *holder)
{
	text_free(&holder->routing);
	text_free(&holder->forwarding);
	text_free(&holder->logins);
}

/* Begins 'The NOUN "VALUE"'. */
static struct text *
begin_of_value(struct mail_mapping *m, const char *noun, struct span value)
{
	struct text *say = complaint_begin(&m->complaints);

	if (complaints_wanted(&m->complaints)) {
		text_putf(say, "The %s ", noun);
		complaint_quote(say, value);
	}
	return say;
}

static void
end_with_attribute(struct mail_mapping *m, struct text *say, const char *verb, struct span attribute, const char *kind)
{
	text_put(say, verb);
	text_put_span(say, attribute);
	text_put_char(say, '.');
	mail_mapping_complain(m, kind);
}

/* --- where it stands --------------------------------------------------------------------------------- */

/* 1 when the entry stands below a domain; 0 when it does not, or below one whose name says nothing (which is that entry's problem). */
static int
own_domain(struct holder *holder)
{
	struct mail_mapping *m = holder->m;
	const struct profile *profile = m->settings->profile;
	const struct rdn *top = &m->placed->rdns[m->placed->depth - 1];
	struct text *say;
	size_t n;
	int r;

	if (m->placed->depth >= 2 && top->single && span_is_nocase(top->type, profile->domain_attribute)) {
		r = address_domain(span_trim(top->value), holder->own_room, &n);
		if (r == 0 && holder->own_room[0] != '.' && holder->own_room[0] != '[') {
			holder->own = span_from(holder->own_room, n);
			return 1;
		}
		return r == -ENOMEM ? r : 0;
	}
	say = complaint_begin(&m->complaints);
	text_put(say, "The entry's addresses are not answered: users and groups stand below a domain, an entry ");
	text_put_span(say, profile->domain_attribute);
	text_put(say, "=... directly below the base. Move it there.");
	mail_mapping_complain(m, "outside-domains");
	return 0;
}

/* --- its addresses ------------------------------------------------------------------------------------- */

static int
read_address(struct holder *holder, struct span value, bool primary, struct span attribute)
{
	struct mail_mapping *m = holder->m;
	struct held_address *held = &holder->held[holder->count];
	struct address address;
	const char *why = NULL;
	int r = address_read(value, &address);

	if (r == -ENOMEM)
		return r;
	if (memchr(value.data, '@', value.len) == NULL)
		why = " is not answered: it has no @. Correct ";
	else if (r < 0)
		why = " is not answered: it is no local@domain. Correct ";
	else if (address.literal)
		why = " is not answered: its domain is the address of a host. Correct ";
	if (why != NULL) {
		end_with_attribute(m, begin_of_value(m, "address", value), why, attribute, "bad-address");
		return 0;
	}
	key_mail_address(&held->subject, address_domain_span(&address), address_local_span(&address));
	held->domain = span_from(held->subject.octets + 1, address.domain_len);
	held->typed = value;
	held->primary = primary;
	held->full = address.kind == ADDRESS_FULL;
	held->own = span_is(held->domain, holder->own) ||
	            project_is_allowed(m->settings->cross, m->settings->cross_count, holder->own, held->domain);
	holder->count++;
	return 0;
}

static int
compare_held(const void *a, const void *b)
{
	const struct held_address *x = a;
	const struct held_address *y = b;
	int order = project_compare(key_span(&x->subject), key_span(&y->subject));

	/* Of one address in two spellings the primary one comes first. */
	if (order == 0)
		order = (int)y->primary - (int)x->primary;
	return order != 0 ? order : project_compare(x->typed, y->typed);
}

/* Sorts what was read and keeps each address once. */
static void
settle_addresses(struct holder *holder)
{
	size_t once = 0;

	if (holder->count > 1)
		qsort(holder->held, holder->count, sizeof(*holder->held), compare_held);
	for (size_t i = 0; i < holder->count; i++) {
		struct held_address *to = &holder->held[once];

		if (once > 0 && span_is(key_span(&holder->held[i].subject), key_span(&holder->held[once - 1].subject)))
			continue;
		if (once != i)
			*to = holder->held[i];
		to->domain.data = (const char *)to->subject.octets + 1;
		once++;
	}
	holder->count = once;
}

static void
complain_too_many(struct mail_mapping *m, const char *kind, const char *what, size_t used, size_t given)
{
	struct text *say = complaint_begin(&m->complaints);

	text_putf(say, "The entry has too much to say: %zu of its %zu %s are used. Make several entries of it.", used, given, what);
	mail_mapping_complain(m, kind);
}

static int
read_addresses(struct holder *holder)
{
	struct mail_mapping *m = holder->m;
	const struct profile *profile = m->settings->profile;
	const struct {
		struct span attribute;
		bool primary;
	} sources[] = { { profile->local_address, true }, { profile->alias, false }, { profile->utf8_alias, false } };
	struct project_values values[array_size(sources)];
	size_t given = 0, max, read = 0;
	int r = 0;

	for (size_t i = 0; r == 0 && i < array_size(sources); i++) {
		r = mail_mapping_values(m, sources[i].attribute, &values[i]);
		given += values[i].count;
	}
	if (r < 0 || given == 0)
		return r;
	r = own_domain(holder);
	if (r <= 0)
		return r;
	max = given < PROJECT_MAIL_ADDRESSES_MAX ? given : PROJECT_MAIL_ADDRESSES_MAX;
	holder->held = arena_alloc(m->arena, max * sizeof(*holder->held));
	if (holder->held == NULL)
		return -ENOMEM;
	r = 0;
	for (size_t i = 0; i < array_size(sources); i++)
		for (size_t v = 0; r == 0 && v < values[i].count && holder->count < max; v++, read++)
			r = read_address(holder, values[i].values[v], sources[i].primary, sources[i].attribute);
	if (read < given)
		complain_too_many(m, "too-many-addresses", "addresses", max, given);
	settle_addresses(holder);
	return r;
}

/* --- where its mail goes ------------------------------------------------------------------------------- */

/* Whether Postfix reads VALUE, in a list with commas, as this one address. */
static int
is_target(struct span value)
{
	struct address address;
	size_t local;
	bool quoted;
	int r;

	if (value.len > TARGET_MAX)
		return 0;
	r = address_read(value, &address);
	if (r < 0 || address.kind == ADDRESS_WORD)
		return r == -ENOMEM ? r : 0;
	local = address.typed_local.len;
	quoted = local > 0 && value.data[0] == '"';
	/* One whose quotes do not end keeps them. */
	if (quoted && address.local[0] == '"')
		return 0;
	for (size_t i = 0; i < local; i++)
		if (memchr(quoted ? " ," : " ,()<>@;:\\\"[]", value.data[i], quoted ? 2 : 13) != NULL)
			return 0;
	/* "-x@..." would be an option of whatever program is called with it. */
	return local == 0 || value.data[0] != '-';
}

/* Appends the usable ones of an attribute. */
static int
read_targets(struct holder *holder, struct span attribute, struct text *list, size_t *used)
{
	struct mail_mapping *m = holder->m;
	struct project_values values;
	size_t before = *used;
	int r = mail_mapping_values(m, attribute, &values);

	for (size_t i = 0; r >= 0 && i < values.count; i++) {
		if (*used == PROJECT_MAIL_TARGETS_MAX || list->len > PROJECT_MAIL_OCTETS_MAX / 3) {
			complain_too_many(m, "too-many-targets", "targets of mail", *used - before, values.count);
			break;
		}
		r = is_target(values.values[i]);
		if (r == 1) {
			mail_list_put(list, values.values[i]);
			++*used;
		} else if (r == 0) {
			end_with_attribute(m, begin_of_value(m, "target", values.values[i]),
			                   " gets no mail: it is no local@domain that a mail server can use. Correct ", attribute,
			                   "bad-target");
		}
	}
	return r < 0 ? r : text_failed(list) ? -ENOMEM : 0;
}

static bool
is_host(struct span value)
{
	char text[HOST_MAX + 1], folded[ADDRESS_DOMAIN_MAX];
	struct in6_addr v6;
	size_t n;

	if (value.len > HOST_MAX || memchr(value.data, 0, value.len) != NULL)
		return false;
	memcpy(text, value.data, value.len);
	text[value.len] = '\0';
	if (inet_pton(AF_INET6, text, &v6) == 1)
		return true;
	for (size_t i = 0; i < value.len; i++)
		if ((unsigned char)value.data[i] >= 0x80)
			return false;
	return value.data[0] != '.' && value.data[0] != '[' && address_domain(value, folded, &n) == 0;
}

static int
read_host(struct holder *holder)
{
	struct mail_mapping *m = holder->m;
	struct span attribute = m->settings->profile->mail_host;
	struct project_values values;
	int r = mail_mapping_values(m, attribute, &values);

	if (r < 0 || values.count == 0)
		return r;
	if (is_host(values.values[0]))
		holder->claim.mail_host = values.values[0];
	else
		end_with_attribute(m, begin_of_value(m, "mail host", values.values[0]),
		                   " is not used: it is not the name of a host. Correct ", attribute, "bad-mail-host");
	return 0;
}

static int
read_relocated(struct holder *holder)
{
	struct mail_mapping *m = holder->m;
	struct span attribute = m->settings->profile->relocated_to;
	struct project_values values;
	int r = mail_mapping_values(m, attribute, &values);

	if (r < 0 || values.count == 0)
		return r;
	if (values.values[0].len <= RELOCATED_MAX && complaint_is_printable(values.values[0]))
		holder->claim.relocated = values.values[0];
	else
		end_with_attribute(m, begin_of_value(m, "text", values.values[0]),
		                   " is not used: it is one line of up to 500 octets of UTF-8. Correct ", attribute, "bad-relocated");
	return 0;
}

static bool
keeps_no_copy(const struct mail_mapping *m)
{
	const struct attribute *keep = entry_find(m->placed->entry, m->settings->profile->keep_copy);

	return keep != NULL && keep->count > 0 && span_is_nocase(span_trim(keep->values[0]), SPAN("FALSE"));
}

/* --- what it means together ------------------------------------------------------------------------------- */

static void
complain(struct mail_mapping *m, const char *kind, const char *before, struct span attribute, const char *behind)
{
	struct text *say = complaint_begin(&m->complaints);

	text_put(say, before);
	text_put_span(say, attribute);
	text_put(say, behind);
	mail_mapping_complain(m, kind);
}

/* The first own address that is no catch-all: a primary one, else any; NULL when there is none. */
static const struct held_address *
name_of_mailbox(const struct holder *holder)
{
	const struct held_address *alias = NULL;

	for (size_t i = 0; i < holder->count; i++) {
		const struct held_address *held = &holder->held[i];

		if (!held->own || !held->full)
			continue;
		if (held->primary)
			return held;
		if (alias == NULL)
			alias = held;
	}
	return alias;
}

static void
complain_of_user(struct holder *holder, bool routed, bool forwarded, bool named)
{
	struct mail_mapping *m = holder->m;
	const struct profile *profile = m->settings->profile;
	bool hosted = holder->claim.mail_host.len > 0;

	if (routed && !hosted)
		complain(m, "mailbox-without-host", "The user has a mailbox address but no mail host, and so no transport: set ",
		         profile->mail_host, " to the server of the mailbox.");
	if (hosted && !routed && !named)
		complain(m, "mailbox-without-address", "The user has a mail host but only catch-alls, and no address for its mailbox: set ",
		         profile->local_address, " to an address of its domain.");
	if (!routed && !hosted && !forwarded && holder->claim.relocated.len == 0)
		complain(m, "address-goes-nowhere", "Mail for the user's addresses goes nowhere, and they are not answered: set ",
		         profile->mail_host, ", or an address to forward to.");
	if (!forwarded && keeps_no_copy(m))
		complain(m, "no-copy-without-forwarding", "The user's mail is kept although ", profile->keep_copy,
		         " is FALSE: it is forwarded to nobody.");
}

static void
decide(struct holder *holder)
{
	struct mail_mapping *m = holder->m;
	const struct profile *profile = m->settings->profile;
	const struct held_address *name = name_of_mailbox(holder);
	struct mail_claim *claim = &holder->claim;
	bool named = false;

	for (size_t i = 0; i < holder->count; i++)
		named |= holder->held[i].full;
	holder->name = name;
	claim->holder = holder->kind;
	claim->routing = mail_list_of(&holder->routing);
	claim->forwarding = mail_list_of(&holder->forwarding);
	claim->logins = mail_list_of(&holder->logins);
	claim->primary = name != NULL ? name->typed : (struct span){ "", 0 };
	if (mail_mapping_is_suspended(m))
		claim->flags |= MAIL_SUSPENDED;
	if (claim->forwarding.count > 0 && keeps_no_copy(m))
		claim->flags |= MAIL_NO_COPY;
	if (holder->kind == MAIL_USER)
		complain_of_user(holder, claim->routing.count > 0, claim->forwarding.count > 0, named);
	else if (claim->forwarding.count == 0)
		complain(m, "group-without-members", "The group has no members, and its addresses are not answered: add them as ",
		         profile->forwarding_address, ", or remove the group.");
}

/* --- fragments ------------------------------------------------------------------------------------------ */

static void
put_claim(const struct holder *holder, const struct held_address *held, struct text *payload)
{
	cleanup(text_free) struct text identity = TEXT_INIT;
	struct mail_claim claim = holder->claim;

	if (held->primary)
		claim.flags |= MAIL_PRIMARY;
	if (!held->own)
		claim.claimer = holder->own;
	/* Nothing of its own to go by: the address itself, which its domain may let it have. */
	if (claim.primary.len == 0 && held->full)
		claim.primary = held->typed;
	if (claim.routing.count == 0 && claim.mail_host.len > 0 && claim.primary.len > 0) {
		mail_list_put(&identity, claim.primary);
		claim.routing = mail_list_of(&identity);
	}
	mail_claim_put(payload, &claim);
	if (text_failed(&identity))
		payload->failed = true;
}

static int
put_claims(struct holder *holder)
{
	struct mail_mapping *m = holder->m;
	cleanup(text_free) struct text payload = TEXT_INIT;
	size_t octets = 0, used = 0;
	int r = 0;

	for (size_t i = 0; r == 0 && i < holder->count; i++) {
		const struct held_address *held = &holder->held[i];

		text_clear(&payload);
		put_claim(holder, held, &payload);
		octets += payload.len;
		/* What is large and has many addresses loses aliases, and keeps the address it is known by. */
		if (octets > PROJECT_MAIL_OCTETS_MAX && used > 0 && held != holder->name)
			continue;
		r = mail_mapping_add(m, &held->subject, &payload);
		used++;
	}
	if (used < holder->count)
		complain_too_many(m, "too-many-addresses", "addresses", used, holder->count);
	return r;
}

/* The addresses of other domains, a fragment a domain: they stand together. */
static int
put_foreign(struct holder *holder)
{
	cleanup(text_free) struct text payload = TEXT_INIT, named = TEXT_INIT;
	int r = 0;

	for (size_t i = 0, end; r == 0 && i < holder->count; i = end) {
		const struct held_address *first = &holder->held[i];
		struct mail_foreign foreign = { .allowed = false };
		struct key subject;

		text_clear(&named);
		for (end = i; end < holder->count && span_is(holder->held[end].domain, first->domain); end++)
			if (end - i < MAIL_FOREIGN_NAMED)
				mail_list_put(&named, holder->held[end].typed);
		if (first->own)
			continue;
		foreign.count = (uint32_t)(end - i);
		foreign.named = mail_list_of(&named);
		text_clear(&payload);
		mail_foreign_put(&payload, &foreign);
		key_mail_foreign(&subject, first->domain, holder->own);
		r = text_failed(&named) ? -ENOMEM : mail_mapping_add(holder->m, &subject, &payload);
	}
	return r;
}

static int
map_holder(struct holder *holder)
{
	struct mail_mapping *m = holder->m;
	const struct profile *profile = m->settings->profile;
	size_t targets = 0;
	int r = read_addresses(holder);

	if (r < 0 || holder->count == 0)
		return r;
	r = read_host(holder);
	if (r == 0)
		r = read_relocated(holder);
	if (r == 0)
		r = read_targets(holder, profile->routing_address, &holder->routing, &targets);
	if (r == 0)
		r = read_targets(holder, profile->forwarding_address, &holder->forwarding, &targets);
	if (r == 0 && holder->kind == MAIL_USER)
		r = mail_mapping_logins(m, profile->login, &holder->logins);
	if (r == 0)
		r = mail_mapping_logins(m, profile->sender_login, &holder->logins);
	if (r < 0)
		return r;
	decide(holder);
	r = put_claims(holder);
	return r < 0 ? r : put_foreign(holder);
}

int
mail_map_holder(struct mail_mapping *m, enum mail_holder kind)
{
	cleanup(holder_done) struct holder holder = {
		.m = m,
		.kind = (uint8_t)kind,
		.routing = TEXT_INIT,
		.forwarding = TEXT_INIT,
		.logins = TEXT_INIT,
	};

	return map_holder(&holder);
}
