/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 */
#include <config.h>

#include "cache/publish_dns_internal.h"

#include "cache/load_mark.h"
#include "common/log.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>

enum {
	BATCH_ROWS = 4000,     /* pending rows taken together */
	FIRST_DIRTY_MAX = 3000, /* pages, in the first build */
	DEFERRED_MAX = 8 << 20, /* octets of problems kept back in the first build, so that it can append */
	RETRY_MILLISECONDS = 1000,
	STUCK_MILLISECONDS = 10000,
};

static uint64_t
now_seconds(void)
{
	return (uint64_t)time(NULL);
}

static uint64_t
now_milliseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void
set_busy(struct publish *publish, bool busy)
{
	pthread_mutex_lock(&publish->lock);
	publish->status.busy_since = busy ? now_milliseconds() : 0;
	pthread_mutex_unlock(&publish->lock);
}

/* --- one subject ----------------------------------------------------------------------------------- */

struct naming {
	struct publish *publish;
	struct store_txn *directory;
};

static void
dn_of(void *context, uint64_t entry_id, struct text *out_dn)
{
	struct naming *naming = context;

	/* An entry that just went away has no DN any more; its fragments are about to go too. */
	if (replica_dn(naming->publish->replica, naming->directory, entry_id, out_dn) < 0)
		text_clear(out_dn);
}

static void
companion_key(struct key *out, char letter, struct span subject)
{
	out->octets[0] = (uint8_t)letter;
	memcpy(out->octets + 1, subject.data, subject.len);
	out->len = 1 + subject.len;
}

static int
read_hold(struct store_txn *dns, struct span subject, uint64_t *out_until)
{
	struct key key;
	struct span value;
	int r;

	companion_key(&key, 'h', span_skip(subject, 1));
	r = store_get(dns, 0, key_span(&key), &value);
	if (r < 0)
		return r;
	*out_until = r == 1 && value.len == REPLICA_ID_LEN ? replica_id_get((const uint8_t *)value.data) : 0;
	return 0;
}

int
publish_combine(struct publish *publish, struct store_txn *directory, struct store_txn *dns, struct span subject,
                bool *out_exists, uint64_t *out_old_hold)
{
	struct naming naming = { publish, directory };
	struct held_fragment *fragments;
	struct reduce_input input = {
		.subject = subject,
		.now = now_seconds(),
		.dn_of = dn_of,
		.context = &naming,
	};
	struct span served = SPAN("");
	int r = replica_fragments(directory, subject, &publish->arena, &fragments, &input.count);

	if (r < 0)
		return r;
	input.fragments = fragments;
	r = store_get(dns, 0, subject, &served);
	if (r < 0)
		return r;
	*out_exists = r == 1;
	text_clear(&publish->served);
	if (r == 1)
		text_put_span(&publish->served, served);
	input.served = text_span(&publish->served);
	if (subject.data[0] == 'z') {
		struct zone_state state = { 0, 0 };

		r = replica_zone(directory, span_skip(subject, 1), &state);
		if (r < 0)
			return r;
		input.serial = state.serial;
		input.epoch = state.epoch;
		r = read_hold(dns, subject, &input.hold_until);
		if (r < 0)
			return r;
	} else if (subject.data[0] == 's') {
		uint64_t base, epoch;

		r = replica_meta_number(directory, "base-serial", &base);
		if (r == 0)
			r = replica_meta_number(directory, "epoch", &epoch);
		if (r < 0)
			return r;
		input.base_serial = (uint32_t)base;
		input.epoch = (uint32_t)epoch;
	}
	*out_old_hold = input.hold_until;
	return project_dns_reduce(publish->options.dns, &input, &publish->reduced);
}

/* Writes OCTETS as the companion row LETTER of SUBJECT, or removes it when there are none. */
static int
put_companion(struct publish *publish, struct store_txn *dns, char letter, struct span subject, struct span octets)
{
	struct key key;
	struct span old;
	int r;

	companion_key(&key, letter, subject);
	if (publish->appending && octets.len == 0)
		return 0;
	r = store_get(dns, 0, key_span(&key), &old);
	if (r < 0 || (r == 0 && octets.len == 0) || (r == 1 && span_is(old, octets)))
		return r < 0 ? r : 0;
	if (letter == 'p')
		publish->problems += (octets.len > 0) - (uint64_t)(r == 1);
	r = octets.len > 0 ? store_put(dns, 0, key_span(&key), octets) : store_delete(dns, 0, key_span(&key));
	return r < 0 ? r : 1;
}

