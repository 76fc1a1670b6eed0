/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 */
#include <config.h>

#include "cache/syncmsg.h"

#include "cache/tlv.h"

#include <errno.h>

enum {
	INFO_NEW_COOKIE = 0x80,      /* [0] syncCookie */
	INFO_REFRESH_DELETE = 0xa1,  /* [1] SEQUENCE */
	INFO_REFRESH_PRESENT = 0xa2, /* [2] SEQUENCE */
	INFO_ID_SET = 0xa3,          /* [3] SEQUENCE */
	MODE_REFRESH_AND_PERSIST = 3,
};

static int
read_cookie(struct span *rest, struct syncmsg_cookie *out)
{
	int r = tlv_optional(rest, TLV_OCTET_STRING, &out->value);

	if (r < 0)
		return r;
	if (r > 0 && out->value.len > SYNCMSG_COOKIE_MAX)
		return -EPROTO;
	out->given = r > 0;
	return 0;
}

/* BOOLEAN DEFAULT VALUE */
static int
read_boolean(struct span *rest, bool value, bool *out)
{
	struct span content;
	int r = tlv_optional(rest, TLV_BOOLEAN, &content);

	if (r < 0)
		return r;
	*out = value;
	return r > 0 ? tlv_boolean(content, out) : 0;
}

int
syncmsg_read_state(struct span value, struct syncmsg_state *out)
{
	struct syncmsg_state state = { 0 };
	struct span rest, number, uuid;
	uint32_t which;

	if (tlv_expect(&value, TLV_SEQUENCE, &rest) < 0 || value.len > 0 ||
	    tlv_expect(&rest, TLV_ENUMERATED, &number) < 0 || tlv_number(number, &which) < 0 ||
	    which > SYNCMSG_DELETE || tlv_expect(&rest, TLV_OCTET_STRING, &uuid) < 0 ||
	    uuid.len != ENTRY_UUID_LEN || read_cookie(&rest, &state.cookie) < 0)
		return -EPROTO;
	state.state = (enum syncmsg_entry_state)which;
	memcpy(state.uuid, uuid.data, ENTRY_UUID_LEN);
	*out = state;
	return 0;
}

int
syncmsg_read_done(struct span value, struct syncmsg_done *out)
{
	struct syncmsg_done done = { 0 };
	struct span rest;

	if (tlv_expect(&value, TLV_SEQUENCE, &rest) < 0 || value.len > 0 ||
	    read_cookie(&rest, &done.cookie) < 0 ||
	    read_boolean(&rest, false, &done.refresh_deletes) < 0)
		return -EPROTO;
	*out = done;
	return 0;
}

static int
check_uuids(struct span set)
{
	while (set.len > 0) {
		struct span uuid;

		if (tlv_expect(&set, TLV_OCTET_STRING, &uuid) < 0 || uuid.len != ENTRY_UUID_LEN)
			return -EPROTO;
	}
	return 0;
}

int
syncmsg_read_info(struct span value, struct syncmsg_info *out)
{
	struct syncmsg_info info = { 0 };
	struct tlv choice;
	struct span rest;

	if (tlv_take(&value, &choice) < 0 || value.len > 0)
		return -EPROTO;
	rest = choice.content;
	switch (choice.tag) {
	case INFO_NEW_COOKIE:
		if (rest.len > SYNCMSG_COOKIE_MAX)
			return -EPROTO;
		info.kind = SYNCMSG_NEW_COOKIE;
		info.cookie = (struct syncmsg_cookie){ true, rest };
		break;
	case INFO_REFRESH_DELETE:
	case INFO_REFRESH_PRESENT:
		info.kind = choice.tag == INFO_REFRESH_DELETE ? SYNCMSG_REFRESH_DELETE
		                                              : SYNCMSG_REFRESH_PRESENT;
		if (read_cookie(&rest, &info.cookie) < 0 ||
		    read_boolean(&rest, true, &info.refresh_done) < 0)
			return -EPROTO;
		break;
	case INFO_ID_SET:
		info.kind = SYNCMSG_ID_SET;
		if (read_cookie(&rest, &info.cookie) < 0 ||
		    read_boolean(&rest, false, &info.refresh_deletes) < 0 ||
		    tlv_expect(&rest, TLV_SET, &info.uuids) < 0 || check_uuids(info.uuids) < 0)
			return -EPROTO;
		break;
	default:
		return -EPROTO;
	}
	*out = info;
	return 0;
}

