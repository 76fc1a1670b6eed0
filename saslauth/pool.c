/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 */
#include <config.h>

#include "saslauth/pool.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/queue.h>
#include <sys/resource.h>
#include <sys/syscall.h>

enum {
	LANE_SHARE = 4, /* of the queue: what one lane may hold */
	LANE_MIN = 8,
	STACK_OCTETS = 1 << 20, /* crypt_r's own data are 32 KiB */
};

struct pool_ticket {
	TAILQ_ENTRY(pool_ticket) next;
	void *owner; /* NULL: nobody waits for it any more */
	unsigned lane;
	int verdict;
	bool running, over;
	bool has_identity;
	unsigned char identity[DIGEST_OCTETS];
	uint64_t memory;
	size_t octets, password_len, value_count;
	size_t value_lens[POOL_VALUES_MAX];
	char data[]; /* the password, the values */
};

TAILQ_HEAD(tickets, pool_ticket);

struct pool {
	struct pool_options options;
	pthread_mutex_t lock;
	pthread_cond_t work;
	pthread_t threads[POOL_WORKERS_MAX];
	unsigned thread_count;
	int fd;
	bool stopping;
	struct tickets lanes[POOL_LANES], running, over;
	size_t lane_counts[POOL_LANES], lane_max, waiting, running_count;
	unsigned turn; /* the lane that is looked at first */
	uint64_t memory;
	uint64_t shared;
};

static void
free_ticket(struct pool_ticket *ticket)
{
	explicit_bzero(ticket->data, ticket->octets);
	free(ticket);
}

/* --- in the threads -------------------------------------------------------------------------------------- */

static bool
is_same(const struct pool_ticket *a, const struct pool_ticket *b)
{
	return a->has_identity && b->has_identity && memcmp(a->identity, b->identity, DIGEST_OCTETS) == 0;
}

/* Whether it can run now: there is memory for it, and no other one finds out the same. */
static bool
may_run(const struct pool *pool, const struct pool_ticket *ticket)
{
	const struct pool_ticket *other;

	if (pool->memory + ticket->memory > pool->options.memory)
		return false;
	TAILQ_FOREACH (other, &pool->running, next)
		if (is_same(other, ticket))
			return false;
	return true;
}

static void
leave_lane(struct pool *pool, struct pool_ticket *ticket)
{
	TAILQ_REMOVE(&pool->lanes[ticket->lane], ticket, next);
	pool->lane_counts[ticket->lane]--;
	pool->waiting--;
}

static struct pool_ticket *
choose(struct pool *pool)
{
	struct pool_ticket *ticket;

	for (unsigned n = 0; pool->waiting > 0 && n < POOL_LANES; n++) {
		unsigned lane = (pool->turn + n) % POOL_LANES;

		TAILQ_FOREACH (ticket, &pool->lanes[lane], next) {
			if (!may_run(pool, ticket))
				continue;
			leave_lane(pool, ticket);
			pool->turn = (lane + 1) % POOL_LANES;
			return ticket;
		}
	}
	return NULL;
}

static int
run(const struct pool *pool, const struct pool_ticket *ticket)
{
	struct span password = span_from(ticket->data, ticket->password_len);
	const char *at = ticket->data + ticket->password_len;
	int verdict = 0;

	for (size_t i = 0; i < ticket->value_count; i++) {
		int r = pool->options.check(pool->options.context, span_from(at, ticket->value_lens[i]), password);

		if (r > 0)
			return r;
		/* What one value cannot tell, no other one's "no" outweighs. */
		if (r < 0)
			verdict = r;
		at += ticket->value_lens[i];
	}
	return verdict;
}

static void
finish(struct pool *pool, struct pool_ticket *ticket, int verdict)
{
	ticket->verdict = verdict;
	ticket->over = true;
	explicit_bzero(ticket->data, ticket->octets);
	TAILQ_INSERT_TAIL(&pool->over, ticket, next);
}

