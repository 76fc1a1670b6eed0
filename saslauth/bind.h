/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * The other way to check a password: LDAP is asked, by a simple bind as the entry. The only file of this folder that knows LDAP.
 *
 * Each bind has a connection of its own, which ends with it: nothing of one login is left for the next one. Servers are tried in their
 * order until one answers; what none answers cannot be told. That blocks for as long as the timeout says, so it is done in a pool.
 */
#pragma once

#include "common/macro.h"
#include "common/span.h"
#include "common/text.h"
#include "saslauth/saslauthd_settings.h"

struct bind;

/* Copies what it needs of SETTINGS. 0, or negative with a sentence in WHY. */
must_check int bind_new(const struct saslauthd_settings *settings, struct bind **out, struct text *why);
void bind_free(struct bind *bind);

/* For pool_options.check; CONTEXT is the struct bind. 1: DN can bind with PASSWORD; 0: the server says no; negative: no server can tell.
 * By many threads at once. */
int bind_check(void *context, struct span dn, struct span password);
