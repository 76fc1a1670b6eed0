# Passwords: who may log in. The codec stands apart for the fuzz targets.
noinst_LTLIBRARIES += %D%/libmux.la
%C%_libmux_la_LIBADD = common/libcommon.la
%C%_libmux_la_SOURCES = %D%/mux.c %D%/mux.h

# What is remembered of passwords, and where costly checks run. Knows neither the protocol nor the cache.
noinst_LTLIBRARIES += %D%/libchecks.la
%C%_libchecks_la_SOURCES = \
	%D%/digest.c %D%/digest.h \
	%D%/pool.c %D%/pool.h \
	%D%/throttle.c %D%/throttle.h \
	%D%/verified.c %D%/verified.h

# Whether a password is right: all that reads stored values, apart for its tests.
noinst_LTLIBRARIES += %D%/libpassword.la
%C%_libpassword_la_CFLAGS = $(AM_CFLAGS) $(CRYPTO_CFLAGS) $(CRYPT_CFLAGS) $(ARGON2_CFLAGS)
%C%_libpassword_la_LIBADD = common/libcommon.la $(CRYPTO_LIBS) $(CRYPT_LIBS) $(ARGON2_LIBS)
%C%_libpassword_la_SOURCES = \
	%D%/password.c %D%/password.h %D%/password_internal.h \
	%D%/password_argon2.c \
	%D%/password_crypt.c \
	%D%/password_digest.c \
	%D%/password_kdf.c \
	%D%/password_octets.c \
	%D%/password_scrypt.c

# A login on a connection; and the only file here that speaks LDAP.
noinst_LTLIBRARIES += %D%/libsaslauthd.la
%C%_libsaslauthd_la_CFLAGS = $(AM_CFLAGS) $(EVENT_CFLAGS) $(JANSSON_CFLAGS) $(LDAP_CFLAGS)
%C%_libsaslauthd_la_LIBADD = \
	%D%/libmux.la %D%/libchecks.la %D%/libpassword.la common/libserver.la $(JANSSON_LIBS) $(LDAP_LIBS)
%C%_libsaslauthd_la_SOURCES = \
	%D%/bind.c %D%/bind.h \
	%D%/client.c %D%/client.h \
	%D%/control.c %D%/control.h \
	%D%/saslauthd_settings.c %D%/saslauthd_settings.h \
	%D%/serve.c %D%/serve.h %D%/serve_parts.h \
	%D%/serve_reply.c \
	%D%/usual.c %D%/usual.h \
	%D%/work.c %D%/work.h

sbin_PROGRAMS += %D%/ispman-saslauthd
%C%_ispman_saslauthd_CFLAGS = $(AM_CFLAGS) $(EVENT_CFLAGS)
%C%_ispman_saslauthd_LDADD = \
	%D%/libsaslauthd.la cache/libloginsettings.la cache/libloginjson.la cache/liblogin.la cache/libshelf.la common/libserver.la \
	common/libcommon.la $(EVENT_LIBS)
%C%_ispman_saslauthd_SOURCES = %D%/main.c
