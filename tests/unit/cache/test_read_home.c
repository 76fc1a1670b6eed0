/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 */
#include <config.h>

#include "tests/unit/test.h"

#include "cache/home.h"
#include "tests/lib/login_text.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

static char folder[64];
static struct cache *cache;

static int
make_folder(void **state)
{
	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/test_home.XXXXXX");
	if (mkdtemp(folder) == NULL)
		return -1;
	return home_open(folder, NULL, &cache);
}

static int
remove_folder(void **state)
{
	char command[128];

	(void)state;
	cache_close(cache);
	login_text_close();
	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	return system(command);
}

static void
fill(const char *text)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/account", folder);
	(void)mkdir(path, 0700);
	snprintf(path, sizeof(path), "%s/account/1", folder);
	login_text_write(path, LOGIN_ACCOUNT, span_of(text));
}

#define THREE "entry 1 user a home=/h/a\nentry 2 user b home=/h/b\nentry 250 domain c home=/h/c\n"

static void
accounts_in_order(void **state)
{
	struct home_account account = HOME_ACCOUNT_INIT;
	struct home_walk walk = { 0 };
	static const char *const homes[] = { "/h/a", "/h/b", "/h/c" };
	uint8_t uuid[ENTRY_UUID_LEN];

	(void)state;
	fill(THREE "domain tern.example\nclaim x 1 user own\nhost a b\nlog x 1 1\n");
	for (size_t i = 0; i < array_size(homes); i++) {
		assert_int_equal(home_next(cache, &walk, &account), 1);
		assert_true(span_is(account.entry.home, span_of(homes[i])));
	}
	assert_int_equal(home_next(cache, &walk, &account), 0);
	/* What went meanwhile is passed over, what came is met. */
	walk = (struct home_walk){ 0 };
	assert_int_equal(home_next(cache, &walk, &account), 1);
	fill("entry 3 user d home=/h/d\n");
	assert_int_equal(home_next(cache, &walk, &account), 1);
	assert_true(span_is(account.entry.home, SPAN("/h/d")));
	assert_int_equal(home_next(cache, &walk, &account), 0);
	login_text_uuid(3, uuid);
	assert_int_equal(home_get(cache, uuid, &account), 1);
	assert_memory_equal(account.uuid, uuid, ENTRY_UUID_LEN);
	login_text_uuid(1, uuid);
	assert_int_equal(home_get(cache, uuid, &account), 0);
	fill("incomplete\n");
	assert_true(home_get(cache, uuid, &account) < 0);
	walk = (struct home_walk){ 0 };
	assert_true(home_next(cache, &walk, &account) < 0);
	home_account_free(&account);
}

static char told[64];

static void
tell(void *context, enum home_kind kind, const uint8_t *uuid)
{
	size_t n = strlen(told);

	(void)context;
	snprintf(told + n, sizeof(told) - n, "%c%d ", kind, uuid != NULL ? uuid[15] : 0);
}

static void
changes_are_told_once(void **state)
{
	struct home_cursor cursor, none = { 0 };

	(void)state;
	fill("log x 1\n");
	assert_int_equal(home_newest(cache, &cursor), 0);
	assert_int_equal(cursor.sequence, 0);
	assert_int_equal(home_changes(cache, &cursor, tell, NULL), 1);
	assert_string_equal(told, "");
	fill("log x 1 5 3 5\n");
	assert_int_equal(home_changes(cache, &cursor, tell, NULL), 1);
	assert_string_equal(told, "E3 E5 ");
	assert_int_equal(cursor.sequence, 3);
	told[0] = '\0';
	fill("log x 2 3 5 7\nentry 1 user a\n");
	assert_int_equal(home_changes(cache, &cursor, tell, NULL), 1);
	assert_string_equal(told, "E7 ");
	assert_int_equal(home_changes(cache, &cursor, tell, NULL), 1);
	told[0] = '\0';
	/* It begins behind what is wanted; it is another one; it ends before. */
	fill("log x 6 1\n");
	assert_int_equal(home_changes(cache, &cursor, tell, NULL), 0);
	assert_int_equal(cursor.sequence, 4);
	fill("log y 2 3 5 7 8 9\n");
	assert_int_equal(home_changes(cache, &cursor, tell, NULL), 0);
	fill("log x 2 3\n");
	assert_int_equal(home_changes(cache, &cursor, tell, NULL), 0);
	assert_int_equal(home_changes(cache, &none, tell, NULL), 0);
	fill("domain tern.example\n");
	assert_int_equal(home_newest(cache, &cursor), 0);
	assert_memory_equal(cursor.epoch, none.epoch, sizeof(none.epoch));
	assert_string_equal(told, "");
}

static struct text hosts;

static void
tell_host(void *context, enum home_kind kind, struct span name, struct span other)
{
	(void)context;
	text_putf(&hosts, "%c %.*s=%.*s\n", kind, (int)name.len, name.data, (int)other.len, other.data);
}

static void
hosts_and_groups(void **state)
{
	(void)state;
	fill("host b.example b b2\nhost a.example\ngroup fileservergroup b.example a.example\n" THREE);
	assert_int_equal(home_hosts(cache, tell_host, NULL), 0);
	assert_string_equal(text_str(&hosts), "H a.example=\nH b.example=b\nH b.example=b2\nG fileservergroup=b.example\n"
	                                      "G fileservergroup=a.example\n");
	text_free(&hosts);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(accounts_in_order),
		cmocka_unit_test(changes_are_told_once),
		cmocka_unit_test(hosts_and_groups),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
