/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * Lines, sections, keys and what is said about them; the values themselves are conf_value.c's.
 */
#include <config.h>

#include "common/conf.h"
#include "common/conf_value.h"

#include <errno.h>
#include <fcntl.h>

enum { SHOWN_MAX = 80 };

struct reader {
	const struct conf_schema *schema;
	struct arena *arena;
	struct text *why;
	unsigned errors;
	bool no_memory;

	const char *name;     /* of the file, or "-o" */
	size_t line;          /* 0 for -o */
	struct span section;
	bool section_known, section_ours;

	size_t settings_count;
	size_t *given;        /* a setting's line in the file, 0 not given; SIZE_MAX: by -o */
};

/* --- saying what is wrong --------------------------------------------------------------------------- */

static void
put_shown(struct text *out, struct span s)
{
	for (size_t i = 0; i < s.len && i < SHOWN_MAX; i++)
		text_put_char(out, (unsigned char)s.data[i] < ' ' || s.data[i] == 0x7f ? '?' : s.data[i]);
	if (s.len > SHOWN_MAX)
		text_put(out, "...");
}

/* Begins a line of WHY; false when enough was said. */
static bool
complain(struct reader *reader)
{
	reader->errors++;
	if (reader->errors > CONF_ERRORS_MAX)
		return false;
	if (reader->errors == CONF_ERRORS_MAX) {
		text_put(reader->why, "(more errors follow)\n");
		return false;
	}
	text_put(reader->why, reader->name);
	if (reader->line > 0)
		text_putf(reader->why, ":%zu", reader->line);
	text_put(reader->why, ": ");
	return true;
}

struct candidates {
	struct span wanted;
	struct text list;
	const char *nearest;
	unsigned distance;
};

static void
consider(struct candidates *c, const char *word)
{
	unsigned distance = conf_distance(c->wanted, span_of(word));

	text_putf(&c->list, "%s%s", c->list.len > 0 ? ", " : "", word);
	if (c->nearest == NULL || distance < c->distance) {
		c->nearest = word;
		c->distance = distance;
	}
}

static void
put_candidates(struct reader *reader, struct candidates *c)
{
	text_putf(reader->why, "; allowed: %s", text_str(&c->list));
	if (c->nearest != NULL && c->distance <= 1 + c->wanted.len / 4)
		text_putf(reader->why, "; did you mean %s?", c->nearest);
	text_put_char(reader->why, '\n');
	if (text_failed(&c->list))
		reader->no_memory = true;
	text_free(&c->list);
}

/* --- the tables ----------------------------------------------------------------------------------------- */

struct place {
	const struct conf_setting *setting;
	void *target;
	size_t index; /* among all settings */
};

/* Walks all settings; *PLACE begins with index (size_t)-1. */
static bool
next_setting(const struct conf_schema *schema, struct place *place)
{
	size_t first = 0;

	place->index++;
	for (size_t t = 0; t < schema->table_count; t++) {
		const struct conf_table *table = &schema->tables[t];

		if (place->index - first < table->count) {
			place->setting = &table->settings[place->index - first];
			place->target = table->target;
			return true;
		}
		first += table->count;
	}
	return false;
}

#define EACH_SETTING(schema, place)                                                                \
	struct place place = { .index = (size_t)-1 };                                              \
	next_setting(schema, &place);

static bool
is_ours(const struct conf_schema *schema, struct span section)
{
	for (EACH_SETTING(schema, place))
		if (span_is(section, span_of(place.setting->section)))
			return true;
	return false;
}

static bool
is_others(const struct conf_schema *schema, struct span section)
{
	for (size_t i = 0; schema->other_sections != NULL && schema->other_sections[i] != NULL; i++)
		if (span_is(section, span_of(schema->other_sections[i])))
			return true;
	return false;
}

static void
unknown_section(struct reader *reader, struct span section)
{
	struct candidates c = { .wanted = section, .list = TEXT_INIT };
	const char *last = "";

	if (!complain(reader))
		return;
	text_put_char(reader->why, '[');
	put_shown(reader->why, section);
	text_put(reader->why, "]: unknown section");
	for (EACH_SETTING(reader->schema, place)) {
		if (strcmp(place.setting->section, last) != 0)
			consider(&c, place.setting->section);
		last = place.setting->section;
	}
	for (size_t i = 0;
	     reader->schema->other_sections != NULL && reader->schema->other_sections[i] != NULL; i++)
		consider(&c, reader->schema->other_sections[i]);
	put_candidates(reader, &c);
}

