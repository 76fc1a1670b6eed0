/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * What an entry says of itself: for secret/ what decides about a login, for account/ what a file server needs; and what of it cannot
 * be meant.
 *
 * No stored password is ever part of a sentence.
 */
#include <config.h>

#include "cache/project_login_parts.h"

#include <errno.h>
#include <time.h>

enum { SECONDS_A_DAY = 86400 };

/* --- values ------------------------------------------------------------------------------------------- */

struct span
login_mapping_value(const struct login_mapping *m, struct span attribute)
{
	const struct attribute *found = attribute.len > 0 ? entry_find(m->placed->entry, attribute) : NULL;
	struct span best = { "", 0 };

	/* In whatever order they come. */
	for (size_t i = 0; found != NULL && i < found->count; i++) {
		struct span value = span_trim(found->values[i]);

		if (value.len > 0 && (best.len == 0 || project_compare(value, best) < 0))
			best = value;
	}
	return best;
}

static bool
is_true(const struct login_mapping *m, struct span attribute)
{
	return span_is_nocase(login_mapping_value(m, attribute), SPAN("TRUE"));
}

/* Begins 'ATTRIBUTE is "VALUE"'. */
static struct text *
begin_of_value(struct login_mapping *m, struct span attribute, struct span value)
{
	struct text *say = complaint_begin(&m->complaints);

	text_put_span(say, attribute);
	text_put(say, " is ");
	complaint_quote(say, value);
	return say;
}

static bool
is_ftp_refused(const struct login_mapping *m)
{
	static const struct span allowed[] = { SPAN("enabled"), SPAN("TRUE"), SPAN("active") };
	const struct attribute *status = entry_find(m->placed->entry, m->settings->profile->ftp_status);

	for (size_t i = 0; status != NULL && i < status->count; i++) {
		struct span value = span_trim(status->values[i]);
		bool is_allowed = false;

		for (size_t a = 0; a < array_size(allowed); a++)
			is_allowed |= span_is_nocase(value, allowed[a]);
		if (!is_allowed)
			return true;
	}
	return false;
}

/* --- times --------------------------------------------------------------------------------------------- */

/* Two digits off *REST's front; false when there are none, or they are above MAX. */
static bool
take_two(struct span *rest, unsigned max, unsigned *out)
{
	uint64_t n;

	if (rest->len < 2 || span_to_u64(span_from(rest->data, 2), max, &n) < 0)
		return false;
	*out = (unsigned)n;
	*rest = span_skip(*rest, 2);
	return true;
}

/* Z, or the distance from UTC. */
static bool
take_zone(struct span rest, int64_t *seconds)
{
	unsigned hours = 0, minutes = 0;
	char sign;

	if (span_is(rest, SPAN("Z")))
		return true;
	if (rest.len == 0 || (rest.data[0] != '+' && rest.data[0] != '-'))
		return false;
	sign = rest.data[0];
	rest = span_skip(rest, 1);
	if (!take_two(&rest, 23, &hours) || (rest.len > 0 && !take_two(&rest, 59, &minutes)) || rest.len > 0)
		return false;
	*seconds += (sign == '+' ? -1 : 1) * (int64_t)(hours * 3600 + minutes * 60);
	return true;
}

/* A GeneralizedTime (RFC 4517 3.3.13) in seconds since 1970, 1 for what lies before. False: it is none. */
static bool
read_time(struct span text, uint64_t *out)
{
	unsigned century, year, month, day, hour, minute = 0, second = 0;
	struct tm tm = { 0 };
	int64_t seconds;

	if (!take_two(&text, 99, &century) || !take_two(&text, 99, &year) || !take_two(&text, 12, &month) ||
	    !take_two(&text, 31, &day) || !take_two(&text, 23, &hour) || month == 0 || day == 0)
		return false;
	if (text.len > 0 && text.data[0] >= '0' && text.data[0] <= '9' && !take_two(&text, 59, &minute))
		return false;
	if (text.len > 0 && text.data[0] >= '0' && text.data[0] <= '9' && !take_two(&text, 60, &second))
		return false;
	if (text.len > 0 && (text.data[0] == '.' || text.data[0] == ',')) {
		do
			text = span_skip(text, 1);
		while (text.len > 0 && text.data[0] >= '0' && text.data[0] <= '9');
	}
	tm.tm_year = (int)(century * 100 + year) - 1900;
	tm.tm_mon = (int)month - 1;
	tm.tm_mday = (int)day;
	tm.tm_hour = (int)hour;
	tm.tm_min = (int)minute;
	tm.tm_sec = (int)second;
	seconds = timegm(&tm);
	if (!take_zone(text, &seconds))
		return false;
	*out = seconds > 0 ? (uint64_t)seconds : 1;
	return true;
}

