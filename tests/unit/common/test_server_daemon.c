/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * A daemon that says a word of its settings to whoever sends an octet, in a process of its own.
 */
#include <config.h>

#include "tests/unit/test.h"

#include "common/server_daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

enum { PATIENCE_MS = 20000, STEP_MS = 20 };

static char folder[] = "/tmp/ispman-server-daemon-XXXXXX";
static char conf[64], log_path[64], usual[64], other[64];

/* --- the daemon ------------------------------------------------------------------------------------------ */

struct x_settings {
	struct server_settings server;
	const char *word;
	struct listener_address control;
};

struct cache {
	char name[64];
};

struct x {
	struct server_daemon daemon;
	char word[64];
};

static const struct conf_setting rows[] = {
	{ "x", "listen", CONF_LIST, offsetof(struct x_settings, server.listen_values), .help = "sockets" },
	{ "x", "word", CONF_STRING, offsetof(struct x_settings, word), .help = "what is said" },
	SERVER_SETTINGS_USER("x", offsetof(struct x_settings, server)),
};

static int
load(const char *path, const char *const *overrides, size_t override_count, struct server_settings **out, struct text *why)
{
	cleanup(server_settings_freep) struct server_settings *s = calloc(1, sizeof(struct x_settings));
	struct x_settings *x = (struct x_settings *)s;
	const struct conf_table tables[] = { server_settings_table(s), { rows, array_size(rows), x } };
	const struct conf_schema schema = { tables, array_size(tables), NULL };
	cleanup(text_free) struct text control = TEXT_INIT;

	assert_non_null(s);
	if (conf_load(&schema, path, overrides, override_count, &s->arena, why) < 0 || server_settings_fill(s, "x", 0, why) < 0)
		return -EINVAL;
	s->max_connections = 10;
	s->request_timeout = 5;
	text_putf(&control, "unix:%s/control", s->run_dir);
	s->control = &x->control;
	if (listener_parse(text_str(&control), &x->control, why) < 0)
		return -EINVAL;
	*out = take(s);
	return 0;
}

static int
open_cache(const char *cache_dir, const char *run_dir, struct cache **out)
{
	struct cache *cache;

	(void)run_dir;
	if (strcmp(cache_dir, "/broken") == 0)
		return -EIO;
	cache = calloc(1, sizeof(*cache));
	assert_non_null(cache);
	snprintf(cache->name, sizeof(cache->name), "%s", cache_dir);
	*out = cache;
	return 0;
}

static void
close_cache(struct cache *cache)
{
	free(cache);
}

static enum server_step
look(struct server_connection *c, struct span input, size_t *out_taken)
{
	const struct x *x = server_meaning(c);

	*out_taken = input.len;
	text_putf(server_output(c), "%s %s", x->word, x->daemon.cache->name);
	return SERVER_FINISH;
}

static enum server_step
look_at_control(struct server_connection *c, struct span input, size_t *out_taken)
{
	*out_taken = input.len;
	text_put(server_output(c), "control");
	return SERVER_FINISH;
}

static void
use(struct server_daemon *daemon, struct server_settings *fresh)
{
	struct x *x = (struct x *)daemon;

	snprintf(x->word, sizeof(x->word), "%s", ((const struct x_settings *)fresh)->word);
}

static int
run(struct server_daemon *daemon)
{
	int r = server_daemon_open(daemon);

	if (r == 0)
		r = server_daemon_serve(daemon);
	server_daemon_stop(daemon);
	return r;
}

static const struct counters_row counter_rows[] = { SERVER_COUNTER_ROWS("x") };
static const struct server_protocol protocol = { .name = "x", .request_max = 100, .look = look };
static const struct server_protocol control_protocol = { .name = "control", .request_max = 100, .look = look_at_control };

static const struct server_daemon_kind kind = {
	.about = { "x-daemon", "says a word" },
	.section = "x",
	.protocol = &protocol,
	.is_unix_only = true,
	.files_each = 1,
	.reply_timeout = 5,
	.counters = "x",
	.counter_rows = counter_rows,
	.counter_count = array_size(counter_rows),
	.load = load,
	.check = server_settings_check,
	.open = open_cache,
	.close = close_cache,
	.control = &control_protocol,
	.without_control = "nobody can ask",
	.use = use,
	.run = run,
};

/* --- from outside ---------------------------------------------------------------------------------------- */

static void
write_conf(const char *socket, const char *word, const char *cache_dir, const char *run_dir)
{
	FILE *file = fopen(conf, "w");

	assert_non_null(file);
	fprintf(file, "[ispman]\ncache-dir = %s\nrun-dir = %s\n[x]\nlisten = unix:%s\nword = %s\n", cache_dir, run_dir, socket, word);
	assert_int_equal(fclose(file), 0);
}

static pid_t
start(const char *option)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		struct x x = { .daemon = { .kind = &kind, .meaning = &x } };
		char *argv[] = { (char[]){ "x-daemon" }, (char[]){ "-c" }, conf, strdup(option), NULL };
		int fd = open(log_path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0600);

		if (fd < 0 || dup2(fd, STDERR_FILENO) < 0 || dup2(fd, STDOUT_FILENO) < 0)
			_exit(99);
		optind = 0;
		_exit(server_daemon_main(&x.daemon, option[0] != '\0' ? 4 : 3, argv));
	}
	return pid;
}

