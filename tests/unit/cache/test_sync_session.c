/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * Sequences of RFC 4533 messages, and what the feed is told. A row is a script:
 *
 *   +a  entry a (state add)         ~a  entry a (state modify)     -a  entry a (state delete)
 *   =a  entry a (state present)     Pab id set, present            Gab id set, gone
 *   c:x the message before it carries cookie x
 *   d / D   refreshDelete, refreshDone false / true
 *   p / P   refreshPresent, refreshDone false / true
 *   n   new cookie                  R / r   result with refreshDeletes true / false
 *   !   an entry without a control
 */
#include <config.h>

#include "cache/sync_session.h"
#include "cache/syncmsg.h"
#include "cache/tlv.h"

#include <errno.h>

#include "tests/unit/test.h"

/* ---- a feed that writes down what it is told ---- */

struct recorder {
	struct text events;
	const char *fail_at; /* the event that fails */
	int error;
};

static int
record(void *context, const char *event, const uint8_t *uuid)
{
	struct recorder *r = context;

	if (r->events.len > 0)
		text_put_char(&r->events, ' ');
	text_put(&r->events, event);
	if (uuid != NULL)
		text_put_char(&r->events, (char)uuid[0]);
	return r->fail_at != NULL && strcmp(r->fail_at, event) == 0 ? r->error : 0;
}

static int
on_begin(void *context, bool complete unused)
{
	return record(context, "begin", NULL);
}

static int
on_is_empty(void *context unused)
{
	return 0;
}

static int
on_entry(void *context, const struct entry *entry)
{
	return record(context, "+", entry->uuid);
}

static int
on_present(void *context, const uint8_t uuid[ENTRY_UUID_LEN])
{
	return record(context, "=", uuid);
}

static int
on_gone(void *context, const uint8_t uuid[ENTRY_UUID_LEN])
{
	return record(context, "-", uuid);
}

static int
on_done(void *context, bool sweep, struct span cookie, uint32_t seconds)
{
	struct recorder *r = context;
	int result = record(context, sweep ? "sweep" : "done", NULL);

	text_putf(&r->events, "(%.*s,%u)", (int)cookie.len, cookie.data, seconds);
	return result;
}

static int
on_abort(void *context)
{
	return record(context, "abort", NULL);
}

static int
on_cookie(void *context, struct span cookie)
{
	struct recorder *r = context;
	int result = record(context, "cookie", NULL);

	text_putf(&r->events, "(%.*s)", (int)cookie.len, cookie.data);
	return result;
}

static int
on_flush(void *context)
{
	return record(context, "flush", NULL);
}

static struct feed
recording_feed(struct recorder *r)
{
	return (struct feed){
		.context = r,
		.begin_refresh = on_begin,
		.is_empty = on_is_empty,
		.entry = on_entry,
		.present = on_present,
		.gone = on_gone,
		.refresh_done = on_done,
		.abort_refresh = on_abort,
		.cookie = on_cookie,
		.flush = on_flush,
	};
}

/* ---- messages ---- */

static void
put_cookie(struct text *out, const char **at)
{
	size_t n;

	if (strncmp(*at, "c:", 2) != 0)
		return;
	*at += 2;
	n = strcspn(*at, " ");
	tlv_put(out, TLV_OCTET_STRING, span_from(*at, n));
	*at += n;
}

static void
put_uuid(struct text *out, char c)
{
	char uuid[ENTRY_UUID_LEN];

	memset(uuid, c, sizeof(uuid));
	tlv_put(out, TLV_OCTET_STRING, span_from(uuid, sizeof(uuid)));
}

static void
put_boolean(struct text *out, bool value)
{
	tlv_put(out, TLV_BOOLEAN, value ? SPAN("\xff") : SPAN("\0"));
}

