# The comparing half of tests/integration/differential.py.

check_PROGRAMS += %D%/dnsdiff
%C%_dnsdiff_SOURCES = \
	%D%/dnsdiff.c \
	%D%/judge.c %D%/judge.h \
	%D%/message.c %D%/message.h \
	%D%/peer.c %D%/peer.h
