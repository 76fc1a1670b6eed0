/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * The fifth string of a request: "address;port", who the client of the asking program is. And what the log shows of such strings.
 */
#pragma once

#include "common/allow.h"
#include "common/span.h"
#include "common/text.h"

#include <stdbool.h>
#include <stdint.h>

enum { CLIENT_OCTETS = 16 };

/* "192.0.2.1;4711", "2001:db8::1;4711", and without a port. 1 and the address, IPv4 as ::ffff:a.b.c.d, or 0 when it is none. */
int client_address(struct span text, uint8_t out[CLIENT_OCTETS]);
bool client_is_within(const uint8_t address[CLIENT_OCTETS], const struct allow_prefix *prefixes, size_t count);
void client_put(struct text *out, const uint8_t address[CLIENT_OCTETS]);

/* Octets that a peer chose, between < and > in the log: letters, digits and what logins are made of; any other as \xHH, so that nothing
 * in it can be taken for the rest of the line. What is longer than MAX ends in "...". */
void client_put_word(struct text *out, struct span word, size_t max);
