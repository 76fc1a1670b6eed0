/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * The secret environment: login → entry → may it log in. The record is copied out of the snapshot, since its stored values may be
 * compared in another thread and much later.
 */
#include <config.h>

#include "cache/secret.h"

#include "cache/read_login.h"

#include <errno.h>

#define SPAN_ARGS(span) (int)(span).len, (span).data

int
secret_open(const char *cache_dir, const char *run_dir, struct cache **out)
{
	const struct cache_options options = {
		.cache_dir = cache_dir,
		.audience = "secret",
		.format = SECRET_FORMAT,
		.run_dir = run_dir,
	};

	return cache_open(&options, out);
}

void
secret_answer_wipe(struct secret_answer *answer)
{
	if (answer->record.data != NULL)
		explicit_bzero(answer->record.data, answer->record.room);
	text_clear(&answer->record);
	answer->entry = (struct secret_entry){ 0 };
	answer->has_entry = false;
}

void
secret_answer_free(struct secret_answer *answer)
{
	secret_answer_wipe(answer);
	text_free(&answer->record);
}

/* text_put_span would move what it holds, and leave a copy where it was. */
static int
copy_record(struct text *out, struct span record)
{
	if (out->room <= record.len) {
		text_free(out);
		if (text_extend(out, 2 * record.len + 512) == NULL)
			return -ENOMEM;
		text_clear(out);
	}
	text_put_span(out, record);
	return text_failed(out) ? -ENOMEM : 0;
}

static int
take_entry(const struct login_view *view, const struct login_options *options, const struct login_identity *identity,
           struct secret_answer *out)
{
	struct login_domain domain;
	struct span record;
	struct key key unfilled;
	int r = login_entry_at(view, identity->claim.uuid, &record);

	/* The login's record says that there is one: the entry's is on its way, or just gone. */
	if (r == 0)
		r = -EBADMSG;
	if (r > 0)
		r = copy_record(&out->record, record);
	if (r == 0)
		r = secret_entry_read(text_span(&out->record), &out->entry);
	if (r == 0 && options->refuse_suspended_domains) {
		r = login_domain_at(view, out->entry.domain, &domain);
		out->domain_suspended = r > 0 && domain.suspended;
	}
	if (r < 0)
		return r;
	key_login_entry(&key, view->environment, identity->claim.uuid);
	login_say(view, &key, "the account is %.*s", SPAN_ARGS(out->entry.dn));
	memcpy(out->uuid, identity->claim.uuid, ENTRY_UUID_LEN);
	out->has_entry = true;
	return 0;
}

static void
say_state(const struct login_view *view, const struct secret_answer *answer)
{
	if (answer->reason != LOGIN_FINE)
		login_say(view, NULL, "it may not log in: %s", login_reason_word(answer->reason));
	else if (answer->entry.value_count == 0)
		login_say(view, NULL, "it may log in, but no password of it can be read");
	else
		login_say(view, NULL, "it may log in with its password (%zu stored value%s)", answer->entry.value_count,
		          answer->entry.value_count == 1 ? "" : "s");
}

int
secret_explain(struct cache *cache, const struct login_options *options, const struct login_question *question,
               void (*say)(void *context, struct span subject, const char *sentence), void *context, struct secret_answer *out)
{
	struct login_identity identity;
	struct login_view view;
	int r;

	secret_answer_wipe(out);
	out->domain_suspended = false;
	r = cache_check_age(cache, options->max_age);
	if (r == 0)
		r = login_begin(cache, LOGIN_SECRET, &view);
	if (r < 0)
		return r;
	view.say = say;
	view.say_context = context;
	r = login_identify(&view, options, question, &identity, &out->reason);
	/* Whose login it is, is known also when it is refused: the entry tells what a check would have cost. */
	if (r > 0 || (r == 0 && out->reason == LOGIN_OTHER_FORM)) {
		int taken = take_entry(&view, options, &identity, out);

		r = taken < 0 ? taken : r;
	}
	if (r > 0) {
		out->reason = login_state(options, question->service, &out->entry, out->domain_suspended, question->now);
		say_state(&view, out);
		r = out->reason == LOGIN_FINE;
	}
	login_end(&view);
	return r;
}

int
secret_lookup(struct cache *cache, const struct login_options *options, const struct login_question *question,
              struct secret_answer *out)
{
	return secret_explain(cache, options, question, NULL, NULL, out);
}
