/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * What the files of cache/connection.h share: connection_attempt.c has the threads, connection_socket.c the
 * sockets, connection.c what libldap does with them.
 */
#pragma once

#include "cache/connection.h"

#include <pthread.h>

struct connection_attempt {
	/* Written before the thread starts. */
	char *uri, *ca_file, *cert_file, *key_file, *bind_dn, *password_file, *sasl_mech, *base;
	bool starttls, sync;
	unsigned timeout;
	size_t uri_number;
	int done_fd; /* readable: the thread has done what it could */
	pthread_t thread;

	pthread_mutex_t lock;
	/* Under the lock. */
	bool abandoned;
	int guard; /* a duplicate of the socket, to shut it down from outside; -1 */

	/* The thread's until it has ended. */
	struct connection *connection;
	struct text why;
	int error;

	struct connection_attempt *next; /* of the abandoned ones */
};

/* Each connects and returns a socket, guarded (see guard) and not blocking, or a negative errno with a sentence in a->why. */
must_check int connection_socket_unix(struct connection_attempt *attempt, const char *path);
must_check int connection_socket_host(struct connection_attempt *attempt, const char *host, unsigned port);

/* Does all that an attempt is for. Returns 0 and attempt->connection, or a negative errno with a sentence in a->why. Blocks. */
must_check int connection_set_up(struct connection_attempt *attempt);

/* libldap sets up its defaults (ldap.conf, environment) at first use, without a lock: to be called before there
 * are threads. */
void connection_wake_libldap(void);
