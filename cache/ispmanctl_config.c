/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * `ispmanctl config`: what to paste into others' configuration, filled in from ours.
 */
#include <config.h>

#include "cache/ispmanctl.h"

#include "cache/dns.h"

#include <inttypes.h>
#include <stdio.h>

static void
print_bind(const struct settings *s)
{
	printf("// named.conf: BIND 9.18 or 9.20 answers from the cache. In a configuration with views the\n"
	       "// dlz statement stands in each view.\n"
	       "\n"
	       "options {\n"
	       "\t// Answers without what nobody asked for: two to four times as fast.\n"
	       "\tminimal-responses yes;\n"
	       "\t// Empty zones of named's own would hide reverse zones of private addresses.\n"
	       "\tempty-zones-enable no;\n"
	       "};\n"
	       "\n"
	       "dlz \"ispman\" {\n"
	       "\tdatabase \"dlopen %s/dlz_ispman.so cache-dir=%s",
	       MODULE_DIR, s->cache_dir);
	if (strcmp(s->run_dir, RUN_DIR) != 0)
		printf(" run-dir=%s", s->run_dir);
	if (s->dns_max_age != 0)
		printf(" max-age=%" PRIu64, s->dns_max_age);
	printf(" minimal=yes\";\n"
	       "};\n");
}

static void
print_apparmor(const struct settings *s)
{
	printf("# /etc/apparmor.d/local/usr.sbin.named: what named may do besides its own profile.\n"
	       "# Then: apparmor_parser -r /etc/apparmor.d/usr.sbin.named\n"
	       "# A reader of the cache writes into its lock file and nowhere else.\n"
	       "\n"
	       "%s/dlz_ispman.so rm,\n"
	       "\n"
	       "%s/ r,\n"
	       "%s/dns/ r,\n"
	       "%s/dns/*/ r,\n"
	       "%s/dns/*/data.mdb rk,\n"
	       "%s/dns/*/lock.mdb rwk,\n"
	       "\n"
	       "%s/ r,\n"
	       "%s/metrics/ r,\n"
	       "%s/metrics/* rk,\n"
	       "%s/metrics/dns/ r,\n"
	       "%s/metrics/dns/* rwk,\n",
	       MODULE_DIR, s->cache_dir, s->cache_dir, s->cache_dir, s->cache_dir, s->cache_dir, s->run_dir,
	       s->run_dir, s->run_dir, s->run_dir, s->run_dir);
}

static void
print_slapd(const struct settings *s)
{
	const char *base = s->ldap_base != NULL ? s->ldap_base : "o=ispman";
	const char *reader = s->ldap_bind_dn;
	/* Only who compares passwords needs them. */
	bool keeps_passwords =
		s->login_values.verify == LOGIN_VERIFY_HASH || s->login_values.verify == LOGIN_VERIFY_HASH_THEN_BIND;
	char room[512];

	if (reader == NULL) {
		snprintf(room, sizeof(room), "uid=ispman-cached,%s", base);
		reader = room;
	}
	printf("# What ispman-cached needs of the provider of %s, for\n"
	       "#\n"
	       "#   ldapmodify -c -Y EXTERNAL -H ldapi:///\n"
	       "#\n"
	       "# as root. Look first whether {1}mdb is the database:\n"
	       "#   ldapsearch -LLL -Y EXTERNAL -H ldapi:/// -b cn=config '(olcSuffix=%s)' dn\n"
	       "# With -c, what is there already is passed over.\n"
	       "\n",
	       base, base);
	printf("dn: cn=module{0},cn=config\n"
	       "changetype: modify\n"
	       "add: olcModuleLoad\n"
	       "olcModuleLoad: syncprov\n"
	       "\n"
	       "dn: olcDatabase={1}mdb,cn=config\n"
	       "changetype: modify\n"
	       "add: olcDbIndex\n"
	       "olcDbIndex: entryCSN,entryUUID eq\n"
	       "\n"
	       "dn: olcDatabase={1}mdb,cn=config\n"
	       "changetype: modify\n"
	       "add: olcLimits\n"
	       "olcLimits: {0}dn.exact=\"%s\" size=unlimited time=unlimited\n"
	       "\n",
	       reader);
	printf("dn: olcDatabase={1}mdb,cn=config\n"
	       "changetype: modify\n"
	       "add: olcAccess\n"
	       "olcAccess: {0}to attrs=userPassword\n"
	       "  by dn.exact=\"%s\" %s\n"
	       "  by * break\n"
	       "olcAccess: {1}to *\n"
	       "  by dn.exact=\"%s\" read\n"
	       "  by * break\n"
	       "\n"
	       "dn: olcOverlay=syncprov,olcDatabase={1}mdb,cn=config\n"
	       "changetype: add\n"
	       "objectClass: olcOverlayConfig\n"
	       "objectClass: olcSyncProvConfig\n"
	       "olcOverlay: syncprov\n"
	       "olcSpCheckpoint: 100 10\n"
	       "olcSpSessionlog: 10000\n",
	       reader, keeps_passwords ? "read" : "none", reader);
}

int
ctl_config(const struct ctl *ctl)
{
	static const struct {
		const char *name;
		void (*print)(const struct settings *settings);
	} snippets[] = {
		{ "bind", print_bind },
		{ "apparmor", print_apparmor },
		{ "slapd", print_slapd },
		{ "cyrus", ctl_print_cyrus },
		{ "pure-ftpd", ctl_print_pure_ftpd },
	};

	if (ctl->argc >= 1 && ctl->argc <= 2 && strcmp(ctl->argv[0], "postfix") == 0) {
		if (ctl->argc == 2 && ctl->argv[1][0] != '/') {
			ctl_complain("Postfix's queue directory is named from / on, not \"%s\"", ctl->argv[1]);
			return CTL_USAGE;
		}
		ctl_print_postfix(ctl->settings, ctl->argc == 2 ? ctl->argv[1] : NULL);
		return CTL_FINE;
	}
	for (size_t i = 0; ctl->argc == 1 && i < array_size(snippets); i++) {
		if (strcmp(ctl->argv[0], snippets[i].name) == 0) {
			snippets[i].print(ctl->settings);
			return CTL_FINE;
		}
	}
	ctl_complain("config takes one of bind, postfix [QUEUE-DIRECTORY], cyrus, pure-ftpd, apparmor, slapd");
	return CTL_USAGE;
}
