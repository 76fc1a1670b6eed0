/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * One table of sets for all kinds. A key is half of a keyed digest: what is counted cannot be read back, nor be made to collide.
 */
#include <config.h>

#include "saslauth/throttle.h"

#include <errno.h>
#include <sys/mman.h>

enum { WAYS = 8 };

struct row {
	uint64_t key; /* 0: empty */
	uint64_t at;  /* when COUNT was as it stands */
	uint16_t count;
	uint16_t next; /* of WRONG: the oldest one */
	uint64_t wrong[THROTTLE_WRONG];
};

struct throttle {
	struct digest *digest;
	struct throttle_rules rules;
	struct row *rows;
	size_t sets, octets;
};

int
throttle_new(size_t rows, const struct throttle_rules *rules, struct throttle **out)
{
	struct throttle *t = calloc(1, sizeof(*t));
	void *memory;
	int r;

	if (t == NULL)
		return -ENOMEM;
	t->sets = 1;
	while (t->sets * WAYS < rows)
		t->sets *= 2;
	t->octets = t->sets * WAYS * sizeof(*t->rows);
	memory = mmap(NULL, t->octets, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	r = memory == MAP_FAILED ? -ENOMEM : 0;
	if (r == 0) {
		t->rows = memory;
		madvise(memory, t->octets, MADV_DONTDUMP);
		r = digest_new(&t->digest);
	}
	if (r < 0) {
		throttle_free(t);
		return r;
	}
	throttle_set_rules(t, rules);
	*out = t;
	return 0;
}

void
throttle_free(struct throttle *t)
{
	if (t == NULL)
		return;
	if (t->rows != NULL)
		munmap(t->rows, t->octets);
	digest_free(t->digest);
	free(t);
}

void
throttle_set_rules(struct throttle *t, const struct throttle_rules *rules)
{
	t->rules = *rules;
	if (t->rules.decay == 0)
		t->rules.decay = 1;
}

/* --- rows ------------------------------------------------------------------------------------------------ */

static unsigned
count_at(const struct throttle *t, const struct row *row, uint64_t now)
{
	uint64_t gone = now > row->at ? (now - row->at) / t->rules.decay : 0;

	return gone < row->count ? row->count - (unsigned)gone : 0;
}

/* The count as of NOW; what is left of a period goes on. */
static void
decay(const struct throttle *t, struct row *row, uint64_t now)
{
	unsigned count = count_at(t, row, now);

	if (count == 0)
		row->at = now;
	else
		row->at += (row->count - count) * t->rules.decay;
	row->count = (uint16_t)count;
}

static struct row *
find(const struct throttle *t, uint64_t key)
{
	struct row *set = &t->rows[(key & (t->sets - 1)) * WAYS];

	for (size_t i = 0; i < WAYS; i++)
		if (set[i].key == key)
			return &set[i];
	return NULL;
}

/* The row of KEY, decayed; a new one in place of that with the lowest count, the oldest of them. */
static struct row *
row_of(struct throttle *t, uint64_t key, uint64_t now)
{
	struct row *row = find(t, key), *set = &t->rows[(key & (t->sets - 1)) * WAYS];
	unsigned lowest = 0;

	if (row != NULL) {
		decay(t, row, now);
		return row;
	}
	for (size_t i = 0; i < WAYS; i++) {
		unsigned count = count_at(t, &set[i], now);

		if (set[i].key != 0 && row != NULL && (count > lowest || (count == lowest && set[i].at >= row->at)))
			continue;
		row = &set[i];
		lowest = count;
		if (row->key == 0)
			break;
	}
	memset(row, 0, sizeof(*row));
	row->key = key;
	row->at = now;
	return row;
}

static bool
is_remembered(const struct row *row, uint64_t wrong)
{
	for (size_t i = 0; i < THROTTLE_WRONG; i++)
		if (row->wrong[i] == wrong)
			return true;
	return false;
}

/* Where one was taken back; else in place of the oldest one: what was right drives out nothing that was wrong. */
static void
remember(struct row *row, uint64_t wrong)
{
	for (size_t i = 0; i < THROTTLE_WRONG; i++) {
		if (row->wrong[i] == 0) {
			row->wrong[i] = wrong;
			return;
		}
	}
	row->wrong[row->next] = wrong;
	row->next = (uint16_t)((row->next + 1) % THROTTLE_WRONG);
}

static void
add(struct row *row)
{
	if (row->count < THROTTLE_COUNT_MAX)
		row->count++;
}

/* --- attempts -------------------------------------------------------------------------------------------- */

static uint64_t
delay_of(unsigned count, unsigned costs_nothing)
{
	static const uint64_t delays[] = { 0, 2000, 4000, 8000, THROTTLE_DELAY_MAX };
	size_t step = count > costs_nothing ? count - costs_nothing : 0;

	return delays[step < array_size(delays) ? step : array_size(delays) - 1];
}

/* Never 0, which is an empty row. */
static uint64_t
key_of(const struct throttle *t, const char *kind, const struct span *parts, size_t count)
{
	unsigned char octets[DIGEST_OCTETS];
	struct span all[3] = { span_of(kind) };
	uint64_t key;

	for (size_t i = 0; i < count; i++)
		all[i + 1] = parts[i];
	digest_of(t->digest, all, count + 1, octets);
	memcpy(&key, octets, sizeof(key));
	return key | (uint64_t)1 << 63;
}

static uint64_t
key_of_address(const struct throttle *t, const uint8_t *address)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	const struct span part = span_from(address, memcmp(address, mapped, sizeof(mapped)) == 0 ? 16 : 8);

	return key_of(t, "address", &part, 1);
}

