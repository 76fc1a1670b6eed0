/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * What is done with libldap until a connection is usable: TLS, bind, and the questions which database
 * is behind it.
 */
#include <config.h>

#include "cache/connection.h"

#include "cache/certificate.h"
#include "cache/connection_parts.h"
#include "cache/sync_words.h"
#include "cache/syncmsg.h"

#include <errno.h>
#include <fcntl.h>
#include <ldap.h>
#include <netdb.h>
#include <openldap.h>
#include <stdio.h>
#include <sys/stat.h>

enum {
	PASSWORD_MAX = 4096,
	PARENTS_MAX = 32,               /* steps up from the base in search of contextCSN */
	MESSAGE_MAX = 64 * 1024 * 1024, /* octets of one LDAP message */
	READ_AHEAD = 64 * 1024,         /* otherwise libldap reads each message by two calls */
};

void
connection_wake_libldap(void)
{
	int version;

	ldap_get_option(NULL, LDAP_OPT_PROTOCOL_VERSION, &version);
}

static struct span
diagnostic(LDAP *ld, char **out_message)
{
	char *message = NULL;

	if (ldap_get_option(ld, LDAP_OPT_DIAGNOSTIC_MESSAGE, &message) != LDAP_OPT_SUCCESS)
		message = NULL;
	*out_message = message;
	return message != NULL ? span_of(message) : SPAN("");
}

static int
fail(struct connection_attempt *a, LDAP *ld, enum sync_words_step step, int code)
{
	struct sync_words_scene scene = {
		.step = step,
		.uri = a->uri,
		.identity = a->connection != NULL && a->connection->identity.len > 0
		                    ? text_str(&a->connection->identity)
		                    : a->bind_dn,
		.base = a->base,
		.sasl_mech = a->sasl_mech,
		.password_file = a->password_file,
	};
	char *message;
	struct span text = diagnostic(ld, &message);

	/* What libldap makes up without a message of the server's has at least a name. */
	if (text.len == 0 && code < 0 && code != LDAP_CODE_SERVER_DOWN && code != LDAP_CODE_TIMED_OUT)
		text = span_of(ldap_err2string(code));
	sync_words_result(&a->why, &scene, code, text);
	ldap_memfree(message);
	return -EIO;
}

/* Sets what must not depend on ldap.conf or on libldap's idea of a good default. */
static bool
set_options(struct connection_attempt *a, LDAP *ld)
{
	struct timeval timeout = { .tv_sec = a->timeout };
	int version = LDAP_VERSION3, deref = LDAP_DEREF_NEVER;
	ber_len_t longest = MESSAGE_MAX;
	int ahead = READ_AHEAD;
	Sockbuf *buffer = NULL;

	return ldap_set_option(ld, LDAP_OPT_PROTOCOL_VERSION, &version) == 0 &&
	       ldap_set_option(ld, LDAP_OPT_REFERRALS, LDAP_OPT_OFF) == 0 &&
	       ldap_set_option(ld, LDAP_OPT_RESTART, LDAP_OPT_ON) == 0 &&
	       ldap_set_option(ld, LDAP_OPT_DEREF, &deref) == 0 &&
	       ldap_set_option(ld, LDAP_OPT_NETWORK_TIMEOUT, &timeout) == 0 &&
	       ldap_set_option(ld, LDAP_OPT_TIMEOUT, &timeout) == 0 &&
	       ldap_get_option(ld, LDAP_OPT_SOCKBUF, &buffer) == 0 &&
	       ber_sockbuf_ctrl(buffer, LBER_SB_OPT_SET_MAX_INCOMING, &longest) > 0 &&
	       ber_sockbuf_add_io(buffer, &ber_sockbuf_io_readahead, LBER_SBIOD_LEVEL_PROVIDER,
	                          &ahead) == 0;
}

