/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * DNS names in wire form (RFC 1035 3.1), and their master-file text (RFC 1035 5.1).
 *
 * A struct dname always holds a complete, valid name: labels of 1 to 63 octets and the root's
 * zero octet, at most 255 octets together. Any octet may stand in a label.
 */
#pragma once

#include "common/macro.h"
#include "common/span.h"
#include "common/text.h"

enum { DNAME_MAX = 255, DNAME_LABEL_MAX = 63, DNAME_LABELS_MAX = 127 };

struct dname {
	uint8_t len; /* octets in wire, the final zero included: 1 for the root */
	uint8_t wire[DNAME_MAX];
};

/* Reads master-file text: "\." and "\DDD" escapes, "@" alone is ORIGIN, a name without a final
 * dot is relative to ORIGIN (ORIGIN NULL: it is taken as absolute, and "@" is an error).
 * Returns 0; -EINVAL for an empty name, empty label, bad escape, or a label over 63 octets;
 * -ENAMETOOLONG for a name over 255 octets. *OUT changes only on success. Case is kept. */
must_check int dname_from_text(struct span text, const struct dname *origin, struct dname *out);

/* Appends NAME as absolute text with the final dot, escaped as BIND prints it. */
void dname_put_text(struct text *out, const struct dname *name);

/* Appends the first LABELS labels of NAME without a final dot ("@" for 0 labels). */
void dname_put_labels(struct text *out, const struct dname *name, unsigned labels);

/* Takes a wire-form name off the start of WIRE (no compression); returns its length or -EINVAL. */
must_check int dname_from_wire(struct span wire, struct dname *out);

/* ASCII letters to lower case, in place. */
void dname_lower(struct dname *name);

/* Labels without the root: 0 for ".", 2 for "example.org.". */
unsigned dname_labels(const struct dname *name);

/* NAME without its first N labels; N may not exceed dname_labels(NAME). */
void dname_strip(const struct dname *name, unsigned n, struct dname *out);

/* PREFIX's labels (without its root) before SUFFIX. Returns 0 or -ENAMETOOLONG. */
must_check int dname_join(const struct dname *prefix, const struct dname *suffix, struct dname *out);

/* ASCII case is ignored. is_within: NAME equals ANCESTOR or lies below it. */
bool dname_is(const struct dname *a, const struct dname *b);
bool dname_is_within(const struct dname *name, const struct dname *ancestor);
