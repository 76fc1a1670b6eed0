/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 */
#include <config.h>

#include "cache/secret_json.h"

#include <errno.h>
#include <stdio.h>

/* A chain asks about three logins, two domains and an entry. */
enum { SUBJECTS_MAX = 16 };

struct telling {
	json_t *steps, *subjects;
};

static json_t *
string_of(struct span s)
{
	struct text shown = TEXT_INIT;
	json_t *string = json_stringn(s.data, s.len);

	if (string != NULL)
		return string;
	/* Not UTF-8. */
	text_put_escaped(&shown, s, s.len);
	string = json_string(text_str(&shown));
	text_free(&shown);
	return string;
}

static void
tell(void *context, struct span subject, const char *sentence)
{
	static const char digits[] = "0123456789abcdef";
	const struct telling *telling = context;
	char hex[2 * KEY_MAX + 1];
	json_t *string, *had;
	size_t i;

	json_array_append_new(telling->steps, string_of(span_of(sentence)));
	if (subject.len == 0 || subject.len > KEY_MAX || json_array_size(telling->subjects) == SUBJECTS_MAX)
		return;
	for (i = 0; i < subject.len; i++) {
		hex[2 * i] = digits[(uint8_t)subject.data[i] >> 4];
		hex[2 * i + 1] = digits[(uint8_t)subject.data[i] & 15];
	}
	hex[2 * i] = '\0';
	string = json_string(hex);
	json_array_foreach(telling->subjects, i, had)
	{
		if (json_equal(had, string)) {
			json_decref(string);
			return;
		}
	}
	json_array_append_new(telling->subjects, string);
}

static void
put_entry(json_t *out, const struct secret_answer *answer,
          void (*scheme_of)(void *context, struct span stored, struct secret_scheme *out), void *context)
{
	static const char *const kinds[LOGIN_KINDS] = { "unknown", "user", "vhost", "domain", "admin" };
	struct secret_entry entry = answer->entry;
	json_t *passwords = json_array();
	char uuid[2 * ENTRY_UUID_LEN + 5], *end = uuid;
	struct span stored;

	for (size_t i = 0; i < ENTRY_UUID_LEN; i++)
		end += sprintf(end, i == 4 || i == 6 || i == 8 || i == 10 ? "-%02x" : "%02x", answer->uuid[i]);
	while (secret_value_next(&entry, &stored) > 0) {
		struct secret_scheme scheme = { .name = "unknown" };

		scheme_of(context, stored, &scheme);
		json_array_append_new(passwords, json_pack("{s:s, s:b, s:b}", "scheme", scheme.name, "weak", scheme.weak, "usable",
		                                           scheme.usable));
	}
	json_object_set_new(out, "dn", string_of(entry.dn));
	json_object_set_new(out, "kind", json_string(kinds[entry.kind < LOGIN_KINDS ? entry.kind : 0]));
	json_object_set_new(out, "domain", string_of(entry.domain));
	json_object_set_new(out, "address", string_of(entry.address));
	json_object_set_new(out, "uid", string_of(entry.uid));
	json_object_set_new(out, "uuid", json_string(uuid));
	json_object_set_new(out, "passwords", passwords);
}

static const char *
outcome_of(int r, enum login_reason reason)
{
	if (r < 0)
		return "cannot-tell";
	if (r > 0)
		return "allowed";
	return reason == LOGIN_UNKNOWN || reason == LOGIN_MALFORMED ? "unknown" : "refused";
}

json_t *
secret_json(struct cache *cache, const struct login_options *options, const struct login_question *question, bool explain,
            void (*scheme_of)(void *context, struct span stored, struct secret_scheme *out), void *context)
{
	struct telling telling = { json_array(), json_array() };
	struct secret_answer answer = SECRET_ANSWER_INIT;
	json_t *out = json_object();
	int r = secret_explain(cache, options, question, explain ? tell : NULL, &telling, &answer);

	json_object_set_new(out, "login", string_of(question->login));
	json_object_set_new(out, "service", string_of(question->service));
	json_object_set_new(out, "realm", string_of(question->realm));
	json_object_set_new(out, "outcome", json_string(outcome_of(r, answer.reason)));
	if (r >= 0)
		json_object_set_new(out, "reason", json_string(login_reason_word(answer.reason)));
	else
		json_object_set_new(out, "error", json_string(r == -EBADMSG  ? "a record in the cache makes no sense"
		                                              : r == -ENOMEM ? strerror(ENOMEM)
		                                                             : cache_error_text()));
	if (answer.has_entry)
		put_entry(out, &answer, scheme_of, context);
	if (explain) {
		json_object_set(out, "steps", telling.steps);
		json_object_set(out, "subjects", telling.subjects);
	}
	json_decref(telling.steps);
	json_decref(telling.subjects);
	secret_answer_free(&answer);
	return out;
}
