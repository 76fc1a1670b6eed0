/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * A first load without fsync, behind a durable mark.
 *
 * A file "loading" in the environment's folder says that its content may be anything. It is there before the environment
 * is, since LMDB does not make a new file in one durable step, and goes when the first load is on the disk. Whoever opens
 * the folder for writing and finds the mark wipes the environment. A live cache never runs without fsync.
 *
 * While the machine is up, readers may use a marked environment: what is not on the disk is in memory. The mark holds the
 * kernel's boot id, so that they can tell.
 */
#pragma once

#include "cache/store.h"
#include "common/text.h"

/* store_open_writer for FOLDER, which is wiped before if the mark is there; *OUT_WIPED tells. A new environment is
 * marked. WHY gets a sentence on failure. */
must_check int load_mark_open(const char *folder, const struct store_options *options, struct store **out, bool *out_wiped,
                              struct text *why);

/* Sets the mark, durably, and then turns fsync off. */
must_check int load_mark_set(struct store *store);

/* Syncs, turns fsync on again and then removes the mark. */
must_check int load_mark_clear(struct store *store);

/* Whether FOLDER was marked before the machine went down: reading what is there may end in any way. */
bool load_mark_is_stale(const char *folder);
