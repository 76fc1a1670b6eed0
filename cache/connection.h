/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * A connection to one LDAP server: found, connected, secured, bound, and asked which database it
 * serves.
 *
 * All of this blocks (a resolver, a TLS handshake, a Kerberos server), and libldap offers no way out of
 * most of it. So it is done in a thread of its own, an attempt, and whoever wants the connection
 * waits for a descriptor and may turn away at any instant. Its socket is shut down then, which ends it soon; only
 * a resolver or a Kerberos server can keep it for longer, and what is left of it is cleaned up later.
 */
#pragma once

#include "cache/entry.h"
#include "common/macro.h"
#include "common/span.h"
#include "common/text.h"

/* The default of libldap, where slapd's ldapi:/// listens. */
#define CONNECTION_LDAPI_PATH "/var/run/slapd/ldapi"

/* Strings may be NULL or empty where nothing is set. */
struct connection_config {
	const char *const *uris; /* ldap://, ldaps://, ldapi://; the first is preferred */
	size_t uri_count;
	bool starttls;
	const char *ca_file;   /* PEM; none: the system's, as in ldap.conf */
	const char *cert_file; /* for a server that wants to see a client certificate */
	const char *key_file;
	const char *bind_dn; /* none: anonymous, unless sasl_mech is set */
	const char *bind_password_file;
	const char *sasl_mech; /* EXTERNAL, GSSAPI, ... */
	unsigned timeout;      /* seconds for each step */
};

struct ldap;       /* libldap's LDAP */
struct berelement; /* liblber's BerElement */

struct connection {
	struct ldap *ldap;
	int fd;     /* libldap's; to poll for input */
	bool direct;                /* see message_next */
	struct berelement *partial; /* a message of which a part may have come */
	size_t uri; /* which of the configuration's */
	struct text identity; /* the DN that the server knows us by; "" is anonymous or unknown */

	/* entryUUID of the entry at the base: the same in all servers of one database. */
	uint8_t base_uuid[ENTRY_UUID_LEN];
	/* Where contextCSN stands, and its values in the form of a cookie ("csn=A;B"); both empty when they may
	 * not be read. */
	struct text context_dn;
	struct text state;
};

/* What must hold before a connection counts as usable. */
struct connection_wish {
	const char *base; /* must be readable, with entryUUID */
	bool sync;        /* the server must offer RFC 4533 */
};

struct connection_attempt;

/* Begins to connect to CONFIG's server number URI. Everything is copied. Returns 0 or a negative errno. */
must_check int connection_attempt_start(const struct connection_config *config, size_t uri,
                                        const struct connection_wish *wish,
                                        struct connection_attempt **out_attempt);

/* Readable once the attempt has ended. */
int connection_attempt_fd(const struct connection_attempt *attempt);

/* Takes what an ended attempt brought, and frees it. Returns 0 with a connection, or a negative errno with
 * a sentence in WHY that an administrator can act on. */
must_check int connection_attempt_finish(struct connection_attempt *attempt,
                                         struct connection **out_connection, struct text *why);

/* Turns away from an attempt, ended or not. NULL is fine. */
void connection_attempt_abandon(struct connection_attempt *attempt);

/* Waits a little for abandoned attempts: to be called before the process ends, because libldap must not be taken down
 * under a thread that uses it. */
void connection_settle(void);

/* An attempt and its end in one call, at most a few times the timeout. -ECANCELED when STOP_FD becomes readable. */
must_check int connection_open(const struct connection_config *config, size_t uri,
                               const struct connection_wish *wish, int stop_fd,
                               struct connection **out_connection, struct text *why);

/* NULL is fine. */
void connection_close(struct connection *connection);
void connection_closep(struct connection **connection);

/* Reads the password in FILE, without a final newline. The caller wipes and frees *OUT. Returns 0, or a negative
 * errno with a sentence in WHY: unreadable, empty, or readable by others. */
must_check int connection_read_password(const char *file, struct text *out, struct text *why);
