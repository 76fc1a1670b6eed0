/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 */
#include <config.h>

#include "agent/plan.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

/* For printf's %.*s. */
#define SPAN_ARGS(span) (int)(span).len, (span).data

enum { COMPONENT_MAX = 255, PATH_OCTETS_MAX = 4000, MAILBOX_NAME_MAX = 400 };
enum { BRAKE_LEAST = 5, BRAKE_MOST = 500 };

/* --- where ---------------------------------------------------------------------------------------------------------- */

bool
plan_is_here(const struct plan_rules *rules, struct span name, bool by_default)
{
	name = span_trim(name);
	if (name.len > 0 && name.data[name.len - 1] == '.')
		name.len--;
	if (rules->everything)
		return true;
	/* What old data have for "none". */
	if (name.len == 0 || span_is_nocase(name, SPAN("undefined")))
		return by_default;
	for (size_t i = 0; i < rules->name_count; i++)
		if (span_is_nocase(rules->names[i], name))
			return true;
	return false;
}

/* HOSTS are names with blanks between. */
static bool
is_any_here(const struct plan_rules *rules, struct span hosts, bool by_default)
{
	struct span name;
	bool any = false;

	while (span_next_word(&hosts, &name)) {
		any = true;
		if (plan_is_here(rules, name, by_default))
			return true;
	}
	return !any && plan_is_here(rules, SPAN(""), by_default);
}

/* --- names ----------------------------------------------------------------------------------------------------------- */

static int
bad(char reason[256], const char *what)
{
	snprintf(reason, 256, "%s", what);
	return 0;
}

static int
component_is_good(struct span component, char reason[256])
{
	if (component.len == 0 || span_is(component, SPAN(".")) || span_is(component, SPAN("..")))
		return bad(reason, "the path has an empty component, . or ..");
	if (component.len > COMPONENT_MAX)
		return bad(reason, "a component of the path is longer than 255 octets");
	if (span_is(component, SPAN(".ispman")))
		return bad(reason, "the path names .ispman, which is the agent's own");
	return 1;
}

static bool
has_control(struct span s)
{
	for (size_t i = 0; i < s.len; i++)
		if ((unsigned char)s.data[i] < ' ' || s.data[i] == 0x7f)
			return true;
	return false;
}

/* What of PATH is below a root, or nothing. */
static struct span
below_root(const struct plan_rules *rules, struct span path)
{
	for (size_t i = 0; i < rules->root_count; i++) {
		struct span root = rules->roots[i];

		if (path.len > root.len + 1 && path.data[root.len] == '/' && span_is(span_from(path.data, root.len), root))
			return span_skip(path, root.len + 1);
	}
	return SPAN("");
}

static int
components_are_good(struct span rest, char reason[256])
{
	for (;;) {
		const char *slash = memchr(rest.data, '/', rest.len);
		size_t n = slash != NULL ? (size_t)(slash - rest.data) : rest.len;

		if (component_is_good(span_from(rest.data, n), reason) == 0)
			return 0;
		if (slash == NULL)
			return 1;
		rest = span_skip(rest, n + 1);
	}
}

int
plan_path_is_good(const struct plan_rules *rules, struct span path, char reason[256])
{
	struct span rest;

	if (path.len == 0 || path.data[0] != '/')
		return bad(reason, "the path is not absolute");
	if (path.len > PATH_OCTETS_MAX)
		return bad(reason, "the path is too long");
	if (has_control(path))
		return bad(reason, "the path has control characters");
	rest = below_root(rules, path);
	if (rest.len == 0)
		return bad(reason, "the path is not below one of [agent] roots");
	return components_are_good(rest, reason);
}

bool
plan_path_names(struct span path, struct span domain)
{
	while (path.len > 0) {
		const char *slash = memchr(path.data, '/', path.len);
		size_t n = slash != NULL ? (size_t)(slash - path.data) : path.len;

		if (span_is_nocase(span_from(path.data, n), domain))
			return true;
		path = span_skip(path, slash != NULL ? n + 1 : n);
	}
	return false;
}

int
plan_mailbox_is_good(struct span name, char reason[256])
{
	if (name.len == 0)
		return bad(reason, "there is no name for the mailbox");
	if (name.len > MAILBOX_NAME_MAX)
		return bad(reason, "the name of the mailbox is too long");
	for (size_t i = 0; i < name.len; i++)
		if (name.data[i] <= ' ' || name.data[i] >= 0x7f || strchr("/*%\"\\(){}!", name.data[i]) != NULL)
			return bad(reason, "the name of the mailbox has characters that none may have");
	if (name.data[0] == '.' || name.data[0] == '@' || name.data[name.len - 1] == '.' || name.data[name.len - 1] == '@')
		return bad(reason, "the name of the mailbox begins or ends with a dot or an @");
	return 1;
}

uint64_t
plan_brake(uint64_t total, unsigned percent)
{
	uint64_t share = total / 100 * percent + total % 100 * percent / 100;

	if (share > BRAKE_MOST)
		share = BRAKE_MOST;
	return share < BRAKE_LEAST ? BRAKE_LEAST : share;
}