static bool
is_served_zone(struct span value)
{
	struct zone_record zone;

	return zone_record_read(value, &zone) == 0 &&
	       (zone.kind == ZONE_REPLICA || (zone.kind == ZONE_PRIMARY && zone.has_soa));
}

static bool
is_held_zone(struct span value)
{
	struct zone_record zone;

	return zone_record_read(value, &zone) == 0 && zone.held;
}

static void
note_hold(struct publish *publish, uint64_t until)
{
	if (until != 0 && (publish->next_hold == 0 || until < publish->next_hold))
		publish->next_hold = until;
}

/* Combines SUBJECT and writes what differs: 1 when something did. */
static int
publish_subject(struct publish *publish, struct store_txn *directory, struct store_txn *dns, struct span subject)
{
	struct reduced *reduced = &publish->reduced;
	bool exists = false;
	uint64_t hold = 0;
	int changed = 0;
	int r = publish_combine(publish, directory, dns, subject, &exists, &hold);

	arena_reset(&publish->arena);
	if (r < 0)
		return r;
	if (reduced->present && !(exists && span_is(text_span(&publish->served), text_span(&reduced->value)))) {
		r = publish->appending ? store_append(dns, 0, subject, text_span(&reduced->value)) : -EEXIST;
		if (r == -EEXIST)
			r = store_put(dns, 0, subject, text_span(&reduced->value));
		changed = 1;
	} else if (!reduced->present && exists) {
		r = store_delete(dns, 0, subject);
		changed = 1;
	}
	if (r < 0)
		return r;
	if (publish->appending && reduced->problems.len > 0 && publish->deferred.len < DEFERRED_MAX) {
		/* Written at the end, so that records go on being appended. */
		uint32_t lengths[2] = { (uint32_t)subject.len, (uint32_t)reduced->problems.len };

		text_put_span(&publish->deferred, span_from(lengths, sizeof(lengths)));
		text_put_span(&publish->deferred, subject);
		text_put_span(&publish->deferred, text_span(&reduced->problems));
	} else {
		r = put_companion(publish, dns, 'p', subject, text_span(&reduced->problems));
		if (r < 0)
			return r;
		changed |= r;
	}
	if (subject.data[0] == 'z' && reduced->hold_until != hold) {
		uint8_t octets[REPLICA_ID_LEN];

		replica_id_put(octets, reduced->hold_until);
		r = put_companion(publish, dns, 'h', span_skip(subject, 1),
		                  span_from(octets, reduced->hold_until != 0 ? sizeof(octets) : 0));
		if (r < 0)
			return r;
		changed = 1;
	}
	if (subject.data[0] == 'z') {
		note_hold(publish, reduced->hold_until);
		publish->zones += (reduced->present && is_served_zone(text_span(&reduced->value))) -
		                  (uint64_t)(exists && is_served_zone(text_span(&publish->served)));
		publish->held_zones += (reduced->present && is_held_zone(text_span(&reduced->value))) -
		                       (uint64_t)(exists && is_held_zone(text_span(&publish->served)));
	}
	return changed;
}

/* --- transactions ----------------------------------------------------------------------------------- */

static int
write_state(struct publish *publish, struct store_txn *dns, bool complete, uint64_t applied)
{
	cleanup(text_free) struct text value = TEXT_INIT;
	struct state_record state = { .complete = complete, .applied = applied };

	/* A rebuild that is cut short starts again. */
	if (!publish->rebuilding)
		memcpy(state.source, publish->identity, sizeof(state.source));
	state_record_put(&value, &state);
	return store_put(dns, 0, SPAN("m"), text_span(&value));
}

static int
commit(struct publish *publish, struct store_txn **dns, bool complete, uint64_t applied)
{
	int r = write_state(publish, *dns, complete, applied);

	if (r < 0)
		return r;
	r = store_commit(take(*dns));
	if (r < 0)
		return r;
	publish->complete = complete;
	publish->applied = applied;
	pthread_mutex_lock(&publish->lock);
	publish->durable = applied;
	publish->status.applied = applied;
	publish->status.complete = complete;
	publish->status.zones = publish->zones;
	publish->status.problems = publish->problems;
	publish->status.held_zones = publish->held_zones;
	pthread_mutex_unlock(&publish->lock);
	return 0;
}

/* What a transaction that failed had counted. */
static void
forget_counts(struct publish *publish)
{
	publish->zones = publish->status.zones;
	publish->problems = publish->status.problems;
	publish->held_zones = publish->status.held_zones;
}

/* --- pending subjects -------------------------------------------------------------------------------- */

