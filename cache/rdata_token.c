/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 */
#include <config.h>

#include "cache/rdata_token.h"

#include <errno.h>

void
tokens_open(struct tokens *tokens, struct span line)
{
	*tokens = (struct tokens){ .line = line, .word = TEXT_INIT };
}

void
tokens_free(struct tokens *tokens)
{
	text_free(&tokens->word);
}

static bool
at_end(const struct tokens *t)
{
	return t->at == t->line.len;
}

static int
refuse(struct text *why, const char *sentence)
{
	text_put(why, sentence);
	return -EINVAL;
}

/* Reads to the closing quote; the opening one has been read. */
static int
read_quoted(struct tokens *t, struct text *why)
{
	bool escaped = false;

	for (;;) {
		char c;

		if (at_end(t))
			return refuse(why, "a quoted string has no closing quote");
		c = t->line.data[t->at++];
		if (c == '"' && !escaped)
			return 0;
		if (c == '"') {
			/* The field would not know this quote from one that ends something. */
			t->word.data[t->word.len - 1] = '"';
			escaped = false;
			continue;
		}
		escaped = c == '\\' && !escaped;
		text_put_char(&t->word, c);
		if (text_failed(&t->word))
			return -ENOMEM;
	}
}

/* Whether C is an octet of a word like any other, whatever stands before it. */
static bool
is_plain(char c)
{
	switch (c) {
	case '\0':
	case '\r':
	case '\\':
	case ' ':
	case '\t':
	case '"':
	case '(':
	case ')':
	case ';':
	case '=':
		return false;
	default:
		return true;
	}
}

static int
read_word(struct tokens *t, enum token_mode mode, struct text *why)
{
	bool escaped = false;
	bool in_key = mode == TOKENS_PAIRS;

	t->kind = TOKEN_WORD;
	while (!at_end(t)) {
		char c = t->line.data[t->at];

		if (is_plain(c)) {
			size_t start = t->at;

			while (!at_end(t) && is_plain(t->line.data[t->at]))
				t->at++;
			text_put_span(&t->word, span_from(t->line.data + start, t->at - start));
			escaped = false;
			continue;
		}
		if (c == '\r')
			return refuse(why, "a line break stands inside");
		if (!escaped && c == ';') {
			t->at = t->line.len;
			break;
		}
		if (!escaped && strchr(" \t\"()", c) != NULL)
			break;
		text_put_char(&t->word, c);
		t->at++;
		if (in_key && !escaped && c == '=') {
			t->kind = TOKEN_PAIR;
			in_key = false;
			if (!at_end(t) && t->line.data[t->at] == '"') {
				t->at++;
				return read_quoted(t, why);
			}
			continue;
		}
		escaped = c == '\\' && !escaped;
	}
	return text_failed(&t->word) ? -ENOMEM : 0;
}

int
tokens_next(struct tokens *t, enum token_mode mode, struct text *why)
{
	t->before = t->at;
	t->parens_before = t->parens;
	text_clear(&t->word);
	while (!at_end(t)) {
		char c = t->line.data[t->at];

		t->start = t->at;
		switch (c) {
		case ' ':
		case '\t':
			t->at++;
			break;
		case ';':
			t->at = t->line.len;
			break;
		case '(':
			t->at++;
			t->parens++;
			break;
		case ')':
			t->at++;
			if (t->parens == 0)
				return refuse(why, "a closing parenthesis has no opening one");
			t->parens--;
			break;
		case '\r':
			return refuse(why, "a line break stands inside");
		case '"':
			t->at++;
			if (mode != TOKENS_QUOTED) {
				t->kind = TOKEN_STRAY;
				text_put_char(&t->word, '"');
				return text_failed(&t->word) ? -ENOMEM : 0;
			}
			t->kind = TOKEN_QUOTED;
			/* An empty string is a word too. */
			if (text_extend(&t->word, 0) == NULL)
				return -ENOMEM;
			return read_quoted(t, why);
		default:
			return read_word(t, mode, why);
		}
	}
	t->kind = TOKEN_END;
	t->start = t->at;
	if (t->parens > 0)
		return refuse(why, "an opening parenthesis has no closing one");
	return 0;
}

void
tokens_back(struct tokens *t)
{
	t->at = t->before;
	t->parens = t->parens_before;
}
