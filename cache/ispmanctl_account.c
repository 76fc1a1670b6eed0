/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * `ispmanctl lookup account` and `explain account`: whose login it is, and whether it may log in. Only ispman-saslauthd can read
 * what decides that, so it is asked (secret_json.h has its answer). Which entries of the directory stand behind the steps, ispman-cached
 * knows: "entries" takes the place of "subjects".
 */
#include <config.h>

#include "cache/ispmanctl.h"

#include <errno.h>
#include <stdio.h>

enum { ANSWER_TIMEOUT = 10000 };

static int
ask_daemon(const struct ctl *ctl, const char *command, json_t **out, struct text *why)
{
	cleanup(ask_freep) struct ask *ask = NULL;
	int r = ask_open_other(ctl->settings->run_dir, "saslauth-control", "ispman-saslauthd", &ask, why);

	if (r == 0)
		r = ask_send(ask,
		             json_pack("{s:s, s:o, s:o, s:o}", "command", command, "login", ctl_foreign_json(span_of(ctl->argv[1])),
		                       "service", ctl_foreign_json(span_of(ctl->service != NULL ? ctl->service : "smtp")), "realm",
		                       ctl_foreign_json(span_of(ctl->realm != NULL ? ctl->realm : ""))),
		             ANSWER_TIMEOUT, why);
	if (r == 0)
		r = ask_next(ask, out, why);
	return r < 0 ? r : 0;
}

/* What the record of a subject in hexadecimal is about: a login by its name, an account by the name of its entry. */
static json_t *
behind_json(const char *hex, const json_t *answer, const char **out_kind)
{
	struct text name = TEXT_INIT;
	json_t *string;

	*out_kind = "login";
	if (strncmp(hex, "6c", 2) != 0) {
		*out_kind = "account";
		return ctl_foreign_json(span_of(ctl_member(answer, "uid")));
	}
	for (hex += 2; ascii_hex(hex[0]) >= 0 && ascii_hex(hex[1]) >= 0; hex += 2)
		text_put_char(&name, (char)(ascii_hex(hex[0]) << 4 | ascii_hex(hex[1])));
	string = ctl_foreign_json(text_span(&name));
	text_free(&name);
	return string;
}

/* What stands behind each step, of ispman-cached. */
static void
add_entries(const struct ctl *ctl, json_t *answer)
{
	cleanup(ask_freep) struct ask *ask = NULL;
	struct text why = TEXT_INIT;
	json_t *out = json_array(), *dns, *subject;
	size_t i;
	int r = ask_open(ctl->settings->run_dir, &ask, &why);

	json_array_foreach(json_object_get(answer, "subjects"), i, subject)
	{
		const char *hex = json_string_value(subject), *kind;
		json_t *behind;

		if (r < 0 || hex == NULL)
			break;
		dns = NULL;
		r = ask_entries(ask, hex, &dns, &why);
		if (r == 0 && json_array_size(dns) > 0) {
			behind = behind_json(hex, answer, &kind);
			json_array_append_new(out, json_pack("{s:s, s:o, s:O}", "kind", kind, "behind", behind, "dns", dns));
		}
		json_decref(dns);
	}
	json_object_del(answer, "subjects");
	json_object_set_new(answer, "entries", out);
	if (r < 0)
		json_object_set_new(answer, "entries-unknown", json_string(text_str(&why)));
	text_free(&why);
}

static void
print_line(const json_t *answer, const char *name, const char *key)
{
	const char *value = ctl_member(answer, key);

	if (value[0] == '\0')
		return;
	printf("%s: ", name);
	ctl_print_foreign(value);
	putchar('\n');
}

static void
print_passwords(const json_t *answer)
{
	const json_t *passwords = json_object_get(answer, "passwords"), *one;
	size_t i;

	if (passwords == NULL)
		return;
	printf("passwords:");
	json_array_foreach(passwords, i, one)
	{
		printf("%s ", i > 0 ? "," : "");
		ctl_print_foreign(ctl_member(one, "scheme"));
		if (!json_is_true(json_object_get(one, "usable")))
			printf(" (cannot be checked)");
		else if (json_is_true(json_object_get(one, "weak")))
			printf(" (weak)");
	}
	printf("%s\n", json_array_size(passwords) == 0 ? " none can be read" : "");
}

static void
print_answer(const json_t *answer)
{
	const char *outcome = ctl_member(answer, "outcome");

	ctl_print_steps(answer);
	if (strcmp(outcome, "allowed") == 0)
		printf("may log in to ");
	else if (strcmp(outcome, "refused") == 0)
		printf("may not log in to ");
	else
		printf("nobody's login for ");
	ctl_print_foreign(ctl_member(answer, "service"));
	if (strcmp(outcome, "allowed") != 0)
		printf(": %s", ctl_member(answer, "reason"));
	putchar('\n');
	print_line(answer, "entry", "dn");
	print_line(answer, "kind", "kind");
	print_line(answer, "domain", "domain");
	print_line(answer, "address", "address");
	print_line(answer, "uid", "uid");
	print_passwords(answer);
	ctl_print_entries(answer);
}

int
ctl_account(const struct ctl *ctl, const char *command, bool explain)
{
	cleanup(text_free) struct text why = TEXT_INIT;
	json_t *answer = NULL;
	const char *outcome;
	int code;

	if (ctl->argc != 2)
		return ctl_misused(command);
	if (ask_daemon(ctl, command, &answer, &why) < 0) {
		ctl_complain("cannot tell: %s", text_str(&why));
		return CTL_CANNOT_TELL;
	}
	outcome = ctl_member(answer, "outcome");
	if (explain)
		add_entries(ctl, answer);
	code = strcmp(outcome, "allowed") == 0 ? CTL_FINE : strcmp(outcome, "cannot-tell") == 0 ? CTL_CANNOT_TELL : CTL_ABSENT;
	if (ctl->json)
		ctl_print_json(json_incref(answer));
	else if (code == CTL_CANNOT_TELL)
		ctl_complain("cannot tell: %s", ctl_member(answer, "error"));
	else
		print_answer(answer);
	json_decref(answer);
	return code;
}
