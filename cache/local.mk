# The reading half: also linked into what named and the daemons load.
noinst_LTLIBRARIES += %D%/libname.la
%C%_libname_la_SOURCES = \
	%D%/dname.c %D%/dname.h \
	%D%/rrtype.c %D%/rrtype.h

# Record text, checked when it comes in.
noinst_LTLIBRARIES += %D%/librdata.la
%C%_librdata_la_LIBADD = %D%/libname.la
%C%_librdata_la_SOURCES = \
	%D%/rdata.c %D%/rdata.h \
	%D%/rdata_codes.c \
	%D%/rdata_dnssec.c \
	%D%/rdata_fields.c \
	%D%/rdata_loc.c \
	%D%/rdata_naptr.c \
	%D%/rdata_read.c %D%/rdata_read.h \
	%D%/rdata_special.c \
	%D%/rdata_svcb.c \
	%D%/rdata_template.c \
	%D%/rdata_token.c %D%/rdata_token.h \
	%D%/rdata_types.c

# The shelf: what stands in the cache, and how an answer is made of it.
noinst_LTLIBRARIES += %D%/libshelf.la
%C%_libshelf_la_CFLAGS = $(AM_CFLAGS) $(LMDB_CFLAGS)
%C%_libshelf_la_LIBADD = %D%/libname.la common/libcommon.la $(LMDB_LIBS)
%C%_libshelf_la_SOURCES = \
	%D%/cache.c %D%/cache.h \
	%D%/dns.h %D%/known_dns.c %D%/read_dns.c %D%/read_dns.h %D%/records_dns.c %D%/resolve_dns.c %D%/reverse_dns.c %D%/transfer_dns.c \
	%D%/key.c %D%/key.h \
	%D%/load_mark.c %D%/load_mark.h \
	%D%/octets.h \
	%D%/record.c %D%/record.h \
	%D%/store.c %D%/store.h %D%/store_internal.h %D%/store_rows.c %D%/store_txn.c

# Mail addresses, logins, and the records of the environments that hold them, for both halves. Apart from the shelf: named has no use for them, nor for
# the libraries that fold what is not ASCII.
noinst_LTLIBRARIES += %D%/libaddress.la
%C%_libaddress_la_CFLAGS = $(AM_CFLAGS) $(IDN2_CFLAGS)
%C%_libaddress_la_LIBADD = common/libcommon.la $(IDN2_LIBS) $(UNISTRING_LIBS)
%C%_libaddress_la_SOURCES = \
	%D%/address.c %D%/address.h \
	%D%/record_login.c %D%/record_login.h \
	%D%/record_mail.c %D%/record_mail.h

# What mail servers ask, answered from the shelf.
noinst_LTLIBRARIES += %D%/libmail.la
%C%_libmail_la_LIBADD = %D%/libaddress.la
%C%_libmail_la_SOURCES = \
	%D%/audit_mail.c %D%/audit_mail.h \
	%D%/mail.h \
	%D%/mail_chain.c %D%/mail_results.c %D%/mail_results.h %D%/mail_virtual.c \
	%D%/read_mail.c %D%/read_mail.h %D%/resolve_mail.c %D%/resolve_mail.h

# What is asked of logins and of accounts, answered from the shelf. One who reads secret/ and one who reads account/ share the rules.
noinst_LTLIBRARIES += %D%/liblogin.la
%C%_liblogin_la_LIBADD = %D%/libaddress.la
%C%_liblogin_la_SOURCES = \
	%D%/account.h %D%/home.h %D%/login.h %D%/secret.h \
	%D%/read_account.c %D%/read_home.c %D%/read_login.c %D%/read_login.h %D%/read_secret.c \
	%D%/resolve_login.c

# The same for a control socket.
noinst_LTLIBRARIES += %D%/libloginjson.la
%C%_libloginjson_la_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
%C%_libloginjson_la_LIBADD = %D%/liblogin.la $(JANSSON_LIBS)
%C%_libloginjson_la_SOURCES = %D%/secret_json.c %D%/secret_json.h

# A book of a program's own.
noinst_LTLIBRARIES += %D%/libledger.la
%C%_libledger_la_SOURCES = %D%/ledger.c %D%/ledger.h

# The writing half's sources of entries: LDIF and LDAP.
noinst_LTLIBRARIES += %D%/libfeed.la
%C%_libfeed_la_CPPFLAGS = $(AM_CPPFLAGS) $(CRYPTO_CFLAGS) $(LDAP_CFLAGS)
%C%_libfeed_la_LIBADD = $(LDAP_LIBS) $(CRYPTO_LIBS)
%C%_libfeed_la_SOURCES = \
	%D%/certificate.c %D%/certificate.h \
	%D%/connection.c %D%/connection.h \
	%D%/connection_attempt.c %D%/connection_parts.h \
	%D%/connection_socket.c \
	%D%/dn.c \
	%D%/entry.c %D%/entry.h \
	%D%/feed.h \
	%D%/ldif.c %D%/ldif.h \
	%D%/ldif_base.c %D%/ldif_base.h \
	%D%/ldif_load.c %D%/ldif_load.h \
	%D%/lines.c %D%/lines.h \
	%D%/message.c %D%/message_entry.c %D%/message_read.c %D%/message.h \
	%D%/repeats.c %D%/repeats.h \
	%D%/scratch_file.c %D%/scratch_file.h \
	%D%/source_ldif.c %D%/source_ldif.h \
	%D%/spool.c %D%/spool.h \
	%D%/sync.c %D%/sync.h \
	%D%/sync_read.c \
	%D%/sync_serve.c %D%/sync_serve.h \
	%D%/sync_session.c %D%/sync_session.h \
	%D%/sync_words.c %D%/sync_words.h \
	%D%/syncmsg.c %D%/syncmsg.h \
	%D%/tlv.c %D%/tlv.h

