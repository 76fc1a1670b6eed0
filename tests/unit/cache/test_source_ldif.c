/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * The source runs in its thread against a feed that writes down what it is told.
 */
#include <config.h>

#include "tests/unit/test.h"

#include "cache/source_ldif.h"
#include "common/text.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/stat.h>

enum { DEADLINE_SECONDS = 20 };

#define ENTRY(name) "dn: o=" name "\no: " name "\n\n"

struct fixture {
	char dir[32], path[64], other[64];
	struct feed feed;
	struct source_ldif_config config;
	struct source_ldif *source;
	pthread_t thread;
	int stop;

	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t changed;
	struct text log; /* what the feed was told, "begin+ o=a o=b done+" */
	struct text said;
	struct text cookie;
	unsigned flushes, since_flush, most_unflushed;
	bool empty;
	const char *hook_dn; /* when this entry comes (or its attribute is asked for) */
	void (*hook)(struct fixture *f);
	int hook_result;
};

/* --- the feed --- */

static void
note(struct fixture *f, const char *word)
{
	pthread_mutex_lock(&f->lock);
	if (f->log.len > 0)
		text_put_char(&f->log, ' ');
	text_put(&f->log, word);
	pthread_cond_broadcast(&f->changed);
	pthread_mutex_unlock(&f->lock);
}

static int
on_begin(void *context, bool complete)
{
	note(context, complete ? "begin+" : "begin");
	return 0;
}

static int
on_is_empty(void *context)
{
	struct fixture *f = context;

	return f->empty;
}

static int
on_entry(void *context, const struct entry *entry)
{
	struct fixture *f = context;
	char dn[64];
	int result = 0;

	snprintf(dn, sizeof(dn), "%.*s", (int)entry->dn.len, entry->dn.data);
	if (entry->dn.len < 10)
		note(f, dn);
	if (f->hook_dn != NULL && strcmp(dn, f->hook_dn) == 0) {
		f->hook_dn = NULL;
		result = f->hook_result;
		if (f->hook != NULL)
			f->hook(f);
	}
	if (++f->since_flush > f->most_unflushed)
		f->most_unflushed = f->since_flush;
	return result;
}

static int
on_done(void *context, bool sweep, struct span cookie, uint32_t seconds)
{
	struct fixture *f = context;
	char word[32];

	snprintf(word, sizeof(word), "done%s%.0u", sweep ? "+" : "", seconds);
	text_clear(&f->cookie);
	text_put_span(&f->cookie, cookie);
	f->empty = false;
	note(f, word);
	return 0;
}

static int
on_abort(void *context)
{
	note(context, "abort");
	return 0;
}

static int
on_flush(void *context)
{
	struct fixture *f = context;

	f->flushes++;
	f->since_flush = 0;
	return 0;
}

static int
on_stored_cookie(void *context, struct arena *arena, struct span *out_cookie)
{
	struct fixture *f = context;

	*out_cookie = arena_copy(arena, text_span(&f->cookie));
	return 0;
}

/* --- the source's other callbacks --- */

static void
on_say(void *context, int level, const char *sentence)
{
	struct fixture *f = context;

	(void)level;
	pthread_mutex_lock(&f->lock);
	text_putf(&f->said, "%s\n", sentence);
	pthread_mutex_unlock(&f->lock);
}

static void
on_changed(void *context)
{
	struct fixture *f = context;

	pthread_mutex_lock(&f->lock);
	pthread_cond_broadcast(&f->changed);
	pthread_mutex_unlock(&f->lock);
}

/* --- the file --- */

static void
write_all(const char *path, const char *content, int flags)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0640);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, content, strlen(content)), (ssize_t)strlen(content));
	close(fd);
}

static void
replace(struct fixture *f, const char *content)
{
	write_all(f->other, content, O_TRUNC);
	assert_int_equal(rename(f->other, f->path), 0);
}

/* --- the fixture --- */

