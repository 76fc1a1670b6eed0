/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * Two octets of type, then text. What is accepted survives: its normalised text reads to the same
 * octets and is its own normal form, and no longer origin than announced makes it unusable.
 */
#include <config.h>

#include "cache/rdata.h"
#include "cache/rrtype.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(bool truth)
{
	if (!truth)
		abort();
}

static struct dname
name_of(const char *text)
{
	struct dname name;

	require(dname_from_text(span_of(text), NULL, &name) == 0);
	return name;
}

static void
survives(uint16_t type, const struct rdata *first, const struct dname *origin)
{
	struct rdata again = { TEXT_INIT, TEXT_INIT, 0 };
	struct text why = TEXT_INIT;
	struct dname longer = name_of("label.another.example.");
	bool fits = first->relative + (unsigned)longer.len <= 255;
	enum { TYPE_RRSIG = 46 };
	int r;

	require(first->wire.len <= 65535);
	require(memchr(text_str(&first->text), '\n', first->text.len) == NULL);
	require(rdata_parse(type, text_span(&first->text), origin, &again, &why) == 0);
	require(span_is(text_span(&first->text), text_span(&again.text)));
	require(span_is(text_span(&first->wire), text_span(&again.wire)));
	require(first->relative == again.relative);
	r = rdata_parse(type, text_span(&first->text), &longer, &again, &why);
	/* A signer's labels are counted too, and the expanded record may be too large. */
	require(fits ? r == 0 || type == TYPE_RRSIG || first->wire.len > 30000 : r < 0);
	require(r < 0 || span_is(text_span(&first->text), text_span(&again.text)));
	rdata_free(&again);
	text_free(&why);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dname origin = name_of("Origin.example.");
	struct rdata rdata = { TEXT_INIT, TEXT_INIT, 0 };
	struct soa_text soa = { .mname = TEXT_INIT, .rname = TEXT_INIT };
	struct text why = TEXT_INIT;
	struct span text;
	uint16_t type;

	if (size < 2)
		return 0;
	type = (uint16_t)(data[0] << 8 | data[1]);
	text = span_skip(span_from(data, size), 2);
	if (rdata_parse(type, text, &origin, &rdata, &why) == 0)
		survives(type, &rdata, &origin);
	else
		require(why.len > 0);
	text_clear(&why);
	if (rdata_parse_txt(RRTYPE_TXT, text, &rdata, &why) == 0)
		survives(RRTYPE_TXT, &rdata, &origin);
	else
		require(why.len > 0);
	text_clear(&why);
	require(rdata_parse_soa(text, &soa, &why) == 0 || why.len > 0);
	rdata_free(&rdata);
	soa_text_free(&soa);
	text_free(&why);
	return 0;
}
