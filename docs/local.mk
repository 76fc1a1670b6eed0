# Schema files where slapd is told to look for them, guides and examples where people look.

schemadir = $(pkgdatadir)/schema
dist_schema_DATA = \
	%D%/schema/dnszone.ldif %D%/schema/dnszone.schema \
	%D%/schema/ispman-dns-types.ldif %D%/schema/ispman-dns-types.schema \
	%D%/schema/ispman.ldif %D%/schema/ispman.schema \
	%D%/schema/ispman-mail.ldif %D%/schema/ispman-mail.schema \
	%D%/schema/pureftpd.ldif %D%/schema/pureftpd.schema \
	%D%/schema/radius.ldif %D%/schema/radius.schema

examplesdir = $(docdir)/examples
dist_examples_DATA = \
	%D%/examples/apparmor-named.example \
	%D%/examples/ispman-agent.service \
	%D%/examples/ispman-cached.service \
	%D%/examples/ispman-ftpauthd.service \
	%D%/examples/ispman-ftpauthd.socket \
	%D%/examples/ispman-saslauthd-control.socket \
	%D%/examples/ispman-saslauthd.service \
	%D%/examples/ispman-saslauthd.socket \
	%D%/examples/ispman-socketmapd.service \
	%D%/examples/ispman-socketmapd.socket \
	%D%/examples/ispman.conf.example \
	%D%/fail2ban/ispman-saslauthd.conf \
	%D%/fail2ban/ispman-saslauthd.jail \
	%D%/examples/logins.ldif \
	%D%/examples/named.conf.example \
	%D%/examples/tree.ldif \
	%D%/schema/slapd-modify.ldif \
	%D%/schema/slapd.conf \
	%D%/schema/slapd.ldif

dist_doc_DATA = \
	README.md \
	%D%/ARCHITECTURE.md \
	%D%/agent.md \
	%D%/dns-data.md \
	%D%/logins.md \
	%D%/mail-data.md \
	%D%/mail-maps.md \
	%D%/postfix.md \
	%D%/pure-ftpd.md \
	%D%/getting-started.md \
	%D%/operations.md \
	%D%/passwords.md

dist_man_MANS = agent/ispman-agent.8 cache/ispman-cached.8 cache/ispman.conf.5 cache/ispmanctl.8 dlz_ispman/dlz_ispman.8 \
	ftpauth/ispman-ftpauthd.8 postfix_map/ispman-socketmapd.8 saslauth/ispman-saslauthd.8

EXTRA_DIST += common/README.md cache/README.md dlz_ispman/README.md postfix_map/README.md saslauth/README.md ftpauth/README.md %D%/README.md
