/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 */
#include <config.h>

#include "tests/lib/login_text.h"

#include "cache/record.h"
#include "tests/lib/environment_text.h"

#include <stdio.h>

static enum login_environment environment;
static bool is_complete;
static struct environment_text written = { .name = "login_text" };
/* The claims of the login that is being put together. */
static struct text claims;
static struct key claimed;

static void
die(const char *what)
{
	environment_text_die(&written, what);
}

static void
put(const struct key *key, struct text *value)
{
	environment_text_put(&written, key_span(key), value);
}

static void
put_claims(void)
{
	if (claims.len > 0)
		put(&claimed, &claims);
}

void
login_text_uuid(unsigned id, uint8_t out_uuid[ENTRY_UUID_LEN])
{
	memset(out_uuid, 0, ENTRY_UUID_LEN);
	out_uuid[ENTRY_UUID_LEN - 1] = (uint8_t)id;
}

/* --- words ---- */

static struct span
word_of(struct span *rest)
{
	struct span word;

	if (!span_next_word(rest, &word))
		die("a word is missing");
	return word;
}

static bool
is_value(struct span word, const char *name, struct span *out)
{
	size_t n = strlen(name);

	if (word.len <= n || memcmp(word.data, name, n) != 0 || word.data[n] != '=')
		return false;
	*out = span_skip(word, n + 1);
	return true;
}

static bool
is_number(struct span word, const char *name, uint64_t *out)
{
	struct span value;

	if (!is_value(word, name, &value))
		return false;
	if (span_to_u64(value, UINT64_MAX, out) < 0)
		die("no number");
	return true;
}

static unsigned
one_of(struct span word, const char *const *words)
{
	unsigned i = 0;

	while (words[i] != NULL && !span_is(word, span_of(words[i])))
		i++;
	if (words[i] == NULL)
		die("unknown word");
	return i + 1;
}

static unsigned
kind_of(struct span word)
{
	static const char *const kinds[] = { "user", "vhost", "domain", "admin", NULL };

	return one_of(word, kinds);
}

static unsigned
id_of(struct span word)
{
	uint64_t id;

	if (span_to_u64(word, 255, &id) < 0)
		die("no ID");
	return (unsigned)id;
}

/* --- lines ---- */

static void
read_domain(struct span rest)
{
	struct text value = TEXT_INIT;
	struct login_domain domain = { 0 };
	struct span name = word_of(&rest), word;
	struct key key;

	while (span_next_word(&rest, &word)) {
		if (span_is(word, SPAN("suspended")))
			domain.suspended = true;
		else if (!is_value(word, "master", &domain.master))
			die("unknown word");
	}
	login_domain_put(&value, &domain);
	key_login_domain(&key, environment, name);
	put(&key, &value);
	text_free(&value);
}

static void
read_claim(struct span rest)
{
	static const char *const rights[] = { "own", "alias", "bare", NULL };
	struct login_claim claim = { 0 };
	char folded[LOGIN_MAX];
	struct span domain, word;
	struct key key;
	size_t n;

	if (login_fold(word_of(&rest), folded, &n, &domain) < 0)
		die("no login");
	login_text_uuid(id_of(word_of(&rest)), claim.uuid);
	claim.kind = (uint8_t)kind_of(word_of(&rest));
	claim.right = (uint8_t)one_of(word_of(&rest), rights);
	while (span_next_word(&rest, &word)) {
		if (span_is(word, SPAN("address")))
			claim.form |= LOGIN_IS_ADDRESS;
		else if (span_is(word, SPAN("uid")))
			claim.form |= LOGIN_IS_UID;
		else if (!is_value(word, "from", &claim.claimer))
			die("unknown word");
	}
	key_login(&key, environment, span_from(folded, n));
	if (claims.len == 0 || !span_is(key_span(&key), key_span(&claimed))) {
		put_claims();
		claimed = key;
		login_claims_begin(&claims);
	}
	login_claims_put(&claims, 0, &claim);
}

static void
put_entry(const struct key *key, const struct secret_entry *entry, const struct account_entry *account, struct span values)
{
	struct text value = TEXT_INIT;
	struct span word, stored;

	if (environment == LOGIN_ACCOUNT) {
		account_entry_put(&value, account);
	} else {
		secret_entry_begin(&value, entry);
		while (span_next_word(&values, &word))
			if (is_value(word, "value", &stored))
				secret_entry_put_value(&value, 0, stored);
	}
	put(key, &value);
	text_free(&value);
}