/* The message that AT describes; *AT moves to the next one. VALUE is where its value lies. */
static struct message
next_message(const char **at, struct text *value)
{
	static const char states[] = { '=', '+', '~', '-' };
	struct text inner = TEXT_INIT, set = TEXT_INIT;
	struct message m = { .has_value = true };
	char what = *(*at)++;
	uint8_t tag = TLV_SEQUENCE;

	text_clear(value);
	if (memchr(states, what, sizeof(states)) != NULL) {
		char state = (char)((const char *)memchr(states, what, sizeof(states)) - states);

		m.kind = MESSAGE_ENTRY;
		tlv_put(&inner, TLV_ENUMERATED, span_from(&state, 1));
		put_uuid(&inner, *(*at)++);
		put_cookie(&inner, at);
	} else if (what == '!') {
		m.kind = MESSAGE_ENTRY;
		m.has_value = false;
	} else if (what == 'R' || what == 'r') {
		m.kind = MESSAGE_RESULT;
		put_cookie(&inner, at);
		put_boolean(&inner, what == 'R');
	} else {
		m.kind = MESSAGE_INFO;
		if (what == 'P' && **at != ' ' && **at != 'c' && **at != '\0')
			what = 'S';
		switch (what) {
		case 'n':
			tag = 0x80;
			*at += 2;
			text_put_span(&inner, span_from(*at, strcspn(*at, " ")));
			*at += strcspn(*at, " ");
			break;
		case 'd':
		case 'D':
		case 'p':
		case 'P':
			tag = what == 'd' || what == 'D' ? 0xa1 : 0xa2;
			put_cookie(&inner, at);
			put_boolean(&inner, what == 'D' || what == 'P');
			break;
		default:
			tag = 0xa3;
			while (**at != ' ' && **at != '\0' && strncmp(*at, "c:", 2) != 0)
				put_uuid(&set, *(*at)++);
			put_cookie(&inner, at);
			put_boolean(&inner, what == 'G');
			tlv_put(&inner, TLV_SET, text_span(&set));
			break;
		}
	}
	tlv_put(value, tag, text_span(&inner));
	m.value = text_span(value);
	text_free(&inner);
	text_free(&set);
	while (**at == ' ')
		++*at;
	return m;
}

/* Runs SCRIPT and returns the last step. */
static enum sync_session_step
run(const char *cookie, const char *script, struct recorder *recorder)
{
	struct feed feed = recording_feed(recorder);
	enum sync_session_step step = SYNC_SESSION_ON;
	struct sync_session session;
	struct text value = TEXT_INIT;

	assert_int_equal(sync_session_begin(&session, &feed, (const uint8_t *)"oooooooooooooooo",
	                                    span_of(cookie)), 0);
	while (*script != '\0' && (step == SYNC_SESSION_ON || step == SYNC_SESSION_COMPLETE)) {
		struct message m = next_message(&script, &value);

		step = sync_session_take(&session, &m);
	}
	sync_session_end(&session);
	text_free(&value);
	return step;
}

#define CSN "csn=20260101000000.000001Z#000000#001#000000"

