/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * What an account becomes in Pure-FTPd's hands: its facts → the fields of a reply. Pure.
 */
#pragma once

#include "cache/account.h"
#include "common/conf.h"
#include "common/text.h"
#include "ftpauth/extauth.h"

enum { SESSION_HOME_MAX = 2048 };

struct session_rules {
	bool chroot;            /* who does not say where, is shut in his home */
	struct conf_list roots; /* homes are below one of these; empty: anywhere */
};

/* Why an account that may log in gets no session. */
enum session_flaw {
	SESSION_SOUND,
	SESSION_SUSPENDED,
	SESSION_FTP_REFUSED,  /* FTPStatus */
	SESSION_NO_UID,       /* none, or 0 */
	SESSION_NO_GID,
	SESSION_NO_HOME,
	SESSION_RELATIVE_HOME,
	SESSION_ODD_HOME,     /* a control character, "..", or too long */
	SESSION_FOREIGN_HOME, /* below none of the roots */
	SESSION_FLAWS
};

/* What is wrong, for the log: "has no uid, or 0". */
const char *session_flaw_sentence(enum session_flaw flaw);

/* Makes the reply for ENTRY, whose password was right. SUSPENDED_MAY: suspended accounts are no concern here. DIR is room for its home;
 * the reply points into it. With a flaw the reply is a refusal. */
enum session_flaw session_reply(const struct session_rules *rules, const struct account_entry *entry, bool suspended_may,
                                struct text *dir, struct extauth_reply *out);

/* The value of "roots": 0, or -EINVAL with what would be right in WHY. */
must_check int session_check_root(const char *value, struct text *why);
