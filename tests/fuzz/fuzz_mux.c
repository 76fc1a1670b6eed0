/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * A request means the same however it comes in pieces, and what was read can be written and read again.
 */
#include <config.h>

#include "common/counted.h"
#include "saslauth/mux.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(bool truth)
{
	if (!truth)
		abort();
}

static bool
is_same(const struct mux_request *a, const struct mux_request *b)
{
	return span_is(a->login, b->login) && span_is(a->password, b->password) && span_is(a->service, b->service) &&
	       span_is(a->realm, b->realm) && span_is(a->client, b->client);
}

static bool
lies_in(struct span part, struct span whole)
{
	return part.len == 0 || (part.data >= whole.data && part.data + part.len <= whole.data + whole.len);
}

static void
survives(const struct mux_request *request)
{
	struct text out = TEXT_INIT;
	struct mux_request again;

	require(counted_put(&out, request->login) == 0 && counted_put(&out, request->password) == 0 &&
	        counted_put(&out, request->service) == 0 && counted_put(&out, request->realm) == 0);
	if (request->client.len > 0)
		require(counted_put(&out, request->client) == 0);
	require(out.len <= MUX_REQUEST_MAX);
	require(mux_take_request(text_span(&out), &again) == 1 && is_same(request, &again));
	text_free(&out);
}

/* The request with four strings is complete before that with five; otherwise fewer octets say nothing yet, or the same. */
static void
grows(struct span input, int r, const struct mux_request *request)
{
	unsigned other = 0;

	for (size_t n = 0; n < input.len; n = n < 64 ? n + 1 : n * 2) {
		struct mux_request early;
		int e = mux_take_request(span_from(input.data, n), &early);

		if (e == 1 && r == 1)
			other += !is_same(&early, request);
		else
			other += e != 0 && e != r;
	}
	require(other <= 1);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span input = span_from(data, size);
	struct mux_request request = { .login = SPAN("untouched") };
	int r = mux_take_request(input, &request);

	if (r == 1) {
		require(request.login.len > 0 && request.login.len <= MUX_FIELD_MAX);
		require(request.password.len > 0 && request.password.len <= MUX_PASSWORD_MAX);
		require(request.client.len <= MUX_FIELD_MAX);
		require(lies_in(request.login, input) && lies_in(request.password, input) && lies_in(request.service, input) &&
		        lies_in(request.realm, input) && lies_in(request.client, input));
		survives(&request);
	} else {
		require(span_is(request.login, SPAN("untouched")));
		require(r < 0 || size < MUX_REQUEST_MAX);
	}
	grows(input, r, &request);
	return 0;
}
