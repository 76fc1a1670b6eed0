/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 */
#include <config.h>

#include "common/conf_value.h"

#include <errno.h>
#include <inttypes.h>

static bool
take_digits(struct span *rest, struct span *out_digits)
{
	size_t n = 0;

	while (n < rest->len && rest->data[n] >= '0' && rest->data[n] <= '9')
		n++;
	*out_digits = span_from(rest->data, n);
	*rest = span_skip(*rest, n);
	return n > 0;
}

static uint64_t
unit_seconds(char unit)
{
	switch (unit) {
	case 's':
		return 1;
	case 'm':
		return 60;
	case 'h':
		return 3600;
	case 'd':
		return 86400;
	case 'w':
		return 604800;
	default:
		return 0;
	}
}

int
conf_seconds(struct span text, uint64_t *out_seconds)
{
	struct span rest = text, digits;
	uint64_t sum = 0, n;

	if (span_to_u64(text, UINT64_MAX / 2, out_seconds) == 0)
		return 0;
	while (take_digits(&rest, &digits) && rest.len > 0) {
		uint64_t unit = unit_seconds(ascii_lower(rest.data[0]));

		if (unit == 0 || span_to_u64(digits, UINT64_MAX / 2 / unit, &n) < 0 ||
		    sum > UINT64_MAX / 2 - n * unit)
			return -EINVAL;
		sum += n * unit;
		rest = span_skip(rest, 1);
		if (rest.len == 0) {
			*out_seconds = sum;
			return 0;
		}
	}
	return -EINVAL;
}

static int
parse_size(struct span text, uint64_t *out)
{
	struct span rest = text, digits;
	uint64_t n;
	unsigned shift = 0;

	if (!take_digits(&rest, &digits) || span_to_u64(digits, UINT64_MAX, &n) < 0 || rest.len > 1)
		return -EINVAL;
	if (rest.len == 1) {
		static const char units[] = "kmgt";
		const char *unit = memchr(units, ascii_lower(rest.data[0]), sizeof(units) - 1);

		if (unit == NULL)
			return -EINVAL;
		shift = 10 * (unsigned)(unit - units + 1);
	}
	if (n > UINT64_MAX >> shift)
		return -EINVAL;
	*out = n << shift;
	return 0;
}

static int
parse_bool(struct span text, bool *out)
{
	static const char *const words[] = { "no", "yes", "false", "true", "off", "on", "0", "1" };

	for (size_t i = 0; i < array_size(words); i++) {
		if (span_is_nocase(text, span_of(words[i]))) {
			*out = i % 2 == 1;
			return 0;
		}
	}
	return -EINVAL;
}

/* As an admin would write it: the largest unit that divides it. */
static void
put_amount(struct text *out, enum conf_type type, uint64_t n)
{
	static const struct {
		uint64_t octets;
		const char *unit;
	} sizes[] = { { 1ULL << 40, "T" }, { 1 << 30, "G" }, { 1 << 20, "M" }, { 1 << 10, "K" } },
	  times[] = { { 86400, "d" }, { 3600, "h" }, { 60, "m" }, { 1, "s" } };

	for (size_t i = 0; i < array_size(sizes) && n > 0; i++) {
		if (type == CONF_SIZE && n % sizes[i].octets == 0) {
			text_putf(out, "%" PRIu64 "%s", n / sizes[i].octets, sizes[i].unit);
			return;
		}
		if (type == CONF_SECONDS && n % times[i].octets == 0) {
			text_putf(out, "%" PRIu64 "%s", n / times[i].octets, times[i].unit);
			return;
		}
	}
	text_putf(out, "%" PRIu64, n);
}

static void
say_amounts(struct text *why, const struct conf_setting *setting)
{
	if (setting->type == CONF_SECONDS)
		text_put(why, "a time such as 90, 90s, 5m, 2h or 1d");
	else if (setting->type == CONF_SIZE)
		text_put(why, "a size such as 4096, 64K, 16M or 4G");
	else
		text_put(why, "a number");
	if (setting->max > 0) {
		text_put(why, " from ");
		put_amount(why, setting->type, setting->min);
		text_put(why, " to ");
		put_amount(why, setting->type, setting->max);
	} else if (setting->min > 0) {
		text_put(why, " of at least ");
		put_amount(why, setting->type, setting->min);
	}
	if (setting->none != NULL)
		text_putf(why, ", or %s", setting->none);
}

static int
put_number(const struct conf_setting *setting, struct span value, uint64_t *target, struct text *why)
{
	uint64_t n = 0;
	int r;

	if (setting->none != NULL && span_is_nocase(value, span_of(setting->none))) {
		*target = 0;
		return 0;
	}
	if (setting->type == CONF_SECONDS)
		r = conf_seconds(value, &n);
	else if (setting->type == CONF_SIZE)
		r = parse_size(value, &n);
	else
		r = span_to_u64(value, UINT64_MAX, &n);
	if (r < 0 || n < setting->min || (setting->max > 0 && n > setting->max)) {
		say_amounts(why, setting);
		return -EINVAL;
	}
	*target = n;
	return 0;
}