/* --- the book's lines ---------------------------------------------------------------------------------------------------- */

/* Words, so that who looks into the book can read it; the place is the rest of the line. */
void
plan_have_put(struct text *out, const struct plan_have *have)
{
	text_putf(out, "1 %d %" PRIu64 " %" PRId64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu32 " %" PRIu32 " ", have->kept,
	          have->gone_since, have->quota, have->device, have->inode, have->born, have->uid, have->gid);
	text_put_span(out, have->place);
}

static int
next_number(struct span *rest, uint64_t max, uint64_t *out)
{
	struct span word;

	return span_next_word(rest, &word) ? span_to_u64(word, max, out) : -EINVAL;
}

static int
next_quota(struct span *rest, int64_t *out)
{
	struct span word;
	uint64_t n = 0;

	if (!span_next_word(rest, &word))
		return -EINVAL;
	if (span_is(word, SPAN("-1"))) {
		*out = -1;
		return 0;
	}
	if (span_to_u64(word, INT64_MAX, &n) < 0)
		return -EINVAL;
	*out = (int64_t)n;
	return 0;
}

int
plan_have_read(struct span value, struct plan_have *out)
{
	struct plan_have have = { .exists = true };
	uint64_t version, kept, uid, gid;

	if (next_number(&value, UINT64_MAX, &version) < 0)
		return -EBADMSG;
	if (version != 1)
		return -EPROTO;
	if (next_number(&value, 1, &kept) < 0 || next_number(&value, UINT64_MAX, &have.gone_since) < 0 ||
	    next_quota(&value, &have.quota) < 0 || next_number(&value, UINT64_MAX, &have.device) < 0 ||
	    next_number(&value, UINT64_MAX, &have.inode) < 0 || next_number(&value, UINT64_MAX, &have.born) < 0 ||
	    next_number(&value, UINT32_MAX, &uid) < 0 || next_number(&value, UINT32_MAX, &gid) < 0 || value.len < 2 ||
	    value.data[0] != ' ')
		return -EBADMSG;
	have.kept = kept != 0;
	have.uid = (uint32_t)uid;
	have.gid = (uint32_t)gid;
	have.place = span_skip(value, 1);
	*out = have;
	return 0;
}

/* --- steps ------------------------------------------------------------------------------------------------------------ */

static void
begin(struct plan_step *step)
{
	text_clear(&step->place);
	step->act = PLAN_NOTHING;
	step->uid = step->gid = 0;
	step->quota = -1;
	step->folder_count = 0;
	step->is_home = false;
	step->wake = 0;
	step->reason[0] = '\0';
}

/* The entry is gone. */
static void
plan_gone(const struct plan_rules *rules, const struct plan_have *have, uint64_t now, struct plan_step *step)
{
	if (!have->exists)
		return;
	text_put_span(&step->place, have->place);
	if (have->gone_since == 0) {
		step->act = PLAN_NOTE_GONE;
		step->wake = now + rules->settle;
	} else if (now >= have->gone_since && now - have->gone_since >= rules->settle) {
		step->act = PLAN_REMOVE;
	} else {
		/* A clock that went back begins the wait anew. */
		step->act = now < have->gone_since ? PLAN_NOTE_GONE : PLAN_NOTHING;
		step->wake = (now < have->gone_since ? now : have->gone_since) + rules->settle;
	}
}

/* Whether something is to be noted before anything is done: the entry is there, HERE or not. */
static bool
plan_notes(const struct plan_have *have, bool here, struct plan_step *step)
{
	if (!have->exists)
		return !here;
	if (have->gone_since != 0)
		step->act = PLAN_NOTE_BACK;
	else if (!here && !have->kept)
		step->act = PLAN_KEEP;
	else if (here && have->kept)
		step->act = PLAN_UNKEEP;
	if (step->act != PLAN_NOTHING || !here)
		text_put_span(&step->place, have->place);
	return step->act != PLAN_NOTHING || !here;
}

/* --- directories ------------------------------------------------------------------------------------------------------ */

static void
put_folder(struct plan_step *step, struct span folder)
{
	if (step->folder_count < array_size(step->folders))
		step->folders[step->folder_count++] = folder;
}

/* A folder of a virtual host stands below its home, or anywhere: then it is only made if it is below the home. */
static void
put_vhost_folder(struct plan_step *step, struct span home, struct span folder)
{
	char ignored[256];

	if (folder.len > home.len && folder.data[home.len] == '/' && span_is(span_from(folder.data, home.len), home))
		folder = span_skip(folder, home.len + 1);
	while (folder.len > 0 && folder.data[folder.len - 1] == '/')
		folder.len--;
	if (folder.len > 0 && folder.data[0] != '/' && !has_control(folder) && components_are_good(folder, ignored) > 0)
		put_folder(step, folder);
}

