/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * `ispmanctl lookup mail` and `explain mail`: what Postfix would be answered, read where its server reads it.
 *
 * The answer is first made as JSON, whatever is printed:
 *
 *   {"map", "key", "outcome": "found" | "absent", "value",
 *    "steps": [SENTENCE, ...], "entries": [{"kind", "behind", "dns": [DN, ...]}, ...]}      explain only
 */
#include <config.h>

#include "cache/ispmanctl.h"

#include "cache/mail.h"
#include "cache/record_mail.h"

#include <errno.h>
#include <stdio.h>

/* Records behind an answer: a chain has eight; groups that are expanded may have any number. */
enum { SUBJECTS_MAX = 64 };

struct lookup {
	const struct ctl *ctl;
	json_t *answer, *steps;
	size_t subject_count;
	struct key subjects[SUBJECTS_MAX];
};

static void
keep_step(void *context, struct span subject, const char *sentence)
{
	struct lookup *lookup = context;
	struct key *place = &lookup->subjects[lookup->subject_count];

	json_array_append_new(lookup->steps, ctl_foreign_json(span_of(sentence)));
	if (subject.len == 0 || subject.len > KEY_MAX || lookup->subject_count == SUBJECTS_MAX)
		return;
	for (size_t i = 0; i < lookup->subject_count; i++)
		if (span_is(key_span(&lookup->subjects[i]), subject))
			return;
	memcpy(place->octets, subject.data, subject.len);
	place->len = subject.len;
	lookup->subject_count++;
}

/* --- what stands behind it --------------------------------------------------------------------------- */

static json_t *
behind_json(struct span subject, const char **out_kind)
{
	struct span domain, rest;
	struct text name = TEXT_INIT;
	json_t *string;
	char letter;

	*out_kind = "record";
	if (key_mail_split(subject, &letter, &domain, &rest) < 0)
		return json_string("");
	*out_kind = letter == 'd' ? "domain" : rest.len > 0 ? "address" : "catch-all";
	if (letter == 'd')
		text_put_span(&name, domain);
	else
		address_put(&name, rest, domain);
	string = ctl_foreign_json(text_span(&name));
	text_free(&name);
	return string;
}

static int
add_entries(struct ask *ask, struct span subject, json_t *out, struct text *why)
{
	struct text hex = TEXT_INIT;
	json_t *dns = NULL, *behind;
	const char *kind;
	int r;

	ask_put_subject(&hex, subject);
	r = ask_entries(ask, text_str(&hex), &dns, why);
	text_free(&hex);
	if (r == 0 && json_array_size(dns) > 0) {
		behind = behind_json(subject, &kind);
		json_array_append_new(out, json_pack("{s:s, s:o, s:O}", "kind", kind, "behind", behind, "dns", dns));
	}
	json_decref(dns);
	return r;
}

static void
add_all_entries(struct lookup *lookup)
{
	cleanup(ask_freep) struct ask *ask = NULL;
	struct text why = TEXT_INIT;
	json_t *out = json_array();
	int r = ask_open(lookup->ctl->settings->run_dir, &ask, &why);

	for (size_t i = 0; i < lookup->subject_count && r == 0; i++)
		r = add_entries(ask, key_span(&lookup->subjects[i]), out, &why);
	if (r < 0)
		json_object_set_new(lookup->answer, "entries-unknown", json_string(text_str(&why)));
	json_object_set_new(lookup->answer, "entries", out);
	text_free(&why);
}

/* --- the answer ---------------------------------------------------------------------------------------- */

static void
print_answer(const json_t *answer, bool json)
{
	const char *value = json_string_value(json_object_get(answer, "value"));

	if (json) {
		ctl_print_json(json_incref((json_t *)(uintptr_t)answer));
		return;
	}
	ctl_print_steps(answer);
	if (value != NULL)
		ctl_print_foreign(value);
	else
		printf("; absent: Postfix is told that there is no such key");
	putchar('\n');
	ctl_print_entries(answer);
}

static void
say_why_not(int error)
{
	if (error == -E2BIG)
		ctl_complain("cannot tell: the answer is longer than the %d octets that Postfix takes", MAIL_VALUE_MAX);
	else
		ctl_complain("cannot tell: %s", error == -EBADMSG  ? "a record in the cache makes no sense"
		                                : error == -ENOMEM ? strerror(ENOMEM)
		                                                   : cache_error_text());
}

/* 0 or an exit code. */
static int
parse_question(const struct ctl *ctl, const char *command, enum mail_map *out_map)
{
	struct text names = TEXT_INIT;

	if (ctl->argc != 3)
		return ctl_misused(command);
	if (mail_map_from_name(span_of(ctl->argv[1]), out_map) > 0)
		return 0;
	for (unsigned i = 0; i < MAIL_MAPS; i++)
		text_putf(&names, " %s", mail_map_name((enum mail_map)i));
	ctl_complain("%s is no map; allowed:%s", ctl->argv[1], text_str(&names));
	text_free(&names);
	return CTL_USAGE;
}

int
ctl_mail(const struct ctl *ctl, const char *command, bool explain)
{
	cleanup(cache_closep) struct cache *cache = NULL;
	cleanup(text_free) struct text value = TEXT_INIT;
	struct lookup lookup = { .ctl = ctl };
	enum mail_map map;
	int code = parse_question(ctl, command, &map), r;

	if (code != 0)
		return code;
	lookup.answer = json_object();
	lookup.steps = json_array();
	r = mail_open(ctl->settings->cache_dir, ctl->settings->run_dir, &cache);
	if (r == 0)
		r = mail_explain(cache, &ctl->settings->mail, map, span_of(ctl->argv[2]), explain ? keep_step : NULL, &lookup, &value);
	if (r < 0) {
		say_why_not(r);
		code = CTL_CANNOT_TELL;
	} else {
		json_object_set_new(lookup.answer, "map", json_string(mail_map_name(map)));
		json_object_set_new(lookup.answer, "key", ctl_foreign_json(span_of(ctl->argv[2])));
		json_object_set_new(lookup.answer, "outcome", json_string(r > 0 ? "found" : "absent"));
		if (r > 0)
			json_object_set_new(lookup.answer, "value", ctl_foreign_json(text_span(&value)));
		if (explain) {
			json_object_set(lookup.answer, "steps", lookup.steps);
			add_all_entries(&lookup);
		}
		print_answer(lookup.answer, ctl->json);
		code = r > 0 ? CTL_FINE : CTL_ABSENT;
	}
	json_decref(lookup.steps);
	json_decref(lookup.answer);
	return code;
}
