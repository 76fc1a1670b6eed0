/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * Any key to every map over a small environment: the first octet chooses map and options, the rest is the key. Each key has an answer
 * or none, never "cannot tell". Results are addresses, none is there twice; the case of the key (in ASCII) changes nothing but what is
 * passed on as typed; what is accepted has an alias, what has moved has none.
 */
#include <config.h>

#include "cache/address.h"
#include "cache/key.h"
#include "cache/mail.h"
#include "tests/lib/mail_text.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char environment[] =
	"domain tern.example login=tern below=smtp:[hub] transport=relay:[inner]\n"
	"domain heron.example master=tern.example login=heron\n"
	"domain twice.example master=heron.example\n"
	"domain wren.example suspended\n"
	"domain gull.example smtp\n"
	"domain xn--bcher-kva.example spelled=b%c3%bccher.example\n"
	"user ada@tern.example,ada.ames@tern.example,info@tern.example,postmaster@heron.example,@tern.example host=mail1 "
	"routing=ada@tern.example login=ada login=ada@tern.example\n"
	"user bob@tern.example,info@tern.example host=mail1 routing=bob_tern@mail1.isp.example to=bob@elsewhere.example login=bob\n"
	"user cas@tern.example suspended to=cas@elsewhere.example nocopy login=cas\n"
	"user gone@tern.example moved=far%20away login=gone\n"
	"user none@tern.example login=none\n"
	"user a%20b@tern.example host=mail2 routing=%22a%20b%22@tern.example\n"
	"user wren@wren.example host=mail3 routing=wren@wren.example\n"
	"user j%c3%b6rg@b%c3%bccher.example host=mail4 routing=j%c3%b6rg@b%c3%bccher.example to=@elsewhere.example\n"
	"user eve@evil.example,ada@tern.example,new@heron.example from=evil.example to=eve@evil.example login=eve\n"
	"group staff@tern.example,x+y@tern.example to=ada@tern.example to=ADA@Tern.example to=inner@tern.example to=@other.example\n"
	"group inner@tern.example to=staff@tern.example to=carol@elsewhere.example to=%22q,r%22@y.example to=bad%20one\n"
	"group long@tern.example to=1@y to=2@y to=3@y to=4@y to=5@y to=6@y to=7@y to=8@y to=9@y to=10@y to=11@y to=12@y to=13@y\n"
	"group mix@tern.example to=long@tern.example to=1@y to=staff@tern.example to=long@tern.example to=1@Y to=x+y@tern.example\n";

static struct cache *cache;
static char folder[64];

static void
require(bool truth)
{
	if (!truth)
		abort();
}

static void
leave(void)
{
	char command[128];

	cache_close(cache);
	mail_text_close();
	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	if (system(command) != 0)
		fprintf(stderr, "%s remains\n", folder);
}

static void
enter(void)
{
	char path[128];

	snprintf(folder, sizeof(folder), "/tmp/fuzz_mail.XXXXXX");
	require(mkdtemp(folder) != NULL && mail_open(folder, NULL, &cache) == 0);
	snprintf(path, sizeof(path), "%s/mail/2", folder);
	mail_text_write(path, span_of(environment));
	atexit(leave);
}

static void
hear(void *context, struct span subject, const char *sentence)
{
	(void)context;
	require(sentence[0] != '\0' && subject.len <= KEY_MAX);
}

/* What is explained is what is answered. */
static int
look_up(const struct mail_options *options, enum mail_map map, struct span key, struct text *out)
{
	struct text explained = TEXT_INIT;
	int r = mail_lookup(cache, options, map, key, out);

	require((r == 0 && out->len == 0) || (r == 1 && out->len > 0));
	require(mail_explain(cache, options, map, key, hear, NULL, &explained) == r);
	require(span_is(text_span(&explained), text_span(out)));
	text_free(&explained);
	return r;
}

