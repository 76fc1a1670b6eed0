# What a machine can check is left to a machine.

lint_tests = \
	%D%/docs.sh \
	%D%/exports.sh \
	%D%/hardening.sh \
	%D%/layers.sh \
	%D%/manpages.sh \
	%D%/shell.sh \
	%D%/style.sh
TESTS += $(lint_tests)
EXTRA_DIST += $(lint_tests) %D%/tap.sh

check_PROGRAMS += %D%/settings_list
%C%_settings_list_LDADD = \
	agent/libagent.la ftpauth/libftp.la saslauth/libsaslauthd.la saslauth/libpassword.la cache/libloginsettings.la cache/libloginjson.la postfix_map/libmap.la cache/liblogin.la cache/libmail.la cache/libshelf.la cache/libsettings.la cache/libproject.la cache/libfeed.la cache/libname.la common/libcommon.la
%C%_settings_list_SOURCES = %D%/settings_list.c
