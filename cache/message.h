/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * Searches sent over a connection, and the messages that come back: libldap's ends here.
 *
 * Values are not copied: they lie in the message that libldap or liblber holds, until message_free.
 */
#pragma once

#include "cache/connection.h"
#include "cache/entry.h"
#include "common/arena.h"

enum message_kind {
	MESSAGE_ENTRY,
	MESSAGE_REFERENCE, /* a search continuation: "what you look for is over there" */
	MESSAGE_INFO,      /* an intermediate response with a sync info value */
	MESSAGE_RESULT,    /* a search is over */
	MESSAGE_GOODBYE,   /* the server is about to close the connection, and says why */
	MESSAGE_OTHER,
};

struct message {
	enum message_kind kind;
	int id; /* what message_search returned */

	struct entry entry; /* ENTRY: csn from entryCSN, uuid from entryUUID when has_uuid */
	bool has_uuid;

	/* ENTRY, RESULT: value of the sync state or sync done control; INFO: the sync info value */
	bool has_value;
	struct span value;

	int code;               /* RESULT, GOODBYE */
	struct span text;       /* RESULT, GOODBYE: what the server says about it */
	struct span referral;   /* RESULT, REFERENCE: the first URI */

	/* What the above lies in. */
	void *handle, *controls, *strings[4];
	struct berelement *direct;
};

struct message_search {
	const char *base;
	bool only_base; /* the entry itself instead of the whole subtree */
	const char *filter;
	const char *const *attributes;
	size_t attribute_count;
	struct span sync_request; /* value of a sync request control, or empty */
};

/* Sends a search. Returns its id (above 0), or a negative errno with the result code in *OUT_CODE. */
must_check int message_search(struct connection *connection, const struct message_search *search,
                              int *out_code);

/* The next message that has wholly arrived. Never waits.
 * Messages of a connection that is DIRECT are read past libldap, which spends as much on an entry as all the rest of a load does. It
 * keeps what it knows of requests that were answered so, until the connection is closed: for a time with many messages and few
 * requests. The word may be changed between any two calls.
 * Returns 1 (free it), 0 when there is none, -EPIPE with libldap's code in out->code when the connection is
 * lost, -EPROTO for an entry that cannot be read, -ENOMEM. */
must_check int message_next(struct connection *connection, struct arena *arena, struct message *out);
void message_free(struct message *message);

/* Reads an LDAPMessage (RFC 4511 4.1.1, without the sequence's own tag and length) into OUT, whose kind is OTHER and whose other members
 * are zero. What is read lies in MESSAGE, arrays in ARENA. Returns 0, -EPROTO or -ENOMEM. */
must_check int message_read(struct span message, struct arena *arena, struct message *out);

/* Reads the attribute list of a SearchResultEntry (RFC 4511 4.5.2, without the sequence's own tag and
 * length) into OUT: the option ";binary" is dropped, attributes with other options are left out,
 * entryUUID and entryCSN go to the members of their own. What is read lies in ATTRIBUTES, the arrays in ARENA.
 * Returns 0, -EPROTO or -ENOMEM. */
must_check int message_read_attributes(struct span attributes, struct arena *arena,
                                       struct entry *out, bool *out_has_uuid);
