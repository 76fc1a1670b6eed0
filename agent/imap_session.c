/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 */
#include <config.h>

/* Before ours: OpenSSL's headers spell out attributes that macro.h has short names for. */
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "agent/imap_session.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

enum { READ_OCTETS = 16384 };

#define DEFAULT_PORT "143"

struct imap_session {
	const char *server; /* the caller's, for sentences */
	int timeout;        /* milliseconds */
	int fd;
	SSL_CTX *tls_context;
	SSL *tls;
	struct text input;
	size_t taken;       /* of input: given out already */
	unsigned number;    /* of the last command */
	bool serves, initial_response;
};

static int
fail(struct imap_session *s, int error, struct text *why, const char *what)
{
	s->serves = false;
	text_putf(why, "%s: %s", s->server, what);
	return error;
}

/* --- octets ------------------------------------------------------------------------------------------------------------ */

/* Waits until the socket is ready: 0 or an error. */
static int
wait_for(struct imap_session *s, short events, struct text *why)
{
	struct pollfd pollfd = { .fd = s->fd, .events = events };
	int r;

	do
		r = poll(&pollfd, 1, s->timeout);
	while (r < 0 && errno == EINTR);
	if (r == 0)
		return fail(s, -EAGAIN, why, "no answer in time");
	return r < 0 ? fail(s, -EAGAIN, why, strerror(errno)) : 0;
}

/* Whether a call of OpenSSL's is to be made again: 1 once the socket is ready, or an error. */
static int
wait_for_tls(struct imap_session *s, int result, struct text *why)
{
	char words[256];
	int r;

	switch (SSL_get_error(s->tls, result)) {
	case SSL_ERROR_WANT_READ:
		r = wait_for(s, POLLIN, why);
		return r < 0 ? r : 1;
	case SSL_ERROR_WANT_WRITE:
		r = wait_for(s, POLLOUT, why);
		return r < 0 ? r : 1;
	case SSL_ERROR_ZERO_RETURN:
	case SSL_ERROR_SYSCALL:
		return fail(s, -EAGAIN, why, "the server ended the connection");
	default:
		ERR_error_string_n(ERR_get_error(), words, sizeof(words));
		return fail(s, -EPROTO, why, words);
	}
}

static int
send_all(struct imap_session *s, struct span octets, struct text *why)
{
	while (octets.len > 0) {
		ssize_t n;
		int r;

		if (s->tls != NULL) {
			n = SSL_write(s->tls, octets.data, octets.len < INT32_MAX ? (int)octets.len : INT32_MAX);
			r = n > 0 ? 0 : wait_for_tls(s, (int)n, why);
		} else {
			n = send(s->fd, octets.data, octets.len, MSG_NOSIGNAL);
			r = n >= 0 || errno == EINTR ? 0
			    : errno == EAGAIN        ? wait_for(s, POLLOUT, why)
			                             : fail(s, -EAGAIN, why, strerror(errno));
		}
		if (r < 0)
			return r;
		if (n > 0)
			octets = span_skip(octets, (size_t)n);
	}
	return 0;
}

/* Reads what there is, at least one octet. */
static int
receive(struct imap_session *s, struct text *why)
{
	char *room;

	/* What was given out makes room. */
	if (s->taken > 0) {
		memmove(s->input.data, s->input.data + s->taken, s->input.len - s->taken);
		s->input.len -= s->taken;
		s->taken = 0;
	}
	room = text_extend(&s->input, READ_OCTETS);
	if (room == NULL)
		return fail(s, -ENOMEM, why, strerror(ENOMEM));
	s->input.len -= READ_OCTETS;
	for (;;) {
		ssize_t n;
		int r;

		if (s->tls != NULL) {
			n = SSL_read(s->tls, room, READ_OCTETS);
			r = n > 0 ? 0 : wait_for_tls(s, (int)n, why);
		} else {
			n = recv(s->fd, room, READ_OCTETS, 0);
			if (n == 0)
				return fail(s, -EAGAIN, why, "the server ended the connection");
			r = n > 0 || errno == EINTR ? 0
			    : errno == EAGAIN       ? wait_for(s, POLLIN, why)
			                            : fail(s, -EAGAIN, why, strerror(errno));
		}
		if (r < 0)
			return r;
		if (n > 0) {
			s->input.len += (size_t)n;
			return 0;
		}
	}
}

