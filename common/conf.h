/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * ispman.conf: INI, read into structs by tables of settings.
 *
 *   # or ; begins a comment, at the beginning of a line only: a value may hold both
 *   [section]
 *   key = value                 up to the end of the line, blanks at both ends dropped
 *   key = "  value  "           quotes around the whole value keep its blanks
 *   list = one two three        items are separated by blanks; a list may be given in several lines
 *
 * Sections may come in pieces and in any order; a key may stand only once, but for lists. Lines are as
 * long as they like and are never continued. Sections and keys are written in lower case.
 *
 * Several programs share the file. Each knows its own tables; the other sections are known by name.
 * Whatever is wrong is said with file and line and with what would be right, all of it at once.
 */
#pragma once

#include "common/arena.h"
#include "common/macro.h"
#include "common/span.h"
#include "common/text.h"

#include <stdbool.h>

enum conf_type {
	CONF_STRING,  /* const char * */
	CONF_PATH,    /* const char *: absolute */
	CONF_BOOL,    /* bool: yes no true false on off 1 0 */
	CONF_SECONDS, /* uint64_t: 90, 90s, 5m, 2h, 1d, and sums of them as in 1h30m */
	CONF_NUMBER,  /* uint64_t */
	CONF_SIZE,    /* uint64_t: octets, or with K M G T (of 1024) */
	CONF_CHOICE,  /* int: the index of one of WORDS */
	CONF_LIST,    /* struct conf_list */
};

struct conf_list {
	size_t count;
	const char **items;
};

struct conf_setting {
	const char *section, *key;
	enum conf_type type;
	size_t offset; /* in the table's target */
	uint64_t min, max;        /* numbers, seconds, sizes; max 0: no limit */
	const char *def;          /* as it would be written; NULL: NULL, 0, false, the empty list */
	const char *const *words; /* CONF_CHOICE: ends with NULL */
	const char *none;         /* numbers, seconds, sizes: this word means 0, whatever MIN says */
	/* Looks at a string, a path or each item of a list; -EINVAL with what would be right in WHY. */
	int (*check)(const char *value, struct text *why);
	const char *help; /* one line */
};

struct conf_table {
	const struct conf_setting *settings;
	size_t count;
	void *target;
};

struct conf_schema {
	const struct conf_table *tables;
	size_t table_count;
	/* Of other programs: their keys are not looked at. Ends with NULL; may be NULL. */
	const char *const *other_sections;
};

enum { CONF_FILE_MAX = 4 << 20, CONF_ERRORS_MAX = 20 };

/* Reads the file PATH (NULL for none) and then OVERRIDES ("section.key=value"), which win. What is not
 * given gets its default. Strings lie in ARENA, which must live as long as the targets.
 * Returns 0; -EINVAL with a sentence a line in WHY; another errno, also with a sentence, when the file
 * cannot be read. Targets are undefined after an error. */
must_check int conf_load(const struct conf_schema *schema, const char *path,
                         const char *const *overrides, size_t override_count, struct arena *arena,
                         struct text *why);

/* The same from memory: TEXT is what the file NAME holds. */
must_check int conf_parse(const struct conf_schema *schema, struct span text, const char *name,
                          const char *const *overrides, size_t override_count, struct arena *arena,
                          struct text *why);

/* "[section] key (default): help", a line a setting. */
void conf_describe(const struct conf_setting *settings, size_t count, struct text *out);

/* "1h30m" and so on, for others who take such values. 0 or -EINVAL. */
must_check int conf_seconds(struct span text, uint64_t *out_seconds);
