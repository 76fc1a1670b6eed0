/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * A mail environment of its own for each test that reads one, filled by tests/lib/mail_text.h.
 */
#pragma once

#include "cache/mail.h"
#include "tests/lib/mail_text.h"

#include <stdio.h>

static char folder[64];
static struct cache *cache;
static struct mail_options options;

static int
make_folder(void **state)
{
	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/test_mail.XXXXXX");
	if (mkdtemp(folder) == NULL)
		return -1;
	return mail_open(folder, NULL, &cache);
}

static int
remove_folder(void **state)
{
	char command[128];

	(void)state;
	cache_close(cache);
	mail_text_close();
	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	return system(command);
}

/* The environment holds what TEXT says, and the options are the usual ones. */
static void
fill(const char *text)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/mail/2", folder);
	mail_text_write(path, span_of(text));
	options = mail_options_default;
}
