/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * How each value is laid out stands above its writer; a reader checks every length before it believes it.
 */
#include <config.h>

#include "cache/record_login.h"

#include "cache/octets.h"

#include <errno.h>

_Static_assert(KEY_MAX >= 2 + LOGIN_MAX && KEY_MAX >= 3 + 2 * ADDRESS_DOMAIN_MAX,
               "a subject's key, with the p of its problems in front");

/* Both environments' versions are the same number: what they share is laid out by one function. */
_Static_assert((int)SECRET_FORMAT == (int)ACCOUNT_FORMAT, "one version octet for what both have");
enum { LOGIN_VERSION = SECRET_FORMAT };

/* --- logins ---------------------------------------------------------------------------------------- */

int
login_fold(struct span text, char *out, size_t *out_len, struct span *out_domain)
{
	char word[ADDRESS_LOCAL_MAX] unfilled;
	struct address address unfilled;
	size_t n;
	int r;

	if (text.len == 0 || text.len > ADDRESS_TEXT_MAX)
		return -EINVAL;
	if (memchr(text.data, '@', text.len) == NULL) {
		r = address_local(span_trim(text), word, &n);
		if (r < 0)
			return r;
		memcpy(out, word, n);
		*out_len = n;
		*out_domain = (struct span){ "", 0 };
		return 0;
	}
	r = address_read(text, &address);
	if (r < 0)
		return r;
	n = address.local_len + 1 + address.domain_len;
	if (address.kind != ADDRESS_FULL || address.literal || n > LOGIN_MAX)
		return -EINVAL;
	memcpy(out, address.local, address.local_len);
	out[address.local_len] = '@';
	memcpy(out + address.local_len + 1, address.domain, address.domain_len);
	*out_len = n;
	*out_domain = span_from(out + address.local_len + 1, address.domain_len);
	return 0;
}

/* --- keys ------------------------------------------------------------------------------------------ */

static void
put(struct key *key, struct span s, size_t max)
{
	size_t n = s.len < max ? s.len : max;

	if (n > 0)
		memcpy(key->octets + key->len, s.data, n);
	key->len += n;
}

static void
begin_key(struct key *out, enum login_environment environment, char secret, char account)
{
	out->octets[0] = (uint8_t)(environment == LOGIN_SECRET ? secret : account);
	out->len = 1;
}

void
key_login(struct key *out, enum login_environment environment, struct span login)
{
	begin_key(out, environment, 'l', 'L');
	put(out, login, LOGIN_MAX);
}

void
key_login_entry(struct key *out, enum login_environment environment, const uint8_t uuid[ENTRY_UUID_LEN])
{
	begin_key(out, environment, 'e', 'E');
	put(out, span_from(uuid, ENTRY_UUID_LEN), ENTRY_UUID_LEN);
}

void
key_login_domain(struct key *out, enum login_environment environment, struct span domain)
{
	begin_key(out, environment, 'o', 'O');
	put(out, domain, ADDRESS_DOMAIN_MAX);
}

void
key_login_host(struct key *out, char letter, struct span name)
{
	begin_key(out, LOGIN_ACCOUNT, letter, letter);
	put(out, name, ADDRESS_DOMAIN_MAX);
}

void
key_login_foreign(struct key *out, struct span domain, struct span claimer)
{
	begin_key(out, LOGIN_SECRET, 'v', 'v');
	put(out, domain, ADDRESS_DOMAIN_MAX);
	out->octets[out->len++] = 0;
	put(out, claimer, ADDRESS_DOMAIN_MAX);
}

int
key_login_split(struct span key, char *out_letter, struct span *out_name, struct span *out_claimer)
{
	struct span name, claimer = { "", 0 };
	size_t max = LOGIN_MAX;
	char letter;

	if (key.len < 2 || memchr("elovEGHLO", key.data[0], 9) == NULL)
		return -EINVAL;
	letter = key.data[0];
	name = span_skip(key, 1);
	if (letter == 'e' || letter == 'E') {
		if (name.len != ENTRY_UUID_LEN)
			return -EINVAL;
	} else {
		const char *zero = memchr(name.data, 0, name.len);

		if ((letter == 'v') != (zero != NULL))
			return -EINVAL;
		if (letter != 'l' && letter != 'L')
			max = ADDRESS_DOMAIN_MAX;
		if (zero != NULL) {
			claimer = span_skip(name, (size_t)(zero - name.data) + 1);
			name.len = (size_t)(zero - name.data);
			if (claimer.len == 0 || claimer.len > max || memchr(claimer.data, 0, claimer.len) != NULL)
				return -EINVAL;
		}
	}
	if (name.len == 0 || name.len > max)
		return -EINVAL;
	*out_letter = letter;
	*out_name = name;
	*out_claimer = claimer;
	return 0;
}