static void
sequences(void **state unused)
{
	static const struct {
		const char *cookie, *script, *want;
		enum sync_session_step step;
	} rows[] = {
		/* first load: mid-refresh cookies are not for keeping */
		{ "", "+a +bc:mid Pc:" CSN, "begin +a +b sweep(" CSN ",1767225600) flush", SYNC_SESSION_COMPLETE },
		{ "", "+a Dc:x", "begin +a sweep(x,0) flush", SYNC_SESSION_COMPLETE },
		{ "", "+a P", "begin +a sweep(,0) flush", SYNC_SESSION_COMPLETE },
		/* up to date */
		{ "old", "Dc:old", "begin done(old,0) flush", SYNC_SESSION_COMPLETE },
		{ "old", "D", "begin done(old,0) flush", SYNC_SESSION_COMPLETE },
		/* present phase */
		{ "old", "Pab +c Pc:new", "begin =a =b +c sweep(new,0) flush", SYNC_SESSION_COMPLETE },
		{ "old", "=a Pc:new", "begin =a sweep(new,0) flush", SYNC_SESSION_COMPLETE },
		/* present phase, then delete phase */
		{ "old", "=a p Gb +c Dc:new", "begin =a -b +c sweep(new,0) flush", SYNC_SESSION_COMPLETE },
		/* delete phase */
		{ "old", "Gab +cc:mid Dc:new", "begin -a -b +c done(new,0) flush", SYNC_SESSION_COMPLETE },
		{ "old", "d -a Dc:new", "begin -a done(new,0) flush", SYNC_SESSION_COMPLETE },
		/* changes, each with its cookie */
		{ "old", "Dc:a ~ac:b -bc:c nc:d Gcc:e", "begin done(a,0) +a cookie(b) -b cookie(c) cookie(d) -c cookie(e) flush",
		  SYNC_SESSION_ON },
		{ "old", "Dc:a ~ac: Dc:b", "begin done(a,0) +a cookie(b) flush", SYNC_SESSION_ON },
		/* a cookie that the server cannot read: everything, called a delete phase */
		{ "junk", "+a +b Dc:", "begin +a +b abort flush", SYNC_SESSION_ANEW },
		{ "junk", "+a D", "begin +a abort flush", SYNC_SESSION_ANEW },
		{ "junk", "Dc:", "begin abort flush", SYNC_SESSION_ANEW },
		/* nothing at all is never the truth */
		{ "", "Pc:x", "begin abort flush", SYNC_SESSION_EMPTY },
		{ "", "Dc:x", "begin abort flush", SYNC_SESSION_EMPTY },
		{ "old", "Pc:x", "begin abort flush", SYNC_SESSION_EMPTY },
		{ "old", "Ga Pc:x", "begin -a abort flush", SYNC_SESSION_EMPTY },
		/* the connection breaks */
		{ "", "+a", "begin +a abort flush", SYNC_SESSION_ON },
		{ "old", "=a p", "begin =a abort flush", SYNC_SESSION_ON },
		/* a server that does not persist */
		{ "", "+a rc:x", "begin +a sweep(x,0) flush", SYNC_SESSION_OVER },
		{ "old", "+a Rc:x", "begin +a done(x,0) flush", SYNC_SESSION_OVER },
		{ "old", "Dc:x Rc:y", "begin done(x,0) flush", SYNC_SESSION_OVER },
		/* the base, o, is never told to be gone */
		{ "old", "Dc:x -a -o -b", "begin done(x,0) -a flush", SYNC_SESSION_BASE_GONE },
		{ "old", "Gao Dc:x", "begin -a abort flush", SYNC_SESSION_BASE_GONE },
		/* nonsense */
		{ "", "+a !", "begin +a abort flush", SYNC_SESSION_NONSENSE },
		{ "old", "Dc:x Pc:y", "begin done(x,0) flush", SYNC_SESSION_NONSENSE },
	};

	for (size_t i = 0; i < array_size(rows); i++) {
		struct recorder recorder = { .events = TEXT_INIT };
		enum sync_session_step step = run(rows[i].cookie, rows[i].script, &recorder);

		if (strcmp(text_str(&recorder.events), rows[i].want) != 0 || step != rows[i].step)
			print_message("# row %zu \"%s\" \"%s\" step %d\n", i, rows[i].cookie,
			              rows[i].script, (int)step);
		assert_string_equal(text_str(&recorder.events), rows[i].want);
		assert_int_equal(step, rows[i].step);
		text_free(&recorder.events);
	}
}

static void
a_feed_that_fails_is_not_asked_again(void **state unused)
{
	static const struct {
		const char *fail_at, *want;
		int error;
		enum sync_session_step step;
	} rows[] = {
		{ "+", "begin + abort", -EIO, SYNC_SESSION_FEED },
		/* a duplicate is no failure */
		{ "+", "begin + sweep(x,0) + cookie(y) flush", -EEXIST, SYNC_SESSION_ON },
		{ "sweep", "begin + sweep(x,0) abort", -ENOSPC, SYNC_SESSION_FEED },
		{ "cookie", "begin + sweep(x,0) + cookie(y)", -EIO, SYNC_SESSION_FEED },
	};

	for (size_t i = 0; i < array_size(rows); i++) {
		struct recorder recorder = { .fail_at = rows[i].fail_at, .error = rows[i].error };
		enum sync_session_step step;
		struct text want = TEXT_INIT;

		/* The recorder writes the id behind the sign. */
		for (const char *c = rows[i].want; *c != '\0'; c++) {
			text_put_char(&want, *c);
			if (*c == '+')
				text_put_char(&want, 'a');
		}
		step = run("", "+a Pc:x ~ac:y", &recorder);
		assert_string_equal(text_str(&recorder.events), text_str(&want));
		assert_int_equal(step, rows[i].step);
		text_free(&recorder.events);
		text_free(&want);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sequences),
		cmocka_unit_test(a_feed_that_fails_is_not_asked_again),
	};

	return RUN_TESTS(tests);
}
