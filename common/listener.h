/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * Sockets that a daemon listens on: the values of "listen", opened here or handed over by the service manager.
 *
 *	unix:/run/x/socket                                  unix:PATH,mode=0660,owner=NAME,group=NAME
 *	inet:127.0.0.1:4711  inet:[::1]:4711                inet:HOST:PORT
 *
 * and with ",name=NAME" at the end the socket that was handed over under that name. Without it a socket that was handed
 * over is recognised by its address.
 */
#pragma once

#include "common/macro.h"
#include "common/text.h"

#include <stdint.h>
#include <sys/stat.h>
#include <sys/un.h>

enum listener_family { LISTENER_UNIX, LISTENER_INET };

enum { LISTENER_NAME_ROOM = 64, LISTENER_HOST_ROOM = 256, LISTENER_SOCKETS_MAX = 8 };

struct listener_address {
	enum listener_family family;
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	char host[LISTENER_HOST_ROOM];
	uint16_t port;
	mode_t mode; /* of a unix socket; 0660 unless given */
	char owner[LISTENER_NAME_ROOM], group[LISTENER_NAME_ROOM]; /* "": as it comes */
	char name[LISTENER_NAME_ROOM];                             /* "": by its address */
};

/* Reads a value of "listen". 0, or -EINVAL with what would be right in WHY. */
must_check int listener_parse(const char *text, struct listener_address *out, struct text *why);

/* "unix:PATH" or "inet:HOST:PORT". */
void listener_put(struct text *out, const struct listener_address *address);

/* Whether both mean the same place, whatever the rights. */
bool listener_is_same(const struct listener_address *a, const struct listener_address *b);

/* What could be known before opening: the folder exists, so do owner and group. 0, or negative with a sentence in WHY. */
must_check int listener_check(const struct listener_address *address, struct text *why);

/* --- sockets that were handed over --------------------------------------------------------------------- */

struct listener_inherited {
	size_t count;
	struct listener_socket {
		int fd; /* -1: somebody has it */
		char name[LISTENER_NAME_ROOM];
	} *sockets;
};

/* Takes what $LISTEN_FDS, $LISTEN_PID and $LISTEN_FDNAMES say, and removes them. 0 or -ENOMEM. */
must_check int listener_inherit(struct listener_inherited *out);
void listener_inherited_free(struct listener_inherited *inherited);

/* Whether SOCKET is what ADDRESS means. */
bool listener_matches(const struct listener_address *address, const struct listener_socket *socket);

/* The address of a socket that was handed over: 0, or -EINVAL when it does not listen for streams. */
must_check int listener_address_of(int fd, struct listener_address *out);

/* --- open ones ----------------------------------------------------------------------------------------- */

struct listener {
	struct listener_address address;
	size_t count;
	int fds[LISTENER_SOCKETS_MAX]; /* a host can have several addresses */
	bool inherited;
	bool made; /* the file is ours to remove */
	dev_t device;
	ino_t inode;
};

/* Listens there, non-blocking: with a socket of INHERITED (may be NULL) when there is one. The file of a process that is
 * gone is replaced; while somebody answers at it, that is an error which says who. 0, or negative with a sentence in WHY. */
must_check int listener_open(const struct listener_address *address, struct listener_inherited *inherited,
                             struct listener *out, struct text *why);

/* Removes the file, if it is the one that was made here. */
void listener_unlink(struct listener *listener);
/* That, and closes. */
void listener_close(struct listener *listener);
