/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * `ispmanctl config postfix`: main.cf's part, for both ways in which an ISPMan site gives mail to its stores.
 *
 * A line "#name = value" can be switched on as it stands; prose has a blank behind the #. tests/integration/postfix_smtp.py
 * runs Postfix with either.
 */
#include <config.h>

#include "cache/ispmanctl.h"

#include <stdio.h>

#define QUEUE_DIRECTORY "/var/spool/postfix"

/* What the tables are called by Postfix: "unix:ispman/socketmap", "inet:127.0.0.1:2340". */
struct endpoint {
	char name[512];      /* for main.cf */
	char test_name[512]; /* for postmap, which does not stand in the queue directory */
	bool is_unix, is_reachable;
};

static void
find_endpoint(const struct conf_list *listen, const char *queue, struct endpoint *out)
{
	size_t queue_len = strlen(queue);
	const char *chosen = NULL;
	const char *path;

	/* A unix socket needs no list of allowed peers, and is faster. */
	for (size_t i = 0; i < listen->count; i++)
		if (chosen == NULL || (strncmp(chosen, "unix:", 5) != 0 && strncmp(listen->items[i], "unix:", 5) == 0))
			chosen = listen->items[i];
	if (chosen == NULL)
		chosen = "unix:" QUEUE_DIRECTORY "/ispman/socketmap";
	snprintf(out->test_name, sizeof(out->test_name), "%.*s", (int)strcspn(chosen, ","), chosen);
	out->is_unix = strncmp(chosen, "unix:", 5) == 0;
	path = out->test_name + (out->is_unix ? 5 : 0);
	out->is_reachable = !out->is_unix || (strncmp(path, queue, queue_len) == 0 && path[queue_len] == '/');
	if (out->is_unix && out->is_reachable)
		snprintf(out->name, sizeof(out->name), "unix:%s", path + queue_len + 1);
	else
		snprintf(out->name, sizeof(out->name), "%s", out->test_name);
}

static void
print_head(const struct endpoint *e, const char *queue)
{
	printf("# main.cf: Postfix 3.7 or later asks ispman-socketmapd. Below, \"ours\" is what the directory says is ours.\n"
	       "# Paste it in place of the settings of the same names, then: postfix check && postfix reload\n"
	       "#\n"
	       "# What each table answers: docs/mail-maps.md. Why an answer is what it is: ispmanctl explain mail MAP ADDRESS\n"
	       "# To try a table:\n"
	       "#   postmap -q ada@tern.example socketmap:%s:virtual\n"
	       "#\n"
	       "# mydestination names this host, and none of the directory's domains.\n",
	       e->test_name);
	if (e->is_unix && e->is_reachable) {
		printf("#\n"
		       "# The socket lies in Postfix's queue directory, %s, so that the daemons which master.cf\n"
		       "# puts into a chroot there find it, and the others too: both stand in that directory. Its folder and the socket must\n"
		       "# be open to Postfix's user:\n"
		       "#   install -d -o root -g postfix -m 0750 %s/ispman\n"
		       "# and in ispman.conf: [socketmap] listen = %s,mode=0660,group=postfix\n"
		       "# or in a systemd socket unit: SocketMode=0660, SocketGroup=postfix, Backlog=4096.\n",
		       queue, queue, e->test_name);
	} else if (e->is_unix) {
		printf("#\n"
		       "# CAUTION: %s is not below Postfix's queue directory, %s. Daemons which master.cf puts\n"
		       "# into a chroot (Debian: all of smtpd, cleanup, qmgr, trivial-rewrite) will not find it, and mail is put off with 451.\n"
		       "# Listen at unix:%s/ispman/socketmap, or say which queue directory: ispmanctl config postfix DIRECTORY\n",
		       e->test_name, queue, queue);
	}
}

static void
print_setups(const struct endpoint *e)
{
	printf("\n"
	       "# --- set-up 1, recommended: mailboxes keep their addresses on the way to the store ----------------------------\n"
	       "#\n"
	       "# For mailRoutingAddress ada@tern.example (ISPMan's cyrusVirtDomainFeature = yes). All our domains are relayed: those whose\n"
	       "# mail ends here to the mailbox's mailHost over LMTP, port 24, by the transport table; the others to their MX.\n"
	       "# Cyrus: virtdomains: userid in imapd.conf, and in cyrus.conf lmtp cmd=\"lmtpd -a\" listen=\"lmtp\" where only mail servers\n"
	       "# reach that port.\n"
	       "relay_domains =\n"
	       "    socketmap:%s:domains\n"
	       "    socketmap:%s:relay-domains\n",
	       e->name, e->name);
	printf("\n"
	       "# --- set-up 2: addresses become logins at a store --------------------------------------------------------------\n"
	       "#\n"
	       "# For mailRoutingAddress ada_tern_example@mail1.isp.example (cyrusVirtDomainFeature = no) at every mailbox: what is still at a\n"
	       "# domain of ours when all aliases are replaced has no mailbox, and is returned as unknown.\n"
	       "#virtual_alias_domains =\n"
	       "#    socketmap:%s:domains\n"
	       "#relay_domains =\n"
	       "#    socketmap:%s:relay-domains\n",
	       e->name, e->name);
}

static void
print_delimiters(const char *delimiters)
{
	printf("recipient_delimiter = ");
	for (const char *c = delimiters; *c != '\0'; c++)
		printf(*c == '$' ? "$$" : "%c", *c);
	putchar('\n');
}

static void
print_common(const struct endpoint *e, const char *delimiters)
{
	printf("\n"
	       "# --- the same in both ---------------------------------------------------------------------------------------------\n"
	       "#\n"
	       "# Aliases, groups, forwards, replicas and catch-alls. A mailbox is its own result, so that no catch-all swallows it.\n"
	       "virtual_alias_maps =\n"
	       "    socketmap:%s:virtual\n"
	       "# Unknown recipients are refused at the door (550).\n"
	       "relay_recipient_maps =\n"
	       "    socketmap:%s:recipients\n"
	       "transport_maps =\n"
	       "    socketmap:%s:transport\n"
	       "# Who has moved is told so (550 5.1.6).\n"
	       "relocated_maps =\n"
	       "    socketmap:%s:relocated\n",
	       e->name, e->name, e->name, e->name);
	printf("# As in ispman.conf; which parts of an address it separates is decided there, Postfix only has to know of it.\n");
	print_delimiters(delimiters);
	printf("\n"
	       "# Who may send as whom. It takes effect with reject_sender_login_mismatch before what permits in\n"
	       "# smtpd_sender_restrictions, for instance of the submission service in master.cf.\n"
	       "smtpd_sender_login_maps =\n"
	       "    socketmap:%s:sender-login\n"
	       "\n"
	       "# Headers and senders too show the master's domain in place of a replica's; delivery does not need it.\n"
	       "#canonical_maps =\n"
	       "#    socketmap:%s:canonical\n",
	       e->name, e->name);
}

void
ctl_print_postfix(const struct settings *settings, const char *queue)
{
	struct endpoint endpoint;

	find_endpoint(&settings->mail_values.listen, queue != NULL ? queue : QUEUE_DIRECTORY, &endpoint);
	print_head(&endpoint, queue != NULL ? queue : QUEUE_DIRECTORY);
	print_setups(&endpoint);
	print_common(&endpoint, settings->mail_values.recipient_delimiter != NULL ? settings->mail_values.recipient_delimiter : "");
	ctl_print_postfix_sasl(settings, queue != NULL ? queue : QUEUE_DIRECTORY);
}