static void
enter_section(struct reader *reader, struct span section)
{
	reader->section = section;
	reader->section_ours = is_ours(reader->schema, section);
	reader->section_known = reader->section_ours || is_others(reader->schema, section);
	if (!reader->section_known)
		unknown_section(reader, section);
}

static void
unknown_key(struct reader *reader, struct span key)
{
	struct candidates c = { .wanted = key, .list = TEXT_INIT };

	if (!complain(reader))
		return;
	text_put_char(reader->why, '[');
	put_shown(reader->why, reader->section);
	text_put(reader->why, "] ");
	put_shown(reader->why, key);
	text_put(reader->why, ": unknown key");
	for (EACH_SETTING(reader->schema, place))
		if (span_is(reader->section, span_of(place.setting->section)))
			consider(&c, place.setting->key);
	put_candidates(reader, &c);
}

static void
bad_value(struct reader *reader, const struct conf_setting *setting, struct span value,
          const char *allowed)
{
	if (!complain(reader))
		return;
	text_putf(reader->why, "[%s] %s = ", setting->section, setting->key);
	put_shown(reader->why, value);
	text_putf(reader->why, ": allowed: %s\n", allowed);
}

static bool
find_setting(const struct reader *reader, struct span key, struct place *out)
{
	for (EACH_SETTING(reader->schema, place)) {
		if (span_is(reader->section, span_of(place.setting->section)) &&
		    span_is(key, span_of(place.setting->key))) {
			*out = place;
			return true;
		}
	}
	return false;
}

static bool
has_control_characters(struct span s)
{
	for (size_t i = 0; i < s.len; i++)
		if (((unsigned char)s.data[i] < ' ' && s.data[i] != '\t') || s.data[i] == 0x7f)
			return true;
	return false;
}

/* Whether a key that was given before may be given again; -o wins over the file, and the last -o over
 * earlier ones. */
static bool
may_be_given(struct reader *reader, const struct place *place)
{
	size_t *given = &reader->given[place->index];
	bool list = place->setting->type == CONF_LIST;

	if (reader->line == 0) {
		if (*given != SIZE_MAX || !list)
			conf_value_clear(place->setting, place->target);
		*given = SIZE_MAX;
		return true;
	}
	if (*given != 0 && !list) {
		if (complain(reader))
			text_putf(reader->why, "[%s] %s: given a second time, first in line %zu\n",
			          place->setting->section, place->setting->key, *given);
		return false;
	}
	if (*given == 0)
		*given = reader->line;
	return true;
}

static void
take_value(struct reader *reader, struct span key, struct span value)
{
	struct text allowed = TEXT_INIT;
	struct place place;
	int r;

	if (!reader->section_ours)
		return;
	if (!find_setting(reader, key, &place)) {
		unknown_key(reader, key);
		return;
	}
	if (!may_be_given(reader, &place))
		return;
	if (has_control_characters(value)) {
		bad_value(reader, place.setting, value, "printable characters");
		return;
	}
	if (value.len >= 2 && value.data[0] == '"' && value.data[value.len - 1] == '"')
		value = span_from(value.data + 1, value.len - 2);
	r = conf_value_put(place.setting, value, place.target, reader->arena, &allowed);
	if (r == -EINVAL)
		bad_value(reader, place.setting, value, text_str(&allowed));
	else if (r < 0)
		reader->no_memory = true;
	text_free(&allowed);
}

/* --- lines -------------------------------------------------------------------------------------------------- */

static void
bad_line(struct reader *reader, struct span line, const char *sentence)
{
	if (!complain(reader))
		return;
	put_shown(reader->why, line);
	text_putf(reader->why, ": %s\n", sentence);
}

static bool
split_at(struct span s, char c, struct span *out_before, struct span *out_after)
{
	const char *at = s.len > 0 ? memchr(s.data, c, s.len) : NULL;
	size_t n;

	if (at == NULL)
		return false;
	n = (size_t)(at - s.data);
	*out_before = span_trim(span_from(s.data, n));
	*out_after = span_trim(span_skip(s, n + 1));
	return true;
}