static int
set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	strcpy(f->dir, "/tmp/source_ldif.XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->path, sizeof(f->path), "%s/file.ldif", f->dir);
	snprintf(f->other, sizeof(f->other), "%s/other.ldif", f->dir);
	pthread_mutex_init(&f->lock, NULL);
	pthread_cond_init(&f->changed, NULL);
	f->empty = true;
	f->feed = (struct feed){
		.context = f,
		.begin_refresh = on_begin,
		.is_empty = on_is_empty,
		.entry = on_entry,
		.refresh_done = on_done,
		.abort_refresh = on_abort,
		.flush = on_flush,
		.stored_cookie = on_stored_cookie,
	};
	f->config = (struct source_ldif_config){
		.path = f->path,
		.spool_dir = f->dir,
		.feed = &f->feed,
		.say = on_say,
		.changed = on_changed,
		.context = f,
		.settle_ms = 30,
		.writer_ms = 60000,
		.look_ms = 60000,
		.retry_ms = 10,
	};
	*state = f;
	return 0;
}

static void *
run(void *context)
{
	struct fixture *f = context;

	source_ldif_run(f->source, f->stop);
	return NULL;
}

static void
start(struct fixture *f)
{
	f->stop = eventfd(0, EFD_CLOEXEC);
	assert_true(f->stop >= 0);
	assert_int_equal(source_ldif_new(&f->config, &f->source), 0);
	assert_int_equal(pthread_create(&f->thread, NULL, run, f), 0);
}

static void
stop(struct fixture *f)
{
	assert_int_equal(eventfd_write(f->stop, 1), 0);
	pthread_join(f->thread, NULL);
	source_ldif_free(f->source);
	f->source = NULL;
	close(f->stop);
}

static int
tear_down(void **state)
{
	struct fixture *f = *state;

	if (f->source != NULL)
		stop(f);
	unlink(f->path);
	unlink(f->other);
	rmdir(f->dir);
	text_free(&f->log);
	text_free(&f->said);
	text_free(&f->cookie);
	pthread_mutex_destroy(&f->lock);
	pthread_cond_destroy(&f->changed);
	free(f);
	return 0;
}

/* Waits until the state is PHASE and LOADS loads and FAILURES failures were; fails with what there is instead. */
static struct source_ldif_state
await(struct fixture *f, enum source_ldif_phase phase, uint64_t loads, uint64_t failures)
{
	struct source_ldif_state state;
	struct timespec deadline;

	clock_gettime(CLOCK_REALTIME, &deadline);
	deadline.tv_sec += DEADLINE_SECONDS;
	pthread_mutex_lock(&f->lock);
	for (;;) {
		source_ldif_state(f->source, &state);
		if (state.phase == phase && state.loads == loads && state.failures >= failures)
			break;
		if (pthread_cond_timedwait(&f->changed, &f->lock, &deadline) != 0) {
			pthread_mutex_unlock(&f->lock);
			fail_msg("phase %s, %u loads, %u failures, error \"%s\", feed: %s",
			         source_ldif_phase_name(state.phase), (unsigned)state.loads,
			         (unsigned)state.failures, state.error, text_str(&f->log));
		}
	}
	pthread_mutex_unlock(&f->lock);
	return state;
}

static void
assert_log(struct fixture *f, const char *want)
{
	struct text got;

	pthread_mutex_lock(&f->lock);
	got = f->log;
	f->log = TEXT_INIT;
	pthread_mutex_unlock(&f->lock);
	assert_string_equal(text_str(&got), want);
	text_free(&got);
}

/* Waits for the failure number FAILURES, and its sentence without the path. */
static void
await_error(struct fixture *f, uint64_t loads, uint64_t failures, const char *want)
{
	struct source_ldif_state state = await(f, SOURCE_LDIF_FAILED, loads, failures);

	assert_memory_equal(state.error, f->path, strlen(f->path));
	assert_string_equal(state.error + strlen(f->path), want);
}

/* --- tests --- */

