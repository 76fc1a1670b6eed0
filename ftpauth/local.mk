# What Pure-FTPd asks. The codecs stand apart for the fuzz targets.
noinst_LTLIBRARIES += %D%/libextauth.la
%C%_libextauth_la_LIBADD = common/libcommon.la
%C%_libextauth_la_SOURCES = \
	%D%/extauth.c %D%/extauth.h \
	%D%/question.c %D%/question.h \
	%D%/session.c %D%/session.h
