/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * One entry to fragments: which kind of entry it is, and what domain entries and settings say.
 *
 * Most entries of a directory are no DNS data at all, and a load sees millions of them: they
 * must leave before anything is allocated.
 */
#include <config.h>

#include "cache/project_dns_parts.h"

#include <errno.h>

struct fragment *
mapping_fragment(const struct mapping *m)
{
	struct fragment *fragment = arena_alloc(m->arena, sizeof(*fragment));

	if (fragment == NULL)
		return NULL;
	fragment->subject.len = 0;
	fragment->payload = (struct span){ "", 0 };
	fragment->next = NULL;
	return fragment;
}

static int
compare_keys(const struct key *a, const struct key *b)
{
	int order = memcmp(a->octets, b->octets, a->len < b->len ? a->len : b->len);

	return order != 0 ? order : (a->len > b->len) - (a->len < b->len);
}

void
mapping_insert(struct mapping *m, struct fragment *fragment)
{
	struct fragment **place = &m->out->fragments;

	while (*place != NULL && compare_keys(&(*place)->subject, &fragment->subject) < 0)
		place = &(*place)->next;
	fragment->next = *place;
	*place = fragment;
}

int
mapping_add(struct mapping *m, struct fragment *fragment, struct span payload)
{
	fragment->payload = arena_copy(m->arena, payload);
	if (fragment->payload.data == NULL)
		return -ENOMEM;
	mapping_insert(m, fragment);
	return 0;
}

void
mapping_complain(struct mapping *m, const char *kind)
{
	complaint_end(&m->complaints, kind, m->placed->entry->dn);
}

/* Where the last dot that is not escaped stands, or the length of TEXT. */
static size_t
last_dot(struct span text)
{
	size_t found = text.len;

	for (size_t i = 0; i < text.len; i++) {
		if (text.data[i] == '\\')
			i++;
		else if (text.data[i] == '.')
			found = i;
	}
	return found;
}

bool
name_is_absolute(struct span text)
{
	return text.len > 0 && last_dot(text) == text.len - 1;
}

bool
name_has_dot(struct span text)
{
	return last_dot(text) < text.len;
}

/* Reads a domain's name, in lower case. On -EINVAL the reason is appended to SAY. */
static int
domain_name(struct span value, struct dname *out, struct text *say)
{
	struct span name = span_trim(value);

	for (size_t i = 0; i < name.len; i++) {
		if ((uint8_t)name.data[i] < 0x80)
			continue;
		complaint_quote(say, value);
		text_put(say, " is not in ASCII; write it as an A-label (xn--...)");
		return -EINVAL;
	}
	if (dname_from_text(name, NULL, out) < 0 || dname_labels(out) == 0) {
		complaint_quote(say, value);
		text_put(say, " is no domain name");
		return -EINVAL;
	}
	dname_lower(out);
	return 0;
}

/* --- domains -------------------------------------------------------------------------------------- */

static const struct {
	struct span word;
	uint8_t kind;
} domain_types[] = {
	{ SPAN("primary"), ZONE_PRIMARY },
	{ SPAN("replica"), ZONE_REPLICA },
	{ SPAN("slave"), ZONE_NOT_SERVED },
	{ SPAN("nodns"), ZONE_NOT_SERVED },
};

/* The one value of the domain's type, or a complaint. */
static uint8_t
domain_kind(struct mapping *m)
{
	const struct profile *profile = m->settings->profile;
	const struct attribute *type = entry_find(m->placed->entry, profile->domain_type);
	uint8_t kind = ZONE_NOT_SERVED;
	bool known = type != NULL && type->count > 0;
	struct text *say;

	for (size_t v = 0; known && v < type->count; v++) {
		bool found = false;

		for (size_t i = 0; i < array_size(domain_types); i++) {
			if (!span_is_nocase(span_trim(type->values[v]), domain_types[i].word))
				continue;
			found = v == 0 || kind == domain_types[i].kind;
			kind = domain_types[i].kind;
			break;
		}
		known = found;
	}
	if (known)
		return kind;
	say = complaint_begin(&m->complaints);
	text_put(say, "The domain is not served: its ");
	text_put_span(say, profile->domain_type);
	if (type == NULL || type->count == 0) {
		text_put(say, " is missing");
	} else if (type->count > 1) {
		text_put(say, " has several values");
	} else {
		text_put(say, " is ");
		complaint_quote(say, type->values[0]);
	}
	text_put(say, ". Set it to primary, replica, slave or nodns.");
	mapping_complain(m, "bad-domain-type");
	return ZONE_NOT_SERVED;
}

