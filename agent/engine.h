/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * The agent's work: for one account after the other, what the plan says is done, and noted in the book.
 *
 *	engine_complete(engine)     looks at every account and every line of the book
 *	engine_follow(engine)       looks at what changed since the cursor
 *	engine_due(engine)          what has waited long enough: removals, second attempts
 *
 * Each is idempotent, and may be ended by a crash at any step: what was done and not noted is found and noted the next time.
 */
#pragma once

#include "agent/disk.h"
#include "agent/mailbox.h"
#include "agent/plan.h"
#include "cache/home.h"
#include "cache/ledger.h"
#include "common/macro.h"

#include <stdio.h>

struct engine_options {
	struct plan_rules rules;     /* names of this host are added from the directory */
	size_t own_name_count;
	const struct span *own_names; /* as configured */
	struct span file_group;      /* a group of hosts that have what names no host */
	mode_t mode;                 /* of directories that are made */
	bool maildir;
	unsigned brake_percent;
	uint64_t trash_days;
	bool dry_run;                /* steps are printed, and nothing is done */
	bool (*should_stop)(void *context); /* asked between accounts; NULL: never */
	void *context;
};

/* What it works on; all but the cache may be NULL: then there is nothing of the kind. */
struct engine_parts {
	struct cache *cache;
	struct ledger *book;
	struct disk *disk;
	struct mailbox_session *mailboxes;
};

/* For the status. */
struct engine_figures {
	uint64_t directories, mailboxes;  /* lines of the book */
	uint64_t waiting;                 /* gone, and not yet removed */
	uint64_t failures;
	uint64_t made, removed, adopted;  /* since the start */
	uint64_t last_complete;           /* seconds since 1970; 0: never */
	double last_seconds;              /* that it took */
	bool brake;                       /* removals are held */
	uint64_t held;
	bool is_adopted;                  /* removals are allowed at all */
};

struct engine;

must_check int engine_new(const struct engine_options *options, const struct engine_parts *parts, struct engine **out,
                          struct text *why);
void engine_free(struct engine *engine);

/* 0, or negative: the cache cannot tell (then nothing was removed or noted as gone), or the book cannot be written. Failures of single
 * accounts are kept, and tried again. */
must_check int engine_complete(struct engine *engine);
/* 1: something changed; 0: nothing; or negative as above. */
must_check int engine_follow(struct engine *engine);
must_check int engine_due(struct engine *engine);

/* What stands at a place by the book. */
enum engine_place {
	ENGINE_PLACE_FREE,
	ENGINE_PLACE_LIVES, /* its account is in the directory, and belongs here */
	ENGINE_PLACE_GONE,  /* it waits to be removed */
};
/* Looks at the place's account again now; with REMOVE, what is gone from the directory waits no longer (the brake may hold it). What
 * cannot
 * be done there is said in REASON, which is empty otherwise. */
must_check int engine_look_at_place(struct engine *engine, enum plan_kind kind, struct span place, bool remove,
                                    enum engine_place *out_state, char reason[256]);

/* All names of this host, in lower case; valid until the next complete pass. None before the first one. */
void engine_names(const struct engine *engine, const struct span **out_names, size_t *out_count);
enum plan_naming engine_naming(const struct engine *engine);

/* What an audit of the mail store found. */
struct engine_audit {
	uint64_t looked_at, corrected, wrong;
};
/* Asks for stamp, quota and rights of every mailbox, and sets right what it may. 0, or negative: the store is away (the failure is
 * kept), or
 * it was stopped (-EINTR). */
must_check int engine_audit(struct engine *engine, struct engine_audit *out);

/* From now on what is gone is removed. */
must_check int engine_adopt(struct engine *engine);
/* Lets the removals happen that are held now. */
void engine_release_brake(struct engine *engine);

void engine_figures(const struct engine *engine, struct engine_figures *out);
/* Tells EACH what could not be done, and why. */
void engine_each_failure(const struct engine *engine,
                         void (*each)(void *context, enum plan_kind kind, struct span account, const char *reason), void *context);
