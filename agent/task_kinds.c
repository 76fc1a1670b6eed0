/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * The table of all tasks that ISPMan queues.
 */
#include <config.h>

#include "agent/task_kinds.h"

#include <errno.h>
#include <limits.h>

enum {
	NEEDS_MAX = 4,
	MAILBOX_NAME_MAX = 512,
	SHOWN_MAX = 100,
};
#define QUOTA_KIB_MAX (INT64_MAX / 1024)

static const struct task_row {
	struct span name;
	enum task_kind kind;
	struct span needs[NEEDS_MAX]; /* the first names the place */
	bool needs_number;            /* uidNumber or gidNumber, as ISPMan wants it before it deletes */
} rows[] = {
	{ SPAN("createDomainDirectories"), TASK_MAKE_DOMAIN, { SPAN("homeDirectory"), SPAN("uidNumber"), SPAN("gidNumber") }, false },
	{ SPAN("createHomeDirectory"), TASK_MAKE_HOME, { SPAN("homeDirectory"), SPAN("uidNumber"), SPAN("gidNumber") }, false },
	{ SPAN("AddVirtualHostDirectories"), TASK_MAKE_VHOST,
	  { SPAN("homeDirectory"), SPAN("ispmanVhostName"), SPAN("uidNumber"), SPAN("gidNumber") }, false },
	{ SPAN("deleteDomainDirectories"), TASK_DELETE_DOMAIN, { SPAN("homeDirectory") }, true },
	{ SPAN("deleteHomeDirectory"), TASK_DELETE_HOME, { SPAN("homeDirectory") }, true },
	{ SPAN("DeleteVirtualHostDirectories"), TASK_DELETE_VHOST, { SPAN("homeDirectory") }, false },
	{ SPAN("createMailbox"), TASK_MAKE_MAILBOX, { SPAN("mailbox") }, false },
	{ SPAN("setMailboxQuota"), TASK_SET_QUOTA, { SPAN("mailbox"), SPAN("quota") }, false },
	{ SPAN("deleteMailbox"), TASK_DELETE_MAILBOX, { SPAN("mailbox") }, false },
};

/* Zone files, Postfix's tables and Apache's files: what they held is looked up. */
static const struct span obsolete[] = {
	SPAN("modifyDomain"),
	SPAN("AddDestinationDomainEntry"), SPAN("RemoveDestinationDomainEntry"),
	SPAN("AddRelayDomainEntry"), SPAN("RemoveRelayDomainEntry"),
	SPAN("AddCanonicalMapEntry"), SPAN("RemoveCanonicalMapEntry"),
	SPAN("modifyTransport"),
	SPAN("AddVirtualHost"), SPAN("ModifyVirtualHost"), SPAN("DeleteVirtualHost"),
};

static const struct span others[] = {
	SPAN("AddDatabase"), SPAN("UpdateDatabase"), SPAN("DeleteDatabase"), SPAN("AddDomainDatabase"),
	SPAN("execDomainActions"), SPAN("execVhostActions"),
	SPAN("NotifyUsers"),
	SPAN("AddWebmailHost"), SPAN("ModifyWebmailHost"), SPAN("DeleteWebmailHost"),
	SPAN("AddWebmailHostDirectories"), SPAN("DeleteWebmailHostDirectories"),
	SPAN("createPortalUserMailbox"), SPAN("createPortalUserHomeDirectory"),
};

static bool
is_among(struct span name, const struct span *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (span_is(name, list[i]))
			return true;
	return false;
}

static bool
has_controls(struct span s)
{
	for (size_t i = 0; i < s.len; i++)
		if ((unsigned char)s.data[i] < 0x20 || s.data[i] == 0x7f)
			return true;
	return false;
}

static bool
is_filled(const struct task *task, struct span name)
{
	struct span value;

	return task_params_find(&task->params, name, &value) > 0 && value.len > 0;
}

static int
check_path(struct span *path, struct text *why)
{
	if (path->data[0] != '/' || path->len >= PATH_MAX || has_controls(*path)) {
		text_put(why, "homeDirectory is not an absolute path: \"");
		text_put_escaped(why, *path, SHOWN_MAX);
		text_put(why, "\"");
		return -EINVAL;
	}
	while (path->len > 1 && path->data[path->len - 1] == '/')
		path->len--;
	return 0;
}

static int
check_mailbox(struct span name, struct text *why)
{
	if (name.len <= MAILBOX_NAME_MAX && !has_controls(name))
		return 0;
	text_put(why, "mailbox is not a name: \"");
	text_put_escaped(why, name, SHOWN_MAX);
	text_put(why, "\"");
	return -EINVAL;
}

static int
read_quota(const struct task *task, int64_t *out_quota, struct text *why)
{
	struct span value = SPAN("");
	uint64_t n;

	(void)(task_params_find(&task->params, SPAN("quota"), &value) > 0);
	if (span_to_u64(value, QUOTA_KIB_MAX, &n) == 0) {
		*out_quota = (int64_t)n;
		return 0;
	}
	text_put(why, "quota is not a number of KiB: \"");
	text_put_escaped(why, value, SHOWN_MAX);
	text_put(why, "\"");
	return -EINVAL;
}

static int
read_subject(const struct task *task, const struct task_row *row, struct task_subject *out, struct text *why)
{
	struct task_subject subject = { .kind = row->kind, .place = SPAN(""), .quota = -1 };
	int r;

	for (size_t i = 0; i < NEEDS_MAX && row->needs[i].len > 0; i++) {
		if (!is_filled(task, row->needs[i])) {
			text_putf(why, "%s needs the parameter %s", row->name.data, row->needs[i].data);
			return -EINVAL;
		}
	}
	if (row->needs_number && !is_filled(task, SPAN("uidNumber")) && !is_filled(task, SPAN("gidNumber"))) {
		text_putf(why, "%s needs the parameter uidNumber or gidNumber", row->name.data);
		return -EINVAL;
	}
	if (task_params_find(&task->params, row->needs[0], &subject.place) == 0)
		return -EINVAL;
	r = task_kind_is_mailbox(row->kind) ? check_mailbox(subject.place, why) : check_path(&subject.place, why);
	if (r == 0 && row->kind == TASK_SET_QUOTA)
		r = read_quota(task, &subject.quota, why);
	if (r < 0)
		return r;
	*out = subject;
	return 1;
}

int
task_subject(const struct task *task, struct task_subject *out, struct text *why)
{
	struct span name = task->process;

	if (task->fault.len > 0) {
		text_put_span(why, task->fault);
		return -EINVAL;
	}
	for (size_t i = 0; i < array_size(rows); i++)
		if (span_is(name, rows[i].name))
			return read_subject(task, &rows[i], out, why);
	if (is_among(name, obsolete, array_size(obsolete)))
		return 0;
	text_put(why, "the task \"");
	text_put_escaped(why, name, SHOWN_MAX);
	if (is_among(name, others, array_size(others))) {
		text_put(why, "\" is not done by this agent");
		return -EOPNOTSUPP;
	}
	text_put(why, "\" is not known");
	return -ENOENT;
}
