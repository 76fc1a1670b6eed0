# The projection as a whole: LDIF files in, records out.

check_PROGRAMS += %D%/project_ldif
TESTS += %D%/golden.sh %D%/named_rules.py
EXTRA_DIST += %D%/golden.sh %D%/named_rules.py %D%/cases tests/data/sample.ldif

%C%_project_ldif_LDADD = cache/libproject.la cache/libsettings.la cache/libfeed.la \
	cache/libshelf.la common/libcommon.la
%C%_project_ldif_SOURCES = %D%/project_ldif.c
