/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 */
#include <config.h>

#include "ftpauth/serve.h"

#include "common/log.h"
#include "ftpauth/verification.h"

#include <errno.h>
#include <time.h>

enum {
	TRIES = 2,
	PAUSE_MS = 100, /* until the account environment shows what secret/ shows already */
	HOLD_MS = 2000, /* while the cache cannot tell: mostly it is being replaced */
	LOGIN_SHOWN = 100,
};

#define REPLIES(word) { "ftpauth_replies", "result=\"" word "\"", "Logins by what was said.", COUNTERS_COUNT }

const struct counters_row serve_counter_rows[SERVE_COUNTS] = {
	SERVER_COUNTER_ROWS("ftpauth"),
	[SERVE_COUNT_ACCEPTED] = REPLIES("accepted"),
	[SERVE_COUNT_UNKNOWN] = REPLIES("unknown"),
	[SERVE_COUNT_REFUSED] = REPLIES("refused"),
	[SERVE_COUNT_FLAWED] = REPLIES("flawed"),
	[SERVE_COUNT_CANNOT_TELL] = REPLIES("cannot-tell"),
	[SERVE_COUNT_NONSENSE] = REPLIES("nonsense"),
	[SERVE_COUNT_AGAIN] = { "ftpauth_again", NULL, "Logins that changed hands while they were looked at.", COUNTERS_COUNT },
};

/* What is known of an account at one moment. */
struct look {
	bool is_there;
	bool is_nobodys; /* not even somebody's who may not use FTP */
	uint8_t uuid[ENTRY_UUID_LEN];
};

/* A connection's state. */
struct asked {
	struct text account, password, peer;
	uint64_t begun;
	unsigned tries;
	struct look before;
	struct verification *verification;
	bool answered;
	struct question_answer answer;
	const char *why; /* for "cannot tell" */
};

static struct serve *
serve_of(struct server_connection *c)
{
	/* server_meaning() is const for those who share it; the daemon has but one. */
	struct serve *const *serve = server_meaning(c);

	return *serve;
}

/* --- replies --------------------------------------------------------------------------------------------- */

static enum server_step
say(struct server_connection *c, const struct extauth_reply *reply, unsigned count)
{
	counters_add(serve_of(c)->counters, count, 1);
	extauth_put_reply(server_output(c), reply);
	return SERVER_FINISH;
}

static enum server_step
refuse(struct server_connection *c, unsigned count)
{
	static const struct extauth_reply refused = { .verdict = EXTAUTH_REFUSED };

	return say(c, &refused, count);
}

static void
put_login(struct text *out, const struct asked *asked)
{
	text_put(out, "login \"");
	text_put_escaped(out, text_span(&asked->account), LOGIN_SHOWN);
	text_put(out, "\" from ");
	if (asked->peer.len > 0)
		text_put_escaped(out, text_span(&asked->peer), LOGIN_SHOWN);
	else
		text_put(out, "somewhere");
}

static void
log_verdict(const struct asked *asked, const char *verdict)
{
	cleanup(text_free) struct text line = TEXT_INIT;

	put_login(&line, asked);
	log_debug("%s: %s", text_str(&line), verdict);
}

static void
note_failure(struct serve *serve, const char *who, const char *why)
{
	unsigned left_out;

	if (!seldom_now(&serve->seldom, span_of(who), server_now(serve->server), &left_out))
		return;
	serve->failing = true;
	log_error("%s cannot tell, logins are refused: %s (%u more since the last time)", who, why, left_out);
}

static void
note_success(struct serve *serve)
{
	if (!serve->failing)
		return;
	serve->failing = false;
	log_notice("logins can be judged again");
}

/* There is no telling: neither yes nor "unknown", which would lead to the next method. */
static enum server_step
cannot_tell(struct server_connection *c, const struct asked *asked, const char *who, const char *why)
{
	note_failure(serve_of(c), who, why);
	log_verdict(asked, "cannot tell");
	return refuse(c, SERVE_COUNT_CANNOT_TELL);
}

