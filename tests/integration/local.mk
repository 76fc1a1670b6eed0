# Tests against real servers: each is a Python program that speaks TAP and skips itself when
# what it needs is not there (ISPMAN_NO_SKIP=1 makes that a failure).

integration_tests = \
	%D%/crash.py \
	%D%/examples.py \
	%D%/golden.py \
	%D%/golden_mail.py \
	%D%/ispmanctl.py \
	%D%/labels.py \
	%D%/powerloss.py \
	%D%/rfc4592.py \
	%D%/schema.py \
	%D%/differential.py \
	%D%/module_files.py \
	%D%/module_reload.py \
	%D%/module_transfer.py \
	%D%/rdata_named.py
integration_lib = \
	tests/lib/churn.py \
	tests/lib/dnsclient.py \
	tests/lib/dnstext.py \
	tests/lib/handed.py \
	tests/lib/ispman_ldif.py \
	tests/lib/pressure.py \
	tests/lib/questions.py \
	tests/lib/rdata_corpus.py \
	tests/lib/rdatagen.py \
	tests/lib/servers.py \
	tests/lib/tap.py \
	tests/lib/treesource.py \
	tests/lib/twosides.py \
	tests/lib/watch_account.py \
	tests/lib/watch_answer.py \
	tests/lib/watch_command.py \
	tests/lib/zonechange.py \
	tests/lib/zonemodel.py \
	tests/lib/zonewriter.py

# FTP logins: ispman-ftpauthd with peers of all kinds, and with a real Pure-FTPd.
integration_tests += \
	%D%/ftpauth.py \
	%D%/ftpauth_golden.py \
	%D%/ftpauth_peers.py
integration_lib += \
	tests/lib/ftpstage.py \
	tests/lib/pureftpd.py

# How an LDAP server is followed; sync_probe prints what cache/sync.h says of it.
integration_tests += \
	%D%/sync_access.py \
	%D%/sync_odd.py \
	%D%/sync_phases.py \
	%D%/sync_servers.py
integration_lib += \
	tests/lib/fakeldap.py \
	tests/lib/syncprobe.py \
	tests/lib/syncscene.py \
	tests/lib/tcpproxy.py
check_PROGRAMS += %D%/sync_probe
%C%_sync_probe_LDADD = cache/libfeed.la common/libcommon.la
%C%_sync_probe_SOURCES = %D%/sync_probe.c

# The programs together, as they are operated.
integration_tests += \
	%D%/ops_change.py \
	%D%/ops_claims.py \
	%D%/ops_down.py \
	%D%/ops_logins.py \
	%D%/ops_mail.py \
	%D%/ops_provider.py \
	%D%/ops_soa.py \
	%D%/ops_tree.py
integration_lib += \
	tests/lib/ldapclient.py \
	tests/lib/stage.py

# The real Postfix.
integration_tests += \
	%D%/postfix_fixture.py \
	%D%/postfix_golden.py \
	%D%/postfix_outage.py \
	%D%/postfix_smtp.py
integration_lib += \
	tests/lib/dovecot_auth.py \
	tests/lib/lmtp_sink.py \
	tests/lib/mailstage.py \
	tests/lib/postfix.py \
	tests/lib/socketmap.py

# The agent: beside slapd and ispman-cached; mailboxes of a real Cyrus, ISPMan's queue in a real slapd.
integration_tests += \
	%D%/agent.py \
	%D%/agent_crash.py \
	%D%/agent_mailbox.py \
	%D%/agent_removal.py \
	%D%/agent_store.py \
	%D%/agent_tasks.py
integration_lib += tests/lib/agentstage.py

# Who asks for passwords: Postfix, Cyrus, testsaslauthd; and the stock saslauthd.
integration_tests += \
	%D%/sasl_change.py \
	%D%/sasl_cyrus.py \
	%D%/sasl_fixture.py \
	%D%/sasl_ftp.py \
	%D%/sasl_golden.py \
	%D%/sasl_load.py \
	%D%/sasl_outage.py \
	%D%/sasl_policy.py \
	%D%/sasl_secrets.py \
	%D%/sasl_smtp.py \
	%D%/saslauthd.py
integration_lib += \
	tests/lib/authstage.py \
	tests/lib/cyrus.py \
	tests/lib/mux.py \
	tests/lib/saslscene.py \
	tests/lib/stock.py \
	tests/lib/unpacked.py \
	tests/lib/watch_login.py

# ispman-socketmapd and its peers.
integration_tests += %D%/socketmap_peers.py

# Stored passwords, as other programs write them.
integration_tests += %D%/password_vectors.py
check_PROGRAMS += %D%/password_check
%C%_password_check_LDADD = saslauth/libpassword.la common/libcommon.la
%C%_password_check_SOURCES = %D%/password_check.c

TESTS += $(integration_tests)
EXTRA_DIST += $(integration_tests) $(integration_lib) tests/data/sample.ldif

# What schema.py compares the schema with.
check_PROGRAMS += %D%/record_attributes
%C%_record_attributes_LDADD = cache/libname.la common/libcommon.la
%C%_record_attributes_SOURCES = %D%/record_attributes.c

# What rdata_named.py compares with named-checkzone.
check_PROGRAMS += %D%/rdata_check
%C%_rdata_check_LDADD = cache/librdata.la common/libcommon.la
%C%_rdata_check_SOURCES = %D%/rdata_check.c

# What crash.py reads the cache with.
check_PROGRAMS += %D%/cache_watch
%C%_cache_watch_LDADD = cache/libshelf.la
%C%_cache_watch_SOURCES = %D%/cache_watch.c