static int
set_tls_options(struct connection_attempt *a, LDAP *ld, int require)
{
	static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;
	const struct {
		int option;
		const char *file;
		const char *what;
	} files[] = {
		{ LDAP_OPT_X_TLS_CACERTFILE, a->ca_file, "ca-file" },
		{ LDAP_OPT_X_TLS_CERTFILE, a->cert_file, "cert-file" },
		{ LDAP_OPT_X_TLS_KEYFILE, a->key_file, "key-file" },
	};
	int client = 0, oldest = LDAP_OPT_X_TLS_PROTOCOL_TLS1_2, r;

	for (size_t i = 0; i < array_size(files); i++) {
		if (files[i].file == NULL)
			continue;
		if (access(files[i].file, R_OK) < 0) {
			r = -errno;
			text_putf(&a->why, "%s: %s %s cannot be read: %s", a->uri, files[i].what,
			          files[i].file, strerror(-r));
			return r;
		}
		ldap_set_option(ld, files[i].option, files[i].file);
	}
	ldap_set_option(ld, LDAP_OPT_X_TLS_REQUIRE_CERT, &require);
	ldap_set_option(ld, LDAP_OPT_X_TLS_PROTOCOL_MIN, &oldest);
	pthread_mutex_lock(&one_at_a_time);
	r = ldap_set_option(ld, LDAP_OPT_X_TLS_NEWCTX, &client);
	pthread_mutex_unlock(&one_at_a_time);
	if (r != LDAP_OPT_SUCCESS) {
		text_putf(&a->why, "%s: TLS cannot be set up: is %s a PEM file?", a->uri,
		          a->ca_file != NULL     ? a->ca_file
		          : a->cert_file != NULL ? a->cert_file
		                                 : "TLS_CACERT of ldap.conf");
		return -EINVAL;
	}
	return 0;
}

static int
handshake(LDAP *ld)
{
	int r;

	/* Without this libldap 2.5 spins over a socket that is not ready, and knows no timeout. */
	ldap_set_option(ld, LDAP_OPT_CONNECT_ASYNC, LDAP_OPT_ON);
	r = ldap_install_tls(ld);
	ldap_set_option(ld, LDAP_OPT_CONNECT_ASYNC, LDAP_OPT_OFF);
	return r;
}

static int
ask_starttls(struct connection_attempt *a, LDAP *ld)
{
	struct berval *value = NULL;
	char *oid = NULL;
	int r = ldap_extended_operation_s(ld, LDAP_EXOP_START_TLS, NULL, NULL, NULL, &oid, &value);

	ldap_memfree(oid);
	ber_bvfree(value);
	return r == LDAP_SUCCESS ? 0 : fail(a, ld, SYNC_WORDS_STARTTLS, r);
}

/* Connects and leaves a libldap handle in *OUT that has sent nothing yet. */
static int
reach(struct connection_attempt *a, const LDAPURLDesc *url, LDAP **out, int *out_fd)
{
	bool local = strcmp(url->lud_scheme, "ldapi") == 0;
	bool tls = strcmp(url->lud_scheme, "ldaps") == 0;
	const char *host = url->lud_host != NULL ? url->lud_host : "";
	int port = url->lud_port != 0 ? url->lud_port : tls ? LDAPS_PORT : LDAP_PORT;
	LDAP *ld = NULL;
	int fd, r;

	if (local)
		fd = connection_socket_unix(a, *host != '\0' ? host : CONNECTION_LDAPI_PATH);
	else
		fd = connection_socket_host(a, *host != '\0' ? host : "localhost", (unsigned)port);
	if (fd < 0)
		return fd;
	r = ldap_init_fd(fd, local ? LDAP_PROTO_IPC : LDAP_PROTO_TCP, a->uri, &ld);
	if (r != LDAP_SUCCESS) {
		close(fd);
		text_putf(&a->why, "%s: %s", a->uri, ldap_err2string(r));
		return -EINVAL;
	}
	if (!set_options(a, ld)) {
		ldap_unbind_ext(ld, NULL, NULL);
		text_putf(&a->why, "%s: libldap refuses an option", a->uri);
		return -EINVAL;
	}
	*out = ld;
	*out_fd = fd;
	return 0;
}

