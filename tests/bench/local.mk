# Benchmarks: ratios against peers of the same run. None decides whether a build is good.

bench_programs = \
	%D%/auth_load %D%/change_probe %D%/constant_login %D%/constant_socketmap %D%/mail_load %D%/makelogins %D%/makemail \
	%D%/maketree %D%/skeleton_login
EXTRA_PROGRAMS = $(bench_programs)
CLEANFILES += $(bench_programs)
%C%_auth_load_LDADD = $(CRYPTO_LIBS) -lcrypt
%C%_auth_load_SOURCES = %D%/auth_load.c %D%/latency.h
%C%_change_probe_LDADD = $(LDAP_LIBS)
%C%_change_probe_SOURCES = %D%/change_probe.c
%C%_constant_login_SOURCES = %D%/constant_login.c
%C%_constant_socketmap_SOURCES = %D%/constant_socketmap.c
%C%_mail_load_SOURCES = %D%/latency.h %D%/mail_load.c
%C%_makelogins_LDADD = $(CRYPTO_LIBS) -lcrypt
%C%_makelogins_SOURCES = %D%/makelogins.c
%C%_makemail_SOURCES = %D%/makemail.c
%C%_maketree_SOURCES = %D%/maketree.c
%C%_skeleton_login_LDADD = common/libserver.la common/libcommon.la
%C%_skeleton_login_SOURCES = %D%/skeleton_login.c

# What DLZ itself costs, beside our module.
EXTRA_LTLIBRARIES = %D%/constant_dlz.la
CLEANFILES += %D%/constant_dlz.la
%C%_constant_dlz_la_SOURCES = %D%/constant_dlz.c
%C%_constant_dlz_la_LDFLAGS = $(AM_LDFLAGS) -module -avoid-version -shared -rpath /nowhere -export-symbols-regex '^dlz_'

EXTRA_DIST += %D%/README.md %D%/agent.py %D%/auth.py %D%/change.py %D%/dns.py %D%/mail.py %D%/scale.py

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

auth_programs = tests/bench/auth_load tests/bench/constant_login tests/bench/makelogins tests/bench/skeleton_login
bench-auth: all $(auth_programs)
	$(bench_run) $(srcdir)/tests/bench/auth.py $(BENCH_ARGUMENTS)

bench-agent: all
	$(bench_run) $(srcdir)/tests/bench/agent.py $(BENCH_ARGUMENTS)

bench: bench-agent bench-dns bench-change bench-scale bench-mail bench-mail-scale bench-auth

.PHONY: bench bench-agent bench-auth bench-change bench-dns bench-mail bench-mail-scale bench-scale
