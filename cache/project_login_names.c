/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * The logins of an entry, and by what right it holds each.
 *
 * Whose an entry is, its place in the tree says, and nothing in it: whoever may write below one domain gets no login of another, and makes
 * none of its logins ambiguous.
 */
#include <config.h>

#include "cache/project_login_parts.h"

#include <errno.h>

static bool
is_digits(struct span s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.data[i] < '0' || s.data[i] > '9')
			return false;
	return s.len > 0;
}

/* --- forms ------------------------------------------------------------------------------------------- */

/* Whether LOGIN is something, then JOINT, then DOMAIN with its dots written as DOT. */
static bool
ends_with_domain(struct span login, char joint, struct span domain, char dot)
{
	struct span tail;

	if (login.len < domain.len + 2 || login.data[login.len - domain.len - 1] != joint)
		return false;
	tail = span_skip(login, login.len - domain.len);
	for (size_t i = 0; i < domain.len; i++)
		if (tail.data[i] != (domain.data[i] == '.' ? dot : domain.data[i]))
			return false;
	return true;
}

/* What is before ":8080", or all of it. */
static struct span
without_port(struct span login)
{
	const char *colon = memrchr(login.data, ':', login.len);

	if (colon == NULL || colon == login.data || !is_digits(span_skip(login, (size_t)(colon - login.data) + 1)))
		return login;
	return span_from(login.data, (size_t)(colon - login.data));
}

/* Whether the word LOGIN has a form that entries of DOMAIN alone have. */
static bool
is_of_domain(const struct login_mapping *m, struct span login, struct span domain)
{
	if (ends_with_domain(login, '_', domain, '_'))
		return true;
	if (m->kind == LOGIN_VHOST)
		return ends_with_domain(without_port(login), '.', domain, '.');
	return m->kind == LOGIN_DOMAIN && span_is(login, domain);
}

static bool
is_own_word(const struct login_mapping *m, struct span login)
{
	const struct login_settings *settings = m->settings;

	if (m->kind == LOGIN_ADMIN || is_of_domain(m, login, m->own))
		return true;
	for (size_t i = 0; i < settings->cross_count; i++)
		if (project_is_allowed(&settings->cross[i], 1, m->own, settings->cross[i].domain) &&
		    is_of_domain(m, login, settings->cross[i].domain))
			return true;
	return false;
}

/* Fills in RIGHT and FOREIGN of a login that is no alias. */
static void
judge(const struct login_mapping *m, struct login_name *name)
{
	name->right = LOGIN_OWN;
	if (name->domain.len == 0)
		name->right = is_own_word(m, name->login) ? LOGIN_OWN : LOGIN_BARE;
	else if (m->kind == LOGIN_ADMIN)
		name->right = LOGIN_BARE;
}

/* --- reading ----------------------------------------------------------------------------------------- */

static bool
is_foreign(const struct login_mapping *m, struct span domain)
{
	return domain.len > 0 && m->kind != LOGIN_ADMIN && !span_is(domain, m->own) &&
	       !project_is_allowed(m->settings->cross, m->settings->cross_count, m->own, domain);
}

/* Adds TYPED, folded: 1, 0 when it is none, or -ENOMEM. */
static int
add(struct login_mapping *m, struct span typed, uint8_t right, uint8_t form)
{
	struct login_name *name = &m->names[m->count];
	char folded[LOGIN_MAX] unfilled;
	struct span domain;
	size_t n;
	int r = login_fold(typed, folded, &n, &domain);

	if (r < 0)
		return r == -EINVAL ? 0 : r;
	*name = (struct login_name){ .typed = typed, .right = right, .form = form };
	name->login = arena_copy(m->arena, span_from(folded, n));
	if (name->login.data == NULL)
		return -ENOMEM;
	if (domain.len > 0)
		name->domain = span_from(name->login.data + (n - domain.len), domain.len);
	else
		name->domain = (struct span){ "", 0 };
	name->foreign = is_foreign(m, name->domain);
	if (right != LOGIN_ALIAS)
		judge(m, name);
	m->count++;
	return 1;
}

/* FTP servers take no colon: a virtual host on a port can also be called name.domain-port. */
static int
add_port_form(struct login_mapping *m)
{
	const struct login_name *name = &m->names[m->count - 1];
	size_t host = without_port(name->login).len;
	struct login_name *twin = &m->names[m->count];
	struct span copy;

	if (m->kind != LOGIN_VHOST || name->domain.len > 0 || host == name->login.len)
		return 0;
	copy = arena_copy(m->arena, name->login);
	if (copy.data == NULL)
		return -ENOMEM;
	((char *)(uintptr_t)copy.data)[host] = '-';
	*twin = *name;
	twin->login = copy;
	m->count++;
	return 0;
}

static void
complain_of_login(struct login_mapping *m, struct span value)
{
	struct text *say = complaint_begin(&m->complaints);

	text_put(say, "Nobody can log in as ");
	complaint_quote(say, value);
	text_put(say, ": with an @ a login is local@domain, and it has at most 240 octets without control characters. Correct ");
	text_put_span(say, m->settings->profile->login);
	text_put_char(say, '.');
	login_mapping_complain(m, "bad-login");
}

