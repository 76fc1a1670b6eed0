/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * A first load without fsync, behind a durable mark.
 *
 * A file "loading" in the environment's folder says that its content may be anything. Whoever opens the folder for writing
 * and finds the mark wipes the environment. A live cache never runs without fsync.
 */
#pragma once

#include "cache/store.h"
#include "common/text.h"

/* Before the environment in FOLDER is opened: wipes it if the mark is there, which *OUT_WIPED tells.
 * FOLDER need not exist. WHY gets a sentence on failure. */
must_check int load_mark_wipe(const char *folder, bool *out_wiped, struct text *why);

/* Sets the mark, durably, and then turns fsync off. */
must_check int load_mark_set(struct store *store);

/* Syncs, turns fsync on again and then removes the mark. */
must_check int load_mark_clear(struct store *store);
