/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * All fragments of one subject to its record: which entry speaks for a domain, who holds an address, and who holds one that is another's.
 */
#include <config.h>

#include "cache/octets.h"
#include "cache/project_mail_parts.h"

#include <errno.h>

enum { NAMED_DNS_MAX = 5 };

struct reducing_mail {
	const struct mail_settings *settings;
	const struct reduce_input *input;
	struct reduced *out;
	struct complaints complaints;
	struct span domain, rest; /* of the subject's key */
};

static void
complain(struct reducing_mail *r, const char *kind, uint64_t entry_id)
{
	cleanup(text_free) struct text dn = TEXT_INIT;

	if (complaints_wanted(&r->complaints))
		r->input->dn_of(r->input->context, entry_id, &dn);
	complaint_end(&r->complaints, kind, text_span(&dn));
}

static void
quote_dn(const struct reducing_mail *r, struct text *say, uint64_t entry_id)
{
	cleanup(text_free) struct text dn = TEXT_INIT;

	if (!complaints_wanted(&r->complaints))
		return;
	r->input->dn_of(r->input->context, entry_id, &dn);
	complaint_quote_max(say, text_span(&dn), COMPLAINT_DN_MAX);
}

/* --- 'f': version, whether it allows, count (4), count of named ones (2), their addresses ------------------------- */

void
mail_foreign_put(struct text *out, const struct mail_foreign *foreign)
{
	text_put_char(out, MAIL_VERSION);
	text_put_char(out, foreign->allowed ? 1 : 0);
	octets_put_u32(out, foreign->count);
	octets_put_u16(out, (uint16_t)foreign->named.count);
	text_put_span(out, foreign->named.octets);
}

int
mail_foreign_read(struct span payload, struct mail_foreign *out)
{
	struct cursor c = { payload, false };
	struct mail_foreign foreign = { 0 };
	struct mail_list list;
	struct span address;
	uint8_t version = cursor_u8(&c);
	int r;

	foreign.allowed = cursor_u8(&c) != 0;
	foreign.count = cursor_u32(&c);
	foreign.named.count = cursor_u16(&c);
	foreign.named.octets = c.rest;
	if (c.failed || version != MAIL_VERSION || foreign.named.count > foreign.count)
		return -EBADMSG;
	list = foreign.named;
	while ((r = mail_list_next(&list, &address)) > 0)
		;
	if (r < 0)
		return r;
	*out = foreign;
	return 0;
}

static void
complain_foreign(struct reducing_mail *r, uint64_t entry_id, const struct mail_foreign *foreign)
{
	struct text *say = complaint_begin(&r->complaints);
	struct mail_list list = foreign->named;
	const char *before = foreign->count == 1 ? "The address " : "The addresses ";
	struct span address;

	while (mail_list_next(&list, &address) > 0) {
		text_put(say, before);
		complaint_quote(say, address);
		before = ", ";
	}
	if (foreign->count > foreign->named.count)
		text_putf(say, " and %u more", foreign->count - (unsigned)foreign->named.count);
	text_put(say, foreign->count == 1 ? " is not answered for this entry, which belongs to "
	                                  : " are not answered for this entry, which belongs to ");
	text_put_span(say, r->rest);
	text_put(say, ". If it may hold addresses of ");
	text_put_span(say, r->domain);
	text_put(say, ", make that domain a replica of ");
	text_put_span(say, r->rest);
	text_put(say, ", or add ");
	text_put_span(say, r->rest);
	text_put_char(say, '/');
	text_put_span(say, r->domain);
	text_put(say, " to allow-cross-domain of [claims] in ispman.conf; else remove them.");
	complain(r, "foreign-address", entry_id);
}

static int
reduce_foreign(struct reducing_mail *r)
{
	const struct reduce_input *input = r->input;
	struct mail_foreign foreign;
	bool allowed = false;

	for (size_t i = 0; i < input->count; i++) {
		if (mail_foreign_read(input->fragments[i].payload, &foreign) < 0)
			return -EBADMSG;
		allowed |= foreign.allowed;
	}
	for (size_t i = 0; !allowed && i < input->count; i++)
		if (mail_foreign_read(input->fragments[i].payload, &foreign) == 0)
			complain_foreign(r, input->fragments[i].entry_id, &foreign);
	return 0;
}

/* --- domains --------------------------------------------------------------------------------------- */

/* Whether A is to be preferred: one that is no replica, then the one that sorts first, on every machine the same. */
static bool
is_better(const struct mail_domain *a, struct span a_payload, const struct mail_domain *b, struct span b_payload)
{
	if ((a->master.len == 0) != (b->master.len == 0))
		return a->master.len == 0;
	return project_compare(a_payload, b_payload) < 0;
}

static int
read_domain(struct span payload, struct mail_domain *out)
{
	struct mail_domain domain;
	struct mail_list list;
	struct span login;
	int r = mail_domain_read(payload, &domain);

	if (r < 0)
		return -EBADMSG;
	list = domain.logins;
	while ((r = mail_list_next(&list, &login)) > 0)
		;
	*out = domain;
	return r;
}

