/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * Projections: how directory entries become the records of an environment, in two pure steps.
 *
 * map: one entry at its place in the tree becomes fragments, each for a subject (key.h), and says what is wrong
 * with it. reduce: all fragments of one subject become one record of the environment, or none, and say what is wrong
 * between them. Neither step does I/O or keeps state: the same input gives the same octets.
 *
 * All projections are shaped alike; project_dns.h, project_mail.h and project_login.h (for two environments) are the ones there are.
 * A new one is a row of projections[], an environment of its own, and has one writer thread (publish.h).
 */
#pragma once

#include "cache/entry.h"
#include "cache/key.h"
#include "common/arena.h"
#include "common/macro.h"
#include "common/text.h"

/* An entry and the RDNs from its own up to, not including, the base: rdns[0] is its own; depth 0 is the base
 * entry itself. */
struct placed_entry {
	const struct entry *entry;
	size_t depth;
	const struct rdn *rdns;
};

struct fragment {
	struct key subject;
	struct span payload;
	struct fragment *next;
};

struct mapped {
	struct fragment *fragments; /* sorted by subject, payloads of one subject in one fragment each; in the arena */
	struct text problems;       /* a list for problem_next; starts as TEXT_INIT */
};

/* One fragment as stored: the entry it came from and its payload. */
struct held_fragment {
	uint64_t entry_id;
	struct span payload;
};

/* What reduce knows besides the fragments. */
struct reduce_input {
	struct span subject;
	size_t count;
	const struct held_fragment *fragments; /* sorted by entry_id */
	/* dns, for 'z' subjects: the serial state that the directory keeps, and the record that is now served (empty when none). */
	uint32_t serial, epoch;
	struct span served;
	/* dns, for 's': the base serial and the epoch that the directory keeps. */
	uint32_t base_serial;
	/* Until when a SOA that went missing is held, seconds since 1970; 0 when it is not held yet. NOW likewise. */
	uint64_t now, hold_until;
	/* The DN of an entry, for problems. */
	void (*dn_of)(void *context, uint64_t entry_id, struct text *out_dn);
	void *context;
};

struct reduced {
	bool present;         /* false: the record is removed */
	struct text value;
	struct text problems; /* a list for problem_next */
	uint64_t hold_until;  /* dns, 'z': nonzero while a SOA is held because it went missing: reduce again at that time */
};

/* --- the table --------------------------------------------------------------------------------------- */

struct profile;
struct dns_settings;
struct mail_settings;
struct login_settings;

struct project_settings {
	const struct profile *profile;
	const struct dns_settings *dns;
	const struct mail_settings *mail;
	const struct login_settings *login;
};

enum project_environment { PROJECT_DNS, PROJECT_MAIL, PROJECT_SECRET, PROJECT_ACCOUNT, PROJECT_ENVIRONMENTS };

/* What records count as: numbers of bits, and of members of counted[]. */
enum { PROJECT_DNS_ZONES, PROJECT_DNS_HELD };
enum { PROJECT_MAIL_DOMAINS, PROJECT_MAIL_ADDRESSES };
enum { PROJECT_SECRET_ACCOUNTS, PROJECT_SECRET_PASSWORDS };
enum { PROJECT_ACCOUNT_LOGINS };
enum { PROJECT_COUNTED_MAX = 2 };

/* What is different about an environment. */
struct projection {
	const char *name;    /* of its folder in the cache's */
	unsigned format;     /* the version of its records, and the folder in that folder */
	unsigned since;      /* PROFILE_VERSION of the first program whose directory/ holds what it needs; 1: every one does */
	const char *letters; /* that its subjects begin with, in order; no two environments share one */
	const char *counted[PROJECT_COUNTED_MAX]; /* in status and metrics; NULL: no more */
	const char *counted_help[PROJECT_COUNTED_MAX];
	const char *counted_letters; /* of the subjects whose records count as anything */
	const char *logged_letters;  /* of those whose changes the environment keeps a log of (publish_log.c); NULL: none */
	/* NULL: that of another environment makes the fragments of this one too. */
	int (*map)(const struct project_settings *settings, const struct placed_entry *placed, struct arena *arena,
	           struct mapped *out);
	int (*reduce)(const struct project_settings *settings, const struct reduce_input *input, struct reduced *out);
	/* What SUBJECT's record VALUE counts as: a bit each. */
	unsigned (*counts)(struct span subject, struct span value);
	/* SUBJECT for people. */
	void (*put_subject)(struct text *out, struct span subject);
};

extern const struct projection projections[PROJECT_ENVIRONMENTS];

/* The environment of SUBJECT; PROJECT_ENVIRONMENTS when it is of none. */
enum project_environment project_of(struct span subject);

/* The environment called NAME; PROJECT_ENVIRONMENTS when none is. */
enum project_environment project_named(const char *name);

/* What ENTRY contributes to all environments: the fragments of all projections, sorted, and all problems. As project_dns_map. */
must_check int project_map(const struct project_settings *settings, const struct placed_entry *placed, struct arena *arena,
                           struct mapped *out);
