# Benchmarks: ratios against peers of the same run. None decides whether a build is good.

bench_programs = %D%/change_probe %D%/constant_socketmap %D%/mail_load %D%/makemail %D%/maketree
EXTRA_PROGRAMS = $(bench_programs)
CLEANFILES += $(bench_programs)
%C%_change_probe_LDADD = $(LDAP_LIBS)
%C%_change_probe_SOURCES = %D%/change_probe.c
%C%_constant_socketmap_SOURCES = %D%/constant_socketmap.c
%C%_mail_load_SOURCES = %D%/mail_load.c
%C%_makemail_SOURCES = %D%/makemail.c
%C%_maketree_SOURCES = %D%/maketree.c

# What DLZ itself costs, beside our module.
EXTRA_LTLIBRARIES = %D%/constant_dlz.la
CLEANFILES += %D%/constant_dlz.la
%C%_constant_dlz_la_SOURCES = %D%/constant_dlz.c
%C%_constant_dlz_la_LDFLAGS = $(AM_LDFLAGS) -module -avoid-version -shared -rpath /nowhere -export-symbols-regex '^dlz_'

EXTRA_DIST += %D%/README.md %D%/change.py %D%/dns.py %D%/mail.py %D%/scale.py

bench_run = $(AM_TESTS_ENVIRONMENT) /usr/bin/python3

bench-dns: all tests/bench/constant_dlz.la
	$(bench_run) $(srcdir)/tests/bench/dns.py

bench-scale: all tests/bench/maketree
	$(bench_run) $(srcdir)/tests/bench/scale.py

bench-change: all tests/bench/change_probe
	$(bench_run) $(srcdir)/tests/bench/change.py

mail_programs = tests/bench/change_probe tests/bench/constant_socketmap tests/bench/mail_load tests/bench/makemail
bench-mail: all $(mail_programs)
	$(bench_run) $(srcdir)/tests/bench/mail.py $(BENCH_ARGUMENTS)

bench-mail-scale: all $(mail_programs)
	$(bench_run) $(srcdir)/tests/bench/mail.py --scale $(BENCH_ARGUMENTS)

bench: bench-dns bench-change bench-scale bench-mail bench-mail-scale

.PHONY: bench bench-change bench-dns bench-mail bench-mail-scale bench-scale
