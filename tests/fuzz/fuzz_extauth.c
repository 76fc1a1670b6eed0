/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * Requests: what was read can be written and read again, and is not read before its end. Homes: whatever stands in one, the reply ends
 * in "end" and says nothing that was not meant.
 */
#include <config.h>

#include "ftpauth/extauth.h"
#include "ftpauth/session.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(bool truth)
{
	if (!truth)
		abort();
}

static bool
has(struct span s, char c)
{
	return s.len > 0 && memchr(s.data, c, s.len) != NULL;
}

static bool
is_a_value(struct span s, struct span input)
{
	return !has(s, '\n') && !has(s, '\0') &&
	       (s.len == 0 || (s.data >= input.data && s.data + s.len < input.data + input.len));
}

static void
survives(const struct extauth_request *request, struct span input)
{
	struct extauth_request again;
	struct text out = TEXT_INIT;

	text_put(&out, "peer:");
	text_put_span(&out, request->peer);
	text_put(&out, "\nnews:1\npassword:");
	text_put_span(&out, request->password);
	text_put(&out, "\naccount:");
	text_put_span(&out, request->account);
	text_put(&out, "\nend\n");
	if (out.len <= EXTAUTH_REQUEST_MAX) {
		require(extauth_take_request(text_span(&out), &again) == 1);
		require(span_is(again.account, request->account) && span_is(again.password, request->password) &&
		        span_is(again.peer, request->peer));
	}
	text_free(&out);
	require(is_a_value(request->account, input) && is_a_value(request->password, input) && is_a_value(request->peer, input));
	require(request->account.len > 0 && request->password.len > 0);
	/* Without the last line feed it was not complete. */
	require(extauth_take_request(span_from(input.data, input.len - 1), &again) == 0);
}

static size_t
count_of(const struct text *text, const char *part)
{
	size_t n = 0;

	for (const char *at = text_str(text); (at = strstr(at, part)) != NULL; at++)
		n++;
	return n;
}

static void
reply_is_sound(struct span home)
{
	static const char *root = "/var/www";
	const struct account_entry entry = { .uid = 7, .gid = 8, .home = home, .quota_octets = 9 };
	struct text dir = TEXT_INIT, out = TEXT_INIT;

	for (unsigned i = 0; i < 4; i++) {
		const struct session_rules rules = { .chroot = (i & 1) != 0, .roots = { i >> 1, &root } };
		struct extauth_reply reply;
		enum session_flaw flaw = session_reply(&rules, &entry, false, &dir, &reply);

		text_clear(&out);
		extauth_put_reply(&out, &reply);
		require(out.len <= EXTAUTH_REPLY_MAX && !text_failed(&out) && strlen(out.data) == out.len);
		require(out.len > 5 && strcmp(out.data + out.len - 5, "\nend\n") == 0);
		require(count_of(&out, "auth_ok:") == 1 || flaw == SESSION_SOUND);
		if (flaw != SESSION_SOUND) {
			require(strcmp(out.data, "auth_ok:-1\nend\n") == 0);
			continue;
		}
		require(strncmp(out.data, "auth_ok:1\nuid:7\ngid:8\ndir:/", 27) == 0 && count_of(&out, "\n") == 6);
		require(!rules.chroot || count_of(&out, "/./") > 0);
		require(rules.roots.count == 0 || count_of(&out, "www") > 0);
		require(count_of(&out, "/../") == 0);
	}
	text_free(&dir);
	text_free(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span input = span_from(data, size);
	struct extauth_request request = { .account = SPAN("untouched") };
	int r = extauth_take_request(input, &request);

	require(r <= 1);
	if (r == 1) {
		require(size <= EXTAUTH_REQUEST_MAX);
		survives(&request, input);
	} else {
		require(span_is(request.account, SPAN("untouched")));
		require(r < 0 || size <= EXTAUTH_REQUEST_MAX);
	}
	reply_is_sound(input);
	return 0;
}
