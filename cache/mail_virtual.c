/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * What an address becomes: where its mailbox lies, where its mail is forwarded, who is in the group; with the extension that was
 * taken off to find it.
 *
 * Postfix asks again for each result, and stops where an address becomes itself: so groups within groups are its own business. With
 * expand_groups they are replaced by their members here, each group once. What goes too deep or becomes too much stays a group, and
 * Postfix asks for it.
 *
 * A ring, groups or forwards that lead back to where they began, would never end for Postfix: it gives up after a thousand questions
 * with "try later" (451), for days. So whoever asks for an address on a ring is answered with all that the ring leads to.
 */
#include <config.h>

#include "cache/resolve_mail.h"

#include <errno.h>

/* Members that are looked at for one answer, for each that it may have: groups that name each other all over are no way to keep the
 * server busy. */
enum { WORK_A_RESULT = 16 };

struct expansion {
	struct mail_view *view;
	const struct mail_options *options;
	struct mail_results *list;
	bool expands;
	bool is_ring; /* and so do forwards, until an address becomes itself */
	uint64_t work; /* members that may still be looked at */
	const char **seen; /* where the records of groups lie that were replaced */
	size_t seen_count, seen_room;
};

/* One group, or the address that was asked for. */
struct level {
	struct mail_question *question;
	const struct mail_match *match;
	unsigned depth;
	struct text *extension, *formed;
};

static int put_claims(struct expansion *x, const struct level *level);

/* --- groups within groups --------------------------------------------------------------------------- */

static bool
was_seen(const struct expansion *x, const char *record)
{
	for (size_t i = 0; i < x->seen_count; i++)
		if (x->seen[i] == record)
			return true;
	return false;
}

static int
see(struct expansion *x, const char *record)
{
	if (x->seen_count == x->seen_room) {
		size_t room = x->seen_room > 0 ? 2 * x->seen_room : 16;
		const char **seen = realloc(x->seen, room * sizeof(*seen));

		if (seen == NULL)
			return -ENOMEM;
		x->seen = seen;
		x->seen_room = room;
	}
	x->seen[x->seen_count++] = record;
	return 0;
}

/* Whether a group holds the address: 1, 0 or -EBADMSG. */
static int
is_group(const struct mail_question *question, const struct mail_match *match)
{
	struct mail_address claims = match->claims;
	struct mail_claim claim unfilled;
	struct mail_room room unfilled;
	int r;

	while ((r = mail_next_claim(question, match, &claims, &room, &claim)) > 0)
		if (claim.holder == MAIL_GROUP && mail_claim_delivers(&claim))
			return 1;
	return r;
}

/* --- rings ----------------------------------------------------------------------------------------- */

struct ring {
	struct expansion *x;
	const char *start; /* where the record lies that is asked about */
	unsigned depth;
	struct span local, domain; /* is_start(): of that record; no local part: of a catch-all, or at another domain */
};

/* The record that answers for RESULT: 1, 0 or negative. */
static int
find_result(const struct expansion *x, struct span result, struct mail_question *question, struct mail_match *out)
{
	int r = mail_question_set(question, x->view, x->options, result);

	if (r == 0)
		r = mail_find(question, MAIL_REACH_MAIL, out);
	return r == -EINVAL ? 0 : r;
}

static int
is_start(void *context, struct span result, bool is_routing)
{
	struct ring *ring = context;
	struct mail_question question unfilled;
	struct mail_match match unfilled;
	int r;

	(void)is_routing;
	if (ring->x->work == 0)
		return 0;
	ring->x->work--;
	/* A mailbox's own address, mostly. */
	if (address_stands_for(result, ring->local, ring->domain))
		return 1;
	r = find_result(ring->x, result, &question, &match);
	return r > 0 ? match.claims.octets.data == ring->start : r;
}

/* Whether the address becomes itself, among others: 1, 0 or negative. */
static int
ends_in_itself(struct expansion *x, const struct mail_question *question, const struct mail_match *match)
{
	struct ring ring = { .x = x, .start = match->claims.octets.data };

	if (!match->is_catch_all && !match->at_master) {
		ring.local = span_from(question->address.local, match->is_base ? question->base_len : question->address.local_len);
		ring.domain = match->domain;
	}
	return mail_each_result(question, match, is_start, &ring);
}

/* Whether RESULT leads to the start: 1, 0 or negative. */
static int
leads_back(void *context, struct span result, bool is_routing)
{
	struct ring *ring = context;
	struct ring next = { .x = ring->x, .start = ring->start, .depth = ring->depth + 1 };
	struct mail_question question unfilled;
	struct mail_match match unfilled;
	int r;

	(void)is_routing;
	if (ring->x->work == 0 || ring->depth > MAIL_GROUP_DEPTH_MAX)
		return 0;
	ring->x->work--;
	r = find_result(ring->x, result, &question, &match);
	if (r <= 0)
		return r;
	if (match.claims.octets.data == ring->start)
		return 1;
	if (match.verdict != MAIL_DELIVERS || was_seen(ring->x, match.claims.octets.data))
		return 0;
	r = see(ring->x, match.claims.octets.data);
	if (r == 0)
		r = ends_in_itself(ring->x, &question, &match);
	if (r != 0)
		return r < 0 ? r : 0;
	return mail_each_result(&question, &match, leads_back, &next);
}

