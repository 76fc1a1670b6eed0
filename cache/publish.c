/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 */
#include <config.h>

#include "cache/publish_internal.h"

#include "cache/load_mark.h"
#include "cache/record.h"
#include "common/log.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>

enum { RETRY_MILLISECONDS = 1000, STUCK_MILLISECONDS = 10000 };

static const struct publish_special *const specials[PROJECT_ENVIRONMENTS] = { [PROJECT_DNS] = &publish_special_dns };

/* --- the thread --------------------------------------------------------------------------------------- */

static int
directory_is_complete(struct publish *publish, uint8_t out_identity[16])
{
	cleanup(store_abortp) struct store_txn *txn = NULL;
	struct span identity;
	uint64_t complete = 0;
	int r = store_begin_read(publish->replica->store, &txn);

	if (r == 0)
		r = replica_meta_number(txn, "complete", &complete);
	if (r == 0)
		r = replica_meta(txn, "identity", &identity);
	if (r < 0)
		return r;
	if (r == 1 && identity.len == 16)
		memcpy(out_identity, identity.data, 16);
	return complete != 0;
}

/* What the environment says of itself; a rebuild is due when it was made from another directory/. */
static int
read_state(struct publish *publish)
{
	cleanup(store_abortp) struct store_txn *txn = NULL;
	struct state_record state;
	struct span value;
	int r = store_begin_read(publish->store, &txn);

	if (r == 0)
		r = store_get(txn, 0, SPAN("m"), &value);
	if (r < 0)
		return r;
	publish->rebuild = true;
	if (r == 1 && state_record_read(value, &state) == 0) {
		publish->complete = state.complete;
		publish->status.complete = state.complete;
		if (memcmp(state.source, publish->identity, sizeof(state.source)) == 0 && state.complete) {
			publish->applied = publish->durable = state.applied;
			publish->rebuild = false;
		}
	}
	r = publish_count(publish, txn);
	if (r < 0)
		return r;
	memcpy(publish->status.counts, publish->counts, sizeof(publish->counts));
	publish->status.problems = publish->problems;
	publish->status.applied = publish->applied;
	publish->next_due = 1; /* look at once */
	return 0;
}

static void
set_error(struct publish *publish, int r)
{
	char sentence[sizeof(publish->status.error)];

	snprintf(sentence, sizeof(sentence), "%s/ cannot be written: %s (%s)", publish->projection->name,
	         strerror(-r), store_error_text());
	pthread_mutex_lock(&publish->lock);
	bool news = strcmp(publish->status.error, sentence) != 0;

	memcpy(publish->status.error, sentence, sizeof(sentence));
	pthread_mutex_unlock(&publish->lock);
	if (news && publish->options.say != NULL)
		publish->options.say(publish->options.context, LOG_ERROR, sentence);
}

/* Waits until there is something to do. */
static void
wait_for_work(struct publish *publish, bool retry)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	if (retry) {
		until.tv_sec += RETRY_MILLISECONDS / 1000;
		pthread_cond_timedwait(&publish->wake, &publish->lock, &until);
	} else if (publish->special != NULL && publish->complete && publish->next_due != 0) {
		until.tv_sec = (time_t)publish->next_due;
		until.tv_nsec = 0;
		pthread_cond_timedwait(&publish->wake, &publish->lock, &until);
	} else {
		pthread_cond_wait(&publish->wake, &publish->lock);
	}
}

/* One round of work: 1 when there is more, 0 when all is done, negative on failure. */
static int
work(struct publish *publish)
{
	bool due;
	int r = directory_is_complete(publish, publish->identity);

	if (r == 1 && !publish->complete && publish->options.ready != NULL)
		r = publish->options.ready(publish->options.context);
	if (r <= 0)
		return r;
	pthread_mutex_lock(&publish->lock);
	due = publish->rebuild;
	publish->rebuild = false;
	publish->status.rebuilding = due;
	pthread_mutex_unlock(&publish->lock);
	if (due) {
		r = publish_all(publish);
		if (r != 0) {
			pthread_mutex_lock(&publish->lock);
			publish->rebuild = true;
			publish->status.rebuilding = false;
			pthread_mutex_unlock(&publish->lock);
			return r;
		}
	}
	if (publish->special != NULL && publish->next_due != 0 && publish->next_due <= (uint64_t)time(NULL)) {
		r = publish->special->due(publish);
		if (r < 0)
			return r;
	}
	return publish_batch(publish);
}

static void *
run(void *context)
{
	struct publish *publish = context;

	pthread_mutex_lock(&publish->lock);
	while (!publish->stop) {
		int r;

		publish->poked = false;
		pthread_mutex_unlock(&publish->lock);
		r = work(publish);
		if (r < 0) {
			publish_forget_counts(publish);
			set_error(publish, r);
		}
		else if (r == 0 && publish->options.caught_up != NULL)
			publish->options.caught_up(publish->options.context);
		pthread_mutex_lock(&publish->lock);
		if (r >= 0)
			publish->status.error[0] = '\0';
		if (r <= 0 && !publish->poked && !publish->stop)
			wait_for_work(publish, r < 0);
	}
	pthread_mutex_unlock(&publish->lock);
	return NULL;
}

/* --- interface ---------------------------------------------------------------------------------------- */

