/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * All fragments of one subject to its record: who holds a login, and who one that is another's.
 *
 * What is wrong is said of secret/ alone: account/ has the same claims.
 */
#include <config.h>

#include "cache/octets.h"
#include "cache/project_login_parts.h"

#include <errno.h>

enum { NAMED_DNS_MAX = 5, FOREIGN_VERSION = 1 };

struct reducing_login {
	const struct reduce_input *input;
	struct reduced *out;
	struct complaints complaints;
	bool is_told;              /* what is wrong is said here */
	struct span name, claimer; /* of the subject's key */
};

static void
complain(struct reducing_login *r, const char *kind, uint64_t entry_id)
{
	cleanup(text_free) struct text dn = TEXT_INIT;

	if (complaints_wanted(&r->complaints))
		r->input->dn_of(r->input->context, entry_id, &dn);
	complaint_end(&r->complaints, kind, text_span(&dn));
}

static void
quote_dn(const struct reducing_login *r, struct text *say, uint64_t entry_id)
{
	cleanup(text_free) struct text dn = TEXT_INIT;

	if (!complaints_wanted(&r->complaints))
		return;
	r->input->dn_of(r->input->context, entry_id, &dn);
	complaint_quote_max(say, text_span(&dn), COMPLAINT_DN_MAX);
}

/* --- 'v': version, whether it allows, count (4), count of named ones (2), their logins ---------------------------- */

void
login_foreign_put(struct text *out, const struct login_foreign *foreign)
{
	text_put_char(out, FOREIGN_VERSION);
	text_put_char(out, foreign->allowed ? 1 : 0);
	octets_put_u32(out, foreign->count);
	octets_put_u16(out, foreign->named_count);
	text_put_span(out, foreign->named);
}

int
login_foreign_read(struct span payload, struct login_foreign *out)
{
	struct cursor c = { payload, false };
	struct login_foreign foreign = { 0 };
	uint8_t version = cursor_u8(&c);
	struct cursor named;

	foreign.allowed = cursor_u8(&c) != 0;
	foreign.count = cursor_u32(&c);
	foreign.named_count = cursor_u16(&c);
	foreign.named = c.rest;
	named = c;
	for (unsigned i = 0; i < foreign.named_count && !named.failed; i++)
		cursor_string(&named);
	if (named.failed || named.rest.len > 0 || version != FOREIGN_VERSION || foreign.named_count > foreign.count)
		return -EBADMSG;
	*out = foreign;
	return 0;
}

static void
complain_foreign(struct reducing_login *r, uint64_t entry_id, const struct login_foreign *foreign)
{
	struct text *say = complaint_begin(&r->complaints);
	struct cursor named = { foreign->named, false };

	text_put(say, foreign->count == 1 ? "Nobody can log in to this entry as " : "Nobody can log in to this entry with these: ");
	for (unsigned i = 0; i < foreign->named_count; i++) {
		text_put(say, i > 0 ? ", " : "");
		complaint_quote(say, cursor_string(&named));
	}
	if (foreign->count > foreign->named_count)
		text_putf(say, " and %u more", foreign->count - foreign->named_count);
	text_put(say, ". The entry belongs to ");
	text_put_span(say, r->claimer);
	text_put(say, ". If it may hold logins of ");
	text_put_span(say, r->name);
	text_put(say, ", make that domain a replica of ");
	text_put_span(say, r->claimer);
	text_put(say, ", or add ");
	text_put_span(say, r->claimer);
	text_put_char(say, '/');
	text_put_span(say, r->name);
	text_put(say, " to allow-cross-domain of [claims] in ispman.conf; else remove them.");
	complain(r, "foreign-login", entry_id);
}

static int
reduce_foreign(struct reducing_login *r)
{
	const struct reduce_input *input = r->input;
	struct login_foreign foreign;
	bool allowed = false;

	for (size_t i = 0; i < input->count; i++) {
		if (login_foreign_read(input->fragments[i].payload, &foreign) < 0)
			return -EBADMSG;
		allowed |= foreign.allowed;
	}
	for (size_t i = 0; !allowed && i < input->count; i++)
		if (login_foreign_read(input->fragments[i].payload, &foreign) == 0)
			complain_foreign(r, input->fragments[i].entry_id, &foreign);
	return 0;
}

/* --- entries and domains ---------------------------------------------------------------------------------- */

/* Whether of two fragments of one domain A is to be preferred to B. */
static bool
is_better(struct span a, struct span b)
{
	struct login_domain x, y;

	/* One that is no replica, then the one that sorts first, on every machine the same. */
	if (login_domain_read(a, &x) == 0 && login_domain_read(b, &y) == 0 && (x.master.len == 0) != (y.master.len == 0))
		return x.master.len == 0;
	return project_compare(a, b) < 0;
}

