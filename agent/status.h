/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * What the agent says of itself: a file of JSON in RUN-DIR, replaced as a whole, for `ispmanctl status` and monitoring.
 *
 *   {"program", "version", "pid", "directories", "mailboxes", "waiting", "made", "removed", "adopted", "last-complete",
 *    "last-seconds", "brake": BOOL, "held", "is-adopted": BOOL, "failures": N,
 *    "failed": [{"kind", "account", "reason"}, ...]}      the first STATUS_FAILURES_MAX
 */
#pragma once

#include "agent/engine.h"

#define STATUS_FILE "agent-status"
enum { STATUS_FAILURES_MAX = 1000 };

/* Writes RUN_DIR/agent-status if it would say something else than it does, but for the time. 0 or a negative errno. */
must_check int status_write(const char *run_dir, const struct engine *engine);
