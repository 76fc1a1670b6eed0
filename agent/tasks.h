/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * ISPMan's own queue, ou=processes: tasks for this host are read, claimed, and deleted or marked when they are done. The agent's only way
 * to LDAP.
 *
 *	r = tasks_poll(tasks, each, context, &why);
 * and for each of them
 *	r = tasks_claim(tasks, task, &claim, &why);
 *	if (r > 0) ... tasks_done, tasks_failed or tasks_retry
 *
 * A claimed task has the status "claimed", and ispmanMessage tells by whom, since when and for which try. Of several agents with one
 * name exactly one gets it. When that one does not finish, another may have it after the lease; the same one, with its next
 * tasks_poll. So what a task asks for must bear being done twice. The message is what counts: ISPMan sets the status to "new" again when
 * more tasks of a session are committed.
 *
 * A connection is made when it is needed, kept while it serves, and made again. No call takes longer than the timeout; while the
 * servers are away most return at once. Results are 0 or positive, or a negative errno with a sentence in WHY:
 * -EAGAIN the servers are away, slow or busy: later; -EPERM rights are missing; others: this task.
 */
#pragma once

#include "agent/task_kinds.h"
#include "common/macro.h"
#include "common/span.h"
#include "common/text.h"

/* Strings may be NULL where nothing is set. All of it must stay as long as the struct tasks; the names may change between calls. */
struct tasks_options {
	const char *const *uris;     /* ldap://, ldaps://, ldapi:// */
	size_t uri_count;
	const char *base;            /* "o=ispman" */
	const char *branch;          /* "ou=processes", the default */
	const char *bind_dn;         /* none: anonymous, unless sasl_mech is set */
	const char *bind_password_file;
	const char *sasl_mech;
	bool starttls;
	const char *ca_file, *cert_file, *key_file;
	unsigned timeout;            /* seconds; 0: 5 */
	unsigned lease;              /* seconds after which a claim ends; 0: 600 */
	unsigned tries;              /* after so many a task fails for good; 0: 8 */
	/* This host's, lower case; the first is told in claims. While there is none nothing is read. Case and a final dot in
	 * the directory do not count. */
	size_t name_count;
	const struct span *names;
};

struct tasks;

/* Asks nobody yet. */
must_check int tasks_open(const struct tasks_options *options, struct tasks **out);
void tasks_close(struct tasks *tasks);

/* Calls EACH for every task of this host that may be claimed now, ordered by its number, until EACH returns other than 0, which is
 * then returned. EACH may call everything here but tasks_poll; what a struct task points to stays until the next tasks_poll. At most
 * 2000 at a time. */
must_check int tasks_poll(struct tasks *tasks, int (*each)(void *context, const struct task *task), void *context, struct text *why);

struct tasks_claim {
	unsigned tries;    /* this one counts */
	char message[512]; /* as it stands in the entry */
};

/* 1 it is ours; 0 another was faster, or it was tried too often already and is marked as an error now. */
must_check int tasks_claim(struct tasks *tasks, const struct task *task, struct tasks_claim *out_claim, struct text *why);

/* Each ends a claim: 1; 0 when it is not ours any more (the lease had ended, or somebody deleted the entry).
 * Done deletes the entry; failed marks it as an error with REASON; retry gives it back for later with REASON, or after too many
 * tries marks it as an error: 2. */
must_check int tasks_done(struct tasks *tasks, const struct task *task, const struct tasks_claim *claim, struct text *why);
must_check int tasks_failed(struct tasks *tasks, const struct task *task, const struct tasks_claim *claim, struct span reason,
                            struct text *why);
must_check int tasks_retry(struct tasks *tasks, const struct task *task, const struct tasks_claim *claim, struct span reason,
                           struct text *why);

/* Tasks that wait for a host. */
struct tasks_unclaimed {
	struct span host;    /* as it stands there, empty when there is none */
	bool ours;           /* one of this agent's names */
	size_t count;
	struct span dn;      /* one of them */
};
/* Calls EACH for every host with tasks that have been new for SECONDS and were never taken, at most 64 hosts, until it
 * returns other than 0, which is then returned. */
must_check int tasks_unclaimed(struct tasks *tasks, uint64_t seconds, int (*each)(void *context, const struct tasks_unclaimed *waiting),
                               void *context, struct text *why);
