/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * A list of results as a mail server takes it: separated by commas, in the order in which they came, none twice.
 *
 * Results are compared as addresses are (address.h), written as they were given. What would not be one address, or one
 * login, to whoever splits the list is left out: no value can smuggle in another.
 */
#pragma once

#include "cache/address.h"
#include "common/macro.h"
#include "common/span.h"
#include "common/text.h"

struct mail_result {
	uint32_t hash; /* 0 while the list is short */
	uint32_t start, len; /* what it is compared by, in OUT or in FOLDED */
	bool folded;
	size_t end; /* in OUT */
};

struct mail_results {
	struct text *out; /* what the list is appended to */
	size_t begun;     /* where it begins there */
	size_t count, room;
	struct mail_result *results;
	size_t slot_count; /* a power of two, or 0 while the list is short */
	uint32_t *slots;   /* numbers of results, from 1; 0: free */
	struct text folded;
	bool failed;       /* no memory */
};

/* Begins a list at the end of OUT; memory of an earlier one is used again. */
void mail_results_begin(struct mail_results *list, struct text *out);
void mail_results_free(struct mail_results *list);

/* 1 when it was added, 0 when it is there already or would not be one address. */
int mail_results_add(struct mail_results *list, struct span address);
int mail_results_add_login(struct mail_results *list, struct span login);

/* Takes away all results but the first COUNT. */
void mail_results_cut(struct mail_results *list, size_t count);

/* Octets of the list so far. */
static inline size_t
mail_results_len(const struct mail_results *list)
{
	return list->out->len - list->begun;
}

/* Appends a text for people or a transport: what is not UTF-8, and control characters, become question marks. */
void mail_put_clean(struct text *out, struct span text);

/* A number for folded octets. */
uint32_t mail_hash(struct span octets);
