/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 */
#include <config.h>

#include "tests/unit/test.h"

#include "cache/control.h"
#include "cache/control_session.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

/* A daemon that does nothing much. */
static struct fake {
	bool synchronised;
	uint64_t waits;
	int lines;       /* of a stream still to come */
	bool hold;       /* the stream has nothing at the moment */
	int next_error;
	unsigned closed, released, rebuilt;
} fake;

static json_t *
fake_status(void *context)
{
	(void)context;
	return json_pack("{s:b,s:i}", "synchronised", fake.synchronised, "zones", 3);
}

static uint64_t
fake_begin_wait(void *context)
{
	(void)context;
	return ++fake.waits;
}

static bool
fake_synchronised(void *context, uint64_t wait)
{
	assert_in_range(wait, 1, fake.waits);

	(void)context;
	return fake.synchronised;
}

static int
fake_next(void *context, json_t **out_line, struct text *why)
{
	(void)context;
	if (fake.hold)
		return -EAGAIN;
	if (fake.next_error != 0 && fake.lines == 0) {
		text_put(why, "it broke");
		return fake.next_error;
	}
	if (fake.lines == 0) {
		*out_line = json_pack("{s:i}", "count", 0);
		return 0;
	}
	*out_line = json_pack("{s:i}", "line", fake.lines--);
	return 1;
}

static void
fake_close(void *context)
{
	(void)context;
	fake.closed++;
}

static int
fake_problems(void *context, struct control_stream *out, struct text *why)
{
	(void)context;
	(void)why;
	*out = (struct control_stream){ NULL, fake_next, fake_close };
	return 0;
}

static int
fake_verify(void *context, const struct control_peer *peer, struct control_stream *out, struct text *why)
{
	(void)context;
	(void)out;
	assert_int_equal(peer->uid, geteuid());
	text_put(why, "one runs already");
	return -EBUSY;
}

static int
fake_rebuild(void *context, const struct control_peer *peer, const char *environment, struct control_stream *out,
             struct text *why)
{
	(void)environment;
	(void)peer;
	fake.rebuilt++;
	return fake_problems(context, out, why);
}

static int
fake_entries(void *context, struct span subject, json_t **out_dns, struct text *why)
{
	(void)context;
	(void)why;
	*out_dns = json_pack("[s%]", subject.data, subject.len);
	return 0;
}

static int
fake_release(void *context, const struct control_peer *peer, struct control_stream *out, struct text *why)
{
	(void)peer;
	return fake.released++ == 0 ? fake_problems(context, out, why) : -EALREADY;
}

static const struct control_actions actions = {
	.status = fake_status,
	.begin_wait = fake_begin_wait,
	.synchronised = fake_synchronised,
	.problems = fake_problems,
	.verify = fake_verify,
	.rebuild = fake_rebuild,
	.entries = fake_entries,
	.release_brake = fake_release,
};

static char folder[64];
static char socket_path[128];

static int
make_folder(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/ispman-control-XXXXXX");
	if (mkdtemp(folder) == NULL)
		return 1;
	snprintf(socket_path, sizeof(socket_path), "%s/control", folder);
	return 0;
}

static int
remove_folder(void **state)
{
	(void)state;
	unlink(socket_path);
	return rmdir(folder);
}

static int
fresh(void **state)
{
	(void)state;
	memset(&fake, 0, sizeof(fake));
	return 0;
}

