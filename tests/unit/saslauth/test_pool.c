/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * Checks here wait until the test lets them go, so that what runs and what waits is known.
 */
#include <config.h>

#include "tests/unit/test.h"

#include "saslauth/pool.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>

enum { DEADLINE_MS = 20000, OWNERS = 200 };

struct scene {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	unsigned begun, let_go, at_once, most_at_once;
	char order[OWNERS]; /* the first octets of the passwords that were checked, as they began */
	unsigned verdicts[3], finished; /* negative, 0, 1 */
	char owners[OWNERS];
	struct pool *pool;
};

/* "yes" is right for anything, "odd" cannot be told. */
static int
check(void *context, struct span stored, struct span password)
{
	struct scene *s = context;

	pthread_mutex_lock(&s->lock);
	if (s->begun < OWNERS)
		s->order[s->begun] = password.data[0];
	s->begun++;
	if (++s->at_once > s->most_at_once)
		s->most_at_once = s->at_once;
	pthread_cond_broadcast(&s->changed);
	while (s->let_go == 0)
		pthread_cond_wait(&s->changed, &s->lock);
	s->let_go--;
	s->at_once--;
	pthread_mutex_unlock(&s->lock);
	if (span_is(stored, SPAN("odd")))
		return -EIO;
	return span_is(stored, SPAN("yes"));
}

static void
open_scene(struct scene *s, unsigned workers, size_t queue, uint64_t memory)
{
	const struct pool_options options = { .workers = workers, .queue = queue, .memory = memory, .check = check, .context = s };

	memset(s, 0, sizeof(*s));
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->changed, NULL);
	assert_int_equal(pool_new(&options, &s->pool), 0);
}

static void
let_go(struct scene *s, unsigned count)
{
	pthread_mutex_lock(&s->lock);
	s->let_go += count;
	pthread_cond_broadcast(&s->changed);
	pthread_mutex_unlock(&s->lock);
}

static void
await_begun(struct scene *s, unsigned count)
{
	pthread_mutex_lock(&s->lock);
	while (s->begun < count)
		pthread_cond_wait(&s->changed, &s->lock);
	pthread_mutex_unlock(&s->lock);
}

static void
close_scene(struct scene *s)
{
	let_go(s, 1000000);
	pool_free(s->pool);
	pthread_cond_destroy(&s->changed);
	pthread_mutex_destroy(&s->lock);
}

static void
finished(void *context, void *owner, int verdict)
{
	struct scene *s = context;

	s->verdicts[verdict < 0 ? 0 : verdict + 1]++;
	s->owners[(char *)owner - s->owners]++;
	s->finished++;
}

static void
collect(struct scene *s, unsigned count)
{
	struct pollfd fd = { .fd = pool_fd(s->pool), .events = POLLIN };

	while (s->finished < count) {
		assert_int_equal(poll(&fd, 1, DEADLINE_MS), 1);
		pool_collect(s->pool, finished, s);
	}
}

static int
put(struct scene *s, unsigned owner, uint64_t account, const char *stored, const char *password, uint64_t memory, struct pool_ticket **out)
{
	const struct span value = span_of(stored);
	const struct pool_check wanted = { .account = account, .values = &value, .value_count = 1, .password = span_of(password),
		                           .memory = memory };
	struct pool_ticket *ignored;

	return pool_put(s->pool, &wanted, &s->owners[owner], out != NULL ? out : &ignored);
}

static void
verdicts_come_back_to_their_owners(void **state)
{
	struct scene s;

	(void)state;
	open_scene(&s, 2, 100, 1000);
	assert_int_equal(put(&s, 0, 1, "yes", "x", 0, NULL), 0);
	assert_int_equal(put(&s, 1, 2, "no", "x", 0, NULL), 0);
	assert_int_equal(put(&s, 2, 3, "odd", "x", 0, NULL), 0);
	let_go(&s, 3);
	collect(&s, 3);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(s.verdicts[i], 1);
		assert_int_equal(s.owners[i], 1);
	}
	close_scene(&s);
}

static void
any_of_several_values_may_be_right(void **state)
{
	static const struct {
		struct span values[3];
		unsigned want; /* index of verdicts */
	} rows[] = {
		{ { SPAN("no"), SPAN("no"), SPAN("yes") }, 2 },
		{ { SPAN("odd"), SPAN("no"), SPAN("yes") }, 2 },
		{ { SPAN("yes"), SPAN("no"), SPAN("odd") }, 2 },
		{ { SPAN("no"), SPAN("odd"), SPAN("no") }, 0 },
		{ { SPAN("no"), SPAN(""), SPAN("no") }, 1 },
	};
	struct scene s;

	(void)state;
	open_scene(&s, 1, 100, 1000);
	let_go(&s, 100);
	for (unsigned i = 0; i < array_size(rows); i++) {
		const struct pool_check wanted = { .values = rows[i].values, .value_count = 3, .password = SPAN("x") };
		struct pool_ticket *ticket;

		memset(s.verdicts, 0, sizeof(s.verdicts));
		assert_int_equal(pool_put(s.pool, &wanted, &s.owners[i], &ticket), 0);
		collect(&s, i + 1);
		assert_int_equal(s.verdicts[rows[i].want], 1);
	}
	close_scene(&s);
}

