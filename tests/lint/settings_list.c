/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * Prints every setting that our programs know, for manpages.sh to compare with ispman.conf(5).
 */
#include <config.h>

#include "agent/agent_settings.h"
#include "cache/settings.h"
#include "ftpauth/ftpauthd_settings.h"
#include "postfix_map/socketmapd_settings.h"
#include "saslauth/saslauthd_settings.h"

#include <stdio.h>

int
main(void)
{
	struct text list = TEXT_INIT;

	settings_describe(&list);
	socketmapd_settings_describe(&list);
	ftpauthd_settings_describe(&list);
	saslauthd_settings_describe(&list);
	agent_settings_describe(&list);
	if (text_failed(&list))
		return 1;
	fwrite(list.data, 1, list.len, stdout);
	text_free(&list);
	return fflush(stdout) == 0 ? 0 : 1;
}
