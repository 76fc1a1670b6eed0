/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * What of an entry is on which machine: for account/, and for ispman-agent, which reads it. And the machines.
 */
#include <config.h>

#include "cache/project_login_parts.h"

#include <errno.h>

enum { HOST_NAME_MAX_OCTETS = 253 };

/* In lower case, without a dot at the end; empty for what is none ("undefined" is what old data have). */
static void
put_host(struct text *out, struct span name)
{
	name = span_trim(name);
	if (name.len > 0 && name.data[name.len - 1] == '.')
		name.len--;
	if (name.len == 0 || name.len > HOST_NAME_MAX_OCTETS || !complaint_is_printable(name) || memchr(name.data, ' ', name.len) != NULL ||
	    span_is_nocase(name, SPAN("undefined")))
		return;
	for (size_t i = 0; i < name.len; i++)
		text_put_char(out, ascii_lower(name.data[i]));
}

static int
compare_spans(const void *a, const void *b)
{
	return project_compare(*(const struct span *)a, *(const struct span *)b);
}

/* All values of ATTRIBUTE as names of hosts, sorted, each with END behind it. */
static int
put_hosts(struct arena *arena, const struct entry *entry, struct span attribute, char end, struct text *out)
{
	const struct attribute *found = attribute.len > 0 ? entry_find(entry, attribute) : NULL;
	struct span *values;

	if (found == NULL || found->count == 0)
		return 0;
	values = arena_alloc(arena, found->count * sizeof(*values));
	if (values == NULL)
		return -ENOMEM;
	memcpy(values, found->values, found->count * sizeof(*values));
	qsort(values, found->count, sizeof(*values), compare_spans);
	for (size_t i = 0; i < found->count && out->len < PROJECT_LOGIN_TEXT_MAX; i++) {
		size_t before = out->len;

		put_host(out, values[i]);
		if (out->len > before)
			text_put_char(out, end);
	}
	return 0;
}

static struct span
keep(const struct login_mapping *m, struct text *text)
{
	struct span kept = text_failed(text) ? (struct span){ NULL, 0 } : arena_copy(m->arena, text_span(text));

	text_clear(text);
	return kept;
}

static void
put_folders(const struct login_mapping *m, struct text *out)
{
	const struct profile *profile = m->settings->profile;
	const struct span attributes[] = { profile->document_root, profile->script_folder, profile->log_folder, profile->stat_folder };

	for (size_t i = 0; i < array_size(attributes); i++) {
		struct span value = login_mapping_value(m, attributes[i]);

		if (value.len == 0 || value.len > PROJECT_LOGIN_TEXT_MAX || !complaint_is_printable(value))
			continue;
		text_put_span(out, value);
		text_put_char(out, '\0');
	}
}

static uint32_t
number_of(const struct login_mapping *m, struct span attribute)
{
	uint64_t n;

	return span_to_u64(login_mapping_value(m, attribute), UINT32_MAX - 1, &n) == 0 ? (uint32_t)n : 0;
}

/* ISPMan's own tools cannot set a quota of nothing: 0 is what others write for "none". */
static int64_t
mail_quota_of(struct login_mapping *m)
{
	struct span attribute = m->settings->profile->mail_quota, value = login_mapping_value(m, attribute);
	struct text *say;
	uint64_t n;

	if (value.len == 0)
		return -1;
	if (span_to_u64(value, INT64_MAX >> 10, &n) == 0)
		return n > 0 ? (int64_t)n : -1;
	say = complaint_begin(&m->complaints);
	text_put_span(say, attribute);
	text_put(say, " is ");
	complaint_quote(say, value);
	text_put(say, ", which is no number of KiB: the mailbox has no quota. Correct it.");
	login_mapping_complain(m, "bad-quota");
	return -1;
}

int
login_mapping_store(struct login_mapping *m, struct account_entry *out)
{
	const struct profile *profile = m->settings->profile;
	const struct entry *entry = m->placed->entry;
	cleanup(text_free) struct text text = TEXT_INIT;
	int r = put_hosts(m->arena, entry, m->kind == LOGIN_DOMAIN ? profile->default_file_host : profile->file_host, ' ', &text);

	if (r == 0 && text.len == 0 && m->kind == LOGIN_VHOST)
		r = put_hosts(m->arena, entry, profile->web_host, ' ', &text);
	if (r < 0)
		return r;
	if (text.len > 0)
		text.len--;
	out->file_hosts = keep(m, &text);
	put_host(&text, login_mapping_value(m, profile->mail_host));
	out->mail_host = keep(m, &text);
	if (m->kind == LOGIN_VHOST)
		put_folders(m, &text);
	out->folders = keep(m, &text);
	out->address = m->address.len <= ADDRESS_TEXT_MAX ? m->address : SPAN("");
	out->posix_uid = number_of(m, profile->uid_number);
	out->posix_gid = number_of(m, profile->gid_number);
	out->mail_quota = m->kind == LOGIN_USER ? mail_quota_of(m) : -1;
	return out->file_hosts.data != NULL && out->mail_host.data != NULL && out->folders.data != NULL ? 0 : -ENOMEM;
}

/* --- hosts and their groups ------------------------------------------------------------------------------ */

int
login_map_host(const struct login_settings *settings, const struct placed_entry *placed, struct arena *arena, struct mapped *out)
{
	const struct profile *profile = settings->profile;
	cleanup(text_free) struct text name = TEXT_INIT, others = TEXT_INIT, payload = TEXT_INIT;
	struct fragment *fragment;
	struct span attribute;
	char letter;
	int r;

	if (placed->depth == 0 || !placed->rdns[0].single)
		return 0;
	if (span_is_nocase(placed->rdns[0].type, profile->host_attribute)) {
		letter = 'H';
		attribute = profile->host_alias;
	} else if (span_is_nocase(placed->rdns[0].type, profile->group_attribute)) {
		letter = 'G';
		attribute = profile->group_member;
	} else {
		return 0;
	}
	put_host(&name, placed->rdns[0].value);
	if (name.len == 0)
		return text_failed(&name) ? -ENOMEM : 0;
	r = put_hosts(arena, placed->entry, attribute, '\0', &others);
	login_host_put(&payload, text_span(&others));
	fragment = r == 0 ? arena_alloc(arena, sizeof(*fragment)) : NULL;
	if (fragment == NULL || text_failed(&name) || text_failed(&payload))
		return -ENOMEM;
	key_login_host(&fragment->subject, letter, text_span(&name));
	fragment->payload = arena_copy(arena, text_span(&payload));
	fragment->next = NULL;
	out->fragments = fragment;
	return fragment->payload.data != NULL ? 0 : -ENOMEM;
}
