/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * What the mail environment holds: domains and addresses. Domains are asked for again and again, so each thread remembers
 * the last ones of its snapshot, with their catch-alls: most answers cost one search in the tree.
 */
#include <config.h>

#include "cache/read_mail.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

/* --- the view ----------------------------------------------------------------------------------- */

int
mail_open(const char *cache_dir, const char *run_dir, struct cache **out)
{
	const struct cache_options options = {
		.cache_dir = cache_dir,
		.audience = "mail",
		.format = MAIL_FORMAT,
		.run_dir = run_dir,
	};

	return cache_open(&options, out);
}

static void
free_decoded(void *decoded)
{
	struct mail_view *view = decoded;

	mail_results_free(&view->results);
	text_free(&view->extension);
	text_free(&view->formed);
	text_free(&view->sentence);
	free(view);
}

static struct mail_view *
view_new(struct cache_view *base)
{
	struct mail_view *view = calloc(1, sizeof(*view));

	if (view == NULL)
		return NULL;
	view->base = base;
	base->decoded = view;
	base->free_decoded = free_decoded;
	return view;
}

/* What was known is void. */
static void
begin_epoch(struct mail_view *view)
{
	if (++view->epoch != 0)
		return;
	for (size_t i = 0; i < KNOWN_DOMAINS; i++)
		view->known[i].epoch = 0;
	view->epoch = 1;
}

int
mail_begin(struct cache *cache, struct mail_view **out)
{
	struct cache_view *base;
	struct mail_view *view;
	int r = cache_begin(cache, &base);

	if (r < 0)
		return r;
	view = base->decoded;
	if (view == NULL)
		view = view_new(base);
	if (view == NULL) {
		base->is_loaded = false;
		cache_end(base);
		return -ENOMEM;
	}
	if (base->is_new)
		begin_epoch(view);
	*out = view;
	return 0;
}

void
mail_end(struct mail_view *view)
{
	cache_end(view->base);
}

void
mail_say_key(struct mail_view *view, const struct key *subject, const char *format, ...)
{
	char room[512];
	va_list args;

	/* Long names are cut: it is a sentence for people. */
	va_start(args, format);
	(void)vsnprintf(room, sizeof(room), format, args);
	va_end(args);
	text_clear(&view->sentence);
	text_put(&view->sentence, room);
	view->say(view->say_context, subject != NULL ? key_span(subject) : (struct span){ "", 0 }, text_str(&view->sentence));
}

/* --- domains and addresses ------------------------------------------------------------------------ */

static int
get(const struct mail_view *view, const struct key *key, struct span *out_value)
{
	return store_get(view->base->txn, 0, key_span(key), out_value);
}

static int
find_domain(struct mail_view *view, struct span name, struct known_domain *out)
{
	struct span value;
	struct key key unfilled;
	int r;

	key_mail_domain(&key, name);
	out->epoch = 0;
	r = get(view, &key, &value);
	if (r > 0 && mail_domain_read(value, &out->domain) < 0)
		r = -EBADMSG;
	if (r < 0)
		return r;
	memcpy(out->name, name.data, name.len);
	out->name_len = (uint8_t)name.len;
	out->exists = r > 0;
	out->knows_catch_all = false;
	out->epoch = view->epoch;
	return 0;
}

/* What is known of a domain, found out now if it was not. NULL, and negative in *OUT_ERROR. */
static struct known_domain *
known(struct mail_view *view, struct span name, int *out_error)
{
	struct known_domain *place = &view->known[mail_hash(name) % KNOWN_DOMAINS];

	if (place->epoch == view->epoch && span_is(span_from(place->name, place->name_len), name))
		return place;
	*out_error = find_domain(view, name, place);
	return *out_error < 0 ? NULL : place;
}

int
mail_domain_at(struct mail_view *view, struct span domain, struct mail_domain *out)
{
	struct known_domain *place;
	int r = 0;

	if (domain.len == 0 || domain.len > ADDRESS_DOMAIN_MAX)
		return 0;
	place = known(view, domain, &r);
	if (place == NULL)
		return r;
	if (place->exists)
		*out = place->domain;
	return place->exists;
}

int
mail_address_at(struct mail_view *view, struct span domain, struct span local, struct mail_address *out)
{
	struct span value;
	struct key key unfilled;
	int r;

	key_mail_address(&key, domain, local);
	r = get(view, &key, &value);
	if (r <= 0)
		return r;
	r = mail_address_read(value, domain, local, out);
	return r < 0 ? r : 1;
}

int
mail_catch_all_at(struct mail_view *view, struct span domain, struct mail_address *out)
{
	struct known_domain *place;
	int r = 0;

	if (domain.len == 0 || domain.len > ADDRESS_DOMAIN_MAX)
		return 0;
	place = known(view, domain, &r);
	if (place == NULL)
		return r;
	if (!place->knows_catch_all) {
		r = mail_address_at(view, domain, SPAN(""), &place->catch_all);
		if (r < 0)
			return r;
		place->has_catch_all = r > 0;
		place->knows_catch_all = true;
	}
	if (!place->has_catch_all)
		return 0;
	*out = place->catch_all;
	/* Not that of who asked first, nor what is remembered here, which another domain may replace. */
	out->domain = domain;
	return 1;
}
