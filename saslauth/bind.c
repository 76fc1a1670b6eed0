/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 */
#include <config.h>

#include "saslauth/bind.h"

#include <errno.h>
#include <ldap.h>
#include <pthread.h>
#include <time.h>

struct bind {
	char **uris;
	size_t uri_count;
	bool starttls;
	char *ca_file, *cert_file, *key_file; /* NULL: none */
	uint64_t timeout;                     /* seconds */
};

static int
copy(const char *from, char **out)
{
	if (from == NULL)
		return 0;
	*out = strdup(from);
	return *out != NULL ? 0 : -ENOMEM;
}

int
bind_new(const struct saslauthd_settings *s, struct bind **out, struct text *why)
{
	struct bind *bind = calloc(1, sizeof(*bind));
	int version, r = 0;

	if (bind == NULL)
		return -ENOMEM;
	if (s->ldap_uri.count == 0) {
		text_put(why, "[ldap] uri is not set: nobody can be asked\n");
		r = -EINVAL;
	}
	/* The library sets itself up with the first call, which must not be that of two threads. */
	(void)ldap_get_option(NULL, LDAP_OPT_PROTOCOL_VERSION, &version);
	bind->starttls = s->ldap_starttls;
	bind->timeout = s->ldap_timeout;
	bind->uris = calloc(s->ldap_uri.count + 1, sizeof(*bind->uris));
	if (bind->uris == NULL)
		r = -ENOMEM;
	for (size_t i = 0; r == 0 && i < s->ldap_uri.count; i++) {
		r = copy(s->ldap_uri.items[i], &bind->uris[i]);
		bind->uri_count = i + 1;
	}
	if (r == 0)
		r = copy(s->ldap_ca_file, &bind->ca_file);
	if (r == 0)
		r = copy(s->ldap_cert_file, &bind->cert_file);
	if (r == 0)
		r = copy(s->ldap_key_file, &bind->key_file);
	if (r < 0) {
		bind_free(bind);
		return r;
	}
	*out = bind;
	return 0;
}

void
bind_free(struct bind *bind)
{
	if (bind == NULL)
		return;
	for (size_t i = 0; i < bind->uri_count; i++)
		free(bind->uris[i]);
	free(bind->uris);
	free(bind->ca_file);
	free(bind->cert_file);
	free(bind->key_file);
	free(bind);
}

static bool
set_options(const struct bind *bind, LDAP *ld, bool is_secure)
{
	static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;
	const struct timeval timeout = { (time_t)bind->timeout, 0 };
	int version = LDAP_VERSION3, r, require = LDAP_OPT_X_TLS_HARD, oldest = LDAP_OPT_X_TLS_PROTOCOL_TLS1_2, client = 0;

	if (ldap_set_option(ld, LDAP_OPT_PROTOCOL_VERSION, &version) != 0 ||
	    ldap_set_option(ld, LDAP_OPT_REFERRALS, LDAP_OPT_OFF) != 0 || ldap_set_option(ld, LDAP_OPT_RESTART, LDAP_OPT_ON) != 0 ||
	    ldap_set_option(ld, LDAP_OPT_NETWORK_TIMEOUT, &timeout) != 0 || ldap_set_option(ld, LDAP_OPT_TIMEOUT, &timeout) != 0)
		return false;
	if (!is_secure)
		return true;
	if (bind->ca_file != NULL && ldap_set_option(ld, LDAP_OPT_X_TLS_CACERTFILE, bind->ca_file) != 0)
		return false;
	if (bind->cert_file != NULL && ldap_set_option(ld, LDAP_OPT_X_TLS_CERTFILE, bind->cert_file) != 0)
		return false;
	if (bind->key_file != NULL && ldap_set_option(ld, LDAP_OPT_X_TLS_KEYFILE, bind->key_file) != 0)
		return false;
	if (ldap_set_option(ld, LDAP_OPT_X_TLS_REQUIRE_CERT, &require) != 0 ||
	    ldap_set_option(ld, LDAP_OPT_X_TLS_PROTOCOL_MIN, &oldest) != 0)
		return false;
	pthread_mutex_lock(&one_at_a_time);
	r = ldap_set_option(ld, LDAP_OPT_X_TLS_NEWCTX, &client);
	pthread_mutex_unlock(&one_at_a_time);
	return r == 0;
}

/* What the server's code means: 1, 0, or negative when it does not say anything about the password. */
static int
verdict_of(int code)
{
	switch (code) {
	case LDAP_SUCCESS:
		return 1;
	case LDAP_INVALID_CREDENTIALS:
	case LDAP_NO_SUCH_OBJECT:
	case LDAP_INAPPROPRIATE_AUTH: /* no password there */
	case LDAP_INVALID_DN_SYNTAX:
		return 0;
	default:
		return -EIO;
	}
}

/* The reply to a bind that was sent, within the timeout. */
static int
wait_for_reply(const struct bind *bind, LDAP *ld, int id)
{
	struct timeval timeout = { (time_t)bind->timeout, 0 };
	LDAPMessage *reply = NULL;
	int code = LDAP_OTHER, r = ldap_result(ld, id, LDAP_MSG_ALL, &timeout, &reply);

	if (r <= 0)
		return -ETIMEDOUT;
	r = ldap_parse_result(ld, reply, &code, NULL, NULL, NULL, NULL, 1);
	return r == LDAP_SUCCESS ? verdict_of(code) : -EIO;
}

static int
ask(const struct bind *bind, const char *uri, const char *dn, struct span password)
{
	struct berval credentials = { .bv_len = password.len };
	bool is_ldap = strncasecmp(uri, "ldap://", 7) == 0, is_ldaps = strncasecmp(uri, "ldaps://", 8) == 0;
	LDAP *ld = NULL;
	int id = -1, r = -EIO;

	if (ldap_initialize(&ld, uri) != LDAP_SUCCESS)
		return -EIO;
	credentials.bv_val = malloc(password.len + 1);
	if (credentials.bv_val == NULL)
		r = -ENOMEM;
	else if (set_options(bind, ld, is_ldaps || (is_ldap && bind->starttls)) &&
	         (!is_ldap || !bind->starttls || ldap_start_tls_s(ld, NULL, NULL) == LDAP_SUCCESS)) {
		memcpy(credentials.bv_val, password.data, password.len);
		if (ldap_sasl_bind(ld, dn, LDAP_SASL_SIMPLE, &credentials, NULL, NULL, &id) == LDAP_SUCCESS)
			r = wait_for_reply(bind, ld, id);
	}
	if (credentials.bv_val != NULL)
		explicit_bzero(credentials.bv_val, password.len);
	free(credentials.bv_val);
	ldap_unbind_ext(ld, NULL, NULL);
	return r;
}

int
bind_check(void *context, struct span dn, struct span password)
{
	const struct bind *bind = context;
	struct timespec begun, now;
	int r = -EIO;
	char *name;

	/* Without either a bind succeeds as nobody. */
	if (dn.len == 0 || password.len == 0 || memchr(dn.data, '\0', dn.len) != NULL)
		return 0;
	name = strndup(dn.data, dn.len);
	if (name == NULL)
		return -ENOMEM;
	clock_gettime(CLOCK_MONOTONIC, &begun);
	for (size_t i = 0; r < 0 && i < bind->uri_count; i++) {
		r = ask(bind, bind->uris[i], name, password);
		clock_gettime(CLOCK_MONOTONIC, &now);
		/* Who waits does not wait for one dead server after the other. */
		if ((uint64_t)(now.tv_sec - begun.tv_sec) >= bind->timeout)
			break;
	}
	free(name);
	return r;
}
