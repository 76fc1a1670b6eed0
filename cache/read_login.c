/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * What the secret and the account environments hold of logins and domains. An answer costs two searches in the tree, the login's and
 * the entry's: nothing is remembered between them.
 */
#include <config.h>

#include "cache/read_login.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

int
login_begin(struct cache *cache, enum login_environment environment, struct login_view *out)
{
	*out = (struct login_view){ .environment = environment };
	return cache_begin(cache, &out->base);
}

void
login_end(struct login_view *view)
{
	cache_end(view->base);
}

static int
get(const struct login_view *view, const struct key *key, struct span *out_value)
{
	return store_get(view->base->txn, 0, key_span(key), out_value);
}

int
login_claims_at(const struct login_view *view, struct span login, struct login_claims *out)
{
	struct span value;
	struct key key unfilled;
	int r;

	key_login(&key, view->environment, login);
	r = get(view, &key, &value);
	if (r > 0 && login_claims_read(value, out) < 0)
		r = -EBADMSG;
	return r;
}

int
login_domain_at(const struct login_view *view, struct span domain, struct login_domain *out)
{
	struct span value;
	struct key key unfilled;
	int r;

	if (domain.len == 0 || domain.len > ADDRESS_DOMAIN_MAX)
		return 0;
	key_login_domain(&key, view->environment, domain);
	r = get(view, &key, &value);
	if (r > 0 && login_domain_read(value, out) < 0)
		r = -EBADMSG;
	return r;
}

int
login_entry_at(const struct login_view *view, const uint8_t uuid[ENTRY_UUID_LEN], struct span *out_record)
{
	struct key key unfilled;

	key_login_entry(&key, view->environment, uuid);
	return get(view, &key, out_record);
}

void
login_say_key(const struct login_view *view, const struct key *subject, const char *format, ...)
{
	char room[768];
	va_list args;

	/* Long names are cut: it is a sentence for people. */
	va_start(args, format);
	(void)vsnprintf(room, sizeof(room), format, args);
	va_end(args);
	view->say(view->say_context, subject != NULL ? key_span(subject) : (struct span){ "", 0 }, room);
}