/* The name that libldap looks for in the certificate: it takes "localhost" for this machine's own name. */
static void
certificate_host(const LDAPURLDesc *url, char *out, size_t size)
{
	const char *host = url->lud_host != NULL && *url->lud_host != '\0' ? url->lud_host : "localhost";

	if (strcasecmp(host, "localhost") != 0 || gethostname(out, size) < 0)
		snprintf(out, size, "%s", host);
	out[size - 1] = '\0';
}

/* Looks at the certificate of a server that was just refused. Nothing but the handshake is sent over this
 * connection. */
static void
explain_certificate(struct connection_attempt *a, const LDAPURLDesc *url, struct text *out)
{
	struct text kept = a->why;
	struct berval der = { 0, NULL };
	char host[NI_MAXHOST];
	LDAP *ld = NULL;
	int fd;

	certificate_host(url, host, sizeof(host));
	a->why = TEXT_INIT;
	if (reach(a, url, &ld, &fd) == 0) {
		if (set_tls_options(a, ld, LDAP_OPT_X_TLS_NEVER) == 0 &&
		    (!a->starttls || ask_starttls(a, ld) == 0) && handshake(ld) == LDAP_SUCCESS &&
		    ldap_get_option(ld, LDAP_OPT_X_TLS_PEERCERT, &der) == LDAP_OPT_SUCCESS &&
		    der.bv_val != NULL) {
			certificate_explain(span_from(der.bv_val, der.bv_len), host, a->ca_file, out);
			ldap_memfree(der.bv_val);
		}
		ldap_unbind_ext(ld, NULL, NULL);
	}
	text_free(&a->why);
	a->why = kept;
}

static int
secure(struct connection_attempt *a, LDAP *ld, const LDAPURLDesc *url)
{
	struct text reason = TEXT_INIT;
	char *message;
	struct span text;
	int r = set_tls_options(a, ld, LDAP_OPT_X_TLS_HARD);

	if (r < 0)
		return r;
	if (a->starttls) {
		r = ask_starttls(a, ld);
		if (r < 0)
			return r;
	}
	r = handshake(ld);
	if (r == LDAP_SUCCESS)
		return 0;
	if (r == LDAP_TIMEOUT) {
		text_putf(&a->why, "%s: no answer to the TLS handshake in time", a->uri);
		return -ETIMEDOUT;
	}
	text = diagnostic(ld, &message);
	explain_certificate(a, url, &reason);
	text_putf(&a->why, "%s: the TLS handshake failed", a->uri);
	if (reason.len > 0)
		text_putf(&a->why, ": %s", text_str(&reason));
	else if (text.len > 0 && !span_is(text, SPAN("(unknown error code)")))
		text_putf(&a->why, " (%.*s)", (int)text.len, text.data);
	else
		text_put(&a->why, "; the server's log may say why");
	ldap_memfree(message);
	text_free(&reason);
	return -EPROTO;
}

/* ---- bind ---- */

int
connection_read_password(const char *file, struct text *out, struct text *why)
{
	cleanup(close_fdp) int fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	char room[PASSWORD_MAX + 1];
	struct stat st;
	ssize_t n;

	if (fd < 0 || fstat(fd, &st) < 0) {
		int r = -errno;

		text_putf(why, "the password file %s cannot be read: %s", file, strerror(-r));
		return r;
	}
	if (!S_ISREG(st.st_mode) || (st.st_mode & S_IRWXO) != 0) {
		text_putf(why, S_ISREG(st.st_mode)
		          ? "the password file %s is open to everybody: chmod o= it first"
		          : "the password file %s is not a file", file);
		return -EPERM;
	}
	n = read(fd, room, sizeof(room));
	if (n > 0 && room[n - 1] == '\n')
		n--;
	if (n > 0 && room[n - 1] == '\r')
		n--;
	if (n <= 0 || n > PASSWORD_MAX) {
		text_putf(why, n <= 0 ? "the password file %s is empty"
		                      : "the password file %s is too long", file);
		explicit_bzero(room, sizeof(room));
		return -EINVAL;
	}
	text_put_span(out, span_from(room, (size_t)n));
	explicit_bzero(room, sizeof(room));
	return text_failed(out) ? -ENOMEM : 0;
}

