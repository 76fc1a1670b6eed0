/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * The sentences are for people, so only what a person needs is looked for: what happened, to whom, and what to
 * write where.
 */
#include <config.h>

#include "cache/sync_words.h"

#include "tests/unit/test.h"

static const struct sync_words_scene search = {
	.step = SYNC_WORDS_SEARCH,
	.uri = "ldap://one.example",
	.identity = "cn=reader,o=ispman",
	.base = "o=ispman",
	.password_file = "/etc/ispman/ldap.secret",
	.entries = 500,
};

static void
results(void **state unused)
{
	static const struct {
		enum sync_words_step step;
		int code;
		const char *text;
		const char *want[4];
	} rows[] = {
		{ SYNC_WORDS_SEARCH, 4, "",
		  { "ldap://one.example: ", "after 500 entries because of its size limit",
		    "`limits dn.exact=\"cn=reader,o=ispman\" size=unlimited time=unlimited`",
		    "4 sizeLimitExceeded" } },
		{ SYNC_WORDS_SEARCH, 3, "", { "its time limit", "`limits dn.exact=\"cn=reader,o=ispman\" " } },
		{ SYNC_WORDS_SEARCH, 12, "critical control unavailable",
		  { "`overlay syncprov`", "\"o=ispman\"", "12 unavailableCriticalExtension: critical control unavailable" } },
		{ SYNC_WORDS_SEARCH, 50, "", { "may not read \"o=ispman\"", "`access to * by dn.exact=\"cn=reader,o=ispman\" read by * break`" } },
		{ SYNC_WORDS_BASE, 32, "", { "there is no \"o=ispman\", or dn.exact=\"cn=reader,o=ispman\" may not see it", "`access to * by " } },
		{ SYNC_WORDS_BASE, 10, "", { "put that into uri in [ldap]" } },
		{ SYNC_WORDS_BIND, 49, "", { "refuses \"cn=reader,o=ispman\" with the password in /etc/ispman/ldap.secret", "49 invalidCredentials" } },
		{ SYNC_WORDS_BIND, 13, "TLS required", { "starttls = yes", "13 confidentialityRequired: TLS required" } },
		{ SYNC_WORDS_BIND, -5, "", { "no answer to the bind in time" } },
		{ SYNC_WORDS_STARTTLS, 2, "unsupported extended operation", { "TLSCertificateFile", "2 protocolError: unsupported" } },
		{ SYNC_WORDS_SEARCH, 51, "", { "busy or shutting down (51 busy)" } },
		{ SYNC_WORDS_SEARCH, 80, "internal error", { "(result 80: internal error)" } },
		{ SYNC_WORDS_SEARCH, -7, "", { "filter in [ldap]" } },
	};

	for (size_t i = 0; i < array_size(rows); i++) {
		struct sync_words_scene scene = search;
		struct text out = TEXT_INIT;

		scene.step = rows[i].step;
		sync_words_result(&out, &scene, rows[i].code, span_of(rows[i].text));
		for (size_t j = 0; j < array_size(rows[i].want) && rows[i].want[j] != NULL; j++) {
			if (strstr(text_str(&out), rows[i].want[j]) == NULL)
				fail_msg("\"%s\" is not in \"%s\"", rows[i].want[j], text_str(&out));
		}
		text_free(&out);
	}
}

static void
nobody_is_called_anonymous(void **state unused)
{
	struct sync_words_scene scene = search;
	struct text out = TEXT_INIT;

	scene.identity = "";
	sync_words_empty(&out, &scene);
	assert_non_null(strstr(text_str(&out), "no entry below \"o=ispman\" to anonymous"));
	assert_non_null(strstr(text_str(&out), "never empties the cache"));
	assert_non_null(strstr(text_str(&out), "`access to * by anonymous read by * break`"));
	text_free(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(results),
		cmocka_unit_test(nobody_is_called_anonymous),
	};

	return RUN_TESTS(tests);
}
