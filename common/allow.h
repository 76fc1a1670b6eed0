/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * Which addresses may come in: a list of prefixes.
 */
#pragma once

#include "common/macro.h"
#include "common/text.h"

#include <stdint.h>
#include <sys/socket.h>

struct allow_prefix {
	uint8_t address[16]; /* IPv4 as ::ffff:a.b.c.d */
	unsigned length;     /* of these 128 bits */
};

/* "192.0.2.1", "192.0.2.0/24", "::1", "2001:db8::/32"; bits behind the length must be zero. 0, or -EINVAL with what would
 * be right in WHY. */
must_check int allow_parse(const char *text, struct allow_prefix *out, struct text *why);

/* Whether one of PREFIXES holds ADDRESS; false for what is neither IPv4 nor IPv6. */
bool allow_has(const struct allow_prefix *prefixes, size_t count, const struct sockaddr *address);
