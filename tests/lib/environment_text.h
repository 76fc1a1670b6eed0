/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * A text written as an environment: the part that dns_text.c, mail_text.c and login_text.c share.
 *
 *	environment_text_begin(&out, folder);
 *	environment_text_lines(&out, text, read_line);
 *	environment_text_put(&out, key, &value); ...
 *	environment_text_end(&out, &state);
 *
 * Whatever is wrong ends the process, with the number of the line.
 */
#pragma once

#include "cache/key.h"
#include "cache/record.h"
#include "cache/store.h"
#include "common/span.h"
#include "common/text.h"

struct environment_text {
	const char *name; /* for errors: "dns_text" */
	size_t line_number;
	struct store *store;
	struct store_txn *txn;
};

_Noreturn void environment_text_die(const struct environment_text *out, const char *what);

/* Begins a transaction on FOLDER, and removes all that is there. The environment stays open for the next time. */
void environment_text_begin(struct environment_text *out, const char *folder);
/* Calls READ_LINE for each line, blanks at both ends dropped. */
void environment_text_lines(struct environment_text *out, struct span text, void (*read_line)(struct span line));
/* Puts and frees VALUE. */
void environment_text_put(struct environment_text *out, struct span key, struct text *value);
/* Commits. The record of STATE is put before, unless it is NULL. */
void environment_text_end(struct environment_text *out, const struct state_record *state);
void environment_text_close(struct environment_text *out);
