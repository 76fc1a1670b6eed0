/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * NAPTR's rewriting rule: delimiter, POSIX extended regular expression, delimiter, replacement,
 * delimiter, flags (RFC 3402 3.2). Whether the expression is one is judged as named judges it,
 * which is not quite as regcomp() would.
 */
#include <config.h>

#include "cache/rdata_read.h"

#include <errno.h>

/* The part of an expression that has not been looked at; C strings have no other end. */
struct regexp {
	const char *at;
	int groups;          /* begun so far */
	int open;            /* not yet closed */
	bool has_atom;       /* something that a repetition could repeat */
	bool is_repeated;    /* and it has one already */
	bool may_be_empty;   /* nothing but "(" came before */
};

/* "{2,5}": the digit after the brace has been seen. */
static bool
parse_bound(struct regexp *x)
{
	unsigned bounds[2] = { 0, 0 };
	bool has_comma = false, has_high = false;

	if (!x->has_atom || x->is_repeated)
		return false;
	for (x->at++; *x->at != '}'; x->at++) {
		if (*x->at == ',' && !has_comma) {
			has_comma = true;
			continue;
		}
		if (*x->at < '0' || *x->at > '9')
			return false;
		has_high |= has_comma;
		bounds[has_comma] = bounds[has_comma] * 10 + (unsigned)(*x->at - '0');
		if (bounds[has_comma] > 255)
			return false;
	}
	x->at++;
	x->is_repeated = true;
	return !has_high || bounds[0] <= bounds[1];
}

/* A bracket expression keeps track of ranges with two numbers. */
struct bracket {
	int range; /* 2 after the hyphen, 1 after the range's last member, else 0 */
	int first; /* where a range would begin; above any octet: cannot tell */
	bool has_member;
};

/* "[.x.]" within brackets; "[." has been read. */
static bool
parse_collating_element(struct regexp *x, struct bracket *b)
{
	bool has_char = false;

	if (b->range != 0)
		b->range--;
	for (;;) {
		bool is_dot = *x->at == '.';

		if (*x->at == '\0')
			return false;
		if (is_dot && x->at[1] == ']') {
			x->at += 2;
			return has_char;
		}
		b->first = has_char ? 256 : *x->at;
		has_char = true;
		x->at++;
	}
}

/* "[=x=]" within brackets; "[=" has been read. */
static bool
parse_equivalence_class(struct regexp *x, const struct bracket *b)
{
	const char *begin = x->at;

	if (b->range == 2)
		return false;
	for (; *x->at != '\0'; x->at++) {
		if (x->at[0] == '=' && x->at[1] == ']') {
			x->at += 2;
			return x->at - 2 > begin;
		}
	}
	return false;
}

/* "[:alpha:]" within brackets; "[:" has been read. */
static bool
parse_character_class(struct regexp *x, const struct bracket *b)
{
	static const char *const classes[] = { "alnum", "alpha", "blank", "cntrl", "digit", "graph",
		                               "lower", "print", "punct", "space", "upper", "xdigit" };
	const char *begin = x->at;
	const char *end = strstr(begin, ":]");

	if (b->range == 2 || end == NULL)
		return false;
	x->at = end + 2;
	for (size_t i = 0; i < array_size(classes); i++)
		if (span_is(span_from(begin, (size_t)(end - begin)), span_of(classes[i])))
			return true;
	return false;
}

/* "[...]"; the opening bracket has been read. */
static bool
parse_bracket(struct regexp *x)
{
	struct bracket b = { 0, 0, false };
	bool is_negated = false;

	for (;;) {
		char c = *x->at;
		bool good = true;

		if (c == '\0')
			return false;
		if (c == '^' && !b.has_member && !is_negated) {
			is_negated = true;
			x->at++;
			continue;
		}
		if (c == ']' && b.has_member) {
			x->at++;
			x->has_atom = true;
			x->is_repeated = false;
			return true;
		}
		if (c == '-' && b.range != 2 && b.has_member) {
			if (b.range == 1)
				return false;
			b.range = 2;
			x->at++;
			continue;
		}
		if (c == '[') {
			x->at++;
			c = *x->at;
			if (c == '.' || c == '=' || c == ':')
				x->at++;
			if (c == '.')
				good = parse_collating_element(x, &b);
			else if (c == '=')
				good = parse_equivalence_class(x, &b);
			else if (c == ':')
				good = parse_character_class(x, &b);
			if (!good)
				return false;
			b.has_member = true;
			continue;
		}
		if (b.range == 2 && (unsigned char)c < b.first)
			return false;
		if (b.range != 0)
			b.range--;
		b.first = (unsigned char)c;
		b.has_member = true;
		x->at++;
	}
}

