/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 */
#include <config.h>

#include "saslauth/serve.h"

#include "common/log.h"
#include "saslauth/mux.h"
#include "saslauth/serve_parts.h"

#include <errno.h>
#include <time.h>

enum {
	CHECK_MAX_MS = 30000, /* a check that is not over by then is overload */
	BIND_AVERAGE = 8,
};

/* --- looking up ------------------------------------------------------------------------------------------ */

static void
note_state(struct serve *serve, int r, uint64_t now)
{
	unsigned left_out;

	if (r < 0 && !serve->failing && seldom_now(&serve->seldom, SPAN("cannot tell"), now, &left_out)) {
		serve->failing = true;
		log_error("cannot tell: %s; logins are not answered", r == -EBADMSG ? "a record makes no sense" : cache_error_text());
	} else if (r >= 0 && serve->failing) {
		serve->failing = false;
		log_notice("the cache answers again");
	}
}

/* What it depends on whether the password is right. SERVE's answer is the attempt's. */
static void
identify(struct serve *serve, struct attempt *a)
{
	const struct secret_answer *answer = &serve->answer;
	const uint8_t reason = (uint8_t)answer->reason;
	/* The record holds the stored values and all of the entry's state; the settings have a number of their own. */
	const struct span parts[] = {
		span_from(answer->uuid, answer->has_entry ? sizeof(answer->uuid) : 0),
		text_span(&answer->record),
		span_from(&reason, sizeof(reason)),
		span_from(&serve->epoch, sizeof(serve->epoch)),
		a->password,
		answer->has_entry ? SPAN("") : a->login,
	};

	if (a->identified)
		return;
	digest_of(serve->digest, parts, array_size(parts), a->identity);
	a->identified = true;
	if (!answer->has_entry)
		memcpy(&a->account, a->identity, sizeof(a->account));
}

/* Both halves count: in slapd's entryUUIDs one is that of a clock, and the other the same for all. */
static uint64_t
account_of(const uint8_t uuid[ENTRY_UUID_LEN])
{
	uint64_t halves[2];

	memcpy(halves, uuid, sizeof(halves));
	return halves[0] ^ halves[1];
}

/* Who it is. 0, or negative: cannot tell. */
static int
look_up(struct server_connection *c, struct attempt *a)
{
	struct serve *serve = serve_of(c);
	struct secret_answer *answer = &serve->answer;
	const struct login_question question = { a->login, a->realm, a->service, (uint64_t)time(NULL) };
	int r = secret_lookup(serve->cache, &serve->settings->login, &question, answer);

	note_state(serve, r, server_now(server_of(c)));
	if (r < 0)
		return r;
	a->allowed = r > 0;
	a->has_entry = answer->has_entry;
	a->reason = answer->reason;
	a->may_remember = a->allowed;
	a->identified = false;
	if (answer->has_entry)
		a->account = account_of(answer->uuid);
	return 0;
}

/* --- waiting --------------------------------------------------------------------------------------------- */

static void
keep_span(struct span *s, char **at)
{
	if (s->len > 0)
		memcpy(*at, s->data, s->len);
	s->data = *at;
	*at += s->len;
}

/* The input is overwritten when this turn is over. */
static int
keep_strings(struct attempt *a)
{
	char *at;

	if (a->kept != NULL)
		return 0;
	a->kept_len = a->login.len + a->password.len + a->service.len + a->realm.len;
	a->kept = at = malloc(a->kept_len + 1);
	if (at == NULL)
		return -ENOMEM;
	keep_span(&a->login, &at);
	keep_span(&a->password, &at);
	keep_span(&a->service, &at);
	keep_span(&a->realm, &at);
	return 0;
}

static enum server_step
wait_for(struct server_connection *c, struct attempt *a, enum attempt_stage stage, uint64_t milliseconds)
{
	secret_answer_wipe(&serve_of(c)->answer);
	if (keep_strings(a) < 0)
		return SERVER_DROP;
	a->stage = stage;
	a->begun = server_now(server_of(c));
	a->until = a->begun + milliseconds;
	server_wake_after(c, milliseconds);
	return SERVER_WAIT;
}

