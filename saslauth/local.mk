# Passwords: who may log in. The codec stands apart for the fuzz targets.
noinst_LTLIBRARIES += %D%/libmux.la
%C%_libmux_la_LIBADD = common/libcommon.la
%C%_libmux_la_SOURCES = %D%/mux.c %D%/mux.h
