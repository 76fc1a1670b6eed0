/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * One entry to fragments: whether it is one that can log in, and what it contributes to both environments.
 *
 * Entries without login data leave before anything is allocated. What the other projections say of a domain entry already (one that stands
 * at the wrong place, a name that is none) is not said again.
 */
#include <config.h>

#include "cache/project_login_parts.h"

#include <errno.h>

void
login_mapping_complain(struct login_mapping *m, const char *kind)
{
	complaint_end(&m->complaints, kind, m->placed->entry->dn);
}

/* --- fragments ------------------------------------------------------------------------------------------ */

static struct fragment *
fragment_of(struct login_mapping *m, const struct key *subject, struct span payload)
{
	struct fragment *fragment = payload.data != NULL ? arena_alloc(m->arena, sizeof(*fragment)) : NULL;

	if (fragment == NULL)
		return NULL;
	/* A key is mostly room. */
	memcpy(fragment->subject.octets, subject->octets, subject->len);
	fragment->subject.len = subject->len;
	fragment->payload = payload;
	fragment->next = NULL;
	return fragment;
}

/* Adds a fragment behind the others; PAYLOAD lies in the arena. */
static int
append(struct login_mapping *m, const struct key *subject, struct span payload)
{
	struct fragment *fragment = fragment_of(m, subject, payload);

	if (fragment == NULL)
		return -ENOMEM;
	*m->end = fragment;
	m->end = &fragment->next;
	return 0;
}

static struct span
keep(struct login_mapping *m, const struct text *payload)
{
	return text_failed(payload) ? (struct span){ NULL, 0 } : arena_copy(m->arena, text_span(payload));
}

/* Each payload is the same in both environments, and kept once. */
static int
keep_claims(struct login_mapping *m, struct span *payloads)
{
	cleanup(text_free) struct text payload = TEXT_INIT;

	for (size_t i = 0; i < m->count; i++) {
		struct login_claim claim = { .kind = m->kind, .right = m->names[i].right, .form = m->names[i].form };

		memcpy(claim.uuid, m->placed->entry->uuid, sizeof(claim.uuid));
		claim.claimer = m->names[i].foreign ? m->own : (struct span){ "", 0 };
		text_clear(&payload);
		login_claims_begin(&payload);
		login_claims_put(&payload, 0, &claim);
		payloads[i] = keep(m, &payload);
		if (payloads[i].data == NULL)
			return -ENOMEM;
	}
	return 0;
}

/* What ENVIRONMENT gets: the entry, its logins, and of a domain what it is. Letters are in this order. */
static int
put_environment(struct login_mapping *m, enum login_environment environment, struct span entry, const struct span *claims,
                struct span domain)
{
	struct key key;
	int r = 0;

	if (m->count > 0) {
		key_login_entry(&key, environment, m->placed->entry->uuid);
		r = append(m, &key, entry);
	}
	for (size_t i = 0; r == 0 && i < m->count; i++) {
		key_login(&key, environment, m->names[i].login);
		r = append(m, &key, claims[i]);
	}
	if (r == 0 && domain.len > 0) {
		key_login_domain(&key, environment, m->own);
		r = append(m, &key, domain);
	}
	return r;
}

/* --- logins of other domains ------------------------------------------------------------------------------- */

/* Puts a fragment of 'v' where it belongs among those from FIRST on. */
static int
insert_foreign(struct login_mapping *m, struct fragment **first, struct span domain, struct span claimer,
               const struct login_foreign *foreign)
{
	cleanup(text_free) struct text payload = TEXT_INIT;
	struct fragment *fragment;
	struct key key;

	login_foreign_put(&payload, foreign);
	key_login_foreign(&key, domain, claimer);
	fragment = fragment_of(m, &key, keep(m, &payload));
	if (fragment == NULL)
		return -ENOMEM;
	while (*first != NULL && project_compare(key_span(&(*first)->subject), key_span(&key)) < 0)
		first = &(*first)->next;
	fragment->next = *first;
	*first = fragment;
	return 0;
}

/* Aliases of other domains the mail projection tells of. */
static bool
is_foreign_login(const struct login_name *name)
{
	return name->foreign && name->right != LOGIN_ALIAS;
}

/* All logins of the domain of names[AT], unless an earlier one was of it. */
static int
put_foreign(struct login_mapping *m, struct fragment **first, size_t at)
{
	cleanup(text_free) struct text named = TEXT_INIT;
	struct login_foreign foreign = { .allowed = false };
	struct span domain = m->names[at].domain;

	for (size_t i = 0; i < m->count; i++) {
		if (!is_foreign_login(&m->names[i]) || !span_is(m->names[i].domain, domain))
			continue;
		if (i < at)
			return 0;
		foreign.count++;
		if (foreign.named_count < LOGIN_FOREIGN_NAMED) {
			uint16_t n = (uint16_t)(m->names[i].login.len);

			text_put_char(&named, (char)n);
			text_put_char(&named, (char)(n >> 8));
			text_put_span(&named, m->names[i].login);
			foreign.named_count++;
		}
	}
	foreign.named = text_span(&named);
	return text_failed(&named) ? -ENOMEM : insert_foreign(m, first, domain, m->own, &foreign);
}

