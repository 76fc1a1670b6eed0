/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * `ispmanctl config cyrus`, and the part of `config postfix` that is about logins: who asks ispman-saslauthd, and where.
 */
#include <config.h>

#include "cache/ispmanctl.h"

#include <stdio.h>

#define DEBIAN_MUX "/run/saslauthd/mux"
#define POSTFIX_MUX "/ispman/mux"

/* The path of the first socket that is below FOLDER, or of the first that is not. False: there is none. */
static bool
find_socket(const struct conf_list *listen, const char *folder, bool below, char out[512])
{
	size_t n = strlen(folder);

	for (size_t i = 0; i < listen->count; i++) {
		const char *path = listen->items[i];

		if (strncmp(path, "unix:", 5) == 0)
			path += 5;
		if ((strncmp(path, folder, n) == 0 && path[n] == '/') != below)
			continue;
		snprintf(out, 512, "%.*s", (int)strcspn(path, ","), path);
		return true;
	}
	return false;
}

static void
print_mailboxes(const struct settings *settings)
{
	bool by_uid = settings->login.mailbox_name == LOGIN_MAILBOX_UID;

	if (by_uid)
		printf("# Mailboxes are called by uids, such as user.ada_tern_example ([login] mailbox-name = uid): nobody logs in to IMAP by\n"
		       "# address, which would open a second, empty INBOX.\n"
		       "virtdomains: off\n");
	else
		printf("# Mailboxes are called by addresses, such as user/ada@tern.example ([login] mailbox-name = address): nobody logs in to IMAP\n"
		       "# by another form, which would open a second, empty INBOX.\n"
		       "virtdomains: userid\n"
		       "unixhierarchysep: yes\n");
	if (!by_uid && settings->login_values.default_domain != NULL)
		printf("# As [login] default-domain: a login without @ is in it.\n"
		       "defaultdomain: %s\n", settings->login_values.default_domain);
	printf("# A mailbox that was removed is not made anew by a login that comes a moment later (Debian has 0, which does that).\n"
	       "autocreate_quota: -1\n");
}

void
ctl_print_cyrus(const struct settings *settings)
{
	char path[512] = DEBIAN_MUX;

	(void)find_socket(&settings->login_values.listen, "/var/spool/postfix", false, path);
	printf("# imapd.conf: Cyrus 3.6 or later asks ispman-saslauthd for passwords, for IMAP, POP and sieve.\n"
	       "# Paste it in place of the settings of the same names, then: systemctl restart cyrus-imapd\n"
	       "# Cyrus's user must be able to connect: adduser cyrus sasl, with [saslauth] listen = unix:%s,mode=0660,group=sasl\n"
	       "#\n"
	       "# Who may log in, and why not: ispmanctl explain account ada@tern.example --service imap\n"
	       "# To try a password: testsaslauthd -f %s -s imap -u ada -r tern.example -p PASSWORD\n"
	       "\n"
	       "sasl_pwcheck_method: saslauthd\n"
	       "sasl_saslauthd_path: %s\n"
	       "# What hashes can answer. Passwords are sent as they are: over TLS only.\n"
	       "sasl_mech_list: PLAIN LOGIN\n"
	       "allowplaintext: no\n"
	       "\n",
	       path, path, path);
	print_mailboxes(settings);
	printf("\n"
	       "# An entry of ou=admins, which may log in to imap and has no mailbox.\n"
	       "admins: cyrus\n");
}

void
ctl_print_postfix_sasl(const struct settings *settings, const char *queue)
{
	char path[512];
	bool is_inside = find_socket(&settings->login_values.listen, queue, true, path);

	printf("\n"
	       "# --- SMTP AUTH, by ispman-saslauthd --------------------------------------------------------------------------------\n"
	       "#\n"
	       "# A wrong password is refused (535); while nobody can tell, it is put off (454). For the submission services in master.cf:\n"
	       "#   -o smtpd_sasl_auth_enable=yes -o smtpd_tls_auth_only=yes\n"
	       "smtpd_sasl_type = cyrus\n"
	       "smtpd_sasl_path = smtpd\n"
	       "# Nothing is added to a login without @.\n"
	       "smtpd_sasl_local_domain =\n"
	       "smtpd_sasl_security_options = noanonymous\n"
	       "#\n"
	       "# And in Debian's /etc/postfix/sasl/smtpd.conf, without the #, with adduser postfix sasl:\n"
	       "#pwcheck_method: saslauthd\n"
	       "#mech_list: PLAIN LOGIN\n"
	       "# The path is seen from inside the queue directory, where master.cf puts smtpd.\n"
	       "#saslauthd_path: %s\n",
	       is_inside ? path + strlen(queue) : POSTFIX_MUX);
	if (!is_inside)
		printf("# and in ispman.conf: [saslauth] listen = unix:%s%s,mode=0660,group=sasl\n", queue, POSTFIX_MUX);
}
