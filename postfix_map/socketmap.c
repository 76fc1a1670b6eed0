/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 */
#include <config.h>

#include "postfix_map/socketmap.h"

#include "postfix_map/netstring.h"

void
socketmap_request(struct span request, struct span *out_name, struct span *out_key)
{
	const char *blank = request.len > 0 ? memchr(request.data, ' ', request.len) : NULL;
	size_t n = blank != NULL ? (size_t)(blank - request.data) : request.len;

	*out_name = span_from(request.data, n);
	*out_key = blank != NULL ? span_skip(request, n + 1) : SPAN("");
}

void
socketmap_put_reply(struct text *out, const struct reply *reply)
{
	static const struct span heads[REPLY_WORDS] = {
		[REPLY_FOUND] = { "OK ", 3 },
		[REPLY_ABSENT] = { "NOTFOUND ", 9 },
		[REPLY_LATER] = { "TEMP ", 5 },
		[REPLY_NONSENSE] = { "PERM ", 5 },
	};

	netstring_put(out, heads[reply->word], reply->word == REPLY_ABSENT ? SPAN("") : reply->text);
}
