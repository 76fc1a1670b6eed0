/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * [ftpauth] of ispman.conf for programs that are not ispman-ftpauthd: what they show of it. The keys that only the daemon looks at are
 * known, and what is none of them is still an error.
 */
#pragma once

#include "common/conf.h"

struct ftp_settings_values {
	struct conf_list listen; /* "unix:PATH,mode=..." */
	bool chroot;
	struct conf_list daemon_values; /* not looked at */
};

struct conf_table ftp_settings_daemon_table(struct ftp_settings_values *target);
