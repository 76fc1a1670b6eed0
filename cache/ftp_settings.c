/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 */
#include <config.h>

#include "cache/ftp_settings.h"

#define AT(member) offsetof(struct ftp_settings_values, member)

/* A list takes any value any number of times. */
static const struct conf_setting rows[] = {
	{ "ftpauth", "listen", CONF_LIST, AT(listen), .help = "see ispman-ftpauthd" },
	{ "ftpauth", "chroot", CONF_BOOL, AT(chroot), .def = "yes", .help = "see ispman-ftpauthd" },
	{ "ftpauth", "saslauth-socket", CONF_LIST, AT(daemon_values), .help = "see ispman-ftpauthd" },
	{ "ftpauth", "timeout", CONF_LIST, AT(daemon_values), .help = "see ispman-ftpauthd" },
	{ "ftpauth", "roots", CONF_LIST, AT(daemon_values), .help = "see ispman-ftpauthd" },
	{ "ftpauth", "max-age", CONF_LIST, AT(daemon_values), .help = "see ispman-ftpauthd" },
	{ "ftpauth", "max-connections", CONF_LIST, AT(daemon_values), .help = "see ispman-ftpauthd" },
	{ "ftpauth", "user", CONF_LIST, AT(daemon_values), .help = "see ispman-ftpauthd" },
	{ "ftpauth", "group", CONF_LIST, AT(daemon_values), .help = "see ispman-ftpauthd" },
};

struct conf_table
ftp_settings_daemon_table(struct ftp_settings_values *target)
{
	return (struct conf_table){ rows, array_size(rows), target };
}
