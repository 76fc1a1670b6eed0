/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * From each address that is somebody's primary one, mail is followed as Postfix would follow it, until it leaves our domains, lies in a
 * mailbox or has been there before. What is said is said of the entry where it can be mended: a dangling forward of who forwards, not
 * of the groups above.
 */
#include <config.h>

#include "cache/audit_mail.h"

#include "cache/resolve_mail.h"

#include <errno.h>
#include <stdio.h>

/* Addresses on the way from one to another; groups may not be so deep either. */
enum { STEPS_MAX = MAIL_GROUP_DEPTH_MAX + 20, WORK_A_RESULT = 4 };

/* Mail for one address. */
struct audit {
	struct mail_view *view;
	struct mail_options options; /* as given, with each group left as it is */
	void (*found)(void *context, struct span subject, const char *kind, const char *sentence);
	void *context;
	struct key subject;
	struct text name, sentence;

	struct mail_results ends; /* where mail leaves us or lies in a mailbox */
	struct text ends_text, through;
	const char *start;          /* where the first record lies */
	const char **seen;
	size_t seen_count, seen_room;
	uint64_t work; /* results that are still looked at */
	bool returns, returns_by_groups, is_too_deep, is_too_large;
};

struct step {
	struct audit *audit;
	const struct mail_question *question;
	const struct mail_match *match;
	unsigned steps, groups; /* behind the first */
	bool only_groups;       /* also this one */
	struct step *before;
};

static void
report(struct audit *audit, const char *kind, const char *words, struct span other, const char *more)
{
	text_clear(&audit->sentence);
	text_put_span(&audit->sentence, text_span(&audit->name));
	text_put(&audit->sentence, words);
	text_put_span(&audit->sentence, other);
	text_put(&audit->sentence, more);
	if (!text_failed(&audit->sentence) && !text_failed(&audit->name))
		audit->found(audit->context, key_span(&audit->subject), kind, text_str(&audit->sentence));
}

/* --- following ------------------------------------------------------------------------------------------ */

/* 1 when it was not seen before, 0 or -ENOMEM. */
static int
see(struct audit *audit, const char *record)
{
	for (size_t i = 0; i < audit->seen_count; i++)
		if (audit->seen[i] == record)
			return 0;
	if (audit->seen_count == audit->seen_room) {
		size_t room = audit->seen_room > 0 ? 2 * audit->seen_room : 64;
		const char **seen = realloc(audit->seen, room * sizeof(*seen));

		if (seen == NULL)
			return -ENOMEM;
		audit->seen = seen;
		audit->seen_room = room;
	}
	audit->seen[audit->seen_count++] = record;
	return 1;
}

/* Whether only groups hold the address: 1, 0 or -EBADMSG. */
static int
is_group(const struct mail_question *question, const struct mail_match *match)
{
	struct mail_address claims = match->claims;
	struct mail_claim claim;
	struct mail_room room unfilled;
	int r;

	while ((r = mail_next_claim(question, match, &claims, &room, &claim)) > 0)
		if (claim.holder != MAIL_GROUP)
			return 0;
	return r < 0 ? r : 1;
}

static int
end_at(struct audit *audit, struct span result)
{
	mail_results_add(&audit->ends, result);
	if (audit->ends.count > audit->options.group_size)
		audit->is_too_large = true;
	return audit->ends.failed ? -ENOMEM : audit->is_too_large;
}

static void
come_back(const struct step *step)
{
	struct audit *audit = step->audit;

	audit->returns = true;
	audit->returns_by_groups |= step->only_groups;
	if (audit->through.len > 0 || step->before == NULL)
		return;
	for (const struct step *s = step; s->before != NULL; s = s->before) {
		text_clear(&audit->through);
		mail_put_asked(s->question, s->match, &audit->through);
	}
}

static int follow(void *context, struct span result, bool is_routing);