/* --- what all have in common ------------------------------------------------------------------------- */

/* Begins to read VALUE: 0, -EPROTO for another version, -EBADMSG for nothing at all. */
static int
begin(struct cursor *c, struct span value)
{
	if (value.len == 0)
		return -EBADMSG;
	if (value.data[0] != LOGIN_VERSION)
		return -EPROTO;
	*c = (struct cursor){ span_skip(value, 1), false };
	return 0;
}

/* Adds one to the count (2) at AT. */
static void
count_up(struct text *out, size_t at)
{
	uint32_t count;

	if (text_failed(out))
		return;
	count = octets_u16(out->data + at) + 1;
	if (count > UINT16_MAX) {
		out->failed = true;
		return;
	}
	out->data[at] = (char)count;
	out->data[at + 1] = (char)(count >> 8);
}

static bool
is_kind(uint8_t kind)
{
	return kind >= LOGIN_USER && kind < LOGIN_KINDS;
}

/* --- claims: version, count (2); a claim is the UUID, kind, right, form, the claimer -------------------------- */

enum { CLAIMS_COUNT_AT = 1 };

void
login_claims_begin(struct text *out)
{
	text_put_char(out, LOGIN_VERSION);
	octets_put_u16(out, 0);
}

void
login_claims_put(struct text *out, size_t begun, const struct login_claim *claim)
{
	text_put_span(out, span_from(claim->uuid, sizeof(claim->uuid)));
	text_put_char(out, (char)claim->kind);
	text_put_char(out, (char)claim->right);
	text_put_char(out, (char)claim->form);
	octets_put_string(out, claim->claimer);
	count_up(out, begun + CLAIMS_COUNT_AT);
}

int
login_claims_read(struct span value, struct login_claims *out)
{
	struct login_claims claims;
	struct cursor c;
	int r = begin(&c, value);

	if (r < 0)
		return r;
	claims.count = cursor_u16(&c);
	claims.octets = c.rest;
	if (c.failed)
		return -EBADMSG;
	*out = claims;
	return 0;
}

int
login_claims_next(struct login_claims *claims, struct login_claim *out)
{
	struct cursor c = { claims->octets, false };
	struct login_claim claim;
	struct span uuid;

	if (claims->count == 0)
		return claims->octets.len == 0 ? 0 : -EBADMSG;
	uuid = cursor_take(&c, sizeof(claim.uuid));
	claim.kind = cursor_u8(&c);
	claim.right = cursor_u8(&c);
	claim.form = cursor_u8(&c);
	claim.claimer = cursor_string(&c);
	if (c.failed || !is_kind(claim.kind) || claim.right < LOGIN_OWN || claim.right > LOGIN_BARE)
		return -EBADMSG;
	memcpy(claim.uuid, uuid.data, sizeof(claim.uuid));
	*out = claim;
	claims->octets = c.rest;
	claims->count--;
	return 1;
}

/* --- domains: version, bits, the master ------------------------------------------------------------------ */

enum { DOMAIN_BIT_SUSPENDED = 1 };

void
login_domain_put(struct text *out, const struct login_domain *domain)
{
	text_put_char(out, LOGIN_VERSION);
	text_put_char(out, domain->suspended ? DOMAIN_BIT_SUSPENDED : 0);
	octets_put_string(out, domain->master);
}

int
login_domain_read(struct span value, struct login_domain *out)
{
	struct login_domain domain;
	struct cursor c;
	int r = begin(&c, value);

	if (r < 0)
		return r;
	domain.suspended = (cursor_u8(&c) & DOMAIN_BIT_SUSPENDED) != 0;
	domain.master = cursor_string(&c);
	if (c.failed || c.rest.len > 0)
		return -EBADMSG;
	*out = domain;
	return 0;
}

/* --- secret: version, kind, flags, count of values (2), four times (8), four strings, the values ------------------ */

enum { SECRET_COUNT_AT = 3 };

void
secret_entry_begin(struct text *out, const struct secret_entry *entry)
{
	text_put_char(out, LOGIN_VERSION);
	text_put_char(out, (char)entry->kind);
	text_put_char(out, (char)entry->flags);
	octets_put_u16(out, 0);
	octets_put_u64(out, entry->locked_since);
	octets_put_u64(out, entry->starts);
	octets_put_u64(out, entry->ends);
	octets_put_u64(out, entry->changed);
	octets_put_string(out, entry->domain);
	octets_put_string(out, entry->dn);
	octets_put_string(out, entry->address);
	octets_put_string(out, entry->uid);
}

void
secret_entry_put_value(struct text *out, size_t begun, struct span value)
{
	octets_put_string(out, value);
	count_up(out, begun + SECRET_COUNT_AT);
}

