/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * `ispmanctl config pure-ftpd`: commands that let Pure-FTPd ask ispman-ftpauthd and nobody else. tests/integration/ftpauth.py
 * runs them, and Pure-FTPd with what they make.
 */
#include <config.h>

#include "cache/ispmanctl.h"

#include <stdio.h>

#define SOCKET "/run/ispman-ftpauthd/extauth"

void
ctl_print_pure_ftpd(const struct settings *settings)
{
	const struct conf_list *listen = &settings->ftp_values.listen;
	const char *value = listen->count > 0 ? listen->items[0] : "unix:" SOCKET;
	const char *path = strncmp(value, "unix:", 5) == 0 ? value + 5 : value;
	int length = (int)strcspn(path, ",");
	bool chroot = settings->ftp_values.chroot;

	printf("# Pure-FTPd 1.0.50 or later asks ispman-ftpauthd, and nobody else. For Debian, in a shell of root:\n"
	       "\n"
	       "cd /etc/pure-ftpd\n"
	       "echo %.*s >conf/ExtAuth\n"
	       "\n"
	       "# The only method. Pure-FTPd goes on to the next one when a login is unknown, and also whenever it gets no reply: with\n"
	       "# \"unix\" or \"pam\" behind it, a crash would open the accounts of the system. And without any it takes \"unix\" by itself, so\n"
	       "# this link must be there.\n"
	       "rm -f auth/*\n"
	       "ln -s ../conf/ExtAuth auth/10ispman\n"
	       "echo no >conf/UnixAuthentication\n"
	       "echo no >conf/PAMAuthentication\n"
	       "echo yes >conf/NoAnonymous\n"
	       "\n"
	       "# No uid below this one; ISPMan's begin far above.\n"
	       "echo 1000 >conf/MinUID\n",
	       length, path);
	if (chroot)
		printf("# Everybody is shut in his home, as [ftpauth] chroot = yes says too.\n"
		       "echo yes >conf/ChrootEveryone\n");
	else
		printf("# [ftpauth] chroot = no: homes are as the directory has them. Accounts with a quota are shut in all the same.\n"
		       "echo no >conf/ChrootEveryone\n");
	printf("\n"
	       "# What it will be started with. There is one -l in it:\n"
	       "pure-ftpd-wrapper --show-options\n"
	       "systemctl restart pure-ftpd\n"
	       "\n"
	       "# Without Debian's wrapper:\n"
	       "#   pure-ftpd -l extauth:%.*s -E -u 1000%s\n"
	       "# The socket must be there before Pure-FTPd starts: systemctl enable --now ispman-ftpauthd.socket\n",
	       length, path, chroot ? " -A" : "");
}