static void
what_is_beyond_the_bounds_is_refused(void **state)
{
	struct scene s;
	unsigned taken = 0;

	(void)state;
	open_scene(&s, 1, 40, 1000);
	assert_int_equal(put(&s, 0, 0, "yes", "x", 1001, NULL), -E2BIG);
	assert_int_equal(put(&s, 0, 0, "yes", "x", 0, NULL), 0);
	await_begun(&s, 1);
	/* One account has a fourth of the queue. */
	while (put(&s, ++taken, 0, "yes", "x", 0, NULL) == 0)
		;
	assert_int_equal(taken, 10 + 1);
	for (unsigned i = 0; i < 30; i++)
		assert_int_equal(put(&s, 20 + i, 1 + i % 10, "yes", "x", 0, NULL), 0);
	assert_int_equal(put(&s, 60, 50, "yes", "x", 0, NULL), -EBUSY);
	close_scene(&s);
}

static void
accounts_take_turns(void **state)
{
	struct scene s;

	(void)state;
	open_scene(&s, 1, 100, 1000);
	for (unsigned i = 0; i < 10; i++)
		assert_int_equal(put(&s, i, 7, "no", "a", 0, NULL), 0);
	await_begun(&s, 1);
	assert_int_equal(put(&s, 10, 3, "no", "b", 0, NULL), 0);
	assert_int_equal(put(&s, 11, 30, "no", "c", 0, NULL), 0);
	for (unsigned i = 0; i < 12; i++) {
		let_go(&s, 1);
		collect(&s, i + 1);
	}
	/* Of the first one's nine, one at most between what others wait for. */
	assert_memory_equal(s.order, "acbaaaaaaaaa", 12);
	close_scene(&s);
}

static void
running_checks_share_the_memory(void **state)
{
	struct scene s;

	(void)state;
	open_scene(&s, 4, 100, 100);
	for (unsigned i = 0; i < 8; i++)
		assert_int_equal(put(&s, i, i, "yes", "x", 40, NULL), 0);
	/* Those that use none run beside. */
	assert_int_equal(put(&s, 8, 8, "yes", "x", 0, NULL), 0);
	await_begun(&s, 3);
	for (unsigned i = 0; i < 9; i++) {
		let_go(&s, 1);
		collect(&s, i + 1);
	}
	assert_in_range(s.most_at_once, 2, 3);
	close_scene(&s);
}

static void
the_same_check_is_made_once(void **state)
{
	const unsigned char one[DIGEST_OCTETS] = { 1 }, two[DIGEST_OCTETS] = { 2 };
	const struct span value = SPAN("yes");
	struct pool_check wanted = { .values = &value, .value_count = 1, .password = SPAN("x"), .identity = one };
	struct pool_ticket *ticket;
	struct pool_figures figures;
	struct scene s;

	(void)state;
	open_scene(&s, 4, 100, 100);
	for (unsigned i = 0; i < 10; i++)
		assert_int_equal(pool_put(s.pool, &wanted, &s.owners[i], &ticket), 0);
	wanted.identity = two;
	assert_int_equal(pool_put(s.pool, &wanted, &s.owners[10], &ticket), 0);
	await_begun(&s, 2);
	pool_look(s.pool, &figures);
	assert_int_equal(figures.running, 2);
	assert_int_equal(figures.waiting, 9);
	let_go(&s, 2);
	collect(&s, 11);
	assert_int_equal(s.begun, 2);
	assert_int_equal(s.verdicts[2], 11);
	pool_look(s.pool, &figures);
	assert_int_equal(figures.shared, 9);
	close_scene(&s);
}

static void
who_has_gone_is_not_told(void **state)
{
	struct pool_ticket *running, *waiting, *stays;
	struct scene s;

	(void)state;
	open_scene(&s, 1, 100, 100);
	assert_int_equal(put(&s, 0, 0, "yes", "x", 0, &running), 0);
	await_begun(&s, 1);
	assert_int_equal(put(&s, 1, 0, "yes", "y", 0, &waiting), 0);
	assert_int_equal(put(&s, 2, 0, "yes", "z", 0, &stays), 0);
	pool_withdraw(s.pool, running);
	pool_withdraw(s.pool, waiting);
	let_go(&s, 2);
	collect(&s, 1);
	assert_int_equal(s.owners[2], 1);
	assert_int_equal(s.finished, 1);
	assert_int_equal(s.begun, 2);
	close_scene(&s);
}

static void
it_ends_while_checks_wait(void **state)
{
	struct scene s;

	(void)state;
	open_scene(&s, 3, 100, 100);
	for (unsigned i = 0; i < 50; i++)
		assert_int_equal(put(&s, i, i, "yes", "x", 0, NULL), 0);
	await_begun(&s, 3);
	close_scene(&s);
	pool_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(verdicts_come_back_to_their_owners),
		cmocka_unit_test(any_of_several_values_may_be_right),
		cmocka_unit_test(what_is_beyond_the_bounds_is_refused),
		cmocka_unit_test(accounts_take_turns),
		cmocka_unit_test(running_checks_share_the_memory),
		cmocka_unit_test(the_same_check_is_made_once),
		cmocka_unit_test(who_has_gone_is_not_told),
		cmocka_unit_test(it_ends_while_checks_wait),
	};

	return RUN_TESTS(tests);
}
