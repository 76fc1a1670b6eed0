/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * A small durable book of a program's own: keys and values, in a folder that is its alone. What ispman-agent made, and where it stands.
 *
 * One thread. Writes are gathered in a transaction that ledger_commit() makes durable; without it they are lost, as a whole, and so they
 * are when one of them fails. Negative errnos; ledger_error_text() says what happened.
 */
#pragma once

#include "common/macro.h"
#include "common/span.h"

struct ledger;

/* Opens or makes FOLDER (0700). A second process is refused with -EBUSY. */
must_check int ledger_open(const char *folder, struct ledger **out);
void ledger_close(struct ledger *ledger);
void ledger_closep(struct ledger **ledger);
const char *ledger_error_text(void);

/* 1 and the value, valid until the next call; 0. Sees what was put before. */
must_check int ledger_get(struct ledger *ledger, struct span key, struct span *out_value);
/* Keys have 1 to 511 octets, else -EINVAL. */
must_check int ledger_put(struct ledger *ledger, struct span key, struct span value);
must_check int ledger_delete(struct ledger *ledger, struct span key);
/* The first key after KEY (after or at, with AT) that begins with PREFIX: 1, 0. */
must_check int ledger_next(struct ledger *ledger, struct span prefix, struct span key, bool at, struct span *out_key,
                           struct span *out_value);
must_check int ledger_commit(struct ledger *ledger);
