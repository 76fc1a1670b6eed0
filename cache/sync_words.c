/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 */
#include <config.h>

#include "cache/sync_words.h"

static const struct {
	int code;
	const char *name;
} code_names[] = {
	{ LDAP_CODE_PROTOCOL_ERROR, "protocolError" },
	{ LDAP_CODE_TIME_LIMIT, "timeLimitExceeded" },
	{ LDAP_CODE_SIZE_LIMIT, "sizeLimitExceeded" },
	{ LDAP_CODE_AUTH_METHOD, "authMethodNotSupported" },
	{ LDAP_CODE_STRONGER_AUTH, "strongerAuthRequired" },
	{ LDAP_CODE_REFERRAL, "referral" },
	{ LDAP_CODE_ADMIN_LIMIT, "adminLimitExceeded" },
	{ LDAP_CODE_CRITICAL_EXTENSION, "unavailableCriticalExtension" },
	{ LDAP_CODE_CONFIDENTIALITY, "confidentialityRequired" },
	{ LDAP_CODE_NO_SUCH_OBJECT, "noSuchObject" },
	{ LDAP_CODE_INVALID_DN, "invalidDNSyntax" },
	{ LDAP_CODE_INAPPROPRIATE_AUTH, "inappropriateAuthentication" },
	{ LDAP_CODE_INVALID_CREDENTIALS, "invalidCredentials" },
	{ LDAP_CODE_INSUFFICIENT_ACCESS, "insufficientAccessRights" },
	{ LDAP_CODE_BUSY, "busy" },
	{ LDAP_CODE_UNAVAILABLE, "unavailable" },
	{ LDAP_CODE_UNWILLING, "unwillingToPerform" },
	{ LDAP_CODE_REFRESH_REQUIRED, "e-syncRefreshRequired" },
};

static bool
is_set(const char *string)
{
	return string != NULL && *string != '\0';
}

static const char *
or_nothing(const char *string)
{
	return string != NULL ? string : "";
}

/* "the directory at URI" begins every sentence, so that a log of several servers can be read. */
static void
put_uri(struct text *out, const struct sync_words_scene *scene)
{
	text_putf(out, "%s: ", or_nothing(scene->uri));
}

static void
put_code(struct text *out, int code, struct span server_text)
{
	const char *name = NULL;

	for (size_t i = 0; i < array_size(code_names); i++)
		if (code_names[i].code == code)
			name = code_names[i].name;
	if (code < 0 && server_text.len == 0)
		return;
	text_put(out, " (");
	if (name != NULL)
		text_putf(out, "%d %s", code, name);
	else if (code >= 0)
		text_putf(out, "result %d", code);
	if (server_text.len > 0) {
		if (code >= 0)
			text_put(out, ": ");
		text_put_span(out, server_text);
	}
	text_put_char(out, ')');
}

/* Who slapd has to give the right to: the "by" part of an access line, the "who" of a limits line. */
static void
put_who(struct text *out, const struct sync_words_scene *scene)
{
	if (is_set(scene->identity))
		text_putf(out, "dn.exact=\"%s\"", scene->identity);
	else
		text_put(out, "anonymous");
}

static void
put_access_line(struct text *out, const struct sync_words_scene *scene)
{
	text_put(out, "`access to * by ");
	put_who(out, scene);
	text_put(out, " read by * break` as the first access line of this database in slapd's configuration");
}

static void
put_limits_line(struct text *out, const struct sync_words_scene *scene)
{
	text_put(out, "`limits ");
	put_who(out, scene);
	text_put(out, " size=unlimited time=unlimited`");
}

static void
put_bind_words(struct text *out, const struct sync_words_scene *scene, int code)
{
	switch (code) {
	case LDAP_CODE_INVALID_CREDENTIALS:
		if (is_set(scene->sasl_mech))
			text_putf(out, "the server does not accept who we are by SASL %s: check the credentials "
			               "and slapd's authz-regexp", scene->sasl_mech);
		else
			text_putf(out, "the server refuses \"%s\" with the password in %s: correct bind-dn or "
			               "bind-password-file in [ldap]",
			          or_nothing(scene->identity), or_nothing(scene->password_file));
		break;
	case LDAP_CODE_AUTH_METHOD:
		text_putf(out, "the server does not offer SASL %s", or_nothing(scene->sasl_mech));
		if (scene->sasl_mech != NULL && strcmp(scene->sasl_mech, "EXTERNAL") == 0)
			text_put(out, " here: it needs ldapi:// or a client certificate");
		break;
	case LDAP_CODE_STRONGER_AUTH:
	case LDAP_CODE_CONFIDENTIALITY:
		text_put(out, "the server takes no password over an unprotected connection: set starttls = yes "
		              "in [ldap], or use ldaps://");
		break;
	case LDAP_CODE_INAPPROPRIATE_AUTH:
		text_putf(out, "the server does not let \"%s\" bind this way (no password there, or anonymous binds "
		               "are forbidden)", or_nothing(scene->identity));
		break;
	case LDAP_CODE_TIMED_OUT:
		text_put(out, "no answer to the bind in time");
		break;
	case LDAP_CODE_SERVER_DOWN:
		text_put(out, "the server closed the connection during the bind");
		break;
	default:
		if (is_set(scene->sasl_mech))
			text_putf(out, "the SASL %s bind failed", scene->sasl_mech);
		else
			text_putf(out, "the bind as \"%s\" failed", or_nothing(scene->identity));
		break;
	}
}

