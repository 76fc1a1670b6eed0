# A test program mirrors a source file: tests/unit/FOLDER/test_NAME.c for FOLDER/NAME.c.

if HAVE_CMOCKA
unit_tests = \
	%D%/common/test_allow \
	%D%/common/test_listener \
	%D%/common/test_seldom \
	%D%/common/test_server \
	%D%/common/test_server_daemon \
	%D%/common/test_server_settings \
	%D%/common/test_utf8 \
	%D%/postfix_map/test_maps \
	%D%/postfix_map/test_netstring \
	%D%/postfix_map/test_socketmap \
	%D%/postfix_map/test_tcptable \
	%D%/saslauth/test_password \
	%D%/common/test_conf \
	%D%/common/test_counted \
	%D%/common/test_counters \
	%D%/common/test_daemon \
	%D%/common/test_line \
	%D%/common/test_notify \
	%D%/common/test_span \
	%D%/cache/test_address \
	%D%/cache/test_apply \
	%D%/cache/test_apply_brake \
	%D%/cache/test_place \
	%D%/cache/test_control \
	%D%/cache/test_dn \
	%D%/cache/test_dname \
	%D%/cache/test_rdata \
	%D%/cache/test_entry \
	%D%/cache/test_ldif \
	%D%/cache/test_connection \
	%D%/cache/test_message \
	%D%/cache/test_sync_session \
	%D%/cache/test_sync_words \
	%D%/cache/test_syncmsg \
	%D%/cache/test_repeats \
	%D%/cache/test_source_ldif \
	%D%/cache/test_spool \
	%D%/cache/test_project_dns \
	%D%/cache/test_login_settings \
	%D%/cache/test_project_login \
	%D%/cache/test_project_mail \
	%D%/cache/test_rrtype \
	%D%/cache/test_key \
	%D%/cache/test_record \
	%D%/cache/test_record_login \
	%D%/cache/test_record_mail \
	%D%/cache/test_cache \
	%D%/dlz_ispman/test_walk \
	%D%/ftpauth/test_extauth \
	%D%/ftpauth/test_question \
	%D%/ftpauth/test_session \
	%D%/saslauth/test_mux \
	%D%/saslauth/test_client \
	%D%/saslauth/test_digest \
	%D%/saslauth/test_pool \
	%D%/saslauth/test_throttle \
	%D%/saslauth/test_usual \
	%D%/saslauth/test_verified \
	%D%/cache/test_resolve_dns \
	%D%/cache/test_resolve_mail \
	%D%/agent/test_disk \
	%D%/agent/test_disk_crash \
	%D%/agent/test_disk_hostile \
	%D%/agent/test_imap \
	%D%/agent/test_plan \
	%D%/agent/test_task_kinds \
	%D%/agent/test_task_message \
	%D%/agent/test_task_params \
	%D%/cache/test_audit_mail \
	%D%/cache/test_ispmanctl_agent \
	%D%/cache/test_read_home \
	%D%/cache/test_ledger \
	%D%/cache/test_resolve_login \
	%D%/cache/test_mail_settings \
	%D%/cache/test_settings \
	%D%/cache/test_load_mark \
	%D%/cache/test_store
check_PROGRAMS += $(unit_tests)
TESTS += $(unit_tests)
endif

unit_cflags = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
unit_common_libs = common/libcommon.la $(CMOCKA_LIBS)

%C%_common_test_span_CFLAGS = $(unit_cflags)
%C%_common_test_span_LDADD = $(unit_common_libs)
%C%_common_test_span_SOURCES = %D%/common/test_span.c %D%/test.h

%C%_cache_test_dname_CFLAGS = $(unit_cflags)
%C%_cache_test_dname_LDADD = cache/libname.la $(unit_common_libs)
%C%_cache_test_dname_SOURCES = %D%/cache/test_dname.c %D%/test.h

%C%_cache_test_rrtype_CFLAGS = $(unit_cflags)
%C%_cache_test_rrtype_LDADD = cache/libname.la $(unit_common_libs)
%C%_cache_test_rrtype_SOURCES = %D%/cache/test_rrtype.c %D%/test.h

%C%_cache_test_dn_CFLAGS = $(unit_cflags)
%C%_cache_test_dn_LDADD = cache/libfeed.la $(unit_common_libs)
%C%_cache_test_dn_SOURCES = %D%/cache/test_dn.c %D%/test.h

