/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 */
#include <config.h>

#include "tests/lib/mail_text.h"

#include "cache/record.h"
#include "cache/record_mail.h"
#include "tests/lib/environment_text.h"

#include <stdio.h>

/* What one entry says of one address. */
struct said {
	struct key key;
	size_t order;
	struct text claimer, primary, mail_host, relocated, routing, forwarding, logins;
	uint8_t holder, flags;
};

static struct said *saids;
static size_t said_count, said_room;
static bool is_complete;
static struct environment_text written = { .name = "mail_text" };

static void
die(const char *what)
{
	environment_text_die(&written, what);
}

static void
put(struct span key, struct text *value)
{
	environment_text_put(&written, key, value);
}

/* --- words ---- */

static void
decode(struct span s, struct text *out)
{
	text_clear(out);
	text_put(out, "");
	for (size_t i = 0; i < s.len; i++) {
		if (s.data[i] == '%' && i + 2 < s.len && ascii_hex(s.data[i + 1]) >= 0 && ascii_hex(s.data[i + 2]) >= 0) {
			text_put_char(out, (char)(ascii_hex(s.data[i + 1]) << 4 | ascii_hex(s.data[i + 2])));
			i += 2;
		} else {
			text_put_char(out, s.data[i]);
		}
	}
}

/* Whether WORD is "NAME=VALUE": then the value, decoded, in *OUT. */
static bool
is_value(struct span word, const char *name, struct text *out)
{
	size_t n = strlen(name);

	if (word.len <= n || memcmp(word.data, name, n) != 0 || word.data[n] != '=')
		return false;
	decode(span_skip(word, n + 1), out);
	return true;
}

static struct span
folded_domain(struct span name, char room[ADDRESS_DOMAIN_MAX])
{
	size_t n;

	if (address_domain(name, room, &n) < 0)
		die("no domain");
	return span_from(room, n);
}

static void
copy(struct text *out, const struct text *from)
{
	text_clear(out);
	text_put_span(out, text_span(from));
}

/* --- domains ---- */

static void
read_domain(struct span rest)
{
	struct text master = TEXT_INIT, spelled = TEXT_INIT, transport = TEXT_INIT, below = TEXT_INIT, login = TEXT_INIT;
	struct text logins = TEXT_INIT, value = TEXT_INIT, name = TEXT_INIT;
	char room[ADDRESS_DOMAIN_MAX], master_room[ADDRESS_DOMAIN_MAX];
	struct mail_domain domain = { .delivery = MAIL_DELIVERY_LOCAL };
	struct mail_list list;
	struct span word;
	struct key key;

	if (!span_next_word(&rest, &word))
		die("a domain has no name");
	decode(word, &name);
	copy(&spelled, &name);
	while (span_next_word(&rest, &word)) {
		if (span_is(word, SPAN("smtp")))
			domain.delivery = MAIL_DELIVERY_SMTP;
		else if (span_is(word, SPAN("suspended")))
			domain.suspended = true;
		else if (is_value(word, "login", &login))
			mail_list_put(&logins, text_span(&login));
		else if (!is_value(word, "master", &master) && !is_value(word, "spelled", &spelled) &&
		         !is_value(word, "transport", &transport) && !is_value(word, "below", &below))
			die("unknown word");
	}
	if (master.len > 0)
		domain.master = folded_domain(text_span(&master), master_room);
	domain.name = text_span(&spelled);
	domain.transport = text_span(&transport);
	domain.below_transport = text_span(&below);
	mail_domain_begin(&value, &domain);
	list = mail_list_of(&logins);
	while (mail_list_next(&list, &word) > 0)
		mail_domain_put_login(&value, 0, word);
	key_mail_domain(&key, folded_domain(text_span(&name), room));
	put(key_span(&key), &value);
	text_free(&master);
	text_free(&spelled);
	text_free(&transport);
	text_free(&below);
	text_free(&login);
	text_free(&logins);
	text_free(&name);
}

/* --- users and groups ---- */

static struct said *
said_new(void)
{
	if (said_count == said_room) {
		said_room = said_room > 0 ? 2 * said_room : 64;
		saids = realloc(saids, said_room * sizeof(*saids));
		if (saids == NULL)
			die("no memory");
	}
	saids[said_count] = (struct said){ .order = said_count };
	return &saids[said_count++];
}

static void
say_of(struct span text, struct span from, const struct said *all)
{
	struct said *said;
	struct address address;

	if (address_read(text, &address) < 0 || address.kind == ADDRESS_WORD)
		die("no address");
	said = said_new();
	key_mail_address(&said->key, address_domain_span(&address), address_local_span(&address));
	if (!span_is(from, address_domain_span(&address)))
		text_put_span(&said->claimer, from);
	copy(&said->primary, &all->primary);
	copy(&said->mail_host, &all->mail_host);
	copy(&said->relocated, &all->relocated);
	copy(&said->routing, &all->routing);
	copy(&said->forwarding, &all->forwarding);
	copy(&said->logins, &all->logins);
	said->holder = all->holder;
	said->flags = all->flags;
}

static void
said_done(struct said *said)
{
	text_free(&said->claimer);
	text_free(&said->primary);
	text_free(&said->mail_host);
	text_free(&said->relocated);
	text_free(&said->routing);
	text_free(&said->forwarding);
	text_free(&said->logins);
}

