/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * The transactions that write an environment: a batch of pending subjects, or a step of a rebuild.
 */
#include <config.h>

#include "cache/publish_internal.h"

#include "cache/load_mark.h"
#include "cache/record.h"

#include <errno.h>
#include <time.h>

enum { FIRST_DIRTY_MAX = 3000 }; /* pages, in the first build */

/* --- transactions ----------------------------------------------------------------------------------- */

void
publish_set_busy(struct publish *publish, bool busy)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	pthread_mutex_lock(&publish->lock);
	publish->status.busy_since = busy ? (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000 : 0;
	pthread_mutex_unlock(&publish->lock);
}

static int
write_state(struct publish *publish, struct store_txn *records, bool complete, uint64_t applied)
{
	cleanup(text_free) struct text value = TEXT_INIT;
	struct state_record state = { .complete = complete, .applied = applied };

	/* A rebuild that is cut short starts again. */
	if (!publish->rebuilding)
		memcpy(state.source, publish->identity, sizeof(state.source));
	state_record_put(&value, &state);
	return store_put(records, 0, SPAN("m"), text_span(&value));
}

int
publish_commit(struct publish *publish, struct store_txn **records, bool complete, uint64_t applied)
{
	int r = complete ? publish_log_begin(publish, *records) : 0;

	/* Keys come in order: the state's would stand behind those of mail, and the pages would be left half empty. Without one, readers
	 * know that nothing is complete. */
	if (r == 0 && !publish->appending)
		r = write_state(publish, *records, complete, applied);
	if (r < 0)
		return r;
	r = store_commit(take(*records));
	if (r < 0)
		return r;
	publish->complete = complete;
	publish->applied = applied;
	pthread_mutex_lock(&publish->lock);
	publish->durable = applied;
	publish->status.applied = applied;
	publish->status.complete = complete;
	memcpy(publish->status.counts, publish->counts, sizeof(publish->counts));
	publish->status.problems = publish->problems;
	pthread_mutex_unlock(&publish->lock);
	return 0;
}

/* --- pending subjects -------------------------------------------------------------------------------- */

struct batch {
	struct arena arena;
	struct span subjects[PUBLISH_BATCH];
	size_t count;
	struct key last;        /* the last row taken */
	bool more;              /* rows remain */
	uint64_t next_sequence; /* of the first that does */
};

/* From the pair where CURSOR stands (R as it returned) to the first row that is of this environment. Rows are sorted by sequence,
 * then subject, and a commit may have left thousands for others: those are jumped over, letter by letter. */
static int
find_own(const struct publish *publish, struct store_cursor *cursor, int r, struct span *key)
{
	struct span value;

	while (r == 1) {
		const char *letter = publish->projection->letters;
		uint8_t row[REPLICA_ID_LEN + 1];

		if (key->len <= REPLICA_ID_LEN || key->len > KEY_MAX)
			return -EBADMSG;
		while (*letter != '\0' && *letter < key->data[REPLICA_ID_LEN])
			letter++;
		if (*letter == key->data[REPLICA_ID_LEN])
			return 1;
		replica_id_put(row, replica_id_get((const uint8_t *)key->data) + (*letter == '\0'));
		row[REPLICA_ID_LEN] = (uint8_t)(*letter != '\0' ? *letter : publish->projection->letters[0]);
		r = store_cursor_seek(cursor, span_from(row, sizeof(row)), key, &value);
	}
	return r;
}

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
	while ((r = find_own(publish, cursor, r, &key)) == 1 && batch->count < PUBLISH_BATCH) {
		batch->subjects[batch->count] = arena_copy(&batch->arena, span_skip(key, REPLICA_ID_LEN));
		if (batch->subjects[batch->count++].data == NULL)
			return -ENOMEM;
		memcpy(batch->last.octets, key.data, key.len);
		batch->last.len = key.len;
		r = store_cursor_next(cursor, &key, &value);
	}
	if (r < 0)
		return r;
	batch->more = r == 1;
	batch->next_sequence = r == 1 ? replica_id_get((const uint8_t *)key.data) : 0;
	qsort(batch->subjects, batch->count, sizeof(batch->subjects[0]), publish_compare);
	for (size_t i = 0; i < batch->count; i++)
		if (i == 0 || !span_is(batch->subjects[i], batch->subjects[distinct - 1]))
			batch->subjects[distinct++] = batch->subjects[i];
	batch->count = distinct;
	return 0;
}