static void
make_keys(const struct throttle *t, const struct throttle_question *q, struct throttle_attempt *out)
{
	struct span parts[2] = { q->account, q->service };

	out->keys[THROTTLE_ACCOUNT] = key_of(t, "account", parts, 1);
	out->keys[THROTTLE_SERVICE] = key_of(t, "service", parts, 2);
	parts[1] = q->password;
	out->wrong = key_of(t, "wrong", parts, 2);
	out->has_address = q->address != NULL;
	if (out->has_address)
		out->keys[THROTTLE_ADDRESS] = key_of_address(t, q->address);
}

static bool
is_counted(const struct throttle *t, uint64_t key, uint64_t now)
{
	const struct row *row = find(t, key);

	return row != NULL && count_at(t, row, now) > 0;
}

bool
throttle_is_quiet(const struct throttle *t, const struct throttle_question *q, uint64_t now)
{
	if (is_counted(t, key_of(t, "account", &q->account, 1), now))
		return false;
	return q->address == NULL || !is_counted(t, key_of_address(t, q->address), now);
}

static void
at_least(uint64_t *delay, uint64_t other)
{
	if (*delay < other)
		*delay = other;
}

void
throttle_begin(struct throttle *t, const struct throttle_question *q, uint64_t now, struct throttle_attempt *out)
{
	struct throttle_attempt attempt = { .delay = 0 };
	struct row *account, *service, *address;
	unsigned own;

	make_keys(t, q, &attempt);
	account = row_of(t, attempt.keys[THROTTLE_ACCOUNT], now);
	attempt.may_pass = account->count < THROTTLE_PASS_MAX;
	attempt.counted = !is_remembered(account, attempt.wrong);
	/* What this same password counted for is not held against it. */
	own = attempt.counted ? 0 : 1;
	at_least(&attempt.delay, delay_of(account->count > own ? account->count - own : 0, t->rules.account_free));
	if (attempt.counted) {
		remember(account, attempt.wrong);
		add(account);
	}
	service = row_of(t, attempt.keys[THROTTLE_SERVICE], now);
	at_least(&attempt.delay, delay_of(service->count > own ? service->count - own : 0, t->rules.service_free));
	if (attempt.counted)
		add(service);
	/* Many who share an address come at once: there only what was wrong counts. */
	address = attempt.has_address ? find(t, attempt.keys[THROTTLE_ADDRESS]) : NULL;
	if (address != NULL)
		at_least(&attempt.delay, delay_of(count_at(t, address, now), t->rules.address_free));
	*out = attempt;
}

void
throttle_take_back(struct throttle *t, const struct throttle_attempt *attempt, uint64_t now)
{
	struct row *account, *service;

	account = find(t, attempt->keys[THROTTLE_ACCOUNT]);
	if (account != NULL && is_remembered(account, attempt->wrong)) {
		for (size_t i = 0; i < THROTTLE_WRONG; i++)
			if (account->wrong[i] == attempt->wrong)
				account->wrong[i] = 0;
		decay(t, account, now);
		if (account->count > 0)
			account->count--;
	}
	service = attempt->counted ? find(t, attempt->keys[THROTTLE_SERVICE]) : NULL;
	if (service == NULL)
		return;
	decay(t, service, now);
	if (service->count > 0)
		service->count--;
}

void
throttle_wrong(struct throttle *t, const struct throttle_attempt *attempt, uint64_t now)
{
	if (attempt->counted && attempt->has_address)
		add(row_of(t, attempt->keys[THROTTLE_ADDRESS], now));
}
