# What is to be done, pure.
noinst_LTLIBRARIES += %D%/libplan.la
%C%_libplan_la_SOURCES = %D%/plan.c %D%/plan.h

# IMAP as octets.
noinst_LTLIBRARIES += %D%/libimap.la
%C%_libimap_la_SOURCES = %D%/imap.c %D%/imap.h
