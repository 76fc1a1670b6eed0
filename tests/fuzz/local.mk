# A fuzz target is tests/fuzz/fuzz_NAME.c with LLVMFuzzerTestOneInput and a seed corpus in
# tests/fuzz/corpus/NAME/. Linked with replay.c, so that `make check` replays the corpus; with
# --enable-fuzzing linked with libFuzzer (give it a scratch folder before the seed folder: it
# writes into the first one).

fuzz_targets = \
	%D%/fuzz_address \
	%D%/fuzz_client \
	%D%/fuzz_record_login \
	%D%/fuzz_record_mail \
	%D%/fuzz_record \
	%D%/fuzz_conf \
	%D%/fuzz_control \
	%D%/fuzz_counters \
	%D%/fuzz_dn \
	%D%/fuzz_ldif \
	%D%/fuzz_mail \
	%D%/fuzz_syncmsg \
	%D%/fuzz_project \
	%D%/fuzz_dname \
	%D%/fuzz_extauth \
	%D%/fuzz_listener \
	%D%/fuzz_imap \
	%D%/fuzz_mux \
	%D%/fuzz_netstring \
	%D%/fuzz_password \
	%D%/fuzz_question \
	%D%/fuzz_socketmap \
	%D%/fuzz_task \
	%D%/fuzz_tcptable \
	%D%/fuzz_rdata
check_PROGRAMS += $(fuzz_targets)
EXTRA_DIST += %D%/corpus %D%/replay_corpora.sh

if FUZZING
fuzz_ldflags = $(AM_LDFLAGS) -fsanitize=fuzzer
fuzz_main =
else
fuzz_ldflags = $(AM_LDFLAGS)
fuzz_main = %D%/replay.c
TESTS += %D%/replay_corpora.sh
endif

%C%_fuzz_dname_LDFLAGS = $(fuzz_ldflags)
%C%_fuzz_dname_LDADD = cache/libname.la common/libcommon.la
%C%_fuzz_dname_SOURCES = %D%/fuzz_dname.c $(fuzz_main)

%C%_fuzz_dn_LDFLAGS = $(fuzz_ldflags)
%C%_fuzz_dn_LDADD = cache/libfeed.la common/libcommon.la
%C%_fuzz_dn_SOURCES = %D%/fuzz_dn.c $(fuzz_main)

%C%_fuzz_ldif_LDFLAGS = $(fuzz_ldflags)
%C%_fuzz_ldif_LDADD = cache/libfeed.la common/libcommon.la
%C%_fuzz_ldif_SOURCES = %D%/fuzz_ldif.c $(fuzz_main)

%C%_fuzz_conf_LDFLAGS = $(fuzz_ldflags)
%C%_fuzz_conf_LDADD = common/libcommon.la
%C%_fuzz_conf_SOURCES = %D%/fuzz_conf.c $(fuzz_main)

%C%_fuzz_control_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
%C%_fuzz_control_LDFLAGS = $(fuzz_ldflags)
%C%_fuzz_control_LDADD = cache/libcontrol.la common/libcommon.la
%C%_fuzz_control_SOURCES = %D%/fuzz_control.c $(fuzz_main)

%C%_fuzz_syncmsg_LDFLAGS = $(fuzz_ldflags)
%C%_fuzz_syncmsg_LDADD = cache/libfeed.la common/libcommon.la
%C%_fuzz_syncmsg_SOURCES = %D%/fuzz_syncmsg.c $(fuzz_main)
%C%_fuzz_project_LDFLAGS = $(fuzz_ldflags)
%C%_fuzz_project_LDADD = cache/libproject.la cache/libfeed.la cache/libshelf.la common/libcommon.la
%C%_fuzz_project_SOURCES = %D%/fuzz_project.c $(fuzz_main)

%C%_fuzz_counters_LDFLAGS = $(fuzz_ldflags)
%C%_fuzz_counters_LDADD = common/libcommon.la
%C%_fuzz_counters_SOURCES = %D%/fuzz_counters.c $(fuzz_main)

%C%_fuzz_rdata_LDFLAGS = $(fuzz_ldflags)
%C%_fuzz_rdata_LDADD = cache/librdata.la common/libcommon.la
%C%_fuzz_rdata_SOURCES = %D%/fuzz_rdata.c $(fuzz_main)

%C%_fuzz_record_LDFLAGS = $(fuzz_ldflags)
%C%_fuzz_record_LDADD = cache/libshelf.la common/libcommon.la
%C%_fuzz_record_SOURCES = %D%/fuzz_record.c $(fuzz_main)