struct batch {
	struct arena arena;
	struct span subjects[PUBLISH_BATCH];
	size_t count;
	struct key last;       /* the last row taken */
	uint64_t last_sequence;
	bool more;             /* rows remain */
	bool more_of_last;     /* of the last sequence too */
};

/* Takes the next rows of pending, sorted and each subject once. */
static int
take_batch(struct publish *publish, struct store_txn *directory, struct batch *batch)
{
	cleanup(store_cursor_closep) struct store_cursor *cursor = NULL;
	struct key start = { .len = REPLICA_ID_LEN };
	struct span key, value;
	size_t distinct = 0;
	int r = store_cursor_open(directory, REPLICA_PENDING, &cursor);

	if (r < 0)
		return r;
	replica_id_put(start.octets, publish->applied + 1);
	if (publish->resume.len > 0)
		start = publish->resume;
	r = store_cursor_seek(cursor, key_span(&start), &key, &value);
	if (r == 1 && publish->resume.len > 0 && span_is(key, key_span(&start)))
		r = store_cursor_next(cursor, &key, &value);
	while (r == 1 && batch->count < PUBLISH_BATCH) {
		if (key.len <= REPLICA_ID_LEN || key.len > KEY_MAX)
			return -EBADMSG;
		batch->subjects[batch->count] = arena_copy(&batch->arena, span_skip(key, REPLICA_ID_LEN));
		if (batch->subjects[batch->count++].data == NULL)
			return -ENOMEM;
		memcpy(batch->last.octets, key.data, key.len);
		batch->last.len = key.len;
		batch->last_sequence = replica_id_get((const uint8_t *)key.data);
		r = store_cursor_next(cursor, &key, &value);
	}
	if (r < 0)
		return r;
	batch->more = r == 1;
	batch->more_of_last = r == 1 && replica_id_get((const uint8_t *)key.data) == batch->last_sequence;
	qsort(batch->subjects, batch->count, sizeof(batch->subjects[0]), publish_compare);
	for (size_t i = 0; i < batch->count; i++)
		if (i == 0 || !span_is(batch->subjects[i], batch->subjects[distinct - 1]))
			batch->subjects[distinct++] = batch->subjects[i];
	batch->count = distinct;
	return 0;
}

/* Combines one batch of pending subjects: 1 when more are left, 0 when none is. */
static int
publish_batch(struct publish *publish)
{
	cleanup(store_abortp) struct store_txn *directory = NULL;
	cleanup(store_abortp) struct store_txn *dns = NULL;
	struct batch *batch = calloc(1, sizeof(*batch));
	uint64_t sequence = 0, applied;
	int r;

	if (batch == NULL)
		return -ENOMEM;
	r = store_begin_read(publish->replica->store, &directory);
	if (r == 0)
		r = replica_meta_number(directory, "sequence", &sequence);
	if (r == 0)
		r = take_batch(publish, directory, batch);
	if (r < 0)
		goto out;
	if (batch->count == 0) {
		publish->applied = sequence;
		publish->resume.len = 0;
		pthread_mutex_lock(&publish->lock);
		publish->status.applied = sequence;
		pthread_mutex_unlock(&publish->lock);
		goto out;
	}
	set_busy(publish, true);
	r = store_begin_write(publish->dns, &dns);
	for (size_t i = 0; r >= 0 && i < batch->count; i++)
		r = publish_subject(publish, directory, dns, batch->subjects[i]);
	if (r < 0)
		goto out;
	applied = batch->more_of_last ? batch->last_sequence - 1 : batch->more ? batch->last_sequence : sequence;
	if (applied < publish->applied)
		applied = publish->applied;
	r = commit(publish, &dns, true, applied);
	if (r < 0)
		goto out;
	publish->resume.len = 0;
	if (batch->more_of_last)
		publish->resume = batch->last;
	pthread_mutex_lock(&publish->lock);
	publish->status.subjects += batch->count;
	pthread_mutex_unlock(&publish->lock);
	r = batch->more;
out:
	if (r < 0)
		forget_counts(publish);
	set_busy(publish, false);
	arena_free(&batch->arena);
	free(batch);
	return r;
}

/* --- held zones --------------------------------------------------------------------------------------- */