static bool
is_sound(char letter, struct span payload)
{
	struct login_domain domain;
	struct account_entry account;
	struct secret_entry secret;
	struct span value;
	int r;

	if (letter == 'o' || letter == 'O')
		return login_domain_read(payload, &domain) == 0;
	if (letter == 'E')
		return account_entry_read(payload, &account) == 0;
	if (letter == 'H' || letter == 'G')
		return login_host_read(payload, &value) == 0;
	if (secret_entry_read(payload, &secret) < 0)
		return false;
	while ((r = secret_value_next(&secret, &value)) > 0)
		;
	return r == 0;
}

/* A subject that one entry makes: its fragment is the record. Of a domain that several describe the mail projection tells. */
static int
reduce_one(struct reducing_login *r, char letter)
{
	const struct reduce_input *input = r->input;
	const struct held_fragment *best = NULL;
	bool is_domain = letter == 'o' || letter == 'O';

	for (size_t i = 0; i < input->count; i++) {
		if (!is_sound(letter, input->fragments[i].payload))
			return -EBADMSG;
		/* Of one UUID the first entry, so that both environments mean the same one. */
		if (best == NULL || (is_domain && is_better(input->fragments[i].payload, best->payload)))
			best = &input->fragments[i];
	}
	if (best == NULL)
		return 0;
	for (size_t i = 0; letter == 'e' && i < input->count; i++) {
		struct text *say;

		if (&input->fragments[i] == best)
			continue;
		say = complaint_begin(&r->complaints);
		text_put(say, "Nobody can log in to this entry: it has the entryUUID of ");
		quote_dn(r, say, best->entry_id);
		text_put(say, ". Give each entry its own.");
		complain(r, "duplicate-uuid", input->fragments[i].entry_id);
	}
	text_put_span(&r->out->value, best->payload);
	r->out->present = true;
	return 0;
}

/* --- logins ------------------------------------------------------------------------------------------ */

struct claimed {
	struct login_claim claim;
	uint64_t entry_id;
};

/* The one claim of a fragment. */
static int
read_claim(const struct held_fragment *fragment, struct claimed *out)
{
	struct login_claims claims;
	struct login_claim after;

	out->entry_id = fragment->entry_id;
	if (login_claims_read(fragment->payload, &claims) < 0 || login_claims_next(&claims, &out->claim) != 1 ||
	    login_claims_next(&claims, &after) != 0)
		return -EBADMSG;
	return 0;
}

static int
compare_kinds(const struct claimed *x, const struct claimed *y)
{
	int order = (int)x->claim.kind - (int)y->claim.kind;

	return order != 0 ? order : (x->entry_id > y->entry_id) - (x->entry_id < y->entry_id);
}

/* By right, the domain that they come from, kind, entry: those that compete stand together. */
static int
compare_rivals(const void *a, const void *b)
{
	const struct claimed *x = a;
	const struct claimed *y = b;
	int order = (int)x->claim.right - (int)y->claim.right;

	if (order == 0)
		order = project_compare(x->claim.claimer, y->claim.claimer);
	return order != 0 ? order : compare_kinds(x, y);
}

/* By right, kind, entry: as they are read. */
static int
compare_claims(const void *a, const void *b)
{
	const struct claimed *x = a;
	const struct claimed *y = b;
	int order = (int)x->claim.right - (int)y->claim.right;

	return order != 0 ? order : compare_kinds(x, y);
}

static const char *
kind_word(uint8_t kind)
{
	static const char *const words[LOGIN_KINDS] = { [LOGIN_USER] = "a user",
		                                        [LOGIN_VHOST] = "a virtual host",
		                                        [LOGIN_DOMAIN] = "a domain",
		                                        [LOGIN_ADMIN] = "an admin" };

	return words[kind];
}

/* 'The login "NAME" ' */
static struct text *
begin_of_login(struct reducing_login *r)
{
	struct text *say = complaint_begin(&r->complaints);

	text_put(say, "The login ");
	complaint_quote(say, r->name);
	return say;
}

/* Several entries of one kind. */
static void
complain_twice(struct reducing_login *r, const struct claimed *claims, size_t count)
{
	struct text *say = begin_of_login(r);

	text_put(say, " is refused: several entries hold it, ");
	for (size_t i = 0; i < count && i < NAMED_DNS_MAX; i++) {
		text_put(say, i > 0 ? ", " : "");
		quote_dn(r, say, claims[i].entry_id);
	}
	if (count > NAMED_DNS_MAX)
		text_putf(say, " and %zu more", count - NAMED_DNS_MAX);
	text_put(say, ". Leave it to one of them.");
	complain(r, "login-held-twice", claims[0].entry_id);
}

/* Entries of several kinds; claims[0] is of the first. */
static void
complain_kinds(struct reducing_login *r, const struct claimed *claims, size_t count)
{
	uint8_t kind = claims[0].claim.kind;
	struct text *say = begin_of_login(r);

	text_putf(say, " stands for %s, ", kind_word(kind));
	quote_dn(r, say, claims[0].entry_id);
	for (size_t i = 1; i < count; i++) {
		if (claims[i].claim.kind == kind)
			continue;
		kind = claims[i].claim.kind;
		text_putf(say, "; and where no such may log in for %s, ", kind_word(kind));
		quote_dn(r, say, claims[i].entry_id);
	}
	text_put(say, ". Give each a login of its own.");
	complain(r, "login-of-several-kinds", claims[0].entry_id);
}