static int
go_on(struct step *step, const struct mail_question *question, const struct mail_match *match)
{
	struct audit *audit = step->audit;
	int group = is_group(question, match), r;
	struct step next = {
		.audit = audit,
		.question = question,
		.match = match,
		.steps = step->steps + 1,
		.groups = step->groups + (group > 0),
		.only_groups = step->only_groups && group > 0,
		.before = step,
	};

	if (group < 0)
		return group;
	if (next.groups > audit->options.group_depth || next.steps > STEPS_MAX) {
		audit->is_too_deep |= group > 0;
		return 0;
	}
	r = see(audit, match->claims.octets.data);
	return r <= 0 ? r : mail_each_result(question, match, follow, &next);
}

/* Says what is wrong with RESULT, which the address leads to itself. */
static void
say_dangling(struct audit *audit, const struct mail_question *question, int found, enum mail_verdict verdict, struct span result)
{
	const char *more = ", which does not exist";

	if (question->is_refused)
		more = ", whose domain is suspended and refused";
	else if (found > 0)
		more = verdict == MAIL_MOVED ? ", which has moved" : ", who is suspended and refused";
	report(audit, "dangling-forward", " leads to ", result, more);
}

/* One of the results of a step: 0 to go on. */
static int
follow(void *context, struct span result, bool is_routing)
{
	struct step *step = context;
	struct audit *audit = step->audit;
	struct mail_question question;
	struct mail_match match;
	const char *record;
	int r;

	/* Postfix counts what comes from several groups each time. */
	if (audit->work-- == 0) {
		audit->is_too_large = true;
		return 1;
	}
	r = mail_question_set(&question, audit->view, &audit->options, result);
	if (r < 0 || question.address.kind != ADDRESS_FULL)
		return r == 0 || r == -EINVAL ? end_at(audit, result) : r;
	r = mail_find(&question, MAIL_REACH_MAIL, &match);
	if (r < 0)
		return r;
	if (r == 0 && (!question.is_hosted || mail_relays_all(&question)))
		return end_at(audit, result);
	if (r == 0 || match.verdict != MAIL_DELIVERS) {
		if (step->before == NULL)
			say_dangling(audit, &question, r, r > 0 ? match.verdict : MAIL_NOTHING, result);
		return 0;
	}
	record = match.claims.octets.data;
	/* A mailbox: the address becomes itself. */
	if (is_routing && record == step->match->claims.octets.data)
		return end_at(audit, result);
	if (record == audit->start) {
		come_back(step);
		return 0;
	}
	return go_on(step, &question, &match);
}

/* --- one address ----------------------------------------------------------------------------------------- */

static void
conclude(struct audit *audit)
{
	struct span through = text_span(&audit->through);
	char number[64];

	if (audit->returns && audit->returns_by_groups)
		report(audit, "group-loop", " is a member of itself", through.len > 0 ? SPAN(", through ") : SPAN(""),
		       text_str(&audit->through));
	else if (audit->returns && audit->ends.count == 0)
		report(audit, "forwarding-loop", " leads back to itself, and nowhere else", through.len > 0 ? SPAN(", through ") : SPAN(""),
		       text_str(&audit->through));
	if (audit->is_too_deep) {
		snprintf(number, sizeof(number), " has more than %u levels of groups within groups", audit->options.group_depth);
		report(audit, "group-too-deep", number, SPAN(""), "");
	}
	if (audit->is_too_large) {
		snprintf(number, sizeof(number), " leads to more than %u addresses", audit->options.group_size);
		report(audit, "group-too-large", number, SPAN(""), ", which Postfix refuses (virtual_alias_expansion_limit)");
	}
}

static int
check_length(struct audit *audit, struct mail_question *question, const struct mail_match *match)
{
	int r;

	text_clear(&audit->ends_text);
	r = mail_put_virtual(question, match, &audit->ends_text);
	if (r == -E2BIG)
		report(audit, "answer-too-long", " has more addresses than Postfix takes in an answer", SPAN(""), ": its mail is deferred");
	return r == -E2BIG ? 0 : r;
}