/* Combines the zones whose hold has ended, and finds out when the next one ends. */
static int
publish_holds(struct publish *publish)
{
	cleanup(store_abortp) struct store_txn *directory = NULL;
	cleanup(store_abortp) struct store_txn *dns = NULL;
	struct key last = { .len = 1, .octets = { 'h' } };
	bool changed = false;
	int r = store_begin_read(publish->replica->store, &directory);

	if (r == 0)
		r = store_begin_write(publish->dns, &dns);
	if (r == 0)
		publish->next_hold = 0;
	while (r >= 0) {
		cleanup(store_cursor_closep) struct store_cursor *cursor = NULL;
		struct span key, value;
		uint64_t until;

		r = store_cursor_open(dns, 0, &cursor);
		if (r == 0)
			r = store_cursor_seek(cursor, key_span(&last), &key, &value);
		if (r == 1 && span_is(key, key_span(&last)))
			r = store_cursor_next(cursor, &key, &value);
		if (r <= 0 || key.len < 2 || key.len > KEY_MAX || key.data[0] != 'h')
			break;
		memcpy(last.octets, key.data, key.len);
		last.len = key.len;
		until = value.len == REPLICA_ID_LEN ? replica_id_get((const uint8_t *)value.data) : 0;
		if (until > now_seconds()) {
			note_hold(publish, until);
			continue;
		}
		struct key subject = last;

		subject.octets[0] = 'z';
		r = publish_subject(publish, directory, dns, key_span(&subject));
		changed |= r > 0;
	}
	/* A commit that changes nothing would make the data look newer than it is. */
	if (r >= 0 && changed)
		r = commit(publish, &dns, publish->complete, publish->durable);
	if (r < 0)
		publish->next_hold = 1;
	return r < 0 ? r : 0;
}

/* --- rebuild ------------------------------------------------------------------------------------------ */

static int
write_deferred(struct publish *publish, struct store_txn *dns)
{
	struct span rest = text_span(&publish->deferred);
	int r = 0;

	publish->appending = false;
	while (r >= 0 && rest.len > 0) {
		uint32_t lengths[2];

		memcpy(lengths, rest.data, sizeof(lengths));
		rest = span_skip(rest, sizeof(lengths));
		r = put_companion(publish, dns, 'p', span_from(rest.data, lengths[0]),
		                  span_from(rest.data + lengths[0], lengths[1]));
		rest = span_skip(rest, (size_t)lengths[0] + lengths[1]);
	}
	text_free(&publish->deferred);
	return r < 0 ? r : 0;
}

static bool
is_stopped(struct publish *publish)
{
	bool stop;

	pthread_mutex_lock(&publish->lock);
	stop = publish->stop;
	pthread_mutex_unlock(&publish->lock);
	return stop;
}

/* One transaction of a rebuild: 1 when more is to do. */
static int
rebuild_step(struct publish *publish, struct walk *walk, bool first, uint64_t applied)
{
	struct walk_step step = { .directory = NULL };
	int r;

	set_busy(publish, true);
	r = publish_step_begin(publish, true, &step);
	if (r < 0)
		goto out;
	for (size_t n = 0; first ? store_dirty_pages(step.dns) < FIRST_DIRTY_MAX : n < PUBLISH_BATCH; n++) {
		r = publish_walk_next(walk, &step.cursors);
		if (r <= 0)
			break;
		r = publish_subject(publish, step.directory, step.dns, key_span(&walk->last));
		if (r < 0)
			break;
		r = 1;
	}
	if (r == 0)
		r = write_deferred(publish, step.dns) < 0 ? -EIO : 0;
	if (r < 0)
		goto out;
	int more = r;

	store_cursor_close(take(step.cursors.served));
	publish->rebuilding = more;
	if (more || applied < publish->durable)
		applied = publish->durable;
	r = commit(publish, &step.dns, !first || !more, applied);
	if (r == 0)
		r = more;
out:
	publish_step_end(&step);
	set_busy(publish, false);
	return r;
}

static void
set_rebuilding(struct publish *publish, bool rebuilding)
{
	pthread_mutex_lock(&publish->lock);
	publish->status.rebuilding = rebuilding;
	pthread_mutex_unlock(&publish->lock);
}

static int
rebuild(struct publish *publish)
{
	cleanup(store_abortp) struct store_txn *directory = NULL;
	struct walk walk = { .letters = PUBLISH_LETTERS };
	bool first = !publish->complete || publish->loading;
	uint64_t sequence = 0;
	int r = store_begin_read(publish->replica->store, &directory);

	if (r == 0)
		r = replica_meta_number(directory, "sequence", &sequence);
	store_abort(take(directory));
	if (r == 0 && first) {
		r = load_mark_set(publish->dns);
		/* Not when an earlier attempt failed half-way. */
		publish->appending = r == 0 && !publish->loading;
		publish->loading |= r == 0;
		text_clear(&publish->deferred);
	}
	if (r < 0)
		return r;
	set_rebuilding(publish, true);
	for (r = 1; r == 1 && !is_stopped(publish);) {
		r = rebuild_step(publish, &walk, first, sequence);
		/* Changes that came meanwhile do not wait for the end. */
		for (int more = !first && r == 1; more > 0 && !is_stopped(publish);)
			more = publish_batch(publish);
	}
	publish->appending = false;
	if (r == 0 && first)
		r = load_mark_clear(publish->dns);
	publish->loading &= r != 0;
	set_rebuilding(publish, false);
	return r;
}

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