static void
an_empty_cache_gets_entries_as_they_are_read(void **state)
{
	struct fixture *f = *state;
	struct source_ldif_state got;

	write_all(f->path, "version: 1\n\n" ENTRY("a") "dn: o=b\r\no:: Yg==\r\nentryCSN: "
	                   "20261121115900.123456Z#000000#000#000000\r\n", 0);
	start(f);
	got = await(f, SOURCE_LDIF_FOLLOWING, 1, 0);
	assert_log(f, "begin+ o=a o=b done+1795262340");
	assert_int_equal(got.entries, 2);
	assert_int_equal(got.seconds, 1795262340);
	assert_int_equal(got.failures, 0);
	assert_true(got.loaded_at > 0);
	assert_string_equal(got.error, "");
	assert_non_null(strstr(text_str(&f->said), "file.ldif: 2 entries loaded\n"));
}

static void
a_missing_file_is_waited_for(void **state)
{
	struct fixture *f = *state;
	struct source_ldif_state got;

	f->empty = false;
	start(f);
	got = await(f, SOURCE_LDIF_MISSING, 0, 0);
	assert_non_null(strstr(got.error, "/file.ldif: the file does not exist; what is cached stays"));
	write_all(f->path, ENTRY("a"), 0);
	await(f, SOURCE_LDIF_FOLLOWING, 1, 0);
	assert_log(f, "begin+ o=a done+");
	assert_int_equal(unlink(f->path), 0);
	await(f, SOURCE_LDIF_MISSING, 1, 0);
	replace(f, ENTRY("b"));
	await(f, SOURCE_LDIF_FOLLOWING, 2, 0);
	assert_log(f, "begin+ o=b done+");
}

static void
a_file_that_is_replaced_is_loaded_again(void **state)
{
	struct fixture *f = *state;

	write_all(f->path, ENTRY("a"), 0);
	start(f);
	await(f, SOURCE_LDIF_FOLLOWING, 1, 0);
	assert_log(f, "begin+ o=a done+");
	replace(f, ENTRY("a") ENTRY("b"));
	await(f, SOURCE_LDIF_FOLLOWING, 2, 0);
	assert_log(f, "begin+ o=a o=b done+");
	/* in place, too */
	write_all(f->path, ENTRY("c"), O_TRUNC);
	await(f, SOURCE_LDIF_FOLLOWING, 3, 0);
	assert_log(f, "begin+ o=c done+");
	write_all(f->path, ENTRY("d"), O_APPEND);
	await(f, SOURCE_LDIF_FOLLOWING, 4, 0);
	assert_log(f, "begin+ o=c o=d done+");
}

static void
changes_behind_a_link_are_seen_without_events(void **state)
{
	struct fixture *f = *state;
	char folder[64], link[96], one[96], two[96];

	/* path → folder/link → one, then two: nothing happens to path, its folder or the old file */
	snprintf(folder, sizeof(folder), "%s/d", f->dir);
	snprintf(link, sizeof(link), "%s/link", folder);
	snprintf(one, sizeof(one), "%s/one", folder);
	snprintf(two, sizeof(two), "%s/two", folder);
	assert_int_equal(mkdir(folder, 0700), 0);
	write_all(one, ENTRY("a"), 0);
	write_all(two, ENTRY("b"), 0);
	assert_int_equal(symlink("one", link), 0);
	assert_int_equal(symlink("d/link", f->path), 0);
	f->config.look_ms = 20;
	start(f);
	await(f, SOURCE_LDIF_FOLLOWING, 1, 0);
	assert_int_equal(symlink("two", f->other), 0);
	assert_int_equal(rename(f->other, link), 0);
	await(f, SOURCE_LDIF_FOLLOWING, 2, 0);
	assert_log(f, "begin+ o=a done+ begin+ o=b done+");
	stop(f);
	unlink(link);
	unlink(one);
	unlink(two);
	rmdir(folder);
}

