/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * Which account a login names, and whether it may log in: the rules of login.h.
 *
 * What decides is told as it is decided, so explain and the answer cannot differ.
 */
#include <config.h>

#include "cache/read_login.h"

#include <errno.h>

/* For printf's %.*s. */
#define SPAN_ARGS(span) (int)(span).len, (span).data

#define BIT(kind) (1u << (kind))

static const struct login_service default_services[] = {
	{ { "imap", 4 }, BIT(LOGIN_USER) | BIT(LOGIN_ADMIN), true },
	{ { "imaps", 5 }, BIT(LOGIN_USER) | BIT(LOGIN_ADMIN), true },
	{ { "pop", 3 }, BIT(LOGIN_USER) | BIT(LOGIN_ADMIN), true },
	{ { "pop3", 4 }, BIT(LOGIN_USER) | BIT(LOGIN_ADMIN), true },
	{ { "pop3s", 5 }, BIT(LOGIN_USER) | BIT(LOGIN_ADMIN), true },
	{ { "sieve", 5 }, BIT(LOGIN_USER) | BIT(LOGIN_ADMIN), true },
	{ { "smtp", 4 }, BIT(LOGIN_USER) | BIT(LOGIN_ADMIN), false },
	{ { "ftp", 3 }, BIT(LOGIN_USER) | BIT(LOGIN_VHOST) | BIT(LOGIN_DOMAIN), false },
	{ { "*", 1 }, BIT(LOGIN_USER), false },
};

const struct login_options login_options_default = {
	.service_count = array_size(default_services),
	.services = default_services,
	.mailbox_name = LOGIN_MAILBOX_ADDRESS,
	.refuse_suspended_users = true,
};

static const char *const reasons[LOGIN_REASONS] = {
	[LOGIN_FINE] = "fine",
	[LOGIN_MALFORMED] = "malformed-login",
	[LOGIN_UNKNOWN] = "unknown-login",
	[LOGIN_AMBIGUOUS] = "ambiguous-login",
	[LOGIN_NOT_SERVED] = "not-for-service",
	[LOGIN_OTHER_FORM] = "not-mailbox-name",
	[LOGIN_NO_MAILBOX] = "no-mailbox",
	[LOGIN_SUSPENDED] = "suspended",
	[LOGIN_DOMAIN_SUSPENDED] = "domain-suspended",
	[LOGIN_FTP_DISABLED] = "ftp-disabled",
	[LOGIN_ACCOUNT_LOCKED] = "locked",
	[LOGIN_NOT_YET] = "not-yet-valid",
	[LOGIN_EXPIRED] = "expired",
};

const char *
login_reason_word(enum login_reason reason)
{
	return (unsigned)reason < LOGIN_REASONS ? reasons[reason] : "unknown";
}

static const char *
kind_word(unsigned kind)
{
	static const char *const words[LOGIN_KINDS] = {
		[LOGIN_USER] = "user",
		[LOGIN_VHOST] = "virtual host",
		[LOGIN_DOMAIN] = "domain",
		[LOGIN_ADMIN] = "admin",
	};

	return kind < LOGIN_KINDS && words[kind] != NULL ? words[kind] : "unknown";
}

const struct login_service *
login_service_of(const struct login_options *options, struct span name)
{
	const struct login_service *any = NULL;

	for (size_t i = 0; i < options->service_count; i++) {
		if (span_is_nocase(options->services[i].name, name))
			return &options->services[i];
		if (span_is(options->services[i].name, SPAN("*")))
			any = &options->services[i];
	}
	return any;
}

/* --- 1. the login in one form ---------------------------------------------------------------------------- */

static bool
is_local_realm(const struct login_options *options, struct span realm)
{
	for (size_t i = 0; i < options->local_realm_count; i++)
		if (span_is_nocase(options->local_realms[i], realm))
			return true;
	return false;
}

/* A folded login. */
struct folded {
	char octets[LOGIN_MAX];
	size_t len;
	struct span domain; /* within the octets, empty: it has no @ */
};

static struct span
folded_span(const struct folded *folded)
{
	return span_from(folded->octets, folded->len);
}

/* What is before the @. */
static struct span
folded_local(const struct folded *folded)
{
	return span_from(folded->octets, folded->domain.len > 0 ? folded->len - folded->domain.len - 1 : folded->len);
}

static int
fold(struct span text, struct folded *out)
{
	return login_fold(text, out->octets, &out->len, &out->domain);
}