/* The time in ATTRIBUTE; 0 when there is none, MEANING (a problem) when it cannot be read. */
static uint64_t
time_of(struct login_mapping *m, struct span attribute, uint64_t meaning, const char *taken)
{
	struct span value = login_mapping_value(m, attribute);
	struct text *say;
	uint64_t seconds;

	if (value.len == 0)
		return 0;
	if (read_time(value, &seconds))
		return seconds;
	say = begin_of_value(m, attribute, value);
	text_putf(say, ", which is no time such as 20261121120000Z: %s. Correct it.", taken);
	login_mapping_complain(m, "bad-time");
	return meaning;
}

/* The day from which shadowExpire refuses, in seconds; 0: none. Of 0 it is said that it locks ("chage -E 0"), -1 is none. */
static uint64_t
shadow_end(struct login_mapping *m)
{
	struct span attribute = m->settings->profile->shadow_expire, value = login_mapping_value(m, attribute);
	struct text *say;
	uint64_t days;

	if (value.len == 0 || span_is(value, SPAN("-1")))
		return 0;
	if (span_to_u64(value, UINT32_MAX, &days) == 0)
		return days > 0 ? days * SECONDS_A_DAY : 1;
	say = begin_of_value(m, attribute, value);
	text_put(say, ", which is no number of days since 1970: it is passed over. Correct it.");
	login_mapping_complain(m, "bad-time");
	return 0;
}

/* What ppolicy, and others who write the same attributes, say of the account. */
static void
read_policy(struct login_mapping *m, struct secret_entry *secret)
{
	const struct profile *profile = m->settings->profile;
	uint64_t shadow;

	if (is_true(m, profile->account_lock))
		secret->flags |= SECRET_LOCKED;
	/* slapd's word for "until an admin unlocks it". */
	if (span_is(login_mapping_value(m, profile->locked_time), SPAN("000001010000Z")))
		secret->flags |= SECRET_LOCKED;
	else
		secret->locked_since = time_of(m, profile->locked_time, UINT64_MAX, "the account is taken as locked");
	if (is_true(m, profile->must_change))
		secret->flags |= SECRET_MUST_CHANGE;
	secret->starts = time_of(m, profile->start_time, UINT64_MAX, "the account is taken as not valid yet");
	secret->ends = time_of(m, profile->end_time, 1, "the account is taken as expired");
	shadow = shadow_end(m);
	if (shadow != 0 && (secret->ends == 0 || shadow < secret->ends))
		secret->ends = shadow;
	secret->changed = time_of(m, profile->changed_time, 0, "it is passed over");
}

/* --- passwords ----------------------------------------------------------------------------------------- */

/* How a value that begins so is stored; the first that fits says it. Which schemes are weak, docs/passwords.md says too. */
static const struct {
	struct span begins;
	const char *how; /* NULL: not weakly */
} forms[] = {
	{ { "{CLEAR}", 7 }, "in clear text" },
	{ { "{CLEARTEXT}", 11 }, "in clear text" },
	{ { "{PLAIN}", 7 }, "in clear text" },
	{ { "{MD5}", 5 }, "without a salt" },
	{ { "{SHA}", 5 }, "without a salt" },
	{ { "{SHA1}", 6 }, "without a salt" },
	{ { "{SHA256}", 8 }, "without a salt" },
	{ { "{SHA384}", 8 }, "without a salt" },
	{ { "{SHA512}", 8 }, "without a salt" },
	{ { "{NT}", 4 }, "without a salt" },
	{ { "{NTLM}", 6 }, "without a salt" },
	{ { "{LANMAN}", 8 }, "without a salt" },
	{ { "{PLAIN-MD4}", 11 }, "without a salt" },
	{ { "{PLAIN-MD5}", 11 }, "without a salt" },
	{ { "{LDAP-MD5}", 10 }, "without a salt" },
	{ { "{SMD5}", 6 }, "with MD5" },
	{ { "{MD5-CRYPT}", 11 }, "with MD5" },
	{ { "{CRYPT-MD5}", 11 }, "with MD5" },
	{ { "{CRYPT}$1$", 10 }, "with MD5" },
	{ { "{CRYPT}$md5", 11 }, "with MD5" },
	{ { "{CRYPT}$3$", 10 }, "without a salt" },
	{ { "{CRYPT}$", 8 }, NULL },
	/* What no password fits: an account that is locked so. */
	{ { "{CRYPT}!", 8 }, NULL },
	{ { "{CRYPT}*", 8 }, NULL },
	{ { "{CRYPT}", 7 }, "with the old crypt (DES), which looks at eight characters" },
	{ { "{DES-CRYPT}", 11 }, "with the old crypt (DES), which looks at eight characters" },
	{ { "{", 1 }, NULL },
	/* A hash without its tag, or locked: nobody can log in with it. */
	{ { "$", 1 }, NULL },
	{ { "!", 1 }, NULL },
	{ { "*", 1 }, NULL },
	{ { "", 0 }, "in clear text" },
};

