# What is to be done, pure.
noinst_LTLIBRARIES += %D%/libplan.la
%C%_libplan_la_SOURCES = %D%/plan.c %D%/plan.h

# IMAP as octets.
noinst_LTLIBRARIES += %D%/libimap.la
%C%_libimap_la_SOURCES = %D%/imap.c %D%/imap.h

# Mailboxes of an IMAP server.
noinst_LTLIBRARIES += %D%/libmailbox.la
%C%_libmailbox_la_CFLAGS = $(AM_CFLAGS) $(SSL_CFLAGS) $(CRYPTO_CFLAGS)
%C%_libmailbox_la_LIBADD = %D%/libimap.la $(SSL_LIBS) $(CRYPTO_LIBS)
%C%_libmailbox_la_SOURCES = %D%/imap_session.c %D%/imap_session.h %D%/mailbox.c %D%/mailbox.h
