/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * The maps: what each says of the record where the chain (mail_chain.c) ends, and of domains. docs/mail-maps.md has the table.
 *
 * A new map is a row in maps[], a function here and a column there.
 */
#include <config.h>

#include "cache/resolve_mail.h"

#include <errno.h>

const struct mail_options mail_options_default = {
	.delimiters = { "+", 1 },
	.extend = MAIL_EXTEND_LOCAL,
	.group_depth = 20,
	.group_size = 1000,
	.mailbox_transport = "lmtp:[%h]",
};

/* --- domains ------------------------------------------------------------------------------------------- */

/* A domain that is not refused and has this delivery, as the directory spells it. */
static int
put_domain(struct mail_question *q, enum mail_delivery delivery, struct text *out)
{
	if (!q->is_hosted)
		return 0;
	mail_say(q->view, NULL, "%s%s", q->domain.delivery == MAIL_DELIVERY_LOCAL ? "its mail ends here" : "its mail is relayed",
	         q->is_refused ? ", but it is suspended, and its mail is refused" : "");
	if (q->is_refused || q->domain.delivery != delivery)
		return 0;
	mail_put_clean(out, q->domain.name.len > 0 ? q->domain.name : address_domain_span(&q->address));
	return 1;
}

static int
answer_domains(struct mail_question *q, struct text *out)
{
	return q->address.kind == ADDRESS_WORD ? put_domain(q, MAIL_DELIVERY_LOCAL, out) : 0;
}

static int
answer_relay_domains(struct mail_question *q, struct text *out)
{
	return q->address.kind == ADDRESS_WORD ? put_domain(q, MAIL_DELIVERY_SMTP, out) : 0;
}

/* --- addresses ------------------------------------------------------------------------------------------- */

/* The record where the chain for mail ends, if it delivers. */
static int
find_delivering(struct mail_question *q, struct mail_match *out)
{
	int r = q->address.kind == ADDRESS_WORD ? 0 : mail_find(q, MAIL_REACH_MAIL, out);

	return r > 0 ? out->verdict == MAIL_DELIVERS : r;
}

static int
answer_virtual(struct mail_question *q, struct text *out)
{
	struct mail_match match unfilled;
	int r = find_delivering(q, &match);

	return r > 0 ? mail_put_virtual(q, &match, out) : r;
}

static int
answer_recipients(struct mail_question *q, struct text *out)
{
	struct mail_match match unfilled;
	int r;

	if (q->address.kind == ADDRESS_WORD)
		return 0;
	if (mail_relays_all(q)) {
		mail_say(q->view, NULL, "the domain's mail is relayed, whatever the address");
		r = 1;
	} else {
		r = find_delivering(q, &match);
	}
	if (r > 0)
		address_put(out, address_local_span(&q->address), address_domain_span(&q->address));
	return r;
}

/* The first claim with a mailbox: 1, 0 or negative. */
static int
find_mailbox(struct mail_question *q, struct mail_match *match, struct mail_room *room, struct mail_claim *out)
{
	struct mail_address claims;
	int r = find_delivering(q, match);

	if (r <= 0)
		return r;
	claims = match->claims;
	while ((r = mail_next_claim(q, match, &claims, room, out)) > 0)
		if (out->mail_host.len > 0 && out->relocated.len == 0)
			return 1;
	return r;
}

static int
answer_mailbox(struct mail_question *q, struct text *out)
{
	struct mail_match match unfilled;
	struct mail_claim claim unfilled;
	struct mail_room room unfilled;
	int r = find_mailbox(q, &match, &room, &claim);

	if (r <= 0)
		return r;
	mail_results_begin(&q->view->results, out);
	if (claim.primary.len == 0 || mail_results_add(&q->view->results, claim.primary) == 0)
		mail_put_asked(q, &match, out);
	return q->view->results.failed ? -ENOMEM : 1;
}

static int
answer_relocated(struct mail_question *q, struct text *out)
{
	struct mail_address claims;
	struct mail_match match unfilled;
	struct mail_claim claim unfilled;
	struct mail_room room unfilled;
	int r = q->address.kind == ADDRESS_WORD ? 0 : mail_find(q, MAIL_REACH_MAIL, &match);

	if (r <= 0 || match.verdict != MAIL_MOVED)
		return r < 0 ? r : 0;
	claims = match.claims;
	while ((r = mail_next_claim(q, &match, &claims, &room, &claim)) > 0) {
		if (claim.relocated.len == 0)
			continue;
		mail_put_clean(out, claim.relocated);
		return 1;
	}
	return r;
}