/* LOCAL@DOMAIN, which are folded already. */
static int
join(struct span local, struct span domain, struct folded *out)
{
	if (local.len + 1 + domain.len > LOGIN_MAX)
		return -EINVAL;
	memcpy(out->octets, local.data, local.len);
	out->octets[local.len] = '@';
	memcpy(out->octets + local.len + 1, domain.data, domain.len);
	out->len = local.len + 1 + domain.len;
	out->domain = span_from(out->octets + local.len + 1, domain.len);
	return 0;
}

static int
fold_question(const struct login_view *view, const struct login_options *options, const struct login_question *question,
              struct folded *out)
{
	struct span login = question->login, realm = span_trim(question->realm);
	unfilled char room[ADDRESS_TEXT_MAX];

	if (realm.len == 0 || memchr(login.data, '@', login.len) != NULL)
		return fold(login, out);
	if (is_local_realm(options, realm)) {
		login_say(view, NULL, "the realm %.*s is one of local-realms: the login stands for itself", SPAN_ARGS(realm));
		return fold(login, out);
	}
	if (login.len + 1 + realm.len > sizeof(room))
		return -EINVAL;
	memcpy(room, login.data, login.len);
	room[login.len] = '@';
	memcpy(room + login.len + 1, realm.data, realm.len);
	return fold(span_from(room, login.len + 1 + realm.len), out);
}

/* --- 2. who holds it --------------------------------------------------------------------------------------- */

/* What is found of a login: the claims that count most. */
struct holders {
	uint8_t right;         /* of all of them; 0: nobody rightful */
	bool served;           /* one of them may use the service */
	size_t count;          /* different entries of the first kind that may */
	struct login_claim first;
};

/* Whether CLAIM on LOGIN counts: 1, 0 or negative. */
static int
is_rightful(const struct login_view *view, const struct login_options *options, const struct folded *login,
            const struct login_claim *claim)
{
	struct login_domain domain;
	int r;

	if (claim->right == LOGIN_ALIAS && !options->by_alias)
		return 0;
	if (claim->claimer.len == 0)
		return 1;
	r = login_domain_at(view, login->domain, &domain);
	return r > 0 ? span_is(domain.master, claim->claimer) : r;
}

static void
count_claim(struct holders *holders, const struct login_service *service, const struct login_claim *claim)
{
	if (holders->right == 0)
		holders->right = claim->right;
	if (claim->right != holders->right || service == NULL || (service->kinds & BIT(claim->kind)) == 0)
		return;
	if (!holders->served) {
		holders->served = true;
		holders->first = *claim;
		holders->count = 1;
	} else if (claim->kind == holders->first.kind && memcmp(claim->uuid, holders->first.uuid, ENTRY_UUID_LEN) != 0) {
		holders->count++;
	}
}

static int
find_holders(const struct login_view *view, const struct login_options *options, const struct login_service *service,
             const struct folded *login, struct holders *out)
{
	struct login_claims claims;
	struct login_claim claim;
	struct key key unfilled;
	int r = login_claims_at(view, folded_span(login), &claims);

	*out = (struct holders){ 0 };
	if (r <= 0) {
		if (r == 0)
			login_say(view, NULL, "no entry holds %.*s", SPAN_ARGS(folded_span(login)));
		return r;
	}
	key_login(&key, view->environment, folded_span(login));
	while ((r = login_claims_next(&claims, &claim)) > 0) {
		r = is_rightful(view, options, login, &claim);
		if (r < 0)
			return r;
		login_say(view, &key, "%.*s is held by a %s%s", SPAN_ARGS(folded_span(login)), kind_word(claim.kind),
		          r > 0                          ? ""
		          : claim.right == LOGIN_ALIAS ? " as an alias, which is no login here (login-by-alias)"
		                                         : " of another domain, which has no right to it");
		if (r > 0)
			count_claim(out, service, &claim);
	}
	return r < 0 ? r : out->right != 0;
}

/* The login as it is; under the name of its domain's master; with the default domain. 1 and where it was found, 0 or negative. */
static int
search(const struct login_view *view, const struct login_options *options, const struct login_service *service, struct folded *login,
       struct holders *out, struct login_identity *identity)
{
	struct login_domain domain;
	struct folded other;
	int r = find_holders(view, options, service, login, out);

	if (r != 0)
		return r;
	if (login->domain.len == 0) {
		if (options->default_domain.len == 0 || join(folded_local(login), options->default_domain, &other) < 0)
			return 0;
		login_say(view, NULL, "a word: default-domain makes it %.*s", SPAN_ARGS(folded_span(&other)));
		identity->by_default_domain = true;
	} else {
		if (!options->by_replica)
			return 0;
		r = login_domain_at(view, login->domain, &domain);
		if (r <= 0 || domain.master.len == 0)
			return r;
		if (join(folded_local(login), domain.master, &other) < 0)
			return 0;
		login_say(view, NULL, "%.*s is a replica: the login stands for %.*s", SPAN_ARGS(login->domain),
		          SPAN_ARGS(folded_span(&other)));
		identity->by_replica = true;
	}
	memcpy(login->octets, other.octets, other.len);
	login->len = other.len;
	login->domain = span_from(login->octets + (other.len - other.domain.len), other.domain.len);
	return find_holders(view, options, service, login, out);
}