static void
put_folders(const struct plan_rules *rules, const struct account_entry *entry, struct plan_step *step)
{
	struct span folders = entry->folders, folder;

	if (entry->kind == LOGIN_USER)
		for (size_t i = 0; i < rules->user_folder_count; i++)
			put_folder(step, rules->user_folders[i]);
	else if (entry->kind == LOGIN_DOMAIN)
		for (size_t i = 0; i < rules->domain_folder_count; i++)
			put_folder(step, rules->domain_folders[i]);
	while (entry->kind == LOGIN_VHOST && login_next_name(&folders, &folder))
		put_vhost_folder(step, entry->home, folder);
}

static bool
wants_directory(const struct plan_rules *rules, const struct account_entry *entry)
{
	return rules->directories && entry->home.len > 0 && entry->kind != LOGIN_ADMIN &&
	       is_any_here(rules, entry->file_hosts, rules->is_default_file_host);
}

/* Without a / at the end, and without the "/./" by which FTP servers are told where to begin: the place is compared with what the book
 * has. */
static void
put_path(const struct account_entry *entry, struct text *out)
{
	struct span path = entry->home;

	while (path.len > 1 && path.data[path.len - 1] == '/')
		path.len--;
	for (size_t i = 0; i < path.len; i++) {
		if (path.len - i >= 3 && memcmp(path.data + i, "/./", 3) == 0)
			i += 2;
		text_put_char(out, path.data[i]);
	}
}

static bool
owner_is_good(const struct plan_rules *rules, const struct account_entry *entry, char reason[256])
{
	if (entry->posix_uid >= rules->uid_min && entry->posix_gid >= rules->uid_min)
		return true;
	snprintf(reason, 256, "the entry's uidNumber is %u and its gidNumber %u: nothing below %llu gets a directory (uid-min)",
	         entry->posix_uid, entry->posix_gid, (unsigned long long)rules->uid_min);
	return false;
}

/* Who may write entries of one domain shall not get directories in another's. */
static bool
is_own_path(const struct plan_rules *rules, const struct account_entry *entry, struct span path, char reason[256])
{
	if (rules->any_path || plan_path_names(path, entry->domain))
		return true;
	snprintf(reason, 256, "no component of the path is the domain's name, %.*s ([agent] paths = any allows that)",
	         entry->domain.len < 100 ? (int)entry->domain.len : 100, entry->domain.data);
	return false;
}

void
plan_directory(const struct plan_rules *rules, const struct account_entry *entry, const struct plan_have *have, bool complete,
               uint64_t now, struct plan_step *out)
{
	struct span path;

	begin(out);
	if (entry == NULL) {
		plan_gone(rules, have, now, out);
		return;
	}
	if (plan_notes(have, wants_directory(rules, entry), out))
		return;
	put_path(entry, &out->place);
	path = text_span(&out->place);
	out->uid = entry->posix_uid;
	out->gid = entry->posix_gid;
	out->is_home = entry->kind == LOGIN_USER;
	out->quota = rules->project_quota && entry->kind == LOGIN_DOMAIN ? (int64_t)(entry->quota_octets & INT64_MAX) : 0;
	put_folders(rules, entry, out);
	if (plan_path_is_good(rules, path, out->reason) == 0 || !is_own_path(rules, entry, path, out->reason) ||
	    !owner_is_good(rules, entry, out->reason))
		out->act = PLAN_REFUSE;
	else if (!have->exists)
		out->act = PLAN_MAKE;
	else if (!span_is(have->place, path))
		out->act = PLAN_MOVE;
	else if (have->quota != out->quota)
		out->act = PLAN_SET_QUOTA;
	else if (complete || have->uid != out->uid || have->gid != out->gid)
		out->act = PLAN_CHECK;
}

/* --- mailboxes --------------------------------------------------------------------------------------------------------- */

static void
put_lower(struct text *out, struct span s)
{
	s = span_trim(s);
	for (size_t i = 0; i < s.len; i++)
		text_put_char(out, ascii_lower(s.data[i]));
}

void
plan_mailbox(const struct plan_rules *rules, const struct account_entry *entry, const struct plan_have *have, bool complete,
             uint64_t now, struct plan_step *out)
{
	bool here;

	begin(out);
	if (entry == NULL) {
		plan_gone(rules, have, now, out);
		return;
	}
	here = rules->mailboxes && entry->kind == LOGIN_USER && entry->mail_host.len > 0 && plan_is_here(rules, entry->mail_host, false);
	if (plan_notes(have, here, out))
		return;
	put_lower(&out->place, rules->naming == PLAN_BY_UID ? entry->uid_value : entry->address);
	out->quota = entry->mail_quota;
	if (plan_mailbox_is_good(text_span(&out->place), out->reason) == 0)
		out->act = PLAN_REFUSE;
	else if (!have->exists)
		out->act = PLAN_MAKE;
	else if (!span_is(have->place, text_span(&out->place)))
		out->act = PLAN_MOVE;
	else if (have->quota != out->quota)
		out->act = PLAN_SET_QUOTA;
	else if (complete)
		out->act = PLAN_CHECK;
}