static void
a_file_that_is_being_written_is_waited_for(void **state)
{
	static const char first[] = ENTRY("a"), second[] = ENTRY("b");
	struct fixture *f = *state;
	int fd;

	write_all(f->path, ENTRY("x"), 0);
	start(f);
	await(f, SOURCE_LDIF_FOLLOWING, 1, 0);
	assert_log(f, "begin+ o=x done+");
	fd = open(f->path, O_WRONLY | O_TRUNC | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, first, strlen(first)), (ssize_t)strlen(first));
	await(f, SOURCE_LDIF_SETTLING, 1, 0);
	/* Ten times the settle time: what is there is whole, but its writer is at work. */
	for (int i = 0; i < 10; i++) {
		struct source_ldif_state got;

		usleep(30000);
		source_ldif_state(f->source, &got);
		assert_int_equal(got.phase, SOURCE_LDIF_SETTLING);
	}
	assert_int_equal(write(fd, second, strlen(second)), (ssize_t)strlen(second));
	close(fd);
	await(f, SOURCE_LDIF_FOLLOWING, 2, 0);
	assert_log(f, "begin+ o=a o=b done+");
}

static void
a_writer_that_never_closes_is_not_waited_for_for_ever(void **state)
{
	static const char content[] = ENTRY("a");
	struct fixture *f = *state;
	int fd;

	f->config.writer_ms = 100;
	write_all(f->path, ENTRY("x"), 0);
	start(f);
	await(f, SOURCE_LDIF_FOLLOWING, 1, 0);
	fd = open(f->path, O_WRONLY | O_TRUNC | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, content, strlen(content)), (ssize_t)strlen(content));
	await(f, SOURCE_LDIF_FOLLOWING, 2, 0);
	close(fd);
	assert_log(f, "begin+ o=x done+ begin+ o=a done+");
}

/* Other octets, in place and of the same length. */
static void
rewrite_in_place(struct fixture *f)
{
	write_all(f->path, ENTRY("c") ENTRY("d"), 0);
}

static void
a_file_that_changes_while_it_is_read_is_read_again(void **state)
{
	struct fixture *f = *state;

	write_all(f->path, ENTRY("a") ENTRY("b"), 0);
	f->hook_dn = "o=b";
	f->hook = rewrite_in_place;
	start(f);
	await(f, SOURCE_LDIF_FOLLOWING, 1, 0);
	assert_log(f, "begin+ o=a o=b abort begin+ o=c o=d done+");
}

static bool
rewrite_when_asked(void *context, struct span attribute)
{
	struct fixture *f = context;

	if (span_is(attribute, SPAN("o")) && f->hook_dn != NULL) {
		f->hook_dn = NULL;
		rewrite_in_place(f);
	}
	return true;
}

static void
nothing_is_applied_of_a_file_that_changes_while_it_is_read(void **state)
{
	struct fixture *f = *state;

	write_all(f->path, ENTRY("a") ENTRY("b"), 0);
	f->empty = false;
	f->hook_dn = "";
	f->config.wanted = rewrite_when_asked;
	start(f);
	await(f, SOURCE_LDIF_FOLLOWING, 1, 0);
	assert_log(f, "begin+ o=c o=d done+");
}

static void
a_file_that_is_wrong_changes_nothing(void **state)
{
	static const struct {
		const char *content, *error;
	} rows[] = {
		{ "", ": the file holds no entry; an empty file never empties the cache" },
		{ "# cut\n", ": the file holds no entry; an empty file never empties the cache" },
		{ ENTRY("a") "dn: o=b\no:: ?\n", ": line 5: this is not base64" },
		{ ENTRY("a") "dn: o=b\n", ": line 4: the entry has no attributes; is the file cut off?" },
		{ ENTRY("a") "dn: o=a\nchangetype: delete\n",
		  ": line 5: this is a change record (changetype: delete); a content file is needed, as "
		  "slapcat writes it" },
		{ ENTRY("a") ENTRY("b") "dn: O = A\no: a\n",
		  ": line 7: an entry with the DN of the entry of line 1" },
	};
	struct fixture *f = *state;

	write_all(f->path, ENTRY("x"), 0);
	start(f);
	await(f, SOURCE_LDIF_FOLLOWING, 1, 0);
	assert_log(f, "begin+ o=x done+");
	for (size_t i = 0; i < array_size(rows); i++) {
		replace(f, rows[i].content);
		await_error(f, 1, i + 1, rows[i].error);
		assert_log(f, "");
	}
	/* truncated in place */
	replace(f, ENTRY("a"));
	await(f, SOURCE_LDIF_FOLLOWING, 2, 0);
	write_all(f->path, "", O_TRUNC);
	await_error(f, 2, array_size(rows) + 1, rows[0].error);
	assert_log(f, "begin+ o=a done+");
	replace(f, ENTRY("y"));
	assert_string_equal(await(f, SOURCE_LDIF_FOLLOWING, 3, 0).error, "");
	assert_log(f, "begin+ o=y done+");
}

