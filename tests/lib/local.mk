# What tests share in C.
check_LTLIBRARIES += %D%/libdnstext.la
%C%_libdnstext_la_SOURCES = %D%/dns_text.c %D%/dns_text.h \
	%D%/environment_text.c %D%/environment_text.h

check_LTLIBRARIES += %D%/libmailtext.la
%C%_libmailtext_la_SOURCES = %D%/mail_text.c %D%/mail_text.h \
	%D%/environment_text.c %D%/environment_text.h

check_LTLIBRARIES += %D%/liblogintext.la
%C%_liblogintext_la_SOURCES = %D%/login_text.c %D%/login_text.h \
	%D%/environment_text.c %D%/environment_text.h

check_PROGRAMS += %D%/write_dns %D%/write_login %D%/write_mail
%C%_write_login_LDADD = %D%/liblogintext.la cache/liblogin.la cache/libshelf.la
%C%_write_login_SOURCES = %D%/write_login.c

%C%_write_mail_LDADD = %D%/libmailtext.la cache/libaddress.la cache/libshelf.la
%C%_write_mail_SOURCES = %D%/write_mail.c

%C%_write_dns_LDADD = %D%/libdnstext.la cache/libshelf.la
%C%_write_dns_SOURCES = %D%/write_dns.c

check_PROGRAMS += %D%/mailbox_probe
%C%_mailbox_probe_LDADD = agent/libmailbox.la common/libcommon.la
%C%_mailbox_probe_SOURCES = %D%/mailbox_probe.c

check_PROGRAMS += %D%/tasks_probe
%C%_tasks_probe_LDADD = agent/libtasks.la common/libcommon.la
%C%_tasks_probe_SOURCES = %D%/tasks_probe.c
