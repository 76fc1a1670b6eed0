/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * IMAP4rev1 (RFC 3501) as octets, as far as administering a mail store needs it: responses taken apart, commands put together. Pure.
 *
 *	while ((r = imap_take(input, &response)) == 1) {
 *		struct imap_reader reader = imap_read(&response);
 *		while (imap_next(&reader, &token) > 0)
 *			...
 *	}
 *
 * A response may hold literals; it is complete when its last line is. Spans lie in the input.
 */
#pragma once

#include "common/macro.h"
#include "common/span.h"
#include "common/text.h"

enum { IMAP_RESPONSE_MAX = 1 << 20 }; /* octets of one response, literals included */

enum imap_kind {
	IMAP_UNTAGGED, /* * */
	IMAP_CONTINUE, /* + */
	IMAP_TAGGED,
};

struct imap_response {
	enum imap_kind kind;
	struct span tag;  /* IMAP_TAGGED */
	struct span rest; /* behind the tag and its blank, without the line's end */
	size_t taken;     /* octets of INPUT, line's end included */
};

/* The response at the beginning of INPUT: 1; 0 when it is not complete; -EMSGSIZE when it is longer than IMAP_RESPONSE_MAX; -EBADMSG for
 * what is none (an empty line, a NUL outside of a literal, no blank behind the tag). *OUT is set with 1 only. */
must_check int imap_take(struct span input, struct imap_response *out);

/* --- status ---------------------------------------------------------------------------------------------------------- */

enum imap_condition { IMAP_NONE, IMAP_OK, IMAP_NO, IMAP_BAD, IMAP_PREAUTH, IMAP_BYE };

struct imap_status {
	enum imap_condition condition; /* IMAP_NONE: the response is no status */
	struct span code;              /* what stands in [], without them; empty: nothing does */
	struct span text;
};
void imap_status(struct span rest, struct imap_status *out);
/* Whether the code's first word is NAME. */
bool imap_code_is(const struct imap_status *status, const char *name);

/* --- data ------------------------------------------------------------------------------------------------------------- */

enum imap_token_kind { IMAP_ATOM, IMAP_QUOTED, IMAP_LITERAL, IMAP_NIL, IMAP_OPEN, IMAP_CLOSE };

struct imap_token {
	enum imap_token_kind kind;
	struct span value; /* of IMAP_QUOTED as it stands, with its backslashes */
};

/* 1 and the next token of *REST, 0 at the end, -EBADMSG. */
must_check int imap_next(struct span *rest, struct imap_token *out);
/* Whether it is the atom NAME, whatever the case. */
bool imap_is_atom(const struct imap_token *token, const char *name);
/* Appends what a token stands for: an atom's, a literal's octets, those of a quoted string without its backslashes. */
void imap_put_value(struct text *out, const struct imap_token *token);

/* --- commands --------------------------------------------------------------------------------------------------------- */

/* Appends STRING as a quoted string. False, and nothing is appended: it cannot be one (CR, LF, NUL, or octets above ASCII, or more than
 * 1000 octets). */
bool imap_put_quoted(struct text *out, struct span string);

/* Appends NAME, in UTF-8, as mailbox names are sent (RFC 3501 5.1.3, modified UTF-7), without quotes. -EINVAL when it is not UTF-8. */
must_check int imap_put_utf7(struct text *out, struct span name);
