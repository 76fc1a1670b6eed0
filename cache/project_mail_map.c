/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * One entry to fragments: which kind of entry it is, and what domain entries say.
 *
 * Entries without mail data leave before anything is allocated. What the DNS half says of a domain entry already (one that stands at the
 * wrong place, a type that is none, a replica without a master) is not said again.
 */
#include <config.h>

#include "cache/project_mail_parts.h"

#include <errno.h>

enum { TRANSPORT_MAX = 255, LOGIN_MAX = 255 };

int
mail_mapping_add(struct mail_mapping *m, const struct key *subject, const struct text *payload)
{
	struct fragment *fragment = arena_alloc(m->arena, sizeof(*fragment));

	if (fragment == NULL || text_failed(payload))
		return -ENOMEM;
	fragment->subject = *subject;
	fragment->payload = arena_copy(m->arena, text_span(payload));
	fragment->next = NULL;
	if (fragment->payload.data == NULL)
		return -ENOMEM;
	*m->end = fragment;
	m->end = &fragment->next;
	return 0;
}

void
mail_mapping_complain(struct mail_mapping *m, const char *kind)
{
	complaint_end(&m->complaints, kind, m->placed->entry->dn);
}

int
mail_mapping_values(const struct mail_mapping *m, struct span attribute, struct project_values *out)
{
	return project_values_of(m->placed->entry, attribute, m->arena, out);
}

bool
mail_mapping_is_suspended(const struct mail_mapping *m)
{
	return project_is_suspended(m->settings->profile, m->placed->entry);
}

/* A login is a word in a list that commas and blanks separate. */
static bool
is_login(struct span value)
{
	for (size_t i = 0; i < value.len; i++)
		if (value.data[i] == ',' || value.data[i] == ' ')
			return false;
	return value.len <= LOGIN_MAX && complaint_is_printable(value);
}

int
mail_mapping_logins(struct mail_mapping *m, struct span attribute, struct text *list)
{
	struct project_values logins;
	size_t used = 0;
	int r = mail_mapping_values(m, attribute, &logins);

	for (size_t i = 0; r == 0 && i < logins.count; i++) {
		struct text *say;

		if (is_login(logins.values[i]) && used < PROJECT_MAIL_LOGINS_MAX) {
			mail_list_put(list, logins.values[i]);
			used++;
			continue;
		}
		if (!complaints_wanted(&m->complaints))
			break;
		say = complaint_begin(&m->complaints);
		text_put(say, "The login ");
		complaint_quote(say, logins.values[i]);
		if (used < PROJECT_MAIL_LOGINS_MAX)
			text_put(say, " may not send as this entry's addresses: a login has no blanks and no commas. Correct ");
		else
			text_putf(say, " and those behind it may not send as this entry's addresses: %d are read. Shorten ",
			          PROJECT_MAIL_LOGINS_MAX);
		text_put_span(say, attribute);
		text_put_char(say, '.');
		mail_mapping_complain(m, used < PROJECT_MAIL_LOGINS_MAX ? "bad-login" : "too-many-logins");
		if (used >= PROJECT_MAIL_LOGINS_MAX)
			break;
	}
	return r == 0 && text_failed(list) ? -ENOMEM : r;
}

/* --- domains --------------------------------------------------------------------------------------- */

static int
delivery_of(struct mail_mapping *m, enum mail_delivery *out)
{
	static const struct {
		struct span word;
		enum mail_delivery delivery;
	} methods[] = { { SPAN("local"), MAIL_DELIVERY_LOCAL }, { SPAN("smtp"), MAIL_DELIVERY_SMTP } };
	struct span attribute = m->settings->profile->delivery_method;
	bool said[array_size(methods)] = { false };
	struct project_values values;
	struct span wrong = { "", 0 };
	struct text *say;
	int r = mail_mapping_values(m, attribute, &values);

	for (size_t v = 0; r == 0 && v < values.count; v++) {
		bool known = false;

		for (size_t i = 0; i < array_size(methods); i++)
			if (span_is_nocase(values.values[v], methods[i].word))
				known = said[i] = true;
		if (!known)
			wrong = values.values[v];
	}
	*out = MAIL_DELIVERY_LOCAL;
	if (r < 0 || (wrong.len == 0 && !(said[0] && said[1]))) {
		*out = said[1] ? MAIL_DELIVERY_SMTP : MAIL_DELIVERY_LOCAL;
		return r;
	}
	say = complaint_begin(&m->complaints);
	text_put(say, "Mail of the domain is taken as local: its ");
	text_put_span(say, attribute);
	if (wrong.len > 0) {
		text_put(say, " is ");
		complaint_quote(say, wrong);
	} else {
		text_put(say, " is both local and smtp");
	}
	text_put(say, ". Set it to local or to smtp.");
	mail_mapping_complain(m, "bad-delivery-method");
	return 0;
}

/* transport:nexthop, as a table of transports has it. */
static bool
is_transport(struct span value)
{
	size_t i = 0;

	while (i < value.len && (value.data[i] == '-' || value.data[i] == '_' || (value.data[i] >= '0' && value.data[i] <= '9') ||
	                         (ascii_lower(value.data[i]) >= 'a' && ascii_lower(value.data[i]) <= 'z')))
		i++;
	return i < value.len && value.data[i] == ':' && value.len <= TRANSPORT_MAX && complaint_is_printable(value);
}

