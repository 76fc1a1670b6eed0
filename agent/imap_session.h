/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * A connection to an IMAP server as one user: made, secured, authenticated, and one command after the other.
 *
 * Everything waits, but never longer than the time limit for the next octets to come or go. Errors have a sentence in WHY: -EAGAIN the
 * server is away, slow, overloaded or ended the connection; -EPERM it refuses us (password, certificate, no STARTTLS); -EPROTO it
 * speaks something else. After any of them the session is of no more use.
 */
#pragma once

#include "agent/imap.h"
#include "common/macro.h"
#include "common/text.h"

struct imap_options {
	const char *server;   /* "unix:PATH", "HOST", "HOST:PORT", "[ADDRESS]:PORT"; port 143 unless given */
	const char *user, *password;
	const char *act_as;   /* on whose behalf (RFC 4616's authzid); NULL: one's own */
	bool starttls;        /* demand it */
	const char *ca_file;  /* certificates to trust; NULL: the system's */
	unsigned timeout;     /* seconds */
};

struct imap_session;

must_check int imap_session_open(const struct imap_options *options, struct imap_session **out, struct text *why);
/* Says LOGOUT if the connection still serves, and closes. NULL is fine. */
void imap_session_close(struct imap_session *session);
void imap_session_closep(struct imap_session **session);

/* Sends COMMAND (without tag and line end), tells EACH (may be NULL) every untagged response that is data, and returns the tagged
 * status: 1 OK, 0 NO; -EPROTO for BAD; -EAGAIN with a NO that says so ([UNAVAILABLE], [INUSE], [SERVERBUG] ...). OUT_STATUS's spans are
 * valid until the next command; may be NULL. A nonzero value of EACH is returned once the command is over. */
must_check int imap_command(struct imap_session *session, struct span command,
                            int (*each)(void *context, struct span rest), void *context, struct imap_status *out_status,
                            struct text *why);