/* Nothing of SEQUENCE or before it is this environment's and not in it. */
static void
note_nothing_pending(struct publish *publish, uint64_t sequence)
{
	publish->applied = sequence;
	publish->resume.len = 0;
	pthread_mutex_lock(&publish->lock);
	publish->status.applied = sequence;
	if (sequence > publish->durable)
		publish->durable = sequence;
	pthread_mutex_unlock(&publish->lock);
}

int
publish_batch(struct publish *publish)
{
	cleanup(store_abortp) struct store_txn *directory = NULL;
	cleanup(store_abortp) struct store_txn *records = NULL;
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
		note_nothing_pending(publish, sequence);
		goto out;
	}
	/* What is shown is of this snapshot, so the other one must show at least as much. */
	if (publish->options.before != NULL)
		publish->options.before(publish->options.context, sequence);
	publish_set_busy(publish, true);
	r = store_begin_write(publish->store, &records);
	for (size_t i = 0; r >= 0 && i < batch->count; i++)
		r = publish_subject(publish, directory, records, batch->subjects[i]);
	if (r < 0)
		goto out;
	applied = batch->more ? batch->next_sequence - 1 : sequence;
	if (applied < publish->applied)
		applied = publish->applied;
	r = publish_commit(publish, &records, true, applied);
	if (r < 0)
		goto out;
	publish->resume.len = 0;
	/* Within a sequence. */
	if (batch->more && batch->next_sequence == replica_id_get(batch->last.octets))
		publish->resume = batch->last;
	pthread_mutex_lock(&publish->lock);
	publish->status.subjects += batch->count;
	pthread_mutex_unlock(&publish->lock);
	r = batch->more;
out:
	if (r < 0)
		publish_forget_counts(publish);
	publish_set_busy(publish, false);
	arena_free(&batch->arena);
	free(batch);
	return r;
}

/* --- rebuild ------------------------------------------------------------------------------------------ */

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

	publish_set_busy(publish, true);
	r = publish_step_begin(publish, true, &step);
	if (r < 0)
		goto out;
	for (size_t n = 0; first ? store_dirty_pages(step.records) < FIRST_DIRTY_MAX : n < PUBLISH_BATCH; n++) {
		r = publish_walk_next(walk, &step.cursors);
		if (r <= 0)
			break;
		r = publish_subject(publish, step.directory, step.records, key_span(&walk->last));
		if (r < 0)
			break;
		r = 1;
	}
	if (r == 0)
		r = publish_put_deferred(publish, step.records);
	if (r < 0)
		goto out;
	int more = r;

	store_cursor_close(take(step.cursors.records));
	publish->rebuilding = more;
	if (more || applied < publish->durable)
		applied = publish->durable;
	r = publish_commit(publish, &step.records, !first || !more, applied);
	if (r == 0)
		r = more;
out:
	publish_step_end(&step);
	publish_set_busy(publish, false);
	return r;
}

static void
set_rebuilding(struct publish *publish, bool rebuilding)
{
	pthread_mutex_lock(&publish->lock);
	publish->status.rebuilding = rebuilding;
	pthread_mutex_unlock(&publish->lock);
}

int
publish_all(struct publish *publish)
{
	cleanup(store_abortp) struct store_txn *directory = NULL;
	struct walk walk = publish_walk_of(publish);
	bool first = !publish->complete || publish->loading;
	uint64_t sequence = 0;
	int r = store_begin_read(publish->replica->store, &directory);

	if (r == 0)
		r = replica_meta_number(directory, "sequence", &sequence);
	store_abort(take(directory));
	if (r == 0 && first) {
		r = load_mark_set(publish->store);
		/* Not when an earlier attempt failed half-way. */
		publish->appending = r == 0 && !publish->loading;
		publish->loading |= r == 0;
		text_clear(&publish->deferred);
	}
	if (r < 0)
		return r;
	if (!first && publish->special != NULL)
		walk.letters = publish->special->letters_again;
	set_rebuilding(publish, true);
	for (r = 1; r == 1 && !is_stopped(publish);) {
		r = rebuild_step(publish, &walk, first, sequence);
		/* Changes that came meanwhile do not wait for the end. */
		for (int more = !first && r == 1; more > 0 && !is_stopped(publish);)
			more = publish_batch(publish);
	}
	publish->appending = false;
	if (r == 0 && first)
		r = load_mark_clear(publish->store);
	publish->loading &= r != 0;
	set_rebuilding(publish, false);
	return r;
}