static int
next_response(struct imap_session *s, struct imap_response *out, struct text *why)
{
	int r;

	for (;;) {
		r = imap_take(span_skip(text_span(&s->input), s->taken), out);
		if (r > 0) {
			s->taken += out->taken;
			return 0;
		}
		if (r < 0)
			return fail(s, -EPROTO, why, "what the server says is no IMAP");
		r = receive(s, why);
		if (r < 0)
			return r;
	}
}

/* --- commands ---------------------------------------------------------------------------------------------------------- */

/* What a NO means for who asked. */
static int
meaning_of_no(const struct imap_status *status)
{
	static const char *const later[] = { "UNAVAILABLE", "INUSE", "SERVERBUG", "LIMIT", "CONTACTADMIN" };

	for (size_t i = 0; i < array_size(later); i++)
		if (imap_code_is(status, later[i]))
			return -EAGAIN;
	return 0;
}

static int
take_status(struct imap_session *s, const struct imap_status *status, struct text *why)
{
	int r;

	switch (status->condition) {
	case IMAP_OK:
		return 1;
	case IMAP_NO:
		r = meaning_of_no(status);
		if (r < 0)
			text_putf(why, "%s: %.*s", s->server, (int)status->text.len, status->text.data);
		return r;
	case IMAP_BAD:
		s->serves = false;
		text_putf(why, "%s: %.*s", s->server, (int)status->text.len, status->text.data);
		return -EPROTO;
	case IMAP_NONE:
	case IMAP_PREAUTH:
	case IMAP_BYE:
		break;
	}
	return fail(s, -EPROTO, why, "what the server says is no IMAP");
}

/* Reads up to the response with the last command's tag. SECRET is sent when the server asks for more (once), if it is not empty. */
static int
finish(struct imap_session *s, struct span secret, int (*each)(void *context, struct span rest), void *context,
       struct imap_status *out_status, struct text *why)
{
	struct imap_response response;
	struct imap_status status;
	char tag[16];
	int r, told = 0;

	snprintf(tag, sizeof(tag), "a%u", s->number);
	for (;;) {
		r = next_response(s, &response, why);
		if (r < 0)
			return r;
		if (response.kind == IMAP_CONTINUE) {
			if (secret.len == 0)
				return fail(s, -EPROTO, why, "the server waits for what nobody announced");
			r = send_all(s, secret, why);
			secret.len = 0;
			if (r < 0)
				return r;
			continue;
		}
		imap_status(response.rest, &status);
		if (response.kind == IMAP_TAGGED)
			break;
		if (status.condition == IMAP_BYE) {
			s->serves = false;
			text_putf(why, "%s: the server ends the connection: %.*s", s->server, (int)status.text.len, status.text.data);
			return -EAGAIN;
		}
		if (status.condition == IMAP_NONE && each != NULL && told == 0)
			told = each(context, response.rest);
	}
	if (!span_is(response.tag, span_of(tag)))
		return fail(s, -EPROTO, why, "the server answers another command");
	r = take_status(s, &status, why);
	if (out_status != NULL)
		*out_status = status;
	return told != 0 ? told : r;
}

static int
begin(struct imap_session *s, struct span command, struct text *why)
{
	cleanup(text_free) struct text line = TEXT_INIT;

	text_putf(&line, "a%u ", ++s->number);
	text_put_span(&line, command);
	text_put(&line, "\r\n");
	return text_failed(&line) ? fail(s, -ENOMEM, why, strerror(ENOMEM)) : send_all(s, text_span(&line), why);
}

int
imap_command(struct imap_session *s, struct span command, int (*each)(void *context, struct span rest), void *context,
             struct imap_status *out_status, struct text *why)
{
	int r;

	if (!s->serves)
		return fail(s, -EAGAIN, why, "the connection is closed");
	r = begin(s, command, why);
	return r < 0 ? r : finish(s, SPAN(""), each, context, out_status, why);
}

/* --- connecting ----------------------------------------------------------------------------------------------------------- */

static int
connect_to(struct imap_session *s, const struct sockaddr *address, socklen_t len)
{
	struct pollfd pollfd = { .events = POLLOUT };
	socklen_t room = sizeof(int);
	int error = 0, r;

	s->fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (s->fd < 0)
		return -errno;
	if (connect(s->fd, address, len) == 0)
		return 0;
	if (errno == EINPROGRESS) {
		pollfd.fd = s->fd;
		r = poll(&pollfd, 1, s->timeout);
		if (r > 0 && getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &error, &room) == 0 && error == 0)
			return 0;
		errno = r == 0 ? ETIMEDOUT : error != 0 ? error : errno;
	}
	r = -errno;
	close(s->fd);
	s->fd = -1;
	return r;
}