/* --- the account ----------------------------------------------------------------------------------------- */

static bool
is_nobodys(enum login_reason reason)
{
	return reason == LOGIN_UNKNOWN || reason == LOGIN_MALFORMED;
}

/* 0 and *OUT, or negative. */
static int
find(struct serve *serve, const struct asked *asked, struct look *out)
{
	const struct login_question question = {
		.login = text_span(&asked->account),
		.realm = SPAN(""),
		.service = SPAN(QUESTION_SERVICE),
		.now = (uint64_t)time(NULL),
	};
	int r = account_lookup(serve->cache, &serve->login, &question, &serve->found);

	if (r < 0)
		return r;
	*out = (struct look){ .is_there = r == 1, .is_nobodys = r == 0 && is_nobodys(serve->found.reason) };
	if (r == 1)
		memcpy(out->uuid, serve->found.uuid, sizeof(out->uuid));
	return 0;
}

/* --- the password ---------------------------------------------------------------------------------------- */

static void
on_answer(void *context, const struct question_answer *answer, const char *why)
{
	struct server_connection *c = context;
	struct asked *asked = server_state(c);

	asked->verification = NULL;
	asked->answered = true;
	asked->answer = *answer;
	asked->why = why;
	server_wake(c);
}

static enum server_step
ask(struct server_connection *c, struct asked *asked)
{
	struct serve *serve = serve_of(c);
	const struct verification_order order = {
		.base = server_base(serve->server),
		.path = serve->saslauth_socket,
		.timeout_ms = serve->timeout_ms,
		.done = on_answer,
		.context = c,
	};
	cleanup(text_wipe) struct text question = TEXT_INIT;
	int r = find(serve, asked, &asked->before);

	if (r < 0 && !server_is_stopping(serve->server) && server_now(serve->server) - asked->begun < HOLD_MS) {
		server_wake_after(c, PAUSE_MS);
		return SERVER_WAIT;
	}
	if (r < 0)
		return cannot_tell(c, asked, "the cache", cache_error_text());
	/* Also when there is no such account: ispman-saslauthd takes its time for that, counts it, and logs who tried. Room for all of it
	 * at first: the password is nowhere else then. */
	text_extend(&question, asked->account.len + asked->password.len + asked->peer.len + 64);
	text_clear(&question);
	if (question_put(&question, text_span(&asked->account), text_span(&asked->password), text_span(&asked->peer)) < 0) {
		log_verdict(asked, "refused: too long");
		return refuse(c, SERVE_COUNT_REFUSED);
	}
	asked->tries++;
	asked->answered = false;
	if (!text_failed(&question))
		asked->verification = verification_begin(&order, &question);
	if (asked->verification == NULL)
		return cannot_tell(c, asked, "this program", strerror(ENOMEM));
	return SERVER_WAIT;
}

/* --- the verdict ----------------------------------------------------------------------------------------- */

/* The account is another one by now. Once more, in a moment. */
static enum server_step
again(struct server_connection *c, struct asked *asked)
{
	struct serve *serve = serve_of(c);

	counters_add(serve->counters, SERVE_COUNT_AGAIN, 1);
	if (asked->tries >= TRIES)
		return cannot_tell(c, asked, "the cache", "an account and its password are not of one entry");
	asked->answered = false;
	server_wake_after(c, PAUSE_MS);
	return SERVER_WAIT;
}

static enum server_step
accept_login(struct server_connection *c, struct asked *asked)
{
	cleanup(text_free) struct text complaint = TEXT_INIT;
	struct serve *serve = serve_of(c);
	struct extauth_reply reply;
	enum session_flaw flaw = session_reply(&serve->rules, &serve->found.entry, !serve->login.refuse_suspended_users, &serve->dir, &reply);

	if (flaw == SESSION_SOUND && reply.verdict == EXTAUTH_ACCEPTED) {
		log_verdict(asked, "accepted");
		return say(c, &reply, SERVE_COUNT_ACCEPTED);
	}
	put_login(&complaint, asked);
	text_putf(&complaint, ": the password is right, but the account %s: refused", session_flaw_sentence(flaw));
	/* A kind of its own for each: two accounts' mistakes are both said. */
	server_complain(c, text_str(&complaint), text_str(&complaint));
	return refuse(c, SERVE_COUNT_FLAWED);
}