/* The master of the replica NAME; false with a complaint when there is none to use. */
static bool
domain_master(struct mapping *m, const struct dname *name, struct dname *out)
{
	const struct profile *profile = m->settings->profile;
	const struct attribute *master = entry_find(m->placed->entry, profile->replica_master);
	struct text *say = complaint_begin(&m->complaints);

	text_put(say, "The replica is not served: its ");
	text_put_span(say, profile->replica_master);
	text_put_char(say, ' ');
	if (master == NULL || master->count == 0) {
		text_put(say, "is missing");
	} else if (master->count > 1) {
		text_put(say, "has several values");
	} else if (domain_name(master->values[0], out, say) == 0) {
		if (!dname_is(out, name))
			return true;
		text_put(say, "is the domain itself");
	}
	text_put(say, ". Set it to the name of the primary domain that it is a replica of.");
	mapping_complain(m, "bad-replica-master");
	return false;
}

static int
map_domain(struct mapping *m)
{
	const struct profile *profile = m->settings->profile;
	const struct rdn *rdn = &m->placed->rdns[0];
	struct payload_zone zone = { .item = PAYLOAD_DOMAIN, .master = { .len = 1 } };
	cleanup(text_free) struct text payload = TEXT_INIT;
	struct fragment *fragment;
	struct dname name;
	struct text *say = complaint_begin(&m->complaints);

	if (m->placed->depth != 1 || !rdn->single ||
	    !span_is_nocase(rdn->type, profile->domain_attribute)) {
		text_put(say, "The entry is ignored: one of class ");
		text_put_span(say, profile->domain_class);
		text_put(say, " stands directly below the base and is named by ");
		text_put_span(say, profile->domain_attribute);
		text_put(say, ". Move it there, or remove the class.");
		mapping_complain(m, "foreign-claim");
		return 0;
	}
	text_put(say, "The domain is not served: ");
	if (domain_name(rdn->value, &name, say) < 0) {
		text_put(say, ". Rename the entry.");
		mapping_complain(m, "bad-domain");
		return 0;
	}
	zone.kind = domain_kind(m);
	if (zone.kind == ZONE_REPLICA && !domain_master(m, &name, &zone.master)) {
		zone.kind = ZONE_NOT_SERVED;
		zone.master = (struct dname){ .len = 1 };
	}
	payload_begin(&payload);
	payload_put_zone(&payload, &zone);
	fragment = mapping_fragment(m);
	if (fragment == NULL || text_failed(&payload))
		return -ENOMEM;
	key_zone(&fragment->subject, &name);
	return mapping_add(m, fragment, text_span(&payload));
}

/* --- settings ------------------------------------------------------------------------------------- */

/* Reads the name of a host; a missing final dot is supplied. */
static int
host_value(struct span value, struct text *out)
{
	struct dname name;

	if (dname_from_text(value, NULL, &name) < 0 || dname_labels(&name) == 0)
		return -EINVAL;
	dname_put_text(out, &name);
	return 0;
}

/* Where the "@" of a mail address stands, or the end of VALUE. */
static size_t
at_sign(struct span value)
{
	for (size_t i = 0; i < value.len; i++) {
		if (value.data[i] == '\\')
			i++;
		else if (value.data[i] == '@')
			return i;
	}
	return value.len;
}

/* A mailbox as SOA records name it, or user@host. */
static int
mailbox_value(struct span value, struct text *out)
{
	size_t at = at_sign(value);
	struct dname name, host;

	if (at == value.len)
		return host_value(value, out);
	if (at == 0 || at > DNAME_LABEL_MAX ||
	    dname_from_text(span_skip(value, at + 1), NULL, &host) < 0 || dname_labels(&host) == 0)
		return -EINVAL;
	name.wire[0] = (uint8_t)at;
	memcpy(name.wire + 1, value.data, at);
	name.wire[at + 1] = 0;
	name.len = (uint8_t)(at + 2);
	if (dname_join(&name, &host, &name) < 0)
		return -EINVAL;
	dname_put_text(out, &name);
	return 0;
}

/* An owner within the zone; "none" is the same as no value. */
static int
catch_all_value(struct span value, struct text *out)
{
	static const struct dname root = { 1, { 0 } };
	struct dname relative;

	if (span_is_nocase(value, SPAN("none")))
		return 0;
	/* An absolute name is the same at another origin, and no owner of every zone. */
	if (name_is_absolute(value) || dname_from_text(value, &root, &relative) < 0)
		return -EINVAL;
	dname_put_labels(out, &relative, dname_labels(&relative));
	return 0;
}

