# Benchmarks: ratios against peers of the same run. None decides whether a build is good.

EXTRA_PROGRAMS = %D%/change_probe %D%/maketree
CLEANFILES += %D%/change_probe %D%/maketree
%C%_change_probe_LDADD = $(LDAP_LIBS)
%C%_change_probe_SOURCES = %D%/change_probe.c
%C%_maketree_SOURCES = %D%/maketree.c

EXTRA_DIST += %D%/README.md %D%/change.py %D%/dns.py %D%/scale.py

bench_run = $(AM_TESTS_ENVIRONMENT) /usr/bin/python3

bench-dns: all
	$(bench_run) $(srcdir)/tests/bench/dns.py

bench-scale: all tests/bench/maketree
	$(bench_run) $(srcdir)/tests/bench/scale.py

bench-change: all tests/bench/change_probe
	$(bench_run) $(srcdir)/tests/bench/change.py

bench: bench-dns bench-change bench-scale

.PHONY: bench bench-change bench-dns bench-scale