%C%_fuzz_address_LDFLAGS = $(fuzz_ldflags)
%C%_fuzz_address_LDADD = cache/libaddress.la common/libcommon.la
%C%_fuzz_address_SOURCES = %D%/fuzz_address.c $(fuzz_main)

%C%_fuzz_record_login_LDFLAGS = $(fuzz_ldflags)
%C%_fuzz_record_login_LDADD = cache/libaddress.la common/libcommon.la
%C%_fuzz_record_login_SOURCES = %D%/fuzz_record_login.c $(fuzz_main)

%C%_fuzz_record_mail_LDFLAGS = $(fuzz_ldflags)
%C%_fuzz_record_mail_LDADD = cache/libaddress.la common/libcommon.la
%C%_fuzz_record_mail_SOURCES = %D%/fuzz_record_mail.c $(fuzz_main)

%C%_fuzz_listener_LDFLAGS = $(fuzz_ldflags)
%C%_fuzz_listener_LDADD = common/libserver.la common/libcommon.la
%C%_fuzz_listener_SOURCES = %D%/fuzz_listener.c $(fuzz_main)

%C%_fuzz_netstring_LDFLAGS = $(fuzz_ldflags)
%C%_fuzz_netstring_LDADD = postfix_map/libcodec.la common/libcommon.la
%C%_fuzz_netstring_SOURCES = %D%/fuzz_netstring.c $(fuzz_main)

%C%_fuzz_socketmap_LDFLAGS = $(fuzz_ldflags)
%C%_fuzz_socketmap_LDADD = postfix_map/libmap.la cache/libmailsettings.la cache/libmail.la cache/libshelf.la common/libcommon.la
%C%_fuzz_socketmap_SOURCES = %D%/fuzz_socketmap.c $(fuzz_main)

%C%_fuzz_tcptable_LDFLAGS = $(fuzz_ldflags)
%C%_fuzz_tcptable_LDADD = postfix_map/libcodec.la common/libcommon.la
%C%_fuzz_tcptable_SOURCES = %D%/fuzz_tcptable.c $(fuzz_main)

%C%_fuzz_mail_LDFLAGS = $(fuzz_ldflags)
%C%_fuzz_mail_LDADD = tests/lib/libmailtext.la cache/libmail.la cache/libshelf.la common/libcommon.la
%C%_fuzz_mail_SOURCES = %D%/fuzz_mail.c $(fuzz_main)

%C%_fuzz_imap_LDFLAGS = $(fuzz_ldflags)
%C%_fuzz_imap_LDADD = agent/libimap.la common/libcommon.la
%C%_fuzz_imap_SOURCES = %D%/fuzz_imap.c $(fuzz_main)

%C%_fuzz_mux_LDFLAGS = $(fuzz_ldflags)
%C%_fuzz_mux_LDADD = saslauth/libmux.la common/libcommon.la
%C%_fuzz_mux_SOURCES = %D%/fuzz_mux.c $(fuzz_main)

%C%_fuzz_client_LDFLAGS = $(fuzz_ldflags)
%C%_fuzz_client_LDADD = saslauth/libsaslauthd.la common/libserver.la common/libcommon.la
%C%_fuzz_client_SOURCES = %D%/fuzz_client.c $(fuzz_main)

%C%_fuzz_extauth_LDFLAGS = $(fuzz_ldflags)
%C%_fuzz_extauth_LDADD = ftpauth/libextauth.la common/libcommon.la
%C%_fuzz_extauth_SOURCES = %D%/fuzz_extauth.c $(fuzz_main)

%C%_fuzz_question_LDFLAGS = $(fuzz_ldflags)
%C%_fuzz_question_LDADD = ftpauth/libextauth.la saslauth/libmux.la common/libcommon.la
%C%_fuzz_question_SOURCES = %D%/fuzz_question.c $(fuzz_main)

%C%_fuzz_password_LDFLAGS = $(fuzz_ldflags)
%C%_fuzz_password_LDADD = saslauth/libpassword.la common/libcommon.la
%C%_fuzz_password_SOURCES = %D%/fuzz_password.c $(fuzz_main)

%C%_fuzz_task_LDFLAGS = $(fuzz_ldflags)
%C%_fuzz_task_LDADD = agent/libtask.la common/libcommon.la
%C%_fuzz_task_SOURCES = %D%/fuzz_task.c $(fuzz_main)
