# What is to be done, pure.
noinst_LTLIBRARIES += %D%/libplan.la
%C%_libplan_la_SOURCES = %D%/plan.c %D%/plan.h

# IMAP as octets.
noinst_LTLIBRARIES += %D%/libimap.la
%C%_libimap_la_SOURCES = %D%/imap.c %D%/imap.h

# A connection to an IMAP server.
noinst_LTLIBRARIES += %D%/libimapsession.la
%C%_libimapsession_la_CFLAGS = $(AM_CFLAGS) $(SSL_CFLAGS) $(CRYPTO_CFLAGS)
%C%_libimapsession_la_LIBADD = %D%/libimap.la $(SSL_LIBS) $(CRYPTO_LIBS)
%C%_libimapsession_la_SOURCES = %D%/imap_session.c %D%/imap_session.h