static void
wipe(struct text *secret)
{
	if (secret->data != NULL)
		explicit_bzero(secret->data, secret->room);
	text_free(secret);
}

/* What Cyrus SASL hands to the callback of ldap_sasl_interactive_bind_s; its own header is not
 * needed for the little that is used here. */
struct sasl_question {
	unsigned long id;
	const char *challenge, *prompt, *standard;
	const void *answer;
	unsigned answer_len;
};

enum {
	SASL_LIST_END = 0,
	SASL_AUTHENTICATION_NAME = 0x4002,
	SASL_PASSWORD = 0x4004,
};

struct sasl_answers {
	const char *name;
	const struct text *password;
};

/* GSSAPI asks for nothing but an optional authorisation identity; mechanisms with a password get ours. */
static int
answer_sasl(LDAP *ld unused, unsigned flags unused, void *context, void *list)
{
	const struct sasl_answers *answers = context;

	for (struct sasl_question *q = list; q->id != SASL_LIST_END; q++) {
		struct span answer = q->standard != NULL ? span_of(q->standard) : SPAN("");

		if (q->id == SASL_AUTHENTICATION_NAME && answers->name != NULL)
			answer = span_of(answers->name);
		else if (q->id == SASL_PASSWORD)
			answer = text_span(answers->password);
		q->answer = answer.data;
		q->answer_len = (unsigned)answer.len;
	}
	return LDAP_SUCCESS;
}

static int
bind_sasl(struct connection_attempt *a, LDAP *ld, const struct text *password)
{
	struct sasl_answers answers = { a->bind_dn, password };
	struct berval none = { 0, (char[]){ "" } };
	int r;

	if (strcasecmp(a->sasl_mech, "EXTERNAL") == 0)
		/* A single message; does not need the SASL library. */
		r = ldap_sasl_bind_s(ld, NULL, "EXTERNAL", &none, NULL, NULL, NULL);
	else
		r = ldap_sasl_interactive_bind_s(ld, NULL, a->sasl_mech, NULL, NULL, LDAP_SASL_QUIET,
		                                 answer_sasl, &answers);
	return r == LDAP_SUCCESS ? 0 : fail(a, ld, SYNC_WORDS_BIND, r);
}

static int
bind_simple(struct connection_attempt *a, LDAP *ld, const struct text *password)
{
	struct berval secret = { password->len, password->data };
	int r = ldap_sasl_bind_s(ld, a->bind_dn, LDAP_SASL_SIMPLE, &secret, NULL, NULL, NULL);

	return r == LDAP_SUCCESS ? 0 : fail(a, ld, SYNC_WORDS_BIND, r);
}

/* Asks the server what it made of us (RFC 4532): the DN that its access rules will see. */
static void
learn_identity(struct connection_attempt *a, LDAP *ld)
{
	struct berval *identity = NULL;

	if (a->sasl_mech == NULL) {
		if (a->bind_dn != NULL)
			text_put(&a->connection->identity, a->bind_dn);
		return;
	}
	if (ldap_whoami_s(ld, &identity, NULL, NULL) == LDAP_SUCCESS && identity != NULL &&
	    identity->bv_len > 3 && strncasecmp(identity->bv_val, "dn:", 3) == 0)
		text_put_span(&a->connection->identity,
		              span_from(identity->bv_val + 3, identity->bv_len - 3));
	ber_bvfree(identity);
}

