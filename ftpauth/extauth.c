/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 */
#include <config.h>

#include "ftpauth/extauth.h"

#include <errno.h>
#include <inttypes.h>

static bool
next_line(struct span *rest, struct span *out)
{
	const char *end = rest->len > 0 ? memchr(rest->data, '\n', rest->len) : NULL;

	if (end == NULL)
		return false;
	*out = span_from(rest->data, (size_t)(end - rest->data));
	*rest = span_skip(*rest, out->len + 1);
	return true;
}

/* Sets the value of a key that we know; false when it is there already. What we do not know is passed over: newer servers say more. */
static bool
take_line(struct span line, struct extauth_request *request)
{
	const struct {
		struct span key;
		struct span *value;
	} keys[] = {
		{ SPAN("account:"), &request->account },
		{ SPAN("password:"), &request->password },
		{ SPAN("peer:"), &request->peer },
	};

	for (size_t i = 0; i < array_size(keys); i++) {
		size_t n = keys[i].key.len;

		if (line.len < n || memcmp(line.data, keys[i].key.data, n) != 0)
			continue;
		if (keys[i].value->data != NULL)
			return false;
		*keys[i].value = span_skip(line, n);
	}
	return true;
}

static void
set_if_missing(struct span *value)
{
	if (value->data == NULL)
		*value = SPAN("");
}

int
extauth_take_request(struct span input, struct extauth_request *out)
{
	struct extauth_request request = { .account = { NULL, 0 } };
	struct span rest = input, line;
	bool sound = true;

	for (;;) {
		if (!next_line(&rest, &line))
			return input.len > EXTAUTH_REQUEST_MAX ? -EMSGSIZE : 0;
		if (span_is(line, SPAN("end")))
			break;
		sound &= take_line(line, &request);
	}
	if (input.len - rest.len > EXTAUTH_REQUEST_MAX)
		return -EMSGSIZE;
	if (!sound || rest.len > 0 || memchr(input.data, '\0', input.len) != NULL)
		return -EBADMSG;
	if (request.account.len == 0 || request.password.len == 0)
		return -EINVAL;
	set_if_missing(&request.peer);
	*out = request;
	return 1;
}

/* --- replies --------------------------------------------------------------------------------------------- */

static bool
can_be_said(const struct extauth_reply *reply)
{
	struct span dir = reply->dir;

	return reply->uid != 0 && reply->gid != 0 && dir.len > 0 && dir.data[0] == '/' && memchr(dir.data, '\n', dir.len) == NULL &&
	       memchr(dir.data, '\0', dir.len) == NULL;
}

static void
put_number(struct text *out, const char *key, uint64_t number)
{
	if (number > 0)
		text_putf(out, "%s:%" PRIu64 "\n", key, number);
}

static void
put_accepted(struct text *out, const struct extauth_reply *reply)
{
	text_putf(out, "auth_ok:1\nuid:%" PRIu32 "\ngid:%" PRIu32 "\ndir:", reply->uid, reply->gid);
	text_put_span(out, reply->dir);
	text_put_char(out, '\n');
	put_number(out, "throttling_bandwidth_ul", reply->upload);
	put_number(out, "throttling_bandwidth_dl", reply->download);
	put_number(out, "user_quota_size", reply->quota_size);
	put_number(out, "user_quota_files", reply->quota_files);
	put_number(out, "ratio_upload", reply->upload_ratio);
	put_number(out, "ratio_download", reply->download_ratio);
	text_put(out, "end\n");
}

void
extauth_put_reply(struct text *out, const struct extauth_reply *reply)
{
	size_t before = out->len;

	if (reply->verdict == EXTAUTH_UNKNOWN) {
		text_put(out, "auth_ok:0\nend\n");
		return;
	}
	if (reply->verdict == EXTAUTH_ACCEPTED && can_be_said(reply)) {
		put_accepted(out, reply);
		if (out->len - before <= EXTAUTH_REPLY_MAX)
			return;
		out->len = before;
	}
	text_put_span(out, EXTAUTH_REFUSAL);
}
