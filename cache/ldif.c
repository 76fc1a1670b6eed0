/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * The reader is our own, and not libldap's ldif_*: an admin is told the line, memory has a bound
 * whatever the file holds, and a first load reads a million entries.
 *
 * What is not wanted costs little: such values are neither unfolded, decoded nor kept, whatever
 * their length. What an attribute name means is decided once a file (struct name).
 */
#include <config.h>

#include "cache/ldif.h"

#include "cache/lines.h"

#include <errno.h>

enum {
	NAME_ROOM = 56,          /* longer names are decided each time */
	NAME_SLOTS = 1024,       /* a power of two */
	NAMES_MAX = 700,         /* names that are remembered */
	ATTRIBUTES_MAX = 1024,   /* kept attributes of an entry */
	VALUES_MAX = 1 << 18,    /* kept values of an entry */
	QUOTED_MAX = 20,         /* octets of a change type in a sentence */
};

enum meaning {
	MEANS_ATTRIBUTE,
	MEANS_DN,
	MEANS_VERSION,
	MEANS_CHANGE,  /* changetype */
	MEANS_CONTROL, /* of a change record */
	MEANS_UUID,
	MEANS_CSN,
};

/* An attribute description as spelled, and what it is to us. */
struct name {
	char spelled[NAME_ROOM];
	uint8_t len;      /* of spelled; 0 in a free slot */
	uint8_t base_len; /* without the options */
	uint8_t meaning;
	bool wanted;
};

/* A value that was read, and which of the entry's attributes it belongs to. */
struct pending {
	size_t attribute;
	struct span value;
};

struct ldif {
	struct lines lines;
	bool (*wanted)(void *context, struct span attribute);
	void *context;

	struct text unfolded; /* the present line, when it goes over several */
	size_t line;          /* where the present line begins */

	/* The entry being read. */
	bool in_entry;
	bool has_lines; /* behind the DN */
	size_t entry_line;
	size_t entry_size;
	bool has_uuid, has_csn;
	size_t attribute_count;
	struct attribute attributes[ATTRIBUTES_MAX]; /* without values */
	size_t pending_count, pending_room;
	struct pending *pending;

	struct arena scratch; /* of the DN of the entry being read */
	struct dn_trail trail;
	struct span normalised;
	uint8_t dn_uuid[ENTRY_UUID_LEN];

	int failed; /* nothing more is read after an error */
	size_t name_count;
	struct name names[NAME_SLOTS];
};

int
ldif_open(int fd, bool (*wanted)(void *context, struct span attribute), void *context,
          struct ldif **out_ldif)
{
	cleanup(ldif_freep) struct ldif *ldif = calloc(1, sizeof(*ldif));
	int r;

	if (ldif == NULL)
		return -ENOMEM;
	ldif->wanted = wanted;
	ldif->context = context;
	r = lines_open(&ldif->lines, fd, LDIF_LINE_MAX);
	if (r < 0)
		return r;
	*out_ldif = take(ldif);
	return 0;
}

void
ldif_free(struct ldif *ldif)
{
	if (ldif == NULL)
		return;
	lines_close(&ldif->lines);
	text_free(&ldif->unfolded);
	free(ldif->pending);
	arena_free(&ldif->scratch);
	dn_trail_free(&ldif->trail);
	free(ldif);
}

void
ldif_freep(struct ldif **ldif)
{
	ldif_free(*ldif);
}

size_t
ldif_line(const struct ldif *ldif)
{
	return ldif->entry_line;
}

const uint8_t *
ldif_dn_uuid(const struct ldif *ldif)
{
	return ldif->dn_uuid;
}

static const char by_url[] =
	"values given by URL (\":<\") are not read; the value itself must be written";

/* "line 17: SENTENCE"; what the line holds is not repeated: it may be a password. */
static int
refuse_line(size_t line, struct text *why, const char *sentence)
{
	text_putf(why, "line %zu: %s", line, sentence);
	return -EINVAL;
}

static int
refuse(const struct ldif *ldif, struct text *why, const char *sentence)
{
	return refuse_line(ldif->line, why, sentence);
}