/* Whether a domain may state it: by the name before the colon; one without a name is Postfix's default. */
static bool
may_state(const struct mail_settings *settings, struct span transport)
{
	struct span name = span_from(transport.data, (size_t)((const char *)memchr(transport.data, ':', transport.len) - transport.data));

	for (size_t i = 0; i < settings->transport_count; i++)
		if (span_is(name, settings->transports[i]))
			return true;
	return settings->transport_count == 0 || name.len == 0;
}

static int
transport_of(struct mail_mapping *m, struct span attribute, struct span *out)
{
	struct project_values values;
	struct text *say;
	int r = mail_mapping_values(m, attribute, &values);

	*out = (struct span){ "", 0 };
	if (r < 0 || values.count == 0)
		return r;
	if (values.count == 1 && is_transport(values.values[0]) && may_state(m->settings, values.values[0])) {
		*out = values.values[0];
		return 0;
	}
	say = complaint_begin(&m->complaints);
	if (values.count == 1 && is_transport(values.values[0])) {
		text_put_span(say, attribute);
		text_put(say, " is not used: ");
		complaint_quote(say, values.values[0]);
		text_put(say, " names a transport that [claims] transports of ispman.conf does not allow.");
		mail_mapping_complain(m, "foreign-transport");
		return 0;
	}
	text_put_span(say, attribute);
	text_put(say, " is not used: ");
	if (values.count > 1)
		text_put(say, "it has several values");
	else
		complaint_quote(say, values.values[0]);
	text_put(say, values.count > 1 ? ". Keep one." : " is not transport:nexthop, such as smtp:[mx.example.org].");
	mail_mapping_complain(m, "bad-transport");
	return 0;
}

/* The users of a replica's master may hold its addresses. */
static int
allow_master(struct mail_mapping *m, struct span domain, struct span master)
{
	cleanup(text_free) struct text payload = TEXT_INIT;
	struct key subject;

	mail_foreign_put(&payload, &(struct mail_foreign){ .allowed = true });
	key_mail_foreign(&subject, domain, master);
	return mail_mapping_add(m, &subject, &payload);
}

static int
map_domain(struct mail_mapping *m)
{
	const struct profile *profile = m->settings->profile;
	const struct rdn *rdn = &m->placed->rdns[0];
	cleanup(text_free) struct text payload = TEXT_INIT, logins = TEXT_INIT;
	char folded[ADDRESS_DOMAIN_MAX], master[ADDRESS_DOMAIN_MAX];
	struct mail_domain domain = { .name = span_trim(rdn->value) };
	enum mail_delivery delivery = MAIL_DELIVERY_LOCAL;
	struct mail_list list;
	struct span own, login;
	struct key subject;
	struct text *say;
	size_t n;
	int r;

	/* One that stands elsewhere is said to by the DNS half. */
	if (m->placed->depth != 1 || !rdn->single || !span_is_nocase(rdn->type, profile->domain_attribute))
		return 0;
	r = address_domain(domain.name, folded, &n);
	if (r == -EINVAL || (r == 0 && (folded[0] == '.' || folded[0] == '['))) {
		say = complaint_begin(&m->complaints);
		text_put(say, "No mail is taken for the domain: ");
		complaint_quote(say, rdn->value);
		text_put(say, " is no domain name. Rename the entry.");
		mail_mapping_complain(m, "bad-mail-domain");
		return 0;
	}
	own = span_from(folded, n);
	if (r == 0)
		r = delivery_of(m, &delivery);
	if (r == 0)
		r = project_master_of(profile, m->placed->entry, own, m->arena, master, &domain.master);
	if (r == 0)
		r = transport_of(m, profile->transport, &domain.transport);
	if (r == 0)
		r = transport_of(m, profile->below_transport, &domain.below_transport);
	if (r == 0)
		r = mail_mapping_logins(m, profile->sender_login, &logins);
	if (r < 0)
		return r;
	domain.delivery = (uint8_t)delivery;
	domain.suspended = mail_mapping_is_suspended(m);
	mail_domain_begin(&payload, &domain);
	list = mail_list_of(&logins);
	while (mail_list_next(&list, &login) > 0)
		mail_domain_put_login(&payload, 0, login);
	key_mail_domain(&subject, own);
	r = mail_mapping_add(m, &subject, &payload);
	if (r == 0 && domain.master.len > 0)
		r = allow_master(m, own, domain.master);
	return r;
}

/* --- all ------------------------------------------------------------------------------------------- */

int
project_mail_map(const struct mail_settings *settings, const struct placed_entry *placed, struct arena *arena, struct mapped *out)
{
	const struct profile *profile = settings->profile;
	const struct attribute *classes;
	bool domain = false, user = false, group = false;
	struct mail_mapping m;
	int r;

	out->fragments = NULL;
	text_clear(&out->problems);
	if (placed->depth == 0)
		return 0;
	classes = entry_find(placed->entry, SPAN("objectClass"));
	for (size_t i = 0; classes != NULL && i < classes->count; i++) {
		domain |= span_is_nocase(classes->values[i], profile->domain_class);
		user |= span_is_nocase(classes->values[i], profile->user_class);
		group |= span_is_nocase(classes->values[i], profile->group_class);
	}
	if (!domain && !user && !group)
		return 0;
	m = (struct mail_mapping){ settings, placed, arena, out, &out->fragments, COMPLAINTS_INIT(&out->problems) };
	r = domain ? map_domain(&m) : mail_map_holder(&m, user ? MAIL_USER : MAIL_GROUP);
	complaints_free(&m.complaints);
	if (r == 0 && text_failed(&out->problems))
		r = -ENOMEM;
	return r;
}
