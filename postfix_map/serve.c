/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 */
#include <config.h>

#include "postfix_map/serve.h"

#include "common/log.h"
#include "postfix_map/maps.h"
#include "postfix_map/netstring.h"
#include "postfix_map/socketmap.h"
#include "postfix_map/tcptable.h"

#include <errno.h>

enum {
	RETRY_FIRST_MS = 10,
	RETRY_MAX_MS = 250,
	KEY_SHOWN = 100,
	REQUEST_MAX = SOCKETMAP_NAME_MAX + 1 + SOCKETMAP_KEY_MAX,
};

#define REPLIES(word) { "socketmap_replies", "result=\"" word "\"", "Questions by what was said.", COUNTERS_COUNT }
#define LOOKUPS(map) { "socketmap_lookups", "map=\"" map "\"", "Questions by map.", COUNTERS_COUNT }

const struct counters_row serve_counter_rows[SERVE_COUNTS] = {
	SERVER_COUNTER_ROWS("socketmap"),
	[SERVE_COUNT_FOUND] = REPLIES("ok"),
	[SERVE_COUNT_ABSENT] = REPLIES("notfound"),
	[SERVE_COUNT_LATER] = REPLIES("temp"),
	[SERVE_COUNT_NONSENSE] = REPLIES("perm"),
	[SERVE_COUNT_HELD] = { "socketmap_held", NULL, "Questions that waited for the cache.", COUNTERS_COUNT },
	[SERVE_COUNT_OVERSIZE] = { "socketmap_oversize", NULL, "Keys that were too long to be looked at.", COUNTERS_COUNT },
	[SERVE_COUNT_MAP + MAIL_VIRTUAL] = LOOKUPS("virtual"),
	[SERVE_COUNT_MAP + MAIL_DOMAINS] = LOOKUPS("domains"),
	[SERVE_COUNT_MAP + MAIL_RELAY_DOMAINS] = LOOKUPS("relay-domains"),
	[SERVE_COUNT_MAP + MAIL_TRANSPORT] = LOOKUPS("transport"),
	[SERVE_COUNT_MAP + MAIL_RECIPIENTS] = LOOKUPS("recipients"),
	[SERVE_COUNT_MAP + MAIL_CANONICAL] = LOOKUPS("canonical"),
	[SERVE_COUNT_MAP + MAIL_SENDER_LOGIN] = LOOKUPS("sender-login"),
	[SERVE_COUNT_MAP + MAIL_MAILBOX] = LOOKUPS("mailbox"),
	[SERVE_COUNT_MAP + MAIL_RELOCATED] = LOOKUPS("relocated"),
};

/* A connection's state. */
struct asked {
	size_t skip; /* octets of an oversized key that are still to come; for a line: 1 */
	enum mail_map map;
	uint64_t until; /* of a question that is held */
	uint64_t pause; /* until the cache is asked again */
	struct text key;
};

static struct serve *
serve_of(struct server_connection *c)
{
	const struct serve_place *place = server_meaning(c);

	return place->serve;
}

static bool
is_line(const struct server_connection *c)
{
	const struct serve_place *place = server_meaning(c);

	return place->map != MAIL_MAPS;
}

/* --- replies --------------------------------------------------------------------------------------------- */

static enum server_step
say(struct server_connection *c, const struct reply *reply)
{
	static const struct reply too_long = { REPLY_LATER, SPAN("the answer is too long for tcp_table") };
	struct serve *serve = serve_of(c);
	struct text *out = server_output(c);

	counters_add(serve->counters, SERVE_COUNT_FOUND + (unsigned)reply->word, 1);
	if (!is_line(c)) {
		socketmap_put_reply(out, reply);
	} else if (tcptable_put_reply(out, reply) < 0) {
		server_complain(c, "table", "asked a tcp_table for something with an answer too long for it: use socketmap");
		if (tcptable_put_reply(out, &too_long) < 0)
			return SERVER_DROP;
	}
	return SERVER_NEXT;
}

static enum server_step
say_absent(struct server_connection *c)
{
	static const struct reply absent = { REPLY_ABSENT, SPAN("") };

	return say(c, &absent);
}

static enum server_step
say_oversize(struct server_connection *c)
{
	counters_add(serve_of(c)->counters, SERVE_COUNT_OVERSIZE, 1);
	server_complain(c, "oversize", "asked for a key of more than 10000 octets: not found");
	return say_absent(c);
}