%C%_cache_test_ldif_CFLAGS = $(unit_cflags)
%C%_cache_test_ldif_LDADD = cache/libfeed.la $(unit_common_libs)
%C%_cache_test_ldif_SOURCES = %D%/cache/test_ldif.c %D%/test.h

%C%_cache_test_repeats_CFLAGS = $(unit_cflags)
%C%_cache_test_repeats_LDADD = cache/libfeed.la $(unit_common_libs)
%C%_cache_test_repeats_SOURCES = %D%/cache/test_repeats.c %D%/test.h

%C%_cache_test_source_ldif_CFLAGS = $(unit_cflags)
%C%_cache_test_source_ldif_LDADD = cache/libfeed.la $(unit_common_libs)
%C%_cache_test_source_ldif_SOURCES = %D%/cache/test_source_ldif.c %D%/test.h

%C%_cache_test_spool_CFLAGS = $(unit_cflags)
%C%_cache_test_spool_LDADD = cache/libfeed.la $(unit_common_libs)
%C%_cache_test_spool_SOURCES = %D%/cache/test_spool.c %D%/test.h

%C%_cache_test_entry_CFLAGS = $(unit_cflags)
%C%_cache_test_entry_LDADD = cache/libfeed.la $(unit_common_libs)
%C%_cache_test_entry_SOURCES = %D%/cache/test_entry.c %D%/test.h

%C%_common_test_counters_CFLAGS = $(unit_cflags)
%C%_common_test_counters_LDADD = $(unit_common_libs)
%C%_common_test_counters_SOURCES = %D%/common/test_counters.c %D%/test.h

%C%_cache_test_key_CFLAGS = $(unit_cflags)
%C%_cache_test_key_LDADD = cache/libshelf.la $(unit_common_libs)
%C%_cache_test_key_SOURCES = %D%/cache/test_key.c %D%/test.h

%C%_cache_test_record_CFLAGS = $(unit_cflags)
%C%_cache_test_record_LDADD = cache/libshelf.la $(unit_common_libs)
%C%_cache_test_record_SOURCES = %D%/cache/test_record.c %D%/test.h

%C%_cache_test_load_mark_CFLAGS = $(unit_cflags)
%C%_cache_test_load_mark_LDADD = cache/libshelf.la $(unit_common_libs)
%C%_cache_test_load_mark_SOURCES = %D%/cache/test_load_mark.c %D%/test.h

%C%_cache_test_store_CFLAGS = $(unit_cflags)
%C%_cache_test_store_LDADD = cache/libshelf.la $(unit_common_libs)
%C%_cache_test_store_SOURCES = %D%/cache/test_store.c %D%/test.h
%C%_common_test_conf_CFLAGS = $(unit_cflags)
%C%_common_test_conf_LDADD = $(unit_common_libs)
%C%_common_test_conf_SOURCES = %D%/common/test_conf.c %D%/test.h

%C%_common_test_daemon_CFLAGS = $(unit_cflags)
%C%_common_test_daemon_LDADD = $(unit_common_libs)
%C%_common_test_daemon_SOURCES = %D%/common/test_daemon.c %D%/test.h

%C%_common_test_line_CFLAGS = $(unit_cflags)
%C%_common_test_line_LDADD = $(unit_common_libs)
%C%_common_test_line_SOURCES = %D%/common/test_line.c %D%/test.h

%C%_common_test_notify_CFLAGS = $(unit_cflags)
%C%_common_test_notify_LDADD = $(unit_common_libs)
%C%_common_test_notify_SOURCES = %D%/common/test_notify.c %D%/test.h

%C%_cache_test_control_CFLAGS = $(unit_cflags) $(JANSSON_CFLAGS)
%C%_cache_test_control_LDADD = cache/libcontrol.la $(unit_common_libs)
%C%_cache_test_control_SOURCES = %D%/cache/test_control.c %D%/test.h

%C%_cache_test_message_CFLAGS = $(unit_cflags)
%C%_cache_test_message_LDADD = cache/libfeed.la $(unit_common_libs)
%C%_cache_test_message_SOURCES = %D%/cache/test_message.c %D%/test.h

%C%_cache_test_sync_session_CFLAGS = $(unit_cflags)
%C%_cache_test_sync_session_LDADD = cache/libfeed.la $(unit_common_libs)
%C%_cache_test_sync_session_SOURCES = %D%/cache/test_sync_session.c %D%/test.h

