/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 */
#include <config.h>

#include "tests/unit/test.h"

#include "cache/ledger.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[64], book[80];

static int
make_folder(void **state)
{
	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/test_ledger.XXXXXX");
	if (mkdtemp(folder) == NULL)
		return -1;
	snprintf(book, sizeof(book), "%s/book", folder);
	return 0;
}

static int
remove_folder(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	return system(command);
}

static struct ledger *
opened(void)
{
	struct ledger *ledger;

	if (ledger_open(book, &ledger) < 0)
		fail_msg("%s", ledger_error_text());
	return ledger;
}

static void
what_is_committed_stays(void **state)
{
	struct ledger *ledger = opened();
	struct span value;

	(void)state;
	assert_int_equal(ledger_get(ledger, SPAN("a"), &value), 0);
	assert_int_equal(ledger_put(ledger, SPAN("a"), SPAN("one")), 0);
	assert_int_equal(ledger_get(ledger, SPAN("a"), &value), 1);
	assert_true(span_is(value, SPAN("one")));
	assert_int_equal(ledger_commit(ledger), 0);
	assert_int_equal(ledger_commit(ledger), 0);
	assert_int_equal(ledger_put(ledger, SPAN("a"), SPAN("two")), 0);
	assert_int_equal(ledger_put(ledger, SPAN("b"), SPAN("lost")), 0);
	ledger_close(ledger);

	ledger = opened();
	assert_int_equal(ledger_get(ledger, SPAN("a"), &value), 1);
	assert_true(span_is(value, SPAN("one")));
	assert_int_equal(ledger_get(ledger, SPAN("b"), &value), 0);
	assert_int_equal(ledger_delete(ledger, SPAN("a")), 1);
	assert_int_equal(ledger_delete(ledger, SPAN("a")), 0);
	assert_int_equal(ledger_commit(ledger), 0);
	ledger_close(ledger);
}

static void
rows_of_a_prefix(void **state)
{
	struct ledger *ledger = opened();
	struct span key, value;

	(void)state;
	assert_int_equal(ledger_put(ledger, SPAN("c"), SPAN("0")), 0);
	assert_int_equal(ledger_put(ledger, SPAN("d1"), SPAN("1")), 0);
	assert_int_equal(ledger_put(ledger, SPAN("d2"), SPAN("2")), 0);
	assert_int_equal(ledger_put(ledger, SPAN("e"), SPAN("3")), 0);
	assert_int_equal(ledger_next(ledger, SPAN("d"), SPAN("d"), true, &key, &value), 1);
	assert_true(span_is(key, SPAN("d1")) && span_is(value, SPAN("1")));
	assert_int_equal(ledger_next(ledger, SPAN("d"), SPAN("d1"), true, &key, &value), 1);
	assert_true(span_is(key, SPAN("d1")));
	assert_int_equal(ledger_next(ledger, SPAN("d"), SPAN("d1"), false, &key, &value), 1);
	assert_true(span_is(key, SPAN("d2")) && span_is(value, SPAN("2")));
	assert_int_equal(ledger_next(ledger, SPAN("d"), SPAN("d2"), false, &key, &value), 0);
	ledger_close(ledger);
}

static void
keys_have_a_length(void **state)
{
	struct ledger *ledger = opened();
	char octets[512] = { 0 };

	(void)state;
	assert_int_equal(ledger_put(ledger, SPAN(""), SPAN("x")), -EINVAL);
	assert_int_equal(ledger_put(ledger, span_from(octets, 512), SPAN("x")), -EINVAL);
	assert_int_equal(ledger_put(ledger, span_from(octets, 511), SPAN("x")), 0);
	ledger_close(ledger);
}

static void
two_processes(void **state)
{
	struct ledger *ledger = opened(), *second;
	int status;
	pid_t child;

	(void)state;
	child = fork();
	if (child == 0)
		_exit(ledger_open(book, &second) == -EBUSY ? 0 : 1);
	assert_true(child > 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	ledger_close(ledger);
	ledger_close(opened());
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_committed_stays),
		cmocka_unit_test(rows_of_a_prefix),
		cmocka_unit_test(keys_have_a_length),
		cmocka_unit_test(two_processes),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
