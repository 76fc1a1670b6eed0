/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * What is done on a mail store, each as the commands that Cyrus 3.6 was seen to take (docs/agent.md has what it answers).
 */
#include <config.h>

#include "agent/mailbox.h"

#include "agent/imap_session.h"

#include <errno.h>
#include <stdio.h>

#define STAMP "ispman entryUUID "
#define COMMENT "/shared/comment"

enum { STAMP_DIGITS = 2 * MAILBOX_UUID_LEN };

struct mailbox_session {
	struct mailbox_options options; /* strings are the caller's */
	struct imap_session *admin;     /* NULL: to be opened */
	char separator;
	struct text command;            /* keeps its memory */
};

int
mailbox_session_new(const struct mailbox_options *options, struct mailbox_session **out)
{
	struct mailbox_session *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return -ENOMEM;
	s->options = *options;
	s->separator = options->separator;
	*out = s;
	return 0;
}

void
mailbox_session_free(struct mailbox_session *s)
{
	if (s == NULL)
		return;
	imap_session_close(s->admin);
	text_free(&s->command);
	free(s);
}

/* --- connections ---------------------------------------------------------------------------------------------------------- */

/* The separator in NAMESPACE's answer: behind the first prefix of the second or third list. */
static int
note_separator(void *context, struct span rest)
{
	struct mailbox_session *s = context;
	struct imap_token token;
	struct span last = SPAN("");

	if (imap_next(&rest, &token) <= 0 || !imap_is_atom(&token, "NAMESPACE"))
		return 0;
	while (imap_next(&rest, &token) > 0) {
		if (token.kind != IMAP_QUOTED)
			continue;
		/* Pairs of a prefix and its separator. */
		if (last.data != NULL && token.value.len == 1 && (token.value.data[0] == '/' || token.value.data[0] == '.'))
			s->separator = token.value.data[0];
		last = token.value;
	}
	return 0;
}

static int
open_as(struct mailbox_session *s, const char *act_as, struct imap_session **out, struct text *why)
{
	const struct imap_options options = {
		.server = s->options.server,
		.user = s->options.user,
		.password = s->options.password,
		.act_as = act_as,
		.starttls = s->options.starttls,
		.ca_file = s->options.ca_file,
		.timeout = s->options.timeout,
	};

	return imap_session_open(&options, out, why);
}

static int
connect_admin(struct mailbox_session *s, struct text *why)
{
	int r;

	if (s->admin != NULL)
		return 0;
	r = open_as(s, NULL, &s->admin, why);
	if (r == 0 && s->separator == 0) {
		r = imap_command(s->admin, SPAN("NAMESPACE"), note_separator, s, NULL, why);
		if (r >= 0 && s->separator == 0) {
			text_putf(why, "%s: NAMESPACE names no separator", s->options.server);
			r = -EPROTO;
		}
	}
	if (r < 0) {
		imap_session_close(s->admin);
		s->admin = NULL;
	}
	return r < 0 ? r : 0;
}

/* Sends what was put into s->command: 1 OK, 0 NO, or an error, after which the connection is made anew. */
static int
run(struct mailbox_session *s, int (*each)(void *context, struct span rest), void *context, struct imap_status *out_status,
    struct text *why)
{
	int r;

	if (text_failed(&s->command))
		return -ENOMEM;
	r = imap_command(s->admin, text_span(&s->command), each, context, out_status, why);
	if (r < 0) {
		imap_session_close(s->admin);
		s->admin = NULL;
	}
	return r;
}

/* A NO that ends what was wanted. */
static int
refuse(const struct mailbox_session *s, struct span name, const struct imap_status *status, struct text *why)
{
	text_putf(why, "mailbox %.*s: %s says: %.*s", (int)name.len, name.data, s->options.server, (int)status->text.len,
	          status->text.data);
	return -EACCES;
}

/* --- names ---------------------------------------------------------------------------------------------------------------- */

