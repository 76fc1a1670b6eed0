/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * saslauthd's mux protocol: what stands in the octets of one request and of its reply. Pure.
 *
 *	request  login password service realm [client]    counted strings (common/counted.h), one request a connection
 *	reply    one counted string that begins with OK or NO
 *
 * Released clients (libsasl2 up to 2.1.28, testsaslauthd) send four strings, newer ones and ispman-ftpauthd a fifth, the client as
 * "address;port". A client of four strings waits for its reply without a deadline and does not say that it has nothing more, so
 * nobody may wait for a fifth: after four complete strings the request is complete, unless more octets are there already. Clients
 * write all they have at once. Then the fifth is waited for.
 *
 * There is no word for "cannot tell": the connection is closed without a reply, which clients take for a temporary failure.
 */
#pragma once

#include "common/macro.h"
#include "common/span.h"
#include "common/text.h"

enum {
	MUX_FIELD_MAX = 1024,    /* octets of a login, a service, a realm, a client */
	MUX_PASSWORD_MAX = 4096, /* of a password: whoever keeps a key in there can log in by LDAP, so also here */
	/* The longest request: five heads and five strings. */
	MUX_REQUEST_MAX = 5 * 2 + 4 * MUX_FIELD_MAX + MUX_PASSWORD_MAX,
};

/* Spans lie in the input. */
struct mux_request {
	struct span login, password, service, realm;
	struct span client; /* "address;port"; empty when it was not given */
};

/* Takes the request at the beginning of INPUT, of which nothing may have been taken before.
 *
 * 1 and *OUT; 0 when it is not complete. What is left is refused, with NO: -EMSGSIZE for a string that is too long, said as soon as
 * its length is there; -EBADMSG for a string with a NUL in it, which C programs would cut there; -EINVAL for an empty login or
 * password. *OUT is set with 1 only. Octets after a fifth string belong to nothing. */
must_check int mux_take_request(struct span input, struct mux_request *out);

/* Appends the reply OK or NO. The client learns nothing more. */
void mux_put_reply(struct text *out, bool accepted);
/* Appends "OK" with the entryUUID of the account behind it, for who sent five strings: ispman-ftpauthd then takes the home of no other
 * account, also when the login has changed hands a moment ago. Other clients look at the first two octets only. */
void mux_put_accepted(struct text *out, const uint8_t uuid[16]);