/* The next of the results, which are separated by commas outside quotes. */
static bool
next_result(struct span *rest, struct span *out)
{
	bool quoted = false;
	size_t n = 0;

	if (rest->len == 0)
		return false;
	for (; n < rest->len && (quoted || rest->data[n] != ','); n++) {
		if (rest->data[n] == '"')
			quoted = !quoted;
		else if (quoted && rest->data[n] == '\\')
			n++;
	}
	require(n > 0 && n <= rest->len);
	*out = span_from(rest->data, n);
	*rest = span_skip(*rest, n < rest->len ? n + 1 : n);
	return true;
}

static void
are_addresses(struct span value)
{
	static struct address addresses[32];
	struct span result;
	size_t count = 0;

	while (next_result(&value, &result)) {
		struct address *address = &addresses[count];

		require(count < array_size(addresses) && address_read(result, address) == 0);
		require(address->kind == ADDRESS_FULL || (address->kind == ADDRESS_CATCH_ALL && count == 0));
		for (size_t i = 0; i < count; i++)
			require(!span_is(address_local_span(&addresses[i]), address_local_span(address)) ||
			        !span_is(address_domain_span(&addresses[i]), address_domain_span(address)));
		count++;
	}
	require(count > 0);
}

static void
other_case(struct span key, struct text *out)
{
	for (size_t i = 0; i < key.len; i++) {
		char lower = ascii_lower(key.data[i]);

		text_put_char(out, lower != key.data[i]             ? lower
		                   : lower >= 'a' && lower <= 'z' ? (char)(lower - ('a' - 'A'))
		                                                    : lower);
	}
	text_put(out, "");
}

static void
hold_between_maps(const struct mail_options *options, struct span key)
{
	struct text value[MAIL_MAPS];
	int found[MAIL_MAPS];

	for (unsigned i = 0; i < MAIL_MAPS; i++) {
		value[i] = TEXT_INIT;
		found[i] = look_up(options, (enum mail_map)i, key, &value[i]);
	}
	if (found[MAIL_RELOCATED])
		require(!found[MAIL_VIRTUAL] && !found[MAIL_MAILBOX]);
	if (found[MAIL_MAILBOX])
		require(found[MAIL_VIRTUAL]);
	if (found[MAIL_VIRTUAL])
		require(found[MAIL_RECIPIENTS]);
	require(!found[MAIL_DOMAINS] || !found[MAIL_RELAY_DOMAINS]);
	for (unsigned i = 0; i < MAIL_MAPS; i++)
		text_free(&value[i]);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mail_options options = mail_options_default;
	struct text value = TEXT_INIT, again = TEXT_INIT, other = TEXT_INIT;
	enum mail_map map;
	struct span key;

	if (size == 0)
		return 0;
	if (cache == NULL)
		enter();
	map = (enum mail_map)(data[0] % MAIL_MAPS);
	options.expand_groups = (data[0] & 0x10) != 0;
	options.group_size = 10;
	options.refuse_suspended_users = options.refuse_suspended_domains = (data[0] & 0x20) != 0;
	options.relay_listed = (data[0] & 0x40) != 0;
	options.extend = (data[0] & 0x80) != 0 ? MAIL_EXTEND_ALL : MAIL_EXTEND_LOCAL;
	key = span_from(data + 1, size - 1);
	other_case(key, &other);
	if (look_up(&options, map, key, &value) > 0) {
		if (map == MAIL_VIRTUAL || map == MAIL_RECIPIENTS || map == MAIL_CANONICAL || map == MAIL_MAILBOX)
			are_addresses(text_span(&value));
		require(look_up(&options, map, text_span(&other), &again) == 1);
		require(map == MAIL_CANONICAL || map == MAIL_VIRTUAL ? span_is_nocase(text_span(&value), text_span(&again))
		                                                      : span_is(text_span(&value), text_span(&again)));
	} else {
		require(look_up(&options, map, text_span(&other), &again) == 0);
	}
	hold_between_maps(&options, key);
	text_free(&value);
	text_free(&again);
	text_free(&other);
	return 0;
}
