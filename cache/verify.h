/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * Compares directory/ with the source it is kept from, entry by entry, while both live.
 *
 * Every entry of the source is shown to verify_entry; verify_finish then looks for what the source did not show. What was
 * changed while the comparison ran is not a difference: a newer CSN here is fine, and what is missing is looked for
 * again at the end.
 */
#pragma once

#include "cache/replica.h"

struct verify_figures {
	uint64_t entries;   /* of the source */
	uint64_t missing;   /* not here */
	uint64_t different; /* here, but otherwise */
	uint64_t extra;     /* here, not there */
};

struct verify;

/* TELL gets a sentence for each difference. BY_DN as in apply.h. */
must_check int verify_new(const struct replica *replica, bool by_dn, void (*tell)(void *context, const char *sentence),
                          void *context, struct verify **out);
must_check int verify_entry(struct verify *verify, const struct entry *entry);
/* SETTLE waits until the changes of this moment have come; NULL is fine. */
must_check int verify_finish(struct verify *verify, void (*settle)(void *context), struct verify_figures *out);
void verify_free(struct verify *verify);