%C%_cache_test_sync_words_CFLAGS = $(unit_cflags)
%C%_cache_test_sync_words_LDADD = cache/libfeed.la $(unit_common_libs)
%C%_cache_test_sync_words_SOURCES = %D%/cache/test_sync_words.c %D%/test.h

%C%_cache_test_syncmsg_CFLAGS = $(unit_cflags)
%C%_cache_test_syncmsg_LDADD = cache/libfeed.la $(unit_common_libs)
%C%_cache_test_syncmsg_SOURCES = %D%/cache/test_syncmsg.c %D%/test.h
%C%_cache_test_settings_CFLAGS = $(unit_cflags)
%C%_cache_test_settings_LDADD = cache/libsettings.la cache/libproject.la cache/libfeed.la cache/libname.la $(unit_common_libs)
%C%_cache_test_settings_SOURCES = %D%/cache/test_settings.c %D%/test.h
%C%_cache_test_project_dns_CFLAGS = $(unit_cflags)
%C%_cache_test_project_dns_LDADD = cache/libproject.la cache/libfeed.la cache/libshelf.la $(unit_common_libs)
%C%_cache_test_project_dns_SOURCES = %D%/cache/test_project_dns.c %D%/test.h

%C%_cache_test_rdata_CFLAGS = $(unit_cflags)
%C%_cache_test_rdata_LDADD = cache/librdata.la $(unit_common_libs)
%C%_cache_test_rdata_SOURCES = %D%/cache/test_rdata.c %D%/test.h

%C%_cache_test_connection_CFLAGS = $(unit_cflags)
%C%_cache_test_connection_LDADD = cache/libfeed.la $(unit_common_libs)
%C%_cache_test_connection_SOURCES = %D%/cache/test_connection.c %D%/test.h

%C%_cache_test_resolve_dns_CFLAGS = $(unit_cflags)
%C%_cache_test_resolve_dns_LDADD = tests/lib/libdnstext.la cache/libshelf.la $(unit_common_libs)
%C%_cache_test_resolve_dns_SOURCES = %D%/cache/test_resolve_dns.c %D%/test.h

%C%_cache_test_resolve_mail_CFLAGS = $(unit_cflags)
%C%_cache_test_resolve_mail_LDADD = tests/lib/libmailtext.la cache/libmail.la cache/libshelf.la $(unit_common_libs)
%C%_cache_test_resolve_mail_SOURCES = %D%/cache/test_resolve_mail.c %D%/cache/mail_folder.h %D%/test.h

%C%_cache_test_resolve_login_CFLAGS = $(unit_cflags)
%C%_cache_test_resolve_login_LDADD = tests/lib/liblogintext.la cache/liblogin.la cache/libshelf.la $(unit_common_libs)
%C%_cache_test_resolve_login_SOURCES = %D%/cache/test_resolve_login.c %D%/test.h

%C%_cache_test_ledger_CFLAGS = $(unit_cflags)
%C%_cache_test_ledger_LDADD = cache/libledger.la cache/libshelf.la $(unit_common_libs)
%C%_cache_test_ledger_SOURCES = %D%/cache/test_ledger.c %D%/test.h

%C%_cache_test_ispmanctl_agent_CFLAGS = $(unit_cflags) $(JANSSON_CFLAGS)
%C%_cache_test_ispmanctl_agent_LDADD = cache/libctlagent.la $(unit_common_libs)
%C%_cache_test_ispmanctl_agent_SOURCES = %D%/cache/test_ispmanctl_agent.c %D%/test.h

%C%_cache_test_read_home_CFLAGS = $(unit_cflags)
%C%_cache_test_read_home_LDADD = tests/lib/liblogintext.la cache/liblogin.la cache/libshelf.la $(unit_common_libs)
%C%_cache_test_read_home_SOURCES = %D%/cache/test_read_home.c %D%/test.h

%C%_agent_test_disk_CFLAGS = $(unit_cflags)
%C%_agent_test_disk_LDADD = agent/libdisk.la $(unit_common_libs)
%C%_agent_test_disk_SOURCES = %D%/agent/test_disk.c %D%/agent/disk_folder.h %D%/test.h

