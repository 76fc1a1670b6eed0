/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * From an address to the record that answers for it:
 *
 *	1  the whole local part at X, its domain
 *	2  the local part without its extension at X
 *	3  if X is a replica: the same two at D, its master
 *	4  the catch-all of X, then that of D
 *
 * All maps about addresses go the same way and end at the same record, so that they never contradict each other: what a map cannot
 * say of the record where the chain ends, it does not ask of the next one. Else the catch-all would have a mailbox for an address that
 * only forwards, and its holder might send as anybody. docs/mail-maps.md has the table.
 */
#include <config.h>

#include "cache/resolve_mail.h"

#include <errno.h>

/* --- the question --------------------------------------------------------------------------------- */

static void
say_domain(const struct mail_question *q)
{
	struct span name = address_domain_span(&q->address);
	struct key key;

	key_mail_domain(&key, name);
	if (!q->is_hosted)
		mail_say(q->view, &key, "%.*s is no mail domain of ours", SPAN_ARGS(name));
	else if (q->domain.master.len > 0)
		mail_say(q->view, &key, "%.*s is a replica of %.*s%s", SPAN_ARGS(name), SPAN_ARGS(q->domain.master),
		         q->has_master ? "" : ", which is no domain that can be repeated");
	else
		mail_say(q->view, &key, "%.*s is a mail domain of ours", SPAN_ARGS(name));
}

/* The domains X and D. */
static int
look_up_domains(struct mail_question *q)
{
	struct mail_view *view = q->view;
	int r = mail_domain_at(view, address_domain_span(&q->address), &q->domain);

	if (r <= 0)
		return r;
	q->is_hosted = true;
	q->is_refused = q->domain.suspended;
	if (q->domain.master.len > 0) {
		r = mail_domain_at(view, q->domain.master, &q->master);
		if (r < 0)
			return r;
		/* A replica of a replica repeats nothing. */
		q->has_master = r > 0 && q->master.master.len == 0;
		q->is_refused |= q->has_master && q->master.suspended;
	}
	q->is_refused &= q->options->refuse_suspended_domains;
	return 0;
}

int
mail_question_set(struct mail_question *out, struct mail_view *view, const struct mail_options *options, struct span key)
{
	int r = address_read(key, &out->address);

	if (r < 0)
		return r;
	out->view = view;
	out->options = options;
	out->knows_domains = out->is_hosted = out->is_refused = out->has_master = false;
	out->base_len = address_extension(address_local_span(&out->address), options->delimiters);
	/* No entry can hold what is at an address literal. */
	if (out->address.literal)
		return -EINVAL;
	return view->say != NULL ? mail_question_look_up(out) : 0;
}

int
mail_question_look_up(struct mail_question *q)
{
	int r;

	if (q->knows_domains)
		return 0;
	r = look_up_domains(q);
	if (r < 0)
		return r;
	q->knows_domains = true;
	if (q->view->say != NULL)
		say_domain(q);
	return 0;
}

void
mail_put_asked(const struct mail_question *q, const struct mail_match *match, struct text *out)
{
	address_put(out, span_from(q->address.local, match->is_base ? q->base_len : q->address.local_len),
	            address_domain_span(&q->address));
}

/* --- claims ----------------------------------------------------------------------------------------- */

/* An entry speaks for its own domain and that one's replicas. */
static bool
counts(const struct mail_claim *claim, struct span claimer)
{
	return claim->claimer.len == 0 || (claimer.len > 0 && span_is(claim->claimer, claimer));
}

static bool
is_refused(const struct mail_question *q, const struct mail_claim *claim)
{
	return (claim->flags & MAIL_SUSPENDED) != 0 && q->options->refuse_suspended_users;
}

int
mail_next_claim(const struct mail_question *q, const struct mail_match *match, struct mail_address *claims, struct mail_room *room,
                struct mail_claim *out)
{
	int r;

	do {
		if (claims->octets.len == match->claims.octets.len && claims->octets.len > 0) {
			*out = match->first;
			*claims = match->others;
			r = 1;
		} else {
			r = mail_address_next(claims, room, out);
		}
	} while (r > 0 && (!counts(out, match->claimer) || is_refused(q, out)));
	return r;
}

/* Of which other domain's entries claims at X count. */
static struct span
claimer_at(const struct mail_question *q, bool at_master)
{
	return at_master || !q->is_hosted ? (struct span){ "", 0 } : q->domain.master;
}

static enum mail_verdict
judge_claim(const struct mail_question *q, const struct mail_claim *claim)
{
	if (is_refused(q, claim))
		return MAIL_REFUSED;
	if (claim->relocated.len > 0)
		return MAIL_MOVED;
	return mail_claim_delivers(claim) ? MAIL_DELIVERS : MAIL_EMPTY;
}

