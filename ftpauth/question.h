/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * What ispman-saslauthd is asked about a password, and what it says: the client's side of saslauthd's protocol. Pure.
 *
 * Five strings go out: login, password, service, realm and the client as "address;port". One comes back, that begins with OK or NO; after
 * OK may stand the entryUUID of the account that the password belongs to, as "OK 01234567-89ab-...". Anything else, also none, is
 * "cannot tell".
 */
#pragma once

#include "common/macro.h"
#include "common/text.h"

#include <stdint.h>

#define QUESTION_SERVICE "ftp"

enum {
	QUESTION_LOGIN_MAX = 1024, /* longer ones are refused over there too */
	QUESTION_PASSWORD_MAX = 4096,
	QUESTION_REPLY_MAX = 1024,
	QUESTION_UUID_LEN = 16,
};

/* Appends the question. PEER is an address, or empty. 0, or -EMSGSIZE when a string is too long for anybody's (then OUT is undefined). */
must_check int question_put(struct text *out, struct span login, struct span password, struct span peer);

enum question_word { QUESTION_MORE, QUESTION_ACCEPTED, QUESTION_REFUSED, QUESTION_CANNOT_TELL };

struct question_answer {
	enum question_word word;
	bool has_uuid;
	uint8_t uuid[QUESTION_UUID_LEN];
};

/* Reads the reply as far as it has come; ENDED: no more will come. */
void question_read_answer(struct span input, bool ended, struct question_answer *out);