/* Those that wait for the same verdict have it. */
static void
share(struct pool *pool, const struct pool_ticket *done)
{
	struct pool_ticket *ticket, *next;

	for (ticket = TAILQ_FIRST(&pool->lanes[done->lane]); ticket != NULL; ticket = next) {
		next = TAILQ_NEXT(ticket, next);
		if (!is_same(ticket, done))
			continue;
		leave_lane(pool, ticket);
		finish(pool, ticket, done->verdict);
		pool->shared++;
	}
}

static void
tell(const struct pool *pool)
{
	const uint64_t one = 1;

	/* It only fails when it is readable anyway. */
	if (write(pool->fd, &one, sizeof(one)) < 0)
		return;
}

static void *
work(void *context)
{
	struct pool *pool = context;
	struct pool_ticket *ticket;
	int verdict;

	/* On Linux that is the thread's. */
	if (pool->options.nice != 0)
		(void)setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), getpriority(PRIO_PROCESS, 0) + pool->options.nice);
	pthread_mutex_lock(&pool->lock);
	for (;;) {
		while (!pool->stopping && (ticket = choose(pool)) == NULL)
			pthread_cond_wait(&pool->work, &pool->lock);
		if (pool->stopping)
			break;
		ticket->running = true;
		TAILQ_INSERT_TAIL(&pool->running, ticket, next);
		pool->running_count++;
		pool->memory += ticket->memory;
		pthread_mutex_unlock(&pool->lock);
		verdict = run(pool, ticket);
		pthread_mutex_lock(&pool->lock);
		TAILQ_REMOVE(&pool->running, ticket, next);
		ticket->running = false;
		pool->running_count--;
		pool->memory -= ticket->memory;
		finish(pool, ticket, verdict);
		share(pool, ticket);
		/* There may be memory now for several that waited for it. */
		if (ticket->memory > 0 && pool->waiting > 1)
			pthread_cond_broadcast(&pool->work);
		tell(pool);
	}
	pthread_mutex_unlock(&pool->lock);
	return NULL;
}

/* --- life ------------------------------------------------------------------------------------------------ */

static int
start_threads(struct pool *pool)
{
	sigset_t all, before;
	pthread_attr_t attributes;
	int r = 0;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, STACK_OCTETS);
	while (r == 0 && pool->thread_count < pool->options.workers) {
		r = -pthread_create(&pool->threads[pool->thread_count], &attributes, work, pool);
		if (r == 0)
			pool->thread_count++;
	}
	pthread_attr_destroy(&attributes);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return r;
}

int
pool_new(const struct pool_options *options, struct pool **out)
{
	struct pool *pool;
	int r;

	if (options->workers == 0 || options->workers > POOL_WORKERS_MAX)
		return -EINVAL;
	pool = calloc(1, sizeof(*pool));
	if (pool == NULL)
		return -ENOMEM;
	pool->options = *options;
	pool->lane_max = options->queue / LANE_SHARE > LANE_MIN ? options->queue / LANE_SHARE : LANE_MIN;
	for (unsigned i = 0; i < POOL_LANES; i++)
		TAILQ_INIT(&pool->lanes[i]);
	TAILQ_INIT(&pool->running);
	TAILQ_INIT(&pool->over);
	pthread_mutex_init(&pool->lock, NULL);
	pthread_cond_init(&pool->work, NULL);
	pool->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	r = pool->fd < 0 ? -errno : start_threads(pool);
	if (r < 0) {
		pool_free(pool);
		return r;
	}
	*out = pool;
	return 0;
}

static void
free_all(struct tickets *tickets)
{
	struct pool_ticket *ticket;

	while ((ticket = TAILQ_FIRST(tickets)) != NULL) {
		TAILQ_REMOVE(tickets, ticket, next);
		free_ticket(ticket);
	}
}

void
pool_free(struct pool *pool)
{
	if (pool == NULL)
		return;
	pthread_mutex_lock(&pool->lock);
	pool->stopping = true;
	pthread_cond_broadcast(&pool->work);
	pthread_mutex_unlock(&pool->lock);
	for (unsigned i = 0; i < pool->thread_count; i++)
		pthread_join(pool->threads[i], NULL);
	for (unsigned i = 0; i < POOL_LANES; i++)
		free_all(&pool->lanes[i]);
	free_all(&pool->over);
	if (pool->fd >= 0)
		close(pool->fd);
	pthread_cond_destroy(&pool->work);
	pthread_mutex_destroy(&pool->lock);
	free(pool);
}

