/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * The account environment: login → entry → what a file server needs to know of it.
 */
#include <config.h>

#include "cache/account.h"

#include "cache/read_login.h"

#include <errno.h>

int
account_open(const char *cache_dir, const char *run_dir, struct cache **out)
{
	const struct cache_options options = {
		.cache_dir = cache_dir,
		.audience = "account",
		.format = ACCOUNT_FORMAT,
		.run_dir = run_dir,
	};

	return cache_open(&options, out);
}

void
account_answer_free(struct account_answer *answer)
{
	text_free(&answer->record);
}

static int
take_entry(const struct login_view *view, const struct login_identity *identity, struct account_answer *out)
{
	struct span record;
	int r = login_entry_at(view, identity->claim.uuid, &record);

	/* As in read_secret.c. */
	if (r <= 0)
		return r < 0 ? r : -EBADMSG;
	text_clear(&out->record);
	text_put_span(&out->record, record);
	if (text_failed(&out->record))
		return -ENOMEM;
	r = account_entry_read(text_span(&out->record), &out->entry);
	if (r < 0)
		return r;
	memcpy(out->uuid, identity->claim.uuid, ENTRY_UUID_LEN);
	return 1;
}

int
account_lookup(struct cache *cache, const struct login_options *options, const struct login_question *question,
               struct account_answer *out)
{
	struct login_identity identity;
	struct login_view view;
	int r = cache_check_age(cache, options->max_age);

	if (r == 0)
		r = login_begin(cache, LOGIN_ACCOUNT, &view);
	if (r < 0)
		return r;
	r = login_identify(&view, options, question, &identity, &out->reason);
	if (r > 0)
		r = take_entry(&view, &identity, out);
	login_end(&view);
	return r;
}