static void
a_wrong_file_does_not_complete_an_empty_cache(void **state)
{
	struct fixture *f = *state;

	write_all(f->path, ENTRY("a") ENTRY("b") ENTRY("a"), 0);
	start(f);
	await_error(f, 0, 1, ": line 7: an entry with the DN of the entry of line 1");
	assert_log(f, "begin+ o=a o=b o=a abort");
	replace(f, ENTRY("a") "foo\n");
	await_error(f, 0, 2, ": line 4: there is no colon behind an attribute name");
	assert_log(f, "begin+ o=a abort");
	replace(f, ENTRY("a"));
	await(f, SOURCE_LDIF_FOLLOWING, 1, 0);
	assert_log(f, "begin+ o=a done+");
}

static void
a_file_with_passwords_must_not_be_readable_by_others(void **state)
{
	struct fixture *f = *state;

	write_all(f->path, ENTRY("a") "dn: o=b\no: b\nUserPassword;x-y: secret\n", 0);
	assert_int_equal(chmod(f->path, 0644), 0);
	start(f);
	await_error(f, 0, 1, ": the file holds passwords and is readable by others; chmod 0640 it");
	assert_log(f, "begin+ o=a abort");
	assert_int_equal(chmod(f->path, 0640), 0);
	await(f, SOURCE_LDIF_FOLLOWING, 1, 0);
	assert_log(f, "begin+ o=a o=b done+");
}

static bool
want_and_guard_o(void *context, struct span attribute)
{
	(void)context;
	return span_is_nocase(attribute, SPAN("o"));
}

static void
the_caller_says_what_is_secret_and_what_is_wanted(void **state)
{
	struct fixture *f = *state;

	f->config.wanted = f->config.secret = want_and_guard_o;
	write_all(f->path, "dn: o=a\nuserPassword: x\n", 0);
	assert_int_equal(chmod(f->path, 0644), 0);
	start(f);
	await(f, SOURCE_LDIF_FOLLOWING, 1, 0);
	replace(f, ENTRY("a"));
	await(f, SOURCE_LDIF_FOLLOWING, 2, 0);
	assert_int_equal(chmod(f->path, 0604), 0);
	await(f, SOURCE_LDIF_FAILED, 2, 1);
}

static void
a_cache_that_fails_is_tried_again(void **state)
{
	struct fixture *f = *state;

	write_all(f->path, ENTRY("a") ENTRY("b"), 0);
	f->hook_dn = "o=b";
	f->hook_result = -ENOSPC;
	start(f);
	await(f, SOURCE_LDIF_FOLLOWING, 1, 1);
	assert_log(f, "begin+ o=a o=b abort begin+ o=a o=b done+");
	assert_non_null(strstr(text_str(&f->said),
	                       "line 4: the cache does not take the entry: No space left on device"));
}

static void
a_cache_may_refuse_a_dn_it_has(void **state)
{
	struct fixture *f = *state;

	write_all(f->path, ENTRY("a") ENTRY("b"), 0);
	f->hook_dn = "o=b";
	f->hook_result = -EEXIST;
	start(f);
	await_error(f, 0, 1, ": line 4: an entry with a DN that came before");
	assert_log(f, "begin+ o=a o=b abort");
}

static void
stop_now(struct fixture *f)
{
	eventfd_write(f->stop, 1);
}

