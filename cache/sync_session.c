/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 */
#include <config.h>

#include "cache/sync_session.h"

#include "cache/syncmsg.h"

#include <errno.h>

int
sync_session_begin(struct sync_session *s, const struct feed *feed,
                   const uint8_t base_uuid[ENTRY_UUID_LEN], struct span cookie)
{
	int r;

	*s = (struct sync_session){ .feed = feed, .sent_cookie = cookie.len > 0 };
	memcpy(s->base_uuid, base_uuid, sizeof(s->base_uuid));
	text_put_span(&s->cookie, cookie);
	/* Whether an answer to a cookie names everything is seen only at its end. */
	r = feed->begin_refresh(feed->context, !s->sent_cookie);
	s->begun = r >= 0;
	return r < 0 ? r : 0;
}

static enum sync_session_step
feed_failed(struct sync_session *s, int error)
{
	s->error = error;
	return SYNC_SESSION_FEED;
}

static enum sync_session_step
nonsense(struct sync_session *s, const char *what)
{
	text_clear(&s->why);
	text_put(&s->why, what);
	return SYNC_SESSION_NONSENSE;
}

/* Counts what was said to the feed. */
static enum sync_session_step
said(struct sync_session *s, int r, uint64_t *count)
{
	if (r < 0)
		return feed_failed(s, r);
	s->pending++;
	s->urgent = true;
	if (s->complete)
		s->changes++;
	else
		++*count;
	return SYNC_SESSION_ON;
}

/* Without its base a search shows nothing more, and what is below is not announced: whatever happened to it,
 * it is no reason to take the roof off what is cached. */
static enum sync_session_step
tell_gone(struct sync_session *s, const uint8_t uuid[ENTRY_UUID_LEN])
{
	if (memcmp(uuid, s->base_uuid, sizeof(s->base_uuid)) == 0)
		return SYNC_SESSION_BASE_GONE;
	return said(s, s->feed->gone(s->feed->context, uuid), &s->gones);
}

/* Remembers a cookie, and tells the feed of it once it counts. */
static enum sync_session_step
take_cookie(struct sync_session *s, const struct syncmsg_cookie *cookie)
{
	struct text merged = TEXT_INIT;
	int r;

	/* During a refresh a cookie covers only a part of what it names. */
	if (!s->complete || !cookie->given || cookie->value.len == 0)
		return SYNC_SESSION_ON;
	syncmsg_put_merged(&merged, text_span(&s->cookie), cookie->value);
	text_free(&s->cookie);
	s->cookie = merged;
	r = text_failed(&s->cookie) ? -ENOMEM : s->feed->cookie(s->feed->context, text_span(&s->cookie));
	if (r < 0)
		return feed_failed(s, r);
	s->pending++;
	return SYNC_SESSION_ON;
}

static enum sync_session_step
take_entry(struct sync_session *s, const struct message *m)
{
	const struct feed *feed = s->feed;
	enum sync_session_step step = SYNC_SESSION_ON;
	struct syncmsg_state state;
	struct entry entry = m->entry;
	int r;

	if (!m->has_value)
		return nonsense(s, "it sent an entry without a sync state control");
	if (syncmsg_read_state(m->value, &state) < 0)
		return nonsense(s, "it sent a sync state control that cannot be read");
	switch (state.state) {
	case SYNCMSG_ADD:
	case SYNCMSG_MODIFY:
		memcpy(entry.uuid, state.uuid, sizeof(entry.uuid));
		r = feed->entry(feed->context, &entry);
		if (r == -EEXIST) {
			s->duplicates++;
			r = 0;
		}
		step = said(s, r, &s->entries);
		break;
	case SYNCMSG_PRESENT:
		step = said(s, feed->present(feed->context, state.uuid), &s->presents);
		break;
	case SYNCMSG_DELETE:
		step = tell_gone(s, state.uuid);
		break;
	}
	return step == SYNC_SESSION_ON ? take_cookie(s, &state.cookie) : step;
}

static enum sync_session_step
take_ids(struct sync_session *s, struct syncmsg_info *info)
{
	const struct feed *feed = s->feed;
	enum sync_session_step step = SYNC_SESSION_ON;
	uint8_t uuid[ENTRY_UUID_LEN];
	int r;

	while (step == SYNC_SESSION_ON && syncmsg_next_uuid(&info->uuids, uuid)) {
		if (info->refresh_deletes)
			step = tell_gone(s, uuid);
		else
			step = said(s, feed->present(feed->context, uuid), &s->presents);
		/* A set may hold any number. */
		if (step == SYNC_SESSION_ON && s->pending >= FEED_BATCH) {
			r = sync_session_flush(s);
			if (r < 0)
				step = feed_failed(s, r);
		}
	}
	return step == SYNC_SESSION_ON ? take_cookie(s, &info->cookie) : step;
}

