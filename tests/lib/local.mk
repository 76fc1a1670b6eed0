# Programs that tests use.
check_PROGRAMS += %D%/write_dns
%C%_write_dns_LDADD = cache/libshelf.la
%C%_write_dns_SOURCES = %D%/write_dns.c
