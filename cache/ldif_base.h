/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * The base of an LDIF file for whom none is configured: its first entry's DN, as slapcat writes and people do.
 */
#pragma once

#include "common/macro.h"
#include "common/text.h"

/* Appends the DN to OUT. 0, or negative with a sentence in WHY that names PATH: no such file, no entry in it, a mistake in a line. */
must_check int ldif_base(const char *path, struct text *out, struct text *why);