static int
reduce_domain(struct reducing_mail *r)
{
	const struct reduce_input *input = r->input;
	const struct held_fragment *best = NULL;
	struct mail_domain domain, chosen = { 0 };

	for (size_t i = 0; i < input->count; i++) {
		const struct held_fragment *fragment = &input->fragments[i];

		if (read_domain(fragment->payload, &domain) < 0)
			return -EBADMSG;
		if (best == NULL || is_better(&domain, fragment->payload, &chosen, best->payload)) {
			best = fragment;
			chosen = domain;
		}
	}
	if (best == NULL)
		return 0;
	for (size_t i = 0; i < input->count; i++) {
		struct text *say;

		if (&input->fragments[i] == best)
			continue;
		say = complaint_begin(&r->complaints);
		text_put(say, "The entry is not used for mail: the same domain is described by ");
		quote_dn(r, say, best->entry_id);
		text_put(say, ". Remove one of the two.");
		complain(r, "duplicate-domain", input->fragments[i].entry_id);
	}
	text_put_span(&r->out->value, best->payload);
	r->out->present = true;
	return 0;
}

/* --- addresses --------------------------------------------------------------------------------------- */

struct claimed {
	struct mail_claim claim;
	uint64_t entry_id;
};

static bool
list_is_sound(struct mail_list list)
{
	struct span string;
	int r;

	while ((r = mail_list_next(&list, &string)) > 0)
		;
	return r == 0;
}

static int
read_claim(const struct held_fragment *fragment, struct claimed *out)
{
	out->entry_id = fragment->entry_id;
	if (mail_claim_read(fragment->payload, &out->claim) < 0 || !list_is_sound(out->claim.routing) ||
	    !list_is_sound(out->claim.forwarding) || !list_is_sound(out->claim.logins))
		return -EBADMSG;
	return 0;
}

static int
compare_claims(const void *a, const void *b)
{
	const struct claimed *x = a;
	const struct claimed *y = b;
	int order = project_compare(x->claim.claimer, y->claim.claimer);

	return order != 0 ? order : (x->entry_id > y->entry_id) - (x->entry_id < y->entry_id);
}

/* Several entries of one domain hold the address. */
static void
complain_twice(struct reducing_mail *r, const struct claimed *claims, size_t count, size_t used)
{
	struct text *say = complaint_begin(&r->complaints);
	cleanup(text_free) struct text address = TEXT_INIT;

	address_put(&address, r->rest, r->domain);
	text_put(say, "The address ");
	complaint_quote(say, text_span(&address));
	text_put(say, " is held by several entries, and mail for it goes to all of them: ");
	for (size_t i = 0; i < count && i < NAMED_DNS_MAX; i++) {
		text_put(say, i > 0 ? ", " : "");
		quote_dn(r, say, claims[i].entry_id);
	}
	if (count > NAMED_DNS_MAX)
		text_putf(say, " and %zu more", count - NAMED_DNS_MAX);
	if (used < count)
		text_putf(say, " (only %zu of them count)", used);
	text_put(say, ". Leave it to one of them, or make a group of it.");
	complain(r, "address-held-twice", claims[0].entry_id);
}

/* Puts what may be put of the claims of one domain's entries: how many. */
static size_t
put_claims(struct reducing_mail *r, const struct claimed *claims, size_t count, size_t room)
{
	struct text *value = &r->out->value;
	bool own = claims[0].claim.claimer.len == 0;
	size_t max = own ? PROJECT_MAIL_OWN_CLAIMS_MAX : PROJECT_MAIL_FOREIGN_CLAIMS_MAX;
	size_t before = value->len, used = 0;

	while (used < count && used < max && used < room && (own || value->len - before < PROJECT_MAIL_FOREIGN_OCTETS_MAX))
		mail_address_put(value, r->domain, r->rest, &claims[used++].claim);
	return used;
}

static void
reduce_claims(struct reducing_mail *r, struct claimed *claims, size_t count)
{
	size_t put = 0;

	qsort(claims, count, sizeof(*claims), compare_claims);
	mail_address_begin(&r->out->value);
	for (size_t i = 0, end; i < count; i = end) {
		size_t used;

		for (end = i; end < count && span_is(claims[end].claim.claimer, claims[i].claim.claimer); end++)
			;
		used = put_claims(r, claims + i, end - i, PROJECT_MAIL_CLAIMS_MAX - put);
		put += used;
		if (end - i > 1)
			complain_twice(r, claims + i, end - i, used);
	}
	r->out->present = put > 0;
}

static int
reduce_address(struct reducing_mail *r)
{
	const struct reduce_input *input = r->input;
	struct claimed *claims;
	int result = 0;

	if (input->count == 0)
		return 0;
	claims = calloc(input->count, sizeof(*claims));
	if (claims == NULL)
		return -ENOMEM;
	for (size_t i = 0; result == 0 && i < input->count; i++)
		result = read_claim(&input->fragments[i], &claims[i]);
	if (result == 0)
		reduce_claims(r, claims, input->count);
	free(claims);
	return result;
}

/* --- all ------------------------------------------------------------------------------------------- */

int
project_mail_reduce(const struct mail_settings *settings, const struct reduce_input *input, struct reduced *out)
{
	struct reducing_mail r = { settings, input, out, COMPLAINTS_INIT(&out->problems), { "", 0 }, { "", 0 } };
	char letter;
	int result;

	out->present = false;
	out->hold_until = 0;
	text_clear(&out->value);
	text_clear(&out->problems);
	if (key_mail_split(input->subject, &letter, &r.domain, &r.rest) < 0)
		return -EBADMSG;
	if (letter == 'd')
		result = reduce_domain(&r);
	else if (letter == 'a')
		result = reduce_address(&r);
	else
		result = reduce_foreign(&r);
	complaints_free(&r.complaints);
	if (result == 0 && (text_failed(&out->value) || text_failed(&out->problems)))
		result = -ENOMEM;
	if (result < 0)
		out->present = false;
	return result;
}
