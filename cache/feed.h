/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * What a source of entries (LDAP, or an LDIF file) tells the replica. RFC 4533 as plain events.
 *
 * The order is
 *
 *   begin_refresh  (entry | present | gone)*  refresh_done      any number of times, and after one
 *   (entry | gone)* cookie                                       as changes are pushed.
 *
 * A connection that breaks in the middle of a refresh ends it with abort_refresh: what came is kept, nothing
 * is removed, the old cookie stays. Nothing is durable before flush returns; the source calls flush whenever
 * it has nothing more to say at the moment, and after at most FEED_BATCH events. Every
 * function returns 0 or a negative errno; after an error the source stops, says so, and starts
 * again later from the last durable cookie.
 *
 * All calls of one feed come from one thread.
 */
#pragma once

#include "cache/entry.h"

enum { FEED_BATCH = 2000 };

struct feed {
	void *context;

	/* COMPLETE: the source will mention every entry that exists (no cookie, or a present phase);
	 * only then may refresh_done ask for a sweep. */
	int (*begin_refresh)(void *context, bool complete);

	/* 1 when nothing was ever loaded completely, so that nothing is served and what a refresh brings is not
	 * seen before it is done; 0 when readers see each flush. */
	int (*is_empty)(void *context);

	/* An entry as it is now: new, changed, or renamed. ENTRY is borrowed for the call.
	 * -EEXIST: this refresh already brought another entry with that DN. */
	int (*entry)(void *context, const struct entry *entry);

	/* The entry is there and unchanged since the cookie that was sent. */
	int (*present)(void *context, const uint8_t uuid[ENTRY_UUID_LEN]);

	/* The source announced that the entry is gone (or left the filter). Unknown ids are fine. */
	int (*gone)(void *context, const uint8_t uuid[ENTRY_UUID_LEN]);

	/* The refresh is complete. SWEEP: every entry neither sent nor named present is gone (present
	 * phase, or a full refresh). COOKIE may be empty (LDIF). SECONDS is the time of the newest
	 * CSN that the cookie covers, 0 when there is none. -EAGAIN: what was told did not suffice, and everything is to be
	 * told. */
	int (*refresh_done)(void *context, bool sweep, struct span cookie, uint32_t seconds);
	int (*abort_refresh)(void *context);

	/* Everything said so far is covered by COOKIE. */
	int (*cookie)(void *context, struct span cookie);

	/* Makes everything so far durable and visible. */
	int (*flush)(void *context);

	/* The last durable cookie (in ARENA), empty when there is none or it is no longer valid. */
	int (*stored_cookie)(void *context, struct arena *arena, struct span *out_cookie);

	/* entryUUID of the suffix entry of the database the cookie came from: 1 known, 0 not known. */
	int (*suffix_uuid)(void *context, uint8_t out_uuid[ENTRY_UUID_LEN]);
};