static int
end_of(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static bool
log_has(const char *words)
{
	char all[65536];
	FILE *file = fopen(log_path, "r");
	size_t n = file != NULL ? fread(all, 1, sizeof(all) - 1, file) : 0;

	if (file != NULL)
		fclose(file);
	all[n] = '\0';
	return strstr(all, words) != NULL;
}

/* What is said at PATH; "" when nobody is there. */
static bool
says(const char *path, const char *want)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	char got[256] = "";
	size_t n = 0;
	ssize_t r;
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	assert_true(fd >= 0);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0 && send(fd, "?", 1, MSG_NOSIGNAL) == 1)
		while ((r = read(fd, got + n, sizeof(got) - 1 - n)) > 0)
			n += (size_t)r;
	close(fd);
	return strcmp(got, want) == 0;
}

/* A condition, looked at until it holds. */
#define WAIT_FOR(condition)                                                                        \
	do {                                                                                       \
		int left = PATIENCE_MS / STEP_MS;                                                  \
		while (!(condition) && left-- > 0)                                                 \
			nanosleep(&(struct timespec){ 0, STEP_MS * 1000000 }, NULL);               \
		if (left < 0)                                                                      \
			fail_msg("in vain: %s", #condition);                                       \
	} while (0)

static void
checking_ends_with_what_was_found(void **state)
{
	(void)state;
	write_conf(usual, "a", "/c", folder);
	assert_int_equal(end_of(start("-t")), DAEMON_OK);
	assert_int_equal(end_of(start("-z")), DAEMON_USAGE);
	assert_int_equal(end_of(start("-h")), DAEMON_OK);
	write_conf("/no/such/folder/socket", "a", "/c", folder);
	assert_int_equal(end_of(start("-t")), DAEMON_USAGE);
	write_conf("nonsense", "a", "/c", folder);
	assert_int_equal(end_of(start("")), DAEMON_USAGE);
}

static void
what_fails_at_the_start_ends_it(void **state)
{
	(void)state;
	write_conf(usual, "a", "/broken", folder);
	assert_int_equal(end_of(start("")), DAEMON_FAILURE);
	assert_true(log_has("ended: Input/output error"));
	write_conf("/no/such/folder/socket", "a", "/c", folder);
	assert_int_equal(end_of(start("")), DAEMON_FAILURE);
}

static void
new_settings_are_taken_as_a_whole_or_not_at_all(void **state)
{
	pid_t pid;

	(void)state;
	write_conf(usual, "a", "/c", folder);
	pid = start("");
	WAIT_FOR(says(usual, "a /c"));
	write_conf(other, "b", "/d", folder);
	kill(pid, SIGHUP);
	WAIT_FOR(says(other, "b /d"));
	assert_true(says(usual, ""));
	/* Each of them is wrong in another way, and the word is new. */
	write_conf(usual, "c", "/broken", folder);
	kill(pid, SIGHUP);
	WAIT_FOR(log_has("the configuration stays what it was"));
	assert_true(says(other, "b /d"));
	assert_true(says(usual, ""));
	write_conf("/no/such/folder/socket", "c", "/e", folder);
	kill(pid, SIGHUP);
	WAIT_FOR(log_has("/no/such/folder"));
	assert_true(says(other, "b /d"));
	write_conf(other, "e", "/d", folder);
	kill(pid, SIGHUP);
	WAIT_FOR(says(other, "e /d"));
	kill(pid, SIGTERM);
	assert_int_equal(end_of(pid), DAEMON_OK);
}

static void
it_answers_without_its_control_socket(void **state)
{
	char control[96];
	pid_t pid;

	(void)state;
	write_conf(usual, "a", "/c", "/no/such/folder");
	pid = start("");
	WAIT_FOR(says(usual, "a /c"));
	assert_true(log_has("nobody can ask: "));
	write_conf(usual, "a", "/c", folder);
	snprintf(control, sizeof(control), "%s/control", folder);
	kill(pid, SIGHUP);
	WAIT_FOR(says(control, "control"));
	kill(pid, SIGTERM);
	assert_int_equal(end_of(pid), DAEMON_OK);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(checking_ends_with_what_was_found),
		cmocka_unit_test(what_fails_at_the_start_ends_it),
		cmocka_unit_test(new_settings_are_taken_as_a_whole_or_not_at_all),
		cmocka_unit_test(it_answers_without_its_control_socket),
	};
	char command[64];
	int r;

	if (mkdtemp(folder) == NULL)
		return 1;
	snprintf(conf, sizeof(conf), "%s/conf", folder);
	snprintf(log_path, sizeof(log_path), "%s/log", folder);
	snprintf(usual, sizeof(usual), "%s/usual", folder);
	snprintf(other, sizeof(other), "%s/other", folder);
	r = RUN_TESTS(tests);
	snprintf(command, sizeof(command), "rm -r %s", folder);
	return system(command) == 0 ? r : 1;
}