static bool
next_address(struct span *rest, struct span *out)
{
	const char *comma;

	if (rest->len == 0)
		return false;
	comma = memchr(rest->data, ',', rest->len);
	*out = span_from(rest->data, comma != NULL ? (size_t)(comma - rest->data) : rest->len);
	*rest = span_skip(*rest, comma != NULL ? out->len + 1 : out->len);
	return true;
}

static void
read_holder(struct span rest, enum mail_holder holder)
{
	struct said all = { .holder = (uint8_t)holder };
	struct text from = TEXT_INIT, value = TEXT_INIT;
	char room[ADDRESS_DOMAIN_MAX];
	struct span word, addresses, one;
	struct address first;

	if (!span_next_word(&rest, &addresses))
		die("a holder has no address");
	one = addresses;
	(void)next_address(&(struct span){ addresses.data, addresses.len }, &one);
	decode(one, &value);
	if (address_read(text_span(&value), &first) < 0)
		die("no address");
	if (first.kind == ADDRESS_FULL)
		copy(&all.primary, &value);
	text_put_span(&from, address_domain_span(&first));
	while (span_next_word(&rest, &word)) {
		if (span_is(word, SPAN("suspended")))
			all.flags |= MAIL_SUSPENDED;
		else if (span_is(word, SPAN("nocopy")))
			all.flags |= MAIL_NO_COPY;
		else if (is_value(word, "routing", &value))
			mail_list_put(&all.routing, text_span(&value));
		else if (is_value(word, "to", &value))
			mail_list_put(&all.forwarding, text_span(&value));
		else if (is_value(word, "login", &value))
			mail_list_put(&all.logins, text_span(&value));
		else if (!is_value(word, "from", &from) && !is_value(word, "host", &all.mail_host) &&
		         !is_value(word, "moved", &all.relocated))
			die("unknown word");
	}
	word = folded_domain(text_span(&from), room);
	for (bool is_first = true; next_address(&addresses, &one); is_first = false) {
		decode(one, &value);
		all.flags = (uint8_t)(is_first && first.kind == ADDRESS_FULL ? all.flags | MAIL_PRIMARY : all.flags & ~MAIL_PRIMARY);
		say_of(text_span(&value), word, &all);
	}
	said_done(&all);
	text_free(&from);
	text_free(&value);
}

static int
by_key(const void *a, const void *b)
{
	const struct said *x = a, *y = b;
	size_t shorter = x->key.len < y->key.len ? x->key.len : y->key.len;
	int r = memcmp(x->key.octets, y->key.octets, shorter);

	if (r != 0)
		return r;
	if (x->key.len != y->key.len)
		return x->key.len < y->key.len ? -1 : 1;
	if ((x->claimer.len > 0) != (y->claimer.len > 0))
		return x->claimer.len > 0 ? 1 : -1;
	return x->order < y->order ? -1 : 1;
}

static void
put_addresses(void)
{
	struct text value = TEXT_INIT;
	struct span domain, local;
	char letter;

	if (said_count > 1)
		qsort(saids, said_count, sizeof(*saids), by_key);
	for (size_t i = 0; i < said_count; i++) {
		struct said *said = &saids[i];
		const struct mail_claim claim = {
			.claimer = text_span(&said->claimer),
			.holder = said->holder,
			.flags = said->flags,
			.primary = text_span(&said->primary),
			.mail_host = text_span(&said->mail_host),
			.relocated = text_span(&said->relocated),
			.routing = mail_list_of(&said->routing),
			.forwarding = mail_list_of(&said->forwarding),
			.logins = mail_list_of(&said->logins),
		};
		bool is_first = i == 0 || !span_is(key_span(&saids[i - 1].key), key_span(&said->key));
		bool is_last = i + 1 == said_count || !span_is(key_span(&saids[i + 1].key), key_span(&said->key));

		if (is_first)
			mail_address_begin(&value);
		if (key_mail_split(key_span(&said->key), &letter, &domain, &local) < 0)
			die("a key that is none");
		mail_address_put(&value, domain, local, &claim);
		if (is_last)
			put(key_span(&said->key), &value);
	}
	for (size_t i = 0; i < said_count; i++)
		said_done(&saids[i]);
	said_count = 0;
}

/* --- the whole ---- */

static void
read_line(struct span line)
{
	struct span word;

	if (line.len == 0 || line.data[0] == '#' || !span_next_word(&line, &word))
		return;
	if (span_is(word, SPAN("domain")))
		read_domain(line);
	else if (span_is(word, SPAN("user")))
		read_holder(line, MAIL_USER);
	else if (span_is(word, SPAN("group")))
		read_holder(line, MAIL_GROUP);
	else if (span_is(word, SPAN("incomplete")))
		is_complete = false;
	else
		die("unknown line");
}

void
mail_text_write(const char *folder, struct span text)
{
	struct state_record state = { 0 };

	is_complete = true;
	environment_text_begin(&written, folder);
	environment_text_lines(&written, text, read_line);
	put_addresses();
	state.complete = is_complete;
	environment_text_end(&written, &state);
	free(saids);
	saids = NULL;
	said_room = 0;
}

void
mail_text_close(void)
{
	environment_text_close(&written);
}
