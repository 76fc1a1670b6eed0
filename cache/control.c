/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * The socket and its clients. Everything hangs on one epoll descriptor, which itself can be polled, so that the
 * daemon's main loop needs to know only that one.
 */
#include <config.h>

#include "cache/control.h"
#include "cache/control_session.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>

enum {
	LISTEN_BACKLOG = 16,
	EVENTS_A_RUN = 64,
	GROUPS_MAX = 65536,
	/* What is set aside when no descriptor is left for a new client. */
	ACCEPT_PAUSE_MS = 1000,
};

struct client {
	int fd;
	struct control_session session;
	int64_t active_at; /* when it last sent or took something */
	bool at_end;       /* it will send nothing more */
	bool more;         /* it has work that needs no event */
	uint32_t interest;
};

struct control {
	char *path;
	int listener, epoll, wake;
	gid_t group;
	dev_t device;
	ino_t inode;
	const struct control_actions *actions;
	struct client *clients[CONTROL_CLIENTS_MAX];
	size_t client_count;
	int64_t accept_again; /* 0: accepting */
};

static int64_t
now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* --- the socket ------------------------------------------------------------------------------------ */

static int
address_of(const char *path, struct sockaddr_un *out)
{
	*out = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (strlen(path) >= sizeof(out->sun_path))
		return -ENAMETOOLONG;
	memcpy(out->sun_path, path, strlen(path));
	return 0;
}

/* 0 when nobody answers at PATH any more, and then it is gone. */
static int
remove_dead_socket(const char *path, const struct sockaddr_un *address)
{
	cleanup(close_fdp) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 || errno == EAGAIN)
		return -EADDRINUSE;
	if (errno == ENOENT)
		return 0;
	if (errno != ECONNREFUSED)
		return -errno;
	return unlink(path) < 0 && errno != ENOENT ? -errno : 0;
}

static int
bind_listener(struct control *control, gid_t group)
{
	struct sockaddr_un address;
	struct stat st;
	int r = address_of(control->path, &address);

	if (r == 0)
		r = remove_dead_socket(control->path, &address);
	if (r < 0)
		return r;
	control->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (control->listener < 0)
		return -errno;
	/* The mode that a socket is born with; widened when its group is right. */
	if (fchmod(control->listener, 0600) < 0 ||
	    bind(control->listener, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	if (lstat(control->path, &st) < 0)
		return -errno;
	control->device = st.st_dev;
	control->inode = st.st_ino;
	if ((group != (gid_t)-1 && lchown(control->path, (uid_t)-1, group) < 0) ||
	    chmod(control->path, 0660) < 0 || listen(control->listener, LISTEN_BACKLOG) < 0)
		return -errno;
	control->group = group != (gid_t)-1 ? group : st.st_gid;
	return 0;
}

static int
watch(const struct control *control, int operation, int fd, uint32_t events, void *who)
{
	struct epoll_event event = { .events = events, .data.ptr = who };

	return epoll_ctl(control->epoll, operation, fd, &event) < 0 ? -errno : 0;
}

/* Whose group may ask is read off the socket's file. */
static int
adopt_listener(struct control *control, int fd)
{
	struct sockaddr_un address = { .sun_family = AF_UNSPEC };
	socklen_t size = sizeof(address), int_size = sizeof(int);
	int listening = 0, type = 0;
	struct stat st;

	if (getsockname(fd, (struct sockaddr *)&address, &size) < 0 ||
	    getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &int_size) < 0 ||
	    getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &int_size) < 0)
		return -errno;
	if (address.sun_family != AF_UNIX || type != SOCK_STREAM || !listening ||
	    memchr(address.sun_path, '\0', sizeof(address.sun_path)) == NULL)
		return -ENOTSOCK;
	if (stat(address.sun_path, &st) < 0)
		return -errno;
	control->group = st.st_gid;
	control->listener = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (control->listener < 0 || fcntl(control->listener, F_SETFL, O_NONBLOCK) < 0)
		return -errno;
	return 0;
}

static struct control *
new_control(const struct control_actions *actions)
{
	struct control *control = calloc(1, sizeof(*control));

	if (control == NULL)
		return NULL;
	control->listener = -1;
	control->actions = actions;
	control->epoll = epoll_create1(EPOLL_CLOEXEC);
	control->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	return control;
}

static int
start_watching(struct control *control)
{
	int r;

	if (control->epoll < 0 || control->wake < 0)
		return -EMFILE;
	r = watch(control, EPOLL_CTL_ADD, control->listener, EPOLLIN, &control->listener);
	return r < 0 ? r : watch(control, EPOLL_CTL_ADD, control->wake, EPOLLIN, &control->wake);
}

