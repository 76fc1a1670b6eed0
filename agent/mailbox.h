/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * Mailboxes on a Cyrus server, over IMAP as its admin: made, kept, removed. The agent's only way to the mail store.
 *
 * A connection is made when it is needed, kept while it serves, and made again after -EIO. No call takes longer than the time limits of
 * struct mailbox_options. Results are 0 or positive, or a negative errno with a sentence in WHY that names the mailbox and the
 * server's own words:
 * -EAGAIN the server is away, slow or says so: later; -EPERM it refuses us; others: this mailbox.
 *
 * A mailbox carries the entryUUID of its account in its shared comment (RFC 5464's /shared/comment, which Cyrus lets an admin write
 * without any
 * right on the mailbox): one that is stamped with another UUID is never taken for the account's. Its owner can change the comment; then
 * the agent leaves the mailbox alone and says so.
 */
#pragma once

#include "common/macro.h"
#include "common/span.h"
#include "common/text.h"

enum { MAILBOX_UUID_LEN = 16, MAILBOX_QUOTA_NONE = -1 };

struct mailbox_options {
	const char *server;          /* "unix:PATH", "HOST" or "HOST:PORT"; 143 */
	const char *user, *password; /* of an admin of the store's */
	bool starttls;               /* required; the certificate is verified against CA_FILE, NULL: the system's */
	const char *ca_file;
	unsigned timeout;            /* seconds that an answer may take */
	char separator;              /* '/' or '.': 0: what NAMESPACE says */
	bool virtual_domains;        /* user/joe@example.org; else user.joe_example_org (the uid) */
	size_t folder_count;
	const struct mailbox_folder {
		struct span name;        /* "Sent", in UTF-8 */
		struct span special_use; /* "\\Sent", empty: none */
	} *folders;
};

struct mailbox_session;
must_check int mailbox_session_new(const struct mailbox_options *options, struct mailbox_session **out);
void mailbox_session_free(struct mailbox_session *session);

/* NAME is the owner's: an address, or a uid where virtual_domains is off; lower case. */
struct mailbox_want {
	struct span name;
	uint8_t uuid[MAILBOX_UUID_LEN];
	int64_t quota;               /* KiB, MAILBOX_QUOTA_NONE: unlimited */
};

enum mailbox_state {
	MAILBOX_ABSENT,
	MAILBOX_OURS,      /* stamped with the wanted UUID */
	MAILBOX_UNSTAMPED,
	MAILBOX_FOREIGN,   /* stamped with another one */
};
struct mailbox_found {
	enum mailbox_state state;
	int64_t quota;
	uint8_t uuid[MAILBOX_UUID_LEN]; /* unless absent or unstamped */
};
must_check int mailbox_look(struct mailbox_session *session, const struct mailbox_want *want, struct mailbox_found *out,
                            struct text *why);

/* Makes it with its folders, quota and stamp, and takes away every right that others' mailboxes still grant to its name (who had
 * that name before must not have left any): 1 made, 0 there already. */
must_check int mailbox_make(struct mailbox_session *session, const struct mailbox_want *want, struct text *why);
/* Makes folders that are missing. */
must_check int mailbox_complete(struct mailbox_session *session, const struct mailbox_want *want, struct text *why);
/* Stamps one that has no stamp. */
must_check int mailbox_adopt(struct mailbox_session *session, const struct mailbox_want *want, struct text *why);
must_check int mailbox_set_quota(struct mailbox_session *session, const struct mailbox_want *want, struct text *why);
/* Gives its owner the rights that Cyrus gives with a new mailbox, if one is missing: 1 it was necessary, 0 not. */
must_check int mailbox_give_rights(struct mailbox_session *session, const struct mailbox_want *want, struct text *why);
/* Gives itself the right and deletes it with all folders (Cyrus keeps them for its own time), if its stamp is the wanted one: 1, 0
 * when there is none; then sweeps the rights as mailbox_make does. -EEXIST when it is another's. */
must_check int mailbox_delete(struct mailbox_session *session, const struct mailbox_want *want, struct text *why);
/* Brings back what mailbox_delete took, from DELETED: 1, 0 when there is nothing. */
must_check int mailbox_restore(struct mailbox_session *session, const struct mailbox_want *want, struct text *why);
/* Every user's INBOX, by its owner's name: one LIST. Nothing else is asked of the server. */
must_check int mailbox_each(struct mailbox_session *session, int (*each)(void *context, struct span name), void *context,
                            struct text *why);
