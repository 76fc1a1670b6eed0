/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * `ispmanctl problems`: what ispman-cached knows of entries and of subjects, and what is wrong between mail addresses, which is found
 * here by following them (audit_mail.h): it takes a while, and holds nobody up.
 */
#include <config.h>

#include "cache/ispmanctl.h"

#include "cache/audit_mail.h"
#include "cache/record_mail.h"

#include <errno.h>
#include <stdio.h>

enum { ANSWER_TIMEOUT = 10000 };

struct problem_list {
	json_t **items;
	size_t count, room;
	bool failed;
};

/* Keeps a reference of its own. */
static void
keep(struct problem_list *list, json_t *problem)
{
	if (list->count == list->room) {
		size_t room = list->room > 0 ? 2 * list->room : 256;
		json_t **items = realloc(list->items, room * sizeof(json_t *));

		if (items == NULL) {
			list->failed = true;
			return;
		}
		list->items = items;
		list->room = room;
	}
	list->items[list->count++] = json_incref(problem);
}

static void
keep_line(void *context, const json_t *line)
{
	keep(context, (json_t *)(uintptr_t)line);
}

static int
by_dn(const void *a, const void *b)
{
	static const char *const keys[] = { "dn", "kind", "sentence" };
	const json_t *const *x = a, *const *y = b;
	int r = 0;

	for (size_t i = 0; i < array_size(keys) && r == 0; i++)
		r = strcmp(ctl_member(*x, keys[i]), ctl_member(*y, keys[i]));
	return r;
}

/* Equal sentences of one entry, one for each of its values, are one problem to whoever reads. */
static size_t
drop_repeated(struct problem_list *list)
{
	size_t kept = 0;

	for (size_t i = 0; i < list->count; i++) {
		if (kept > 0 && by_dn(&list->items[kept - 1], &list->items[i]) == 0)
			json_decref(list->items[i]);
		else
			list->items[kept++] = list->items[i];
	}
	return kept;
}

static void
print_problems(const struct problem_list *list, bool json)
{
	if (json) {
		json_t *array = json_array();

		for (size_t i = 0; i < list->count; i++)
			json_array_append(array, list->items[i]);
		ctl_print_json(array);
		return;
	}
	for (size_t i = 0; i < list->count; i++) {
		const char *dn = ctl_member(list->items[i], "dn");

		if (i == 0 || strcmp(dn, ctl_member(list->items[i - 1], "dn")) != 0) {
			ctl_print_foreign(dn[0] != '\0' ? dn : "(no entry)");
			putchar('\n');
		}
		printf("    %s: ", ctl_member(list->items[i], "kind"));
		ctl_print_foreign(ctl_member(list->items[i], "sentence"));
		putchar('\n');
	}
}

/* --- between mail addresses ----------------------------------------------------------------------- */

/* Until its entry is known, a problem has the "subject" and the "domain" of its record. */
static void
keep_found(void *context, struct span subject, const char *kind, const char *sentence)
{
	struct problem_list *list = context;
	struct span domain = { "", 0 }, rest;
	struct text hex = TEXT_INIT;
	json_t *problem;
	char letter;

	ask_put_subject(&hex, subject);
	if (key_mail_split(subject, &letter, &domain, &rest) < 0)
		domain.len = 0;
	problem = json_pack("{s:s, s:o, s:s, s:o}", "kind", kind, "sentence", ctl_foreign_json(span_of(sentence)), "subject",
	                    text_str(&hex), "domain", ctl_foreign_json(domain));
	text_free(&hex);
	if (problem != NULL)
		keep(list, problem);
	else
		list->failed = true;
	json_decref(problem);
}

static bool
names_domain(const char *dn, struct span domain)
{
	for (const char *c = strchr(dn, '='); c != NULL; c = strchr(c + 1, '=')) {
		struct span rest = span_of(c + 1);

		if (span_starts_nocase(rest, domain) && (rest.len == domain.len || rest.data[domain.len] == ','))
			return true;
	}
	return false;
}

/* The first of the entries behind a record that stands below its domain, or else the first: entries of other domains may claim the
 * address, too. */
static const char *
choose(const json_t *dns, struct span domain)
{
	const json_t *dn;
	size_t i;

	if (json_array_size(dns) == 0)
		return "";
	json_array_foreach(dns, i, dn)
	{
		if (json_is_string(dn) && names_domain(json_string_value(dn), domain))
			return json_string_value(dn);
	}
	dn = json_array_get(dns, 0);
	return json_is_string(dn) ? json_string_value(dn) : "";
}

/* Without ispman-cached, or once it has gone, problems have no DN. */
static void
put_dn(json_t *problem, struct ask **ask)
{
	struct text why = TEXT_INIT;
	json_t *dns = NULL;

	if (*ask != NULL && ask_entries(*ask, ctl_member(problem, "subject"), &dns, &why) < 0) {
		ask_free(*ask);
		*ask = NULL;
	}
	json_object_set_new(problem, "dn", json_string(choose(dns, span_of(ctl_member(problem, "domain")))));
	json_object_del(problem, "subject");
	json_object_del(problem, "domain");
	json_decref(dns);
	text_free(&why);
}

/* 0 or an exit code. */
static int
add_mail_problems(const struct ctl *ctl, struct problem_list *list)
{
	cleanup(cache_closep) struct cache *cache = NULL;
	cleanup(ask_freep) struct ask *ask = NULL;
	struct text why = TEXT_INIT;
	size_t first = list->count;
	int r = mail_open(ctl->settings->cache_dir, ctl->settings->run_dir, &cache);

	if (r == 0)
		r = audit_mail(cache, &ctl->settings->mail, keep_found, list);
	if (list->count > first && ask_open(ctl->settings->run_dir, &ask, &why) < 0)
		ask = NULL;
	text_free(&why);
	for (size_t i = first; i < list->count; i++)
		put_dn(list->items[i], &ask);
	/* No mail here: nothing to be wrong with it. */
	if (r == 0 || r == -ENOENT)
		return 0;
	ctl_complain("what is wrong between mail addresses cannot be told: %s",
	             r == -EBADMSG ? "a record in the cache makes no sense" : r == -ENOMEM ? strerror(ENOMEM) : cache_error_text());
	return CTL_CANNOT_TELL;
}

/* --- the command ------------------------------------------------------------------------------------ */

int
ctl_problems(const struct ctl *ctl)
{
	struct problem_list list = { NULL, 0, 0, false };
	struct text why = TEXT_INIT;
	json_t *last = NULL;
	int r = ask_once(ctl->settings->run_dir, "problems", ANSWER_TIMEOUT, keep_line, &list, &last, &why), code = 0;

	if (r == 0)
		code = add_mail_problems(ctl, &list);
	if (r < 0 || list.failed) {
		ctl_complain("%s", r < 0 ? text_str(&why) : strerror(ENOMEM));
		code = CTL_CANNOT_TELL;
	} else {
		if (list.count > 1)
			qsort(list.items, list.count, sizeof(*list.items), by_dn);
		list.count = drop_repeated(&list);
		print_problems(&list, ctl->json);
		if (list.count > 0)
			code = CTL_ABSENT;
	}
	for (size_t i = 0; i < list.count; i++)
		json_decref(list.items[i]);
	free(list.items);
	json_decref(last);
	text_free(&why);
	return code;
}
