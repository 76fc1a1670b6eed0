/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 */
#include <config.h>

#include "common/listener.h"

#include "common/daemon.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pwd.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/socket.h>

enum { LOOKUP_ROOM = 65536, MODE_DEFAULT = 0660 };

/* --- values -------------------------------------------------------------------------------------------- */

static int
refuse(struct text *why)
{
	text_put(why, "unix:PATH (absolute, under 108 octets), unix:PATH,mode=0660,owner=NAME,group=NAME or inet:HOST:PORT "
	              "(inet:127.0.0.1:4711, inet:[::1]:4711)");
	return -EINVAL;
}

/* S without NUL into ROOM octets at OUT. */
static bool
keep(struct span s, char *out, size_t room)
{
	if (s.len == 0 || s.len >= room)
		return false;
	memcpy(out, s.data, s.len);
	out[s.len] = '\0';
	return true;
}

/* Up to the next SEPARATOR, which is taken too. */
static struct span
next_part(struct span *rest, char separator)
{
	const char *end = rest->len > 0 ? memchr(rest->data, separator, rest->len) : NULL;
	size_t n = end != NULL ? (size_t)(end - rest->data) : rest->len;
	struct span part = span_from(rest->data, n);

	*rest = span_skip(*rest, end != NULL ? n + 1 : n);
	return part;
}

static bool
read_mode(struct span text, mode_t *out)
{
	mode_t mode = 0;

	if (text.len == 0 || text.len > 4)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		if (text.data[i] < '0' || text.data[i] > '7')
			return false;
		mode = mode * 8 + (mode_t)(text.data[i] - '0');
	}
	*out = mode;
	return mode <= 0777;
}

static bool
read_option(struct span option, struct listener_address *address)
{
	struct span key = next_part(&option, '=');

	if (span_is(key, SPAN("name")))
		return keep(option, address->name, sizeof(address->name));
	if (address->family != LISTENER_UNIX)
		return false;
	if (span_is(key, SPAN("mode")))
		return read_mode(option, &address->mode);
	if (span_is(key, SPAN("owner")))
		return keep(option, address->owner, sizeof(address->owner));
	return span_is(key, SPAN("group")) && keep(option, address->group, sizeof(address->group));
}

/* HOST:PORT or [ADDRESS]:PORT. */
static bool
read_host_port(struct span text, struct listener_address *address)
{
	struct span host;
	uint64_t port;

	if (text.len > 0 && text.data[0] == '[') {
		text = span_skip(text, 1);
		host = next_part(&text, ']');
		if (text.len == 0 || text.data[0] != ':')
			return false;
		text = span_skip(text, 1);
	} else {
		host = next_part(&text, ':');
	}
	if (span_to_u64(text, UINT16_MAX, &port) < 0 || port == 0)
		return false;
	address->port = (uint16_t)port;
	return keep(host, address->host, sizeof(address->host));
}

int
listener_parse(const char *text, struct listener_address *out, struct text *why)
{
	struct listener_address address = { .mode = MODE_DEFAULT };
	struct span rest = span_of(text), place = next_part(&rest, ',');

	if (span_starts_nocase(place, SPAN("unix:"))) {
		address.family = LISTENER_UNIX;
		place = span_skip(place, 5);
		if (place.len < 2 || place.data[0] != '/' || !keep(place, address.path, sizeof(address.path)))
			return refuse(why);
	} else if (span_starts_nocase(place, SPAN("inet:"))) {
		address.family = LISTENER_INET;
		if (!read_host_port(span_skip(place, 5), &address))
			return refuse(why);
	} else {
		return refuse(why);
	}
	while (rest.len > 0)
		if (!read_option(next_part(&rest, ','), &address))
			return refuse(why);
	*out = address;
	return 0;
}

void
listener_put(struct text *out, const struct listener_address *address)
{
	if (address->family == LISTENER_UNIX)
		text_putf(out, "unix:%s", address->path);
	else if (strchr(address->host, ':') != NULL)
		text_putf(out, "inet:[%s]:%u", address->host, address->port);
	else
		text_putf(out, "inet:%s:%u", address->host, address->port);
}

bool
listener_is_same(const struct listener_address *a, const struct listener_address *b)
{
	if (a->family != b->family)
		return false;
	if (a->family == LISTENER_UNIX)
		return strcmp(a->path, b->path) == 0;
	return a->port == b->port && span_is_nocase(span_of(a->host), span_of(b->host));
}

