/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 */
#include <config.h>

#include "tests/unit/test.h"

#include "cache/account.h"
#include "cache/secret.h"
#include "tests/lib/login_text.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

static char folder[64];
static struct cache *secret, *account;
static struct login_options options;

static int
make_folder(void **state)
{
	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/test_login.XXXXXX");
	if (mkdtemp(folder) == NULL || secret_open(folder, NULL, &secret) < 0)
		return -1;
	return account_open(folder, NULL, &account);
}

static int
remove_folder(void **state)
{
	char command[128];

	(void)state;
	cache_close(secret);
	cache_close(account);
	login_text_close();
	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	return system(command);
}

static void
fill(const char *text)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/secret", folder);
	(void)mkdir(path, 0700);
	snprintf(path, sizeof(path), "%s/secret/1", folder);
	login_text_write(path, LOGIN_SECRET, span_of(text));
	options = login_options_default;
}

/* What is asked ("login", "login service" or "login service realm"), and the entry or the reason that is wanted. */
struct row {
	const char *question, *want;
};

static void
hear(void *context, struct span subject, const char *sentence)
{
	bool *heard = context;

	(void)subject;
	*heard = true;
	if (strstr(sentence, "secret-value") != NULL)
		fail_msg("a stored value is told: %s", sentence);
}

static void
check(const struct row *row)
{
	struct secret_answer answer = SECRET_ANSWER_INIT, explained = SECRET_ANSWER_INIT;
	struct login_question question = { .service = SPAN("smtp"), .now = 1000000 };
	struct span rest = span_of(row->question), got;
	bool heard = false;
	int r;

	assert_true(span_next_word(&rest, &question.login));
	if (span_next_word(&rest, &got))
		question.service = got;
	if (span_next_word(&rest, &got))
		question.realm = got;
	r = secret_lookup(secret, &options, &question, &answer);
	assert_int_equal(secret_explain(secret, &options, &question, hear, &heard, &explained), r);
	assert_true(heard);
	if (r < 0)
		fail_msg("%s: %s", row->question, strerror(-r));
	got = r > 0 ? answer.entry.dn : span_of(login_reason_word(answer.reason));
	assert_int_equal(explained.reason, answer.reason);
	if (!span_is(got, span_of(row->want)))
		fail_msg("%s: got %.*s, want %s", row->question, (int)got.len, got.data, row->want);
	secret_answer_free(&answer);
	secret_answer_free(&explained);
}

#define ANSWERS(...)                                                                                                             \
	do {                                                                                                                     \
		static const struct row rows[] = { __VA_ARGS__ };                                                                \
		for (size_t i = 0; i < array_size(rows); i++)                                                                    \
			check(&rows[i]);                                                                                         \
	} while (0)

/* tern.example with user 1, vhost 2 and domain 3; heron.example is its replica; admin 9. */
#define TERN                                                                                                                     \
	"domain tern.example\n"                                                                                                  \
	"domain heron.example master=tern.example\n"                                                                             \
	"claim ada@tern.example 1 user own address\n"                                                                            \
	"claim ada_tern_example 1 user own uid\n"                                                                                \
	"claim ada.ames@tern.example 1 user alias\n"                                                                             \
	"claim www.tern.example 2 vhost own uid\n"                                                                               \
	"claim tern.example 3 domain own uid\n"                                                                                  \
	"claim cyrus 9 admin own uid\n"                                                                                          \
	"entry 1 user ada domain=tern.example value=secret-value\n"                                                              \
	"entry 2 vhost www domain=tern.example value=secret-value\n"                                                             \
	"entry 3 domain tern domain=tern.example value=secret-value\n"                                                           \
	"entry 9 admin cyrus value=secret-value\n"

static void
forms_of_a_login(void **state)
{
	(void)state;
	fill(TERN);
	ANSWERS({ "ada@tern.example", "ada" }, { "ADA@Tern.Example", "ada" }, { "ada_tern_example", "ada" }, { "Ada_Tern_Example", "ada" },
	        { "ada smtp tern.example", "ada" }, { "ADA smtp TERN.example", "ada" }, { "ada", "unknown-login" },
	        { "ada smtp heron.example", "unknown-login" }, { "ada@heron.example", "unknown-login" },
	        { "ada.ames@tern.example", "unknown-login" }, { "ada_tern_example smtp mx.isp.example", "unknown-login" },
	        { "ada@tern.example smtp other.example", "ada" }, { "ada@", "malformed-login" }, { "cyrus", "cyrus" },
	        { "@tern.example", "malformed-login" }, { "x@y@tern.example", "unknown-login" });
	options.local_realm_count = 1;
	options.local_realms = &SPAN("mx.isp.example");
	ANSWERS({ "ada_tern_example smtp MX.isp.example", "ada" }, { "cyrus smtp mx.isp.example", "cyrus" });
}