bool
syncmsg_next_uuid(struct span *uuids, uint8_t out_uuid[ENTRY_UUID_LEN])
{
	struct span uuid;

	if (tlv_expect(uuids, TLV_OCTET_STRING, &uuid) < 0 || uuid.len != ENTRY_UUID_LEN)
		return false;
	memcpy(out_uuid, uuid.data, ENTRY_UUID_LEN);
	return true;
}

/* Others' are opaque. */
static bool
is_of_openldap(struct span cookie)
{
	return span_starts_nocase(cookie, SPAN("rid=")) || span_starts_nocase(cookie, SPAN("sid=")) ||
	       span_starts_nocase(cookie, SPAN("csn="));
}

/* In a cookie that a server of OpenLDAP's gives out, "sid" is that server; in one that it is given, the server that asks, and
 * changes that came from there are not sent. A cookie of one server given back to another would keep us without all that it
 * has of the first. */
static void
put_without_sid(struct text *out, struct span cookie)
{
	const char *between = "";

	while (cookie.len > 0) {
		const char *comma = memchr(cookie.data, ',', cookie.len);
		struct span field = span_from(cookie.data, comma != NULL ? (size_t)(comma - cookie.data) : cookie.len);

		if (!span_starts_nocase(field, SPAN("sid="))) {
			text_put(out, between);
			text_put_span(out, field);
			between = ",";
		}
		cookie = span_skip(cookie, field.len + (comma != NULL ? 1 : 0));
	}
}

void
syncmsg_put_request(struct text *out, struct span cookie)
{
	static const char mode[] = { MODE_REFRESH_AND_PERSIST };
	struct text inner = TEXT_INIT, ours = TEXT_INIT;

	tlv_put(&inner, TLV_ENUMERATED, span_from(mode, sizeof(mode)));
	if (is_of_openldap(cookie))
		put_without_sid(&ours, cookie);
	else
		text_put_span(&ours, cookie);
	if (ours.len > 0)
		tlv_put(&inner, TLV_OCTET_STRING, text_span(&ours));
	/* reloadHint stays FALSE, its default: a server that cannot go on from the cookie says so. */
	tlv_put(out, TLV_SEQUENCE, text_span(&inner));
	out->failed = out->failed || text_failed(&inner) || text_failed(&ours);
	text_free(&inner);
	text_free(&ours);
}

/* Without what stands before the first CSN; empty when there is none. */
static struct span
skip_to_csns(struct span cookie)
{
	static const char field[] = "csn=";
	enum { FIELD_LEN = sizeof(field) - 1 };

	for (size_t i = 0; i + FIELD_LEN <= cookie.len; i++)
		/* "delcsn=" is another field. */
		if (memcmp(cookie.data + i, field, FIELD_LEN) == 0 &&
		    (i == 0 || cookie.data[i - 1] == ','))
			return span_skip(cookie, i + FIELD_LEN);
	return span_from(cookie.data, 0);
}

bool
syncmsg_next_csn(struct span *rest, struct span *out_csn)
{
	struct span from = *rest;
	size_t n = 0;

	/* A rest that begins with ';' is the list itself, behind a CSN taken earlier. */
	if (from.len > 0 && from.data[0] == ';')
		from = span_skip(from, 1);
	else
		from = skip_to_csns(from);
	while (n < from.len && from.data[n] != ';' && from.data[n] != ',')
		n++;
	if (n == 0)
		return false;
	*out_csn = span_from(from.data, n);
	*rest = span_skip(from, n);
	if (rest->len > 0 && rest->data[0] == ',')
		rest->len = 0;
	return true;
}

uint32_t
syncmsg_cookie_seconds(struct span cookie)
{
	uint32_t newest = 0;
	struct span csn;

	while (syncmsg_next_csn(&cookie, &csn)) {
		uint32_t seconds = csn_seconds(csn);

		if (seconds > newest)
			newest = seconds;
	}
	return newest;
}

