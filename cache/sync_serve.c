/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * One server, from the first question to the last message: the searches on the connection, the clocks
 * that watch it, and the commits of what came.
 */
#include <config.h>

#include "cache/sync_serve.h"

#include "cache/sync_session.h"
#include "cache/sync_words.h"
#include "cache/syncmsg.h"

#include <errno.h>
#include <poll.h>
#include <time.h>

enum {
	DRAIN_MAX = 256,           /* messages between two looks at the stop descriptor */
	REFRESH_FLUSH_AFTER = 100, /* ms; a refresh is not committed entry by entry */
	COOKIE_FLUSH_AFTER = 1000, /* ms; a cookie alone changes no answer */
	QUESTION_AGAIN = 1000,     /* ms; what was asked for may be told before there is another question */
	STALL_PATIENCE_MAX = 24 * 3600 * 1000,
};

/* NEVER: a clock that is not running. */
#define NEVER UINT64_MAX

struct serving {
	struct sync_run *run;
	const struct sync_config *config;
	struct connection *c;
	const char *uri;
	struct sync_session session;
	struct arena arena;
	int search_id, probe_id; /* probe_id 0: no question is open */
	bool reference_told, collects; /* collects: nothing is visible before the refresh is complete */
	uint64_t told_duplicates, messages;

	uint64_t heard;                    /* the last message */
	uint64_t probe_at, probe_deadline; /* next question, and when its answer is overdue */
	uint64_t flush_at;
	uint64_t return_at;
	uint64_t behind_since; /* 0: the server told all that it has */
	struct text state;     /* contextCSN as the open question brings it */
	uint64_t question;     /* the last one of sync_ask() that was put to the server */
	uint64_t due, due_since; /* the one whose state is known and not told yet, 0 for none */
	struct connection_attempt *attempt; /* to get back to the preferred server */
};