static const char *
weakness(struct span value)
{
	size_t i = 0;

	while (!span_starts_nocase(value, forms[i].begins))
		i++;
	return forms[i].how;
}

static void
complain_of_password(struct login_mapping *m, struct span value)
{
	const char *weak = m->settings->report_weak_passwords ? weakness(value) : NULL;
	struct text *say;

	if (span_is(value, SPAN("noEntry"))) {
		say = complaint_begin(&m->complaints);
		text_put(say, "The entry has no password (the word noEntry stands for none), and nobody can log in as it. Set one, or remove ");
		text_put_span(say, m->settings->profile->password);
		text_put_char(say, '.');
		login_mapping_complain(m, "no-password");
	} else if (weak != NULL) {
		say = complaint_begin(&m->complaints);
		text_putf(say, "A password of the entry is stored %s: whoever reads it can find the password. Set it anew, hashed with {SSHA} "
		               "or better.", weak);
		login_mapping_complain(m, "weak-password");
	}
}

static int
compare_spans(const void *a, const void *b)
{
	return project_compare(*(const struct span *)a, *(const struct span *)b);
}

/* As they are: a blank at the end of a clear text is part of it. */
static int
put_passwords(struct login_mapping *m, struct text *out, size_t begun)
{
	struct span attribute = m->settings->profile->password;
	const struct attribute *found = attribute.len > 0 ? entry_find(m->placed->entry, attribute) : NULL;
	struct span *values;
	size_t used = 0;

	if (found == NULL || found->count == 0)
		return 0;
	values = arena_alloc(m->arena, found->count * sizeof(*values));
	if (values == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < found->count; i++)
		values[i] = found->values[i];
	qsort(values, found->count, sizeof(*values), compare_spans);
	for (size_t i = 0; i < found->count && used < PROJECT_LOGIN_PASSWORDS_MAX; i++) {
		if (values[i].len == 0)
			continue;
		used++;
		/* Nothing that is cut off: what is left could match something. And not nothing: that would be "cannot tell". */
		if (values[i].len > PROJECT_LOGIN_PASSWORD_OCTETS_MAX) {
			secret_entry_put_value(out, begun, SPAN("{TOO-LONG}"));
			continue;
		}
		complain_of_password(m, values[i]);
		secret_entry_put_value(out, begun, values[i]);
	}
	if (used == PROJECT_LOGIN_PASSWORDS_MAX && found->count > used) {
		text_putf(complaint_begin(&m->complaints), "The entry has %zu passwords; %d are tried. Remove those that are not used.",
		          found->count, PROJECT_LOGIN_PASSWORDS_MAX);
		login_mapping_complain(m, "too-many-passwords");
	}
	return 0;
}

int
login_mapping_secret(struct login_mapping *m, struct text *out)
{
	const struct profile *profile = m->settings->profile;
	struct secret_entry secret = {
		.kind = m->kind, .domain = m->own, .dn = m->placed->entry->dn, .address = m->address, .uid = m->uid
	};
	size_t begun = out->len;
	int r;

	if (secret.dn.len > UINT16_MAX)
		secret.dn.len = 0;
	if (secret.address.len > ADDRESS_TEXT_MAX)
		secret.address.len = 0;
	if (secret.uid.len > ADDRESS_TEXT_MAX)
		secret.uid.len = 0;
	if (project_is_suspended(profile, m->placed->entry))
		secret.flags |= SECRET_SUSPENDED;
	if (is_ftp_refused(m))
		secret.flags |= SECRET_FTP_REFUSED;
	if (login_mapping_value(m, profile->mail_host).len > 0)
		secret.flags |= SECRET_HAS_MAILBOX;
	read_policy(m, &secret);
	secret_entry_begin(out, &secret);
	r = put_passwords(m, out, begun);
	return r == 0 && text_failed(out) ? -ENOMEM : r;
}

