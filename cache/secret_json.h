/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * An answer of secret.h as JSON: what ispman-saslauthd says on its control socket (RUN-DIR/saslauth-control), and ispmanctl shows.
 *
 *   > {"command": "lookup" | "explain", "login": TEXT, "service": TEXT, "realm": TEXT}     service: "smtp", realm: "" when not there
 *   < {"outcome": "allowed" | "refused" | "unknown" | "cannot-tell", "reason": WORD, "login", "service", "realm",
 *      "dn", "kind", "domain", "address", "uid", "uuid",                  when an entry was found
 *      "passwords": [{"scheme": NAME, "weak": BOOL, "usable": BOOL}, ...], "error": SENTENCE (cannot-tell),
 *      "steps": [SENTENCE, ...], "subjects": [HEX, ...],                     explain only
 *      "done": true}
 *
 * "allowed" means: with the right password. Never a stored value.
 */
#pragma once

#include "cache/secret.h"

#include <jansson.h>

/* What a stored value is, for people: a name such as "SSHA" and whether it is weak and can be checked. */
struct secret_scheme {
	const char *name;
	bool weak, usable;
};

/* A new reference, NULL without memory. SCHEME_OF describes one stored value. */
json_t *secret_json(struct cache *cache, const struct login_options *options, const struct login_question *question, bool explain,
                    void (*scheme_of)(void *context, struct span stored, struct secret_scheme *out), void *context);