/* --- owners and folders -------------------------------------------------------------------------------- */

static int
find_owner(const struct listener_address *address, uid_t *out_uid, gid_t *out_gid, struct text *why)
{
	uid_t uid = (uid_t)-1;
	gid_t gid = (gid_t)-1;

	if (address->owner[0] != '\0') {
		cleanup(free_charp) char *room = malloc(LOOKUP_ROOM);
		struct passwd passwd, *found = NULL;

		if (room == NULL)
			return -ENOMEM;
		if (getpwnam_r(address->owner, &passwd, room, LOOKUP_ROOM, &found) != 0 || found == NULL) {
			text_putf(why, "%s: there is no user \"%s\"\n", address->path, address->owner);
			return -ENOENT;
		}
		uid = found->pw_uid;
	}
	if (address->group[0] != '\0' && daemon_group_id(address->group, &gid) < 0) {
		text_putf(why, "%s: there is no group \"%s\"\n", address->path, address->group);
		return -ENOENT;
	}
	*out_uid = uid;
	*out_gid = gid;
	return 0;
}

/* The folder of PATH, opened: no two processes replace a socket in it at the same time while it is locked. */
static int
open_folder(const char *path, int *out_fd, struct text *why)
{
	char folder[sizeof(((struct listener_address *)0)->path)];
	size_t n = (size_t)(strrchr(path, '/') - path);
	int fd;

	memcpy(folder, path, n);
	folder[n] = '\0';
	fd = open(n > 0 ? folder : "/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) {
		int r = -errno;

		text_putf(why, "%s: its folder %s: %s\n", path, folder,
		          r == -ENOENT ? "there is none; make it, its owner and rights are yours to choose" : strerror(-r));
		return r;
	}
	*out_fd = fd;
	return 0;
}

int
listener_check(const struct listener_address *address, struct text *why)
{
	cleanup(close_fdp) int folder = -1;
	uid_t uid;
	gid_t gid;
	int r;

	if (address->family != LISTENER_UNIX)
		return 0;
	r = open_folder(address->path, &folder, why);
	return r < 0 ? r : find_owner(address, &uid, &gid, why);
}

/* --- inherited ----------------------------------------------------------------------------------------- */

int
listener_inherit(struct listener_inherited *out)
{
	const char *given = getenv("LISTEN_FDNAMES");
	cleanup(free_charp) char *names = given != NULL ? strdup(given) : NULL;
	struct span rest = names != NULL ? span_of(names) : SPAN("");
	int count = daemon_listen_fds();
	struct listener_inherited inherited = { .count = (size_t)count };

	inherited.sockets = calloc((size_t)count + 1, sizeof(*inherited.sockets));
	if (inherited.sockets == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < inherited.count; i++) {
		struct listener_socket *socket = &inherited.sockets[i];
		struct span name = next_part(&rest, ':');

		socket->fd = DAEMON_LISTEN_FIRST + (int)i;
		if (!keep(name, socket->name, sizeof(socket->name)))
			socket->name[0] = '\0';
	}
	*out = inherited;
	return 0;
}

void
listener_inherited_free(struct listener_inherited *inherited)
{
	for (size_t i = 0; i < inherited->count; i++)
		close_fdp(&inherited->sockets[i].fd);
	free(inherited->sockets);
	*inherited = (struct listener_inherited){ 0, NULL };
}

static bool
listens(int fd)
{
	int type = 0, accepts = 0;
	socklen_t n = sizeof(int);

	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &n) < 0 || type != SOCK_STREAM)
		return false;
	n = sizeof(int);
	return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &accepts, &n) == 0 && accepts != 0;
}

