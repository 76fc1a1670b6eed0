/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * One value of ispman.conf: its text into the target, by its setting. For conf.c only.
 */
#pragma once

#include "common/conf.h"

/* Puts VALUE where SETTING says in TARGET; a list's items are appended. The empty value is NULL or adds no
 * item.
 * Returns 0, -ENOMEM, or -EINVAL with what would be right in WHY (a phrase after "allowed: "). */
must_check int conf_value_put(const struct conf_setting *setting, struct span value, void *target,
                              struct arena *arena, struct text *why);

/* As before anything was given: NULL, 0, false, the empty list. */
void conf_value_clear(const struct conf_setting *setting, void *target);

/* Steps from one word to the other: letters added, dropped, replaced or swapped; words over 40 letters
 * are never near. */
unsigned conf_distance(struct span a, struct span b);
