/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 */
#include <config.h>

#include "saslauth/usual.h"

#include <string.h>

enum { COUNT_MAX = 1000 }; /* all counts are halved when one reaches it: what was usual long ago is not for ever */

static const struct span unknown = SPAN("{SSHA}d1PBBkgKOlz3yQkFPCdSBR4bKDtzYWx0");

static void
grow_old(struct usual *usual)
{
	for (size_t i = 0; i < USUAL_FORMS; i++)
		usual->forms[i].count /= 2;
}

void
usual_note(struct usual *usual, struct span stored, const struct password_value *value)
{
	struct usual_form *form, *least = &usual->forms[0];

	for (size_t i = 0; i < USUAL_FORMS; i++) {
		form = &usual->forms[i];
		if (form->scheme == value->scheme && form->cost == value->cost) {
			if (++form->count >= COUNT_MAX)
				grow_old(usual);
			return;
		}
		if (form->count < least->count)
			least = form;
	}
	text_wipe(&least->sample);
	least->scheme = NULL;
	least->count = 0;
	if (text_extend(&least->sample, stored.len) == NULL)
		return;
	memcpy(least->sample.data, stored.data, stored.len);
	least->scheme = value->scheme;
	least->cost = value->cost;
	least->count = 1;
}

struct span
usual_stored(const struct usual *usual)
{
	const struct usual_form *most = &usual->forms[0];

	for (size_t i = 1; i < USUAL_FORMS; i++)
		if (usual->forms[i].count > most->count)
			most = &usual->forms[i];
	return most->scheme != NULL && most->count > 0 ? text_span(&most->sample) : unknown;
}

void
usual_wipe(struct usual *usual)
{
	for (size_t i = 0; i < USUAL_FORMS; i++)
		text_wipe(&usual->forms[i].sample);
	*usual = (struct usual){ .forms = { { .scheme = NULL } } };
}