static int
connect_unix(struct imap_session *s, const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, strlen(path));
	return connect_to(s, (const struct sockaddr *)&address, sizeof(address));
}

/* HOST of "HOST", "HOST:PORT" or "[ADDRESS]:PORT"; the port in *OUT_PORT. */
static void
split_server(const char *server, char host[256], char port[16])
{
	const char *end = server[0] == '[' ? strchr(server, ']') : NULL, *colon;
	size_t n;

	if (end != NULL) {
		server++;
		n = (size_t)(end - server);
		colon = end[1] == ':' ? end + 1 : NULL;
	} else {
		colon = strrchr(server, ':');
		/* An address of IPv6 alone. */
		if (colon != NULL && strchr(server, ':') != colon)
			colon = NULL;
		n = colon != NULL ? (size_t)(colon - server) : strlen(server);
	}
	snprintf(host, 256, "%.*s", (int)n, server);
	snprintf(port, 16, "%s", colon != NULL ? colon + 1 : DEFAULT_PORT);
}

static int
connect_host(struct imap_session *s, const char *host, const char *port, struct text *why)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *found;
	int r = getaddrinfo(host, port, &hints, &found), error = -EHOSTUNREACH;

	if (r != 0) {
		text_putf(why, "%s: %s", s->server, gai_strerror(r));
		return -EAGAIN;
	}
	for (const struct addrinfo *one = found; one != NULL && error < 0; one = one->ai_next)
		error = connect_to(s, one->ai_addr, one->ai_addrlen);
	freeaddrinfo(found);
	return error < 0 ? fail(s, -EAGAIN, why, strerror(-error)) : 0;
}

static int
open_socket(struct imap_session *s, char host[256], struct text *why)
{
	char port[16];
	int r;

	if (strncmp(s->server, "unix:", 5) == 0) {
		r = connect_unix(s, s->server + 5);
		return r < 0 ? fail(s, -EAGAIN, why, strerror(-r)) : 0;
	}
	split_server(s->server, host, port);
	return connect_host(s, host, port, why);
}

/* --- securing ------------------------------------------------------------------------------------------------------------- */

static int
note_capability(void *context, struct span rest)
{
	struct imap_session *s = context;
	struct span word;

	if (!span_next_word(&rest, &word) || !span_is_nocase(word, SPAN("CAPABILITY")))
		return 0;
	s->initial_response = false;
	while (span_next_word(&rest, &word))
		if (span_is_nocase(word, SPAN("SASL-IR")))
			s->initial_response = true;
	return 0;
}

static int
prepare_tls(struct imap_session *s, const struct imap_options *options, char *host)
{
	s->tls_context = SSL_CTX_new(TLS_client_method());
	if (s->tls_context == NULL)
		return -ENOMEM;
	SSL_CTX_set_min_proto_version(s->tls_context, TLS1_2_VERSION);
	SSL_CTX_set_verify(s->tls_context, SSL_VERIFY_PEER, NULL);
	if ((options->ca_file != NULL ? SSL_CTX_load_verify_locations(s->tls_context, options->ca_file, NULL)
	                              : SSL_CTX_set_default_verify_paths(s->tls_context)) != 1)
		return -ENOENT;
	s->tls = SSL_new(s->tls_context);
	if (s->tls == NULL || SSL_set_fd(s->tls, s->fd) != 1 || SSL_set_tlsext_host_name(s->tls, host) != 1 ||
	    SSL_set1_host(s->tls, host) != 1)
		return -ENOMEM;
	/* A name that is an address stands in the certificate as such. */
	(void)X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(s->tls), host);
	return 0;
}

static int
start_tls(struct imap_session *s, const struct imap_options *options, char *host, struct text *why)
{
	int r = imap_command(s, SPAN("STARTTLS"), NULL, NULL, NULL, why), done;

	if (r == 0)
		return fail(s, -EPERM, why, "the server refuses STARTTLS");
	if (r < 0)
		return r;
	/* What came in clear behind its answer was not the server's. */
	if (s->input.len > s->taken)
		return fail(s, -EPROTO, why, "there was more behind the answer to STARTTLS");
	r = prepare_tls(s, options, host);
	if (r < 0)
		return fail(s, -EPERM, why, r == -ENOENT ? "the certificates to trust cannot be read" : "TLS cannot be begun");
	while ((done = SSL_connect(s->tls)) != 1) {
		long verdict = SSL_get_verify_result(s->tls);

		if (verdict != X509_V_OK)
			return fail(s, -EPERM, why, X509_verify_cert_error_string(verdict));
		r = wait_for_tls(s, done, why);
		if (r < 0)
			return r;
	}
	return imap_command(s, SPAN("CAPABILITY"), note_capability, s, NULL, why);
}