/* Whether the address is on a ring: 1, 0 or negative. */
static int
is_on_ring(struct expansion *x, const struct mail_question *question, const struct mail_match *match)
{
	struct ring ring = { .x = x, .start = match->claims.octets.data };
	uint64_t work = x->work;
	__typeof__(x->view->say) say = x->view->say;
	int r;

	if (!match->leads_on)
		return 0;
	/* Members are asked about by themselves; here they would only be in the way of who reads why. */
	x->view->say = NULL;
	r = ends_in_itself(x, question, match);
	if (r == 0)
		r = mail_each_result(question, match, leads_back, &ring);
	else if (r > 0)
		r = 0;
	x->view->say = say;
	x->seen_count = 0;
	x->work = work;
	if (r > 0)
		mail_say(x->view, NULL, "it leads back to itself: here is all that it leads to");
	return r;
}

/* Whether what the address becomes stands in its place: 1, 0 or negative. */
static int
is_replaced(struct expansion *x, const struct mail_question *question, const struct mail_match *match)
{
	int r = x->options->expand_groups ? is_group(question, match) : 0;

	if (r != 0 || !x->is_ring || match->verdict != MAIL_DELIVERS)
		return r;
	r = ends_in_itself(x, question, match);
	return r < 0 ? r : r == 0;
}

static int
put_members(struct expansion *x, struct mail_question *question, const struct mail_match *match, unsigned depth)
{
	struct text extension = TEXT_INIT, formed = TEXT_INIT;
	const struct level level = { question, match, depth, &extension, &formed };
	size_t count = x->list->count, seen_count = x->seen_count;
	int r = see(x, match->claims.octets.data);

	if (r == 0 && match->is_base)
		address_put_typed_extension(&extension, &question->address, x->options->delimiters);
	if (r == 0)
		r = put_claims(x, &level);
	if (r == -EOVERFLOW) {
		mail_say(x->view, NULL, "with the members of %.*s it would be too much: it stays a group",
		         SPAN_ARGS(address_local_span(&question->address)));
		mail_results_cut(x->list, count);
		x->seen_count = seen_count;
	}
	text_free(&extension);
	text_free(&formed);
	return r == -EOVERFLOW ? 0 : r < 0 ? r : 1;
}

/* Puts the members of the group that RESULT is: 1; 0 when it is none, or is to stay one. */
static int
expand(struct expansion *x, struct span result, unsigned depth)
{
	struct mail_question question unfilled;
	struct mail_match match unfilled;
	int r;

	if (depth > x->options->group_depth || depth > MAIL_GROUP_DEPTH_MAX || x->work == 0 ||
	    x->seen_count > x->options->group_size)
		return 0;
	r = mail_question_set(&question, x->view, x->options, result);
	if (r == 0)
		r = mail_find(&question, MAIL_REACH_EXACT, &match);
	if (r <= 0)
		return r == -EINVAL ? 0 : r;
	r = is_replaced(x, &question, &match);
	if (r <= 0)
		return r;
	if (was_seen(x, match.claims.octets.data))
		return 1;
	return put_members(x, &question, &match, depth);
}

/* --- results ------------------------------------------------------------------------------------------ */

/* Whether RESULT is an address in a domain of ours. */
static int
is_ours(struct mail_view *view, struct span result)
{
	struct mail_domain domain;
	struct address address;
	int r = address_read(result, &address);

	if (r < 0)
		return r == -EINVAL ? 0 : r;
	return address.kind == ADDRESS_FULL ? mail_domain_at(view, address_domain_span(&address), &domain) : 0;
}

static int
gets_extension(struct expansion *x, struct span result, bool is_routing)
{
	if (x->options->extend == MAIL_EXTEND_LOCAL)
		return is_routing ? 1 : is_ours(x->view, result);
	return x->options->extend == MAIL_EXTEND_ALL;
}

/* RESULT as it is to be written: 1, 0 when it is nothing, or negative. */
static int
form(struct expansion *x, const struct level *level, struct span *result, bool is_routing)
{
	const struct mail_question *q = level->question;
	int r = 0;

	if (result->len == 0)
		return 0;
	text_clear(level->formed);
	if (result->data[0] == '@') {
		/* Postfix puts the local part in front of the whole list. */
		if (level->depth == 0 && x->list->count == 0)
			return 1;
		if (q->address.kind != ADDRESS_FULL)
			return 0;
		address_put(level->formed, address_local_span(&q->address), span_skip(*result, 1));
	} else {
		if (level->extension->len > 0)
			r = gets_extension(x, *result, is_routing);
		if (r <= 0)
			return r < 0 ? r : 1;
		address_put_extended(level->formed, *result, text_span(level->extension));
	}
	if (text_failed(level->formed))
		return -ENOMEM;
	*result = text_span(level->formed);
	return 1;
}

