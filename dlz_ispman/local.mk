# What named loads. The tests link the same objects as a library.
noinst_LTLIBRARIES += %D%/libdlz.la
%C%_libdlz_la_CFLAGS = $(AM_CFLAGS) -fvisibility=hidden
%C%_libdlz_la_SOURCES = \
	%D%/arguments.c \
	%D%/dlz.h \
	%D%/dlz_ispman.c \
	%D%/instance.h \
	%D%/walk.c %D%/walk.h

pkglib_LTLIBRARIES += %D%/dlz_ispman.la
%C%_dlz_ispman_la_SOURCES =
%C%_dlz_ispman_la_LIBADD = %D%/libdlz.la cache/libshelf.la
# Never unloaded: threads of named keep what they read with, and its destructor is here.
%C%_dlz_ispman_la_LDFLAGS = $(AM_LDFLAGS) -module -avoid-version -shared -export-symbols-regex '^dlz_' -Wl,-z,nodelete