%C%_agent_test_disk_crash_CFLAGS = $(unit_cflags)
%C%_agent_test_disk_crash_LDADD = agent/libdisk.la $(unit_common_libs)
%C%_agent_test_disk_crash_SOURCES = %D%/agent/test_disk_crash.c %D%/agent/disk_folder.h %D%/test.h

%C%_agent_test_disk_hostile_CFLAGS = $(unit_cflags)
%C%_agent_test_disk_hostile_LDADD = agent/libdisk.la $(unit_common_libs)
%C%_agent_test_disk_hostile_SOURCES = %D%/agent/test_disk_hostile.c %D%/agent/disk_folder.h %D%/test.h

%C%_agent_test_imap_CFLAGS = $(unit_cflags)
%C%_agent_test_imap_LDADD = agent/libimap.la $(unit_common_libs)
%C%_agent_test_imap_SOURCES = %D%/agent/test_imap.c %D%/test.h

%C%_agent_test_plan_CFLAGS = $(unit_cflags)
%C%_agent_test_plan_LDADD = agent/libplan.la cache/libaddress.la $(unit_common_libs)
%C%_agent_test_plan_SOURCES = %D%/agent/test_plan.c %D%/test.h

%C%_cache_test_mail_settings_CFLAGS = $(unit_cflags)
%C%_cache_test_mail_settings_LDADD = cache/libmailsettings.la cache/libmail.la cache/libshelf.la $(unit_common_libs)
%C%_cache_test_mail_settings_SOURCES = %D%/cache/test_mail_settings.c %D%/test.h

%C%_cache_test_audit_mail_CFLAGS = $(unit_cflags)
%C%_cache_test_audit_mail_LDADD = tests/lib/libmailtext.la cache/libmail.la cache/libshelf.la $(unit_common_libs)
%C%_cache_test_audit_mail_SOURCES = %D%/cache/test_audit_mail.c %D%/cache/mail_folder.h %D%/test.h

%C%_cache_test_cache_CFLAGS = $(unit_cflags)
%C%_cache_test_cache_LDADD = tests/lib/libdnstext.la cache/libshelf.la $(unit_common_libs)
%C%_cache_test_cache_SOURCES = %D%/cache/test_cache.c %D%/test.h

%C%_dlz_ispman_test_walk_CFLAGS = $(unit_cflags)
%C%_dlz_ispman_test_walk_LDADD = dlz_ispman/libdlz.la tests/lib/libdnstext.la cache/libshelf.la $(unit_common_libs)
%C%_dlz_ispman_test_walk_SOURCES = %D%/dlz_ispman/test_walk.c %D%/test.h

%C%_cache_test_apply_CFLAGS = $(unit_cflags)
%C%_cache_test_apply_LDADD = \
	cache/libreplica.la cache/libproject.la cache/librdata.la cache/libfeed.la cache/libshelf.la $(unit_common_libs)
%C%_cache_test_apply_SOURCES = %D%/cache/test_apply.c %D%/test.h

%C%_cache_test_apply_brake_CFLAGS = $(unit_cflags)
%C%_cache_test_apply_brake_LDADD = \
	cache/libreplica.la cache/libproject.la cache/librdata.la cache/libfeed.la cache/libshelf.la $(unit_common_libs)
%C%_cache_test_apply_brake_SOURCES = %D%/cache/test_apply_brake.c %D%/test.h

%C%_cache_test_place_CFLAGS = $(unit_cflags)
%C%_cache_test_place_LDADD = \
	cache/libreplica.la cache/libproject.la cache/librdata.la cache/libfeed.la cache/libshelf.la $(unit_common_libs)
%C%_cache_test_place_SOURCES = %D%/cache/test_place.c %D%/test.h

%C%_cache_test_address_CFLAGS = $(unit_cflags)
%C%_cache_test_address_LDADD = cache/libaddress.la $(unit_common_libs)
%C%_cache_test_address_SOURCES = %D%/cache/test_address.c %D%/test.h

%C%_cache_test_record_login_CFLAGS = $(unit_cflags)
%C%_cache_test_record_login_LDADD = cache/libaddress.la $(unit_common_libs)
%C%_cache_test_record_login_SOURCES = %D%/cache/test_record_login.c %D%/test.h

%C%_cache_test_record_mail_CFLAGS = $(unit_cflags)
%C%_cache_test_record_mail_LDADD = cache/libaddress.la $(unit_common_libs)
%C%_cache_test_record_mail_SOURCES = %D%/cache/test_record_mail.c %D%/test.h

