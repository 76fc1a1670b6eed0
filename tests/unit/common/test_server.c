/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * A server of a protocol of lines, in a thread, with limits of fractions of a second.
 */
#include <config.h>

#include "tests/unit/test.h"

#include "common/server.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>
#include <event2/event.h>

enum { REQUEST_MAX = 1000, REQUEST_MS = 300, WRITE_MS = 300, REPLY_MS = 600, CONNECTIONS = 4, BIG = 300000 };

static char folder[] = "/tmp/ispman-server-XXXXXX";
static char path[64], sorry_path[64];

/* --- the protocol: a word a line -------------------------------------------------------------------------- */

struct waits {
	unsigned left; /* times that it is woken before there is an answer */
};

static atomic_int closed_count;
static struct server *the_server;

static enum server_step
look(struct server_connection *c, struct span input, size_t *out_taken)
{
	const char *end = memchr(input.data, '\n', input.len);
	struct waits *waits = server_state(c);
	struct text *out = server_output(c);
	struct span word;

	if (end == NULL)
		return SERVER_MORE;
	word = span_from(input.data, (size_t)(end - input.data));
	*out_taken = word.len + 1;
	if (span_is(word, SPAN("big"))) {
		char *place = text_extend(out, BIG);

		if (place != NULL)
			memset(place, 'x', BIG);
	} else if (span_is(word, SPAN("soon")) || span_is(word, SPAN("late"))) {
		waits->left = word.data[0] == 's' ? 2 : 1000;
		server_wake_after(c, 20);
		return SERVER_WAIT;
	} else if (span_is(word, SPAN("bye"))) {
		text_put(out, "bye\n");
		return SERVER_FINISH;
	} else if (span_is(word, SPAN("drop"))) {
		return SERVER_DROP;
	} else {
		text_put_span(out, word);
		text_put_char(out, '\n');
	}
	return SERVER_NEXT;
}

static enum server_step
wake(struct server_connection *c)
{
	struct waits *waits = server_state(c);

	if (server_is_stopping(server_of(c)))
		return SERVER_DROP;
	if (--waits->left > 0) {
		server_wake_after(c, 20);
		return SERVER_WAIT;
	}
	text_put(server_output(c), "soon\n");
	return SERVER_NEXT;
}

static void
closed(struct server_connection *c)
{
	(void)c;
	closed_count++;
}

static const struct server_protocol words = {
	.name = "words", .state_size = sizeof(struct waits), .request_max = REQUEST_MAX, .look = look, .wake = wake, .closed = closed,
};

static const struct server_protocol sorry_words = {
	.name = "sorry", .state_size = sizeof(struct waits), .request_max = REQUEST_MAX, .look = look, .wake = wake, .closed = closed,
	.last_words = SPAN("sorry\n"), .is_secret = true,
};

/* --- the server ------------------------------------------------------------------------------------------- */

static void
say(void *context, enum log_level level, const char *sentence)
{
	(void)context;
	(void)level;
	printf("# %s\n", sentence);
}

static void *
run(void *result)
{
	*(int *)result = server_run(the_server, NULL);
	return NULL;
}

static pthread_t thread;
static int stop_pipe[2], run_result;
static struct event *stop_event;

static void
on_stop(evutil_socket_t fd, short what, void *context)
{
	(void)fd;
	(void)what;
	(void)context;
	server_stop(the_server);
}

static int
start(void **state)
{
	const struct server_options options = {
		.limits = { CONNECTIONS, REQUEST_MS, WRITE_MS, REPLY_MS }, .signals = -1, .say = say,
	};
	struct server_listen listen[] = {
		{ .address = { .family = LISTENER_UNIX, .mode = 0600 }, .protocol = &words },
		{ .address = { .family = LISTENER_UNIX, .mode = 0600 }, .protocol = &sorry_words },
	};
	struct text why = TEXT_INIT;

	(void)state;
	closed_count = 0;
	snprintf(path, sizeof(path), "%s/s", folder);
	snprintf(sorry_path, sizeof(sorry_path), "%s/sorry", folder);
	memcpy(listen[0].address.path, path, sizeof(path));
	memcpy(listen[1].address.path, sorry_path, sizeof(sorry_path));
	if (server_new(&options, &the_server) < 0 || server_listen(the_server, listen, array_size(listen), NULL, &why) < 0 || pipe(stop_pipe) < 0)
		return -1;
	stop_event = event_new(server_base(the_server), stop_pipe[0], EV_READ, on_stop, NULL);
	event_add(stop_event, NULL);
	return pthread_create(&thread, NULL, run, &run_result);
}

static void
stop_now(void)
{
	assert_int_equal(write(stop_pipe[1], "x", 1), 1);
}