static int
put_choice(const struct conf_setting *setting, struct span value, int *target, struct text *why)
{
	for (int i = 0; setting->words[i] != NULL; i++) {
		if (span_is_nocase(value, span_of(setting->words[i]))) {
			*target = i;
			return 0;
		}
	}
	for (int i = 0; setting->words[i] != NULL; i++)
		text_putf(why, "%s%s", i > 0 ? ", " : "", setting->words[i]);
	return -EINVAL;
}

static int
put_string(const struct conf_setting *setting, struct span value, const char **target,
           struct arena *arena, struct text *why)
{
	struct span copy;
	int r = 0;

	if (value.len == 0) {
		*target = NULL;
		return 0;
	}
	if (setting->type == CONF_PATH && value.data[0] != '/') {
		text_put(why, "an absolute path");
		return -EINVAL;
	}
	copy = arena_copy(arena, value);
	if (copy.data == NULL)
		return -ENOMEM;
	if (setting->check != NULL)
		r = setting->check(copy.data, why);
	if (r == 0)
		*target = copy.data;
	return r;
}

static int
append_item(struct conf_list *list, const char *item, struct arena *arena)
{
	/* A full power of two is where the room ends. */
	if ((list->count & (list->count - 1)) == 0) {
		size_t room = list->count > 0 ? 2 * list->count : 1;
		const char **items = arena_alloc(arena, room * sizeof(*items));

		if (items == NULL)
			return -ENOMEM;
		if (list->count > 0)
			memcpy(items, list->items, list->count * sizeof(*items));
		list->items = items;
	}
	list->items[list->count++] = item;
	return 0;
}

static int
put_items(const struct conf_setting *setting, struct span value, struct conf_list *target,
          struct arena *arena, struct text *why)
{
	struct span rest = value, word;

	while (span_next_word(&rest, &word)) {
		const char *item = NULL;
		int r;

		if (word.data[word.len - 1] == ',') {
			text_put(why, "items separated by blanks, without commas");
			return -EINVAL;
		}
		r = put_string(setting, word, &item, arena, why);
		if (r == 0)
			r = append_item(target, item, arena);
		if (r < 0)
			return r;
	}
	return 0;
}

int
conf_value_put(const struct conf_setting *setting, struct span value, void *target,
               struct arena *arena, struct text *why)
{
	void *place = (char *)target + setting->offset;

	switch (setting->type) {
	case CONF_STRING:
	case CONF_PATH:
		return put_string(setting, value, place, arena, why);
	case CONF_BOOL:
		if (parse_bool(value, place) == 0)
			return 0;
		text_put(why, "yes, no");
		return -EINVAL;
	case CONF_SECONDS:
	case CONF_NUMBER:
	case CONF_SIZE:
		return put_number(setting, value, place, why);
	case CONF_CHOICE:
		return put_choice(setting, value, place, why);
	case CONF_LIST:
		return put_items(setting, value, place, arena, why);
	default:
		return -EINVAL;
	}
}

void
conf_value_clear(const struct conf_setting *setting, void *target)
{
	void *place = (char *)target + setting->offset;

	switch (setting->type) {
	case CONF_STRING:
	case CONF_PATH:
		*(const char **)place = NULL;
		break;
	case CONF_BOOL:
		*(bool *)place = false;
		break;
	case CONF_CHOICE:
		*(int *)place = 0;
		break;
	case CONF_LIST:
		*(struct conf_list *)place = (struct conf_list){ 0, NULL };
		break;
	case CONF_SECONDS:
	case CONF_NUMBER:
	case CONF_SIZE:
	default:
		*(uint64_t *)place = 0;
		break;
	}
}

enum { WORD_MAX = 40 };

static unsigned
least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

unsigned
conf_distance(struct span a, struct span b)
{
	unsigned rows[3][WORD_MAX + 1];
	unsigned *before = rows[0], *last = rows[1], *now = rows[2];

	if (a.len > WORD_MAX || b.len > WORD_MAX)
		return WORD_MAX;
	memset(rows, 0, sizeof(rows));
	for (unsigned j = 0; j <= b.len; j++)
		last[j] = j;
	for (unsigned i = 1; i <= a.len; i++) {
		unsigned *spare = before;

		now[0] = i;
		for (unsigned j = 1; j <= b.len; j++) {
			char x = ascii_lower(a.data[i - 1]), y = ascii_lower(b.data[j - 1]);

			now[j] = least(least(last[j], now[j - 1]) + 1, last[j - 1] + (x != y));
			if (i > 1 && j > 1 && x == ascii_lower(b.data[j - 2]) &&
			    y == ascii_lower(a.data[i - 2]))
				now[j] = least(now[j], before[j - 2] + 1);
		}
		before = last;
		last = now;
		now = spare;
	}
	return last[b.len];
}
