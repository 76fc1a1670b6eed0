/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * What needs no server: password files, and turning away from attempts. The rest is in tests/integration/sync_*.py.
 */
#include <config.h>

#include "cache/connection.h"

#include <errno.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/stat.h>

#include "tests/unit/test.h"

static void
password_files(void **state unused)
{
	static const struct {
		const char *content;
		mode_t mode;
		int want;
		const char *read, *why;
	} rows[] = {
		{ "secret", 0600, 0, "secret", "" },
		{ "secret\n", 0640, 0, "secret", "" },
		{ "secret\r\n", 0400, 0, "secret", "" },
		{ " two words \n", 0600, 0, " two words ", "" },
		{ "secret\n\n", 0600, 0, "secret\n", "" },
		{ "secret", 0604, -EPERM, "", "is open to everybody" },
		{ "secret", 0602, -EPERM, "", "is open to everybody" },
		{ "", 0600, -EINVAL, "", "is empty" },
		{ "\n", 0600, -EINVAL, "", "is empty" },
	};
	char path[] = "/tmp/ispman-password-XXXXXX";
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	for (size_t i = 0; i < array_size(rows); i++) {
		struct text out = TEXT_INIT, why = TEXT_INIT;

		assert_int_equal(ftruncate(fd, 0), 0);
		assert_int_equal(pwrite(fd, rows[i].content, strlen(rows[i].content), 0),
		                 (ssize_t)strlen(rows[i].content));
		assert_int_equal(fchmod(fd, rows[i].mode), 0);
		assert_int_equal(connection_read_password(path, &out, &why), rows[i].want);
		assert_string_equal(text_str(&out), rows[i].read);
		assert_non_null(strstr(text_str(&why), rows[i].why));
		assert_null(strstr(text_str(&why), "secret"));
		text_free(&out);
		text_free(&why);
	}
	close(fd);
	unlink(path);
}

static void
a_missing_password_file_is_named(void **state unused)
{
	struct text out = TEXT_INIT, why = TEXT_INIT;

	assert_int_equal(connection_read_password("/nonexistent/secret", &out, &why), -ENOENT);
	assert_string_equal(text_str(&why),
	                    "the password file /nonexistent/secret cannot be read: No such file or directory");
	text_clear(&why);
	assert_int_equal(connection_read_password("/tmp", &out, &why), -EPERM);
	assert_string_equal(text_str(&why), "the password file /tmp is not a file");
	text_free(&why);
}

/* One that can only fail, and many that nobody waits for. */
static void
attempts_can_be_left_alone(void **state unused)
{
	static const char *const uris[] = { "ldapi://%2Fnonexistent%2Fldapi" };
	struct connection_config config = { .uris = uris, .uri_count = 1, .timeout = 1 };
	struct connection_wish wish = { .base = "o=x" };
	struct connection *c = NULL;
	struct text why = TEXT_INIT;
	int stop_fd = eventfd(1, EFD_CLOEXEC);

	for (int i = 0; i < 100; i++) {
		struct connection_attempt *a = NULL;
		int r = connection_attempt_start(&config, 0, &wish, &a);

		/* They are bounded. */
		assert_true(r == 0 || r == -EBUSY);
		if (r == 0)
			connection_attempt_abandon(a);
	}
	connection_settle();
	assert_int_equal(connection_open(&config, 0, &wish, -1, &c, &why), -ENOENT);
	assert_string_equal(text_str(&why), "ldapi://%2Fnonexistent%2Fldapi: cannot connect to "
	                                    "/nonexistent/ldapi: No such file or directory");
	text_clear(&why);
	assert_int_equal(connection_open(&config, 0, &wish, stop_fd, &c, &why), -ECANCELED);
	assert_null(c);
	connection_settle();
	close(stop_fd);
	text_free(&why);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(password_files),
		cmocka_unit_test(a_missing_password_file_is_named),
		cmocka_unit_test(attempts_can_be_left_alone),
	};

	return RUN_TESTS(tests);
}