int
secret_entry_read(struct span value, struct secret_entry *out)
{
	struct secret_entry entry;
	struct cursor c;
	int r = begin(&c, value);

	if (r < 0)
		return r;
	entry.kind = cursor_u8(&c);
	entry.flags = cursor_u8(&c);
	entry.value_count = cursor_u16(&c);
	entry.locked_since = cursor_u64(&c);
	entry.starts = cursor_u64(&c);
	entry.ends = cursor_u64(&c);
	entry.changed = cursor_u64(&c);
	entry.domain = cursor_string(&c);
	entry.dn = cursor_string(&c);
	entry.address = cursor_string(&c);
	entry.uid = cursor_string(&c);
	entry.values = c.rest;
	if (c.failed || !is_kind(entry.kind))
		return -EBADMSG;
	*out = entry;
	return 0;
}

int
secret_value_next(struct secret_entry *entry, struct span *out)
{
	struct cursor c = { entry->values, false };
	struct span value;

	if (entry->value_count == 0)
		return entry->values.len == 0 ? 0 : -EBADMSG;
	value = cursor_string(&c);
	if (c.failed)
		return -EBADMSG;
	*out = value;
	entry->values = c.rest;
	entry->value_count--;
	return 1;
}

/* --- account: version, kind, flags, uid, gid (4), quotas and bandwidths (8), ratios (4), three strings, uid, gid (4), mail quota
 *     (8), four strings ------------------------------------------------------------------------------------------ */

void
account_entry_put(struct text *out, const struct account_entry *entry)
{
	text_put_char(out, LOGIN_VERSION);
	text_put_char(out, (char)entry->kind);
	text_put_char(out, (char)entry->flags);
	octets_put_u32(out, entry->uid);
	octets_put_u32(out, entry->gid);
	octets_put_u64(out, entry->quota_octets);
	octets_put_u64(out, entry->quota_files);
	octets_put_u64(out, entry->upload);
	octets_put_u64(out, entry->download);
	octets_put_u32(out, entry->upload_ratio);
	octets_put_u32(out, entry->download_ratio);
	octets_put_string(out, entry->domain);
	octets_put_string(out, entry->uid_value);
	octets_put_string(out, entry->home);
	octets_put_u32(out, entry->posix_uid);
	octets_put_u32(out, entry->posix_gid);
	octets_put_u64(out, (uint64_t)entry->mail_quota);
	octets_put_string(out, entry->file_hosts);
	octets_put_string(out, entry->mail_host);
	octets_put_string(out, entry->address);
	octets_put_string(out, entry->folders);
}

int
account_entry_read(struct span value, struct account_entry *out)
{
	struct account_entry entry;
	struct cursor c;
	int r = begin(&c, value);

	if (r < 0)
		return r;
	entry.kind = cursor_u8(&c);
	entry.flags = cursor_u8(&c);
	entry.uid = cursor_u32(&c);
	entry.gid = cursor_u32(&c);
	entry.quota_octets = cursor_u64(&c);
	entry.quota_files = cursor_u64(&c);
	entry.upload = cursor_u64(&c);
	entry.download = cursor_u64(&c);
	entry.upload_ratio = cursor_u32(&c);
	entry.download_ratio = cursor_u32(&c);
	entry.domain = cursor_string(&c);
	entry.uid_value = cursor_string(&c);
	entry.home = cursor_string(&c);
	entry.posix_uid = cursor_u32(&c);
	entry.posix_gid = cursor_u32(&c);
	entry.mail_quota = (int64_t)cursor_u64(&c);
	entry.file_hosts = cursor_string(&c);
	entry.mail_host = cursor_string(&c);
	entry.address = cursor_string(&c);
	entry.folders = cursor_string(&c);
	if (c.failed || c.rest.len > 0 || !is_kind(entry.kind))
		return -EBADMSG;
	*out = entry;
	return 0;
}

/* --- hosts: version, names ------------------------------------------------------------------------- */

void
login_host_put(struct text *out, struct span names)
{
	text_put_char(out, LOGIN_VERSION);
	text_put_span(out, names);
}

int
login_host_read(struct span value, struct span *out_names)
{
	struct cursor c;
	int r = begin(&c, value);

	if (r < 0)
		return r;
	if (c.rest.len > 0 && c.rest.data[c.rest.len - 1] != '\0')
		return -EBADMSG;
	*out_names = c.rest;
	return 0;
}

bool
login_next_name(struct span *names, struct span *out_name)
{
	const char *zero = names->len > 0 ? memchr(names->data, '\0', names->len) : NULL;

	if (zero == NULL)
		return false;
	*out_name = span_from(names->data, (size_t)(zero - names->data));
	*names = span_skip(*names, out_name->len + 1);
	return true;
}