/* --- authenticating ------------------------------------------------------------------------------------------------------- */

static void
wipe(struct text *text)
{
	if (text->data != NULL)
		explicit_bzero(text->data, text->room);
	text_free(text);
}

static int
authenticate(struct imap_session *s, const struct imap_options *options, struct text *why)
{
	cleanup(wipe) struct text plain = TEXT_INIT, line = TEXT_INIT;
	struct imap_status status;
	char *base64;
	int r, n;

	/* RFC 4616: authzid NUL authcid NUL password. */
	text_put(&plain, options->act_as != NULL ? options->act_as : "");
	text_put_char(&plain, '\0');
	text_put(&plain, options->user);
	text_put_char(&plain, '\0');
	text_put(&plain, options->password);
	if (s->initial_response)
		text_putf(&line, "a%u AUTHENTICATE PLAIN ", ++s->number);
	base64 = text_failed(&plain) ? NULL : text_extend(&line, 4 * (plain.len + 2) / 3 + 4);
	if (base64 == NULL)
		return fail(s, -ENOMEM, why, strerror(ENOMEM));
	n = EVP_EncodeBlock((unsigned char *)base64, (const unsigned char *)plain.data, (int)plain.len);
	line.len = (size_t)(base64 - line.data) + (size_t)n;
	text_put(&line, "\r\n");
	r = s->initial_response ? send_all(s, text_span(&line), why) : begin(s, SPAN("AUTHENTICATE PLAIN"), why);
	if (r == 0)
		r = finish(s, s->initial_response ? SPAN("") : text_span(&line), note_capability, s, &status, why);
	if (r != 0)
		return r;
	s->serves = false;
	text_putf(why, "%s refuses %s%s%s: %.*s", s->server, options->user, options->act_as != NULL ? " on behalf of " : "",
	          options->act_as != NULL ? options->act_as : "", (int)status.text.len, status.text.data);
	return -EPERM;
}

static int
greet(struct imap_session *s, const struct imap_options *options, char *host, struct text *why)
{
	struct imap_response response;
	struct imap_status status;
	int r = next_response(s, &response, why);

	if (r < 0)
		return r;
	imap_status(response.rest, &status);
	if (status.condition == IMAP_BYE) {
		s->serves = false;
		text_putf(why, "%s: %.*s", s->server, (int)status.text.len, status.text.data);
		return -EAGAIN;
	}
	if (response.kind != IMAP_UNTAGGED || (status.condition != IMAP_OK && status.condition != IMAP_PREAUTH))
		return fail(s, -EPROTO, why, "what the server says is no IMAP");
	r = imap_command(s, SPAN("CAPABILITY"), note_capability, s, NULL, why);
	if (r >= 0 && options->starttls)
		r = start_tls(s, options, host, why);
	if (r >= 0 && status.condition != IMAP_PREAUTH)
		r = authenticate(s, options, why);
	return r;
}

int
imap_session_open(const struct imap_options *options, struct imap_session **out, struct text *why)
{
	cleanup(imap_session_closep) struct imap_session *s = calloc(1, sizeof(*s));
	char host[256] = "localhost";
	int r;

	if (s == NULL)
		return -ENOMEM;
	s->fd = -1;
	s->server = options->server;
	s->timeout = (int)options->timeout * 1000;
	r = open_socket(s, host, why);
	if (r < 0)
		return r;
	s->serves = true;
	r = greet(s, options, host, why);
	if (r < 0)
		return r;
	*out = take(s);
	return 0;
}

void
imap_session_close(struct imap_session *s)
{
	struct text ignored = TEXT_INIT;

	if (s == NULL)
		return;
	if (s->serves)
		(void)!begin(s, SPAN("LOGOUT"), &ignored);
	SSL_free(s->tls);
	SSL_CTX_free(s->tls_context);
	if (s->fd >= 0)
		close(s->fd);
	text_free(&s->input);
	text_free(&ignored);
	free(s);
}

void
imap_session_closep(struct imap_session **session)
{
	imap_session_close(*session);
}