int
listener_address_of(int fd, struct listener_address *out)
{
	struct listener_address address = { .mode = MODE_DEFAULT };
	union {
		struct sockaddr any;
		struct sockaddr_un un;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
		struct sockaddr_storage room;
	} name;
	socklen_t len = sizeof(name);

	memset(&name, 0, sizeof(name));
	if (!listens(fd) || getsockname(fd, &name.any, &len) < 0)
		return -EINVAL;
	if (name.any.sa_family == AF_UNIX && len > offsetof(struct sockaddr_un, sun_path) && name.un.sun_path[0] == '/') {
		size_t n = strnlen(name.un.sun_path, sizeof(name.un.sun_path));

		if (!keep(span_from(name.un.sun_path, n), address.path, sizeof(address.path)))
			return -EINVAL;
		address.family = LISTENER_UNIX;
	} else if (name.any.sa_family == AF_INET) {
		address.family = LISTENER_INET;
		address.port = ntohs(name.in.sin_port);
		inet_ntop(AF_INET, &name.in.sin_addr, address.host, sizeof(address.host));
	} else if (name.any.sa_family == AF_INET6) {
		address.family = LISTENER_INET;
		address.port = ntohs(name.in6.sin6_port);
		inet_ntop(AF_INET6, &name.in6.sin6_addr, address.host, sizeof(address.host));
	} else {
		return -EINVAL;
	}
	*out = address;
	return 0;
}

/* The backlog is ours to choose: bursts of askers find room in it. */
static int
make_ready(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 || listen(fd, SOMAXCONN) < 0)
		return -errno;
	return 0;
}

bool
listener_matches(const struct listener_address *address, const struct listener_socket *socket)
{
	struct listener_address has;

	if (socket->fd < 0 || listener_address_of(socket->fd, &has) < 0)
		return false;
	return address->name[0] != '\0' ? strcmp(address->name, socket->name) == 0 : listener_is_same(address, &has);
}

static int
take_inherited(const struct listener_address *address, struct listener_inherited *inherited)
{
	for (size_t i = 0; inherited != NULL && i < inherited->count; i++) {
		struct listener_socket *socket = &inherited->sockets[i];
		int fd = socket->fd;

		if (!listener_matches(address, socket))
			continue;
		socket->fd = -1;
		return fd;
	}
	return -1;
}

/* --- unix sockets -------------------------------------------------------------------------------------- */

static void
put_process(struct text *why, pid_t pid)
{
	char path[64], name[64] = "";
	size_t n;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%ld/comm", (long)pid);
	file = fopen(path, "re");
	if (file != NULL) {
		n = fread(name, 1, sizeof(name) - 1, file);
		name[n] = '\0';
		name[strcspn(name, "\n")] = '\0';
		fclose(file);
	}
	text_putf(why, "%s (process %ld)", name[0] != '\0' ? name : "another process", (long)pid);
}

/* Whether anybody answers at the socket PATH: 0 nobody, -EADDRINUSE with who it is in WHY. */
static int
ask_who_is_there(const struct sockaddr_un *name, struct text *why)
{
	cleanup(close_fdp) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct ucred peer = { .pid = 0 };
	socklen_t n = sizeof(peer);

	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)name, sizeof(*name)) < 0) {
		if (errno == ECONNREFUSED || errno == ENOENT)
			return 0;
		if (errno != EAGAIN) {
			int r = -errno;

			text_putf(why, "%s is in use: %s\n", name->sun_path, strerror(-r));
			return r;
		}
	} else if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) < 0) {
		peer.pid = 0;
	}
	text_putf(why, "%s: ", name->sun_path);
	if (peer.pid > 0)
		put_process(why, peer.pid);
	else
		text_put(why, "another process");
	text_put(why, " listens there already\n");
	return -EADDRINUSE;
}

/* Removes a socket that nobody answers at. */
static int
remove_stale(const struct sockaddr_un *name, struct text *why)
{
	struct stat st;
	int r;

	if (lstat(name->sun_path, &st) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode)) {
		text_putf(why, "%s exists and is no socket: it is not replaced\n", name->sun_path);
		return -EEXIST;
	}
	r = ask_who_is_there(name, why);
	if (r == 0 && unlink(name->sun_path) < 0 && errno != ENOENT) {
		r = -errno;
		text_putf(why, "%s, left by a process that is gone, cannot be replaced: %s\n", name->sun_path, strerror(-r));
	}
	return r;
}