static enum server_step
judge(struct server_connection *c, struct asked *asked)
{
	static const struct extauth_reply unknown = { .verdict = EXTAUTH_UNKNOWN };
	const struct question_answer *answer = &asked->answer;
	struct serve *serve = serve_of(c);
	struct look after;
	int r;

	if (answer->word != QUESTION_ACCEPTED && answer->word != QUESTION_REFUSED)
		return cannot_tell(c, asked, "ispman-saslauthd", asked->why);
	note_success(serve);
	if (answer->word == QUESTION_REFUSED && !asked->before.is_nobodys) {
		log_verdict(asked, "refused");
		return refuse(c, SERVE_COUNT_REFUSED);
	}
	r = find(serve, asked, &after);
	if (r < 0)
		return cannot_tell(c, asked, "the cache", cache_error_text());
	if (answer->word == QUESTION_REFUSED) {
		/* Not ours: nobody's before and after, and ispman-saslauthd knows it neither. */
		if (!after.is_nobodys)
			return again(c, asked);
		log_verdict(asked, "unknown");
		return say(c, &unknown, SERVE_COUNT_UNKNOWN);
	}
	if (after.is_there && answer->has_uuid)
		return memcmp(after.uuid, answer->uuid, sizeof(after.uuid)) == 0 ? accept_login(c, asked) : again(c, asked);
	if (after.is_there && asked->before.is_there && memcmp(after.uuid, asked->before.uuid, sizeof(after.uuid)) == 0)
		return accept_login(c, asked);
	return again(c, asked);
}

/* The answer has come, or the pause is over, or the server stops: what was asked before that is judged yet. */
static enum server_step
wake(struct server_connection *c)
{
	struct asked *asked = server_state(c);

	if (asked->answered)
		return judge(c, asked);
	return asked->verification != NULL ? SERVER_WAIT : ask(c, asked);
}

/* --- requests -------------------------------------------------------------------------------------------- */

static void
forget(struct server_connection *c)
{
	struct asked *asked = server_state(c);

	verification_cancel(asked->verification);
	text_wipe(&asked->password);
	text_free(&asked->account);
	text_free(&asked->peer);
}

static enum server_step
look(struct server_connection *c, struct span input, size_t *out_taken)
{
	struct asked *asked = server_state(c);
	struct extauth_request request;
	int r = extauth_take_request(input, &request);

	if (r == 0)
		return SERVER_MORE;
	*out_taken = input.len;
	if (r < 0) {
		/* A login without a password is somebody's mistake, not Pure-FTPd's. */
		if (r != -EINVAL)
			server_complain(c, "nonsense", "sent what Pure-FTPd does not send: refused");
		return refuse(c, SERVE_COUNT_NONSENSE);
	}
	asked->begun = server_now(serve_of(c)->server);
	/* The octets it lies in are the next one's soon. */
	text_put_span(&asked->account, request.account);
	text_put_span(&asked->password, request.password);
	text_put_span(&asked->peer, request.peer);
	if (text_failed(&asked->account) || text_failed(&asked->password) || text_failed(&asked->peer))
		return cannot_tell(c, asked, "this program", strerror(ENOMEM));
	return ask(c, asked);
}

const struct server_protocol serve_extauth = {
	.name = "extauth",
	.state_size = sizeof(struct asked),
	.request_max = EXTAUTH_REQUEST_MAX + 1,
	.look = look,
	.wake = wake,
	.closed = forget,
	.last_words = EXTAUTH_REFUSAL,
	.is_secret = true,
};

void
serve_end(struct serve *serve)
{
	account_answer_free(&serve->found);
	text_free(&serve->dir);
}