static enum server_step
hold(struct server_connection *c, struct attempt *a)
{
	struct serve *serve = serve_of(c);

	if (serve->held >= serve->settings->server.max_connections / 2)
		return serve_overload(c, a, "too many logins are held; this one is not answered");
	serve_count(serve, SERVE_COUNT_HELD);
	serve->held++;
	return wait_for(c, a, ATTEMPT_HELD, a->throttle.delay);
}

/* --- checking -------------------------------------------------------------------------------------------- */

static enum server_step
put_check(struct server_connection *c, struct attempt *a, struct pool *pool, const struct pool_check *check, uint64_t milliseconds)
{
	struct serve *serve = serve_of(c);
	int r;

	serve_count_attempt(serve, a, server_now(server_of(c)));
	r = pool_put(pool, check, c, &a->ticket);
	if (r < 0)
		return serve_overload(c, a, "too many checks wait; this login is not answered");
	a->pool = pool;
	a->over = false;
	return wait_for(c, a, ATTEMPT_CHECKED, milliseconds);
}

static enum server_step
check_costly(struct server_connection *c, struct attempt *a, const struct span *values, size_t value_count, uint64_t memory)
{
	const struct pool_check check = {
		.account = a->account,
		.identity = a->identity,
		.values = values,
		.value_count = value_count,
		.password = a->password,
		.memory = memory,
	};
	struct serve *serve = serve_of(c);

	serve_count(serve, SERVE_COUNT_HASHED);
	return put_check(c, a, serve->hashes, &check, CHECK_MAX_MS);
}

static enum server_step
check_by_bind(struct server_connection *c, struct attempt *a)
{
	struct serve *serve = serve_of(c);
	const struct pool_check check = {
		.account = a->account,
		.identity = a->identity,
		.values = &serve->answer.entry.dn,
		.value_count = 1,
		.password = a->password,
	};
	uint64_t milliseconds = serve->settings->ldap_timeout * 1000;

	a->bind_next = false;
	/* Nobody tells when the password changes there, unless the entry says so. */
	a->may_remember = a->may_remember && serve->answer.entry.changed != 0;
	serve_count(serve, SERVE_COUNT_BOUND);
	/* While servers are silent, those that wait for others' binds do not wait longer than these. */
	return put_check(c, a, serve->binds, &check, milliseconds < CHECK_MAX_MS ? milliseconds : CHECK_MAX_MS);
}

/* All is known. */
static enum server_step
conclude(struct server_connection *c, struct attempt *a, bool is_right)
{
	if (is_right && a->allowed)
		return serve_accept(c, a, false);
	if (!a->allowed)
		return serve_refuse(c, a, a->reason);
	return serve_refuse(c, a, a->unusable != 0 ? a->unusable : SERVE_PASSWORD);
}

/* As long as it would take if there were something to check; then no. */
static enum server_step
spend_time(struct server_connection *c, struct attempt *a)
{
	struct serve *serve = serve_of(c);
	struct span stored = usual_stored(&serve->usual);
	struct password_value value;

	password_inspect(stored, &serve->limits, &value);
	if (value.costly && value.kind == PASSWORD_VERIFIABLE) {
		a->dummy = true;
		return check_costly(c, a, &stored, 1, value.memory);
	}
	serve_count(serve, SERVE_COUNT_INLINE);
	if (password_dummy(stored, a->password, &serve->limits) < 0)
		return serve_cannot_tell(c, a);
	return conclude(c, a, false);
}

struct values {
	struct span costly[POOL_VALUES_MAX];
	size_t costly_count, usable;
	uint64_t memory;
	enum password_kind unusable; /* the first that is none to check */
	bool may_bind, leads_back;
	bool is_right;
};

static void
look_at_unusable(struct values *values, const struct password_value *value)
{
	if (values->unusable == PASSWORD_VERIFIABLE)
		values->unusable = value->kind;
	if (value->kind == PASSWORD_DELEGATED || value->kind == PASSWORD_UNKNOWN || value->kind == PASSWORD_TOO_COSTLY)
		values->may_bind = true;
	if (value->kind == PASSWORD_DELEGATED && strcmp(value->scheme, "SASL") == 0)
		values->leads_back = true;
}

