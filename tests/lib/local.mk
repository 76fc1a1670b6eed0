# What tests share in C.
check_LTLIBRARIES += %D%/libdnstext.la
%C%_libdnstext_la_SOURCES = %D%/dns_text.c %D%/dns_text.h

check_PROGRAMS += %D%/write_dns
%C%_write_dns_LDADD = %D%/libdnstext.la cache/libshelf.la
%C%_write_dns_SOURCES = %D%/write_dns.c