static void
put_search_words(struct text *out, const struct sync_words_scene *scene, int code)
{
	switch (code) {
	case LDAP_CODE_SIZE_LIMIT:
	case LDAP_CODE_TIME_LIMIT:
	case LDAP_CODE_ADMIN_LIMIT:
		text_putf(out, "the server stopped after %zu entries because of its %s limit; nothing is removed "
		               "on the ground of a partial answer. Add ",
		          scene->entries,
		          code == LDAP_CODE_SIZE_LIMIT   ? "size"
		          : code == LDAP_CODE_TIME_LIMIT ? "time"
		                                         : "administrative");
		put_limits_line(out, scene);
		text_put(out, " to the database in slapd's configuration");
		break;
	case LDAP_CODE_CRITICAL_EXTENSION:
		text_putf(out, "the database that holds \"%s\" has no syncprov overlay: add `overlay syncprov` to "
		               "it (and `moduleload syncprov`) in slapd's configuration",
		          or_nothing(scene->base));
		break;
	case LDAP_CODE_NO_SUCH_OBJECT:
		text_putf(out, "there is no \"%s\", or ", or_nothing(scene->base));
		put_who(out, scene);
		text_put(out, " may not see it: correct base in [ldap], or add ");
		put_access_line(out, scene);
		break;
	case LDAP_CODE_INSUFFICIENT_ACCESS:
	case LDAP_CODE_INAPPROPRIATE_AUTH:
		put_who(out, scene);
		text_putf(out, " may not read \"%s\": add ", or_nothing(scene->base));
		put_access_line(out, scene);
		break;
	case LDAP_CODE_INVALID_DN:
		text_putf(out, "the server takes \"%s\" for no DN: correct base in [ldap]", or_nothing(scene->base));
		break;
	case LDAP_CODE_FILTER:
		text_put(out, "the search filter is not a valid LDAP filter: correct filter in [ldap]");
		break;
	case LDAP_CODE_STRONGER_AUTH:
	case LDAP_CODE_CONFIDENTIALITY:
		text_put(out, "the server wants a protected or an authenticated connection: set starttls, bind-dn or "
		              "sasl-mech in [ldap]");
		break;
	case LDAP_CODE_REFERRAL:
		text_putf(out, "the server does not hold \"%s\" and names another one; put that into uri in [ldap]",
		          or_nothing(scene->base));
		break;
	case LDAP_CODE_REFRESH_REQUIRED:
		text_put(out, "the server cannot go on from where we left off; everything is read again");
		break;
	case LDAP_CODE_SERVER_DOWN:
		text_put(out, "the connection was lost");
		break;
	case LDAP_CODE_TIMED_OUT:
		text_put(out, "no answer in time");
		break;
	case LDAP_CODE_SUCCESS:
		text_put(out, "the server ended the search, though it was asked to go on with changes");
		break;
	default:
		text_put(out, "the server refused the search");
		break;
	}
}

void
sync_words_result(struct text *out, const struct sync_words_scene *scene, int code,
                  struct span server_text)
{
	put_uri(out, scene);
	switch (code) {
	case LDAP_CODE_BUSY:
	case LDAP_CODE_UNAVAILABLE:
		text_put(out, "the server is busy or shutting down");
		break;
	default:
		switch (scene->step) {
		case SYNC_WORDS_STARTTLS:
			if (code == LDAP_CODE_PROTOCOL_ERROR || code == LDAP_CODE_UNWILLING)
				text_put(out, "the server does not offer StartTLS: give it a certificate "
				              "(TLSCertificateFile, TLSCertificateKeyFile), or use ldaps://");
			else
				text_put(out, "StartTLS failed");
			break;
		case SYNC_WORDS_BIND:
			put_bind_words(out, scene, code);
			break;
		case SYNC_WORDS_BASE:
		case SYNC_WORDS_SEARCH:
			put_search_words(out, scene, code);
			break;
		}
		break;
	}
	put_code(out, code, server_text);
}

void
sync_words_empty(struct text *out, const struct sync_words_scene *scene)
{
	put_uri(out, scene);
	text_putf(out, "the server shows no entry below \"%s\" to ", or_nothing(scene->base));
	put_who(out, scene);
	text_put(out, ". An empty answer never empties the cache. Correct filter in [ldap], or add ");
	put_access_line(out, scene);
}

void
sync_words_no_uuid(struct text *out, const struct sync_words_scene *scene)
{
	put_uri(out, scene);
	put_who(out, scene);
	text_putf(out, " may see \"%s\", but not its entryUUID, and so not follow it: add ",
	          or_nothing(scene->base));
	put_access_line(out, scene);
}

void
sync_words_no_sync(struct text *out, const struct sync_words_scene *scene)
{
	put_uri(out, scene);
	text_put(out, "the server does not offer content synchronisation (RFC 4533, control "
	              "1.3.6.1.4.1.4203.1.9.1.1): add `moduleload syncprov` and, to the database that holds ");
	text_putf(out, "\"%s\", `overlay syncprov` in slapd's configuration", or_nothing(scene->base));
}