/* --- 4. mailboxes ------------------------------------------------------------------------------------------- */

/* Whether a user who logs in by this name opens the mailbox that is his. With default-domain, Cyrus's defaultdomain makes the same
 * name of the word. */
static bool
owns_mailbox(const struct login_options *options, const struct login_identity *identity)
{
	unsigned wanted = options->mailbox_name == LOGIN_MAILBOX_UID ? LOGIN_IS_UID : LOGIN_IS_ADDRESS;

	return (identity->claim.form & wanted) != 0 && !identity->by_replica &&
	       (!identity->by_default_domain || options->mailbox_name == LOGIN_MAILBOX_ADDRESS);
}

/* --- together ----------------------------------------------------------------------------------------------- */

static enum login_reason
choose(const struct login_view *view, const struct login_options *options, const struct login_service *service,
       const struct holders *holders, const struct login_identity *identity)
{
	if (!holders->served) {
		login_say(view, NULL, "who holds it may not use this service");
		return LOGIN_NOT_SERVED;
	}
	if (holders->count > 1) {
		login_say(view, NULL, "%zu entries hold it with the same right: none of them may log in by it", holders->count);
		return LOGIN_AMBIGUOUS;
	}
	if (service->mailbox && identity->claim.kind == LOGIN_USER && !owns_mailbox(options, identity)) {
		login_say(view, NULL, "the mailbox has another name: it is called by the %s (mailbox-name)",
		          options->mailbox_name == LOGIN_MAILBOX_UID ? "uid of the entry's name" : "mail address");
		return LOGIN_OTHER_FORM;
	}
	return LOGIN_FINE;
}

int
login_identify(const struct login_view *view, const struct login_options *options, const struct login_question *question,
               struct login_identity *out, enum login_reason *out_reason)
{
	const struct login_service *service = login_service_of(options, question->service);
	struct folded login;
	struct holders holders;
	int r = fold_question(view, options, question, &login);

	if (r == -EINVAL) {
		login_say(view, NULL, "no entry can have this login");
		*out_reason = LOGIN_MALFORMED;
		return 0;
	}
	out->by_replica = out->by_default_domain = false;
	if (r == 0)
		r = search(view, options, service, &login, &holders, out);
	if (r < 0)
		return r;
	*out_reason = LOGIN_UNKNOWN;
	if (r == 0)
		return 0;
	memcpy(out->login, login.octets, login.len);
	out->login_len = login.len;
	out->claim = holders.first;
	*out_reason = choose(view, options, service, &holders, out);
	return *out_reason == LOGIN_FINE;
}

/* --- 5. the entry's state -------------------------------------------------------------------------------- */

static bool
is_locked(const struct login_options *options, const struct secret_entry *entry, uint64_t now)
{
	if ((entry->flags & SECRET_LOCKED) != 0)
		return true;
	return entry->locked_since != 0 &&
	       (options->lockout_duration == 0 || now < entry->locked_since || now - entry->locked_since < options->lockout_duration);
}

enum login_reason
login_state(const struct login_options *options, struct span service, const struct secret_entry *entry, bool domain_suspended,
            uint64_t now)
{
	const struct login_service *row = login_service_of(options, service);

	if (row != NULL && row->mailbox && entry->kind == LOGIN_USER && (entry->flags & SECRET_HAS_MAILBOX) == 0)
		return LOGIN_NO_MAILBOX;
	if (options->refuse_suspended_users && (entry->flags & SECRET_SUSPENDED) != 0)
		return LOGIN_SUSPENDED;
	if (options->refuse_suspended_domains && domain_suspended)
		return LOGIN_DOMAIN_SUSPENDED;
	if ((entry->flags & SECRET_FTP_REFUSED) != 0 && span_is_nocase(service, SPAN("ftp")))
		return LOGIN_FTP_DISABLED;
	if (is_locked(options, entry, now))
		return LOGIN_ACCOUNT_LOCKED;
	if (entry->starts != 0 && now < entry->starts)
		return LOGIN_NOT_YET;
	return entry->ends != 0 && now >= entry->ends ? LOGIN_EXPIRED : LOGIN_FINE;
}
