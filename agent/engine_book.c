/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * The book: what was made on this host.
 *
 *   'd' uuid          the directory of an account (plan_have)
 *   'm' uuid          its mailbox
 *   'p' kind place    whose place that is: the uuid. A place longer than a key is cut at its front; who reads it looks at the line
 *   'c'               the cursor in the cache's log: 16 octets of the epoch, 8 of the sequence
 *   'a'               there when removals are allowed
 */
#include <config.h>

#include "agent/engine_internal.h"

#include "common/log.h"

#include <errno.h>

enum { KEY_ROOM = 480, LINE_KEY = 1 + ENTRY_UUID_LEN, CURSOR_OCTETS = 24, COMMIT_LINES = 500 };

static struct span
line_key(enum plan_kind kind, const uint8_t uuid[ENTRY_UUID_LEN], char room[LINE_KEY])
{
	room[0] = (char)kind;
	memcpy(room + 1, uuid, ENTRY_UUID_LEN);
	return span_from(room, LINE_KEY);
}

static struct span
place_key(enum plan_kind kind, struct span place, char room[KEY_ROOM])
{
	if (place.len > KEY_ROOM - 2)
		place = span_skip(place, place.len - (KEY_ROOM - 2));
	room[0] = 'p';
	room[1] = (char)kind;
	memcpy(room + 2, place.data, place.len);
	return span_from(room, place.len + 2);
}

int
engine_read(struct engine *engine, enum plan_kind kind, const uint8_t uuid[ENTRY_UUID_LEN], struct plan_have *out)
{
	char room[LINE_KEY];
	struct span value;
	int r = ledger_get(engine->parts.book, line_key(kind, uuid, room), &value);

	*out = (struct plan_have){ .exists = false };
	if (r <= 0)
		return r;
	/* Copied: the book may be written before it is looked at. */
	text_clear(&engine->line);
	text_put_span(&engine->line, value);
	if (text_failed(&engine->line))
		return -ENOMEM;
	r = plan_have_read(text_span(&engine->line), out);
	return r < 0 ? r : 1;
}

static int
wrote(struct engine *engine, int r)
{
	if (r < 0)
		return r;
	return ++engine->unwritten >= COMMIT_LINES ? engine_commit(engine) : 0;
}

int
engine_write(struct engine *engine, enum plan_kind kind, const uint8_t uuid[ENTRY_UUID_LEN], const struct plan_have *have)
{
	cleanup(text_free) struct text line = TEXT_INIT;
	char room[LINE_KEY], place[KEY_ROOM];
	int r;

	plan_have_put(&line, have);
	if (text_failed(&line))
		return -ENOMEM;
	r = ledger_put(engine->parts.book, line_key(kind, uuid, room), text_span(&line));
	if (r == 0)
		r = ledger_put(engine->parts.book, place_key(kind, have->place, place), span_from(uuid, ENTRY_UUID_LEN));
	return wrote(engine, r);
}

int
engine_holder(struct engine *engine, enum plan_kind kind, struct span place, uint8_t out_uuid[ENTRY_UUID_LEN])
{
	char room[KEY_ROOM];
	struct span value;
	int r = ledger_get(engine->parts.book, place_key(kind, place, room), &value);

	if (r <= 0)
		return r;
	if (value.len != ENTRY_UUID_LEN)
		return -EBADMSG;
	memcpy(out_uuid, value.data, ENTRY_UUID_LEN);
	return 1;
}

int
engine_erase(struct engine *engine, enum plan_kind kind, const uint8_t uuid[ENTRY_UUID_LEN], struct span place)
{
	char room[LINE_KEY], place_room[KEY_ROOM];
	uint8_t holder[ENTRY_UUID_LEN];
	int r = engine_holder(engine, kind, place, holder);

	if (r > 0 && memcmp(holder, uuid, ENTRY_UUID_LEN) == 0)
		r = ledger_delete(engine->parts.book, place_key(kind, place, place_room));
	if (r >= 0)
		r = ledger_delete(engine->parts.book, line_key(kind, uuid, room));
	return wrote(engine, r);
}

int
engine_expire(struct engine *engine, enum plan_kind kind, const uint8_t uuid[ENTRY_UUID_LEN])
{
	struct plan_have have;
	cleanup(text_free) struct text place = TEXT_INIT;
	int r = engine_read(engine, kind, uuid, &have);

	if (r <= 0 || have.gone_since == 0)
		return r < 0 ? r : 0;
	text_put_span(&place, have.place);
	have.place = text_span(&place);
	have.gone_since = engine_now() > engine->rules.settle ? engine_now() - engine->rules.settle : 1;
	return text_failed(&place) ? -ENOMEM : engine_write(engine, kind, uuid, &have);
}

int
engine_living_below(struct engine *engine, struct span place, struct text *out)
{
	cleanup(text_free) struct text folder = TEXT_INIT, key = TEXT_INIT;
	char room[KEY_ROOM];
	struct span prefix, found, value;
	bool at = true;
	int r;

	/* Longer ones are cut at their front in the book: they have nothing below them that could be found. */
	text_put_span(&folder, place);
	text_put_char(&folder, '/');
	if (text_failed(&folder) || folder.len > KEY_ROOM - 2)
		return text_failed(&folder) ? -ENOMEM : 0;
	prefix = place_key(PLAN_DIRECTORY, text_span(&folder), room);
	text_put_span(&key, prefix);
	while ((r = ledger_next(engine->parts.book, prefix, text_span(&key), at, &found, &value)) > 0) {
		struct plan_have have;
		uint8_t uuid[ENTRY_UUID_LEN];

		at = false;
		text_clear(&key);
		text_put_span(&key, found);
		if (text_failed(&key) || value.len != ENTRY_UUID_LEN)
			return text_failed(&key) ? -ENOMEM : -EBADMSG;
		memcpy(uuid, value.data, ENTRY_UUID_LEN);
		r = engine_read(engine, PLAN_DIRECTORY, uuid, &have);
		if (r < 0)
			return r;
		if (r == 0 || have.gone_since != 0)
			continue;
		text_put_span(out, have.place);
		return 1;
	}
	return r;
}