static int
add_uid(struct login_mapping *m, struct span value, uint8_t form)
{
	int r = add(m, value, LOGIN_OWN, form);

	if (r == 0)
		complain_of_login(m, value);
	return r <= 0 ? r : add_port_form(m);
}

static void
complain_too_many(struct login_mapping *m, const char *what, size_t used, size_t given)
{
	struct text *say = complaint_begin(&m->complaints);

	text_putf(say, "The entry has too many %s: %zu of its %zu are used. Make several entries of it.", what, used, given);
	login_mapping_complain(m, "too-many-logins");
}

/* The value of the entry's name, if that is a login; else empty. */
static struct span
named_by(const struct login_mapping *m)
{
	const struct rdn *rdn = &m->placed->rdns[0];

	if (!rdn->single || !span_is_nocase(rdn->type, m->settings->profile->login))
		return (struct span){ "", 0 };
	return span_trim(rdn->value);
}

static int
add_uids(struct login_mapping *m, const struct project_values *uids)
{
	struct span name = named_by(m);
	size_t used = 0;
	int r = 0;

	if (name.len > 0 || uids->count == 0)
		m->uid = name;
	else
		m->uid = m->kind == LOGIN_DOMAIN ? span_trim(m->placed->rdns[0].value) : uids->values[0];
	if (name.len > 0)
		r = add_uid(m, name, LOGIN_IS_UID);
	for (size_t i = 0; r == 0 && i < uids->count && used < PROJECT_LOGIN_NAMES_MAX; i++, used++)
		if (!span_is(uids->values[i], name))
			r = add_uid(m, uids->values[i], 0);
	if (used < uids->count)
		complain_too_many(m, "logins", used, uids->count);
	return r;
}

/* What is wrong with addresses the mail projection says. */
static int
add_addresses(struct login_mapping *m, const struct project_values *values, uint8_t form, size_t *used)
{
	for (size_t i = 0; i < values->count && *used < PROJECT_LOGIN_ALIASES_MAX; i++) {
		if (memchr(values->values[i].data, '@', values->values[i].len) == NULL)
			continue;
		int r = add(m, values->values[i], LOGIN_ALIAS, form);

		if (r < 0)
			return r;
		if (r == 1 && form != 0 && m->address.len == 0)
			m->address = values->values[i];
		++*used;
	}
	return 0;
}

/* --- all -------------------------------------------------------------------------------------------- */

static int
compare_names(const void *a, const void *b)
{
	const struct login_name *x = a;
	const struct login_name *y = b;
	int order = project_compare(x->login, y->login);

	if (order == 0)
		order = (int)x->right - (int)y->right;
	return order != 0 ? order : project_compare(x->typed, y->typed);
}

/* Sorts them and keeps each once, by its strongest right: what an alias says of its form holds for the uid. */
static void
settle(struct login_mapping *m)
{
	size_t once = 0;

	if (m->count > 1)
		qsort(m->names, m->count, sizeof(*m->names), compare_names);
	for (size_t i = 0; i < m->count; i++) {
		if (once > 0 && span_is(m->names[i].login, m->names[once - 1].login)) {
			m->names[once - 1].form |= m->names[i].form;
			continue;
		}
		m->names[once++] = m->names[i];
	}
	m->count = once;
}

int
login_mapping_names(struct login_mapping *m)
{
	const struct profile *profile = m->settings->profile;
	const struct entry *entry = m->placed->entry;
	struct project_values uids, local = { 0, NULL }, alias = { 0, NULL }, utf8 = { 0, NULL };
	size_t room, used = 0;
	int r = project_values_of(entry, profile->login, m->arena, &uids);

	if (r == 0 && m->kind == LOGIN_USER) {
		r = project_values_of(entry, profile->local_address, m->arena, &local);
		if (r == 0)
			r = project_values_of(entry, profile->alias, m->arena, &alias);
		if (r == 0)
			r = project_values_of(entry, profile->utf8_alias, m->arena, &utf8);
	}
	if (r < 0)
		return r;
	room = uids.count < PROJECT_LOGIN_NAMES_MAX ? uids.count : PROJECT_LOGIN_NAMES_MAX;
	room = 2 * (room + 1) + (local.count + alias.count + utf8.count < PROJECT_LOGIN_ALIASES_MAX
	                                 ? local.count + alias.count + utf8.count
	                                 : PROJECT_LOGIN_ALIASES_MAX);
	m->names = arena_alloc(m->arena, room * sizeof(*m->names));
	if (m->names == NULL)
		return -ENOMEM;
	r = add_uids(m, &uids);
	if (r == 0)
		r = add_addresses(m, &local, LOGIN_IS_ADDRESS, &used);
	if (r == 0)
		r = add_addresses(m, &alias, 0, &used);
	if (r == 0)
		r = add_addresses(m, &utf8, 0, &used);
	if (r == 0)
		settle(m);
	return r;
}
