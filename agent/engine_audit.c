/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * A full audit of the mail store: what a complete pass, which asks for the names of mailboxes only, takes for granted. Each mailbox of
 * the book is asked for its stamp, its quota and its owner's rights, some commands for each.
 */
#include <config.h>

#include "agent/engine_internal.h"

#include "common/log.h"

#include <errno.h>

/* Lines of the book that are looked at, or what ends the audit. */
static int
audit_line(struct engine *engine, const uint8_t uuid[ENTRY_UUID_LEN], const struct plan_have *have, struct engine_audit *audit)
{
	cleanup(text_free) struct text why = TEXT_INIT, name = TEXT_INIT;
	struct mailbox_want want = { .quota = have->quota };
	struct mailbox_found found;
	int r;

	text_put_span(&name, have->place);
	if (text_failed(&name))
		return -ENOMEM;
	want.name = text_span(&name);
	memcpy(want.uuid, uuid, sizeof(want.uuid));
	r = mailbox_look(engine->parts.mailboxes, &want, &found, &why);
	audit->looked_at++;
	if (r == 0 && found.state == MAILBOX_OURS && found.quota != want.quota) {
		log_notice("mailbox %s: its quota was another one, and is set again", text_str(&name));
		audit->corrected++;
		r = mailbox_set_quota(engine->parts.mailboxes, &want, &why);
	}
	if (r == 0 && found.state == MAILBOX_OURS) {
		r = mailbox_give_rights(engine->parts.mailboxes, &want, &why);
		if (r > 0) {
			log_notice("mailbox %s: its owner did not have every right, and has again", text_str(&name));
			audit->corrected++;
		}
	}
	if (r < 0) {
		engine_fail(engine, PLAN_MAILBOX, uuid, text_str(&why));
		/* The store is away: the others need not be asked. */
		return r == -EAGAIN || r == -EPERM || r == -EPROTO ? r : 0;
	}
	if (found.state != MAILBOX_OURS) {
		audit->wrong++;
		log_warning("mailbox %s: it %s", text_str(&name),
		            found.state == MAILBOX_ABSENT    ? "is gone; the next complete pass makes it anew"
		            : found.state == MAILBOX_FOREIGN ? "carries another account's stamp"
		                                             : "has lost its stamp");
	}
	return 0;
}

int
engine_audit(struct engine *engine, struct engine_audit *out)
{
	uint8_t uuid[ENTRY_UUID_LEN] = { 0 };
	struct plan_have have;
	bool begun = false;
	int r;

	*out = (struct engine_audit){ 0 };
	if (engine->parts.mailboxes == NULL)
		return 0;
	while ((r = engine_next_line(engine, PLAN_MAILBOX, &begun, uuid, &have)) > 0) {
		if (have.kept || have.gone_since != 0)
			continue;
		r = engine_is_stopping(engine) ? -EINTR : audit_line(engine, uuid, &have, out);
		if (r < 0)
			return r;
	}
	return r;
}