/* Looks at what is stored, and checks what is cheap: 0, or negative. */
static int
look_at_values(struct serve *serve, const struct attempt *a, struct values *out)
{
	struct secret_entry entry = serve->answer.entry;
	struct password_value value;
	struct span stored;
	int r = 0;

	for (size_t i = 0; a->has_entry && i < serve->settings->max_values && !out->is_right; i++) {
		r = secret_value_next(&entry, &stored);
		if (r <= 0)
			return r;
		r = password_verify_cheap(stored, a->password, &serve->limits, &value);
		if (r < 0)
			return r;
		if (value.kind != PASSWORD_VERIFIABLE) {
			look_at_unusable(out, &value);
			continue;
		}
		out->usable++;
		usual_note(&serve->usual, stored, &value);
		if (value.costly) {
			out->costly[out->costly_count++] = stored;
			if (value.memory > out->memory)
				out->memory = value.memory;
			continue;
		}
		out->is_right = r > 0;
	}
	return 0;
}

/* Whether these credentials were right lately, and nothing has changed since. */
static bool
was_right_lately(struct server_connection *c, struct attempt *a)
{
	struct serve *serve = serve_of(c);

	identify(serve, a);
	return a->allowed && verified_has(serve->verified, a->identity, server_now(server_of(c)));
}

static enum server_step
accept_remembered(struct server_connection *c, struct attempt *a)
{
	serve_count(serve_of(c), SERVE_COUNT_VERIFIED);
	return serve_accept(c, a, true);
}

static enum server_step
judge_by_values(struct server_connection *c, struct attempt *a)
{
	struct serve *serve = serve_of(c);
	bool binds = serve->settings->verify == LOGIN_VERIFY_HASH_THEN_BIND && serve->binds != NULL && a->allowed;
	struct values values = { .unusable = PASSWORD_VERIFIABLE };

	if (look_at_values(serve, a, &values) < 0)
		return serve_cannot_tell(c, a);
	if (!values.is_right && was_right_lately(c, a))
		return accept_remembered(c, a);
	if (a->allowed && serve->answer.entry.value_count == 0) {
		if (binds)
			return check_by_bind(c, a);
		/* A right that was lost looks the same: that is no reason to refuse anybody. */
		serve_say_seldom(c, a, "no password", "there is no password that can be read; not answered");
		return serve_cannot_tell(c, a);
	}
	if (binds && values.may_bind && values.leads_back) {
		serve_say_seldom(c, a, "loop", "a stored {SASL} value leads back here through LDAP, and is not tried");
		binds = false;
	}
	if (values.is_right || (values.usable > 0 && values.costly_count == 0)) {
		serve_count(serve, SERVE_COUNT_INLINE);
		if (!values.is_right && binds && values.may_bind)
			return check_by_bind(c, a);
		return conclude(c, a, values.is_right);
	}
	if (values.costly_count > 0) {
		a->bind_next = binds && values.may_bind;
		return check_costly(c, a, values.costly, values.costly_count, values.memory);
	}
	if (binds && values.may_bind)
		return check_by_bind(c, a);
	if (values.unusable != PASSWORD_VERIFIABLE)
		a->unusable = SERVE_UNUSABLE + values.unusable - 1;
	return spend_time(c, a);
}

/* SERVE's answer is the attempt's, and new. */
static enum server_step
judge(struct server_connection *c, struct attempt *a)
{
	struct serve *serve = serve_of(c);

	a->unusable = 0;
	a->dummy = a->bind_next = false;
	if (serve->settings->verify != LOGIN_VERIFY_BIND)
		return judge_by_values(c, a);
	if (was_right_lately(c, a))
		return accept_remembered(c, a);
	if (a->allowed && serve->binds != NULL)
		return check_by_bind(c, a);
	serve_count_attempt(serve, a, server_now(server_of(c)));
	return wait_for(c, a, ATTEMPT_RESTS, serve->bind_time);
}

/* --- after a check --------------------------------------------------------------------------------------- */

static void
note_bind_time(struct serve *serve, uint64_t milliseconds)
{
	serve->bind_time = (serve->bind_time * (BIND_AVERAGE - 1) + milliseconds) / BIND_AVERAGE;
}