static bool
is_letter(char c)
{
	c = ascii_lower(c);
	return c >= 'a' && c <= 'z';
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Length of the type in front of the options of DESCRIPTION ("userCertificate;binary"), or 0 when
 * it is no attribute description. */
static size_t
base_length(struct span description)
{
	bool identifier = description.len > 0 && is_digit(description.data[0]);
	size_t base = 0, i = 0;

	if (description.len == 0 || (!identifier && !is_letter(description.data[0])))
		return 0;
	for (; i < description.len && description.data[i] != ';'; i++) {
		char c = description.data[i];

		if (identifier ? !is_digit(c) && c != '.'
		               : !is_letter(c) && !is_digit(c) && c != '-' && c != '_')
			return 0;
	}
	base = i;
	while (i < description.len) {
		size_t start = ++i;

		for (; i < description.len && description.data[i] != ';'; i++) {
			char c = description.data[i];

			if (!is_letter(c) && !is_digit(c) && c != '-' && c != '_')
				return 0;
		}
		if (i == start)
			return 0;
	}
	return base;
}

static enum meaning
meaning_of(struct span name)
{
	static const struct {
		struct span name;
		enum meaning meaning;
	} rows[] = {
		{ SPAN("dn"), MEANS_DN },
		{ SPAN("version"), MEANS_VERSION },
		{ SPAN("changetype"), MEANS_CHANGE },
		{ SPAN("control"), MEANS_CONTROL },
		{ SPAN("entryUUID"), MEANS_UUID },
		{ SPAN("entryCSN"), MEANS_CSN },
	};

	for (size_t i = 0; i < array_size(rows); i++)
		if (span_is_nocase(name, rows[i].name))
			return rows[i].meaning;
	return MEANS_ATTRIBUTE;
}

/* Finds out what DESCRIPTION is, into *NAME (its spelling is not filled in). */
static int
decide(const struct ldif *ldif, struct span description, struct name *name)
{
	size_t base = base_length(description);
	struct span type = span_from(description.data, base);

	if (base == 0 || base > UINT8_MAX)
		return -EINVAL;
	name->base_len = (uint8_t)base;
	name->meaning = base == description.len ? (uint8_t)meaning_of(description) : MEANS_ATTRIBUTE;
	name->wanted = ldif->wanted == NULL || ldif->wanted(ldif->context, type);
	return 0;
}

/* The same, asked once for each spelling. *OUT_NAME points into ROOM or into the table. */
static int
look_up_name(struct ldif *ldif, struct span description, struct name *room,
             const struct name **out_name)
{
	uint32_t hash = 2166136261u;
	struct name *slot;
	size_t i;
	int r;

	*out_name = room;
	if (description.len >= NAME_ROOM)
		return decide(ldif, description, room);
	for (i = 0; i < description.len; i++)
		hash = (hash ^ (unsigned char)description.data[i]) * 16777619u;
	for (i = hash % NAME_SLOTS;; i = (i + 1) % NAME_SLOTS) {
		slot = &ldif->names[i];
		if (slot->len == 0)
			break;
		if (span_is(span_from(slot->spelled, slot->len), description)) {
			*out_name = slot;
			return 0;
		}
	}
	r = decide(ldif, description, room);
	if (r < 0 || ldif->name_count == NAMES_MAX)
		return r;
	*slot = *room;
	memcpy(slot->spelled, description.data, description.len);
	slot->len = (uint8_t)description.len;
	ldif->name_count++;
	return 0;
}

static int
explain_read_error(const struct ldif *ldif, int r, struct text *why)
{
	switch (-r) {
	case EMSGSIZE:
		text_putf(why, "line %zu: the line is longer than %d octets", ldif->lines.number,
		          LDIF_LINE_MAX);
		return -EINVAL;
	case EBADMSG:
		return refuse_line(ldif->lines.number, why,
		                   "the line holds a NUL octet; such a value must be written in base64");
	default:
		return r;
	}
}

/* Steps over the lines that continue the present one. */
static int
skip_folded(struct ldif *ldif, struct text *why)
{
	bool folded = true;

	while (folded) {
		struct span piece;
		int r = lines_next(&ldif->lines, &piece, &folded);

		if (r < 0)
			return explain_read_error(ldif, r, why);
	}
	return 0;
}

/* Puts *LINE and the lines that continue it together. */
static int
unfold(struct ldif *ldif, struct span *line, struct text *why)
{
	struct text *whole = &ldif->unfolded;
	bool folded = true;

	text_clear(whole);
	text_put_span(whole, *line);
	while (folded) {
		struct span piece;
		int r = lines_next(&ldif->lines, &piece, &folded);

		if (r < 0)
			return explain_read_error(ldif, r, why);
		text_put_span(whole, span_skip(piece, 1));
		if (whole->len > LDIF_LINE_MAX) {
			text_putf(why, "line %zu: the line is longer than %d octets", ldif->line,
			          LDIF_LINE_MAX);
			return -EINVAL;
		}
	}
	if (text_failed(whole))
		return -ENOMEM;
	*line = text_span(whole);
	return 0;
}

enum { BASE64_BAD = 64 };

static unsigned
base64_digit(char c)
{
	if (c >= 'A' && c <= 'Z')
		return (unsigned)(c - 'A');
	if (c >= 'a' && c <= 'z')
		return (unsigned)(c - 'a') + 26;
	if (is_digit(c))
		return (unsigned)(c - '0') + 52;
	return c == '+' ? 62 : c == '/' ? 63 : BASE64_BAD;
}

/* Decodes TEXT (RFC 4648 4, padded, no unused bits set) into ARENA. */
static int
decode_base64(struct span text, struct arena *arena, struct span *out_value)
{
	size_t padding = 0, digits;
	unsigned bits = 0, held = 0;
	char *start, *out;

	if (text.len % 4 != 0)
		return -EINVAL;
	while (padding < 2 && padding < text.len && text.data[text.len - 1 - padding] == '=')
		padding++;
	digits = text.len - padding;
	out = start = arena_alloc(arena, text.len / 4 * 3 + 1);
	if (start == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < digits; i++) {
		unsigned digit = base64_digit(text.data[i]);

		if (digit == BASE64_BAD)
			return -EINVAL;
		bits = (bits << 6 | digit) & 0xffff;
		held += 6;
		if (held >= 8) {
			held -= 8;
			*out++ = (char)(bits >> held & 0xff);
		}
	}
	if ((bits & ((1u << held) - 1)) != 0)
		return -EINVAL;
	*out = '\0';
	*out_value = span_from(start, (size_t)(out - start));
	return 0;
}

/* The value behind the colon, copied into ARENA. */
static int
read_value(const struct ldif *ldif, struct span rest, struct arena *arena, struct span *out_value,
           struct text *why)
{
	bool base64 = rest.len > 0 && rest.data[0] == ':';
	int r;

	if (base64)
		rest = span_skip(rest, 1);
	while (rest.len > 0 && rest.data[0] == ' ')
		rest = span_skip(rest, 1);
	if (base64) {
		r = decode_base64(rest, arena, out_value);
		return r == -EINVAL ? refuse(ldif, why, "this is not base64") : r;
	}
	*out_value = arena_copy(arena, rest);
	return out_value->data != NULL ? 0 : -ENOMEM;
}

static int
refuse_change(const struct ldif *ldif, struct span rest, struct text *why)
{
	struct span type = span_trim(rest);
	bool plain = type.len > 0 && type.len <= QUOTED_MAX;

	for (size_t i = 0; i < type.len && plain; i++)
		plain = is_letter(type.data[i]);
	text_putf(why, "line %zu: this is a change record", ldif->line);
	if (plain)
		text_putf(why, " (changetype: %.*s)", (int)type.len, type.data);
	text_put(why, "; a content file is needed, as slapcat writes it");
	return -EINVAL;
}

static int
begin_entry(struct ldif *ldif, struct span rest, struct arena *arena, struct entry *entry,
            struct text *why)
{
	struct rdn *rdns;
	size_t count;
	int r;

	memset(entry, 0, sizeof(*entry));
	arena_reset(&ldif->scratch);
	ldif->in_entry = true;
	ldif->has_lines = ldif->has_uuid = ldif->has_csn = false;
	ldif->entry_line = ldif->line;
	ldif->entry_size = rest.len;
	ldif->attribute_count = ldif->pending_count = 0;
	r = read_value(ldif, rest, arena, &entry->dn, why);
	if (r < 0)
		return r;
	r = dn_trail_split(&ldif->trail, entry->dn, &ldif->scratch, &rdns, &count);
	if (r == 0)
		r = dn_join(rdns, count, &ldif->scratch, &ldif->normalised);
	if (r == -EINVAL)
		return refuse(ldif, why, "this is not a DN");
	if (r == 0 && ldif->normalised.len == 0)
		return refuse(ldif, why, "the DN is empty");
	return r;
}

/* Adds the value behind a kept attribute's name. */
static int
add_value(struct ldif *ldif, struct span type, struct span rest, struct arena *arena,
          struct text *why)
{
	struct pending *pending;
	size_t which = ldif->attribute_count;
	int r;

	if (ldif->pending_count > 0 &&
	    span_is(ldif->attributes[ldif->pending[ldif->pending_count - 1].attribute].name, type))
		which = ldif->pending[ldif->pending_count - 1].attribute;
	else
		for (which = 0; which < ldif->attribute_count; which++)
			if (span_is_nocase(ldif->attributes[which].name, type))
				break;
	if (which == ATTRIBUTES_MAX)
		return refuse(ldif, why, "the entry has too many attributes");
	if (ldif->pending_count == VALUES_MAX)
		return refuse(ldif, why, "the entry has too many values");
	if (ldif->pending_count == ldif->pending_room) {
		size_t room = ldif->pending_room > 0 ? ldif->pending_room * 2 : 64;

		pending = reallocarray(ldif->pending, room, sizeof(*pending));
		if (pending == NULL)
			return -ENOMEM;
		ldif->pending = pending;
		ldif->pending_room = room;
	}
	if (which == ldif->attribute_count) {
		struct span name = arena_copy(arena, type);

		if (name.data == NULL)
			return -ENOMEM;
		ldif->attributes[ldif->attribute_count++] = (struct attribute){ .name = name };
	}
	pending = &ldif->pending[ldif->pending_count];
	r = read_value(ldif, rest, arena, &pending->value, why);
	if (r < 0)
		return r;
	pending->attribute = which;
	ldif->attributes[which].count++;
	ldif->pending_count++;
	return 0;
}

/* A line of an entry behind its DN: DESCRIPTION, a colon and REST. */
static int
read_attribute(struct ldif *ldif, const struct name *name, struct span description,
               struct span rest, struct arena *arena, struct entry *entry, struct text *why)
{
	bool first = !ldif->has_lines;
	struct span value;
	int r;

	ldif->has_lines = true;
	switch ((enum meaning)name->meaning) {
	case MEANS_DN:
		return refuse(ldif, why, "a second DN in one entry; is the empty line between two "
		                         "entries missing?");
	case MEANS_CHANGE:
		return refuse_change(ldif, rest, why);
	case MEANS_CONTROL:
		if (first)
			return refuse_change(ldif, SPAN(""), why);
		break;
	case MEANS_UUID:
		if (ldif->has_uuid)
			return refuse(ldif, why, "a second entryUUID in one entry");
		r = read_value(ldif, rest, arena, &value, why);
		if (r < 0)
			return r;
		if (uuid_from_text(span_trim(value), entry->uuid) < 0)
			return refuse(ldif, why, "this is not a UUID");
		ldif->has_uuid = true;
		return 0;
	case MEANS_CSN:
		if (ldif->has_csn)
			return refuse(ldif, why, "a second entryCSN in one entry");
		ldif->has_csn = true;
		return read_value(ldif, rest, arena, &entry->csn, why);
	case MEANS_ATTRIBUTE:
	case MEANS_VERSION:
		break;
	}
	if (!name->wanted)
		return 0;
	ldif->entry_size += description.len + rest.len;
	if (ldif->entry_size > LDIF_ENTRY_MAX) {
		text_putf(why, "line %zu: the entry of line %zu is longer than %d octets", ldif->line,
		          ldif->entry_line, LDIF_ENTRY_MAX);
		return -EINVAL;
	}
	return add_value(ldif, span_from(description.data, name->base_len), rest, arena, why);
}

/* The line that begins an entry, or the version. */
static int
read_first_line(struct ldif *ldif, const struct name *name, struct span rest, struct arena *arena,
                struct entry *entry, struct text *why)
{
	if (name->meaning == MEANS_DN)
		return begin_entry(ldif, rest, arena, entry, why);
	if (name->meaning != MEANS_VERSION)
		return refuse(ldif, why, "an entry begins with \"dn:\" (output of ldapsearch must be "
		                         "written with -LLL)");
	if (!span_is(span_trim(rest), SPAN("1")))
		return refuse(ldif, why, "only version 1 of LDIF is known");
	return 0;
}

/* Reads the rest of the line that begins with LINE, and what it says. */
static int
read_line(struct ldif *ldif, struct span line, bool folded, struct arena *arena,
          struct entry *entry, struct text *why)
{
	const char *colon = memchr(line.data, ':', line.len);
	struct span description, rest;
	const struct name *name;
	struct name room;
	int r;

	ldif->line = ldif->lines.number;
	if (line.data[0] == ' ')
		return refuse(ldif, why, "the line begins with a blank, and there is no line before "
		                         "it that it continues");
	if (colon == NULL && folded) {
		/* The name itself is folded. */
		r = unfold(ldif, &line, why);
		if (r < 0)
			return r;
		folded = false;
		colon = memchr(line.data, ':', line.len);
	}
	if (colon == NULL)
		return span_is(line, SPAN("-"))
		               ? refuse_change(ldif, SPAN(""), why)
		               : refuse(ldif, why, "there is no colon behind an attribute name");
	description = span_from(line.data, (size_t)(colon - line.data));
	r = look_up_name(ldif, description, &room, &name);
	if (r < 0)
		return refuse(ldif, why, "what stands before the colon is no attribute name");
	if (name->meaning == MEANS_ATTRIBUTE && !name->wanted && ldif->in_entry) {
		ldif->has_lines = true;
		if (description.len + 1 < line.len && colon[1] == '<')
			return refuse(ldif, why, by_url);
		return folded ? skip_folded(ldif, why) : 0;
	}
	if (folded) {
		r = unfold(ldif, &line, why);
		if (r < 0)
			return r;
	}
	description.data = line.data;
	rest = span_skip(line, description.len + 1);
	if (rest.len > 0 && rest.data[0] == '<')
		return refuse(ldif, why, by_url);
	return ldif->in_entry ? read_attribute(ldif, name, description, rest, arena, entry, why)
	                      : read_first_line(ldif, name, rest, arena, entry, why);
}

/* Gives the entry what was read: the values of each attribute, in their order. */
static int
finish_entry(struct ldif *ldif, struct arena *arena, struct entry *entry, struct text *why)
{
	struct attribute *attributes;
	struct span *values;
	int r;

	if (!ldif->has_lines)
		return refuse_line(ldif->entry_line, why,
		                   "the entry has no attributes; is the file cut off?");
	r = entry_uuid_of_normalised(ldif->normalised, ldif->dn_uuid);
	if (r < 0)
		return r;
	if (!ldif->has_uuid)
		memcpy(entry->uuid, ldif->dn_uuid, sizeof(entry->uuid));
	attributes = arena_alloc(arena, ldif->attribute_count * sizeof(*attributes));
	values = arena_alloc(arena, ldif->pending_count * sizeof(*values));
	if (attributes == NULL || values == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < ldif->attribute_count; i++) {
		attributes[i] = ldif->attributes[i];
		attributes[i].values = values;
		values += attributes[i].count;
		attributes[i].count = 0;
	}
	for (size_t i = 0; i < ldif->pending_count; i++) {
		struct attribute *attribute = &attributes[ldif->pending[i].attribute];

		attribute->values[attribute->count++] = ldif->pending[i].value;
	}
	entry->attribute_count = ldif->attribute_count;
	entry->attributes = attributes;
	ldif->in_entry = false;
	return 1;
}

static int
next_entry(struct ldif *ldif, struct arena *arena, struct entry *entry, struct text *why)
{
	for (;;) {
		struct span line;
		bool folded;
		int r = lines_next(&ldif->lines, &line, &folded);

		if (r < 0)
			return explain_read_error(ldif, r, why);
		if (r > 0 && ldif->lines.number == 1 && span_starts_nocase(line, SPAN("\xef\xbb\xbf")))
			line = span_skip(line, 3);
		if (r == 0 || line.len == 0) {
			if (ldif->in_entry)
				return finish_entry(ldif, arena, entry, why);
			if (r == 0)
				return 0;
			continue;
		}
		if (line.data[0] == '#')
			r = folded ? skip_folded(ldif, why) : 0;
		else
			r = read_line(ldif, line, folded, arena, entry, why);
		if (r < 0)
			return r;
	}
}

int
ldif_next(struct ldif *ldif, struct arena *arena, struct entry *out, struct text *why)
{
	struct entry entry = { 0 };
	int r;

	if (ldif->failed != 0)
		return ldif->failed;
	r = next_entry(ldif, arena, &entry, why);
	if (r < 0)
		ldif->failed = r;
	if (r == 1)
		*out = entry;
	return r;
}