static void
read_entry(struct span rest)
{
	struct secret_entry entry = { .flags = SECRET_HAS_MAILBOX };
	struct account_entry account = { 0 };
	uint8_t uuid[ENTRY_UUID_LEN];
	struct span word, values;
	uint64_t number = 0;
	struct key key;

	login_text_uuid(id_of(word_of(&rest)), uuid);
	key_login_entry(&key, environment, uuid);
	entry.kind = account.kind = (uint8_t)kind_of(word_of(&rest));
	entry.dn = entry.uid = account.uid_value = word_of(&rest);
	values = rest;
	while (span_next_word(&rest, &word)) {
		if (span_is(word, SPAN("suspended")))
			entry.flags |= SECRET_SUSPENDED, account.flags |= ACCOUNT_SUSPENDED;
		else if (span_is(word, SPAN("ftp-refused")))
			entry.flags |= SECRET_FTP_REFUSED, account.flags |= ACCOUNT_FTP_REFUSED;
		else if (span_is(word, SPAN("locked")))
			entry.flags |= SECRET_LOCKED;
		else if (span_is(word, SPAN("no-mailbox")))
			entry.flags &= (uint8_t)~SECRET_HAS_MAILBOX;
		else if (is_number(word, "uidnumber", &number))
			account.uid = (uint32_t)number;
		else if (is_number(word, "gidnumber", &number))
			account.gid = (uint32_t)number;
		else if (is_number(word, "upload-ratio", &number))
			account.upload_ratio = (uint32_t)number;
		else if (is_number(word, "download-ratio", &number))
			account.download_ratio = (uint32_t)number;
		else if (!is_number(word, "quota", &account.quota_octets) && !is_number(word, "quota-files", &account.quota_files) &&
		         !is_number(word, "upload", &account.upload) && !is_number(word, "download", &account.download) &&
		         !is_value(word, "domain", &entry.domain) && !is_number(word, "since", &entry.locked_since) &&
		         !is_number(word, "starts", &entry.starts) && !is_number(word, "ends", &entry.ends) &&
		         !is_value(word, "home", &account.home) && !is_value(word, "value", &(struct span){ 0 }))
			die("unknown word");
	}
	account.domain = entry.domain;
	put_entry(&key, &entry, &account, values);
}

static void
read_host(struct span rest, char letter)
{
	struct text names = TEXT_INIT, value = TEXT_INIT;
	struct span name = word_of(&rest), word;
	struct key key;

	while (span_next_word(&rest, &word)) {
		text_put_span(&names, word);
		text_put_char(&names, '\0');
	}
	login_host_put(&value, text_span(&names));
	key_login_host(&key, letter, name);
	put(&key, &value);
	text_free(&names);
	text_free(&value);
}

static void
read_log(struct span rest)
{
	struct key key = { .len = 1, .octets = { 'i' } }, subject;
	struct span epoch = word_of(&rest), word;
	struct text value = TEXT_INIT;
	uint8_t uuid[ENTRY_UUID_LEN];
	uint64_t number;

	for (size_t i = 0; i < 16; i++)
		text_put_char(&value, epoch.data[0]);
	put(&key, &value);
	if (span_to_u64(word_of(&rest), UINT32_MAX, &number) < 0)
		die("no number");
	for (; span_next_word(&rest, &word); number++) {
		login_text_uuid(id_of(word), uuid);
		key_login_entry(&subject, environment, uuid);
		text_put_span(&value, key_span(&subject));
		key = (struct key){ .len = 9, .octets = { 'c' } };
		for (size_t i = 0; i < 4; i++)
			key.octets[8 - i] = (uint8_t)(number >> 8 * i);
		put(&key, &value);
	}
	text_free(&value);
}

static void
read_line(struct span line)
{
	struct span word;

	if (line.len == 0 || line.data[0] == '#' || !span_next_word(&line, &word))
		return;
	if (span_is(word, SPAN("domain")))
		read_domain(line);
	else if (span_is(word, SPAN("claim")))
		read_claim(line);
	else if (span_is(word, SPAN("entry")))
		read_entry(line);
	else if (span_is(word, SPAN("host")))
		read_host(line, 'H');
	else if (span_is(word, SPAN("group")))
		read_host(line, 'G');
	else if (span_is(word, SPAN("log")))
		read_log(line);
	else if (span_is(word, SPAN("incomplete")))
		is_complete = false;
	else
		die("unknown line");
}

/* --- the whole ---- */

void
login_text_write(const char *folder, enum login_environment which, struct span text)
{
	struct state_record state = { 0 };

	environment = which;
	is_complete = true;
	environment_text_begin(&written, folder);
	text_clear(&claims);
	environment_text_lines(&written, text, read_line);
	put_claims();
	state.complete = is_complete;
	environment_text_end(&written, &state);
}

void
login_text_close(void)
{
	environment_text_close(&written);
}