/* MAP and KEY for the log, with WHAT in front. */
static void
complain_of(struct server_connection *c, const char *kind, const char *what, enum mail_map map, struct span key)
{
	cleanup(text_free) struct text sentence = TEXT_INIT;

	text_putf(&sentence, "%s: %s \"", what, mail_map_name(map));
	text_put_escaped(&sentence, key, KEY_SHOWN);
	text_put(&sentence, "\"");
	server_complain(c, kind, text_str(&sentence));
}

/* --- questions ------------------------------------------------------------------------------------------- */

/* One question in a million that meets a file being replaced is none of anybody's business, and neither is each of a
 * million that find none. */
static void
note_state(struct serve *serve, int r, bool is_new, uint64_t now)
{
	unsigned left_out;

	if (r < 0 && r != -E2BIG && !serve->failing && (!is_new || serve->hold_ms == 0) &&
	    seldom_now(&serve->seldom, SPAN("cannot tell"), now, &left_out)) {
		serve->failing = true;
		log_error("cannot tell: %s; questions are held", cache_error_text());
	} else if (r >= 0 && serve->failing) {
		serve->failing = false;
		log_notice("the cache answers again");
	}
}

/* Holds the question: the octets it lies in are the next one's soon. */
static enum server_step
hold(struct server_connection *c, struct asked *asked, enum mail_map map, struct span key)
{
	struct serve *serve = serve_of(c);

	counters_add(serve->counters, SERVE_COUNT_HELD, 1);
	text_clear(&asked->key);
	text_put_span(&asked->key, key);
	if (text_failed(&asked->key))
		return SERVER_DROP;
	asked->map = map;
	asked->until = server_now(server_of(c)) + serve->hold_ms;
	asked->pause = RETRY_FIRST_MS;
	server_wake_after(c, asked->pause);
	return SERVER_WAIT;
}

/* Asks the cache and replies. IS_NEW: it is the first time for this question. */
static enum server_step
answer(struct server_connection *c, struct asked *asked, enum mail_map map, struct span key, bool is_new)
{
	struct serve *serve = serve_of(c);
	uint64_t now = server_now(server_of(c));
	struct reply reply;
	int r;

	text_clear(&serve->value);
	r = mail_lookup(serve->cache, &serve->options, map, key, &serve->value);
	if (r >= 0 && text_failed(&serve->value))
		r = -ENOMEM;
	note_state(serve, r, is_new, now);
	if (r < 0 && r != -E2BIG) {
		/* Who comes after us is asked again. */
		if (server_is_stopping(server_of(c)))
			return SERVER_DROP;
		if (is_new && serve->hold_ms > 0)
			return hold(c, asked, map, key);
		if (!is_new && now < asked->until) {
			asked->pause = asked->pause * 2 < RETRY_MAX_MS ? asked->pause * 2 : RETRY_MAX_MS;
			if (asked->pause > asked->until - now)
				asked->pause = asked->until - now;
			server_wake_after(c, asked->pause);
			return SERVER_WAIT;
		}
	}
	text_clear(&serve->sentence);
	if (r < 0)
		text_put_escaped(&serve->sentence, span_of(cache_error_text()), 200);
	switch (maps_reply(map, r, &serve->value, text_str(&serve->sentence), &reply)) {
	case MAPS_SOUND:
		break;
	case MAPS_TOO_LONG:
		complain_of(c, "long answer", "asked for something with an answer too long for a reply", map, key);
		break;
	case MAPS_UNPRINTABLE:
		complain_of(c, "unprintable", "asked for something with a value that is no UTF-8; it was left out", map, key);
		break;
	}
	return say(c, &reply);
}

static enum server_step
ask(struct server_connection *c, enum mail_map map, struct span key)
{
	struct asked *asked = server_state(c);

	counters_add(serve_of(c)->counters, SERVE_COUNT_MAP + (unsigned)map, 1);
	return answer(c, asked, map, key, true);
}

static enum server_step
ask_again(struct server_connection *c)
{
	struct asked *asked = server_state(c);

	return answer(c, asked, asked->map, text_span(&asked->key), false);
}

static void
forget(struct server_connection *c)
{
	struct asked *asked = server_state(c);

	text_free(&asked->key);
}

/* --- socketmap ------------------------------------------------------------------------------------------- */

static enum server_step
say_unknown(struct server_connection *c, struct span name)
{
	cleanup(text_free) struct text complaint = TEXT_INIT;
	struct serve *serve = serve_of(c);
	struct reply reply;

	text_clear(&serve->sentence);
	maps_unknown(name, &serve->sentence, &reply);
	text_putf(&complaint, "asks for a map that does not exist, and gets no answer: %s", text_str(&serve->sentence));
	/* A kind of its own for each name: two mistakes in one main.cf are both said. */
	server_complain(c, text_str(&serve->sentence), text_str(&complaint));
	return say(c, &reply);
}

