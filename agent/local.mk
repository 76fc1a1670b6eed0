# What is to be done, pure.
noinst_LTLIBRARIES += %D%/libplan.la
%C%_libplan_la_SOURCES = %D%/plan.c %D%/plan.h

# IMAP as octets.
noinst_LTLIBRARIES += %D%/libimap.la
%C%_libimap_la_SOURCES = %D%/imap.c %D%/imap.h

# Mailboxes of an IMAP server.
noinst_LTLIBRARIES += %D%/libmailbox.la
%C%_libmailbox_la_CFLAGS = $(AM_CFLAGS) $(SSL_CFLAGS) $(CRYPTO_CFLAGS)
%C%_libmailbox_la_LIBADD = %D%/libimap.la $(SSL_LIBS) $(CRYPTO_LIBS)
%C%_libmailbox_la_SOURCES = %D%/imap_session.c %D%/imap_session.h %D%/mailbox.c %D%/mailbox.h

# The agent's work, and the settings of it.
noinst_LTLIBRARIES += %D%/libagent.la
%C%_libagent_la_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
%C%_libagent_la_LIBADD = %D%/libplan.la %D%/libmailbox.la %D%/libdisk.la %D%/libtasks.la cache/liblogin.la cache/libledger.la $(JANSSON_LIBS)
%C%_libagent_la_SOURCES = \
	%D%/agent_settings.c %D%/agent_settings.h \
	%D%/confine.c %D%/confine.h \
	%D%/engine.c %D%/engine.h %D%/engine_internal.h \
	%D%/engine_audit.c \
	%D%/engine_book.c \
	%D%/engine_directory.c \
	%D%/engine_mailbox.c \
	%D%/queue.c %D%/queue.h \
	%D%/status.c %D%/status.h

sbin_PROGRAMS += %D%/ispman-agent
%C%_ispman_agent_LDADD = %D%/libagent.la cache/libshelf.la common/libcommon.la
%C%_ispman_agent_SOURCES = %D%/main.c

# ISPMan's queue: what its tasks mean, pure.
noinst_LTLIBRARIES += %D%/libtask.la
%C%_libtask_la_SOURCES = \
	%D%/task_kinds.c %D%/task_kinds.h \
	%D%/task_message.c %D%/task_message.h \
	%D%/task_params.c %D%/task_params.h

# ... and the queue itself, over LDAP.
noinst_LTLIBRARIES += %D%/libtasks.la
%C%_libtasks_la_CPPFLAGS = $(AM_CPPFLAGS) $(LDAP_CFLAGS)
%C%_libtasks_la_LIBADD = %D%/libtask.la cache/libfeed.la $(LDAP_LIBS)
%C%_libtasks_la_SOURCES = %D%/tasks.c %D%/tasks.h

# Directories below roots.
noinst_LTLIBRARIES += %D%/libdisk.la
%C%_libdisk_la_SOURCES = %D%/disk.c %D%/disk.h %D%/disk_complete.c %D%/disk_internal.h %D%/disk_make.c %D%/disk_path.c \
	%D%/disk_quota.c %D%/disk_remove.c %D%/disk_skeleton.c %D%/disk_trash.c
