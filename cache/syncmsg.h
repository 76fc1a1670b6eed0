/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * The values of RFC 4533's controls and of its intermediate response, and what can be read from a cookie
 * of OpenLDAP's. Pure; what is read lies in the span that was given.
 */
#pragma once

#include "cache/entry.h"
#include "common/macro.h"
#include "common/span.h"
#include "common/text.h"

#define SYNCMSG_REQUEST_OID "1.3.6.1.4.1.4203.1.9.1.1"
#define SYNCMSG_STATE_OID "1.3.6.1.4.1.4203.1.9.1.2"
#define SYNCMSG_DONE_OID "1.3.6.1.4.1.4203.1.9.1.3"
#define SYNCMSG_INFO_OID "1.3.6.1.4.1.4203.1.9.1.4"

/* No server is known to make a cookie of more than some hundred octets. */
enum { SYNCMSG_COOKIE_MAX = 16 * 1024 };

/* An empty cookie and no cookie are different things: OpenLDAP answers with an empty one to a
 * cookie that it cannot read. */
struct syncmsg_cookie {
	bool given;
	struct span value;
};

/* The sync state control that comes with each entry. */
enum syncmsg_entry_state {
	SYNCMSG_PRESENT = 0,
	SYNCMSG_ADD = 1,
	SYNCMSG_MODIFY = 2,
	SYNCMSG_DELETE = 3,
};

struct syncmsg_state {
	enum syncmsg_entry_state state;
	uint8_t uuid[ENTRY_UUID_LEN];
	struct syncmsg_cookie cookie;
};

/* The sync done control of the final result. */
struct syncmsg_done {
	struct syncmsg_cookie cookie;
	bool refresh_deletes;
};

/* The sync info message. */
enum syncmsg_info_kind {
	SYNCMSG_NEW_COOKIE = 0,
	SYNCMSG_REFRESH_DELETE = 1,
	SYNCMSG_REFRESH_PRESENT = 2,
	SYNCMSG_ID_SET = 3,
};

struct syncmsg_info {
	enum syncmsg_info_kind kind;
	struct syncmsg_cookie cookie;
	bool refresh_done;    /* of the two refresh kinds */
	bool refresh_deletes; /* of the id set: these are gone (otherwise: present) */
	struct span uuids;    /* of the id set, for syncmsg_next_uuid */
};

/* Each returns 0, or -EPROTO for a value that is not what RFC 4533 says. */
must_check int syncmsg_read_state(struct span value, struct syncmsg_state *out);
must_check int syncmsg_read_done(struct span value, struct syncmsg_done *out);
must_check int syncmsg_read_info(struct span value, struct syncmsg_info *out);

/* The next id of a set: false when none is left. The set was checked when it was read. */
bool syncmsg_next_uuid(struct span *uuids, uint8_t out_uuid[ENTRY_UUID_LEN]);

/* The value of the request control: refreshAndPersist, COOKIE unless it is empty; of OpenLDAP's without the server that it
 * came from, which would stand for us there. */
void syncmsg_put_request(struct text *out, struct span cookie);

/* The next CSN of a cookie of OpenLDAP's ("rid=000,csn=2026...#000000#001#000000;2026..."):
 * false when none is left, at once for a cookie of another kind. Start with *REST = the cookie. */
bool syncmsg_next_csn(struct span *rest, struct span *out_csn);

/* Whether COOKIE may be sent. OpenLDAP answers one of its own form without a CSN ("rid=000", what a database without
 * contextCSN gives out) with every entry, calls these the changes since, and returns a good cookie: what is
 * gone would stay in the cache for ever, and nothing in the answer shows it. */
bool syncmsg_cookie_is_usable(struct span cookie);

/* Puts what is known after NEW has come when OLD was known before: with several servers that are written to, OpenLDAP
 * sends with a change the CSN of the server that made it, and means those of the others to stay. */
void syncmsg_put_merged(struct text *out, struct span old, struct span new);

/* The time of the newest CSN in COOKIE, 0 when it shows none. */
uint32_t syncmsg_cookie_seconds(struct span cookie);

/* Whether STATE, some CSNs in the form of a cookie, is as new as COOKIE for every server that COOKIE names.
 * True for a COOKIE without readable CSNs. */
bool syncmsg_state_covers(struct span state, struct span cookie);
