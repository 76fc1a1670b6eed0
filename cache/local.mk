# The reading half: also linked into what named and the daemons load.
noinst_LTLIBRARIES += %D%/libname.la
%C%_libname_la_SOURCES = \
	%D%/dname.c %D%/dname.h \
	%D%/rrtype.c %D%/rrtype.h

# The writing half's sources of entries: LDIF and LDAP.
noinst_LTLIBRARIES += %D%/libfeed.la
%C%_libfeed_la_CPPFLAGS = $(AM_CPPFLAGS) $(CRYPTO_CFLAGS)
%C%_libfeed_la_LIBADD = $(CRYPTO_LIBS)
%C%_libfeed_la_SOURCES = \
	%D%/dn.c \
	%D%/entry.c %D%/entry.h \
	%D%/feed.h