/* --- what a file server needs ------------------------------------------------------------------------------ */

/* The number in ATTRIBUTE, at most MAX; 0 when there is none, or it is none (a problem). */
static uint64_t
number_of(struct login_mapping *m, struct span attribute, uint64_t max, const char *kind)
{
	struct span value = login_mapping_value(m, attribute);
	struct text *say;
	uint64_t n;

	if (value.len == 0)
		return 0;
	if (span_to_u64(value, max, &n) == 0)
		return n;
	say = begin_of_value(m, attribute, value);
	text_put(say, ", which is no number that can be used, and is passed over. Correct it.");
	login_mapping_complain(m, kind);
	return 0;
}

/* FIRST, else SECOND. 0 in both is a problem: files of root are given to nobody. */
static uint32_t
owner_of(struct login_mapping *m, struct span first, struct span second)
{
	uint64_t n = number_of(m, first, UINT32_MAX - 1, "bad-owner-number");
	struct text *say;

	if (n == 0)
		n = number_of(m, second, UINT32_MAX - 1, "bad-owner-number");
	if (n == 0 && span_is(login_mapping_value(m, second), SPAN("0"))) {
		say = complaint_begin(&m->complaints);
		text_put(say, "Nobody can log in to a file server as this entry: its ");
		text_put_span(say, second);
		text_put(say, " is 0, which is root. Set another number.");
		login_mapping_complain(m, "bad-owner-number");
	}
	return (uint32_t)n;
}

/* Whether one part of PATH is "..". */
static bool
goes_up(struct span path)
{
	for (size_t i = 0, begin = 0; i <= path.len; i++) {
		if (i < path.len && path.data[i] != '/')
			continue;
		if (i - begin == 2 && memcmp(path.data + begin, "..", 2) == 0)
			return true;
		begin = i + 1;
	}
	return false;
}

static struct span
home_of(struct login_mapping *m)
{
	struct span attribute = m->settings->profile->home, value = login_mapping_value(m, attribute);
	struct text *say;

	if (value.len == 0 || (value.data[0] == '/' && value.len <= PROJECT_LOGIN_TEXT_MAX && complaint_is_printable(value) &&
	                       !goes_up(value)))
		return value;
	say = begin_of_value(m, attribute, value);
	text_put(say, ", and is not used: a home is an absolute path of up to 1024 octets of UTF-8 without \"..\". Correct it.");
	login_mapping_complain(m, "bad-home");
	return (struct span){ "", 0 };
}

int
login_mapping_account(struct login_mapping *m, struct text *out)
{
	const struct profile *profile = m->settings->profile;
	struct account_entry account = { .kind = m->kind, .domain = m->own, .uid_value = m->uid };
	int r;

	if (account.uid_value.len > ADDRESS_TEXT_MAX)
		account.uid_value.len = 0;
	if (project_is_suspended(profile, m->placed->entry))
		account.flags |= ACCOUNT_SUSPENDED;
	if (is_ftp_refused(m))
		account.flags |= ACCOUNT_FTP_REFUSED;
	account.uid = owner_of(m, profile->ftp_uid, profile->uid_number);
	account.gid = owner_of(m, profile->ftp_gid, profile->gid_number);
	account.quota_octets = number_of(m, profile->ftp_quota_megabytes, UINT64_MAX >> 21, "bad-quota") << 20;
	account.quota_files = number_of(m, profile->ftp_quota_files, UINT64_MAX >> 1, "bad-quota");
	account.upload = number_of(m, profile->ftp_upload_bandwidth, UINT64_MAX >> 11, "bad-quota") << 10;
	account.download = number_of(m, profile->ftp_download_bandwidth, UINT64_MAX >> 11, "bad-quota") << 10;
	account.upload_ratio = (uint32_t)number_of(m, profile->ftp_upload_ratio, UINT32_MAX, "bad-quota");
	account.download_ratio = (uint32_t)number_of(m, profile->ftp_download_ratio, UINT32_MAX, "bad-quota");
	account.home = home_of(m);
	r = login_mapping_store(m, &account);
	account_entry_put(out, &account);
	return r == 0 && text_failed(out) ? -ENOMEM : r;
}
