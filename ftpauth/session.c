/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 */
#include <config.h>

#include "ftpauth/session.h"

#include <errno.h>

/* --- homes ----------------------------------------------------------------------------------------------- */

/* The next part of a path, without the empty ones and "."; false at its end. */
static bool
next_part(struct span *rest, struct span *out)
{
	while (rest->len > 0) {
		const char *slash = memchr(rest->data, '/', rest->len);
		size_t n = slash != NULL ? (size_t)(slash - rest->data) : rest->len;
		struct span part = span_from(rest->data, n);

		*rest = span_skip(*rest, n < rest->len ? n + 1 : n);
		if (part.len == 0 || span_is(part, SPAN(".")))
			continue;
		*out = part;
		return true;
	}
	return false;
}

static bool
is_odd(struct span path)
{
	struct span part;

	if (path.len > SESSION_HOME_MAX)
		return true;
	for (size_t i = 0; i < path.len; i++)
		if ((unsigned char)path.data[i] < 0x20 || path.data[i] == 0x7f)
			return true;
	while (next_part(&path, &part))
		if (span_is(part, SPAN("..")))
			return true;
	return false;
}

/* Whether PATH lies below ROOT, and is not ROOT itself. */
static bool
is_below(struct span path, struct span root)
{
	struct span a, b;

	while (next_part(&root, &b))
		if (!next_part(&path, &a) || !span_is(a, b))
			return false;
	return next_part(&path, &a);
}

static bool
is_below_any(struct span path, const struct conf_list *roots)
{
	for (size_t i = 0; i < roots->count; i++)
		if (is_below(path, span_of(roots->items[i])))
			return true;
	return roots->count == 0;
}

/* Both where he begins and where his root is: "/./home/x" would be the whole machine. */
static bool
is_in_bounds(struct span home, const struct conf_list *roots)
{
	const char *root = memmem(home.data, home.len, "/./", 3);

	return is_below_any(home, roots) && (root == NULL || is_below_any(span_from(home.data, (size_t)(root - home.data)), roots));
}

int
session_check_root(const char *value, struct text *why)
{
	if (value[0] == '/' && !is_odd(span_of(value)))
		return 0;
	text_put(why, "an absolute path without \"..\"");
	return -EINVAL;
}

static enum session_flaw
find_flaw(const struct session_rules *rules, const struct account_entry *entry, bool suspended_may)
{
	if ((entry->flags & ACCOUNT_SUSPENDED) != 0 && !suspended_may)
		return SESSION_SUSPENDED;
	if ((entry->flags & ACCOUNT_FTP_REFUSED) != 0)
		return SESSION_FTP_REFUSED;
	if (entry->uid == 0)
		return SESSION_NO_UID;
	if (entry->gid == 0)
		return SESSION_NO_GID;
	if (entry->home.len == 0)
		return SESSION_NO_HOME;
	if (entry->home.data[0] != '/')
		return SESSION_RELATIVE_HOME;
	if (is_odd(entry->home))
		return SESSION_ODD_HOME;
	return is_in_bounds(entry->home, &rules->roots) ? SESSION_SOUND : SESSION_FOREIGN_HOME;
}

const char *
session_flaw_sentence(enum session_flaw flaw)
{
	static const char *const sentences[SESSION_FLAWS] = {
		[SESSION_SOUND] = "is sound",
		[SESSION_SUSPENDED] = "is suspended",
		[SESSION_FTP_REFUSED] = "may not use FTP (FTPStatus)",
		[SESSION_NO_UID] = "has no uid, or 0",
		[SESSION_NO_GID] = "has no gid, or 0",
		[SESSION_NO_HOME] = "has no homeDirectory",
		[SESSION_RELATIVE_HOME] = "has a homeDirectory that does not begin with /",
		[SESSION_ODD_HOME] = "has a homeDirectory with control characters or \"..\" in it, or a very long one",
		[SESSION_FOREIGN_HOME] = "has a homeDirectory outside [ftpauth] roots",
	};

	return sentences[flaw];
}

/* --- replies --------------------------------------------------------------------------------------------- */

/* Pure-FTPd changes its root to what stands before the first "/./" and begins in what stands behind it. */
static void
put_dir(struct text *dir, struct span home, bool chroot)
{
	text_put_span(dir, home);
	if (!chroot || memmem(home.data, home.len, "/./", 3) != NULL)
		return;
	if (home.len >= 2 && memcmp(home.data + home.len - 2, "/.", 2) == 0)
		text_put(dir, "/");
	else
		text_put(dir, home.data[home.len - 1] == '/' ? "./" : "/./");
}

enum session_flaw
session_reply(const struct session_rules *rules, const struct account_entry *entry, bool suspended_may, struct text *dir,
              struct extauth_reply *out)
{
	enum session_flaw flaw = find_flaw(rules, entry, suspended_may);

	*out = (struct extauth_reply){ .verdict = EXTAUTH_REFUSED };
	if (flaw != SESSION_SOUND)
		return flaw;
	text_clear(dir);
	put_dir(dir, entry->home, rules->chroot);
	if (text_failed(dir))
		return SESSION_SOUND;
	*out = (struct extauth_reply){
		.verdict = EXTAUTH_ACCEPTED,
		.uid = entry->uid,
		.gid = entry->gid,
		.dir = text_span(dir),
		.upload = entry->upload,
		.download = entry->download,
		.quota_size = entry->quota_octets,
		.quota_files = entry->quota_files,
		.upload_ratio = entry->upload_ratio,
		.download_ratio = entry->download_ratio,
	};
	return SESSION_SOUND;
}
