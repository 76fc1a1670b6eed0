# What Postfix asks. The codecs stand apart for the fuzz targets.
noinst_LTLIBRARIES += %D%/libcodec.la
%C%_libcodec_la_SOURCES = \
	%D%/netstring.c %D%/netstring.h \
	%D%/reply.h \
	%D%/socketmap.c %D%/socketmap.h \
	%D%/tcptable.c %D%/tcptable.h

noinst_LTLIBRARIES += %D%/libmap.la
%C%_libmap_la_LIBADD = %D%/libcodec.la common/libserver.la
%C%_libmap_la_SOURCES = \
	%D%/maps.c %D%/maps.h \
	%D%/serve.c %D%/serve.h \
	%D%/socketmapd_settings.c %D%/socketmapd_settings.h

sbin_PROGRAMS += %D%/ispman-socketmapd
%C%_ispman_socketmapd_LDADD = \
	%D%/libmap.la cache/libmailsettings.la cache/libmail.la cache/libshelf.la common/libserver.la common/libcommon.la
%C%_ispman_socketmapd_SOURCES = %D%/main.c
