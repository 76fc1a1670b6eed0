/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * What ispman-cached answers on its control socket.
 */
#pragma once

#include "cache/apply.h"
#include "cache/control.h"
#include "cache/publish.h"
#include "cache/settings.h"
#include "cache/source.h"

struct service {
	struct settings *settings;
	struct replica *replica;
	struct apply *apply;
	struct publish *publish[PROJECT_ENVIRONMENTS];
	struct source *source;
	struct control *control;
	int64_t started; /* seconds since 1970 */
	/* When each environment was last known to be what the source has, microseconds since 1970; 0 never. */
	uint64_t contact[PROJECT_ENVIRONMENTS];
	uint64_t least_without_password; /* accounts, since the start; for the main thread */
	bool has_seen_accounts;
	atomic_bool remap_due; /* what is derived was derived with other settings: a rebuild is to run as soon as it may */
	/* Takes the mutex that guards a job's output; one job (verify, rebuild, release-brake) runs at a time. */
	struct service_job *job;
};

/* The actions that control_open wants; SERVICE must outlive the control. */
void service_actions(struct service *service, struct control_actions *out);

/* Whether the directory's changes of a moment ago are visible. */
bool service_is_synchronised(struct service *service);

/* Brings service->contact up to date, for the main thread. While an environment cannot be written its own stays what it is:
 * readers ask how old is what they read. */
void service_note_contact(struct service *service);

/* What is to be said of stored passwords that cannot be read: 1 and a sentence, 0 when all is as it was. For the main thread. */
must_check int service_missing_passwords(struct service *service, struct text *out);

/* If service->remap_due: starts deriving everything again in the background, as `ispmanctl rebuild` does, when that may be. To be
 * called now and then. */
void service_remap(struct service *service);

/* Ends a job that runs, and waits for it. */
void service_stop_job(struct service *service);