int
control_open(const char *path, gid_t group, const struct control_actions *actions,
             struct control **out)
{
	cleanup(control_freep) struct control *control = new_control(actions);
	int r;

	if (control == NULL)
		return -ENOMEM;
	control->path = strdup(path);
	if (control->path == NULL)
		return -ENOMEM;
	r = bind_listener(control, group);
	if (r == 0)
		r = start_watching(control);
	if (r < 0)
		return r;
	*out = take(control);
	return 0;
}

int
control_adopt(int fd, const struct control_actions *actions, struct control **out)
{
	cleanup(control_freep) struct control *control = new_control(actions);
	int r;

	if (control == NULL)
		return -ENOMEM;
	r = adopt_listener(control, fd);
	if (r == 0)
		r = start_watching(control);
	if (r < 0)
		return r;
	*out = take(control);
	return 0;
}

int
control_fd(const struct control *control)
{
	return control->epoll;
}

void
control_wake(struct control *control)
{
	const uint64_t one = 1;

	/* A full counter is awake already. */
	if (write(control->wake, &one, sizeof(one)) < 0)
		return;
}

/* --- clients ------------------------------------------------------------------------------------------ */

static bool
is_in_group(int fd, gid_t gid, gid_t wanted)
{
	cleanup(free_charp) char *room = NULL;
	socklen_t size = 256 * sizeof(gid_t);

	if (gid == wanted)
		return true;
	for (;;) {
		char *larger = realloc(room, size);

		if (larger == NULL)
			return false;
		room = larger;
		if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, room, &size) == 0)
			break;
		if (errno != ERANGE || size > GROUPS_MAX * sizeof(gid_t))
			return false;
	}
	for (size_t i = 0; i < size / sizeof(gid_t); i++) {
		gid_t one;

		memcpy(&one, room + i * sizeof(one), sizeof(one));
		if (one == wanted)
			return true;
	}
	return false;
}

/* The socket's mode says the same; this holds also where somebody changed it. */
static bool
may_connect(const struct control *control, int fd, struct control_peer *out)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
		return false;
	out->uid = peer.uid;
	out->pid = peer.pid;
	return peer.uid == 0 || peer.uid == geteuid() || is_in_group(fd, peer.gid, control->group);
}

static void
drop(struct control *control, size_t i)
{
	struct client *client = control->clients[i];

	close(client->fd);
	control_session_free(&client->session);
	free(client);
	control->clients[i] = control->clients[--control->client_count];
}

