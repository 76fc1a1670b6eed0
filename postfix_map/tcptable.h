/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * Postfix's tcp_table(5): a line a request, a line a reply, what is not printable as %XX.
 *
 *	get SP KEY LF                           put SP KEY SP VALUE LF
 *	200 SP data LF   500 SP text LF (not found, refused)   400 SP text LF (try later)
 */
#pragma once

#include "common/macro.h"
#include "common/text.h"
#include "postfix_map/reply.h"

enum {
	TCPTABLE_REPLY_MAX = 4096, /* octets that Postfix takes, LF included */
	TCPTABLE_LINE_MAX = 30016, /* "get " and 10,000 octets of a key, all of them encoded */
};

enum tcptable_request { TCPTABLE_GET, TCPTABLE_PUT, TCPTABLE_NONSENSE };

/* Takes the line LINE (without LF, with or without CR) apart. The key of a get is appended to OUT_KEY, decoded. */
enum tcptable_request tcptable_request(struct span line, struct text *out_key);

/* Appends REPLY. 0, or -E2BIG (and nothing appended) when Postfix would not take it. */
must_check int tcptable_put_reply(struct text *out, const struct reply *reply);
