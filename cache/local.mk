# The reading half: also linked into what named and the daemons load.
noinst_LTLIBRARIES += %D%/libname.la
%C%_libname_la_SOURCES = \
	%D%/dname.c %D%/dname.h \
	%D%/rrtype.c %D%/rrtype.h