%C%_common_test_allow_CFLAGS = $(unit_cflags)
%C%_common_test_allow_LDADD = common/libserver.la $(unit_common_libs)
%C%_common_test_allow_SOURCES = %D%/common/test_allow.c %D%/test.h

%C%_common_test_listener_CFLAGS = $(unit_cflags)
%C%_common_test_listener_LDADD = common/libserver.la $(unit_common_libs)
%C%_common_test_listener_SOURCES = %D%/common/test_listener.c %D%/test.h

%C%_common_test_seldom_CFLAGS = $(unit_cflags)
%C%_common_test_seldom_LDADD = common/libserver.la $(unit_common_libs)
%C%_common_test_seldom_SOURCES = %D%/common/test_seldom.c %D%/test.h

%C%_common_test_utf8_CFLAGS = $(unit_cflags)
%C%_common_test_utf8_LDADD = common/libserver.la $(unit_common_libs)
%C%_common_test_utf8_SOURCES = %D%/common/test_utf8.c %D%/test.h

%C%_postfix_map_test_maps_CFLAGS = $(unit_cflags)
%C%_postfix_map_test_maps_LDADD = postfix_map/libmap.la cache/libmailsettings.la cache/libmail.la cache/libshelf.la $(unit_common_libs)
%C%_postfix_map_test_maps_SOURCES = %D%/postfix_map/test_maps.c %D%/test.h

%C%_postfix_map_test_netstring_CFLAGS = $(unit_cflags)
%C%_postfix_map_test_netstring_LDADD = postfix_map/libcodec.la $(unit_common_libs)
%C%_postfix_map_test_netstring_SOURCES = %D%/postfix_map/test_netstring.c %D%/test.h

%C%_postfix_map_test_socketmap_CFLAGS = $(unit_cflags)
%C%_postfix_map_test_socketmap_LDADD = postfix_map/libcodec.la $(unit_common_libs)
%C%_postfix_map_test_socketmap_SOURCES = %D%/postfix_map/test_socketmap.c %D%/test.h

%C%_postfix_map_test_tcptable_CFLAGS = $(unit_cflags)
%C%_postfix_map_test_tcptable_LDADD = postfix_map/libcodec.la $(unit_common_libs)
%C%_postfix_map_test_tcptable_SOURCES = %D%/postfix_map/test_tcptable.c %D%/test.h

%C%_common_test_server_CFLAGS = $(unit_cflags) $(EVENT_CFLAGS)
%C%_common_test_server_LDADD = common/libserver.la $(unit_common_libs)
%C%_common_test_server_SOURCES = %D%/common/test_server.c %D%/test.h

%C%_common_test_server_daemon_CFLAGS = $(unit_cflags)
%C%_common_test_server_daemon_LDADD = common/libserver.la $(unit_common_libs)
%C%_common_test_server_daemon_SOURCES = %D%/common/test_server_daemon.c %D%/test.h

%C%_common_test_server_settings_CFLAGS = $(unit_cflags)
%C%_common_test_server_settings_LDADD = common/libserver.la $(unit_common_libs)
%C%_common_test_server_settings_SOURCES = %D%/common/test_server_settings.c %D%/test.h

%C%_cache_test_project_login_CFLAGS = $(unit_cflags)
%C%_cache_test_project_login_LDADD = cache/libproject.la cache/libfeed.la cache/libshelf.la $(unit_common_libs)
%C%_cache_test_project_login_SOURCES = %D%/cache/test_project_login.c %D%/test.h

%C%_cache_test_login_settings_CFLAGS = $(unit_cflags)
%C%_cache_test_login_settings_LDADD = cache/libloginsettings.la cache/liblogin.la cache/libshelf.la $(unit_common_libs)
%C%_cache_test_login_settings_SOURCES = %D%/cache/test_login_settings.c %D%/test.h

%C%_cache_test_project_mail_CFLAGS = $(unit_cflags)
%C%_cache_test_project_mail_LDADD = cache/libproject.la cache/libfeed.la cache/libshelf.la $(unit_common_libs)
%C%_cache_test_project_mail_SOURCES = %D%/cache/test_project_mail.c %D%/test.h

%C%_common_test_counted_CFLAGS = $(unit_cflags)
%C%_common_test_counted_LDADD = $(unit_common_libs)
%C%_common_test_counted_SOURCES = %D%/common/test_counted.c %D%/test.h