static int
authenticate(struct connection_attempt *a, LDAP *ld)
{
	struct text password = TEXT_INIT, reason = TEXT_INIT;
	int r = 0;

	if (a->bind_dn == NULL && a->sasl_mech == NULL)
		return 0;
	if (a->password_file != NULL) {
		/* Read anew each time: changing the password needs no restart. */
		r = connection_read_password(a->password_file, &password, &reason);
		if (r < 0)
			text_putf(&a->why, "%s: %s", a->uri, text_str(&reason));
	} else if (a->sasl_mech == NULL) {
		/* A name without a password is an anonymous bind in disguise (RFC 4513 5.1.2). */
		text_putf(&a->why, "%s: bind-dn is set, but bind-password-file is not", a->uri);
		r = -EINVAL;
	}
	if (r == 0)
		r = a->sasl_mech != NULL ? bind_sasl(a, ld, &password) : bind_simple(a, ld, &password);
	wipe(&password);
	text_free(&reason);
	if (r == 0)
		learn_identity(a, ld);
	return r;
}

/* ---- the database ---- */

static int
read_one(struct connection_attempt *a, LDAP *ld, const char *dn, const char *const *names,
         LDAPMessage **out)
{
	struct timeval timeout = { .tv_sec = a->timeout };
	char *attributes[4] = { NULL };
	int r;

	for (size_t i = 0; names[i] != NULL; i++)
		attributes[i] = strdup(names[i]);
	r = ldap_search_ext_s(ld, dn, LDAP_SCOPE_BASE, "(objectClass=*)", attributes, 0, NULL, NULL,
	                      &timeout, 0, out);
	for (size_t i = 0; attributes[i] != NULL; i++)
		free(attributes[i]);
	return r;
}

static bool
has_value(struct berval **values, const char *value)
{
	for (size_t i = 0; values != NULL && values[i] != NULL; i++)
		if (strcmp(values[i]->bv_val, value) == 0)
			return true;
	return false;
}

/* The root DSE may be hidden; then the search itself will tell. */
static int
check_sync_offered(struct connection_attempt *a, LDAP *ld)
{
	static const char *const names[] = { "supportedControl", NULL };
	struct sync_words_scene scene = { .uri = a->uri, .base = a->base };
	struct berval **values = NULL;
	LDAPMessage *answer = NULL, *entry;
	int r = 0;

	if (read_one(a, ld, "", names, &answer) == LDAP_SUCCESS &&
	    (entry = ldap_first_entry(ld, answer)) != NULL)
		values = ldap_get_values_len(ld, entry, names[0]);
	if (values != NULL && !has_value(values, SYNCMSG_REQUEST_OID)) {
		sync_words_no_sync(&a->why, &scene);
		r = -EOPNOTSUPP;
	}
	ldap_value_free_len(values);
	ldap_msgfree(answer);
	return r;
}

/* Keeps the contextCSN values of ENTRY, which stands at DN. Returns whether there were any. */
static bool
keep_state(struct connection *c, LDAP *ld, LDAPMessage *entry, const char *dn)
{
	struct berval **values = ldap_get_values_len(ld, entry, "contextCSN");
	bool found = values != NULL && values[0] != NULL;

	if (found) {
		text_put(&c->context_dn, dn);
		text_put(&c->state, "csn=");
	}
	for (size_t i = 0; found && values[i] != NULL; i++) {
		if (i > 0)
			text_put_char(&c->state, ';');
		text_put_span(&c->state, span_from(values[i]->bv_val, values[i]->bv_len));
	}
	ldap_value_free_len(values);
	return found;
}

/* contextCSN stands at the suffix of the database, which may be an ancestor of the base. */
static void
find_state_above(struct connection_attempt *a, LDAP *ld)
{
	static const char *const names[] = { "contextCSN", NULL };
	LDAPDN rdns = NULL;
	bool found = false;

	if (ldap_str2dn(a->base, &rdns, LDAP_DN_FORMAT_LDAPV3) != LDAP_SUCCESS || rdns == NULL)
		return;
	for (size_t i = 1; !found && i < PARENTS_MAX && rdns[i - 1] != NULL && rdns[i] != NULL; i++) {
		LDAPMessage *answer = NULL, *entry;
		char *dn = NULL;

		if (ldap_dn2str(rdns + i, &dn, LDAP_DN_FORMAT_LDAPV3) == LDAP_SUCCESS &&
		    read_one(a, ld, dn, names, &answer) == LDAP_SUCCESS &&
		    (entry = ldap_first_entry(ld, answer)) != NULL)
			found = keep_state(a->connection, ld, entry, dn);
		ldap_msgfree(answer);
		ldap_memfree(dn);
	}
	ldap_dnfree(rdns);
}

