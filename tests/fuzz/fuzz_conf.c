/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * ispman.conf: any octets are either read or refused with at least one sentence. What stands after a
 * line of "%%" is taken as one -o.
 */
#include <config.h>

#include "common/conf.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct target {
	const char *string, *path;
	bool flag;
	uint64_t seconds, number, size;
	int choice;
	struct conf_list list;
};

static const char *const words[] = { "one", "two", NULL };
static const char *const others[] = { "agent", NULL };
static const struct conf_setting settings[] = {
	{ "a", "string", CONF_STRING, offsetof(struct target, string), .def = "x" },
	{ "a", "path", CONF_PATH, offsetof(struct target, path), .def = NULL },
	{ "a", "flag", CONF_BOOL, offsetof(struct target, flag), .def = NULL },
	{ "a", "seconds", CONF_SECONDS, offsetof(struct target, seconds), .max = 100000 },
	{ "b", "number", CONF_NUMBER, offsetof(struct target, number), .min = 2, .def = "2" },
	{ "b", "size", CONF_SIZE, offsetof(struct target, size), .none = "none" },
	{ "b", "choice", CONF_CHOICE, offsetof(struct target, choice), .words = words },
	{ "b", "list", CONF_LIST, offsetof(struct target, list), .def = "p q" },
};

static void
check(const struct target *t)
{
	if (t->path != NULL && t->path[0] != '/')
		abort();
	if (t->seconds > 100000 || t->number < 2 || t->choice < 0 || t->choice > 1)
		abort();
	for (size_t i = 0; i < t->list.count; i++)
		if (t->list.items[i][0] == '\0')
			abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct target target;
	const struct conf_table table = { settings, array_size(settings), &target };
	const struct conf_schema schema = { &table, 1, others };
	struct span text = span_from(data, size);
	const char *split = memmem(data, size, "\n%%\n", 4);
	struct arena arena = ARENA_INIT;
	struct text why = TEXT_INIT, override = TEXT_INIT;
	const char *overrides[1];

	if (split != NULL) {
		text_put_span(&override, span_skip(text, (size_t)(split - text.data) + 4));
		text.len = (size_t)(split - text.data);
	}
	overrides[0] = text_str(&override);
	if (conf_parse(&schema, text, "f", overrides, split != NULL, &arena, &why) == 0)
		check(&target);
	else if (why.len == 0)
		abort();
	text_free(&override);
	text_free(&why);
	arena_free(&arena);
	return 0;
}
