# What Pure-FTPd asks. The codecs stand apart for the fuzz targets.
noinst_LTLIBRARIES += %D%/libextauth.la
%C%_libextauth_la_LIBADD = common/libcommon.la
%C%_libextauth_la_SOURCES = \
	%D%/extauth.c %D%/extauth.h \
	%D%/question.c %D%/question.h \
	%D%/session.c %D%/session.h

noinst_LTLIBRARIES += %D%/libftp.la
%C%_libftp_la_CFLAGS = $(AM_CFLAGS) $(EVENT_CFLAGS)
%C%_libftp_la_LIBADD = %D%/libextauth.la common/libserver.la
%C%_libftp_la_SOURCES = \
	%D%/ftpauthd_settings.c %D%/ftpauthd_settings.h \
	%D%/serve.c %D%/serve.h \
	%D%/verification.c %D%/verification.h

sbin_PROGRAMS += %D%/ispman-ftpauthd
%C%_ispman_ftpauthd_LDADD = \
	%D%/libftp.la cache/libloginsettings.la cache/liblogin.la cache/libshelf.la common/libserver.la common/libcommon.la
%C%_ispman_ftpauthd_SOURCES = %D%/main.c