int
engine_next_line(struct engine *engine, enum plan_kind kind, bool *begun, uint8_t uuid[ENTRY_UUID_LEN], struct plan_have *out)
{
	const char letter = (char)kind;
	char room[LINE_KEY];
	struct span from = *begun ? line_key(kind, uuid, room) : span_from(&letter, 1), key, value;
	int r = ledger_next(engine->parts.book, span_from(&letter, 1), from, !*begun, &key, &value);

	if (r <= 0)
		return r;
	if (key.len != LINE_KEY)
		return -EBADMSG;
	memcpy(uuid, key.data + 1, ENTRY_UUID_LEN);
	*begun = true;
	text_clear(&engine->line);
	text_put_span(&engine->line, value);
	if (text_failed(&engine->line))
		return -ENOMEM;
	r = plan_have_read(text_span(&engine->line), out);
	return r < 0 ? r : 1;
}

int
engine_read_cursor(struct engine *engine)
{
	struct span value;
	int r = ledger_get(engine->parts.book, SPAN("c"), &value);

	engine->has_cursor = false;
	if (r <= 0 || value.len != CURSOR_OCTETS)
		return r < 0 ? r : 0;
	memcpy(engine->cursor.epoch, value.data, sizeof(engine->cursor.epoch));
	memcpy(&engine->cursor.sequence, value.data + sizeof(engine->cursor.epoch), sizeof(engine->cursor.sequence));
	engine->has_cursor = true;
	return 0;
}

int
engine_write_cursor(struct engine *engine)
{
	char octets[CURSOR_OCTETS];

	if (engine->options.dry_run)
		return 0;
	memcpy(octets, engine->cursor.epoch, sizeof(engine->cursor.epoch));
	memcpy(octets + sizeof(engine->cursor.epoch), &engine->cursor.sequence, sizeof(engine->cursor.sequence));
	engine->has_cursor = true;
	return ledger_put(engine->parts.book, SPAN("c"), span_from(octets, sizeof(octets)));
}

int
engine_commit(struct engine *engine)
{
	cleanup(text_free) struct text why = TEXT_INIT;
	int r = 0;

	if (engine->options.dry_run)
		return 0;
	/* The book is never ahead of the disk. */
	if (engine->unwritten > 0 && engine->parts.disk != NULL)
		r = disk_sync(engine->parts.disk, &why);
	engine->unwritten = 0;
	if (r < 0)
		log_warning("%s", text_str(&why));
	return ledger_commit(engine->parts.book);
}

/* --- notes --------------------------------------------------------------------------------------------------------------- */

static int
compare_note(const struct engine_note *note, enum plan_kind kind, const uint8_t uuid[ENTRY_UUID_LEN])
{
	int order = memcmp(note->uuid, uuid, ENTRY_UUID_LEN);

	return order != 0 ? order : (note->kind > kind) - (note->kind < kind);
}

/* Where the note stands, or would. */
static size_t
position_of(const struct engine_notes *notes, enum plan_kind kind, const uint8_t uuid[ENTRY_UUID_LEN])
{
	size_t low = 0, high = notes->count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (compare_note(&notes->notes[middle], kind, uuid) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct engine_note *
engine_note_find(struct engine_notes *notes, enum plan_kind kind, const uint8_t uuid[ENTRY_UUID_LEN])
{
	size_t at = position_of(notes, kind, uuid);

	return at < notes->count && compare_note(&notes->notes[at], kind, uuid) == 0 ? &notes->notes[at] : NULL;
}

struct engine_note *
engine_note_add(struct engine_notes *notes, enum plan_kind kind, const uint8_t uuid[ENTRY_UUID_LEN])
{
	struct engine_note *found = engine_note_find(notes, kind, uuid);
	size_t at = position_of(notes, kind, uuid);

	if (found != NULL)
		return found;
	if (notes->count == notes->room) {
		size_t room = notes->room > 0 ? 2 * notes->room : 16;
		struct engine_note *grown = realloc(notes->notes, room * sizeof(*grown));

		if (grown == NULL)
			return NULL;
		notes->notes = grown;
		notes->room = room;
	}
	memmove(&notes->notes[at + 1], &notes->notes[at], (notes->count - at) * sizeof(*notes->notes));
	notes->count++;
	notes->notes[at] = (struct engine_note){ .kind = kind };
	memcpy(notes->notes[at].uuid, uuid, ENTRY_UUID_LEN);
	return &notes->notes[at];
}

void
engine_note_drop(struct engine_notes *notes, enum plan_kind kind, const uint8_t uuid[ENTRY_UUID_LEN])
{
	struct engine_note *found = engine_note_find(notes, kind, uuid);
	size_t at;

	if (found == NULL)
		return;
	at = (size_t)(found - notes->notes);
	notes->count--;
	memmove(found, found + 1, (notes->count - at) * sizeof(*found));
}

void
engine_notes_free(struct engine_notes *notes)
{
	free(notes->notes);
	*notes = (struct engine_notes){ 0 };
}