static void
take_literal(struct regexp *x)
{
	x->at++;
	x->has_atom = true;
	x->is_repeated = false;
}

/* "\1" or "\."; returns false for a group that has not begun. */
static bool
parse_escape(struct regexp *x)
{
	x->at++;
	if (*x->at == '\0' || (*x->at >= '1' && *x->at <= '9' && *x->at - '0' > x->groups))
		return false;
	take_literal(x);
	return true;
}

static bool
close_group(struct regexp *x)
{
	if (x->open > 0 && !x->has_atom && !x->may_be_empty)
		return false;
	if (x->open > 0)
		x->open--;
	take_literal(x);
	return true;
}

static bool
parse_part(struct regexp *x)
{
	switch (*x->at) {
	case '\\':
		return parse_escape(x);
	case '[':
		x->at++;
		return parse_bracket(x);
	case '{':
		if (x->at[1] >= '0' && x->at[1] <= '9')
			return parse_bound(x);
		take_literal(x);
		return true;
	case '(':
		x->at++;
		x->groups++;
		x->open++;
		x->has_atom = false;
		x->is_repeated = false;
		x->may_be_empty = true;
		return true;
	case ')':
		return close_group(x);
	case '|':
		if (!x->has_atom)
			return false;
		x->at++;
		x->has_atom = false;
		x->is_repeated = false;
		x->may_be_empty = false;
		return true;
	case '^':
	case '$':
		take_literal(x);
		x->is_repeated = true;
		return true;
	case '*':
	case '+':
	case '?':
		if (x->is_repeated || !x->has_atom)
			return false;
		take_literal(x);
		x->is_repeated = true;
		return true;
	default:
		take_literal(x);
		return true;
	}
}

/* How many groups EXPRESSION has, or -1 when it is no expression. */
static int
count_groups(const char *expression)
{
	struct regexp x = { .at = expression };

	while (*x.at != '\0')
		if (!parse_part(&x))
			return -1;
	return x.open == 0 && x.has_atom ? x.groups : -1;
}

enum rule_part { RULE_EXPRESSION, RULE_REPLACEMENT, RULE_FLAGS };

static bool
is_rule(struct span rule)
{
	char expression[256];
	size_t n = 0;
	enum rule_part part = RULE_EXPRESSION;
	int references = 0;
	char delimiter;

	if (rule.len == 0)
		return true;
	if (memchr(rule.data, '\0', rule.len) != NULL)
		return false;
	delimiter = rule.data[0];
	if (strchr("0123456789\\i", delimiter) != NULL)
		return false;
	for (size_t i = 1; i < rule.len; i++) {
		char c = rule.data[i];

		if (c == delimiter) {
			if (part == RULE_FLAGS)
				return false;
			part++;
			continue;
		}
		if (part == RULE_FLAGS) {
			if (c != 'i')
				return false;
			continue;
		}
		if (part == RULE_EXPRESSION)
			expression[n++] = c;
		if (c != '\\')
			continue;
		if (++i == rule.len)
			return false;
		c = rule.data[i];
		if (part == RULE_EXPRESSION)
			expression[n++] = c;
		else if (c == '0')
			return false;
		else if (c >= '1' && c <= '9' && c - '0' > references)
			references = c - '0';
	}
	expression[n] = '\0';
	return part == RULE_FLAGS && count_groups(expression) >= references;
}

/* A string comes as its length octet and its octets. */
static int
check_rule(struct reader *r, const struct field *field, size_t before)
{
	if (text_failed(&r->out->wire))
		return -ENOMEM;
	if (!is_rule(span_skip(text_span(&r->out->wire), before + 1)))
		return reader_refuse_field(
			r, field, "must be empty or !expression!replacement! with valid contents");
	return 0;
}

static int
read_regexp(struct reader *r, const struct field *field)
{
	size_t before = r->out->wire.len;
	int result = field_string.read(r, field);

	return result < 0 ? result : check_rule(r, field, before);
}

static int
check_regexp(struct reader *r, const struct field *field, struct span *rest)
{
	size_t before = r->out->wire.len;
	int result = field_string.check(r, field, rest);

	return result < 0 ? result : check_rule(r, field, before);
}

const struct field_kind field_regexp = { read_regexp, check_regexp };