/* Reads all claims once, and sees that they can be read. */
static int
judge(struct mail_question *q, struct mail_match *match)
{
	struct mail_address claims = match->claims;
	struct mail_claim other unfilled, *claim = &match->first;
	struct mail_room room unfilled;
	int r = mail_address_next(&claims, &match->room, claim);

	match->others = claims;
	match->verdict = MAIL_NOTHING;
	match->leads_on = false;
	while (r > 0) {
		if (claim->claimer.len > 0 && !q->knows_domains) {
			r = mail_question_look_up(q);
			if (r < 0)
				return r;
			match->claimer = claimer_at(q, match->at_master);
		}
		if (counts(claim, match->claimer)) {
			enum mail_verdict verdict = judge_claim(q, claim);

			if (verdict > match->verdict)
				match->verdict = verdict;
			if (verdict != MAIL_REFUSED && (claim->forwarding.count > 0 || claim->mail_host.len == 0))
				match->leads_on = true;
		}
		claim = &other;
		r = mail_address_next(&claims, &room, claim);
	}
	return r;
}

/* --- the chain --------------------------------------------------------------------------------------- */

struct step {
	bool at_master, is_base, is_catch_all;
};

static void
say_step(const struct mail_question *q, const struct mail_match *match, struct span local, int found)
{
	static const char *const verdicts[] = {
		[MAIL_NOTHING] = "is held only by entries of other domains, which have no say in it",
		[MAIL_EMPTY] = "is held, but without a mailbox and without anywhere to send its mail",
		[MAIL_REFUSED] = "is held by a suspended user: mail is refused",
		[MAIL_MOVED] = "has moved",
		[MAIL_DELIVERS] = "is held",
	};
	const char *what = match->is_catch_all ? "the catch-all " : "";
	const char *why = match->is_base && match->at_master ? ", without the extension, at the replica's master,"
	                  : match->is_base                   ? ", without the extension,"
	                  : match->at_master                 ? ", at the replica's master,"
	                                                     : "";
	struct key key;

	key_mail_address(&key, match->domain, local);
	mail_say(q->view, &key, "%s%.*s@%.*s%s %s", what, SPAN_ARGS(local), SPAN_ARGS(match->domain), why,
	         found > 0 ? verdicts[match->verdict] : "is held by nobody");
}

/* Looks at one record: 1 when the chain ends there. */
static int
take_step(struct mail_question *q, const struct step *step, enum mail_reach reach, struct mail_match *out)
{
	struct span local = span_from(q->address.local, step->is_catch_all ? 0 : step->is_base ? q->base_len : q->address.local_len);
	int r, found;

	out->at_master = step->at_master;
	out->is_base = step->is_base;
	out->is_catch_all = step->is_catch_all;
	out->domain = step->at_master ? q->domain.master : address_domain_span(&q->address);
	out->claimer = claimer_at(q, step->at_master);
	found = r = step->is_catch_all ? mail_catch_all_at(q->view, out->domain, &out->claims)
	                               : mail_address_at(q->view, out->domain, local, &out->claims);
	if (r > 0)
		r = judge(q, out);
	if (r < 0)
		return r;
	if (q->view->say != NULL)
		say_step(q, out, local, found);
	return found > 0 && out->verdict != MAIL_NOTHING && (out->verdict != MAIL_EMPTY || reach == MAIL_REACH_HOLDER);
}

static bool
applies(const struct mail_question *q, const struct step *step, enum mail_reach reach)
{
	if (step->at_master && !q->has_master)
		return false;
	if (step->is_catch_all)
		return reach != MAIL_REACH_EXACT;
	return q->address.kind == ADDRESS_FULL && (!step->is_base || q->base_len < q->address.local_len);
}

int
mail_find(struct mail_question *q, enum mail_reach reach, struct mail_match *out)
{
	enum { STEPS_WITHOUT_DOMAINS = 2 };
	static const struct step steps[] = {
		{ false, false, false }, { false, true, false }, { true, false, false },
		{ true, true, false },   { false, false, true }, { true, false, true },
	};
	int r = q->options->refuse_suspended_domains ? mail_question_look_up(q) : 0;

	if (r == 0 && q->is_refused) {
		mail_say(q->view, NULL, "the domain is suspended: its mail is refused");
		return 0;
	}
	for (size_t i = 0; i < array_size(steps) && r == 0; i++) {
		if (i == STEPS_WITHOUT_DOMAINS)
			r = mail_question_look_up(q);
		if (r == 0 && applies(q, &steps[i], reach))
			r = take_step(q, &steps[i], reach, out);
	}
	return r;
}
