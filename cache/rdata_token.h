/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * The words of a master-file line, cut exactly where named's lexer cuts them.
 *
 * Blanks and tabs separate, parentheses must balance and mean nothing else on a single line, an
 * unescaped ";" begins a comment. Escapes stay in the words: what they mean depends on the field.
 */
#pragma once

#include "common/macro.h"
#include "common/span.h"
#include "common/text.h"

enum token_kind {
	TOKEN_END,    /* of the line */
	TOKEN_WORD,   /* not quoted */
	TOKEN_QUOTED, /* without its quotes, and without the backslash of \" */
	TOKEN_PAIR,   /* key=value or key="value", without the quotes */
	TOKEN_STRAY,  /* a quote where no quoted string may stand */
};

/* What may be read beside words. */
enum token_mode { TOKENS_PLAIN, TOKENS_QUOTED, TOKENS_PAIRS };

struct tokens {
	struct span line;
	size_t at;
	unsigned parens;
	/* The word last read; NUL-terminated, valid until the next token. */
	enum token_kind kind;
	struct text word;
	/* Where it begins, and what to restore to read it again. */
	size_t start;
	size_t before;
	unsigned parens_before;
};

/* LINE may hold neither NUL nor line feed. */
void tokens_open(struct tokens *tokens, struct span line);
void tokens_free(struct tokens *tokens);

/* Reads the next token. Returns 0; -EINVAL with a sentence in WHY for an unbalanced parenthesis or
 * quote, or a carriage return; -ENOMEM. */
must_check int tokens_next(struct tokens *tokens, enum token_mode mode, struct text *why);

/* The token last read will be read again. */
void tokens_back(struct tokens *tokens);
