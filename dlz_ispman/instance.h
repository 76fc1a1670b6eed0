/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * One dlz statement of named.conf (one a view): its arguments, named's functions, the cache.
 */
#pragma once

#include "cache/dns.h"
#include "common/counters.h"
#include "dlz_ispman/dlz.h"

#include <stdatomic.h>

/* Result codes of the named that runs. */
struct dlz_codes {
	bool complete; /* NXDOMAIN and EMPTY_NAME are known; without them the walk has to do (walk.c) */
	dlz_result not_found, no_permission, no_more, failure, deflt;
	dlz_result nxdomain, empty_name;
};

/* What is counted; kinds of answers a class of zone. */
enum {
	COUNT_ANSWERS = 0, /* + DNS_* class * COUNT_KINDS + kind */
	COUNT_KINDS = 6,
	COUNT_NO_ZONE = 3 * COUNT_KINDS,
	COUNT_CANNOT_TELL,
	COUNT_TRANSFERS,
	COUNT_DATA_TIME,
};

enum count_kind { COUNT_DATA, COUNT_EMPTY, COUNT_NXDOMAIN, COUNT_REFERRAL, COUNT_DNAME, COUNT_WILDCARD };

/* An address and how many of its bits count. */
struct prefix {
	int family;
	unsigned bits;
	uint8_t address[16];
};

enum transfer_rule { TRANSFER_NONE, TRANSFER_LIST, TRANSFER_VIEW };

struct arguments {
	const char *cache_dir, *run_dir; /* point into argv */
	bool minimal;         /* named leaves out what need not be in a response: do not offer it */
	bool refuse;          /* when the cache is unusable: as if there were no zone; else SERVFAIL */
	uint64_t max_age;     /* seconds, 0 for none */
	enum transfer_rule transfer;
	struct prefix *transfer_to;
	size_t transfer_count;
};

/* Reads "key=value" words; argv[0] is passed over. Returns 0, or -EINVAL with a sentence in WHY. */
must_check int arguments_read(unsigned argc, char *const argv[], struct arguments *out, struct text *why);
void arguments_free(struct arguments *arguments);

/* Whether ADDRESS (text) is in the list of those that may take zones. */
bool arguments_allow_transfer(const struct arguments *arguments, const char *address);

struct instance {
	char *name;
	struct arguments arguments;
	struct dlz_codes codes;
	struct cache *cache;
	struct counters *counters;
	dlz_log_function *log;
	dlz_putrr_function *putrr;
	dlz_putnamedrr_function *putnamedrr;
	atomic_bool unusable;  /* and that was logged */
	atomic_uint tended;    /* the second in which counters were last looked after */
};

/* Takes a snapshot, or says why not: once in the log, and as cannot-tell in the counters. */
must_check int instance_begin(struct instance *instance, struct dns_view **out);
