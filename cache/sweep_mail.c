/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * What a sweep would take from mail and logins: domains, and addresses and accounts of domains that stay.
 *
 * Fragments are sorted by subject, and those of addresses by domain: one pass over each kind. Only subjects that lose
 * a fragment are combined, with and without what goes.
 */
#include <config.h>

#include "cache/apply_internal.h"
#include "cache/project_mail.h"
#include "cache/record_login.h"
#include "cache/record_mail.h"

#include <errno.h>

struct weighing {
	struct apply *apply;
	struct brake_figures *figures;
	struct reduced reduced;
	struct key subject;  /* the one whose fragments are being read, empty at the start */
	bool loses;          /* one of them goes */
	struct key domain;   /* the domain subject that was looked at last */
	bool domain_goes;
};

static void
no_dn(void *context, uint64_t entry_id, struct text *out_dn)
{
	(void)context;
	(void)entry_id;
	text_clear(out_dn);
}

static int
has_record(struct weighing *w, struct span subject, const struct held_fragment *fragments, size_t count)
{
	const struct reduce_input input = {
		.subject = subject, .count = count, .fragments = fragments, .served = SPAN(""), .dn_of = no_dn
	};
	int r = project_mail_reduce(w->apply->options.project->mail, &input, &w->reduced);

	return r < 0 ? r : w->reduced.present;
}

/* Whether SUBJECT has a record and would have none: 1, 0 or negative. */
static int
goes(struct weighing *w, struct span subject)
{
	struct held_fragment *fragments;
	size_t count, kept = 0;
	int r = replica_fragments(w->apply->txn, subject, &w->apply->arena, &fragments, &count);

	if (r == 0)
		r = has_record(w, subject, fragments, count);
	if (r == 1) {
		for (size_t i = 0; i < count; i++)
			if (seen_has(&w->apply->seen, fragments[i].entry_id))
				fragments[kept++] = fragments[i];
		r = has_record(w, subject, fragments, kept);
		r = r < 0 ? r : r == 0;
	}
	arena_reset(&w->apply->arena);
	return r;
}

/* Whether DOMAIN goes itself. */
static int
domain_goes(struct weighing *w, struct span domain)
{
	struct key key;
	int r;

	key_mail_domain(&key, domain);
	if (!span_is(key_span(&key), key_span(&w->domain))) {
		r = goes(w, key_span(&key));
		if (r < 0)
			return r;
		w->domain = key;
		w->domain_goes = r == 1;
	}
	return w->domain_goes;
}

static int
end_subject(struct weighing *w)
{
	struct span subject = key_span(&w->subject);
	bool is_domain = w->subject.octets[0] == 'd';
	struct span domain, local;
	char letter;
	int r;

	*(is_domain ? &w->figures->mail_domains_total : &w->figures->addresses_total) += 1;
	if (!w->loses)
		return 0;
	r = goes(w, subject);
	if (r == 1 && is_domain) {
		w->figures->mail_domains++;
	} else if (r == 1) {
		r = key_mail_split(subject, &letter, &domain, &local) < 0 ? -EBADMSG : domain_goes(w, domain);
		w->figures->addresses += r == 0;
	}
	return r < 0 ? r : 0;
}

/* Weighs all subjects that begin with LETTER. */
static int
weigh(struct weighing *w, char letter)
{
	cleanup(store_cursor_closep) struct store_cursor *cursor = NULL;
	struct span key, value;
	int r = store_cursor_open(w->apply->txn, REPLICA_FRAGMENT, &cursor);

	w->subject.len = 0;
	if (r == 0)
		r = store_cursor_seek(cursor, span_from(&letter, 1), &key, &value);
	for (;;) {
		bool more = r == 1 && key.data[0] == letter;
		struct span subject = { "", 0 };
		uint64_t id = 0;

		if (r < 0 || (more && replica_fragment_split(key, &subject, &id) < 0))
			return r < 0 ? r : -EBADMSG;
		if (w->subject.len > 0 && !span_is(subject, key_span(&w->subject))) {
			r = end_subject(w);
			if (r < 0)
				return r;
			w->subject.len = 0;
		}
		if (!more)
			return 0;
		if (w->subject.len == 0) {
			memcpy(w->subject.octets, subject.data, subject.len);
			w->subject.len = subject.len;
			w->loses = false;
		}
		w->loses |= !seen_has(&w->apply->seen, id);
		r = store_cursor_next(cursor, &key, &value);
	}
}

/* Accounts have one fragment each. */
static int
weigh_accounts(struct weighing *w)
{
	cleanup(store_cursor_closep) struct store_cursor *cursor = NULL;
	struct span key, value;
	int r = store_cursor_open(w->apply->txn, REPLICA_FRAGMENT, &cursor);

	if (r == 0)
		r = store_cursor_seek(cursor, SPAN("e"), &key, &value);
	while (r == 1 && key.data[0] == 'e') {
		struct secret_entry entry;
		struct span subject;
		uint64_t id;

		if (replica_fragment_split(key, &subject, &id) < 0 || secret_entry_read(value, &entry) < 0)
			return -EBADMSG;
		w->figures->accounts_total++;
		if (!seen_has(&w->apply->seen, id)) {
			r = entry.domain.len > 0 ? domain_goes(w, entry.domain) : 0;
			if (r < 0)
				return r;
			w->figures->accounts += r == 0;
		}
		r = store_cursor_next(cursor, &key, &value);
	}
	return r < 0 ? r : 0;
}

int
sweep_weigh_mail(struct apply *apply, struct brake_figures *figures)
{
	struct weighing w = {
		.apply = apply,
		.figures = figures,
		.reduced = { .value = TEXT_INIT, .problems = TEXT_INIT },
	};
	int r = weigh(&w, 'd');

	if (r == 0)
		r = weigh(&w, 'a');
	if (r == 0)
		r = weigh_accounts(&w);
	text_free(&w.reduced.value);
	text_free(&w.reduced.problems);
	return r;
}