static const struct variable {
	struct span name;
	uint8_t id;
	int (*read)(struct span value, struct text *out);
	const char *want;
} variables[] = {
	{ SPAN("primaryDNS"), PAYLOAD_PRIMARY_NS, host_value, "the full name of a name server" },
	{ SPAN("secondaryDNS"), PAYLOAD_SECONDARY_NS, host_value, "the full name of a name server" },
	{ SPAN("dnsMasterEmail"), PAYLOAD_RNAME, mailbox_value,
	  "a mailbox as hostmaster.example.org or hostmaster@example.org" },
	{ SPAN("catchAllCNAME"), PAYLOAD_CATCH_ALL, catch_all_value,
	  "a name relative to each zone, or none" },
};

static int
map_variable(struct mapping *m, const struct variable *variable)
{
	const struct profile *profile = m->settings->profile;
	const struct attribute *attribute = entry_find(m->placed->entry, profile->conf_value);
	cleanup(text_free) struct text value = TEXT_INIT;
	cleanup(text_free) struct text payload = TEXT_INIT;
	struct fragment *fragment;
	struct span given;

	if (attribute == NULL || attribute->count == 0)
		return 0;
	given = span_trim(attribute->values[0]);
	if (given.len == 0)
		return 0;
	if (variable->read(given, &value) < 0) {
		struct text *say = complaint_begin(&m->complaints);

		text_put(say, "The setting ");
		text_put_span(say, variable->name);
		text_put(say, " is ignored: ");
		complaint_quote(say, given);
		text_putf(say, " is not %s. Correct its ", variable->want);
		text_put_span(say, profile->conf_value);
		text_put_char(say, '.');
		mapping_complain(m, "bad-setting");
		return 0;
	}
	if (value.len == 0)
		return 0;
	payload_begin(&payload);
	payload_put_variable(&payload, &(struct payload_variable){ variable->id, text_span(&value) });
	fragment = mapping_fragment(m);
	if (fragment == NULL || text_failed(&payload) || text_failed(&value))
		return -ENOMEM;
	fragment->subject.octets[fragment->subject.len++] = 's';
	return mapping_add(m, fragment, text_span(&payload));
}

/* The row of a variable that DNS answers depend on, or NULL. */
static const struct variable *
find_variable(const struct dns_settings *settings, const struct placed_entry *placed)
{
	const struct profile *profile = settings->profile;

	/* ispmanVar=VARIABLE,ispmanModule=MODULE,ou=conf */
	if (placed->depth != 3 ||
	    !span_is_nocase(placed->rdns[2].normalised, profile->conf_branch) ||
	    !span_is_nocase(placed->rdns[0].type, profile->conf_variable))
		return NULL;
	for (size_t i = 0; i < array_size(variables); i++)
		if (span_is_nocase(span_trim(placed->rdns[0].value), variables[i].name))
			return &variables[i];
	return NULL;
}

/* --- all ------------------------------------------------------------------------------------------ */

struct classes {
	bool domain, record;
};

static struct classes
classes_of(const struct profile *profile, const struct entry *entry)
{
	const struct attribute *classes = entry_find(entry, SPAN("objectClass"));
	struct classes found = { false, false };

	for (size_t i = 0; classes != NULL && i < classes->count; i++) {
		found.domain |= span_is_nocase(classes->values[i], profile->domain_class);
		found.record |= span_is_nocase(classes->values[i], profile->record_class);
	}
	return found;
}

int
project_dns_map(const struct dns_settings *settings, const struct placed_entry *placed,
                struct arena *arena, struct mapped *out)
{
	const struct variable *variable;
	struct classes classes;
	struct mapping m;
	int r = 0;

	out->fragments = NULL;
	text_clear(&out->problems);
	if (placed->depth == 0)
		return 0;
	classes = classes_of(settings->profile, placed->entry);
	variable = find_variable(settings, placed);
	if (!classes.domain && !classes.record && variable == NULL)
		return 0;

	m = (struct mapping){ settings, placed, arena, out, COMPLAINTS_INIT(&out->problems) };
	if (classes.domain)
		r = map_domain(&m);
	if (r == 0 && classes.record)
		r = map_record_entry(&m);
	if (r == 0 && variable != NULL)
		r = map_variable(&m, variable);
	complaints_free(&m.complaints);
	return r == 0 && text_failed(&out->problems) ? -ENOMEM : r;
}
