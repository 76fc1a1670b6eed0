/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * What is wrong between mail addresses, and so with no entry alone: where mail goes round, ends nowhere, or becomes too much.
 *
 * The kinds of problems:
 *
 *   dangling-forward   leads to an address in a domain of ours that does not exist
 *   forwarding-loop    mail goes round and arrives nowhere
 *   group-loop         a group is a member of itself, through other groups
 *   group-too-deep     more levels of groups within groups than group-depth
 *   group-too-large    more addresses than group-size
 *   answer-too-long    more octets of addresses than Postfix takes for an answer
 */
#pragma once

#include "cache/mail.h"

/* Looks at every address, in one snapshot; FOUND is called for each problem with the key (cache/record_mail.h) of the address's record.
 * Memory is bounded by the largest answer; a million addresses take seconds. 0 or negative. */
must_check int audit_mail(struct cache *cache, const struct mail_options *options,
                          void (*found)(void *context, struct span subject, const char *kind, const char *sentence), void *context);
