/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * Reads line by line into static variables: one text at a time, in test programs only.
 */
#include <config.h>

#include "tests/lib/dns_text.h"

#include "cache/dns.h"
#include "tests/lib/environment_text.h"

#include <arpa/inet.h>
#include <stdio.h>

/* One record of the text, and where it goes. */
struct line {
	struct key key;
	struct rr rr;
	size_t number;
};

static struct settings_record settings;
static struct state_record state;
static struct line *lines;
static size_t line_count, line_room;
static int version;
static struct environment_text written = { .name = "dns_text" };
static char *words[4]; /* that the settings point to */

static void
die(const char *what)
{
	environment_text_die(&written, what);
}

static struct span
next_word(struct span *rest)
{
	struct span word;

	if (!span_next_word(rest, &word))
		die("a word is missing");
	return word;
}

static uint32_t
next_number(struct span *rest)
{
	uint64_t n;

	if (span_to_u64(next_word(rest), UINT32_MAX, &n) < 0)
		die("not a number");
	return (uint32_t)n;
}

static struct dname
read_name(struct span text, const struct dname *origin)
{
	struct dname name;

	if (dname_from_text(text, origin, &name) < 0)
		die("not a name");
	return name;
}

static void
put(struct span key, struct text *value)
{
	if (!text_failed(value))
		value->data[0] = (char)version;
	environment_text_put(&written, key, value);
}

static char *
copy(struct span s)
{
	char *c = strndup(s.data, s.len);

	if (c == NULL)
		die("no memory");
	return c;
}

/* A word that lives until end(). */
static struct span
keep_word(unsigned place, struct span *rest)
{
	free(words[place]);
	words[place] = copy(next_word(rest));
	return span_of(words[place]);
}

static void
read_set(struct span rest)
{
	struct span word = next_word(&rest);

	if (span_is(word, SPAN("base")))
		settings.base_serial = next_number(&rest);
	else if (span_is(word, SPAN("epoch")))
		settings.epoch = next_number(&rest);
	else if (span_is(word, SPAN("primary")))
		settings.primary_ns = keep_word(0, &rest);
	else if (span_is(word, SPAN("secondary")))
		settings.secondary_ns = keep_word(1, &rest);
	else if (span_is(word, SPAN("rname")))
		settings.rname = keep_word(2, &rest);
	else if (span_is(word, SPAN("catch-all")))
		settings.catch_all = keep_word(3, &rest);
	else
		die("no such setting");
}

static void
read_prefix(struct span rest)
{
	struct reverse_prefix *prefix = &settings.prefixes[settings.prefix_count++];
	char *address = copy(next_word(&rest));

	prefix->family = strchr(address, ':') != NULL ? 6 : 4;
	if (inet_pton(prefix->family == 6 ? AF_INET6 : AF_INET, address, prefix->address) != 1)
		die("not an address");
	prefix->length = (uint8_t)next_number(&rest);
	prefix->cut = (uint8_t)next_number(&rest);
	free(address);
}

static void
read_zone(struct span rest)
{
	struct dname name = read_name(next_word(&rest), NULL), master;
	struct zone_record zone = { .soa_ttl = RECORD_TTL_DEFAULT };
	struct text value = TEXT_INIT, head = TEXT_INIT;
	struct span kind = next_word(&rest);
	char tail[64] = "";
	struct key subject, key;

	if (span_is(kind, SPAN("primary"))) {
		zone.kind = ZONE_PRIMARY;
		zone.has_soa = true;
		zone.serial = next_number(&rest);
		zone.minimum = next_number(&rest);
		text_put_span(&head, next_word(&rest));
		text_put_char(&head, ' ');
		text_put_span(&head, next_word(&rest));
		zone.soa_head = text_span(&head);
		snprintf(tail, sizeof(tail), "3600 600 604800 %u", zone.minimum);
		zone.soa_tail = span_of(tail);
	} else if (span_is(kind, SPAN("replica"))) {
		zone.kind = ZONE_REPLICA;
		master = read_name(next_word(&rest), NULL);
		dname_lower(&master);
		zone.master = span_from(master.wire, master.len);
	} else if (span_is(kind, SPAN("hidden"))) {
		zone.serial = next_number(&rest);
	} else {
		die("no such kind of zone");
	}
	zone_record_put(&value, &zone);
	key_zone(&subject, &name);
	key_row(&key, key_span(&subject));
	put(key_span(&key), &value);
	text_free(&head);
}

static struct line *
add_line(void)
{
	if (line_count == line_room) {
		line_room = line_room * 2 + 1024;
		lines = reallocarray(lines, line_room, sizeof(*lines));
		if (lines == NULL)
			die("no memory");
	}
	lines[line_count].number = line_count;
	return &lines[line_count++];
}