static void
services_and_kinds(void **state)
{
	(void)state;
	fill(TERN);
	ANSWERS({ "www.tern.example ftp", "www" }, { "www.tern.example smtp", "not-for-service" }, { "tern.example FTP", "tern" },
	        { "tern.example imap", "not-for-service" }, { "cyrus imap", "cyrus" }, { "cyrus ftp", "not-for-service" },
	        { "cyrus svn", "not-for-service" }, { "ada@tern.example svn", "ada" });
	options.service_count = 1; /* imap only, and nothing for "*" */
	ANSWERS({ "ada@tern.example imap", "ada" }, { "ada@tern.example smtp", "not-for-service" });
}

static void
mailboxes_have_one_name(void **state)
{
	(void)state;
	fill(TERN);
	ANSWERS({ "ada@tern.example imap", "ada" }, { "ada_tern_example imap", "not-mailbox-name" },
	        { "ada_tern_example sieve", "not-mailbox-name" }, { "ada_tern_example smtp", "ada" });
	options.mailbox_name = LOGIN_MAILBOX_UID;
	ANSWERS({ "ada@tern.example imap", "not-mailbox-name" }, { "ada_tern_example imap", "ada" }, { "cyrus imap", "cyrus" });
	fill("claim ada@tern.example 1 user own address\nentry 1 user ada domain=tern.example no-mailbox\n");
	ANSWERS({ "ada@tern.example imap", "no-mailbox" }, { "ada@tern.example smtp", "ada" });
}

static void
aliases_replicas_and_a_default_domain(void **state)
{
	(void)state;
	fill(TERN);
	options.by_alias = true;
	ANSWERS({ "ada.ames@tern.example", "ada" }, { "ada.ames@tern.example imap", "not-mailbox-name" },
	        { "ada.ames@heron.example", "unknown-login" });
	options.by_replica = true;
	ANSWERS({ "ada@heron.example", "ada" }, { "ada.ames@heron.example", "ada" }, { "ada@heron.example imap", "not-mailbox-name" },
	        { "nobody@heron.example", "unknown-login" }, { "ada@other.example", "unknown-login" });
	options.default_domain = SPAN("tern.example");
	ANSWERS({ "ada", "ada" }, { "ada imap", "ada" }, { "cyrus imap", "cyrus" }, { "nobody", "unknown-login" });
	options.mailbox_name = LOGIN_MAILBOX_UID;
	ANSWERS({ "ada smtp", "ada" }, { "ada imap", "not-mailbox-name" });
}

static void
who_holds_a_login(void **state)
{
	(void)state;
	/* The stronger right first, then the kind; entries of one kind exclude each other. */
	fill("claim shop.tern.example 2 vhost own\nclaim shop.tern.example 3 domain own\nclaim shop.tern.example 4 user bare\n"
	     "claim joe 5 user bare\nclaim joe 6 user bare\n"
	     "claim root 9 admin own\nclaim root 5 user bare\n"
	     "claim a_b_x 7 user own\nclaim a_b_x 8 user own\nclaim a_b_x 2 vhost own\n"
	     "claim twice 5 user bare\nclaim twice 5 user bare\n"
	     "entry 2 vhost two\nentry 3 domain three\nentry 4 user four\nentry 5 user five\nentry 9 admin nine\n");
	ANSWERS({ "shop.tern.example ftp", "two" }, { "shop.tern.example smtp", "not-for-service" }, { "joe", "ambiguous-login" },
	        { "root", "nine" }, { "root ftp", "not-for-service" }, { "a_b_x ftp", "ambiguous-login" }, { "twice", "five" });
}

static void
foreign_claims(void **state)
{
	(void)state;
	fill("domain heron.example master=tern.example\ndomain pine.example\n"
	     "claim ada@pine.example 1 user own\nclaim ada@pine.example 2 user own from=evil.example\n"
	     "claim eve@pine.example 2 user own from=evil.example\n"
	     "claim eve@gone.example 2 user own from=evil.example\n"
	     "claim joe@heron.example 3 user own from=tern.example\nclaim joe@heron.example 2 user own from=evil.example\n"
	     "entry 1 user ada\nentry 2 user eve\nentry 3 user joe\n");
	ANSWERS({ "ada@pine.example", "ada" }, { "eve@pine.example", "unknown-login" }, { "eve@gone.example", "unknown-login" },
	        { "joe@heron.example", "joe" });
}

