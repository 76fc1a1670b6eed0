/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * The fifth string of a login, and what the log shows of any: an address that was read is shown in a form that is read the same, and
 * nothing in a word can end the field it stands in.
 */
#include <config.h>

#include "saslauth/client.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SHOWN = 200 };

static void
require(bool truth)
{
	if (!truth)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span given = span_from(size > 0 ? data : (const uint8_t *)"", size);
	uint8_t address[CLIENT_OCTETS], again[CLIENT_OCTETS];
	struct text shown = TEXT_INIT;

	if (client_address(given, address) == 1) {
		client_put(&shown, address);
		require(client_address(text_span(&shown), again) == 1);
		require(memcmp(address, again, sizeof(address)) == 0);
	}
	text_clear(&shown);
	client_put_word(&shown, given, SHOWN);
	require(shown.len <= 4 * SHOWN + 3);
	for (size_t i = 0; i < shown.len; i++)
		require(shown.data[i] > ' ' && shown.data[i] < 127 && shown.data[i] != '<' && shown.data[i] != '>');
	text_free(&shown);
	return 0;
}
