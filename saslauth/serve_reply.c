/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * How a login ends: the reply, the line in the log, the counters, and what is counted of guesses.
 */
#include <config.h>

#include "saslauth/serve_parts.h"

#include "common/log.h"
#include "saslauth/mux.h"

enum { WORD_SHOWN = 200 };

#define REASON(word) { "saslauth_refused", "reason=\"" word "\"", "Refused logins by reason.", COUNTERS_COUNT }
#define LOGINS(word) { "saslauth_logins", "result=\"" word "\"", "Logins by what was said.", COUNTERS_COUNT }
#define CHECKS(word) { "saslauth_checks", "how=\"" word "\"", "Passwords by how they were checked.", COUNTERS_COUNT }

const struct counters_row serve_counter_rows[SERVE_COUNTS] = {
	SERVER_COUNTER_ROWS("saslauth"),
	[SERVE_COUNT_ACCEPTED] = LOGINS("ok"),
	[SERVE_COUNT_REFUSED] = LOGINS("no"),
	[SERVE_COUNT_CANNOT_TELL] = LOGINS("cannot-tell"),
	[SERVE_COUNT_OVERLOAD] = LOGINS("overload"),
	[SERVE_COUNT_STRANGERS] = { "saslauth_strangers", NULL, "Requests of users who may not ask.", COUNTERS_COUNT },
	[SERVE_COUNT_VERIFIED] = CHECKS("remembered"),
	[SERVE_COUNT_INLINE] = CHECKS("cheap"),
	[SERVE_COUNT_HASHED] = CHECKS("costly"),
	[SERVE_COUNT_BOUND] = CHECKS("bind"),
	[SERVE_COUNT_HELD] = { "saslauth_held", NULL, "Logins that had to wait, since somebody guesses.", COUNTERS_COUNT },
	[SERVE_COUNT_REPEATED] = { "saslauth_repeated", NULL, "Logins whose entry changed while they were checked.", COUNTERS_COUNT },
	[SERVE_COUNT_WAITING] = { "saslauth_checks_waiting", NULL, "Costly checks that wait for a thread.", COUNTERS_GAUGE },
	[SERVE_COUNT_RUNNING] = { "saslauth_checks_running", NULL, "Costly checks that run.", COUNTERS_GAUGE },
	[SERVE_COUNT_REASON + LOGIN_FINE] = REASON("fine"),
	[SERVE_COUNT_REASON + LOGIN_MALFORMED] = REASON("malformed-login"),
	[SERVE_COUNT_REASON + LOGIN_UNKNOWN] = REASON("unknown-login"),
	[SERVE_COUNT_REASON + LOGIN_AMBIGUOUS] = REASON("ambiguous-login"),
	[SERVE_COUNT_REASON + LOGIN_NOT_SERVED] = REASON("not-for-service"),
	[SERVE_COUNT_REASON + LOGIN_OTHER_FORM] = REASON("not-mailbox-name"),
	[SERVE_COUNT_REASON + LOGIN_NO_MAILBOX] = REASON("no-mailbox"),
	[SERVE_COUNT_REASON + LOGIN_SUSPENDED] = REASON("suspended"),
	[SERVE_COUNT_REASON + LOGIN_DOMAIN_SUSPENDED] = REASON("domain-suspended"),
	[SERVE_COUNT_REASON + LOGIN_FTP_DISABLED] = REASON("ftp-disabled"),
	[SERVE_COUNT_REASON + LOGIN_ACCOUNT_LOCKED] = REASON("locked"),
	[SERVE_COUNT_REASON + LOGIN_NOT_YET] = REASON("not-yet-valid"),
	[SERVE_COUNT_REASON + LOGIN_EXPIRED] = REASON("expired"),
	[SERVE_COUNT_REASON + SERVE_PASSWORD] = REASON("password"),
	[SERVE_COUNT_REASON + SERVE_NONSENSE] = REASON("nonsense"),
	[SERVE_COUNT_REASON + SERVE_UNUSABLE + PASSWORD_DELEGATED - 1] = REASON("delegated"),
	[SERVE_COUNT_REASON + SERVE_UNUSABLE + PASSWORD_LOCKED - 1] = REASON("password-locked"),
	[SERVE_COUNT_REASON + SERVE_UNUSABLE + PASSWORD_NONE - 1] = REASON("no-password"),
	[SERVE_COUNT_REASON + SERVE_UNUSABLE + PASSWORD_CLEAR_REFUSED - 1] = REASON("clear-password"),
	[SERVE_COUNT_REASON + SERVE_UNUSABLE + PASSWORD_UNKNOWN - 1] = REASON("unknown-scheme"),
	[SERVE_COUNT_REASON + SERVE_UNUSABLE + PASSWORD_MALFORMED - 1] = REASON("malformed-password"),
	[SERVE_COUNT_REASON + SERVE_UNUSABLE + PASSWORD_TOO_COSTLY - 1] = REASON("too-costly"),
};

static const char *
reason_word(unsigned reason)
{
	static const char *const words[SERVE_REASONS] = {
		[SERVE_PASSWORD] = "password",
		[SERVE_NONSENSE] = "nonsense",
		[SERVE_UNUSABLE + PASSWORD_DELEGATED - 1] = "delegated",
		[SERVE_UNUSABLE + PASSWORD_LOCKED - 1] = "password-locked",
		[SERVE_UNUSABLE + PASSWORD_NONE - 1] = "no-password",
		[SERVE_UNUSABLE + PASSWORD_CLEAR_REFUSED - 1] = "clear-password",
		[SERVE_UNUSABLE + PASSWORD_UNKNOWN - 1] = "unknown-scheme",
		[SERVE_UNUSABLE + PASSWORD_MALFORMED - 1] = "malformed-password",
		[SERVE_UNUSABLE + PASSWORD_TOO_COSTLY - 1] = "too-costly",
	};

	return reason < LOGIN_REASONS ? login_reason_word((enum login_reason)reason) : words[reason];
}