static void
refuse(int fd, const char *sentence)
{
	char line[128];
	int n = snprintf(line, sizeof(line), "{\"done\":true,\"error\":\"%s\"}\n", sentence);

	if (send(fd, line, (size_t)n, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		return; /* it was a courtesy */
}

static void
admit(struct control *control, int fd, int64_t now)
{
	struct client *client;
	struct control_peer peer;

	if (!may_connect(control, fd, &peer)) {
		refuse(fd, "only root, the daemon's user and the socket's group may ask");
		close(fd);
		return;
	}
	client = control->client_count < CONTROL_CLIENTS_MAX ? calloc(1, sizeof(*client)) : NULL;
	if (client == NULL || watch(control, EPOLL_CTL_ADD, fd, EPOLLIN, client) < 0) {
		refuse(fd, "too many clients");
		close(fd);
		free(client);
		return;
	}
	client->fd = fd;
	client->active_at = now;
	client->interest = EPOLLIN;
	control_session_init(&client->session, control->actions, &peer);
	control->clients[control->client_count++] = client;
}

static void
accept_clients(struct control *control, int64_t now)
{
	for (;;) {
		int fd = accept4(control->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd >= 0) {
			admit(control, fd, now);
		} else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
			/* The listener stays readable: without a pause this would spin. */
			control->accept_again = now + ACCEPT_PAUSE_MS;
			if (watch(control, EPOLL_CTL_MOD, control->listener, 0, &control->listener) < 0)
				control->accept_again = 0;
			return;
		} else if (errno != EINTR && errno != ECONNABORTED) {
			return;
		}
	}
}

static bool
wants_request(const struct client *client)
{
	return !client->at_end && !client->session.over && !control_session_is_busy(&client->session);
}

/* Reads no more than a request's worth at a time. False when the client is to be dropped. */
static bool
read_requests(struct client *client, int64_t now)
{
	char room[CONTROL_REQUEST_MAX];
	ssize_t n;

	if (!wants_request(client))
		return true;
	n = read(client->fd, room, sizeof(room));
	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	if (n == 0)
		client->at_end = true;
	else
		client->active_at = now;
	return control_session_put(&client->session, span_from(room, (size_t)n)) == 0;
}

static bool
send_answers(struct client *client, int64_t now)
{
	for (;;) {
		struct span pending = control_session_pending(&client->session);
		ssize_t n;

		if (pending.len == 0)
			return true;
		n = send(client->fd, pending.data, pending.len, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN;
		client->active_at = now;
		control_session_sent(&client->session, (size_t)n);
	}
}

/* When the client is to be dropped unless something happens; INT64_MAX: never. */
static int64_t
patience_ends(const struct client *client)
{
	if (control_session_is_busy(&client->session) &&
	    control_session_pending(&client->session).len == 0)
		return INT64_MAX;
	return client->active_at + CONTROL_IDLE_SECONDS * 1000;
}

/* Everything for one client; false when it is to be dropped. */
static bool
serve(struct control *control, struct client *client, int64_t now)
{
	const struct control_session *session = &client->session;
	bool was_busy = control_session_is_busy(session);
	uint32_t interest = 0;

	client->more = control_session_run(&client->session, now);
	if (text_failed(&session->out) || !send_answers(client, now))
		return false;
	if (was_busy && !control_session_is_busy(session))
		client->active_at = now;
	if (control_session_pending(session).len == 0 && !control_session_is_busy(session) &&
	    !client->more && (client->at_end || session->over))
		return false;
	if (now >= patience_ends(client))
		return false;
	if (wants_request(client))
		interest |= EPOLLIN;
	if (control_session_pending(session).len > 0)
		interest |= EPOLLOUT;
	if (interest != client->interest) {
		if (watch(control, EPOLL_CTL_MOD, client->fd, interest, client) < 0)
			return false;
		client->interest = interest;
	}
	return true;
}

static void
forget_stalls(struct control *control)
{
	uint64_t count;

	while (read(control->wake, &count, sizeof(count)) == (ssize_t)sizeof(count))
		for (size_t i = 0; i < control->client_count; i++)
			control->clients[i]->session.stalled = false;
}

static void
take_event(struct control *control, const struct epoll_event *event, int64_t now)
{
	struct client *client = event->data.ptr;
	size_t i = 0;

	if (event->data.ptr == &control->listener) {
		accept_clients(control, now);
		return;
	}
	if (event->data.ptr == &control->wake) {
		forget_stalls(control);
		return;
	}
	while (i < control->client_count && control->clients[i] != client)
		i++;
	if (i == control->client_count)
		return;
	/* A client that only ended its sending side still waits for its answer; this one is gone. */
	if ((event->events & (EPOLLHUP | EPOLLERR)) != 0 && (event->events & EPOLLIN) == 0)
		drop(control, i);
	else if ((event->events & EPOLLIN) != 0 && !read_requests(client, now))
		drop(control, i);
}

void
control_handle(struct control *control)
{
	struct epoll_event events[EVENTS_A_RUN];
	int64_t now = now_ms();
	int n;

	if (control->accept_again != 0 && now >= control->accept_again &&
	    watch(control, EPOLL_CTL_MOD, control->listener, EPOLLIN, &control->listener) == 0)
		control->accept_again = 0;
	n = epoll_wait(control->epoll, events, EVENTS_A_RUN, 0);
	for (int i = 0; i < n; i++)
		take_event(control, &events[i], now);
	for (size_t i = 0; i < control->client_count;) {
		if (serve(control, control->clients[i], now))
			i++;
		else
			drop(control, i);
	}
}

int
control_timeout(const struct control *control)
{
	int64_t first = control->accept_again != 0 ? control->accept_again : INT64_MAX;
	int64_t left;

	for (size_t i = 0; i < control->client_count; i++) {
		const struct client *client = control->clients[i];
		int64_t end = patience_ends(client);

		if (client->more && control_session_pending(&client->session).len < CONTROL_BACKLOG)
			return 0;
		if (client->session.waiting && client->session.deadline < end)
			end = client->session.deadline;
		if (end < first)
			first = end;
	}
	if (first == INT64_MAX)
		return -1;
	left = first - now_ms();
	return left < 0 ? 0 : left > INT_MAX ? INT_MAX : (int)left;
}

/* Only what we bound, and only while it is ours: a successor may have put its socket there. */
static void
unlink_socket(const struct control *control)
{
	struct stat st;

	if (control->inode != 0 && lstat(control->path, &st) == 0 && st.st_dev == control->device &&
	    st.st_ino == control->inode)
		unlink(control->path);
}

void
control_free(struct control *control)
{
	if (control == NULL)
		return;
	while (control->client_count > 0)
		drop(control, control->client_count - 1);
	unlink_socket(control);
	if (control->listener >= 0)
		close(control->listener);
	if (control->epoll >= 0)
		close(control->epoll);
	if (control->wake >= 0)
		close(control->wake);
	free(control->path);
	free(control);
}

void
control_freep(struct control **control)
{
	control_free(*control);
}