static enum server_step
check_failed(struct server_connection *c, struct attempt *a)
{
	serve_say_seldom(c, a, "check", "the password could not be checked; not answered");
	return serve_cannot_tell(c, a);
}

/* What the directory says now decides, not what it said when the check began. */
static enum server_step
after_check(struct server_connection *c, struct attempt *a)
{
	struct serve *serve = serve_of(c);
	unsigned char before[DIGEST_OCTETS];
	bool remember = a->may_remember;

	if (a->pool == serve->binds)
		note_bind_time(serve, server_now(server_of(c)) - a->begun);
	memcpy(before, a->identity, sizeof(before));
	if (look_up(c, a) < 0)
		return serve_cannot_tell(c, a);
	identify(serve, a);
	if (memcmp(before, a->identity, sizeof(before)) != 0) {
		serve_count(serve, SERVE_COUNT_REPEATED);
		return a->repeats++ == 0 ? judge(c, a) : serve_cannot_tell(c, a);
	}
	a->may_remember = remember;
	if (a->verdict < 0)
		return check_failed(c, a);
	if (a->verdict == 0 && a->bind_next)
		return check_by_bind(c, a);
	return conclude(c, a, a->verdict > 0 && !a->dummy);
}

/* Whoever asked is not kept waiting; what comes of the check is not looked at. */
static enum server_step
check_timed_out(struct server_connection *c, struct attempt *a)
{
	struct serve *serve = serve_of(c);

	if (a->pool != serve->binds)
		return serve_overload(c, a, "a check took too long; this login is not answered");
	note_bind_time(serve, server_now(server_of(c)) - a->begun);
	return check_failed(c, a);
}

static enum server_step
wake(struct server_connection *c)
{
	struct attempt *a = server_state(c);
	uint64_t now = server_now(server_of(c));

	switch (a->stage) {
	case ATTEMPT_HELD:
		serve_of(c)->held--;
		a->stage = ATTEMPT_NEW;
		return look_up(c, a) < 0 ? serve_cannot_tell(c, a) : judge(c, a);
	case ATTEMPT_CHECKED:
		if (a->over)
			return after_check(c, a);
		if (now < a->until) {
			server_wake_after(c, a->until - now);
			return SERVER_WAIT;
		}
		return check_timed_out(c, a);
	case ATTEMPT_RESTS:
		return serve_refuse(c, a, a->reason);
	case ATTEMPT_NEW:
		break;
	}
	return SERVER_DROP;
}

void
serve_finished(void *context, void *owner, int verdict)
{
	struct server_connection *c = owner;
	struct attempt *a = server_state(c);

	(void)context;
	a->ticket = NULL;
	a->over = true;
	a->verdict = verdict;
	server_wake(c);
}

int
serve_check_hash(void *context, struct span stored, struct span password)
{
	const struct password_limits *limits = context;

	return password_verify(stored, password, limits);
}

/* --- requests -------------------------------------------------------------------------------------------- */

/* Who was right lately, and is right now, is not who guesses: 1, 0, or negative: cannot tell. */
static int
may_pass(struct server_connection *c, struct attempt *a)
{
	struct values values = { .unusable = PASSWORD_VERIFIABLE };
	struct serve *serve = serve_of(c);

	if (serve->settings->verify != LOGIN_VERIFY_BIND &&
	    verified_has_account(serve->verified, a->account, server_now(server_of(c)))) {
		int r = look_at_values(serve, a, &values);

		if (r < 0 || values.is_right)
			return r < 0 ? r : 1;
	}
	return was_right_lately(c, a);
}

static enum server_step
begin(struct server_connection *c, struct attempt *a)
{
	struct serve *serve = serve_of(c);
	uint64_t now = server_now(server_of(c));
	struct throttle_question question;
	int r;

	if (look_up(c, a) < 0)
		return serve_cannot_tell(c, a);
	question = serve_throttle_question(serve, a);
	if (serve_is_exempt(serve, a) || throttle_is_quiet(serve->throttle, &question, now))
		return judge(c, a);
	serve_count_attempt(serve, a, now);
	if (!a->counted || a->throttle.delay == 0)
		return judge(c, a);
	r = a->throttle.may_pass && a->allowed ? may_pass(c, a) : 0;
	if (r < 0)
		return serve_cannot_tell(c, a);
	return r > 0 ? judge(c, a) : hold(c, a);
}