/* "user=<...> service=<...> rip=<...>" */
static void
put_attempt(struct text *out, const struct attempt *a)
{
	text_put(out, "user=<");
	client_put_word(out, a->login, WORD_SHOWN);
	if (a->realm.len > 0 && memchr(a->login.data, '@', a->login.len) == NULL) {
		text_put_char(out, '@');
		client_put_word(out, a->realm, WORD_SHOWN);
	}
	text_put(out, "> service=<");
	client_put_word(out, a->service, WORD_SHOWN);
	text_put(out, "> rip=<");
	if (a->has_address)
		client_put(out, a->address);
	else
		text_put_char(out, '-');
	text_put_char(out, '>');
}

static const char *
shown(struct serve *serve, const struct attempt *a)
{
	text_clear(&serve->sentence);
	put_attempt(&serve->sentence, a);
	return text_str(&serve->sentence);
}

bool
serve_is_exempt(const struct serve *serve, const struct attempt *a)
{
	const struct saslauthd_settings *s = serve->settings;

	if (!s->throttle)
		return true;
	for (size_t i = 0; i < s->throttle_exempt_services.count; i++)
		if (span_is_nocase(span_of(s->throttle_exempt_services.items[i]), a->service))
			return true;
	return a->has_address && client_is_within(a->address, s->throttle_exempt, s->throttle_exempt_count);
}

struct throttle_question
serve_throttle_question(struct serve *serve, const struct attempt *a)
{
	return (struct throttle_question){
		.account = a->has_entry ? span_from(serve->answer.uuid, sizeof(serve->answer.uuid)) : a->login,
		.service = a->service,
		.password = a->password,
		.address = a->has_address ? a->address : NULL,
	};
}

void
serve_count_attempt(struct serve *serve, struct attempt *a, uint64_t now)
{
	const struct throttle_question question = serve_throttle_question(serve, a);

	if (a->counted || serve_is_exempt(serve, a))
		return;
	throttle_begin(serve->throttle, &question, now, &a->throttle);
	a->counted = true;
}

/* To check what is cheap again costs less than to remember more of it. */
static void
remember(struct serve *serve, const struct attempt *a, uint64_t now)
{
	if (a->identified)
		verified_put(serve->verified, a->identity, now);
	else
		verified_put_account(serve->verified, a->account, now);
}

enum server_step
serve_accept(struct server_connection *c, struct attempt *a, bool is_remembered)
{
	struct serve *serve = serve_of(c);
	uint64_t now = server_now(server_of(c));

	serve_count(serve, SERVE_COUNT_ACCEPTED);
	if (a->counted)
		throttle_take_back(serve->throttle, &a->throttle, now);
	if (!is_remembered && a->may_remember)
		remember(serve, a, now);
	if (serve->tells_all) {
		shown(serve, a);
		text_put(&serve->sentence, " peer=<");
		server_put_peer(&serve->sentence, c);
		log_debug("login accepted: %s>", text_str(&serve->sentence));
	}
	if (a->names_account)
		mux_put_accepted(server_output(c), serve->answer.uuid);
	else
		mux_put_reply(server_output(c), true);
	secret_answer_wipe(&serve->answer);
	return SERVER_FINISH;
}

enum server_step
serve_refuse(struct server_connection *c, struct attempt *a, unsigned reason)
{
	struct serve *serve = serve_of(c);
	uint64_t now = server_now(server_of(c));

	serve_count(serve, SERVE_COUNT_REFUSED);
	serve_count(serve, SERVE_COUNT_REASON + reason);
	serve_count_attempt(serve, a, now);
	if (a->counted)
		throttle_wrong(serve->throttle, &a->throttle, now);
	log_notice("login refused: %s reason=<%s>", shown(serve, a), reason_word(reason));
	secret_answer_wipe(&serve->answer);
	mux_put_reply(server_output(c), false);
	return SERVER_FINISH;
}

void
serve_say_seldom(struct server_connection *c, const struct attempt *a, const char *kind, const char *sentence)
{
	struct serve *serve = serve_of(c);
	unsigned left_out;

	if (seldom_now(&serve->seldom, span_of(kind), server_now(server_of(c)), &left_out))
		log_warning("%s: %s (%u more since the last time)", sentence, shown(serve, a), left_out);
}

enum server_step
serve_cannot_tell(struct server_connection *c, struct attempt *a)
{
	struct serve *serve = serve_of(c);

	serve_count(serve, SERVE_COUNT_CANNOT_TELL);
	if (a->counted)
		throttle_take_back(serve->throttle, &a->throttle, server_now(server_of(c)));
	secret_answer_wipe(&serve->answer);
	return SERVER_DROP;
}

enum server_step
serve_overload(struct server_connection *c, struct attempt *a, const char *sentence)
{
	struct serve *serve = serve_of(c);

	serve_count(serve, SERVE_COUNT_OVERLOAD);
	/* Nobody has learnt anything of the password. */
	if (a->counted)
		throttle_take_back(serve->throttle, &a->throttle, server_now(server_of(c)));
	serve_say_seldom(c, a, sentence, sentence);
	secret_answer_wipe(&serve->answer);
	return SERVER_DROP;
}
