/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 */
#include <config.h>

/* Before ours: OpenSSL's headers spell out attributes that macro.h has short names for. */
#include <openssl/err.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "cache/certificate.h"

#include <arpa/inet.h>

static void
put_name(struct text *out, const X509_NAME *name)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *data;
	long n;

	if (bio == NULL)
		return;
	X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253);
	n = BIO_get_mem_data(bio, &data);
	if (n > 0)
		text_put_span(out, span_from(data, (size_t)n));
	BIO_free(bio);
}

static void
put_time(struct text *out, const ASN1_TIME *when)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *data;
	long n;

	if (bio == NULL)
		return;
	ASN1_TIME_print(bio, when);
	n = BIO_get_mem_data(bio, &data);
	if (n > 0)
		text_put_span(out, span_from(data, (size_t)n));
	BIO_free(bio);
}

static bool
host_matches(X509 *certificate, const char *host)
{
	struct in6_addr address;

	if (inet_pton(AF_INET, host, &address) == 1 || inet_pton(AF_INET6, host, &address) == 1)
		return X509_check_ip_asc(certificate, host, 0) == 1;
	return X509_check_host(certificate, host, 0, 0, NULL) == 1;
}

/* X509_V_OK, or why CERTIFICATE does not lead to an authority. Intermediate certificates that the server
 * sent along are not known here. */
static int
verify(X509 *certificate, const char *ca_file)
{
	X509_STORE *store = X509_STORE_new();
	X509_STORE_CTX *context = X509_STORE_CTX_new();
	int why = X509_V_ERR_UNSPECIFIED;

	if (store != NULL && context != NULL &&
	    (ca_file != NULL ? X509_STORE_load_file(store, ca_file)
	                     : X509_STORE_set_default_paths(store)) == 1 &&
	    X509_STORE_CTX_init(context, store, certificate, NULL) == 1) {
		X509_verify_cert(context);
		why = X509_STORE_CTX_get_error(context);
	}
	X509_STORE_CTX_free(context);
	X509_STORE_free(store);
	ERR_clear_error();
	return why;
}

int
certificate_explain(struct span der, const char *host, const char *ca_file, struct text *out)
{
	const unsigned char *at = (const unsigned char *)der.data;
	X509 *certificate = d2i_X509(NULL, &at, (long)der.len);
	size_t before = out->len;
	int why, found = 1;

	if (certificate == NULL) {
		ERR_clear_error();
		return 0;
	}
	why = verify(certificate, ca_file);
	text_put(out, "its certificate (");
	put_name(out, X509_get_subject_name(certificate));
	text_put(out, ", issued by ");
	put_name(out, X509_get_issuer_name(certificate));
	text_put(out, ") ");
	switch (why) {
	case X509_V_OK:
		if (!host_matches(certificate, host)) {
			text_putf(out, "does not name the host \"%s\": use the name it was made for in uri, or "
			               "have the name added to its subjectAltName", host);
		} else {
			found = 0;
		}
		break;
	case X509_V_ERR_CERT_HAS_EXPIRED:
		text_put(out, "has expired at ");
		put_time(out, X509_get0_notAfter(certificate));
		break;
	case X509_V_ERR_CERT_NOT_YET_VALID:
		text_put(out, "is not valid before ");
		put_time(out, X509_get0_notBefore(certificate));
		text_put(out, ": is the clock right?");
		break;
	default:
		text_putf(out, "does not lead to an authority in %s: %s. Name the file of the authority that signed it "
		               "as ca-file in [ldap]",
		          ca_file != NULL ? ca_file : "the system's list", X509_verify_cert_error_string(why));
		break;
	}
	X509_free(certificate);
	if (!found)
		out->len = before;
	return found;
}