/* --- in the loop ----------------------------------------------------------------------------------------- */

static struct pool_ticket *
make_ticket(const struct pool_check *check, void *owner)
{
	struct pool_ticket *ticket;
	size_t octets = check->password.len;
	char *at;

	for (size_t i = 0; i < check->value_count; i++)
		octets += check->values[i].len;
	ticket = calloc(1, sizeof(*ticket) + octets);
	if (ticket == NULL)
		return NULL;
	ticket->owner = owner;
	ticket->lane = (unsigned)(check->account % POOL_LANES);
	ticket->memory = check->memory;
	ticket->octets = octets;
	ticket->has_identity = check->identity != NULL;
	if (ticket->has_identity)
		memcpy(ticket->identity, check->identity, DIGEST_OCTETS);
	at = ticket->data;
	ticket->password_len = check->password.len;
	if (check->password.len > 0)
		memcpy(at, check->password.data, check->password.len);
	at += check->password.len;
	ticket->value_count = check->value_count;
	for (size_t i = 0; i < check->value_count; i++) {
		ticket->value_lens[i] = check->values[i].len;
		if (check->values[i].len > 0)
			memcpy(at, check->values[i].data, check->values[i].len);
		at += check->values[i].len;
	}
	return ticket;
}

int
pool_put(struct pool *pool, const struct pool_check *check, void *owner, struct pool_ticket **out)
{
	unsigned lane = (unsigned)(check->account % POOL_LANES);
	struct pool_ticket *ticket;
	int r = 0;

	if (check->memory > pool->options.memory)
		return -E2BIG;
	if (check->value_count > POOL_VALUES_MAX)
		return -EINVAL;
	ticket = make_ticket(check, owner);
	if (ticket == NULL)
		return -ENOMEM;
	pthread_mutex_lock(&pool->lock);
	if (pool->waiting >= pool->options.queue || pool->lane_counts[lane] >= pool->lane_max) {
		r = -EBUSY;
	} else {
		TAILQ_INSERT_TAIL(&pool->lanes[lane], ticket, next);
		pool->lane_counts[lane]++;
		pool->waiting++;
		pthread_cond_signal(&pool->work);
	}
	pthread_mutex_unlock(&pool->lock);
	if (r < 0)
		free_ticket(ticket);
	else
		*out = ticket;
	return r;
}

void
pool_withdraw(struct pool *pool, struct pool_ticket *ticket)
{
	bool is_free = false;

	pthread_mutex_lock(&pool->lock);
	ticket->owner = NULL;
	if (!ticket->running && !ticket->over) {
		leave_lane(pool, ticket);
		is_free = true;
	}
	pthread_mutex_unlock(&pool->lock);
	/* One that runs, or is over, is found by pool_collect(). */
	if (is_free)
		free_ticket(ticket);
}

int
pool_fd(const struct pool *pool)
{
	return pool->fd;
}

void
pool_collect(struct pool *pool, void (*finished)(void *context, void *owner, int verdict), void *context)
{
	struct pool_ticket *ticket;
	uint64_t ignored;

	if (read(pool->fd, &ignored, sizeof(ignored)) < 0)
		ignored = 0;
	for (;;) {
		void *owner;
		int verdict;

		pthread_mutex_lock(&pool->lock);
		ticket = TAILQ_FIRST(&pool->over);
		if (ticket != NULL)
			TAILQ_REMOVE(&pool->over, ticket, next);
		pthread_mutex_unlock(&pool->lock);
		if (ticket == NULL)
			return;
		owner = ticket->owner;
		verdict = ticket->verdict;
		free_ticket(ticket);
		if (owner != NULL)
			finished(context, owner, verdict);
	}
}

void
pool_look(struct pool *pool, struct pool_figures *out)
{
	pthread_mutex_lock(&pool->lock);
	*out = (struct pool_figures){ pool->waiting, pool->running_count, pool->shared };
	pthread_mutex_unlock(&pool->lock);
}