int
publish_open(struct replica *replica, const struct publish_options *options, struct publish **out, struct text *why)
{
	const struct projection *projection = &projections[options->environment];
	/* What holds secrets is nobody's business unless a group is named. */
	bool is_private = options->environment == PROJECT_SECRET && options->group == (gid_t)-1;
	struct store_options store = { NULL, 0, options->map_size, is_private ? 0600 : 0640, options->group };
	cleanup(text_free) struct text folder = TEXT_INIT;
	struct publish *publish;
	bool wiped;
	int r;

	text_putf(&folder, "%s/%s", options->cache_dir, projection->name);
	if (mkdir(text_str(&folder), 0750) < 0 && errno != EEXIST) {
		r = -errno;
		text_putf(why, "%s cannot be created: %s", text_str(&folder), strerror(-r));
		return r;
	}
	if (options->group != (gid_t)-1 && chown(text_str(&folder), (uid_t)-1, options->group) < 0) {
		r = -errno;
		text_putf(why, "%s cannot be given to its group: %s", text_str(&folder), strerror(-r));
		return r;
	}
	if (options->environment == PROJECT_SECRET && chmod(text_str(&folder), is_private ? 0700 : 0750) < 0) {
		r = -errno;
		text_putf(why, "the mode of %s cannot be set: %s", text_str(&folder), strerror(-r));
		return r;
	}
	text_putf(&folder, "/%u", projection->format);
	publish = calloc(1, sizeof(*publish));
	if (publish == NULL)
		return -ENOMEM;
	publish->projection = projection;
	publish->special = specials[options->environment];
	publish->replica = replica;
	publish->options = *options;
	publish->reduced = (struct reduced){ .value = TEXT_INIT, .problems = TEXT_INIT };
	pthread_mutex_init(&publish->lock, NULL);
	pthread_cond_init(&publish->wake, NULL);
	r = load_mark_open(text_str(&folder), &store, &publish->store, &wiped, why);
	if (r == 0)
		r = directory_is_complete(publish, publish->identity);
	if (r >= 0)
		r = read_state(publish);
	if (r < 0) {
		publish_free(publish);
		return r;
	}
	*out = publish;
	return 0;
}

int
publish_start(struct publish *publish)
{
	int r = pthread_create(&publish->thread, NULL, run, publish);

	publish->started = r == 0;
	return -r;
}

void
publish_free(struct publish *publish)
{
	if (publish == NULL)
		return;
	if (publish->started) {
		pthread_mutex_lock(&publish->lock);
		publish->stop = true;
		publish->poked = true;
		pthread_cond_broadcast(&publish->wake);
		pthread_mutex_unlock(&publish->lock);
		pthread_join(publish->thread, NULL);
	}
	store_close(publish->store);
	arena_free(&publish->arena);
	text_free(&publish->reduced.value);
	text_free(&publish->reduced.problems);
	text_free(&publish->served);
	text_free(&publish->deferred);
	pthread_mutex_destroy(&publish->lock);
	pthread_cond_destroy(&publish->wake);
	free(publish);
}

void
publish_wanted(struct publish *publish, uint64_t sequence)
{
	pthread_mutex_lock(&publish->lock);
	if (sequence > publish->status.wanted)
		publish->status.wanted = sequence;
	publish->poked = true;
	pthread_cond_broadcast(&publish->wake);
	pthread_mutex_unlock(&publish->lock);
}

void
publish_rebuild(struct publish *publish)
{
	pthread_mutex_lock(&publish->lock);
	publish->rebuild = true;
	publish->poked = true;
	pthread_cond_broadcast(&publish->wake);
	pthread_mutex_unlock(&publish->lock);
}

uint64_t
publish_applied(struct publish *publish)
{
	uint64_t applied;

	pthread_mutex_lock(&publish->lock);
	/* A first build that has not begun will read everything. */
	applied = publish->status.complete || publish->status.rebuilding ? publish->durable : UINT64_MAX;
	pthread_mutex_unlock(&publish->lock);
	return applied;
}

void
publish_status(struct publish *publish, struct publish_status *out)
{
	pthread_mutex_lock(&publish->lock);
	*out = publish->status;
	out->rebuild_due = publish->rebuild;
	pthread_mutex_unlock(&publish->lock);
}

uint64_t
publish_busy_for(const struct publish_status *status)
{
	struct timespec now;
	uint64_t milliseconds;

	clock_gettime(CLOCK_MONOTONIC, &now);
	milliseconds = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
	return status->busy_since != 0 && milliseconds > status->busy_since ? milliseconds - status->busy_since : 0;
}

bool
publish_is_stuck(const struct publish_status *status)
{
	return !status->rebuilding && publish_busy_for(status) >= STUCK_MILLISECONDS;
}

int
publish_next_problems(struct publish *publish, struct key *last, struct text *out_list)
{
	cleanup(store_abortp) struct store_txn *txn = NULL;
	cleanup(store_cursor_closep) struct store_cursor *cursor = NULL;
	struct span key, value;
	int r = store_begin_read(publish->store, &txn);

	if (r == 0)
		r = store_cursor_open(txn, 0, &cursor);
	if (r == 0)
		r = store_cursor_seek(cursor, last->len > 0 ? key_span(last) : SPAN("p"), &key, &value);
	if (r == 1 && last->len > 0 && span_is(key, key_span(last)))
		r = store_cursor_next(cursor, &key, &value);
	if (r <= 0 || key.len == 0 || key.len > KEY_MAX || key.data[0] != 'p')
		return r < 0 ? r : 0;
	memcpy(last->octets, key.data, key.len);
	last->len = key.len;
	text_clear(out_list);
	text_put_span(out_list, value);
	return text_failed(out_list) ? -ENOMEM : 1;
}

void
publish_check_readers(struct publish *publish)
{
	/* A failure shows in the next one. */
	if (store_check_readers(publish->store) < 0)
		log_debug("%s", store_error_text());
}

int
publish_figures(struct publish *publish, struct store_figures *out)
{
	return store_figures(publish->store, out);
}
