/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * Sendmail's socketmap as Postfix speaks it (socketmap_table(5)): what stands in the netstrings.
 *
 *	NAME SP KEY                          the key as it is, with blanks and quotes
 *	OK SP data   NOTFOUND SP   TEMP SP reason   PERM SP reason
 *
 * Postfix before 3.8.20 takes "OK" without data for "not found", later ones, and all of them "OK " with none, for a failure:
 * neither is ever said.
 */
#pragma once

#include "common/text.h"
#include "postfix_map/reply.h"

enum {
	SOCKETMAP_REPLY_MAX = 100000, /* octets that Postfix takes, "OK " included */
	SOCKETMAP_KEY_MAX = 10000,    /* what Postfix 3.12 asks at most (socketmap_max_query_size) */
	SOCKETMAP_NAME_MAX = 64,
};

/* Takes a request apart; without a blank the key is empty. */
void socketmap_request(struct span request, struct span *out_name, struct span *out_key);

/* Appends REPLY, a netstring. */
void socketmap_put_reply(struct text *out, const struct reply *reply);