static void
states_of_an_account(void **state)
{
	(void)state;
	fill("domain tern.example suspended\ndomain pine.example\n"
	     "claim a 1 user own\nclaim b 2 user own\nclaim c 3 user own\nclaim d 4 user own\nclaim e 5 user own\nclaim f 6 user own\n"
	     "claim g 7 user own\nclaim h 8 user own\nclaim i 9 user own\n"
	     "entry 1 user a domain=pine.example suspended\nentry 2 user b ftp-refused\nentry 3 user c locked\nentry 4 user d since=999000\n"
	     "entry 5 user e starts=1000001\nentry 6 user f ends=1000000\nentry 7 user g starts=1000000 ends=1000001\n"
	     "entry 8 user h domain=tern.example\nentry 9 user i domain=pine.example\n");
	ANSWERS({ "a", "suspended" }, { "b", "b" }, { "b ftp", "ftp-disabled" }, { "c", "locked" }, { "d", "locked" },
	        { "e", "not-yet-valid" }, { "f", "expired" }, { "g", "g" }, { "h", "h" }, { "i", "i" });
	options.lockout_duration = 1000;
	options.refuse_suspended_users = false;
	options.refuse_suspended_domains = true;
	ANSWERS({ "a", "a" }, { "c", "locked" }, { "d", "d" }, { "h", "domain-suspended" }, { "i", "i" });
	options.lockout_duration = 1001;
	ANSWERS({ "d", "locked" });
}

static void
cannot_tell(void **state)
{
	const struct login_question question = { .login = SPAN("a"), .service = SPAN("smtp") };
	struct secret_answer answer = SECRET_ANSWER_INIT;

	(void)state;
	fill("claim a 1 user own\n");
	assert_int_equal(secret_lookup(secret, &options, &question, &answer), -EBADMSG);
	assert_false(answer.has_entry);
	fill("claim a 1 user own\nentry 1 user a\nincomplete\n");
	assert_true(secret_lookup(secret, &options, &question, &answer) < 0);
	fill("claim a 1 user own\nentry 1 user a value=secret-value value=x\n");
	assert_int_equal(secret_lookup(secret, &options, &question, &answer), 1);
	assert_int_equal(answer.entry.value_count, 2);
	secret_answer_wipe(&answer);
	assert_false(answer.has_entry);
	for (size_t i = 0; i < answer.record.room; i++)
		assert_int_equal(answer.record.data[i], 0);
	secret_answer_free(&answer);
}

static void
accounts(void **state)
{
	struct login_question question = { .login = SPAN("ada@tern.example"), .service = SPAN("ftp") };
	struct account_answer answer = ACCOUNT_ANSWER_INIT;
	char path[128];
	uint8_t uuid[ENTRY_UUID_LEN];

	(void)state;
	options = login_options_default;
	snprintf(path, sizeof(path), "%s/account", folder);
	(void)mkdir(path, 0700);
	snprintf(path, sizeof(path), "%s/account/1", folder);
	login_text_write(path, LOGIN_ACCOUNT,
	                 SPAN("claim ada@tern.example 1 user own address\nclaim gone 2 user own\n"
	                      "entry 1 user ada domain=tern.example uidnumber=10006 gidnumber=10001 home=/home/ada\n"));
	assert_int_equal(account_lookup(account, &options, &question, &answer), 1);
	login_text_uuid(1, uuid);
	assert_memory_equal(answer.uuid, uuid, ENTRY_UUID_LEN);
	assert_int_equal(answer.entry.uid, 10006);
	assert_int_equal(answer.entry.gid, 10001);
	assert_true(span_is(answer.entry.home, SPAN("/home/ada")));
	question.login = SPAN("eve@tern.example");
	assert_int_equal(account_lookup(account, &options, &question, &answer), 0);
	assert_int_equal(answer.reason, LOGIN_UNKNOWN);
	question.login = SPAN("gone");
	assert_int_equal(account_lookup(account, &options, &question, &answer), -EBADMSG);
	account_answer_free(&answer);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(forms_of_a_login),
		cmocka_unit_test(services_and_kinds),
		cmocka_unit_test(mailboxes_have_one_name),
		cmocka_unit_test(aliases_replicas_and_a_default_domain),
		cmocka_unit_test(who_holds_a_login),
		cmocka_unit_test(foreign_claims),
		cmocka_unit_test(states_of_an_account),
		cmocka_unit_test(cannot_tell),
		cmocka_unit_test(accounts),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