# Settings that mail answers depend on.
noinst_LTLIBRARIES += %D%/libmailsettings.la
%C%_libmailsettings_la_SOURCES = %D%/mail_settings.c %D%/mail_settings.h

# Settings that logins depend on.
noinst_LTLIBRARIES += %D%/libloginsettings.la
%C%_libloginsettings_la_LIBADD = %D%/libaddress.la
%C%_libloginsettings_la_SOURCES = %D%/login_settings.c %D%/login_settings.h

# Settings that ispman-cached and ispmanctl share; link it with libproject and libfeed.
noinst_LTLIBRARIES += %D%/libsettings.la
%C%_libsettings_la_LIBADD = %D%/libmailsettings.la %D%/libloginsettings.la %D%/libaddress.la
%C%_libsettings_la_SOURCES = %D%/ftp_settings.c %D%/ftp_settings.h %D%/settings.c %D%/settings.h

# The writing half: events of a source to directory/, directory/ to the environments.
noinst_LTLIBRARIES += %D%/libreplica.la
%C%_libreplica_la_SOURCES = \
	%D%/apply.c %D%/apply.h %D%/apply_internal.h \
	%D%/apply_entry.c \
	%D%/apply_refresh.c \
	%D%/place.c \
	%D%/publish.c %D%/publish.h %D%/publish_internal.h \
	%D%/publish_dns.c \
	%D%/publish_log.c \
	%D%/publish_subject.c \
	%D%/publish_walk.c \
	%D%/publish_work.c \
	%D%/remap.c \
	%D%/replica.c %D%/replica.h \
	%D%/replica_node.c \
	%D%/sweep.c \
	%D%/sweep_mail.c \
	%D%/touch.c \
	%D%/verify.c %D%/verify.h

# The writing half's projections: entries to fragments, fragments to records. Pure.
noinst_LTLIBRARIES += %D%/libproject.la
%C%_libproject_la_LIBADD = %D%/librdata.la %D%/libaddress.la
%C%_libproject_la_SOURCES = \
	%D%/complaint.c %D%/complaint.h \
	%D%/profile.c %D%/profile.h \
	%D%/project.c %D%/project.h %D%/project_mail.h %D%/project_dns.h %D%/project_dns_parts.h \
	%D%/project_entry.c %D%/project_entry.h \
	%D%/project_login.h %D%/project_login_parts.h \
	%D%/project_login_entry.c \
	%D%/project_login_map.c \
	%D%/project_login_names.c \
	%D%/project_login_reduce.c \
	%D%/project_login_store.c \
	%D%/project_dns_apex.c \
	%D%/project_dns_map.c \
	%D%/project_dns_map_record.c \
	%D%/project_dns_node.c %D%/project_dns_node.h \
	%D%/project_dns_payload.c %D%/project_dns_payload.h \
	%D%/project_dns_reduce.c \
	%D%/project_dns_reverse.c \
	%D%/project_dns_zone.c \
	%D%/project_mail_holder.c \
	%D%/project_mail_map.c \
	%D%/project_mail_parts.h \
	%D%/project_mail_reduce.c

# The control socket's server side.
noinst_LTLIBRARIES += %D%/libcontrol.la
%C%_libcontrol_la_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
%C%_libcontrol_la_LIBADD = common/libcommon.la $(JANSSON_LIBS)
%C%_libcontrol_la_SOURCES = \
	%D%/control.c %D%/control.h \
	%D%/control_session.c %D%/control_session.h

# Of ispmanctl: what is said of the agent, for the program and its test.
noinst_LTLIBRARIES += %D%/libctlagent.la
%C%_libctlagent_la_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
%C%_libctlagent_la_LIBADD = $(JANSSON_LIBS)
%C%_libctlagent_la_SOURCES = %D%/ispmanctl_agent.c %D%/ispmanctl_words.c %D%/ispmanctl.h

bin_PROGRAMS += %D%/ispmanctl
%C%_ispmanctl_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
%C%_ispmanctl_LDADD = %D%/libctlagent.la %D%/libmail.la %D%/libsettings.la %D%/libproject.la %D%/libfeed.la %D%/libshelf.la common/libcommon.la $(JANSSON_LIBS)
%C%_ispmanctl_SOURCES = \
	%D%/ispmanctl.c %D%/ispmanctl.h \
	%D%/ispmanctl_ask.c \
	%D%/ispmanctl_config.c \
	%D%/ispmanctl_config_ftp.c %D%/ispmanctl_config_sasl.c \
	%D%/ispmanctl_config_postfix.c \
	%D%/ispmanctl_daemon.c \
	%D%/ispmanctl_dns.c \
	%D%/ispmanctl_account.c %D%/ispmanctl_mail.c \
	%D%/ispmanctl_problems.c \
	%D%/ispmanctl_status.c

sbin_PROGRAMS += %D%/ispman-cached
%C%_ispman_cached_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
%C%_ispman_cached_LDADD = \
	%D%/libreplica.la %D%/libproject.la %D%/librdata.la %D%/libsettings.la %D%/libfeed.la %D%/libcontrol.la \
	%D%/libshelf.la common/libcommon.la $(JANSSON_LIBS) $(LDAP_LIBS) $(CRYPTO_LIBS)
%C%_ispman_cached_SOURCES = \
	%D%/cached.c \
	%D%/cached_counters.c %D%/cached_counters.h \
	%D%/service.c %D%/service.h %D%/service_internal.h \
	%D%/service_job.c \
	%D%/service_logins.c \
	%D%/service_status.c \
	%D%/service_work.c \
	%D%/source.c %D%/source.h