static int
bind_unix(const struct listener_address *address, struct listener *listener, struct text *why)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	cleanup(close_fdp) int folder = -1;
	cleanup(close_fdp) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct stat st;
	mode_t before;
	uid_t uid;
	gid_t gid;
	int r;

	if (fd < 0)
		return -errno;
	memcpy(name.sun_path, address->path, sizeof(name.sun_path));
	r = find_owner(address, &uid, &gid, why);
	if (r == 0)
		r = open_folder(address->path, &folder, why);
	if (r < 0)
		return r;
	if (flock(folder, LOCK_EX) < 0)
		return -errno;
	r = remove_stale(&name, why);
	if (r < 0)
		return r;
	/* Closed to everybody until it has its owner. */
	before = umask(0777);
	r = bind(fd, (const struct sockaddr *)&name, sizeof(name)) < 0 ? -errno : 0;
	umask(before);
	if (r < 0) {
		text_putf(why, "%s cannot be made: %s\n", address->path, strerror(-r));
		return r;
	}
	if ((uid != (uid_t)-1 || gid != (gid_t)-1) && lchown(address->path, uid, gid) < 0) {
		r = -errno;
		text_putf(why, "%s cannot be given to %s:%s: %s\n", address->path, address->owner, address->group, strerror(-r));
	} else if (chmod(address->path, address->mode) < 0 || lstat(address->path, &st) < 0 || listen(fd, SOMAXCONN) < 0) {
		r = -errno;
		text_putf(why, "%s: %s\n", address->path, strerror(-r));
	}
	if (r < 0) {
		unlink(address->path);
		return r;
	}
	listener->made = true;
	listener->device = st.st_dev;
	listener->inode = st.st_ino;
	listener->fds[listener->count++] = take_fd(&fd);
	return 0;
}

/* --- inet sockets -------------------------------------------------------------------------------------- */

static int
bind_one(const struct addrinfo *info)
{
	cleanup(close_fdp) int fd = socket(info->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int on = 1;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
	    (info->ai_family == AF_INET6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) < 0) ||
	    bind(fd, info->ai_addr, info->ai_addrlen) < 0 || listen(fd, SOMAXCONN) < 0)
		return -errno;
	return take_fd(&fd);
}

static int
bind_inet(const struct listener_address *address, struct listener *listener, struct text *why)
{
	const struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE };
	struct addrinfo *list, *info;
	char port[8];
	int r;

	snprintf(port, sizeof(port), "%u", address->port);
	r = getaddrinfo(address->host, port, &hints, &list);
	if (r != 0) {
		text_putf(why, "inet:%s:%u: the address of the host is not known: %s\n", address->host, address->port,
		          r == EAI_SYSTEM ? strerror(errno) : gai_strerror(r));
		return -ENOENT;
	}
	r = 0;
	for (info = list; info != NULL && r == 0 && listener->count < LISTENER_SOCKETS_MAX; info = info->ai_next) {
		int fd = bind_one(info);

		/* A machine without IPv6 still has a "localhost" with ::1. */
		if (fd == -EADDRNOTAVAIL || fd == -EAFNOSUPPORT)
			continue;
		if (fd < 0)
			r = fd;
		else
			listener->fds[listener->count++] = fd;
	}
	freeaddrinfo(list);
	if (r == 0 && listener->count == 0)
		r = -EADDRNOTAVAIL;
	if (r < 0)
		text_putf(why, "inet:%s:%u cannot be listened on: %s\n", address->host, address->port,
		          r == -EADDRINUSE ? "another process listens there already" : strerror(-r));
	return r;
}

/* --- both ---------------------------------------------------------------------------------------------- */

int
listener_open(const struct listener_address *address, struct listener_inherited *inherited, struct listener *out,
              struct text *why)
{
	struct listener listener = { .address = *address };
	int r = 0, fd;

	while (listener.count < LISTENER_SOCKETS_MAX && (fd = take_inherited(address, inherited)) >= 0) {
		listener.fds[listener.count++] = fd;
		listener.inherited = true;
		r = make_ready(fd);
		if (r < 0) {
			text_putf(why, "the socket that was handed over: %s\n", strerror(-r));
			break;
		}
	}
	if (!listener.inherited)
		r = address->family == LISTENER_UNIX ? bind_unix(address, &listener, why) : bind_inet(address, &listener, why);
	if (r < 0) {
		listener_close(&listener);
		return r;
	}
	*out = listener;
	return 0;
}

void
listener_unlink(struct listener *listener)
{
	struct stat st;

	if (listener->made && lstat(listener->address.path, &st) == 0 && S_ISSOCK(st.st_mode) &&
	    st.st_dev == listener->device && st.st_ino == listener->inode)
		unlink(listener->address.path);
	listener->made = false;
}

void
listener_close(struct listener *listener)
{
	listener_unlink(listener);
	for (size_t i = 0; i < listener->count; i++)
		close(listener->fds[i]);
	listener->count = 0;
}