static enum server_step
broken(struct server_connection *c, const char *sentence)
{
	counters_add(serve_of(c)->counters, SERVER_COUNT_BROKEN, 1);
	server_complain(c, "broken", sentence);
	return SERVER_DROP;
}

/* Where the next netstring begins is not known any more: the connection ends. Postfix opens another one and asks again. */
static enum server_step
not_socketmap(struct server_connection *c)
{
	return broken(c, "does not speak socketmap: closed");
}

static enum server_step
skip_key(struct server_connection *c, struct asked *asked, struct span input, size_t *out_taken)
{
	size_t n = input.len < asked->skip ? input.len : asked->skip;

	*out_taken += n;
	asked->skip -= n;
	if (asked->skip > 0)
		return SERVER_MORE;
	return input.data[n - 1] == ',' ? say_oversize(c) : not_socketmap(c);
}

static enum server_step
look_socketmap(struct server_connection *c, struct span input, size_t *out_taken)
{
	struct asked *asked = server_state(c);
	struct span request, name, key;
	enum mail_map map;
	int r;

	if (asked->skip > 0)
		return skip_key(c, asked, input, out_taken);
	r = netstring_take(input, REQUEST_MAX, &request, out_taken, &asked->skip);
	if (r == 0)
		return SERVER_MORE;
	if (r == -EMSGSIZE) {
		input = span_skip(input, *out_taken);
		return input.len > 0 ? skip_key(c, asked, input, out_taken) : SERVER_MORE;
	}
	if (r < 0)
		return not_socketmap(c);
	socketmap_request(request, &name, &key);
	if (mail_map_from_name(name, &map) == 0)
		return say_unknown(c, name);
	return key.len <= SOCKETMAP_KEY_MAX ? ask(c, map, key) : say_oversize(c);
}

const struct server_protocol serve_socketmap = {
	.name = "socketmap",
	.state_size = sizeof(struct asked),
	.request_max = REQUEST_MAX + NETSTRING_FRAME_MAX,
	.look = look_socketmap,
	.wake = ask_again,
	.closed = forget,
};

/* --- tcp_table ------------------------------------------------------------------------------------------- */

static enum server_step
take_line(struct server_connection *c, struct span line)
{
	static const struct reply refused = { REPLY_NONSENSE, SPAN("the table is read only") };
	static const struct reply nonsense = { REPLY_LATER, SPAN("not a request") };
	const struct serve_place *place = server_meaning(c);
	struct serve *serve = place->serve;

	text_clear(&serve->key);
	switch (tcptable_request(line, &serve->key)) {
	case TCPTABLE_GET:
		if (text_failed(&serve->key))
			return SERVER_DROP;
		return serve->key.len <= SOCKETMAP_KEY_MAX ? ask(c, place->map, text_span(&serve->key)) : say_oversize(c);
	case TCPTABLE_PUT:
		return say(c, &refused);
	case TCPTABLE_NONSENSE:
		break;
	}
	counters_add(serve->counters, SERVER_COUNT_BROKEN, 1);
	server_complain(c, "broken", "does not speak tcp_table: closed");
	return say(c, &nonsense) == SERVER_NEXT ? SERVER_FINISH : SERVER_DROP;
}

static enum server_step
look_tcptable(struct server_connection *c, struct span input, size_t *out_taken)
{
	struct asked *asked = server_state(c);
	const char *end = memchr(input.data, '\n', input.len);

	if (end == NULL) {
		if (asked->skip == 0 && input.len <= TCPTABLE_LINE_MAX)
			return SERVER_MORE;
		asked->skip = 1;
		*out_taken = input.len;
		return SERVER_MORE;
	}
	*out_taken = (size_t)(end - input.data) + 1;
	if (asked->skip > 0) {
		asked->skip = 0;
		return say_oversize(c);
	}
	return take_line(c, span_from(input.data, *out_taken - 1));
}

const struct server_protocol serve_tcptable = {
	.name = "tcp_table",
	.state_size = sizeof(struct asked),
	.request_max = TCPTABLE_LINE_MAX + 1,
	.look = look_tcptable,
	.wake = ask_again,
	.closed = forget,
};

void
serve_begin(struct serve *serve)
{
	for (unsigned map = 0; map <= MAIL_MAPS; map++)
		serve->places[map] = (struct serve_place){ serve, (enum mail_map)map };
}

void
serve_end(struct serve *serve)
{
	text_free(&serve->value);
	text_free(&serve->sentence);
	text_free(&serve->key);
}
