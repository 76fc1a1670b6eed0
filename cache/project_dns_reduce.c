/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * All fragments of one subject to its record: which reduce a subject needs, and the settings that
 * answers depend on.
 */
#include <config.h>

#include "cache/project_dns_parts.h"

#include <errno.h>

void
reducing_complain(struct reducing *r, const char *kind, uint64_t entry_id)
{
	cleanup(text_free) struct text dn = TEXT_INIT;

	if (complaints_wanted(&r->complaints))
		r->input->dn_of(r->input->context, entry_id, &dn);
	complaint_end(&r->complaints, kind, text_span(&dn));
}

void
reducing_quote_dn(const struct reducing *r, struct text *say, uint64_t entry_id)
{
	cleanup(text_free) struct text dn = TEXT_INIT;

	if (!complaints_wanted(&r->complaints))
		return;
	r->input->dn_of(r->input->context, entry_id, &dn);
	complaint_quote_max(say, text_span(&dn), COMPLAINT_DN_MAX);
}

/* The value that is used of several for one variable is the one that sorts first. */
struct choice {
	struct span text; /* empty: none */
	uint64_t entry_id;
};

static void
offer(struct choice *choice, struct choice other)
{
	if (choice->text.len == 0 || compare_spans(other.text, choice->text) < 0)
		*choice = other;
}

static void
judge(struct reducing *r, const struct choice *choice, struct choice other)
{
	struct text *say;

	if (span_is(choice->text, other.text))
		return;
	say = complaint_begin(&r->complaints);
	complaint_quote(say, other.text);
	text_put(say, " is not used: the variable is set to ");
	complaint_quote(say, choice->text);
	text_put(say, " in ");
	reducing_quote_dn(r, say, choice->entry_id);
	text_put(say, ". Remove one of the two entries.");
	reducing_complain(r, "duplicate-setting", other.entry_id);
}

/* Chooses among all values, or, when FINISHED, complains about those that were not chosen. */
static int
choose(struct reducing *r, struct choice choices[PAYLOAD_VARIABLES], bool finished)
{
	const struct reduce_input *input = r->input;

	for (size_t i = 0; i < input->count; i++) {
		struct payload_variable variable;
		struct span rest;
		int result = payload_open(input->fragments[i].payload, &rest);

		while (result >= 0 && (result = payload_next_variable(&rest, &variable)) > 0) {
			struct choice other = { variable.text, input->fragments[i].entry_id };

			if (finished)
				judge(r, &choices[variable.id], other);
			else
				offer(&choices[variable.id], other);
		}
		if (result < 0)
			return result;
	}
	return 0;
}

int
reduce_settings(struct reducing *r)
{
	const struct reduce_input *input = r->input;
	const struct dns_settings *settings = r->settings;
	struct choice choices[PAYLOAD_VARIABLES] = { 0 };
	struct settings_record record = {
		.base_serial = input->base_serial,
		.epoch = input->epoch,
		.serial_stored = settings->serial_stored,
		.prefix_count = settings->prefix_count,
	};
	int result = choose(r, choices, false);

	if (result == 0)
		result = choose(r, choices, true);
	if (result < 0)
		return result;
	for (size_t i = 0; i < PAYLOAD_VARIABLES; i++)
		if (choices[i].text.len == 0)
			choices[i].text = (struct span){ "", 0 };
	record.primary_ns = choices[PAYLOAD_PRIMARY_NS].text;
	record.secondary_ns = choices[PAYLOAD_SECONDARY_NS].text;
	record.rname = choices[PAYLOAD_RNAME].text;
	record.catch_all = choices[PAYLOAD_CATCH_ALL].text;
	memcpy(record.prefixes, settings->prefixes,
	       settings->prefix_count * sizeof(settings->prefixes[0]));
	settings_record_put(&r->out->value, &record);
	r->out->present = true;
	return 0;
}

int
project_dns_reduce(const struct dns_settings *settings, const struct reduce_input *input, struct reduced *out)
{
	struct dname zone, name;
	struct reducing r;
	char letter;
	int result = key_split(input->subject, &letter, &zone, &name);

	out->present = false;
	out->hold_until = 0;
	text_clear(&out->value);
	text_clear(&out->problems);
	if (result < 0)
		return -EBADMSG;
	r = (struct reducing){ settings, input, out, COMPLAINTS_INIT(&out->problems) };
	switch (letter) {
	case 'n':
		result = reduce_node(&r, &zone, &name);
		break;
	case 'z':
		result = reduce_zone(&r, &name);
		break;
	case 'r':
		result = reduce_reverse(&r);
		break;
	case 's':
		result = reduce_settings(&r);
		break;
	default:
		result = -EBADMSG;
	}
	complaints_free(&r.complaints);
	if (result == 0 && (text_failed(&out->value) || text_failed(&out->problems)))
		result = -ENOMEM;
	if (result < 0)
		out->present = false;
	return result;
}
