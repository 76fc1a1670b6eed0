noinst_LTLIBRARIES += %D%/libcommon.la
%C%_libcommon_la_SOURCES = \
	%D%/macro.h \
	%D%/arena.c %D%/arena.h \
	%D%/conf.c %D%/conf.h %D%/conf_value.c %D%/conf_value.h \
	%D%/counted.c %D%/counted.h \
	%D%/counters.c %D%/counters.h %D%/counters_file.h %D%/counters_read.c \
	%D%/daemon.c %D%/daemon.h \
	%D%/line.c %D%/line.h \
	%D%/log.c %D%/log.h \
	%D%/notify.c %D%/notify.h \
	%D%/span.c %D%/span.h \
	%D%/text.c %D%/text.h \
	%D%/utf8.c %D%/utf8.h

# What daemons with stream sockets are made of. Apart: named loads libcommon, and no event loop.
noinst_LTLIBRARIES += %D%/libserver.la
%C%_libserver_la_CFLAGS = $(AM_CFLAGS) $(EVENT_CFLAGS)
%C%_libserver_la_LIBADD = %D%/libcommon.la $(EVENT_LIBS)
%C%_libserver_la_SOURCES = \
	%D%/allow.c %D%/allow.h \
	%D%/listener.c %D%/listener.h \
	%D%/seldom.c %D%/seldom.h \
	%D%/server.c %D%/server.h %D%/server_internal.h \
	%D%/server_daemon.c %D%/server_daemon.h \
	%D%/server_settings.c %D%/server_settings.h \
	%D%/server_turn.c
