/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * RUN-DIR/saslauth-control: a line asks about an account, a line answers (cache/secret_json.h). For ispmanctl, which cannot read what
 * decides about logins. Nothing here checks a password, and no stored value is shown.
 *
 * Whoever may connect may ask: the socket's mode says who that is.
 */
#pragma once

#include "common/server.h"

extern const struct server_protocol control_protocol; /* the meaning of its listener is that of serve_mux */