static int
check_address(struct audit *audit, struct mail_question *question, const struct mail_match *match)
{
	struct step first = { .audit = audit, .question = question, .match = match };
	int r = is_group(question, match);

	if (r < 0)
		return r;
	first.only_groups = r > 0;
	r = check_length(audit, question, match);
	if (r < 0)
		return r;
	text_clear(&audit->ends_text);
	mail_results_begin(&audit->ends, &audit->ends_text);
	text_clear(&audit->through);
	audit->start = match->claims.octets.data;
	audit->seen_count = 0;
	audit->work = WORK_A_RESULT * (audit->options.group_size + 1ULL);
	audit->returns = audit->returns_by_groups = audit->is_too_deep = audit->is_too_large = false;
	r = see(audit, audit->start);
	if (r > 0)
		r = mail_each_result(question, match, follow, &first);
	if (r >= 0)
		conclude(audit);
	return r < 0 ? r : 0;
}

/* Whether one of the holders is to be judged here: each by his primary address, or by any if he has none. Several at one address
 * together may be too much. */
static int
is_judged(const struct mail_question *question, const struct mail_match *match)
{
	struct mail_address claims = match->claims;
	struct mail_claim claim;
	struct mail_room room unfilled;
	unsigned count = 0;
	int r;

	while ((r = mail_next_claim(question, match, &claims, &room, &claim)) > 0) {
		if ((claim.flags & MAIL_PRIMARY) != 0 || claim.primary.len == 0 || ++count > 1)
			return 1;
	}
	return r;
}

static int
check_record(struct audit *audit, struct span key)
{
	struct mail_question question;
	struct span domain, local;
	struct mail_match match;
	char letter;
	int r;

	if (key.len > KEY_MAX || key_mail_split(key, &letter, &domain, &local) < 0)
		return -EBADMSG;
	audit->subject.len = key.len;
	memcpy(audit->subject.octets, key.data, key.len);
	text_clear(&audit->name);
	address_put(&audit->name, local, domain);
	r = mail_question_set(&question, audit->view, &audit->options, text_span(&audit->name));
	if (r == 0)
		r = mail_find(&question, MAIL_REACH_HOLDER, &match);
	/* Nobody who may hold it, or another record that comes before: at this one nothing is ever looked up. */
	if (r <= 0 || match.verdict != MAIL_DELIVERS || match.is_base || match.at_master || match.is_catch_all != (local.len == 0))
		return r == -EINVAL ? 0 : r < 0 ? r : 0;
	r = is_judged(&question, &match);
	return r > 0 ? check_address(audit, &question, &match) : r;
}

/* --- all addresses ------------------------------------------------------------------------------------------ */

static int
walk(struct audit *audit)
{
	struct store_cursor *cursor = audit->view->base->cursor;
	struct span key, value;
	int r = store_cursor_seek(cursor, SPAN("a"), &key, &value);

	while (r > 0 && key.len > 0 && key.data[0] == 'a') {
		r = check_record(audit, key);
		if (r >= 0)
			r = store_cursor_next(cursor, &key, &value);
	}
	return r < 0 ? r : 0;
}

int
audit_mail(struct cache *cache, const struct mail_options *options,
           void (*found)(void *context, struct span subject, const char *kind, const char *sentence), void *context)
{
	struct audit audit = { .options = *options, .found = found, .context = context };
	int r = cache_check_age(cache, options->max_age);

	audit.options.expand_groups = false;
	if (r == 0)
		r = mail_begin(cache, &audit.view);
	if (r < 0)
		return r;
	r = walk(&audit);
	mail_end(audit.view);
	mail_results_free(&audit.ends);
	text_free(&audit.ends_text);
	text_free(&audit.name);
	text_free(&audit.sentence);
	text_free(&audit.through);
	free(audit.seen);
	return r;
}