/* --- the kinds of entries --------------------------------------------------------------------------------- */

static int
map_holder(struct login_mapping *m, struct span domain, struct span master)
{
	cleanup(text_free) struct text payload = TEXT_INIT;
	struct span secret = { "", 0 }, account = { "", 0 }, *claims;
	struct fragment **first;
	int r = login_mapping_names(m);

	if (r < 0 || (m->count == 0 && domain.len == 0))
		return r;
	claims = arena_alloc(m->arena, (m->count + 1) * sizeof(*claims));
	r = claims != NULL ? keep_claims(m, claims) : -ENOMEM;
	if (r == 0 && m->count > 0) {
		r = login_mapping_secret(m, &payload);
		secret = keep(m, &payload);
		text_clear(&payload);
		if (r == 0)
			r = login_mapping_account(m, &payload);
		account = keep(m, &payload);
	}
	if (r == 0)
		r = put_environment(m, LOGIN_ACCOUNT, account, claims, domain);
	if (r == 0)
		r = put_environment(m, LOGIN_SECRET, secret, claims, domain);
	first = m->end;
	for (size_t i = 0; r == 0 && i < m->count; i++)
		if (is_foreign_login(&m->names[i]))
			r = put_foreign(m, first, i);
	/* The entries of a replica's master may hold its logins. */
	if (r == 0 && master.len > 0)
		r = insert_foreign(m, first, m->own, master, &(struct login_foreign){ .allowed = true });
	return r;
}

static int
map_domain(struct login_mapping *m)
{
	cleanup(text_free) struct text payload = TEXT_INIT;
	const struct profile *profile = m->settings->profile;
	const struct entry *entry = m->placed->entry;
	struct login_domain domain = { .suspended = project_is_suspended(profile, entry) };
	char master[ADDRESS_DOMAIN_MAX];
	struct span kept;
	int r = project_master_of(profile, entry, m->own, m->arena, master, &domain.master);

	if (r < 0)
		return r;
	login_domain_put(&payload, &domain);
	kept = keep(m, &payload);
	return kept.data != NULL ? map_holder(m, kept, domain.master) : -ENOMEM;
}

static bool
has_class(const struct entry *entry, struct span class)
{
	const struct attribute *classes = entry_find(entry, SPAN("objectClass"));

	for (size_t i = 0; classes != NULL && i < classes->count; i++)
		if (span_is_nocase(classes->values[i], class))
			return true;
	return false;
}

/* The kind of login that the entry is, by its class and where it stands; 0: none. */
static uint8_t
kind_of(const struct profile *profile, const struct placed_entry *placed)
{
	const struct rdn *top;

	if (placed->depth == 0)
		return 0;
	top = &placed->rdns[placed->depth - 1];
	if (!top->single)
		return 0;
	if (span_is_nocase(top->type, profile->domain_attribute)) {
		if (placed->depth == 1)
			return has_class(placed->entry, profile->domain_class) ? LOGIN_DOMAIN : 0;
		if (has_class(placed->entry, profile->user_class))
			return LOGIN_USER;
		return has_class(placed->entry, profile->vhost_class) ? LOGIN_VHOST : 0;
	}
	if (placed->depth == 2 && span_is(top->normalised, profile->admin_branch) && has_class(placed->entry, profile->admin_class))
		return LOGIN_ADMIN;
	return 0;
}

/* The domain that the entry belongs to: 1, 0 when its name says nothing (which is the domain entry's problem), or negative. */
static int
own_domain(struct login_mapping *m)
{
	size_t n;
	int r;

	if (m->kind == LOGIN_ADMIN)
		return 1;
	r = address_domain(span_trim(m->placed->rdns[m->placed->depth - 1].value), m->own_room, &n);
	if (r < 0 || m->own_room[0] == '.' || m->own_room[0] == '[')
		return r == -ENOMEM ? r : 0;
	m->own = span_from(m->own_room, n);
	return 1;
}

int
project_login_map(const struct login_settings *settings, const struct placed_entry *placed, struct arena *arena, struct mapped *out)
{
	uint8_t kind = kind_of(settings->profile, placed);
	struct login_mapping m;
	int r;

	out->fragments = NULL;
	text_clear(&out->problems);
	if (kind == 0)
		return login_map_host(settings, placed, arena, out);
	m = (struct login_mapping){
		.settings = settings,
		.placed = placed,
		.arena = arena,
		.out = out,
		.end = &out->fragments,
		.complaints = COMPLAINTS_INIT(&out->problems),
		.kind = kind,
		.own = SPAN(""),
		.uid = SPAN(""),
		.address = SPAN(""),
	};
	r = own_domain(&m);
	if (r == 1)
		r = kind == LOGIN_DOMAIN ? map_domain(&m) : map_holder(&m, SPAN(""), SPAN(""));
	complaints_free(&m.complaints);
	if (r == 0 && text_failed(&out->problems))
		r = -ENOMEM;
	return r;
}
