/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * What is to be done for one account, pure: what the directory says of it, what the book says was made for it, and the time make one
 * step. The same step again, once it was done, is nothing.
 *
 *	plan_directory(&rules, entry, have, now, &step);
 *	switch (step.act) ...
 *
 * An account has a directory (a home, a virtual host's, a domain's) if its entry names one and it belongs on this host, and a
 * mailbox if its mailHost is this host. What the book says was made is removed only when the entry is gone, stayed so for the settle
 * time, and nothing else of this step's kind stands at the same place for a living account. A change of host keeps it: somebody has
 * to move the data.
 */
#pragma once

#include "cache/record_login.h"
#include "common/macro.h"
#include "common/span.h"
#include "common/text.h"

/* --- rules: [agent] of ispman.conf and the directory's hosts -------------------------------------------------------- */

enum plan_naming { PLAN_BY_ADDRESS, PLAN_BY_UID };

struct plan_rules {
	bool everything;               /* a single server: all hosts are this one */
	size_t name_count;
	const struct span *names;      /* of this host: [agent] host, and its aliases in the directory; lower case */
	bool is_default_file_host;     /* this host is in the group of file servers: it has what names no host */

	size_t root_count;
	const struct span *roots;      /* absolute, no / at the end */
	size_t user_folder_count, domain_folder_count;
	const struct span *user_folders;   /* "public_html" */
	const struct span *domain_folders; /* "vhosts", "users" */
	bool directories, mailboxes;   /* switches */
	bool project_quota;            /* domains' disk quotas are set */
	enum plan_naming naming;
	uint64_t settle;               /* seconds that an entry must be gone */
	uint64_t uid_min;              /* the least uid and gid that a directory may get: 1 or more */
	bool any_path;                 /* else a path has a component that is the name of the entry's domain */
};

/* Whether NAME is this host; an empty one is it if this is a default host (BY_DEFAULT) or everything is here. */
bool plan_is_here(const struct plan_rules *rules, struct span name, bool by_default);

/* --- what was made ------------------------------------------------------------------------------------------------- */

enum plan_kind { PLAN_DIRECTORY = 'd', PLAN_MAILBOX = 'm' };

/* A line of the book: what stands on this host for an account. */
struct plan_have {
	bool exists;             /* there is a line */
	bool kept;               /* the account belongs on another host now; it stays until someone says otherwise */
	uint64_t gone_since;     /* seconds since 1970 since when the entry is gone; 0: it is there */
	struct span place;       /* the path, or the mailbox's name */
	int64_t quota;           /* of a mailbox: KiB as last set, -1: none; of a directory: the domain's project quota in octets, 0: none */
	uint64_t device, inode, born; /* of a directory */
	uint32_t uid, gid;
};
/* One line of text. A reader refuses what is none with -EBADMSG, another version with -EPROTO. */
void plan_have_put(struct text *out, const struct plan_have *have);
must_check int plan_have_read(struct span value, struct plan_have *out);

/* --- steps --------------------------------------------------------------------------------------------------------- */

enum plan_act {
	PLAN_NOTHING,
	PLAN_MAKE,        /* make it, or adopt what stands there */
	PLAN_CHECK,       /* it is there by the book: look whether it is, with the owner it should have */
	PLAN_MOVE,        /* from have.place to place */
	PLAN_SET_QUOTA,
	PLAN_KEEP,        /* note that it is kept */
	PLAN_UNKEEP,      /* it belongs here again */
	PLAN_NOTE_GONE,   /* begin to wait */
	PLAN_NOTE_BACK,   /* the entry is there again */
	PLAN_REMOVE,      /* into the trash */
	PLAN_REFUSE,      /* it cannot be made as the entry says: reason */
};

struct plan_step {
	enum plan_act act;
	struct text place;      /* the path, or the mailbox's name; keeps its memory between calls */
	uint32_t uid, gid;
	int64_t quota;
	size_t folder_count;
	struct span folders[16]; /* to make in it; they point into ENTRY or RULES */
	bool is_home;            /* of a user: gets the skeleton, and a Maildir where configured */
	uint64_t wake;           /* when to look again, seconds since 1970; 0: not by itself */
	char reason[256];
};

/* ENTRY NULL: there is no such entry. COMPLETE: a complete pass, which also checks what the book says is there. */
void plan_directory(const struct plan_rules *rules, const struct account_entry *entry, const struct plan_have *have, bool complete,
                    uint64_t now, struct plan_step *out);
void plan_mailbox(const struct plan_rules *rules, const struct account_entry *entry, const struct plan_have *have, bool complete,
                  uint64_t now, struct plan_step *out);

/* Whether PATH may be a directory of an account: below one of the roots, by at least one component, none of them empty, ".", ".." or
 * ".ispman", none longer than 255 octets, no control characters. 1, or 0 and why. */
int plan_path_is_good(const struct plan_rules *rules, struct span path, char reason[256]);
/* Whether one of PATH's components is DOMAIN, whatever the case. */
bool plan_path_names(struct span path, struct span domain);
/* The same of what is asked as a mailbox's name. */
int plan_mailbox_is_good(struct span name, char reason[256]);

/* Removals that one pass may make of TOTAL: max(5, min(PERCENT %, 500)). */
uint64_t plan_brake(uint64_t total, unsigned percent);