struct put {
	struct expansion *x;
	const struct level *level;
};

static int
put_result(void *context, struct span result, bool is_routing)
{
	const struct put *put = context;
	struct expansion *x = put->x;
	const struct level *level = put->level;
	int r = form(x, level, &result, is_routing);

	if (r <= 0)
		return r;
	if (level->depth > 0 && x->work > 0)
		x->work--;
	r = x->expands ? expand(x, result, level->depth + 1) : 0;
	if (r != 0)
		return r < 0 ? r : 0;
	mail_results_add(x->list, result);
	if (level->depth > 0 && (x->list->count > x->options->group_size || x->work == 0))
		return -EOVERFLOW;
	if (mail_results_len(x->list) > MAIL_VALUE_MAX)
		return level->depth > 0 ? -EOVERFLOW : -E2BIG;
	return 0;
}

/* --- claims ------------------------------------------------------------------------------------------- */

typedef int each_result(void *context, struct span result, bool is_routing);

static int
each_of_list(struct mail_list list, each_result *each, void *context, bool is_routing)
{
	struct span result;
	int r, said = 0;

	while (said == 0 && (r = mail_list_next(&list, &result)) != 0) {
		if (r < 0)
			return r;
		said = each(context, result, is_routing);
	}
	return said;
}

/* The mailbox's own address: it ends Postfix's recursion. */
static int
itself(const struct mail_question *q, const struct mail_match *match, const struct mail_claim *claim, each_result *each,
       void *context)
{
	struct text asked = TEXT_INIT;
	int r;

	if (claim->primary.len > 0)
		return each(context, claim->primary, true);
	mail_put_asked(q, match, &asked);
	r = text_failed(&asked) ? -ENOMEM : each(context, text_span(&asked), true);
	text_free(&asked);
	return r;
}

static int
each_of_claim(const struct mail_question *q, const struct mail_match *match, const struct mail_claim *claim, each_result *each,
              void *context)
{
	int r = 0;

	if ((claim->flags & MAIL_NO_COPY) == 0 || claim->forwarding.count == 0) {
		r = each_of_list(claim->routing, each, context, true);
		if (r == 0 && claim->routing.count == 0 && claim->mail_host.len > 0)
			r = itself(q, match, claim, each, context);
	}
	return r == 0 ? each_of_list(claim->forwarding, each, context, false) : r;
}

int
mail_each_result(const struct mail_question *q, const struct mail_match *match, each_result *each, void *context)
{
	struct mail_address claims = match->claims;
	struct mail_claim claim unfilled;
	struct mail_room room unfilled;
	int r, said = 0;

	while (said == 0 && (r = mail_next_claim(q, match, &claims, &room, &claim)) != 0) {
		if (r < 0)
			return r;
		if (mail_claim_delivers(&claim))
			said = each_of_claim(q, match, &claim, each, context);
	}
	return said;
}

static int
put_claims(struct expansion *x, const struct level *level)
{
	struct put put = { x, level };

	return mail_each_result(level->question, level->match, put_result, &put);
}

static int
put_asked(struct expansion *x, const struct level *level)
{
	text_clear(level->formed);
	mail_put_asked(level->question, level->match, level->formed);
	if (text_failed(level->formed))
		return -ENOMEM;
	mail_results_add(x->list, text_span(level->formed));
	return 0;
}

int
mail_put_virtual(struct mail_question *question, const struct mail_match *match, struct text *out)
{
	struct mail_view *view = question->view;
	const struct mail_options *options = question->options;
	struct expansion x = {
		.view = view,
		.options = options,
		.list = &view->results,
		.work = (uint64_t)WORK_A_RESULT * (options->group_size + 1ULL),
	};
	const struct level level = { question, match, 0, &view->extension, &view->formed };
	int r = 0;

	mail_results_begin(x.list, out);
	text_clear(level.extension);
	if (match->is_base)
		address_put_typed_extension(level.extension, &question->address, options->delimiters);
	r = is_on_ring(&x, question, match);
	x.is_ring = r > 0;
	x.expands = x.is_ring || options->expand_groups;
	if (r >= 0)
		r = x.expands ? see(&x, match->claims.octets.data) : 0;
	if (r == 0)
		r = put_claims(&x, &level);
	/* A ring and nobody else: Postfix finds no way for what becomes itself, and returns the mail. */
	if (r == 0 && x.expands && x.list->count == 0)
		r = put_asked(&x, &level);
	free(x.seen);
	if (r == 0 && (x.list->failed || text_failed(level.extension)))
		r = -ENOMEM;
	if (r < 0)
		mail_results_cut(x.list, 0);
	return r < 0 ? r : x.list->count > 0;
}
