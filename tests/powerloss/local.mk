# Power loss: a recorder to be preloaded, and a program that replays what it wrote into what a disk may hold.

check_LTLIBRARIES += %D%/record_writes.la
# It stands before the C library and the sanitizers: neither checks nor wrappers in between.
%C%_record_writes_la_CFLAGS = $(AM_CFLAGS) -U_FORTIFY_SOURCE -fno-sanitize=all
%C%_record_writes_la_LDFLAGS = -module -avoid-version -rpath /nowhere
%C%_record_writes_la_SOURCES = %D%/record_writes.c %D%/write_log.h

check_PROGRAMS += %D%/replay_writes
%C%_replay_writes_LDADD = cache/libreplica.la cache/libproject.la cache/librdata.la cache/libfeed.la \
	cache/libshelf.la common/libcommon.la $(LDAP_LIBS) $(CRYPTO_LIBS)
%C%_replay_writes_SOURCES = %D%/replay_writes.c %D%/write_log.h
