noinst_LTLIBRARIES += %D%/libcommon.la
%C%_libcommon_la_SOURCES = \
	%D%/macro.h \
	%D%/arena.c %D%/arena.h \
	%D%/conf.c %D%/conf.h %D%/conf_value.c %D%/conf_value.h \
	%D%/counters.c %D%/counters.h %D%/counters_file.h %D%/counters_read.c \
	%D%/daemon.c %D%/daemon.h \
	%D%/line.c %D%/line.h \
	%D%/log.c %D%/log.h \
	%D%/notify.c %D%/notify.h \
	%D%/span.c %D%/span.h \
	%D%/text.c %D%/text.h