static int
check_base(struct connection_attempt *a, LDAP *ld)
{
	static const char *const names[] = { "entryUUID", "contextCSN", NULL };
	struct connection *c = a->connection;
	struct sync_words_scene scene = {
		.step = SYNC_WORDS_BASE,
		.uri = a->uri,
		.identity = text_str(&c->identity),
		.base = a->base,
	};
	struct berval **values = NULL;
	LDAPMessage *answer = NULL, *entry = NULL;
	int r = read_one(a, ld, a->base, names, &answer);

	if (r != LDAP_SUCCESS) {
		r = fail(a, ld, SYNC_WORDS_BASE, r);
	} else if ((entry = ldap_first_entry(ld, answer)) == NULL) {
		sync_words_result(&a->why, &scene, LDAP_CODE_NO_SUCH_OBJECT, SPAN("an empty answer"));
		r = -EIO;
	} else {
		values = ldap_get_values_len(ld, entry, "entryUUID");
		if (values == NULL || values[0] == NULL ||
		    uuid_from_text(span_from(values[0]->bv_val, values[0]->bv_len), c->base_uuid) < 0) {
			sync_words_no_uuid(&a->why, &scene);
			r = -EACCES;
		}
	}
	if (r == 0 && !keep_state(c, ld, entry, a->base))
		find_state_above(a, ld);
	ldap_value_free_len(values);
	ldap_msgfree(answer);
	return r;
}

static int
set_up(struct connection_attempt *a, const LDAPURLDesc *url)
{
	struct connection *c = calloc(1, sizeof(*c));
	bool tls = strcmp(url->lud_scheme, "ldaps") == 0;
	int r;

	a->connection = c;
	if (c == NULL)
		return -ENOMEM;
	c->uri = a->uri_number;
	/* ldapi:// never leaves the machine, ldaps:// is secured already. */
	if (strcmp(url->lud_scheme, "ldap") != 0)
		a->starttls = false;
	r = reach(a, url, &c->ldap, &c->fd);
	if (r == 0 && (tls || a->starttls))
		r = secure(a, c->ldap, url);
	if (r == 0)
		r = authenticate(a, c->ldap);
	if (r == 0 && a->sync)
		r = check_sync_offered(a, c->ldap);
	if (r == 0)
		r = check_base(a, c->ldap);
	return r;
}

int
connection_set_up(struct connection_attempt *a)
{
	LDAPURLDesc *url = NULL;
	int r;

	if (ldap_url_parse(a->uri, &url) != LDAP_URL_SUCCESS) {
		text_putf(&a->why, "%s: not a URI of the form ldap://host:port, ldaps://host:port or "
		                   "ldapi://path", a->uri);
		return -EINVAL;
	}
	r = set_up(a, url);
	ldap_free_urldesc(url);
	if (r < 0) {
		connection_close(a->connection);
		a->connection = NULL;
		if (a->why.len == 0)
			text_putf(&a->why, "%s: %s", a->uri, strerror(-r));
	}
	return r;
}

void
connection_close(struct connection *c)
{
	if (c == NULL)
		return;
	ber_free(c->partial, 1);
	if (c->ldap != NULL)
		ldap_unbind_ext(c->ldap, NULL, NULL);
	text_free(&c->identity);
	text_free(&c->context_dn);
	text_free(&c->state);
	free(c);
}

void
connection_closep(struct connection **connection)
{
	connection_close(*connection);
}
