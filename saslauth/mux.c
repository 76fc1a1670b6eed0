/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 */
#include <config.h>

#include "saslauth/mux.h"

#include "common/counted.h"

#include <errno.h>

/* What C programs take for its end. */
static bool
has_nul(struct span s)
{
	return s.len > 0 && memchr(s.data, '\0', s.len) != NULL;
}

int
mux_take_request(struct span input, struct mux_request *out)
{
	struct mux_request request = { .client = SPAN("") };
	const struct {
		struct span *field;
		size_t max;
	} fields[] = {
		{ &request.login, MUX_FIELD_MAX },   { &request.password, MUX_PASSWORD_MAX }, { &request.service, MUX_FIELD_MAX },
		{ &request.realm, MUX_FIELD_MAX },   { &request.client, MUX_FIELD_MAX },
	};
	enum { ALWAYS = 4 };

	for (size_t i = 0; i < array_size(fields) && (i < ALWAYS || input.len > 0); i++) {
		int r = counted_take(&input, fields[i].max, fields[i].field);

		if (r != 1)
			return r;
	}
	for (size_t i = 0; i < array_size(fields); i++)
		if (has_nul(*fields[i].field))
			return -EBADMSG;
	if (request.login.len == 0 || request.password.len == 0)
		return -EINVAL;
	*out = request;
	return 1;
}

void
mux_put_reply(struct text *out, bool accepted)
{
	static const char ok[] = { 0, 2, 'O', 'K' }, no[] = { 0, 2, 'N', 'O' };

	text_put_span(out, span_from(accepted ? ok : no, sizeof(ok)));
}

void
mux_put_accepted(struct text *out, const uint8_t uuid[16])
{
	static const char head[] = { 0, 39, 'O', 'K', ' ' };

	text_put_span(out, span_from(head, sizeof(head)));
	for (size_t i = 0; i < 16; i++)
		text_putf(out, i == 4 || i == 6 || i == 8 || i == 10 ? "-%02x" : "%02x", uuid[i]);
}
