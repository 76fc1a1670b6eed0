/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * named's questions, one label after the other, and our answers to each.
 */
#pragma once

#include "dlz_ispman/instance.h"

/* The bodies of dlz_findzonedb and dlz_lookup. CLIENT tells one client's questions from another's. */
dlz_result walk_find_zone(struct instance *instance, const char *name, const void *client);
/* INTERNAL: named asks for its own purposes, methods and clientinfo were NULL. */
dlz_result walk_lookup(struct instance *instance, const char *zone, const char *name, bool internal,
                       const void *client, struct dlz_lookup *lookup);

/* Forgets what this thread was answering: something else begins. */
void walk_forget(void);