static bool
may_ask(struct server_connection *c, bool *out_trusted)
{
	const struct saslauthd_settings *s = serve_of(c)->settings;
	uid_t uid;
	gid_t gid;
	pid_t pid;

	*out_trusted = false;
	if (server_credentials(c, &uid, &gid, &pid) != 1)
		return false;
	*out_trusted = saslauthd_uids_have(&s->trusted_peers, uid);
	return s->allow_users.count == 0 || *out_trusted || saslauthd_uids_have(&s->allow_users, uid);
}

static enum server_step
look(struct server_connection *c, struct span input, size_t *out_taken)
{
	struct attempt *a = server_state(c);
	struct serve *serve = serve_of(c);
	struct mux_request request;
	bool is_trusted = false;
	int r = mux_take_request(input, &request);

	if (r == 0)
		return SERVER_MORE;
	*out_taken = input.len;
	if ((serve->settings->allow_users.count > 0 || (r > 0 && request.client.len > 0)) && !may_ask(c, &is_trusted)) {
		serve_count(serve, SERVE_COUNT_STRANGERS);
		server_complain(c, "stranger", "may not ask here: see allow-users");
		return SERVER_DROP;
	}
	if (r < 0) {
		serve_count(serve, SERVE_COUNT_REFUSED);
		serve_count(serve, SERVE_COUNT_REASON + SERVE_NONSENSE);
		server_complain(c, "nonsense", r == -EMSGSIZE  ? "sent a string that is too long: refused"
		                               : r == -EBADMSG ? "sent a string with a NUL in it: refused"
		                                               : "sent an empty login or an empty password: refused");
		mux_put_reply(server_output(c), false);
		return SERVER_FINISH;
	}
	a->login = request.login;
	a->password = request.password;
	a->service = request.service;
	a->realm = request.realm;
	a->names_account = request.client.len > 0 && is_trusted;
	if (a->names_account)
		a->has_address = client_address(request.client, a->address) == 1;
	return begin(c, a);
}

static void
forget(struct server_connection *c)
{
	struct attempt *a = server_state(c);

	if (a->stage == ATTEMPT_HELD)
		serve_of(c)->held--;
	if (a->ticket != NULL)
		pool_withdraw(a->pool, a->ticket);
	if (a->kept != NULL)
		explicit_bzero(a->kept, a->kept_len);
	free(a->kept);
	explicit_bzero(a, sizeof(*a));
}

const struct server_protocol serve_mux = {
	.name = "saslauthd",
	.state_size = sizeof(struct attempt),
	.request_max = MUX_REQUEST_MAX + 1,
	.look = look,
	.wake = wake,
	.closed = forget,
	.is_secret = true,
};

/* --- life ------------------------------------------------------------------------------------------------ */

void
serve_use(struct serve *serve, const struct saslauthd_settings *settings)
{
	const struct throttle_rules rules = {
		.decay = settings->throttle_decay * 1000,
		.service_free = THROTTLE_SERVICE_FREE,
		.account_free = THROTTLE_ACCOUNT_FREE,
		.address_free = THROTTLE_ADDRESS_FREE,
	};

	serve->settings = settings;
	/* What was right under other settings is not any more. */
	serve->epoch++;
	serve->limits = password_limits_default;
	serve->limits.allow_clear = settings->allow_clear_passwords;
	if (serve->limits.memory_max > settings->hash_memory)
		serve->limits.memory_max = settings->hash_memory;
	verified_set_life(serve->verified, settings->verified_cache_life * 1000);
	throttle_set_rules(serve->throttle, &rules);
}

void
serve_measure(struct serve *serve)
{
	struct pool_figures figures;

	pool_look(serve->hashes, &figures);
	counters_set(serve->counters, SERVE_COUNT_WAITING, figures.waiting);
	counters_set(serve->counters, SERVE_COUNT_RUNNING, figures.running);
}

void
serve_end(struct serve *serve)
{
	secret_answer_free(&serve->answer);
	text_free(&serve->sentence);
	usual_wipe(&serve->usual);
}
