/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * Values of "listen" and "allow" are refused with a reason, or mean something that can be written and read again.
 */
#include <config.h>

#include "common/allow.h"
#include "common/listener.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(bool truth)
{
	if (!truth)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct text value = TEXT_INIT, why = TEXT_INIT, shown = TEXT_INIT;
	struct listener_address address, again;
	struct allow_prefix prefix;

	text_put_span(&value, span_from(data, size));
	if (listener_parse(text_str(&value), &address, &why) == 0) {
		listener_put(&shown, &address);
		require(listener_parse(text_str(&shown), &again, &why) == 0 && listener_is_same(&address, &again));
		require(address.mode <= 0777);
	} else {
		require(why.len > 0);
	}
	text_clear(&why);
	if (allow_parse(text_str(&value), &prefix, &why) == 0)
		require(prefix.length <= 128);
	else
		require(why.len > 0);
	text_free(&value);
	text_free(&why);
	text_free(&shown);
	return 0;
}