static void
take_line(struct reader *reader, struct span line)
{
	struct span key, value;

	line = span_trim(line);
	if (line.len == 0 || line.data[0] == '#' || line.data[0] == ';')
		return;
	if (line.data[0] == '[') {
		reader->section_known = reader->section_ours = false;
		reader->section = line;
		if (line.len < 3 || line.data[line.len - 1] != ']')
			bad_line(reader, line, "a section is written [name], alone in its line");
		else
			enter_section(reader, span_trim(span_from(line.data + 1, line.len - 2)));
		return;
	}
	if (!split_at(line, '=', &key, &value) || key.len == 0) {
		bad_line(reader, line, "a setting is written key = value");
		return;
	}
	if (reader->section.len == 0) {
		bad_line(reader, line, "stands before the first [section]");
		return;
	}
	take_value(reader, key, value);
}

static void
take_file(struct reader *reader, struct span text)
{
	if (span_starts_nocase(text, SPAN("\xef\xbb\xbf")))
		text = span_skip(text, 3);
	while (text.len > 0) {
		const char *end = memchr(text.data, '\n', text.len);
		size_t n = end != NULL ? (size_t)(end - text.data) : text.len;

		reader->line++;
		take_line(reader, span_from(text.data, n));
		text = span_skip(text, end != NULL ? n + 1 : n);
	}
}

static void
take_override(struct reader *reader, const char *override)
{
	struct span left, value, section, key;

	reader->name = "-o";
	reader->line = 0;
	if (!split_at(span_of(override), '=', &left, &value) ||
	    !split_at(left, '.', &section, &key) || section.len == 0 || key.len == 0) {
		bad_line(reader, span_of(override), "an override is written section.key=value");
		return;
	}
	enter_section(reader, section);
	take_value(reader, key, value);
}

static void
take_defaults(struct reader *reader)
{
	for (EACH_SETTING(reader->schema, place)) {
		const char *def = place.setting->def;
		struct text allowed = TEXT_INIT;
		int r;

		if (reader->given[place.index] != 0 || def == NULL)
			continue;
		r = conf_value_put(place.setting, span_of(def), place.target, reader->arena, &allowed);
		if (r == -EINVAL)
			bad_value(reader, place.setting, span_of(def), text_str(&allowed));
		else if (r < 0)
			reader->no_memory = true;
		text_free(&allowed);
	}
}

int
conf_parse(const struct conf_schema *schema, struct span text, const char *name,
           const char *const *overrides, size_t override_count, struct arena *arena,
           struct text *why)
{
	struct reader reader = { .schema = schema, .arena = arena, .why = why, .name = name };

	for (size_t t = 0; t < schema->table_count; t++)
		reader.settings_count += schema->tables[t].count;
	reader.given = calloc(reader.settings_count + 1, sizeof(*reader.given));
	if (reader.given == NULL)
		return -ENOMEM;
	for (EACH_SETTING(schema, place))
		conf_value_clear(place.setting, place.target);
	take_file(&reader, text);
	for (size_t i = 0; i < override_count; i++)
		take_override(&reader, overrides[i]);
	reader.name = "built-in default";
	take_defaults(&reader);
	free(reader.given);
	if (reader.no_memory || text_failed(why))
		return -ENOMEM;
	return reader.errors > 0 ? -EINVAL : 0;
}

static int
read_whole(const char *path, struct text *out)
{
	cleanup(close_fdp) int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	for (;;) {
		char *room = text_extend(out, 16384);
		ssize_t n;

		if (room == NULL)
			return -ENOMEM;
		n = read(fd, room, 16384);
		out->len -= 16384 - (size_t)(n > 0 ? n : 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : 0;
		if (out->len > CONF_FILE_MAX)
			return -EFBIG;
	}
}

int
conf_load(const struct conf_schema *schema, const char *path, const char *const *overrides,
          size_t override_count, struct arena *arena, struct text *why)
{
	struct text content = TEXT_INIT;
	int r = 0;

	if (path != NULL)
		r = read_whole(path, &content);
	if (r < 0)
		text_putf(why, "%s: cannot be read: %s\n", path, strerror(-r));
	else
		r = conf_parse(schema, text_span(&content), path != NULL ? path : "", overrides,
		               override_count, arena, why);
	text_free(&content);
	return r;
}

void
conf_describe(const struct conf_setting *settings, size_t count, struct text *out)
{
	for (size_t i = 0; i < count; i++)
		text_putf(out, "[%s] %s (%s): %s\n", settings[i].section, settings[i].key,
		          settings[i].def != NULL ? settings[i].def : "not set", settings[i].help);
}