static int
connect_client(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

	strcpy(address.sun_path, socket_path);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static void
say(int fd, const char *octets)
{
	assert_int_equal(write(fd, octets, strlen(octets)), strlen(octets));
}

/* Lets the server work until FD has a line (or its end), and returns all that came. */
static const char *
hear(struct control *control, int fd)
{
	static char got[1 << 20];
	size_t len = 0;

	for (int tries = 0; tries < 1000; tries++) {
		struct pollfd pollfd = { .fd = control_fd(control), .events = POLLIN };
		ssize_t n;

		poll(&pollfd, 1, control_timeout(control) == 0 ? 0 : 1);
		control_handle(control);
		while (len < sizeof(got) - 1 && (n = read(fd, got + len, sizeof(got) - 1 - len)) > 0)
			len += (size_t)n;
		got[len] = '\0';
		if (strstr(got, "\"done\":true") != NULL)
			return got;
	}
	return got;
}

static void
commands_are_answered(void **state)
{
	static const struct {
		const char *given, *want;
	} rows[] = {
		{ "{\"command\":\"status\"}\n", "{\"done\":true,\"synchronised\":false,\"zones\":3}\n" },
		{ "{\"command\":\"problems\"}\r\n", "{\"line\":2}\n{\"line\":1}\n{\"count\":0,\"done\":true}\n" },
		{ "{\"command\":\"verify\"}\n", "{\"done\":true,\"error\":\"one runs already\"}\n" },
		{ "{\"command\":\"release-brake\"}\n", "{\"count\":0,\"done\":true}\n" },
		{ "{\"command\":\"release-brake\"}\n", "{\"done\":true,\"error\":\"Operation already in progress\"}\n" },
		{ "{\"command\":\"rebuild\"}\n", "{\"count\":0,\"done\":true}\n" },
		{ "{\"command\":\"wait\",\"timeout\":0}\n", "{\"done\":true,\"synchronised\":false}\n" },
		{ "{\"command\":\"wait\",\"timeout\":0.02}\n", "{\"done\":true,\"synchronised\":false}\n" },
		{ "{\"command\":\"wait\",\"timeout\":-1}\n",
		  "{\"done\":true,\"error\":\"timeout must be a number of seconds\"}\n" },
		{ "{\"command\":\"nope\"}\n",
		  "{\"done\":true,\"error\":\"unknown command nope; known: entries problems rebuild release-brake status verify wait\"}\n" },
		{ "{\"command\":\"entries\",\"subject\":\"7A03666f6F\"}\n",
		  "{\"done\":true,\"entries\":[\"z\\u0003foo\"]}\n" },
		{ "{\"command\":\"entries\",\"subject\":\"7\"}\n",
		  "{\"done\":true,\"error\":\"subject must be a key in hexadecimal digits\"}\n" },
		{ "{\"command\":\"entries\",\"subject\":\"7g\"}\n",
		  "{\"done\":true,\"error\":\"subject must be a key in hexadecimal digits\"}\n" },
		{ "nonsense\n", "{\"done\":true,\"error\":\"a request is {\\\"command\\\": NAME, ...} in one line\"}\n" },
		{ "[1]\n", "{\"done\":true,\"error\":\"a request is {\\\"command\\\": NAME, ...} in one line\"}\n" },
		{ "\n", "{\"done\":true,\"error\":\"a request is {\\\"command\\\": NAME, ...} in one line\"}\n" },
	};
	struct control *control;
	int fd;

	(void)state;
	fake.lines = 2;
	assert_int_equal(control_open(socket_path, (gid_t)-1, &actions, &control), 0);
	fd = connect_client();
	for (size_t i = 0; i < array_size(rows); i++) {
		say(fd, rows[i].given);
		assert_string_equal(hear(control, fd), rows[i].want);
	}
	assert_int_equal(fake.closed, 3);
	assert_int_equal(fake.rebuilt, 1);
	close(fd);
	control_free(control);
	assert_int_equal(access(socket_path, F_OK), -1);
}

static void
the_socket_is_for_user_and_group(void **state)
{
	struct control *control;
	struct stat st;

	(void)state;
	assert_int_equal(control_open(socket_path, getegid(), &actions, &control), 0);
	assert_int_equal(stat(socket_path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0660);
	assert_int_equal(st.st_gid, getegid());
	control_free(control);
}

static void
a_live_socket_is_kept_and_a_dead_one_replaced(void **state)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct control *control, *other = NULL;
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	(void)state;
	strcpy(address.sun_path, socket_path);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	close(fd);
	assert_int_equal(control_open(socket_path, (gid_t)-1, &actions, &control), 0);
	assert_int_equal(control_open(socket_path, (gid_t)-1, &actions, &other), -EADDRINUSE);
	assert_null(other);
	assert_int_equal(access(socket_path, F_OK), 0);
	control_free(control);
}

static void
a_socket_that_was_handed_over_is_kept(void **state)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct control *control = NULL;
	int listener = socket(AF_UNIX, SOCK_STREAM, 0), fd, pair[2];

	(void)state;
	strcpy(address.sun_path, socket_path);
	assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(control_adopt(listener, &actions, &control), -ENOTSOCK);
	assert_int_equal(listen(listener, 4), 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(control_adopt(listener, &actions, &control), 0);
		fd = connect_client();
		say(fd, "{\"command\":\"status\"}\n");
		assert_string_equal(hear(control, fd), "{\"done\":true,\"synchronised\":false,\"zones\":3}\n");
		close(fd);
		control_free(control);
		assert_int_equal(access(socket_path, F_OK), 0);
	}
	close(listener);
	unlink(socket_path);
	assert_int_equal(pipe(pair), 0);
	assert_int_equal(control_adopt(pair[0], &actions, &control), -ENOTSOCK);
	close(pair[0]);
	close(pair[1]);
}

static void
wait_is_answered_when_woken(void **state)
{
	struct control *control;
	int fd, other;

	(void)state;
	assert_int_equal(control_open(socket_path, (gid_t)-1, &actions, &control), 0);
	fd = connect_client();
	other = connect_client();
	say(fd, "{\"command\":\"wait\"}\n{\"command\":\"status\"}\n");
	say(other, "{\"command\":\"status\"}\n");
	hear(control, other);
	assert_int_equal(control_timeout(control) > 0, 1);
	fake.synchronised = true;
	control_wake(control);
	assert_string_equal(hear(control, fd), "{\"done\":true,\"synchronised\":true}\n"
	                                       "{\"done\":true,\"synchronised\":true,\"zones\":3}\n");
	close(fd);
	close(other);
	control_free(control);
}