static int
stop(void **state)
{
	(void)state;
	stop_now();
	pthread_join(thread, NULL);
	event_free(stop_event);
	server_free(the_server);
	close(stop_pipe[0]);
	close(stop_pipe[1]);
	return run_result;
}

/* --- clients ---------------------------------------------------------------------------------------------- */

static int
client_of(const char *there)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memcpy(name.sun_path, there, sizeof(path));
	assert_int_equal(connect(fd, (const struct sockaddr *)&name, sizeof(name)), 0);
	return fd;
}

static int
client(void)
{
	return client_of(path);
}

static void
put(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* Reads what WANT has, and no more. */
static void
wants(int fd, const char *want)
{
	char got[256] = "";
	size_t n = 0, len = strlen(want);

	while (n < len) {
		struct pollfd poll_fd = { fd, POLLIN, 0 };
		ssize_t r;

		if (poll(&poll_fd, 1, 10000) != 1)
			fail_msg("no answer, want %s", want);
		r = recv(fd, got + n, len - n, 0);
		if (r <= 0)
			fail_msg("closed, want %s", want);
		n += (size_t)r;
	}
	assert_string_equal(got, want);
}

static void
wants_end(int fd)
{
	char octets[4096];
	ssize_t r;

	do {
		struct pollfd poll_fd = { fd, POLLIN, 0 };

		if (poll(&poll_fd, 1, 10000) != 1)
			fail_msg("it does not end");
		r = recv(fd, octets, sizeof(octets), 0);
	} while (r > 0);
	close(fd);
}

static uint64_t
milliseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* --- tests ------------------------------------------------------------------------------------------------ */

static void
requests_are_answered_in_order(void **state)
{
	int fd = client();

	(void)state;
	put(fd, "a\nb\nsoon\nc\nso");
	wants(fd, "a\nb\nsoon\nc\n");
	put(fd, "on\nd\n");
	wants(fd, "soon\nd\n");
	put(fd, "bye\nnot read any more\n");
	wants(fd, "bye\n");
	wants_end(fd);
	fd = client();
	put(fd, "e\ndrop\nf\n");
	wants(fd, "e\n");
	wants_end(fd);
}

static void
half_requests_have_their_time(void **state)
{
	int idle = client(), half = client(), drip = client();
	uint64_t begun = milliseconds();

	(void)state;
	put(half, "h");
	put(idle, "i\n");
	wants(idle, "i\n");
	/* An octet now and then does not help. */
	while (send(drip, "d", 1, MSG_NOSIGNAL) == 1 && milliseconds() - begun < 10000)
		poll(NULL, 0, 20);
	assert_in_range(milliseconds() - begun, REQUEST_MS, 5000);
	wants_end(half);
	close(drip);
	put(idle, "i\n");
	wants(idle, "i\n");
	close(idle);
}

static void
a_request_that_does_not_end_is_refused(void **state)
{
	char room[REQUEST_MAX + 1];
	int fd = client();

	(void)state;
	memset(room, 'x', REQUEST_MAX);
	room[REQUEST_MAX] = '\0';
	put(fd, room);
	wants_end(fd);
	fd = client();
	room[REQUEST_MAX - 1] = '\n';
	put(fd, room);
	close(fd);
}

static void
who_does_not_read_is_dropped(void **state)
{
	static char room[8192];
	int fd = client(), other = client();
	size_t n = 0, want = 0;
	ssize_t r;

	(void)state;
	for (size_t i = 0; i < 20; i++)
		put(fd, "big\n");
	put(other, "o\n");
	wants(other, "o\n");
	/* Who reads gets all of it. */
	for (want = 20 * (size_t)BIG; n < want; n += (size_t)r) {
		r = recv(fd, room, sizeof(room), 0);
		assert_true(r > 0);
	}
	for (size_t i = 0; i < 20; i++)
		put(fd, "big\n");
	while (closed_count == 0)
		poll(NULL, 0, 10);
	/* Until then nothing more was made than the peer's socket takes and one answer. */
	for (n = 0; (r = recv(fd, room, sizeof(room), 0)) > 0;)
		n += (size_t)r;
	assert_in_range(n, 1, 3 * (size_t)BIG);
	put(other, "o\n");
	wants(other, "o\n");
	close(fd);
	close(other);
}

static void
no_answer_comes_too_late(void **state)
{
	uint64_t begun = milliseconds();
	int fd = client();

	(void)state;
	put(fd, "a\nlate\nb\n");
	wants(fd, "a\n");
	wants_end(fd);
	/* The server's clock is behind by a tick at most. */
	assert_in_range(milliseconds() - begun, REPLY_MS - 10, 5000);
}

static void
an_idle_connection_makes_room(void **state)
{
	int fds[CONNECTIONS], fd;

	(void)state;
	for (size_t i = 0; i < CONNECTIONS; i++) {
		fds[i] = client();
		put(fds[i], "x\n");
		wants(fds[i], "x\n");
	}
	put(fds[0], "x\n");
	wants(fds[0], "x\n");
	fd = client();
	put(fd, "new\n");
	wants(fd, "new\n");
	wants_end(fds[1]);
	put(fds[2], "late\n");
	put(fds[3], "soon\n");
	wants(fds[3], "soon\n");
	close(fd);
	close(fds[0]);
	close(fds[3]);
	wants_end(fds[2]);
}

static void
stopping_answers_what_was_asked(void **state)
{
	int idle, fresh, held, fd;

	assert_int_equal(start(state), 0);
	idle = client();
	fresh = client();
	held = client();
	put(idle, "i\n");
	wants(idle, "i\n");
	put(held, "a\nlate\n");
	wants(held, "a\n");
	/* Asks without having been accepted. */
	fd = client();
	put(fd, "x\n");
	stop_now();
	wants(fd, "x\n");
	wants_end(fd);
	wants_end(idle);
	wants_end(held);
	/* Who has come and not asked yet may do so. */
	put(fresh, "fresh\n");
	wants(fresh, "fresh\n");
	wants_end(fresh);
	assert_int_equal(access(path, F_OK), -1);
	pthread_join(thread, NULL);
	assert_int_equal(run_result, 0);
	event_free(stop_event);
	server_free(the_server);
	assert_int_equal(closed_count, 4);
	close(stop_pipe[0]);
	close(stop_pipe[1]);
}

/* Reads WANT and the end, which is no error. */
static void
wants_only(int fd, const char *want)
{
	char octet;

	wants(fd, want);
	assert_int_equal(recv(fd, &octet, 1, 0), 0);
	close(fd);
}

static void
last_words_are_said(void **state)
{
	char room[REQUEST_MAX + 1];
	int fds[CONNECTIONS], fd = client_of(sorry_path);

	(void)state;
	put(fd, "bye\nnot read any more\n");
	wants_only(fd, "bye\n");
	fd = client_of(sorry_path);
	put(fd, "drop\nnot read any more\n");
	wants_only(fd, "sorry\n");
	/* Half a request, one that is too long, one whose answer comes too late. */
	fd = client_of(sorry_path);
	put(fd, "x");
	wants_only(fd, "sorry\n");
	fd = client_of(sorry_path);
	memset(room, 'x', REQUEST_MAX);
	room[REQUEST_MAX] = '\0';
	put(fd, room);
	wants_only(fd, "sorry\n");
	fd = client_of(sorry_path);
	put(fd, "late\nmore");
	wants_only(fd, "sorry\n");
	fd = client_of(sorry_path);
	put(fd, "x");
	shutdown(fd, SHUT_WR);
	wants_only(fd, "sorry\n");
	/* Who makes room. */
	for (size_t i = 0; i < CONNECTIONS; i++)
		fds[i] = client_of(sorry_path);
	fd = client();
	put(fd, "new\n");
	wants(fd, "new\n");
	wants_only(fds[0], "sorry\n");
	for (size_t i = 1; i < CONNECTIONS; i++)
		close(fds[i]);
	close(fd);
}

static void
stopping_says_last_words(void **state)
{
	int held, fresh;

	assert_int_equal(start(state), 0);
	held = client_of(sorry_path);
	fresh = client_of(sorry_path);
	put(held, "late\nmore");
	stop_now();
	wants_only(held, "sorry\n");
	wants_only(fresh, "sorry\n");
	pthread_join(thread, NULL);
	assert_int_equal(run_result, 0);
	event_free(stop_event);
	server_free(the_server);
	close(stop_pipe[0]);
	close(stop_pipe[1]);
}

static int
make_folder(void **state)
{
	(void)state;
	return mkdtemp(folder) == NULL;
}

static int
remove_folder(void **state)
{
	(void)state;
	return rmdir(folder);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(requests_are_answered_in_order, start, stop),
		cmocka_unit_test_setup_teardown(half_requests_have_their_time, start, stop),
		cmocka_unit_test_setup_teardown(a_request_that_does_not_end_is_refused, start, stop),
		cmocka_unit_test_setup_teardown(who_does_not_read_is_dropped, start, stop),
		cmocka_unit_test_setup_teardown(no_answer_comes_too_late, start, stop),
		cmocka_unit_test_setup_teardown(an_idle_connection_makes_room, start, stop),
		cmocka_unit_test(stopping_answers_what_was_asked),
		cmocka_unit_test_setup_teardown(last_words_are_said, start, stop),
		cmocka_unit_test(stopping_says_last_words),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