/* Counts what stands in the environment from before. */
static int
count_rows(struct publish *publish, struct store_txn *txn)
{
	static const char letters[] = "pz";
	cleanup(store_cursor_closep) struct store_cursor *cursor = NULL;
	int r = store_cursor_open(txn, 0, &cursor);

	for (const char *letter = letters; r >= 0 && *letter != '\0'; letter++) {
		struct span key, value;

		r = store_cursor_seek(cursor, span_from(letter, 1), &key, &value);
		while (r == 1 && key.len > 0 && key.data[0] == *letter) {
			if (*letter == 'p') {
				publish->problems++;
			} else {
				publish->zones += is_served_zone(value);
				publish->held_zones += is_held_zone(value);
			}
			r = store_cursor_next(cursor, &key, &value);
		}
	}
	return r < 0 ? r : 0;
}

/* What the environment says of itself; a rebuild is due when it was made from another directory/. */
static int
read_state(struct publish *publish)
{
	cleanup(store_abortp) struct store_txn *txn = NULL;
	struct state_record state;
	struct span value;
	int r = store_begin_read(publish->dns, &txn);

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
	r = count_rows(publish, txn);
	if (r < 0)
		return r;
	publish->status.zones = publish->zones;
	publish->status.problems = publish->problems;
	publish->status.held_zones = publish->held_zones;
	publish->status.applied = publish->applied;
	publish->next_hold = 1; /* look at once */
	return 0;
}

static void
set_error(struct publish *publish, int r)
{
	char sentence[sizeof(publish->status.error)];

	snprintf(sentence, sizeof(sentence), "dns/ cannot be written: %s (%s)", strerror(-r), store_error_text());
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
	} else if (publish->complete && publish->next_hold != 0) {
		until.tv_sec = (time_t)publish->next_hold;
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

	if (r <= 0)
		return r;
	pthread_mutex_lock(&publish->lock);
	due = publish->rebuild;
	publish->rebuild = false;
	publish->status.rebuilding = due;
	pthread_mutex_unlock(&publish->lock);
	if (due) {
		r = rebuild(publish);
		if (r != 0) {
			pthread_mutex_lock(&publish->lock);
			publish->rebuild = true;
			publish->status.rebuilding = false;
			pthread_mutex_unlock(&publish->lock);
			return r;
		}
	}
	if (publish->next_hold != 0 && publish->next_hold <= now_seconds()) {
		r = publish_holds(publish);
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
			forget_counts(publish);
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
	struct store_options store = { NULL, 0, options->map_size, 0640, options->group };
	cleanup(text_free) struct text folder = TEXT_INIT;
	struct publish *publish;
	bool wiped;
	int r;

	text_putf(&folder, "%s/dns", options->cache_dir);
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
	text_putf(&folder, "/%d", RECORD_VERSION);
	publish = calloc(1, sizeof(*publish));
	if (publish == NULL)
		return -ENOMEM;
	publish->replica = replica;
	publish->options = *options;
	publish->reduced = (struct reduced){ .value = TEXT_INIT, .problems = TEXT_INIT };
	pthread_mutex_init(&publish->lock, NULL);
	pthread_cond_init(&publish->wake, NULL);
	r = load_mark_open(text_str(&folder), &store, &publish->dns, &wiped, why);
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
	store_close(publish->dns);
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
	applied = publish->durable;
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

bool
publish_is_stuck(const struct publish_status *status)
{
	return !status->rebuilding && status->busy_since != 0 &&
	       now_milliseconds() - status->busy_since >= STUCK_MILLISECONDS;
}

int
publish_next_problems(struct publish *publish, struct key *last, struct text *out_list)
{
	cleanup(store_abortp) struct store_txn *txn = NULL;
	cleanup(store_cursor_closep) struct store_cursor *cursor = NULL;
	struct span key, value;
	int r = store_begin_read(publish->dns, &txn);

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
	if (store_check_readers(publish->dns) < 0)
		log_debug("%s", store_error_text());
}

int
publish_figures(struct publish *publish, struct store_figures *out)
{
	return store_figures(publish->dns, out);
}