/* "20260101000000.000001Z#000000#001#000000", the only form that OpenLDAP has written for many years. */
static bool
is_csn(struct span csn)
{
	static const char form[] = "00000000000000.000000Z#xxxxxx#xxx#xxxxxx";

	if (csn.len != sizeof(form) - 1)
		return false;
	for (size_t i = 0; i < csn.len; i++) {
		char c = ascii_lower(csn.data[i]);
		bool digit = c >= '0' && c <= '9';
		bool fits = form[i] == '0'   ? digit
		            : form[i] == 'x' ? digit || (c >= 'a' && c <= 'f')
		                             : csn.data[i] == form[i];

		if (!fits)
			return false;
	}
	return true;
}

bool
syncmsg_cookie_is_usable(struct span cookie)
{
	struct span csn;
	size_t csns = 0;

	if (!is_of_openldap(cookie))
		return cookie.len > 0;
	for (; syncmsg_next_csn(&cookie, &csn); csns++)
		if (!is_csn(csn))
			return false;
	return csns > 0;
}

/* The third field of "time#count#sid#mod": which server made the change. */
static struct span
csn_sid(struct span csn)
{
	struct span field = { NULL, 0 };

	for (unsigned i = 0; i < 3; i++) {
		const char *hash = csn.len > 0 ? memchr(csn.data, '#', csn.len) : NULL;
		size_t n = hash != NULL ? (size_t)(hash - csn.data) : csn.len;

		field = span_from(csn.data, n);
		csn = span_skip(csn, hash != NULL ? n + 1 : n);
	}
	return field;
}

/* CSNs are made so that their octets sort by time. */
static int
csn_compare(struct span a, struct span b)
{
	size_t n = a.len < b.len ? a.len : b.len;
	int order = n > 0 ? memcmp(a.data, b.data, n) : 0;

	if (order != 0)
		return order;
	return (a.len > b.len) - (a.len < b.len);
}

/* The newest CSN in COOKIE of server SID, or an empty span. */
static struct span
csn_of(struct span cookie, struct span sid)
{
	struct span found = { "", 0 }, csn;

	while (syncmsg_next_csn(&cookie, &csn))
		if (is_csn(csn) && span_is(csn_sid(csn), sid) && (found.len == 0 || csn_compare(csn, found) > 0))
			found = csn;
	return found;
}

/* The server after SID in COOKIE that sorts first, if it sorts before *BEST. */
static void
take_next_sid(struct span cookie, struct span sid, struct span *best)
{
	struct span csn;

	while (syncmsg_next_csn(&cookie, &csn)) {
		struct span other = csn_sid(csn);

		if (is_csn(csn) && csn_compare(other, sid) > 0 && (best->len == 0 || csn_compare(other, *best) < 0))
			*best = other;
	}
}

void
syncmsg_put_merged(struct text *out, struct span old, struct span new)
{
	struct span rest = new, csn, sid = { "", 0 };
	const char *between = "";

	/* What names no change takes nothing back. */
	if (!syncmsg_cookie_is_usable(new) && syncmsg_cookie_is_usable(old)) {
		text_put_span(out, old);
		return;
	}
	if (syncmsg_state_covers(new, old) || !syncmsg_next_csn(&rest, &csn)) {
		text_put_span(out, new);
		return;
	}
	text_put_span(out, span_from(new.data, (size_t)(csn.data - new.data)));
	for (;;) {
		struct span next = { "", 0 }, before, after;

		take_next_sid(old, sid, &next);
		take_next_sid(new, sid, &next);
		if (next.len == 0)
			return;
		sid = next;
		before = csn_of(old, sid);
		after = csn_of(new, sid);
		text_put(out, between);
		text_put_span(out, after.len == 0 || csn_compare(before, after) > 0 ? before : after);
		between = ";";
	}
}

bool
syncmsg_state_covers(struct span state, struct span cookie)
{
	struct span ours, theirs;

	while (syncmsg_next_csn(&cookie, &ours)) {
		struct span rest = state;
		/* What is no CSN says nothing about time. */
		bool covered = !is_csn(ours);

		while (!covered && syncmsg_next_csn(&rest, &theirs))
			covered = span_is(csn_sid(theirs), csn_sid(ours)) &&
			          csn_compare(theirs, ours) >= 0;
		if (!covered)
			return false;
	}
	return true;
}