static void
streams_pause_and_end_with_their_client(void **state)
{
	struct control *control;
	int fd;

	(void)state;
	assert_int_equal(control_open(socket_path, (gid_t)-1, &actions, &control), 0);
	fd = connect_client();
	fake.lines = 1;
	fake.hold = true;
	say(fd, "{\"command\":\"problems\"}\n");
	control_handle(control);
	control_handle(control);
	assert_int_equal(fake.lines, 1);
	fake.hold = false;
	control_handle(control);
	assert_int_equal(fake.lines, 1);
	control_wake(control);
	assert_string_equal(hear(control, fd), "{\"line\":1}\n{\"count\":0,\"done\":true}\n");

	fake.next_error = -EIO;
	say(fd, "{\"command\":\"problems\"}\n");
	assert_string_equal(hear(control, fd), "{\"done\":true,\"error\":\"it broke\"}\n");
	assert_int_equal(fake.closed, 2);

	fake.hold = true;
	say(fd, "{\"command\":\"problems\"}\n");
	control_handle(control);
	close(fd);
	control_handle(control);
	assert_int_equal(fake.closed, 3);
	control_free(control);
}

static void
a_client_that_does_not_read_is_not_written_for(void **state)
{
	struct control *control;
	int fd;

	(void)state;
	assert_int_equal(control_open(socket_path, (gid_t)-1, &actions, &control), 0);
	fd = connect_client();
	fake.lines = 1000000;
	say(fd, "{\"command\":\"problems\"}\n");
	for (int i = 0; i < 5000; i++)
		control_handle(control);
	assert_true(control_timeout(control) > 0);
	assert_true(fake.lines > 900000 && fake.lines < 1000000);
	control_free(control);
	assert_int_equal(fake.closed, 1);
	close(fd);
}

static void
half_closed_clients_get_their_answer(void **state)
{
	struct control *control;
	int fd;
	char c;

	(void)state;
	assert_int_equal(control_open(socket_path, (gid_t)-1, &actions, &control), 0);
	fd = connect_client();
	say(fd, "{\"command\":\"status\"}\n");
	shutdown(fd, SHUT_WR);
	assert_string_equal(hear(control, fd), "{\"done\":true,\"synchronised\":false,\"zones\":3}\n");
	control_handle(control);
	assert_int_equal(read(fd, &c, 1), 0);
	close(fd);
	control_free(control);
}

static void
long_requests_end_the_connection(void **state)
{
	static char request[CONTROL_REQUEST_MAX + 100];
	struct control *control;
	int fd;

	(void)state;
	assert_int_equal(control_open(socket_path, (gid_t)-1, &actions, &control), 0);
	fd = connect_client();
	memset(request, ' ', sizeof(request) - 1);
	say(fd, request);
	assert_string_equal(hear(control, fd), "{\"done\":true,\"error\":\"the request is too long\"}\n");
	control_free(control);
	close(fd);
}

static void
too_many_clients_are_told_so(void **state)
{
	struct control *control;
	int fds[CONTROL_CLIENTS_MAX + 1];

	(void)state;
	assert_int_equal(control_open(socket_path, (gid_t)-1, &actions, &control), 0);
	for (size_t i = 0; i < array_size(fds); i++) {
		fds[i] = connect_client();
		control_handle(control);
	}
	assert_string_equal(hear(control, fds[CONTROL_CLIENTS_MAX]),
	                    "{\"done\":true,\"error\":\"too many clients\"}\n");
	say(fds[0], "{\"command\":\"status\"}\n");
	assert_string_equal(hear(control, fds[0]), "{\"done\":true,\"synchronised\":false,\"zones\":3}\n");
	for (size_t i = 0; i < array_size(fds); i++)
		close(fds[i]);
	control_handle(control);
	assert_int_equal(control_timeout(control), -1);
	control_free(control);
}

static void
text_that_is_not_utf_8_is_shown(void **state)
{
	static const struct {
		struct span given;
		const char *want;
	} rows[] = {
		{ SPAN(""), "" },
		{ SPAN("caf\xc3\xa9"), "caf\xc3\xa9" },
		{ SPAN("caf\xe9"), "caf\\xe9" },
		{ SPAN("a\0b"), "a\\x00b" },
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		json_t *string = control_text(rows[i].given);

		assert_string_equal(json_string_value(string), rows[i].want);
		json_decref(string);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(commands_are_answered, fresh),
		cmocka_unit_test_setup(the_socket_is_for_user_and_group, fresh),
		cmocka_unit_test_setup(a_live_socket_is_kept_and_a_dead_one_replaced, fresh),
		cmocka_unit_test_setup(a_socket_that_was_handed_over_is_kept, fresh),
		cmocka_unit_test_setup(wait_is_answered_when_woken, fresh),
		cmocka_unit_test_setup(streams_pause_and_end_with_their_client, fresh),
		cmocka_unit_test_setup(a_client_that_does_not_read_is_not_written_for, fresh),
		cmocka_unit_test_setup(half_closed_clients_get_their_answer, fresh),
		cmocka_unit_test_setup(long_requests_end_the_connection, fresh),
		cmocka_unit_test_setup(too_many_clients_are_told_so, fresh),
		cmocka_unit_test(text_that_is_not_utf_8_is_shown),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