static void
read_rr(struct span rest, uint8_t flags)
{
	struct dname zone = read_name(next_word(&rest), NULL);
	struct dname owner = read_name(next_word(&rest), &zone);
	struct line *line = add_line();

	key_node(&line->key, &zone, &owner);
	line->rr = (struct rr){ .flags = flags, .ttl = RECORD_TTL_DEFAULT };
	if (rrtype_from_text(next_word(&rest), &line->rr.type) < 0)
		die("no such type");
	while (rest.len > 0 && rest.data[0] == ' ')
		rest = span_skip(rest, 1);
	if (rest.len > 0 && rest.data[0] == '-')
		(void)next_word(&rest);
	else
		line->rr.ttl = next_number(&rest);
	line->rr.text = span_of(copy(span_trim(rest)));
	/* Near enough: addresses are the only data of tests that ends otherwise and is no name. */
	if (line->rr.type != RRTYPE_A && line->rr.type != RRTYPE_AAAA && line->rr.text.len > 0 &&
	    line->rr.text.data[line->rr.text.len - 1] != '.')
		line->rr.relative = 1;
}

static void
read_ptr(struct span rest)
{
	struct dname name = read_name(next_word(&rest), NULL);
	struct line *line = add_line();

	key_reverse(&line->key, &name);
	line->rr = (struct rr){ .type = RRTYPE_PTR, .ttl = RECORD_TTL_DEFAULT };
	line->rr.text = span_of(copy(span_trim(rest)));
}

static void
read_line(struct span rest)
{
	struct span word;

	if (!span_next_word(&rest, &word) || word.data[0] == '#')
		return;
	if (span_is(word, SPAN("set")))
		read_set(rest);
	else if (span_is(word, SPAN("prefix")))
		read_prefix(rest);
	else if (span_is(word, SPAN("zone")))
		read_zone(rest);
	else if (span_is(word, SPAN("rr")))
		read_rr(rest, 0);
	else if (span_is(word, SPAN("twin")))
		read_rr(rest, RR_TWIN);
	else if (span_is(word, SPAN("ptr")))
		read_ptr(rest);
	else if (span_is(word, SPAN("version")))
		version = (int)next_number(&rest);
	else if (span_is(word, SPAN("incomplete")))
		state.complete = false;
	else
		die("not understood");
}

static int
compare_lines(const void *a, const void *b)
{
	const struct line *x = a, *y = b;
	size_t n = x->key.len < y->key.len ? x->key.len : y->key.len;
	int order = memcmp(x->key.octets, y->key.octets, n);

	if (order == 0 && x->key.len != y->key.len)
		order = x->key.len < y->key.len ? -1 : 1;
	if (order == 0)
		order = (int)x->rr.type - (int)y->rr.type;
	return order != 0 ? order : x->number < y->number ? -1 : 1;
}

static uint8_t
flag_of(uint16_t type)
{
	switch (type) {
	case RRTYPE_NS:
		return NODE_HAS_NS;
	case RRTYPE_DNAME:
		return NODE_HAS_DNAME;
	case RRTYPE_CNAME:
		return NODE_HAS_CNAME;
	case RRTYPE_A:
		return NODE_HAS_A;
	case RRTYPE_PTR:
		return NODE_HAS_PTR;
	default:
		return 0;
	}
}

static void
put_nodes(void)
{
	if (line_count > 0)
		qsort(lines, line_count, sizeof(*lines), compare_lines);
	for (size_t i = 0; i < line_count;) {
		struct span key = key_span(&lines[i].key);
		struct text value = TEXT_INIT;
		struct node_writer writer;
		uint8_t flags = 0;

		node_begin(&writer, &value);
		for (; i < line_count && span_is(key, key_span(&lines[i].key)); i++) {
			node_put(&writer, &lines[i].rr);
			flags |= flag_of(lines[i].rr.type);
		}
		node_end(&writer, flags);
		put(key, &value);
	}
}

static void
begin(void)
{
	settings = (struct settings_record){ 0 };
	state = (struct state_record){ .complete = true };
	version = RECORD_VERSION;
	line_count = 0;
}

static void
end(void)
{
	for (size_t i = 0; i < line_count; i++)
		free((void *)(uintptr_t)lines[i].rr.text.data);
	for (size_t i = 0; i < array_size(words); i++) {
		free(words[i]);
		words[i] = NULL;
	}
	free(lines);
	lines = NULL;
	line_room = 0;
}

void
dns_text_write(const char *folder, struct span text)
{
	struct text value = TEXT_INIT;

	begin();
	environment_text_begin(&written, folder);
	environment_text_lines(&written, text, read_line);
	put_nodes();
	settings_record_put(&value, &settings);
	put(SPAN("s"), &value);
	state_record_put(&value, &state);
	put(SPAN("m"), &value);
	environment_text_end(&written, NULL);
	end();
}

void
dns_text_close(void)
{
	environment_text_close(&written);
}