%C%_saslauth_test_mux_CFLAGS = $(unit_cflags)
%C%_saslauth_test_mux_LDADD = saslauth/libmux.la $(unit_common_libs)
%C%_saslauth_test_mux_SOURCES = %D%/saslauth/test_mux.c %D%/test.h

%C%_saslauth_test_pool_CFLAGS = $(unit_cflags)
%C%_saslauth_test_pool_LDADD = saslauth/libchecks.la $(unit_common_libs)
%C%_saslauth_test_pool_SOURCES = %D%/saslauth/test_pool.c %D%/test.h

%C%_saslauth_test_throttle_CFLAGS = $(unit_cflags)
%C%_saslauth_test_throttle_LDADD = saslauth/libchecks.la $(unit_common_libs)
%C%_saslauth_test_throttle_SOURCES = %D%/saslauth/test_throttle.c %D%/test.h

%C%_saslauth_test_verified_CFLAGS = $(unit_cflags)
%C%_saslauth_test_verified_LDADD = saslauth/libchecks.la $(unit_common_libs)
%C%_saslauth_test_verified_SOURCES = %D%/saslauth/test_verified.c %D%/test.h
%C%_ftpauth_test_extauth_CFLAGS = $(unit_cflags)
%C%_ftpauth_test_extauth_LDADD = ftpauth/libextauth.la $(unit_common_libs)
%C%_ftpauth_test_extauth_SOURCES = %D%/ftpauth/test_extauth.c %D%/test.h

%C%_ftpauth_test_question_CFLAGS = $(unit_cflags)
%C%_ftpauth_test_question_LDADD = ftpauth/libextauth.la saslauth/libmux.la $(unit_common_libs)
%C%_ftpauth_test_question_SOURCES = %D%/ftpauth/test_question.c %D%/test.h

%C%_ftpauth_test_session_CFLAGS = $(unit_cflags)
%C%_ftpauth_test_session_LDADD = ftpauth/libextauth.la $(unit_common_libs)
%C%_ftpauth_test_session_SOURCES = %D%/ftpauth/test_session.c %D%/test.h

%C%_saslauth_test_password_CFLAGS = $(unit_cflags)
%C%_saslauth_test_password_LDADD = saslauth/libpassword.la $(unit_common_libs)
%C%_saslauth_test_password_SOURCES = %D%/saslauth/test_password.c %D%/saslauth/password_vectors.h %D%/test.h

%C%_saslauth_test_client_CFLAGS = $(unit_cflags)
%C%_saslauth_test_client_LDADD = saslauth/libsaslauthd.la saslauth/libpassword.la common/libserver.la $(unit_common_libs)
%C%_saslauth_test_client_SOURCES = %D%/saslauth/test_client.c %D%/test.h

%C%_saslauth_test_usual_CFLAGS = $(unit_cflags)
%C%_saslauth_test_usual_LDADD = saslauth/libsaslauthd.la saslauth/libpassword.la common/libserver.la $(unit_common_libs)
%C%_saslauth_test_usual_SOURCES = %D%/saslauth/test_usual.c %D%/test.h

%C%_saslauth_test_digest_CFLAGS = $(unit_cflags) $(CRYPTO_CFLAGS)
%C%_saslauth_test_digest_LDADD = saslauth/libchecks.la $(unit_common_libs) $(CRYPTO_LIBS)
%C%_saslauth_test_digest_SOURCES = %D%/saslauth/test_digest.c %D%/test.h

%C%_agent_test_task_kinds_CFLAGS = $(unit_cflags)
%C%_agent_test_task_kinds_LDADD = agent/libtask.la $(unit_common_libs)
%C%_agent_test_task_kinds_SOURCES = %D%/agent/test_task_kinds.c %D%/test.h

%C%_agent_test_task_message_CFLAGS = $(unit_cflags)
%C%_agent_test_task_message_LDADD = agent/libtask.la $(unit_common_libs)
%C%_agent_test_task_message_SOURCES = %D%/agent/test_task_message.c %D%/test.h

%C%_agent_test_task_params_CFLAGS = $(unit_cflags)
%C%_agent_test_task_params_LDADD = agent/libtask.la $(unit_common_libs)
%C%_agent_test_task_params_SOURCES = %D%/agent/test_task_params.c %D%/test.h