static uint64_t
clock_ms(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void
report(struct serving *s)
{
	struct sync_status *status = s->run->status;

	pthread_mutex_lock(&status->lock);
	status->view.entries = s->session.entries;
	status->view.presents = s->session.presents;
	status->view.gones = s->session.gones;
	status->view.changes = s->session.changes;
	status->view.messages += s->messages;
	status->view.behind = s->behind_since != 0;
	if (s->session.complete && s->messages > 0) {
		status->view.contact = (int64_t)(clock_ms(CLOCK_REALTIME) / 1000);
		status->view.contact_boot = clock_ms(CLOCK_BOOTTIME);
	}
	pthread_mutex_unlock(&status->lock);
	s->messages = 0;
}

static struct sync_words_scene
scene(const struct serving *s)
{
	return (struct sync_words_scene){
		.step = SYNC_WORDS_SEARCH,
		.uri = s->uri,
		.identity = text_str(&s->c->identity),
		.base = s->config->base,
		.entries = s->session.entries,
	};
}

/* How an end is called depends on whether the server had brought us up to date. */
static enum sync_end
ended(const struct serving *s)
{
	return s->session.complete ? SYNC_END_LOST : SYNC_END_FAILED;
}

static enum sync_end
feed_failed(struct serving *s, int error)
{
	s->session.error = error;
	text_putf(&s->run->why, "the cache cannot be written: %s; what LDAP says is read again later",
	          strerror(-error));
	return SYNC_END_FEED;
}

/* ---- the search ---- */

static enum sync_end
send_search(struct serving *s)
{
	const struct sync_config *config = s->config;
	const char **attributes = calloc(config->attribute_count + 2, sizeof(*attributes));
	struct text request = TEXT_INIT;
	struct message_search search = {
		.base = config->base,
		.filter = config->filter != NULL ? config->filter : "(objectClass=*)",
		.attributes = attributes,
	};
	struct sync_words_scene where = scene(s);
	enum sync_end end = SYNC_END_NONE;
	int code = LDAP_CODE_LOCAL;

	syncmsg_put_request(&request, text_span(&s->session.cookie));
	if (attributes == NULL || text_failed(&request)) {
		free(attributes);
		text_free(&request);
		return feed_failed(s, -ENOMEM);
	}
	search.sync_request = text_span(&request);
	if (config->attribute_count == 0)
		attributes[search.attribute_count++] = "*";
	for (size_t i = 0; i < config->attribute_count; i++)
		attributes[search.attribute_count++] = config->attributes[i];
	attributes[search.attribute_count++] = "entryCSN";
	s->search_id = message_search(s->c, &search, &code);
	if (s->search_id < 0) {
		sync_words_result(&s->run->why, &where, code, SPAN(""));
		end = SYNC_END_FAILED;
	}
	free(attributes);
	text_free(&request);
	return end;
}

static void
tell_complete(struct serving *s)
{
	struct text sentence = TEXT_INIT;

	text_putf(&sentence, "%s: synchronised (%llu entries received, %llu unchanged, %llu removed)", s->uri,
	          (unsigned long long)s->session.entries, (unsigned long long)s->session.presents,
	          (unsigned long long)s->session.gones);
	sync_tell(s->run, LOG_INFO, text_str(&sentence));
	text_free(&sentence);
}

static enum sync_end
refresh_complete(struct serving *s)
{
	struct sync_run *run = s->run;
	int r = sync_session_flush(&s->session);

	if (r < 0)
		return feed_failed(s, r);
	/* A refresh after a stall that brought nothing: the server's contextCSN moves for changes that
	 * are none of ours, and is a bad witness. */
	if (run->stalled && s->session.entries + s->session.gones == 0 &&
	    run->stall_patience < STALL_PATIENCE_MAX)
		run->stall_patience *= 2;
	run->stalled = false;
	run->without_cookie = false;
	run->believes = false;
	run->lagging_since = 0;
	run->synchronised = true;
	text_clear(&run->told[s->c->uri]);
	pthread_mutex_lock(&run->status->lock);
	run->status->view.refreshes++;
	run->status->view.error[0] = '\0';
	pthread_mutex_unlock(&run->status->lock);
	s->c->direct = false;
	s->flush_at = NEVER;
	tell_complete(s);
	report(s);
	sync_set_phase(run, SYNC_PERSIST);
	return SYNC_END_NONE;
}

static enum sync_end
after_step(struct serving *s, enum sync_session_step step)
{
	struct text *why = &s->run->why;
	struct sync_words_scene where = scene(s);
	enum sync_end end;

	switch (step) {
	case SYNC_SESSION_ON:
		break;
	case SYNC_SESSION_COMPLETE:
		return refresh_complete(s);
	case SYNC_SESSION_OVER:
		end = s->run->synchronised ? SYNC_END_NONE : refresh_complete(s);
		if (end != SYNC_END_NONE)
			return end;
		sync_words_result(why, &where, LDAP_CODE_SUCCESS, SPAN(""));
		return SYNC_END_LOST;
	case SYNC_SESSION_ANEW:
		text_putf(why, "%s: the server does not know the point up to which we followed it; everything is read "
		               "again", s->uri);
		return SYNC_END_ANEW;
	case SYNC_SESSION_UNSETTLED:
		text_putf(why, "%s: entries were moved in ways that the changes alone do not tell; everything is read "
		               "again", s->uri);
		return SYNC_END_ANEW;
	case SYNC_SESSION_EMPTY:
		sync_words_empty(why, &where);
		return SYNC_END_HELD;
	case SYNC_SESSION_BASE_GONE:
		text_putf(why, "%s: \"%s\" itself was removed or renamed; what is cached stays", s->uri,
		          s->config->base);
		return ended(s);
	case SYNC_SESSION_NONSENSE:
		text_putf(why, "%s: the server does not keep to RFC 4533: %s", s->uri,
		          text_str(&s->session.why));
		return ended(s);
	case SYNC_SESSION_FEED:
		return feed_failed(s, s->session.error);
	}
	return SYNC_END_NONE;
}

static enum sync_end
search_failed(struct serving *s, const struct message *m)
{
	struct sync_words_scene where = scene(s);

	sync_words_result(&s->run->why, &where, m->code, m->text);
	switch (m->code) {
	case LDAP_CODE_REFRESH_REQUIRED:
		return SYNC_END_ANEW;
	case LDAP_CODE_UNWILLING:
		if (!s->session.sent_cookie || s->session.complete)
			return ended(s);
		text_clear(&s->run->why);
		text_putf(&s->run->why, "%s: the server's data is older than what the cache holds (53 %.*s)", s->uri,
		          (int)m->text.len, m->text.data);
		return SYNC_END_LAGGING;
	case LDAP_CODE_SIZE_LIMIT:
	case LDAP_CODE_TIME_LIMIT:
	case LDAP_CODE_ADMIN_LIMIT:
		return s->session.complete ? SYNC_END_LOST : SYNC_END_HELD;
	case LDAP_CODE_REFERRAL:
		if (m->referral.len > 0)
			text_putf(&s->run->why, ": %.*s", (int)m->referral.len, m->referral.data);
		break;
	default:
		break;
	}
	return ended(s);
}

static void
tell_reference(struct serving *s, const struct message *m)
{
	struct text sentence = TEXT_INIT;

	if (s->reference_told)
		return;
	s->reference_told = true;
	text_putf(&sentence, "%s: a part of the tree is kept elsewhere (%.*s) and is not followed", s->uri,
	          (int)m->referral.len, m->referral.data);
	sync_tell(s->run, LOG_WARNING, text_str(&sentence));
	text_free(&sentence);
}

static void
tell_duplicates(struct serving *s, const struct message *m)
{
	struct text sentence = TEXT_INIT;

	if (s->session.duplicates == s->told_duplicates)
		return;
	if (s->told_duplicates == 0) {
		text_putf(&sentence, "%s: two entries of one refresh are called \"%.*s\"; the first is kept", s->uri,
		          (int)m->entry.dn.len, m->entry.dn.data);
		sync_tell(s->run, LOG_WARNING, text_str(&sentence));
		text_free(&sentence);
	}
	s->told_duplicates = s->session.duplicates;
}

/* ---- is the server still there, and does it tell us everything? ---- */

static uint64_t
last_asked(const struct serving *s)
{
	struct sync_status *status = s->run->status;
	uint64_t asked;

	pthread_mutex_lock(&status->lock);
	asked = status->asked;
	pthread_mutex_unlock(&status->lock);
	return asked;
}

/* Whether someone waits for an answer that no open question will bring. */
static bool
is_asked(const struct serving *s, uint64_t now)
{
	if (!s->session.complete || s->probe_id != 0 || (s->due != 0 && now - s->due_since < QUESTION_AGAIN))
		return false;
	return last_asked(s) > s->question;
}

/* Tells who asked, once what the server had then has been told and flushed. */
static void
answer_question(struct serving *s)
{
	struct sync_status *status = s->run->status;

	if ((s->due == 0 && s->behind_since == 0) || s->session.urgent ||
	    !syncmsg_state_covers(text_span(&s->session.cookie), text_span(&s->state)))
		return;
	s->behind_since = 0;
	pthread_mutex_lock(&status->lock);
	if (s->due != 0)
		status->view.answered = s->due;
	status->view.behind = false;
	pthread_mutex_unlock(&status->lock);
	s->due = 0;
	if (s->config->answered != NULL)
		s->config->answered(s->config->say_context);
}

static enum sync_end
send_probe(struct serving *s, uint64_t now)
{
	static const char *const attributes[] = { "contextCSN" };
	bool state_known = s->c->context_dn.len > 0;
	struct message_search search = {
		.base = state_known ? text_str(&s->c->context_dn) : s->config->base,
		.only_base = true,
		.filter = "(objectClass=*)",
		.attributes = attributes,
		.attribute_count = array_size(attributes),
	};
	struct sync_words_scene where = scene(s);
	int code = 0;

	s->probe_id = message_search(s->c, &search, &code);
	if (s->probe_id < 0) {
		s->probe_id = 0;
		sync_words_result(&s->run->why, &where, code, SPAN(""));
		return ended(s);
	}
	text_clear(&s->state);
	s->question = last_asked(s);
	s->due = 0;
	s->probe_at = NEVER;
	s->probe_deadline = now + (uint64_t)s->config->server.timeout * 1000;
	return SYNC_END_NONE;
}

static void
note_state(struct serving *s, const struct entry *entry)
{
	const struct attribute *csns = entry_find(entry, SPAN("contextCSN"));

	if (csns == NULL)
		return;
	for (size_t i = 0; i < csns->count; i++) {
		text_put(&s->state, i == 0 ? "csn=" : ";");
		text_put_span(&s->state, csns->values[i]);
	}
}

/* A server that has changes which it never sends (a persistent search that died inside) looks healthy from
 * outside: only its contextCSN gives it away. */
static enum sync_end
judge_state(struct serving *s, uint64_t now)
{
	if (!s->session.complete || s->state.len == 0 || text_failed(&s->state) ||
	    syncmsg_state_covers(text_span(&s->session.cookie), text_span(&s->state))) {
		s->behind_since = 0;
		return SYNC_END_NONE;
	}
	if (s->behind_since == 0)
		s->behind_since = now;
	if (s->config->probe_interval == 0 || now - s->behind_since < s->run->stall_patience)
		return SYNC_END_NONE;
	s->run->stalled = true;
	text_putf(&s->run->why, "%s: the server has changes that it has not sent for %llu s: asking anew", s->uri,
	          (unsigned long long)(now - s->behind_since) / 1000);
	return SYNC_END_LOST;
}

static enum sync_end
take_probe(struct serving *s, const struct message *m)
{
	struct sync_words_scene where = scene(s);

	if (m->kind == MESSAGE_ENTRY)
		note_state(s, &m->entry);
	if (m->kind != MESSAGE_RESULT)
		return SYNC_END_NONE;
	s->probe_id = 0;
	s->probe_deadline = NEVER;
	if (s->config->probe_interval > 0)
		s->probe_at = s->heard + (uint64_t)s->config->probe_interval * 1000;
	if (m->code == LDAP_CODE_SUCCESS) {
		s->due = s->question;
		s->due_since = s->heard;
		return judge_state(s, s->heard);
	}
	/* What could be read a moment ago: connecting again finds out what is wrong now. */
	where.step = SYNC_WORDS_BASE;
	sync_words_result(&s->run->why, &where, m->code, m->text);
	return ended(s);
}

/* ---- messages ---- */

static enum sync_end
take_message(struct serving *s, const struct message *m)
{
	struct sync_words_scene where = scene(s);
	enum sync_end end;

	if (m->kind == MESSAGE_GOODBYE) {
		sync_words_result(&s->run->why, &where, m->code, m->text);
		return ended(s);
	}
	if (s->probe_id > 0 && m->id == s->probe_id)
		return take_probe(s, m);
	if (m->id != s->search_id)
		return SYNC_END_NONE;
	if (m->kind == MESSAGE_REFERENCE)
		tell_reference(s, m);
	if (m->kind == MESSAGE_RESULT && m->code != LDAP_CODE_SUCCESS)
		return search_failed(s, m);
	end = after_step(s, sync_session_take(&s->session, m));
	tell_duplicates(s, m);
	return end;
}

/* Takes what has arrived. *OUT_MORE: there may be more. */
static enum sync_end
drain(struct serving *s, bool *out_more)
{
	enum sync_end end = SYNC_END_NONE;
	unsigned n;
	int r = 1;

	for (n = 0; n < DRAIN_MAX && end == SYNC_END_NONE; n++) {
		struct message m;

		r = message_next(s->c, &s->arena, &m);
		if (r <= 0)
			break;
		if (n == 0)
			s->heard = sync_now();
		s->messages++;
		end = take_message(s, &m);
		message_free(&m);
		arena_reset(&s->arena);
		if (end == SYNC_END_NONE && s->session.pending >= FEED_BATCH) {
			int flushed = sync_session_flush(&s->session);

			if (flushed < 0)
				end = feed_failed(s, flushed);
		}
	}
	if (n > 0)
		report(s);
	*out_more = r > 0;
	if (end == SYNC_END_NONE && r < 0) {
		text_putf(&s->run->why, "%s: %s", s->uri,
		          r == -EPIPE    ? "the server closed the connection"
		          : r == -EPROTO ? "the server sent a message that cannot be read"
		                         : strerror(-r));
		end = ended(s);
	}
	return end;
}

/* Commits what came, or sets the clock for it. A single change must not wait; a refresh and a mere cookie
 * may, so that they do not cost a commit each. */
static enum sync_end
settle(struct serving *s)
{
	uint64_t now;
	int r;

	if (s->session.pending == 0 || (!s->session.complete && s->collects))
		return SYNC_END_NONE;
	if (!s->session.complete || !s->session.urgent) {
		now = sync_now();
		if (s->flush_at == NEVER)
			s->flush_at = now + (s->session.complete ? COOKIE_FLUSH_AFTER
			                                         : REFRESH_FLUSH_AFTER);
		if (now < s->flush_at)
			return SYNC_END_NONE;
	}
	s->flush_at = NEVER;
	r = sync_session_flush(&s->session);
	return r < 0 ? feed_failed(s, r) : SYNC_END_NONE;
}

/* ---- back to the preferred server ---- */

static void
start_return(struct serving *s)
{
	struct connection_wish wish = { .base = s->config->base, .sync = true };

	s->return_at = NEVER;
	if (connection_attempt_start(&s->config->server, 0, &wish, &s->attempt) < 0) {
		s->attempt = NULL;
		s->return_at = sync_now() + (uint64_t)s->config->return_interval * 1000;
	}
}

/* The preferred server answers again. It gets us back when it is the same database and has caught up. */
static enum sync_end
finish_return(struct serving *s)
{
	struct connection *c = NULL;
	struct text why = TEXT_INIT;
	int r = connection_attempt_finish(take(s->attempt), &c, &why);

	text_free(&why);
	s->return_at = sync_now() + (uint64_t)s->config->return_interval * 1000;
	if (r < 0)
		return SYNC_END_NONE;
	if (memcmp(c->base_uuid, s->c->base_uuid, sizeof(c->base_uuid)) != 0 ||
	    (c->state.len > 0 &&
	     !syncmsg_state_covers(text_span(&c->state), text_span(&s->session.cookie)))) {
		connection_close(c);
		return SYNC_END_NONE;
	}
	text_putf(&s->run->why, "%s: the preferred server is back", s->config->server.uris[0]);
	s->run->candidate = c;
	return SYNC_END_SWITCH;
}

/* ---- clocks ---- */

static enum sync_end
check_clocks(struct serving *s)
{
	uint64_t now = sync_now();
	uint64_t limit = (uint64_t)s->config->server.timeout * 1000;

	/* Anything heard since the question shows that the server lives. */
	if (now >= s->probe_deadline && now - s->heard >= limit) {
		text_putf(&s->run->why, "%s: the server has not answered for %u s", s->uri,
		          s->config->server.timeout);
		return ended(s);
	}
	if ((now >= s->probe_at && s->probe_id == 0) || is_asked(s, now))
		return send_probe(s, now);
	if (now >= s->return_at)
		start_return(s);
	return SYNC_END_NONE;
}

static int
until(uint64_t now, uint64_t when, int most)
{
	if (when <= now)
		return 0;
	return when - now < (uint64_t)most ? (int)(when - now) : most;
}

/* Waits for input, the stop descriptor, the way back, or a clock. */
static enum sync_end
await(struct serving *s, bool at_once)
{
	uint64_t now = sync_now();
	int most = 60 * 1000;
	struct pollfd wait[] = {
		{ .fd = s->run->stop_fd, .events = POLLIN },
		{ .fd = s->c->fd, .events = POLLIN },
		{ .fd = s->attempt != NULL ? connection_attempt_fd(s->attempt) : -1, .events = POLLIN },
		{ .fd = s->run->status->ask_fd, .events = POLLIN },
	};

	most = until(now, s->probe_at, most);
	most = until(now, s->flush_at, most);
	most = until(now, s->return_at, most);
	if (s->due != 0 && s->probe_id == 0 && last_asked(s) > s->question)
		most = until(now, s->due_since + QUESTION_AGAIN, most);
	/* A deadline that has passed waits for the silence to become long enough. */
	if (s->probe_deadline != NEVER)
		most = until(now, s->probe_deadline > now ? s->probe_deadline : now + 100, most);
	if (poll(wait, array_size(wait), at_once ? 0 : most) < 0)
		return SYNC_END_NONE;
	if (wait[0].revents != 0)
		return SYNC_END_STOP;
	if (wait[3].revents != 0)
		sync_take_questions(s->run);
	if (wait[2].revents != 0)
		return finish_return(s);
	return SYNC_END_NONE;
}

static enum sync_end
follow(struct serving *s)
{
	enum sync_end end = SYNC_END_NONE;

	while (end == SYNC_END_NONE) {
		bool more = false;

		end = drain(s, &more);
		if (end == SYNC_END_NONE && !more)
			end = settle(s);
		if (end == SYNC_END_NONE && !more)
			answer_question(s);
		if (end == SYNC_END_NONE && !more)
			end = check_clocks(s);
		if (end == SYNC_END_NONE)
			end = await(s, more);
	}
	return end;
}

/* ---- what may be asked of this server ---- */

/* The cookie to go on from, into COOKIE; empty when everything must be read. */
static enum sync_end
choose_cookie(struct serving *s, struct span *cookie)
{
	const struct feed *feed = s->run->feed;
	uint8_t uuid[ENTRY_UUID_LEN];
	struct span stored;
	int r;

	*cookie = SPAN("");
	if (s->run->believes)
		return SYNC_END_NONE;
	r = feed->stored_cookie(feed->context, &s->arena, &stored);
	if (r < 0)
		return feed_failed(s, r);
	if (!syncmsg_cookie_is_usable(stored))
		return SYNC_END_NONE;
	r = feed->suffix_uuid(feed->context, uuid);
	if (r < 0)
		return feed_failed(s, r);
	if (r > 0 && memcmp(uuid, s->c->base_uuid, sizeof(uuid)) != 0) {
		text_putf(&s->run->why, "%s: the server holds another database than the one that the cache was filled "
		                        "from (the entryUUID of \"%s\" differs)", s->uri, s->config->base);
		return SYNC_END_LAGGING;
	}
	/* OpenLDAP refuses a cookie from the future only when it made it itself; a replica that is
	 * behind would quietly take us back in time. */
	if (s->c->state.len > 0 && !syncmsg_state_covers(text_span(&s->c->state), stored)) {
		text_putf(&s->run->why, "%s: the server's data is older than what the cache holds (its contextCSN is "
		                        "behind our cookie)", s->uri);
		return SYNC_END_LAGGING;
	}
	if (!s->run->without_cookie)
		*cookie = stored;
	return SYNC_END_NONE;
}

static enum sync_end
begin(struct serving *s)
{
	struct span cookie;
	enum sync_end end = choose_cookie(s, &cookie);
	int r;

	if (end != SYNC_END_NONE)
		return end;
	r = s->run->feed->is_empty(s->run->feed->context);
	if (r < 0)
		return feed_failed(s, r);
	s->collects = r > 0;
	sync_set_phase(s->run, SYNC_REFRESHING);
	s->c->direct = true;
	r = sync_session_begin(&s->session, s->run->feed, s->c->base_uuid, cookie);
	arena_reset(&s->arena);
	return r < 0 ? feed_failed(s, r) : send_search(s);
}

enum sync_end
sync_serve(struct sync_run *run, struct connection *c)
{
	uint64_t now = sync_now();
	const struct sync_config *config = run->config;
	struct serving s = {
		.run = run,
		.config = config,
		.c = c,
		.uri = config->server.uris[c->uri],
		.heard = now,
		.probe_at = config->probe_interval > 0 ? now + (uint64_t)config->probe_interval * 1000 : NEVER,
		.probe_deadline = NEVER,
		.flush_at = NEVER,
		.return_at = c->uri > 0 && config->return_interval > 0
		                     ? now + (uint64_t)config->return_interval * 1000
		                     : NEVER,
	};
	enum sync_end end;
	int r;

	run->synchronised = false;
	/* What another server was asked and did not answer is asked again. */
	pthread_mutex_lock(&run->status->lock);
	s.question = run->status->view.answered;
	pthread_mutex_unlock(&run->status->lock);
	end = begin(&s);
	if (end == SYNC_END_NONE)
		end = follow(&s);
	connection_attempt_abandon(s.attempt);
	r = s.session.feed != NULL ? sync_session_end(&s.session) : 0;
	if (r < 0 && end != SYNC_END_FEED && end != SYNC_END_STOP) {
		text_clear(&run->why);
		end = feed_failed(&s, r);
	}
	arena_free(&s.arena);
	text_free(&s.state);
	return end;
}
