/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * Why a server's certificate was refused, in words.
 *
 * libldap on Debian says only "(unknown error code)" when a certificate does not verify. What is
 * found out here explains a refusal that has already happened; it never decides about one.
 */
#pragma once

#include "common/span.h"
#include "common/text.h"

/* Appends what is wrong with the certificate DER of HOST when it is held against CA_FILE (NULL: the
 * system's authorities): "its certificate (CN=...) has expired (Nov 21 2026)". Returns 1, or 0 (and appends
 * nothing) when no fault can be seen. */
int certificate_explain(struct span der, const char *host, const char *ca_file, struct text *out);