/* Appends "user/joe/Sent@example.org" in quotes; FOLDER (modified UTF-7) may be empty. */
static void
put_mailbox(struct mailbox_session *s, const char *root, struct span name, struct span folder)
{
	const char *at = s->options.virtual_domains ? memchr(name.data, '@', name.len) : NULL;
	size_t local = at != NULL ? (size_t)(at - name.data) : name.len;
	cleanup(text_free) struct text whole = TEXT_INIT;

	text_putf(&whole, "%s%c%.*s", root, s->separator, (int)local, name.data);
	if (folder.len > 0)
		text_putf(&whole, "%c%.*s", s->separator, (int)folder.len, folder.data);
	text_put_span(&whole, span_skip(name, local));
	if (text_failed(&whole) || !imap_put_quoted(&s->command, text_span(&whole)))
		s->command.failed = true;
}

static void
begin(struct mailbox_session *s, const char *words)
{
	text_clear(&s->command);
	text_put(&s->command, words);
}

static void
begin_of(struct mailbox_session *s, const char *words, struct span name)
{
	begin(s, words);
	put_mailbox(s, "user", name, SPAN(""));
}

/* Whether Cyrus can have a mailbox of that name. */
static int
check_name(const struct mailbox_session *s, struct span name, struct text *why)
{
	const char *at = memchr(name.data, '@', name.len);
	size_t local = at != NULL ? (size_t)(at - name.data) : name.len;

	if (s->options.virtual_domains && at == NULL)
		text_putf(why, "mailbox %.*s: it has no domain, and mailboxes are called by addresses", (int)name.len, name.data);
	else if (!s->options.virtual_domains && at != NULL)
		text_putf(why, "mailbox %.*s: it has a domain, and mailboxes are called by uids", (int)name.len, name.data);
	else if (memchr(name.data, s->separator, local) != NULL)
		text_putf(why, "mailbox %.*s: the server separates folders by \"%c\"; unixhierarchysep: yes in imapd.conf allows it",
		          (int)name.len, name.data, s->separator);
	else
		return 0;
	return -EINVAL;
}

static int
prepare(struct mailbox_session *s, struct span name, struct text *why)
{
	int r = connect_admin(s, why);

	return r < 0 ? r : check_name(s, name, why);
}

/* --- looking -------------------------------------------------------------------------------------------------------------- */

static void
put_stamp(struct text *out, const uint8_t uuid[MAILBOX_UUID_LEN])
{
	text_put(out, STAMP);
	for (size_t i = 0; i < MAILBOX_UUID_LEN; i++)
		text_putf(out, "%02x", uuid[i]);
}