static int
answer_canonical(struct mail_question *q, struct text *out)
{
	struct text *formed = &q->view->formed;
	struct mail_match match unfilled;
	int r;

	if (q->address.kind == ADDRESS_WORD || !q->has_master)
		return 0;
	r = mail_find(q, MAIL_REACH_HOLDER, &match);
	if (r < 0 || q->is_refused)
		return r < 0 ? r : 0;
	if (q->address.kind == ADDRESS_CATCH_ALL) {
		/* All of the replica, but for who has a catch-all of its own. */
		if (r > 0 && !match.at_master)
			return 0;
		address_put(out, (struct span){ "", 0 }, q->domain.master);
		return 1;
	}
	if (r == 0 || !match.at_master || match.verdict == MAIL_REFUSED)
		return 0;
	text_clear(formed);
	text_put_span(formed, q->address.typed_local);
	text_put_char(formed, '@');
	text_put_span(formed, q->domain.master);
	mail_results_begin(&q->view->results, out);
	mail_results_add(&q->view->results, text_span(formed));
	return q->view->results.failed || text_failed(formed) ? -ENOMEM : q->view->results.count > 0;
}

/* --- senders ------------------------------------------------------------------------------------------------ */

static int
put_logins(struct mail_results *list, struct mail_list logins)
{
	struct span login;
	int r;

	while ((r = mail_list_next(&logins, &login)) > 0)
		mail_results_add_login(list, login);
	return r;
}

static int
put_holders(struct mail_question *q, const struct mail_match *match, struct mail_results *list)
{
	struct mail_address claims = match->claims;
	struct mail_claim claim unfilled;
	struct mail_room room unfilled;
	int r;

	while ((r = mail_next_claim(q, match, &claims, &room, &claim)) > 0) {
		int put = put_logins(list, claim.logins);

		if (put < 0)
			return put;
	}
	return r;
}

static int
answer_sender_login(struct mail_question *q, struct text *out)
{
	struct mail_results *list = &q->view->results;
	struct mail_match match unfilled;
	int r, found;

	if (q->address.kind == ADDRESS_WORD)
		return 0;
	found = r = mail_find(q, MAIL_REACH_HOLDER, &match);
	mail_results_begin(list, out);
	if (r > 0 && match.verdict == MAIL_REFUSED)
		return 0;
	if (r > 0)
		r = put_holders(q, &match, list);
	/* Each address that exists, and where all are taken and passed on, all exist. */
	if (r == 0 && q->is_hosted && (found > 0 || mail_relays_all(q))) {
		r = put_logins(list, q->domain.logins);
		if (r == 0 && q->has_master)
			r = put_logins(list, q->master.logins);
	}
	if (r == 0 && list->failed)
		r = -ENOMEM;
	if (r == 0 && found > 0 && list->count == 0)
		mail_say(q->view, NULL, "nobody logs in for it");
	return r < 0 ? r : list->count > 0;
}

/* --- transports ---------------------------------------------------------------------------------------------- */

/* The template with %h for the mail host and %d for the domain. */
static void
put_mailbox_transport(const struct mail_question *q, struct span host, struct text *out)
{
	for (const char *c = q->options->mailbox_transport; *c != '\0';) {
		size_t plain = strcspn(c, "%");

		text_put_span(out, span_from(c, plain));
		c += plain;
		if (c[0] == '\0')
			return;
		if (c[1] == 'h')
			mail_put_clean(out, host);
		else if (c[1] == 'd')
			text_put_span(out, address_domain_span(&q->address));
		else
			text_put_char(out, '%');
		c += c[1] == 'h' || c[1] == 'd' || c[1] == '%' ? 2 : 1;
	}
}

static int
put_stated(struct mail_question *q, struct span name, struct span transport, const char *what, struct text *out)
{
	struct key key unfilled;

	if (transport.len == 0)
		return 0;
	key_mail_domain(&key, name);
	mail_say(q->view, &key, "%.*s states a transport%s", SPAN_ARGS(name), what);
	mail_put_clean(out, transport);
	return 1;
}

/* Of a domain of ours. */
static int
put_domain_transport(struct mail_question *q, struct text *out)
{
	struct span name = address_domain_span(&q->address);
	struct key key unfilled;

	if (q->is_refused)
		return 0;
	if (put_stated(q, name, q->domain.transport, "", out) > 0)
		return 1;
	if (q->has_master && put_stated(q, q->domain.master, q->master.transport, ", and it is the replica's master", out) > 0)
		return 1;
	key_mail_domain(&key, name);
	if (q->domain.delivery != MAIL_DELIVERY_SMTP) {
		mail_say(q->view, &key, "%.*s states no transport", SPAN_ARGS(name));
		return 0;
	}
	mail_say(q->view, &key, "%.*s is relayed to its MX", SPAN_ARGS(name));
	text_put(out, "smtp:");
	return 1;
}