static enum sync_session_step
complete_refresh(struct sync_session *s, const struct syncmsg_cookie *cookie)
{
	bool usable = cookie->given && cookie->value.len > 0;
	bool named_all = !s->sent_cookie || s->ended_present;
	struct span covers;
	int r;

	if (named_all && s->entries + s->presents == 0)
		return SYNC_SESSION_EMPTY;
	/* OpenLDAP answers a cookie that it cannot read with every entry, as if these were the
	 * changes since: what is gone would stay for ever. A refresh that brought nothing and
	 * says nothing of a cookie only means that ours is still good. */
	if (!named_all && !usable && (cookie->given || s->entries + s->gones > 0))
		return SYNC_SESSION_ANEW;
	if (usable) {
		text_clear(&s->cookie);
		text_put_span(&s->cookie, cookie->value);
	}
	if (text_failed(&s->cookie))
		return feed_failed(s, -ENOMEM);
	covers = text_span(&s->cookie);
	r = s->feed->refresh_done(s->feed->context, named_all, covers, syncmsg_cookie_seconds(covers));
	if (r == -EAGAIN)
		return SYNC_SESSION_UNSETTLED;
	if (r < 0)
		return feed_failed(s, r);
	s->complete = true;
	s->pending++;
	s->urgent = true;
	return SYNC_SESSION_COMPLETE;
}

static enum sync_session_step
take_info(struct sync_session *s, const struct message *m)
{
	struct syncmsg_info info;

	if (syncmsg_read_info(m->value, &info) < 0)
		return nonsense(s, "it sent a sync info message that cannot be read");
	switch (info.kind) {
	case SYNCMSG_NEW_COOKIE:
		return take_cookie(s, &info.cookie);
	case SYNCMSG_ID_SET:
		return take_ids(s, &info);
	case SYNCMSG_REFRESH_PRESENT:
		/* Another refresh would need its own beginning. */
		if (s->complete)
			return nonsense(s, "it began another refresh in the middle of the changes");
		s->ended_present = true;
		break;
	case SYNCMSG_REFRESH_DELETE:
		if (s->complete)
			return take_cookie(s, &info.cookie);
		break;
	}
	return info.refresh_done ? complete_refresh(s, &info.cookie) : SYNC_SESSION_ON;
}

/* A server that does not persist ends the search after the refresh. */
static enum sync_session_step
take_result(struct sync_session *s, const struct message *m)
{
	struct syncmsg_done done;
	enum sync_session_step step;

	if (s->complete)
		return SYNC_SESSION_OVER;
	if (!m->has_value)
		return nonsense(s, "it ended the search before the refresh was complete");
	if (syncmsg_read_done(m->value, &done) < 0)
		return nonsense(s, "it sent a sync done control that cannot be read");
	s->ended_present = s->ended_present || !done.refresh_deletes;
	step = complete_refresh(s, &done.cookie);
	return step == SYNC_SESSION_COMPLETE ? SYNC_SESSION_OVER : step;
}

enum sync_session_step
sync_session_take(struct sync_session *s, const struct message *m)
{
	switch (m->kind) {
	case MESSAGE_ENTRY:
		return take_entry(s, m);
	case MESSAGE_INFO:
		return take_info(s, m);
	case MESSAGE_RESULT:
		return take_result(s, m);
	case MESSAGE_REFERENCE:
	case MESSAGE_GOODBYE:
	case MESSAGE_OTHER:
		break;
	}
	return SYNC_SESSION_ON;
}

int
sync_session_flush(struct sync_session *s)
{
	int r;

	if (s->pending == 0)
		return 0;
	r = s->feed->flush(s->feed->context);
	if (r < 0)
		return r;
	s->pending = 0;
	s->urgent = false;
	return 0;
}

int
sync_session_end(struct sync_session *s)
{
	int r = 0;

	if (s->begun && !s->complete) {
		r = s->feed->abort_refresh(s->feed->context);
		s->pending++;
	}
	/* After an error of its own the feed is not asked again. */
	if (r >= 0 && s->error == 0)
		r = sync_session_flush(s);
	text_free(&s->cookie);
	text_free(&s->why);
	s->begun = false;
	return r;
}