static bool
read_stamp(struct span value, uint8_t uuid[MAILBOX_UUID_LEN])
{
	static const struct span head = SPAN(STAMP);

	if (value.len != head.len + STAMP_DIGITS || !span_is(span_from(value.data, head.len), head))
		return false;
	for (size_t i = 0; i < MAILBOX_UUID_LEN; i++) {
		int high = ascii_hex(value.data[head.len + 2 * i]), low = ascii_hex(value.data[head.len + 2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		uuid[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

struct looking {
	struct mailbox_found *found;
	bool stamped;
};

/* METADATA name ("/shared/comment" "ispman entryUUID ...") */
static int
note_metadata(void *context, struct span rest)
{
	struct looking *looking = context;
	cleanup(text_free) struct text value = TEXT_INIT;
	struct imap_token token;

	if (imap_next(&rest, &token) <= 0 || !imap_is_atom(&token, "METADATA"))
		return 0;
	while (imap_next(&rest, &token) > 0) {
		text_clear(&value);
		imap_put_value(&value, &token);
		if (!span_is_nocase(text_span(&value), SPAN(COMMENT)) || imap_next(&rest, &token) <= 0)
			continue;
		text_clear(&value);
		imap_put_value(&value, &token);
		looking->stamped = token.kind != IMAP_NIL && read_stamp(text_span(&value), looking->found->uuid);
	}
	return 0;
}

/* QUOTA root (STORAGE used limit) */
static int
note_quota(void *context, struct span rest)
{
	struct mailbox_found *found = context;
	struct imap_token token;
	uint64_t limit;

	if (imap_next(&rest, &token) <= 0 || !imap_is_atom(&token, "QUOTA"))
		return 0;
	while (imap_next(&rest, &token) > 0)
		if (imap_is_atom(&token, "STORAGE") && imap_next(&rest, &token) > 0 && imap_next(&rest, &token) > 0 &&
		    span_to_u64(token.value, INT64_MAX, &limit) == 0)
			found->quota = (int64_t)limit;
	return 0;
}

static int
look(struct mailbox_session *s, const struct mailbox_want *want, struct mailbox_found *out, struct text *why)
{
	struct looking looking = { .found = out };
	struct imap_status status;
	int r;

	*out = (struct mailbox_found){ .state = MAILBOX_ABSENT, .quota = MAILBOX_QUOTA_NONE };
	begin_of(s, "GETMETADATA ", want->name);
	text_put(&s->command, " (" COMMENT ")");
	r = run(s, note_metadata, &looking, &status, why);
	/* There is no such mailbox; anything else that is wrong with it says so in words. */
	if (r == 0)
		return imap_code_is(&status, "NONEXISTENT") || span_starts_nocase(status.text, SPAN("Mailbox does not exist"))
		               ? 0
		               : refuse(s, want->name, &status, why);
	if (r < 0)
		return r;
	out->state = !looking.stamped                                           ? MAILBOX_UNSTAMPED
	             : memcmp(out->uuid, want->uuid, sizeof(want->uuid)) == 0 ? MAILBOX_OURS
	                                                                        : MAILBOX_FOREIGN;
	begin_of(s, "GETQUOTA ", want->name);
	r = run(s, note_quota, out, NULL, why);
	return r < 0 ? r : 0;
}

int
mailbox_look(struct mailbox_session *s, const struct mailbox_want *want, struct mailbox_found *out, struct text *why)
{
	int r = prepare(s, want->name, why);

	return r < 0 ? r : look(s, want, out, why);
}

/* --- rights that others' mailboxes grant --------------------------------------------------------------------------------- */

/* Appends the name in LIST (...) "/" name; false when the response is none, or has none that could be kept. */
static bool
put_listed(struct text *out, struct span rest)
{
	size_t before = out->len;
	struct imap_token token;
	int depth = 0;

	if (imap_next(&rest, &token) <= 0 || !imap_is_atom(&token, "LIST"))
		return false;
	while (imap_next(&rest, &token) > 0 && (token.kind == IMAP_OPEN || depth > 0))
		depth += token.kind == IMAP_OPEN ? 1 : token.kind == IMAP_CLOSE ? -1 : 0;
	/* The separator was taken; now the name. */
	if (imap_next(&rest, &token) <= 0)
		return false;
	imap_put_value(out, &token);
	return out->len > before && memchr(out->data + before, '\0', out->len - before) == NULL;
}

/* What is not the user's own. */
static int
note_other(void *context, struct span rest)
{
	struct text *names = context;
	cleanup(text_free) struct text name = TEXT_INIT;

	if (!put_listed(&name, rest) || span_starts_nocase(text_span(&name), SPAN("INBOX")))
		return 0;
	text_put_span(names, text_span(&name));
	text_put_char(names, '\0');
	return 0;
}

struct granting {
	struct span identifier;
	bool granted;
};

/* ACL name identifier rights ... */
static int
note_acl(void *context, struct span rest)
{
	struct granting *granting = context;
	cleanup(text_free) struct text value = TEXT_INIT;
	struct imap_token token;

	if (imap_next(&rest, &token) <= 0 || !imap_is_atom(&token, "ACL") || imap_next(&rest, &token) <= 0)
		return 0;
	while (imap_next(&rest, &token) > 0) {
		text_clear(&value);
		imap_put_value(&value, &token);
		granting->granted |= span_is_nocase(text_span(&value), granting->identifier);
		if (imap_next(&rest, &token) <= 0)
			break;
	}
	return 0;
}

/* The name that the admin has for what a user of DOMAIN sees as NAME. */
static void
put_seen(struct mailbox_session *s, struct span name, struct span domain)
{
	cleanup(text_free) struct text whole = TEXT_INIT;

	text_put_span(&whole, name);
	if (domain.len > 0 && memchr(name.data, '@', name.len) == NULL)
		text_putf(&whole, "@%.*s", (int)domain.len, domain.data);
	if (text_failed(&whole) || !imap_put_quoted(&s->command, text_span(&whole)))
		s->command.failed = true;
}

static int
revoke_right(struct mailbox_session *s, struct span seen, struct span identifier, struct span domain, struct text *why)
{
	struct granting granting = { .identifier = identifier };
	struct imap_status status;
	int r;

	begin(s, "GETACL ");
	put_seen(s, seen, domain);
	r = run(s, note_acl, &granting, NULL, why);
	/* Everybody may see it, or it went meanwhile. */
	if (r <= 0 || !granting.granted)
		return r < 0 ? r : 0;
	begin(s, "DELETEACL ");
	put_seen(s, seen, domain);
	text_put_char(&s->command, ' ');
	if (!imap_put_quoted(&s->command, identifier))
		return -EINVAL;
	r = run(s, NULL, NULL, &status, why);
	return r == 0 ? refuse(s, seen, &status, why) : r;
}

/* What NAME may see of others' is asked as NAME: the server has no other way to tell. */
static int
list_others(struct mailbox_session *s, struct span name, struct text *out, struct text *why)
{
	cleanup(imap_session_closep) struct imap_session *user = NULL;
	cleanup(text_free) struct text act_as = TEXT_INIT;
	int r;

	text_put_span(&act_as, name);
	if (text_failed(&act_as))
		return -ENOMEM;
	r = open_as(s, text_str(&act_as), &user, why);
	if (r == 0)
		r = imap_command(user, SPAN("LIST \"\" \"*\""), note_other, out, NULL, why);
	return r < 0 ? r : text_failed(out) ? -ENOMEM : 0;
}

static int
sweep_rights(struct mailbox_session *s, struct span name, struct text *why)
{
	cleanup(text_free) struct text others = TEXT_INIT;
	const char *at = memchr(name.data, '@', name.len);
	struct span domain = at != NULL ? span_skip(name, (size_t)(at - name.data) + 1) : SPAN(""), rest;
	int r = list_others(s, name, &others, why);

	rest = text_span(&others);
	while (r >= 0 && rest.len > 0) {
		struct span seen = span_from(rest.data, strlen(rest.data));

		r = revoke_right(s, seen, name, domain, why);
		rest = span_skip(rest, seen.len + 1);
	}
	return r < 0 ? r : 0;
}

/* --- making ---------------------------------------------------------------------------------------------------------------- */

static int
stamp(struct mailbox_session *s, const struct mailbox_want *want, struct text *why)
{
	cleanup(text_free) struct text value = TEXT_INIT;
	struct imap_status status;
	int r;

	put_stamp(&value, want->uuid);
	begin_of(s, "SETMETADATA ", want->name);
	text_put(&s->command, " (" COMMENT " ");
	if (!imap_put_quoted(&s->command, text_span(&value)))
		return -ENOMEM;
	text_put_char(&s->command, ')');
	r = run(s, NULL, NULL, &status, why);
	return r == 0 ? refuse(s, want->name, &status, why) : r < 0 ? r : 0;
}

static int
set_quota(struct mailbox_session *s, const struct mailbox_want *want, struct text *why)
{
	struct imap_status status;
	int r;

	begin_of(s, "SETQUOTA ", want->name);
	if (want->quota == MAILBOX_QUOTA_NONE)
		text_put(&s->command, " ()");
	else
		text_putf(&s->command, " (STORAGE %lld)", (long long)want->quota);
	r = run(s, NULL, NULL, &status, why);
	return r == 0 ? refuse(s, want->name, &status, why) : r < 0 ? r : 0;
}

static bool
is_there_already(const struct imap_status *status)
{
	return imap_code_is(status, "ALREADYEXISTS") || span_starts_nocase(status->text, SPAN("Mailbox already exists"));
}

static int
make_folder(struct mailbox_session *s, const struct mailbox_want *want, const struct mailbox_folder *folder, struct text *why)
{
	cleanup(text_free) struct text name = TEXT_INIT;
	struct imap_status status;
	int r = imap_put_utf7(&name, folder->name);

	if (r < 0)
		return r;
	begin(s, "CREATE ");
	put_mailbox(s, "user", want->name, text_span(&name));
	if (folder->special_use.len > 0)
		text_putf(&s->command, " (USE (%.*s))", (int)folder->special_use.len, folder->special_use.data);
	r = run(s, NULL, NULL, &status, why);
	return r == 0 && !is_there_already(&status) ? refuse(s, want->name, &status, why) : r < 0 ? r : 0;
}

int
mailbox_make(struct mailbox_session *s, const struct mailbox_want *want, struct text *why)
{
	struct imap_status status;
	int made, r = prepare(s, want->name, why);

	if (r < 0)
		return r;
	begin_of(s, "CREATE ", want->name);
	made = run(s, NULL, NULL, &status, why);
	if (made == 0 && !is_there_already(&status))
		return refuse(s, want->name, &status, why);
	if (made <= 0)
		return made;
	/* First the stamp: whatever comes next can be done again by who finds it. */
	r = stamp(s, want, why);
	if (r == 0 && want->quota != MAILBOX_QUOTA_NONE)
		r = set_quota(s, want, why);
	for (size_t i = 0; r == 0 && i < s->options.folder_count; i++)
		r = make_folder(s, want, &s->options.folders[i], why);
	if (r == 0)
		r = sweep_rights(s, want->name, why);
	return r < 0 ? r : 1;
}

int
mailbox_complete(struct mailbox_session *s, const struct mailbox_want *want, struct text *why)
{
	int r = prepare(s, want->name, why);

	for (size_t i = 0; r == 0 && i < s->options.folder_count; i++)
		r = make_folder(s, want, &s->options.folders[i], why);
	return r;
}

int
mailbox_adopt(struct mailbox_session *s, const struct mailbox_want *want, struct text *why)
{
	int r = prepare(s, want->name, why);

	return r < 0 ? r : stamp(s, want, why);
}

int
mailbox_set_quota(struct mailbox_session *s, const struct mailbox_want *want, struct text *why)
{
	int r = prepare(s, want->name, why);

	return r < 0 ? r : set_quota(s, want, why);
}

/* The rights of an owner as Cyrus gives them. */
#define OWNER_RIGHTS "lrswipkxtecdan"

struct owning {
	struct span owner;
	bool complete;
};

/* ACL name identifier rights ... */
static int
note_owner(void *context, struct span rest)
{
	struct owning *owning = context;
	cleanup(text_free) struct text identifier = TEXT_INIT, rights = TEXT_INIT;
	struct imap_token token;

	if (imap_next(&rest, &token) <= 0 || !imap_is_atom(&token, "ACL") || imap_next(&rest, &token) <= 0)
		return 0;
	while (imap_next(&rest, &token) > 0) {
		text_clear(&identifier);
		imap_put_value(&identifier, &token);
		if (imap_next(&rest, &token) <= 0)
			break;
		text_clear(&rights);
		imap_put_value(&rights, &token);
		if (!span_is_nocase(text_span(&identifier), owning->owner))
			continue;
		owning->complete = true;
		for (const char *right = OWNER_RIGHTS; *right != '\0'; right++)
			owning->complete &= memchr(text_str(&rights), *right, rights.len) != NULL;
	}
	return 0;
}

int
mailbox_give_rights(struct mailbox_session *s, const struct mailbox_want *want, struct text *why)
{
	struct owning owning = { .owner = want->name };
	struct imap_status status;
	int r = prepare(s, want->name, why);

	if (r < 0)
		return r;
	begin_of(s, "GETACL ", want->name);
	r = run(s, note_owner, &owning, &status, why);
	if (r <= 0)
		return r == 0 ? refuse(s, want->name, &status, why) : r;
	if (owning.complete)
		return 0;
	begin_of(s, "SETACL ", want->name);
	text_put_char(&s->command, ' ');
	if (!imap_put_quoted(&s->command, want->name))
		return -EINVAL;
	text_put(&s->command, " " OWNER_RIGHTS);
	r = run(s, NULL, NULL, &status, why);
	return r == 0 ? refuse(s, want->name, &status, why) : r;
}

/* --- removing --------------------------------------------------------------------------------------------------------------- */

int
mailbox_delete(struct mailbox_session *s, const struct mailbox_want *want, struct text *why)
{
	struct mailbox_found found;
	struct imap_status status;
	int r = prepare(s, want->name, why);

	if (r == 0)
		r = look(s, want, &found, why);
	if (r < 0 || found.state == MAILBOX_ABSENT)
		return r;
	if (found.state != MAILBOX_OURS) {
		text_putf(why, "mailbox %.*s: it %s, and is left alone", (int)want->name.len, want->name.data,
		          found.state == MAILBOX_FOREIGN ? "belongs to another account" : "has no stamp");
		return -EEXIST;
	}
	/* While it is there: who logs in as somebody without a mailbox may make one. */
	r = sweep_rights(s, want->name, why);
	if (r < 0)
		return r;
	begin_of(s, "SETACL ", want->name);
	text_put_char(&s->command, ' ');
	if (!imap_put_quoted(&s->command, span_of(s->options.user)))
		return -EINVAL;
	text_put(&s->command, " lrx");
	r = run(s, NULL, NULL, &status, why);
	if (r <= 0)
		return r == 0 ? refuse(s, want->name, &status, why) : r;
	begin_of(s, "DELETE ", want->name);
	r = run(s, NULL, NULL, &status, why);
	if (r != 0)
		return r;
	/* Cyrus keeps it under a name with the second in it: one that was deleted just now has that name. */
	return is_there_already(&status) ? (refuse(s, want->name, &status, why), -EAGAIN) : refuse(s, want->name, &status, why);
}

static int
note_any(void *context, struct span rest)
{
	struct text *names = context;
	cleanup(text_free) struct text name = TEXT_INIT;

	if (!put_listed(&name, rest))
		return 0;
	text_put_span(names, text_span(&name));
	text_put_char(names, '\0');
	return 0;
}

/* The time (hexadecimal) of "DELETED/user/joe/6B01F10D@example.org" below "DELETED/user/joe", and the folder before it. */
static bool
split_deleted(const struct mailbox_session *s, struct span name, size_t prefix, struct span *out_folder, uint64_t *out_time)
{
	const char *at = s->options.virtual_domains ? memchr(name.data, '@', name.len) : NULL;
	size_t end = at != NULL ? (size_t)(at - name.data) : name.len, begin = end;
	uint64_t time = 0;

	while (begin > prefix && name.data[begin - 1] != s->separator)
		begin--;
	if (begin <= prefix || end - begin == 0 || end - begin > 16)
		return false;
	for (size_t i = begin; i < end; i++) {
		if (ascii_hex(name.data[i]) < 0)
			return false;
		time = time << 4 | (uint64_t)ascii_hex(name.data[i]);
	}
	*out_time = time;
	*out_folder = begin > prefix + 1 ? span_from(name.data + prefix + 1, begin - prefix - 2) : SPAN("");
	return true;
}

static int
rename_back(struct mailbox_session *s, const struct mailbox_want *want, struct span deleted, struct span folder, struct text *why)
{
	struct imap_status status;
	int r;

	begin(s, "RENAME ");
	if (!imap_put_quoted(&s->command, deleted))
		return -EINVAL;
	text_put_char(&s->command, ' ');
	put_mailbox(s, "user", want->name, folder);
	r = run(s, NULL, NULL, &status, why);
	return r == 0 ? refuse(s, want->name, &status, why) : r;
}

/* Of what was deleted at different times the latest: NEWEST of the INBOX, and all folders of that time. */
static int
restore_newest(struct mailbox_session *s, const struct mailbox_want *want, struct span names, size_t prefix, struct text *why)
{
	uint64_t newest = 0, time;
	struct span folder, rest, name;
	int r = 0;

	for (rest = names; rest.len > 0; rest = span_skip(rest, name.len + 1)) {
		name = span_from(rest.data, strlen(rest.data));
		if (split_deleted(s, name, prefix, &folder, &time) && folder.len == 0 && time > newest)
			newest = time;
	}
	/* The INBOX comes first in LIST's order, and has to. */
	for (rest = names; r >= 0 && rest.len > 0; rest = span_skip(rest, name.len + 1)) {
		name = span_from(rest.data, strlen(rest.data));
		if (newest > 0 && split_deleted(s, name, prefix, &folder, &time) && time == newest && folder.len == 0)
			r = rename_back(s, want, name, folder, why);
	}
	for (rest = names; r >= 0 && rest.len > 0; rest = span_skip(rest, name.len + 1)) {
		name = span_from(rest.data, strlen(rest.data));
		if (newest > 0 && split_deleted(s, name, prefix, &folder, &time) && time == newest && folder.len > 0)
			r = rename_back(s, want, name, folder, why);
	}
	return r < 0 ? r : newest > 0;
}

int
mailbox_restore(struct mailbox_session *s, const struct mailbox_want *want, struct text *why)
{
	cleanup(text_free) struct text names = TEXT_INIT;
	const char *at = s->options.virtual_domains ? memchr(want->name.data, '@', want->name.len) : NULL;
	size_t local = at != NULL ? (size_t)(at - want->name.data) : want->name.len;
	int r = prepare(s, want->name, why);

	if (r < 0)
		return r;
	begin(s, "LIST \"\" ");
	put_mailbox(s, s->separator == '/' ? "DELETED/user" : "DELETED.user", want->name, SPAN("*"));
	r = run(s, note_any, &names, NULL, why);
	if (r > 0 && text_failed(&names))
		r = -ENOMEM;
	if (r > 0)
		r = restore_newest(s, want, text_span(&names), strlen("DELETED.user.") + local, why);
	return r;
}

/* --- all ------------------------------------------------------------------------------------------------------------------- */

int
mailbox_each(struct mailbox_session *s, int (*each)(void *context, struct span name), void *context, struct text *why)
{
	cleanup(text_free) struct text names = TEXT_INIT;
	struct span rest, name;
	int r = connect_admin(s, why);

	if (r < 0)
		return r;
	begin(s, "LIST \"\" ");
	text_putf(&s->command, s->options.virtual_domains ? "\"user%c%%@%%\"" : "\"user%c%%\"", s->separator);
	r = run(s, note_any, &names, NULL, why);
	if (r > 0 && text_failed(&names))
		r = -ENOMEM;
	if (r > 0)
		r = 0;
	for (rest = text_span(&names); r == 0 && rest.len > 0; rest = span_skip(rest, name.len + 1)) {
		name = span_from(rest.data, strlen(rest.data));
		if (name.len > 5)
			r = each(context, span_skip(name, 5));
	}
	return r;
}
