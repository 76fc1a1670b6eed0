/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * Directory entries to DNS data (project.h says how).
 */
#pragma once

#include "cache/profile.h"
#include "cache/project.h"
#include "cache/record.h"

struct dns_settings {
	const struct profile *profile;
	size_t prefix_count; /* where reverse zones are computed; a pTRRecord elsewhere is a problem */
	struct reverse_prefix prefixes[REVERSE_PREFIXES_MAX];
	bool serial_stored;
	uint32_t soa_hold; /* seconds */
};

/* Everything lies in ARENA, but problems, which are cleared first, keep their memory, and are the caller's to free.
 * Returns 0 or -ENOMEM. */
must_check int project_dns_map(const struct dns_settings *settings, const struct placed_entry *placed,
                               struct arena *arena, struct mapped *out);

/* OUT's texts are cleared first and keep their memory. Returns 0, -ENOMEM, -EBADMSG for fragments that make no sense. */
must_check int project_dns_reduce(const struct dns_settings *settings, const struct reduce_input *input, struct reduced *out);

/* The serial that a SOA fragment of a zone subject states; 1, 0 when there is none usable. Used when a zone's
 * serial is advanced. */
int project_dns_stored_serial(const struct held_fragment *fragments, size_t count, uint32_t *out_serial);

/* Whether a zone subject's fragments hold a domain entry that makes it a zone of ours. */
bool project_dns_is_hosted(const struct held_fragment *fragments, size_t count);

/* The computed reverse zone that an address name falls into; false outside every prefix. */
bool project_dns_reverse_zone(const struct dns_settings *settings, const struct dname *name, struct dname *out_zone);
