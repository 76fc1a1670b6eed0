/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * Whether octets are UTF-8 (RFC 3629: no surrogates, nothing over U+10FFFF, shortest forms only).
 */
#pragma once

#include "common/span.h"

bool utf8_is_valid(struct span s);