static void
a_long_load_can_be_stopped(void **state)
{
	struct fixture *f = *state;
	struct text content = TEXT_INIT;

	text_put(&content, ENTRY("a"));
	for (unsigned i = 0; i < 5000; i++)
		text_putf(&content, "dn: o=%010u\no: x\n\n", i);
	write_all(f->path, text_str(&content), 0);
	text_free(&content);
	f->hook_dn = "o=a";
	f->hook = stop_now;
	start(f);
	pthread_join(f->thread, NULL);
	assert_log(f, "begin+ o=a abort");
	source_ldif_free(f->source);
	f->source = NULL;
	close(f->stop);
}

static void
a_large_file_comes_in_batches(void **state)
{
	struct fixture *f = *state;
	struct text content = TEXT_INIT;

	for (unsigned i = 0; i < 5000; i++)
		text_putf(&content, "dn: o=%010u\no: x\n\n", i);
	write_all(f->path, text_str(&content), 0);
	start(f);
	assert_int_equal(await(f, SOURCE_LDIF_FOLLOWING, 1, 0).entries, 5000);
	assert_int_equal(f->flushes, 3);
	replace(f, text_str(&content));
	assert_int_equal(await(f, SOURCE_LDIF_FOLLOWING, 2, 0).entries, 5000);
	assert_int_equal(f->flushes, 6);
	assert_int_equal(f->most_unflushed, FEED_BATCH);
	assert_log(f, "begin+ done+ begin+ done+");
	text_free(&content);
}

static void
after_a_restart_an_unchanged_file_is_not_read(void **state)
{
	struct fixture *f = *state;

	write_all(f->path, ENTRY("a") "dn: o=b\no: b\nentryCSN: 19700101000007Z#0#0#0\n", 0);
	start(f);
	await(f, SOURCE_LDIF_FOLLOWING, 1, 0);
	stop(f);
	assert_log(f, "begin+ o=a o=b done+7");
	start(f);
	assert_int_equal(await(f, SOURCE_LDIF_FOLLOWING, 1, 0).entries, 2);
	assert_log(f, "begin done7");
	replace(f, ENTRY("c"));
	await(f, SOURCE_LDIF_FOLLOWING, 2, 0);
	stop(f);
	assert_log(f, "begin+ o=c done+");
	/* changed meanwhile, or the cookie is no longer good */
	write_all(f->path, ENTRY("d"), O_TRUNC);
	start(f);
	await(f, SOURCE_LDIF_FOLLOWING, 1, 0);
	stop(f);
	assert_log(f, "begin+ o=d done+");
	text_clear(&f->cookie);
	start(f);
	await(f, SOURCE_LDIF_FOLLOWING, 1, 0);
	assert_log(f, "begin+ o=d done+");
}

static void
what_is_no_file_is_refused(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(mkfifo(f->path, 0600), 0);
	start(f);
	await_error(f, 0, 1, ": this is not a regular file");
	replace(f, ENTRY("a"));
	await(f, SOURCE_LDIF_FOLLOWING, 1, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_empty_cache_gets_entries_as_they_are_read),
		TEST(a_missing_file_is_waited_for),
		TEST(a_file_that_is_replaced_is_loaded_again),
		TEST(changes_behind_a_link_are_seen_without_events),
		TEST(a_file_that_is_being_written_is_waited_for),
		TEST(a_writer_that_never_closes_is_not_waited_for_for_ever),
		TEST(a_file_that_changes_while_it_is_read_is_read_again),
		TEST(nothing_is_applied_of_a_file_that_changes_while_it_is_read),
		TEST(a_file_that_is_wrong_changes_nothing),
		TEST(a_wrong_file_does_not_complete_an_empty_cache),
		TEST(a_file_with_passwords_must_not_be_readable_by_others),
		TEST(the_caller_says_what_is_secret_and_what_is_wanted),
		TEST(a_cache_that_fails_is_tried_again),
		TEST(a_cache_may_refuse_a_dn_it_has),
		TEST(a_long_load_can_be_stopped),
		TEST(a_large_file_comes_in_batches),
		TEST(after_a_restart_an_unchanged_file_is_not_read),
		TEST(what_is_no_file_is_refused),
	};

	return RUN_TESTS(tests);
}