/* Of a name that is no domain of ours: what the nearest one above it says of names below it. */
static int
put_transport_below(struct mail_question *q, struct text *out)
{
	struct span name = address_domain_span(&q->address);
	/* ".tern.example" is all that is below tern.example. */
	bool is_below = name.len > 0 && name.data[0] == '.';

	while (name.len > 0) {
		const char *dot = is_below ? name.data : memchr(name.data, '.', name.len);
		struct mail_domain domain;
		int r;

		is_below = false;
		if (dot == NULL)
			break;
		name = span_skip(name, (size_t)(dot - name.data) + 1);
		r = mail_domain_at(q->view, name, &domain);
		if (r < 0)
			return r;
		if (r == 0)
			continue;
		/* No other: what is above it may be somebody else's. */
		if (domain.suspended && q->options->refuse_suspended_domains)
			return 0;
		return put_stated(q, name, domain.below_transport, " for names below it", out);
	}
	return 0;
}

static int
answer_transport(struct mail_question *q, struct text *out)
{
	struct mail_match match unfilled;
	struct mail_claim claim unfilled;
	struct mail_room room unfilled;
	int r = q->address.kind != ADDRESS_WORD && q->options->mailbox_transport[0] != '\0' ? find_mailbox(q, &match, &room, &claim) : 0;

	if (r > 0) {
		mail_say(q->view, NULL, "its mailbox is at %.*s", SPAN_ARGS(claim.mail_host));
		put_mailbox_transport(q, claim.mail_host, out);
	}
	if (r != 0)
		return r;
	r = mail_question_look_up(q);
	if (r < 0)
		return r;
	return q->is_hosted ? put_domain_transport(q, out) : put_transport_below(q, out);
}

/* --- questions --------------------------------------------------------------------------------------------------- */

static const struct {
	struct span name;
	int (*answer)(struct mail_question *q, struct text *out);
	bool asks_domains; /* answer() looks at them, not only mail_find() */
} maps[MAIL_MAPS] = {
	[MAIL_VIRTUAL] = { { "virtual", 7 }, answer_virtual, false },
	[MAIL_DOMAINS] = { { "domains", 7 }, answer_domains, true },
	[MAIL_RELAY_DOMAINS] = { { "relay-domains", 13 }, answer_relay_domains, true },
	[MAIL_TRANSPORT] = { { "transport", 9 }, answer_transport, false }, /* when there is no mailbox */
	[MAIL_RECIPIENTS] = { { "recipients", 10 }, answer_recipients, true },
	[MAIL_CANONICAL] = { { "canonical", 9 }, answer_canonical, true },
	[MAIL_SENDER_LOGIN] = { { "sender-login", 12 }, answer_sender_login, true },
	[MAIL_MAILBOX] = { { "mailbox", 7 }, answer_mailbox, false },
	[MAIL_RELOCATED] = { { "relocated", 9 }, answer_relocated, false },
};

const char *
mail_map_name(enum mail_map map)
{
	return (unsigned)map < MAIL_MAPS ? maps[map].name.data : NULL;
}

int
mail_map_from_name(struct span name, enum mail_map *out)
{
	for (unsigned i = 0; i < MAIL_MAPS; i++) {
		if (span_is(name, maps[i].name)) {
			*out = (enum mail_map)i;
			return 1;
		}
	}
	return 0;
}

/* In VIEW's snapshot. OUT is as it was unless 1 is returned. */
static int
answer(struct mail_view *view, const struct mail_options *options, enum mail_map map, struct span key, struct text *out)
{
	struct mail_question question unfilled;
	size_t before = out->len;
	int r = mail_question_set(&question, view, options, key);

	if (r == -EINVAL) {
		mail_say(view, NULL, "no record can have this key");
		return 0;
	}
	if (r == 0 && maps[map].asks_domains)
		r = mail_question_look_up(&question);
	if (r == 0)
		r = maps[map].answer(&question, out);
	if (r > 0 && text_failed(out))
		r = -ENOMEM;
	else if (r > 0 && out->len - before > MAIL_VALUE_MAX)
		r = -E2BIG;
	if (r <= 0 && out->data != NULL) {
		out->len = before;
		out->data[before] = '\0';
	}
	return r;
}

int
mail_explain(struct cache *cache, const struct mail_options *options, enum mail_map map, struct span key,
             void (*say)(void *context, struct span subject, const char *sentence), void *context, struct text *out_value)
{
	struct mail_view *view;
	int r;

	if ((unsigned)map >= MAIL_MAPS)
		return 0;
	r = cache_check_age(cache, options->max_age);
	if (r == 0)
		r = mail_begin(cache, &view);
	if (r < 0)
		return r;
	view->say = say;
	view->say_context = context;
	r = answer(view, options, map, key, out_value);
	view->say = NULL;
	mail_end(view);
	return r;
}

int
mail_lookup(struct cache *cache, const struct mail_options *options, enum mail_map map, struct span key, struct text *out_value)
{
	return mail_explain(cache, options, map, key, NULL, NULL, out_value);
}