/* What the owner has a better right to. */
static void
complain_not_own(struct reducing_login *r, const struct claimed *owner, const struct claimed *claims, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct text *say;

		if (claims[i].claim.right != LOGIN_BARE || claims[i].entry_id == owner->entry_id)
			continue;
		say = begin_of_login(r);
		text_put(say, " does not stand for this entry: it is that of ");
		quote_dn(r, say, owner->entry_id);
		text_put(say, ". Remove it here.");
		complain(r, "login-not-own", claims[i].entry_id);
	}
}

/* COUNT claims of one right that come from one domain. */
static void
complain_rivals(struct reducing_login *r, const struct claimed *claims, size_t count)
{
	size_t end;

	for (size_t i = 0; i < count; i = end) {
		for (end = i; end < count && claims[end].claim.kind == claims[i].claim.kind; end++)
			;
		if (end - i > 1)
			complain_twice(r, claims + i, end - i);
	}
	if (claims[count - 1].claim.kind != claims[0].claim.kind)
		complain_kinds(r, claims, count);
}

/* What is wrong between CLAIMS, sorted as rivals. */
static void
complain_all(struct reducing_login *r, const struct claimed *claims, size_t count)
{
	const struct claimed *owner = claims[0].claim.right == LOGIN_OWN && claims[0].claim.claimer.len == 0 ? &claims[0] : NULL;
	size_t end;

	if (owner != NULL)
		complain_not_own(r, owner, claims, count);
	for (size_t i = 0; i < count; i = end) {
		for (end = i; end < count && claims[end].claim.right == claims[i].claim.right &&
		              span_is(claims[end].claim.claimer, claims[i].claim.claimer);
		     end++)
			;
		/* Of an address held twice the mail projection tells, and words that are another's are none. */
		if (claims[i].claim.right == LOGIN_OWN || (claims[i].claim.right == LOGIN_BARE && owner == NULL))
			complain_rivals(r, claims + i, end - i);
	}
}

/* Keeps of CLAIMS, sorted as rivals, what a record may hold: how many. */
static size_t
limit(struct claimed *claims, size_t count)
{
	size_t kept = 0, end;

	for (size_t i = 0; i < count; i = end) {
		size_t max = claims[i].claim.claimer.len == 0 ? PROJECT_LOGIN_OWN_CLAIMS_MAX : PROJECT_LOGIN_FOREIGN_CLAIMS_MAX;
		size_t used = 0;
		struct login_claim first = claims[i].claim;

		for (end = i; end < count && claims[end].claim.right == first.right && span_is(claims[end].claim.claimer, first.claimer);
		     end++)
			if (used < max && kept < PROJECT_LOGIN_CLAIMS_MAX) {
				claims[kept++] = claims[end];
				used++;
			}
	}
	return kept;
}

static int
reduce_login(struct reducing_login *r)
{
	const struct reduce_input *input = r->input;
	struct claimed *claims;
	size_t count = input->count;
	int result = 0;

	if (count == 0)
		return 0;
	claims = calloc(count, sizeof(*claims));
	if (claims == NULL)
		return -ENOMEM;
	for (size_t i = 0; result == 0 && i < count; i++)
		result = read_claim(&input->fragments[i], &claims[i]);
	if (result == 0) {
		if (count > 1) {
			qsort(claims, count, sizeof(*claims), compare_rivals);
			if (r->is_told)
				complain_all(r, claims, count);
			count = limit(claims, count);
			qsort(claims, count, sizeof(*claims), compare_claims);
		}
		login_claims_begin(&r->out->value);
		for (size_t i = 0; i < count; i++)
			login_claims_put(&r->out->value, 0, &claims[i].claim);
		r->out->present = true;
	}
	free(claims);
	return result;
}

/* --- all ------------------------------------------------------------------------------------------- */

int
project_login_reduce(const struct login_settings *settings, const struct reduce_input *input, struct reduced *out)
{
	struct reducing_login r = { .input = input, .out = out, .complaints = COMPLAINTS_INIT(&out->problems) };
	char letter;
	int result;

	(void)settings;
	out->present = false;
	out->hold_until = 0;
	text_clear(&out->value);
	text_clear(&out->problems);
	if (key_login_split(input->subject, &letter, &r.name, &r.claimer) < 0)
		return -EBADMSG;
	r.is_told = letter == 'l';
	if (letter == 'l' || letter == 'L')
		result = reduce_login(&r);
	else if (letter == 'v')
		result = reduce_foreign(&r);
	else
		result = reduce_one(&r, letter);
	complaints_free(&r.complaints);
	if (result == 0 && (text_failed(&out->value) || text_failed(&out->problems)))
		result = -ENOMEM;
	if (result < 0)
		out->present = false;
	return result;
}
