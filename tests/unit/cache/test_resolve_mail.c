/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 */
#include <config.h>

#include "tests/unit/test.h"

#include "cache/mail.h"
#include "cache/read_mail.h"
#include "tests/unit/cache/mail_folder.h"

#include <errno.h>
#include <stdio.h>

struct row {
	const char *map, *key, *want; /* NULL: absent */
};

static void
hear_nothing(void *context, struct span subject, const char *sentence)
{
	(void)context;
	(void)subject;
	(void)sentence;
}

/* What is explained looks at more than what is only answered. */
static void
check(const struct row *row)
{
	cleanup(text_free) struct text got = TEXT_INIT, explained = TEXT_INIT;
	enum mail_map map;
	int r;

	assert_int_equal(mail_map_from_name(span_of(row->map), &map), 1);
	text_put(&got, "before ");
	r = mail_lookup(cache, &options, map, span_of(row->key), &got);
	if (r < 0)
		fail_msg("%s %s: got %s", row->map, row->key, strerror(-r));
	text_put(&explained, "before ");
	assert_int_equal(mail_explain(cache, &options, map, span_of(row->key), hear_nothing, NULL, &explained), r);
	assert_string_equal(text_str(&explained), text_str(&got));
	assert_int_equal(strncmp(text_str(&got), "before ", 7), 0);
	if (r != (row->want != NULL) || strcmp(text_str(&got) + 7, row->want != NULL ? row->want : "") != 0)
		fail_msg("%s %s: got %s, want %s", row->map, row->key, r > 0 ? text_str(&got) + 7 : "nothing",
		         row->want != NULL ? row->want : "nothing");
}

/* Twice: the second time from what is known of the snapshot. */
static void
answers(const struct row *rows, size_t count)
{
	for (int round = 0; round < 2; round++)
		for (size_t i = 0; i < count; i++)
			check(&rows[i]);
}

#define ANSWERS(...)                                                                                                             \
	do {                                                                                                                     \
		static const struct row rows[] = { __VA_ARGS__ };                                                                \
		answers(rows, array_size(rows));                                                                                 \
	} while (0)

static const char sample[] =
	"domain tern.example login=tern.example\n"
	"domain heron.example master=tern.example\n"
	"domain wren.example suspended\n"
	"domain gull.example smtp\n"
	"domain crow.example smtp\n"
	"user ada@tern.example,ada.ames@tern.example,postmaster@heron.example,@tern.example host=mail1.isp.example "
	"routing=ada@tern.example login=ada_tern_example login=ada@tern.example\n"
	"user bob.berg@tern.example host=mail1.isp.example routing=bob_berg_tern_example@mail1.isp.example "
	"to=bob@elsewhere.example login=bob_berg_tern_example login=bob.berg@tern.example\n"
	"user cas@tern.example suspended to=cas@elsewhere.example login=cas_tern_example\n"
	"group staff@tern.example,crew@tern.example to=ada@tern.example to=bob.berg@tern.example to=carol@elsewhere.example\n";

/* --- the golden table -------------------------------------------------------------------------------- */

static void
virtual_gives_what_the_original_maps_give(void **state)
{
	(void)state;
	fill(sample);
	ANSWERS({ "virtual", "ada@tern.example", "ada@tern.example" },
	        { "virtual", "ADA@Tern.Example", "ada@tern.example" },
	        { "virtual", "ada@tern.example.", "ada@tern.example" },
	        { "virtual", "ada.ames@tern.example", "ada@tern.example" },
	        { "virtual", "postmaster@heron.example", "ada@tern.example" },
	        { "virtual", "bob.berg@tern.example", "bob_berg_tern_example@mail1.isp.example,bob@elsewhere.example" },
	        { "virtual", "cas@tern.example", "cas@elsewhere.example" },
	        { "virtual", "staff@tern.example", "ada@tern.example,bob.berg@tern.example,carol@elsewhere.example" },
	        { "virtual", "crew@tern.example", "ada@tern.example,bob.berg@tern.example,carol@elsewhere.example" },
	        { "virtual", "nobody@tern.example", "ada@tern.example" },
	        { "virtual", "@tern.example", "ada@tern.example" },
	        { "virtual", "ada@heron.example", "ada@tern.example" },
	        { "virtual", "cas@heron.example", "cas@elsewhere.example" },
	        { "virtual", "nobody@heron.example", "ada@tern.example" },
	        { "virtual", "anything@wren.example", NULL },
	        { "virtual", "@wren.example", NULL },
	        { "virtual", "anything@gull.example", NULL },
	        { "virtual", "x@sub.tern.example", NULL },
	        { "virtual", "x@elsewhere.example", NULL },
	        { "virtual", "tern.example", NULL },
	        { "virtual", "ada", NULL });
}

static void
domains_are_final_or_relayed(void **state)
{
	(void)state;
	fill(sample);
	ANSWERS({ "domains", "tern.example", "tern.example" },
	        { "domains", "TERN.example.", "tern.example" },
	        { "domains", "heron.example", "heron.example" },
	        { "domains", "wren.example", "wren.example" },
	        { "domains", "gull.example", NULL },
	        { "domains", "crow.example", NULL },
	        { "domains", "sub.tern.example", NULL },
	        { "domains", ".tern.example", NULL },
	        { "domains", "ada@tern.example", NULL },
	        { "domains", "@tern.example", NULL },
	        { "relay-domains", "gull.example", "gull.example" },
	        { "relay-domains", "Crow.Example", "crow.example" },
	        { "relay-domains", "tern.example", NULL },
	        { "relay-domains", "heron.example", NULL },
	        { "relay-domains", "wren.example", NULL },
	        { "relay-domains", "x@gull.example", NULL },
	        { "relay-domains", "unknown", NULL });
	options.refuse_suspended_domains = true;
	ANSWERS({ "domains", "wren.example", NULL }, { "domains", "tern.example", "tern.example" });
}

static void
recipients_are_all_whose_mail_is_taken(void **state)
{
	(void)state;
	fill(sample);
	ANSWERS({ "recipients", "ada@tern.example", "ada@tern.example" },
	        { "recipients", "Ada.Ames@tern.example", "ada.ames@tern.example" },
	        { "recipients", "bob.berg@tern.example", "bob.berg@tern.example" },
	        { "recipients", "crew@tern.example", "crew@tern.example" },
	        { "recipients", "cas@tern.example", "cas@tern.example" },
	        { "recipients", "ada@heron.example", "ada@heron.example" },
	        { "recipients", "@tern.example", "@tern.example" },
	        { "recipients", "@wren.example", NULL },
	        { "recipients", "x@wren.example", NULL },
	        { "recipients", "x@gull.example", "x@gull.example" },
	        { "recipients", "@gull.example", "@gull.example" },
	        { "recipients", "gull.example", NULL },
	        { "recipients", "x@elsewhere.example", NULL });
	options.relay_listed = true;
	ANSWERS({ "recipients", "x@gull.example", NULL }, { "recipients", "@gull.example", NULL },
	        { "recipients", "ada@tern.example", "ada@tern.example" });
}

static void
transport_leads_to_the_mailbox(void **state)
{
	(void)state;
	fill(sample);
	ANSWERS({ "transport", "ada@tern.example", "lmtp:[mail1.isp.example]" },
	        { "transport", "ada.ames@tern.example", "lmtp:[mail1.isp.example]" },
	        { "transport", "bob.berg@tern.example", "lmtp:[mail1.isp.example]" },
	        { "transport", "@tern.example", "lmtp:[mail1.isp.example]" },
	        { "transport", "nobody@tern.example", "lmtp:[mail1.isp.example]" },
	        { "transport", "ada@heron.example", "lmtp:[mail1.isp.example]" },
	        { "transport", "cas@tern.example", NULL },
	        { "transport", "staff@tern.example", NULL },
	        { "transport", "tern.example", NULL },
	        { "transport", "gull.example", "smtp:" },
	        { "transport", "x@gull.example", "smtp:" },
	        { "transport", "@gull.example", "smtp:" },
	        { "transport", "*", NULL },
	        { "transport", "x@elsewhere.example", NULL });
	options.mailbox_transport = "relay:[%h]:2003%%%d%x%";
	ANSWERS({ "transport", "ada@heron.example", "relay:[mail1.isp.example]:2003%heron.example%x%" });
	options.mailbox_transport = "";
	ANSWERS({ "transport", "ada@heron.example", NULL }, { "transport", "x@gull.example", "smtp:" });
}

static void
other_maps_of_the_sample(void **state)
{
	(void)state;
	fill(sample);
	ANSWERS({ "canonical", "ada@heron.example", "ada@tern.example" },
	        { "canonical", "Ada+x@Heron.Example", "Ada+x@tern.example" },
	        { "canonical", "nobody@heron.example", "nobody@tern.example" },
	        { "canonical", "postmaster@heron.example", NULL },
	        { "canonical", "@heron.example", "@tern.example" },
	        { "canonical", "ada@tern.example", NULL },
	        { "canonical", "heron.example", NULL },
	        { "mailbox", "ada@tern.example", "ada@tern.example" },
	        { "mailbox", "ada.ames+x@tern.example", "ada@tern.example" },
	        { "mailbox", "bob.berg@heron.example", "bob.berg@tern.example" },
	        { "mailbox", "cas@tern.example", NULL },
	        { "mailbox", "staff@tern.example", NULL },
	        { "mailbox", "nobody@tern.example", "ada@tern.example" },
	        { "sender-login", "ada@tern.example", "ada_tern_example,ada@tern.example,tern.example" },
	        { "sender-login", "bob.berg@heron.example", "bob_berg_tern_example,bob.berg@tern.example,tern.example" },
	        { "sender-login", "nobody@tern.example", "ada_tern_example,ada@tern.example,tern.example" },
	        { "sender-login", "staff@tern.example", "tern.example" },
	        { "sender-login", "x@gull.example", NULL },
	        { "sender-login", "<>", NULL },
	        { "relocated", "ada@tern.example", NULL });
}

/* --- extensions -------------------------------------------------------------------------------------- */

static void
extensions_are_taken_off_and_put_on_again(void **state)
{
	(void)state;
	fill("domain tern.example\n"
	     "domain heron.example master=tern.example\n"
	     "user ada@tern.example,ada.ames@tern.example host=mail1 routing=ada@tern.example\n"
	     "user bob@tern.example host=mail1 routing=bob_tern@mail1.isp.example to=bob@elsewhere.example to=bob@heron.example\n"
	     "user cas+list@tern.example to=cas@elsewhere.example\n"
	     "user dan@tern.example to=@elsewhere.example\n"
	     "user eve@tern.example to=eve@elsewhere.example to=@elsewhere.example\n"
	     "group all@tern.example to=ada@tern.example to=carol@elsewhere.example\n"
	     "user @wren.example to=wren@tern.example\n"
	     "domain wren.example\n");
	ANSWERS({ "virtual", "ada+Foo@tern.example", "ada+Foo@tern.example" },
	        { "virtual", "ADA.Ames+Foo+Bar@heron.example", "ada+Foo+Bar@tern.example" },
	        { "virtual", "bob+x@tern.example", "bob_tern+x@mail1.isp.example,bob@elsewhere.example,bob+x@heron.example" },
	        { "virtual", "cas+list@tern.example", "cas@elsewhere.example" },
	        { "virtual", "cas+other@tern.example", NULL },
	        { "virtual", "all+x@tern.example", "ada+x@tern.example,carol@elsewhere.example" },
	        { "virtual", "any+x@wren.example", "wren@tern.example" },
	        { "virtual", "dan+x@tern.example", "@elsewhere.example" },
	        { "virtual", "eve+x@tern.example", "eve@elsewhere.example,eve+x@elsewhere.example" },
	        { "virtual", "ada-x@tern.example", NULL },
	        { "virtual", "+x@tern.example", NULL },
	        { "virtual", "\"ada+a b\"@tern.example", "\"ada+a b\"@tern.example" },
	        { "recipients", "ada+Foo@tern.example", "ada+foo@tern.example" },
	        { "mailbox", "ada+Foo@tern.example", "ada@tern.example" });
	options.extend = MAIL_EXTEND_ALL;
	ANSWERS({ "virtual", "bob+x@tern.example", "bob_tern+x@mail1.isp.example,bob+x@elsewhere.example,bob+x@heron.example" },
	        { "virtual", "any+x@wren.example", "wren@tern.example" });
	options.extend = MAIL_EXTEND_NONE;
	ANSWERS({ "virtual", "bob+x@tern.example", "bob_tern@mail1.isp.example,bob@elsewhere.example,bob@heron.example" },
	        { "virtual", "ada+x@tern.example", "ada@tern.example" });
	options.delimiters = SPAN("-+");
	ANSWERS({ "virtual", "ada-x+y@tern.example", "ada@tern.example" });
	options.delimiters = SPAN("");
	ANSWERS({ "virtual", "ada+x@tern.example", NULL });
}

/* --- who may hold what --------------------------------------------------------------------------------- */

static void
foreign_claims_have_no_effect(void **state)
{
	(void)state;
	fill("domain tern.example\n"
	     "domain heron.example master=tern.example\n"
	     "domain evil.example\n"
	     "user ada@tern.example host=mail1 routing=ada@tern.example login=ada\n"
	     "user eve@evil.example,ada@tern.example,ada@heron.example,new@tern.example,@tern.example,@heron.example,eve@gone.example "
	     "from=evil.example host=mail9 routing=eve@evil.example login=eve moved=to%20evil\n"
	     "user bob@tern.example,info@heron.example host=mail1 routing=bob@tern.example login=bob\n");
	ANSWERS({ "virtual", "ada@tern.example", "ada@tern.example" },
	        { "virtual", "ada@heron.example", "ada@tern.example" },
	        { "virtual", "new@tern.example", NULL },
	        { "virtual", "any@tern.example", NULL },
	        { "virtual", "any@heron.example", NULL },
	        { "virtual", "info@heron.example", "bob@tern.example" },
	        { "virtual", "info@tern.example", NULL },
	        { "virtual", "eve@gone.example", NULL },
	        { "transport", "ada@tern.example", "lmtp:[mail1]" },
	        { "sender-login", "ada@tern.example", "ada" },
	        { "sender-login", "new@tern.example", NULL },
	        { "canonical", "ada@heron.example", "ada@tern.example" },
	        { "canonical", "@heron.example", "@tern.example" },
	        { "relocated", "new@tern.example", NULL },
	        { "relocated", "eve@evil.example", "to evil" });
}

static void
domains_state_senders_for_all_that_exists(void **state)
{
	(void)state;
	fill("domain tern.example login=tern\n"
	     "domain gull.example smtp login=gull\n"
	     "user ada@tern.example host=m login=ada\n");
	ANSWERS({ "sender-login", "ada@tern.example", "ada,tern" },
	        { "sender-login", "no@tern.example", NULL },
	        { "sender-login", "@tern.example", NULL },
	        { "sender-login", "any@gull.example", "gull" },
	        { "sender-login", "@gull.example", "gull" });
	options.relay_listed = true;
	ANSWERS({ "sender-login", "any@gull.example", NULL });
}

static void
holders_together_answer_as_one(void **state)
{
	(void)state;
	fill("domain tern.example login=boss login=ADA\n"
	     "user ada@tern.example,info@tern.example host=mail1 routing=ada@tern.example to=Out@elsewhere.example login=ada\n"
	     "user bob@tern.example,info@tern.example host=mail2 routing=bob@tern.example to=out@Elsewhere.example login=bob login=Ada\n"
	     "group info@tern.example to=carol@elsewhere.example to=ada@tern.example\n");
	ANSWERS({ "virtual", "info@tern.example",
	          "ada@tern.example,Out@elsewhere.example,bob@tern.example,carol@elsewhere.example" },
	        { "transport", "info@tern.example", "lmtp:[mail1]" },
	        { "mailbox", "info@tern.example", "ada@tern.example" },
	        { "sender-login", "info@tern.example", "ada,bob,boss" });
}

static void
a_catch_all_takes_no_real_users_place(void **state)
{
	(void)state;
	fill("domain tern.example\n"
	     "domain heron.example master=tern.example\n"
	     "user ada@tern.example,@tern.example host=mail1 routing=ada@tern.example login=ada\n"
	     "user nothing@tern.example login=nothing\n"
	     "user box@tern.example host=mail2 login=box\n"
	     "user out@tern.example to=x@elsewhere.example login=out\n"
	     "user gone@tern.example host=mail3 to=y@elsewhere.example moved=gone@new.example%20(since%20May) login=gone\n"
	     "user keep@tern.example host=mail3 routing=keep@tern.example to=z@elsewhere.example nocopy\n"
	     "user keeps@tern.example host=mail3 routing=keeps@tern.example nocopy\n"
	     "user off@tern.example host=mail4 suspended routing=off@tern.example login=off\n"
	     "group empty@tern.example\n"
	     "user some@heron.example from=tern.example host=mail5 routing=some@store.example\n");
	ANSWERS({ "virtual", "box@tern.example", "box@tern.example" },
	        { "virtual", "out@tern.example", "x@elsewhere.example" },
	        { "mailbox", "out@tern.example", NULL },
	        { "transport", "out@tern.example", NULL },
	        { "sender-login", "out@tern.example", "out" },
	        { "virtual", "nothing@tern.example", "ada@tern.example" },
	        { "sender-login", "nothing@tern.example", "nothing" },
	        { "virtual", "empty@tern.example", "ada@tern.example" },
	        { "sender-login", "empty@tern.example", NULL },
	        { "virtual", "gone@tern.example", NULL },
	        { "recipients", "gone@tern.example", NULL },
	        { "mailbox", "gone@tern.example", NULL },
	        { "transport", "gone@tern.example", NULL },
	        { "relocated", "gone@tern.example", "gone@new.example (since May)" },
	        { "relocated", "Gone+x@heron.example", "gone@new.example (since May)" },
	        { "relocated", "nobody@tern.example", NULL },
	        { "sender-login", "gone@tern.example", "gone" },
	        { "virtual", "keep@tern.example", "z@elsewhere.example" },
	        { "mailbox", "keep@tern.example", "keep@tern.example" },
	        { "virtual", "keeps@tern.example", "keeps@tern.example" },
	        { "virtual", "off@tern.example", "off@tern.example" },
	        { "virtual", "some@heron.example", "some@store.example" },
	        { "mailbox", "some@heron.example", "some@heron.example" },
	        { "canonical", "some@heron.example", NULL },
	        { "canonical", "gone@heron.example", "gone@tern.example" });
	options.refuse_suspended_users = true;
	ANSWERS({ "virtual", "off@tern.example", NULL },
	        { "recipients", "off@tern.example", NULL },
	        { "transport", "off@tern.example", NULL },
	        { "sender-login", "off@tern.example", NULL },
	        { "canonical", "off@heron.example", NULL },
	        { "virtual", "nobody@tern.example", "ada@tern.example" });
}

/* What is remembered of a domain gives way to another one while its catch-all is being answered. */
static void
a_catch_all_is_its_own_domains_to_the_end(void **state)
{
	uint32_t place = mail_hash(SPAN("tern.example")) % KNOWN_DOMAINS;
	char other[32], text[256], want[64];
	unsigned n = 0;

	(void)state;
	do
		snprintf(other, sizeof(other), "n%u.example.com", n++);
	while (mail_hash(span_of(other)) % KNOWN_DOMAINS != place);
	snprintf(text, sizeof(text),
	         "domain tern.example\n"
	         "user @tern.example to=x@%s to=bob@tern.example login=eve\n"
	         "user bob@tern.example host=mail1 routing=bob@tern.example\n",
	         other);
	fill(text);
	snprintf(want, sizeof(want), "x@%s,bob@tern.example", other);
	answers((const struct row[]){ { "virtual", "any@tern.example", want } }, 1);
}

static void
suspended_domains_may_be_refused(void **state)
{
	(void)state;
	fill("domain tern.example suspended transport=relay:x below=relay:y\n"
	     "domain heron.example master=tern.example\n"
	     "domain gull.example smtp suspended\n"
	     "user ada@tern.example host=mail1 routing=ada@tern.example login=ada\n");
	ANSWERS({ "virtual", "ada@heron.example", "ada@tern.example" },
	        { "transport", "x@tern.example", "relay:x" },
	        { "transport", "x@heron.example", "relay:x" },
	        { "recipients", "x@gull.example", "x@gull.example" });
	options.refuse_suspended_domains = true;
	ANSWERS({ "virtual", "ada@heron.example", NULL }, { "virtual", "ada@tern.example", NULL },
	        { "domains", "heron.example", NULL }, { "relay-domains", "gull.example", NULL },
	        { "recipients", "x@gull.example", NULL }, { "transport", "x@gull.example", NULL },
	        { "transport", "x@tern.example", NULL }, { "transport", "x@a.tern.example", NULL },
	        { "canonical", "ada@heron.example", NULL }, { "canonical", "@heron.example", NULL },
	        { "sender-login", "ada@tern.example", NULL });
}

/* --- replicas --------------------------------------------------------------------------------------------- */

static void
replicas_repeat_their_master_once(void **state)
{
	(void)state;
	fill("domain tern.example login=tern\n"
	     "domain heron.example master=tern.example login=heron\n"
	     "domain twice.example master=heron.example\n"
	     "domain lost.example master=nowhere.example\n"
	     "user ada@tern.example,a+b@tern.example,@heron.example host=mail1 routing=ada@tern.example login=ada\n"
	     "user bob@tern.example,@tern.example host=mail1 routing=bob@tern.example login=bob\n"
	     "user own@heron.example host=mail2 routing=own@heron.example\n");
	ANSWERS({ "virtual", "bob@heron.example", "bob@tern.example" },
	        { "virtual", "any@heron.example", "ada@tern.example" },
	        { "virtual", "any@tern.example", "bob@tern.example" },
	        { "virtual", "own@heron.example", "own@heron.example" },
	        { "virtual", "own@tern.example", "bob@tern.example" },
	        { "virtual", "a+b@heron.example", "ada@tern.example" },
	        { "virtual", "@heron.example", "ada@tern.example" },
	        { "virtual", "bob@twice.example", NULL },
	        { "virtual", "bob@lost.example", NULL },
	        { "domains", "twice.example", "twice.example" },
	        { "canonical", "bob@twice.example", NULL },
	        { "canonical", "@lost.example", NULL },
	        { "canonical", "@heron.example", NULL },
	        { "canonical", "any@heron.example", NULL },
	        { "canonical", "bob@heron.example", "bob@tern.example" },
	        { "sender-login", "bob@heron.example", "bob,heron,tern" },
	        { "sender-login", "bob@tern.example", "bob,tern" });
}

/* --- transports -------------------------------------------------------------------------------------------- */

static void
domains_may_state_transports(void **state)
{
	(void)state;
	fill("domain tern.example transport=relay:[inner]:26 below=smtp:[hub]\n"
	     "domain sub.tern.example\n"
	     "domain heron.example master=tern.example transport=discard:\n"
	     "domain gull.example smtp transport=smtp:[mx.gull.example]\n"
	     "user ada@tern.example host=mail1 routing=ada@tern.example\n"
	     "user cas@tern.example to=cas@elsewhere.example\n");
	ANSWERS({ "transport", "ada@tern.example", "lmtp:[mail1]" },
	        { "transport", "cas@tern.example", "relay:[inner]:26" },
	        { "transport", "tern.example", "relay:[inner]:26" },
	        { "transport", "TERN.example.", "relay:[inner]:26" },
	        { "transport", ".tern.example", "smtp:[hub]" },
	        { "transport", ".x.tern.example", "smtp:[hub]" },
	        { "transport", "x.tern.example", "smtp:[hub]" },
	        { "transport", "y.x.tern.example", "smtp:[hub]" },
	        { "transport", "root@x.tern.example", "smtp:[hub]" },
	        { "transport", "sub.tern.example", NULL },
	        { "transport", "x.sub.tern.example", NULL },
	        { "transport", ".sub.tern.example", NULL },
	        { "transport", "heron.example", "discard:" },
	        { "transport", "ada@heron.example", "lmtp:[mail1]" },
	        { "transport", "gull.example", "smtp:[mx.gull.example]" },
	        { "transport", "example", NULL },
	        { "transport", ".", NULL },
	        { "transport", "..", NULL });
}

/* --- groups ---------------------------------------------------------------------------------------------------- */

static void
rings_end(void **state)
{
	(void)state;
	fill("domain tern.example\n"
	     "domain heron.example master=tern.example\n"
	     "user ada@tern.example host=m routing=ada@tern.example to=ring@tern.example\n"
	     "group ring@tern.example to=ring2@heron.example to=x@elsewhere.example to=ada@tern.example\n"
	     "group ring2@tern.example to=cas@tern.example\n"
	     "user cas@tern.example to=ring@tern.example to=y@elsewhere.example\n"
	     "group above@tern.example to=ring@tern.example to=z@elsewhere.example\n"
	     "user ping@tern.example to=pong@tern.example\n"
	     "user pong@tern.example to=ping@heron.example\n"
	     "group self@tern.example to=self@tern.example to=x@elsewhere.example\n");
	for (int expand = 0; expand < 2; expand++) {
		options.expand_groups = expand > 0;
		ANSWERS({ "virtual", "ring@tern.example", "y@elsewhere.example,x@elsewhere.example,ada@tern.example" },
		        { "virtual", "ring2@tern.example", "x@elsewhere.example,ada@tern.example,y@elsewhere.example" },
		        { "virtual", "cas+e@tern.example", "x@elsewhere.example,ada+e@tern.example,y@elsewhere.example" },
		        { "virtual", "cas@heron.example", "x@elsewhere.example,ada@tern.example,y@elsewhere.example" },
		        { "virtual", "ping@tern.example", "ping@tern.example" },
		        { "virtual", "pong@heron.example", "pong@heron.example" });
	}
	options.expand_groups = false;
	/* Who keeps the mail ends a ring, and so does who is among its own members; above it, Postfix asks. */
	ANSWERS({ "virtual", "ada@tern.example", "ada@tern.example,ring@tern.example" },
	        { "virtual", "self@tern.example", "self@tern.example,x@elsewhere.example" },
	        { "virtual", "above@tern.example", "ring@tern.example,z@elsewhere.example" });
}

static void
groups_within_groups_are_postfixs_business_or_ours(void **state)
{
	(void)state;
	fill("domain tern.example\n"
	     "domain heron.example master=tern.example\n"
	     "user ada@tern.example,@tern.example host=m routing=ada@tern.example\n"
	     "group a@tern.example to=b@tern.example to=c@heron.example to=x@elsewhere.example\n"
	     "group b@tern.example to=ada@tern.example to=y@elsewhere.example to=c@tern.example\n"
	     "group c@tern.example to=a@tern.example to=z@elsewhere.example to=nobody@tern.example\n"
	     "group loop@tern.example to=loop@tern.example to=pool@tern.example\n"
	     "group pool@tern.example to=loop@tern.example\n"
	     "group d@tern.example to=d1@tern.example to=d1@tern.example\n"
	     "group d1@tern.example to=d2@tern.example\n"
	     "group d2@tern.example to=d3@tern.example\n"
	     "group d3@tern.example to=end@elsewhere.example\n"
	     "group big@tern.example to=1@x to=2@x to=small@tern.example to=3@x\n"
	     "group small@tern.example to=4@x to=5@x\n");
	ANSWERS({ "virtual", "d@tern.example", "d1@tern.example" },
	        { "virtual", "big@tern.example", "1@x,2@x,small@tern.example,3@x" },
	        { "virtual", "loop@tern.example", "loop@tern.example,pool@tern.example" });
	options.expand_groups = true;
	ANSWERS({ "virtual", "a@tern.example",
	          "ada@tern.example,y@elsewhere.example,z@elsewhere.example,nobody@tern.example,x@elsewhere.example" },
	        { "virtual", "a+e@tern.example",
	          "ada+e@tern.example,y@elsewhere.example,z@elsewhere.example,nobody+e@tern.example,x@elsewhere.example" },
	        { "virtual", "loop@tern.example", "loop@tern.example" },
	        { "virtual", "d@tern.example", "end@elsewhere.example" },
	        { "virtual", "big@tern.example", "1@x,2@x,4@x,5@x,3@x" });
	options.group_depth = 2;
	ANSWERS({ "virtual", "d@tern.example", "d3@tern.example" });
	options.group_depth = 0;
	ANSWERS({ "virtual", "d@tern.example", "d1@tern.example" });
	options.group_depth = 20;
	options.group_size = 3;
	ANSWERS({ "virtual", "big@tern.example", "1@x,2@x,small@tern.example,3@x" });
}

/* Lists with a table of hashes: what was taken away again may come once more. */
static void
a_long_group_that_is_too_much_stays_one(void **state)
{
	enum { DIRECT = 15, NESTED = 40 };
	cleanup(text_free) struct text text = TEXT_INIT, want = TEXT_INIT, got = TEXT_INIT;

	(void)state;
	text_put(&text, "domain tern.example\ngroup all@tern.example");
	for (int i = 0; i < DIRECT; i++) {
		text_putf(&text, " to=%d@x.example", i);
		text_putf(&want, "%d@x.example,", i);
	}
	text_put(&text, " to=lots@tern.example to=30@X.example to=3@x.example to=29@x.example to=lots@tern.example\ngroup lots@tern.example");
	text_put(&want, "lots@tern.example,30@X.example,29@x.example");
	for (int i = 0; i < NESTED; i++)
		text_putf(&text, " to=%d@x.example", i);
	text_put_char(&text, '\n');
	fill(text_str(&text));
	options.expand_groups = true;
	options.group_size = DIRECT + 10;
	assert_int_equal(mail_lookup(cache, &options, MAIL_VIRTUAL, SPAN("all@tern.example"), &got), 1);
	assert_string_equal(text_str(&got), text_str(&want));
	/* The list was long before it has anything. */
	text_clear(&text);
	text_put(&text, "domain tern.example\ngroup all@tern.example to=lots@tern.example to=1@x.example to=more@tern.example to=1@X.example"
	                " to=2@x.example\ngroup lots@tern.example");
	for (int i = 0; i < NESTED; i++)
		text_putf(&text, " to=%d@x.example", i);
	text_put(&text, "\ngroup more@tern.example to=2@x.example to=lots@tern.example\n");
	fill(text_str(&text));
	options.expand_groups = true;
	options.group_size = DIRECT + 10;
	text_clear(&got);
	assert_int_equal(mail_lookup(cache, &options, MAIL_VIRTUAL, SPAN("all@tern.example"), &got), 1);
	assert_string_equal(text_str(&got), "lots@tern.example,1@x.example,2@x.example");
}

static void
many_members_are_one_answer_or_too_much(void **state)
{
	enum { MEMBERS = 3000 };
	cleanup(text_free) struct text text = TEXT_INIT, got = TEXT_INIT;
	size_t commas = 0;

	(void)state;
	text_put(&text, "domain tern.example\ngroup big@tern.example");
	for (int i = 0; i < 2 * MEMBERS; i++)
		text_putf(&text, " to=member.%d@elsewhere.example", i % MEMBERS);
	text_put(&text, "\ngroup huge@tern.example");
	for (int i = 0; i < 2 * MEMBERS; i++)
		text_putf(&text, " to=member.%d@elsewhere.example", i);
	text_put_char(&text, '\n');
	fill(text_str(&text));
	assert_int_equal(mail_lookup(cache, &options, MAIL_VIRTUAL, SPAN("big@tern.example"), &got), 1);
	for (size_t i = 0; i < got.len; i++)
		commas += got.data[i] == ',';
	assert_int_equal(commas, MEMBERS - 1);
	text_clear(&got);
	assert_int_equal(mail_lookup(cache, &options, MAIL_VIRTUAL, SPAN("huge@tern.example"), &got), -E2BIG);
	assert_int_equal(got.len, 0);
	assert_int_equal(mail_lookup(cache, &options, MAIL_RECIPIENTS, SPAN("huge@tern.example"), &got), 1);
}

/* --- strange keys ------------------------------------------------------------------------------------------------- */

static void
strange_keys_are_absent(void **state)
{
	static const char *const keys[] = {
		"", "*", "<>", "\"<>\"", "\"\"", "\"\"@tern.example", "@", "@@", "a@", "a@b@tern.example", "a b", " ", "unknown",
		"192.0.2.1", "[192.0.2.1]", "ada@[192.0.2.1]", "ada@[IPv6:2001:db8::1]", "ada@.tern.example", "ada@tern..example",
		"ada@tern.example..", "ada@\xff.example", "\xc3@nowhere.example", "\xff\xfe@nowhere.example", "ada@tern.example,bob@x",
		"<ada@tern.example>", "ada@tern.example ", "a\rb@nowhere.example", "ada@xn--", "ada@-", "user@tern.example/../x",
	};

	(void)state;
	fill("domain tern.example\n"
	     "domain heron.example master=tern.example\n"
	     "user ada@tern.example host=mail1 routing=ada@tern.example login=ada\n");
	for (size_t i = 0; i < array_size(keys); i++)
		for (unsigned map = 0; map < MAIL_MAPS; map++)
			check(&(struct row){ mail_map_name((enum mail_map)map), keys[i], NULL });
	assert_null(mail_map_name(MAIL_MAPS));
}

static void
quotes_do_not_matter(void **state)
{
	(void)state;
	fill("domain tern.example\n"
	     "user a%20b@tern.example host=mail1 routing=%22a%20b%22@tern.example\n"
	     "user ada@tern.example host=mail1 routing=ada@tern.example\n");
	ANSWERS({ "virtual", "\"a b\"@tern.example", "\"a b\"@tern.example" },
	        { "virtual", "a b@tern.example", "\"a b\"@tern.example" },
	        { "recipients", "A B@tern.example", "\"a b\"@tern.example" },
	        { "virtual", "\"ada\"@tern.example", "ada@tern.example" },
	        { "virtual", "\"a\\da\"@tern.example", "ada@tern.example" });
}

static void
internationalised_addresses_fold(void **state)
{
	(void)state;
	fill("domain xn--bcher-kva.example spelled=B\xc3\xbc" "cher.example\n"
	     "user J\xc3\xb6rg@b\xc3\xbc" "cher.example host=mail1 routing=J\xc3\xb6rg@b\xc3\xbc" "cher.example login=joerg\n");
	ANSWERS({ "virtual", "J\xc3\x96RG@B\xc3\x9c" "CHER.example", "J\xc3\xb6rg@xn--bcher-kva.example" },
	        { "virtual", "jo\xcc\x88rg@xn--bcher-kva.example", "J\xc3\xb6rg@xn--bcher-kva.example" },
	        { "virtual", "j\xc3\xb6rg+x@xn--bcher-kva.example", "J\xc3\xb6rg+x@xn--bcher-kva.example" },
	        { "recipients", "J\xc3\x96rg@b\xc3\xbc" "cher.example", "j\xc3\xb6rg@xn--bcher-kva.example" },
	        { "sender-login", "J\xc3\x96rg@b\xc3\xbc" "cher.example", "joerg" },
	        { "domains", "xn--bcher-kva.example", "B\xc3\xbc" "cher.example" },
	        { "domains", "b\xc3\x9c" "cher.example.", "B\xc3\xbc" "cher.example" });
}

static void
values_cannot_smuggle(void **state)
{
	(void)state;
	fill("domain tern.example\n"
	     "user ada@tern.example host=mail1 routing=ada@tern.example login=ada,root login=a%20b login=ok\n"
	     "user bob@tern.example to=x@y.example,root@isp.example to=%22q,r%22@y.example to=%ff@y.example to=a%0ab@y to=ok@y\n"
	     "user cas@tern.example moved=a%0d%0a250%20b%ffc%c2%85%c3%a9\n");
	ANSWERS({ "sender-login", "ada@tern.example", "ok" },
	        { "virtual", "bob@tern.example", "\"x@y.example,root\"@isp.example,\"q,r\"@y.example,ok@y" },
	        { "relocated", "cas@tern.example", "a??250 b?c?\xc3\xa9" });
}

/* --- before there is anything --------------------------------------------------------------------------------------- */

static void
an_incomplete_cache_cannot_tell(void **state)
{
	struct text got = TEXT_INIT;

	(void)state;
	fill("domain tern.example\nincomplete\n");
	assert_int_equal(mail_lookup(cache, &options, MAIL_DOMAINS, SPAN("tern.example"), &got), -ENODATA);
	assert_int_equal(mail_lookup(cache, &options, MAIL_DOMAINS, SPAN(""), &got), -ENODATA);
	fill("domain tern.example\n");
	options.max_age = 1000000;
	assert_int_equal(mail_lookup(cache, &options, MAIL_DOMAINS, SPAN("tern.example"), &got), 1);
	text_free(&got);
}

static void
keep_sentence(void *context, struct span subject, const char *sentence)
{
	text_putf(context, "%.*s%s%s\n", subject.len > 0 ? 1 : 0, subject.data, subject.len > 0 ? ": " : "", sentence);
}

static void
explaining_tells_each_step(void **state)
{
	cleanup(text_free) struct text got = TEXT_INIT, value = TEXT_INIT;

	(void)state;
	fill(sample);
	assert_int_equal(mail_explain(cache, &options, MAIL_TRANSPORT, SPAN("nobody+x@heron.example"), keep_sentence, &got, &value), 1);
	assert_string_equal(text_str(&value), "lmtp:[mail1.isp.example]");
	assert_string_equal(text_str(&got),
	                    "d: heron.example is a replica of tern.example\n"
	                    "a: nobody+x@heron.example is held by nobody\n"
	                    "a: nobody@heron.example, without the extension, is held by nobody\n"
	                    "a: nobody+x@tern.example, at the replica's master, is held by nobody\n"
	                    "a: nobody@tern.example, without the extension, at the replica's master, is held by nobody\n"
	                    "a: the catch-all @heron.example is held by nobody\n"
	                    "a: the catch-all @tern.example, at the replica's master, is held\n"
	                    "its mailbox is at mail1.isp.example\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(virtual_gives_what_the_original_maps_give),
		cmocka_unit_test(domains_are_final_or_relayed),
		cmocka_unit_test(recipients_are_all_whose_mail_is_taken),
		cmocka_unit_test(transport_leads_to_the_mailbox),
		cmocka_unit_test(other_maps_of_the_sample),
		cmocka_unit_test(extensions_are_taken_off_and_put_on_again),
		cmocka_unit_test(foreign_claims_have_no_effect),
		cmocka_unit_test(domains_state_senders_for_all_that_exists),
		cmocka_unit_test(holders_together_answer_as_one),
		cmocka_unit_test(a_catch_all_takes_no_real_users_place),
		cmocka_unit_test(a_catch_all_is_its_own_domains_to_the_end),
		cmocka_unit_test(suspended_domains_may_be_refused),
		cmocka_unit_test(replicas_repeat_their_master_once),
		cmocka_unit_test(domains_may_state_transports),
		cmocka_unit_test(rings_end),
		cmocka_unit_test(groups_within_groups_are_postfixs_business_or_ours),
		cmocka_unit_test(a_long_group_that_is_too_much_stays_one),
		cmocka_unit_test(many_members_are_one_answer_or_too_much),
		cmocka_unit_test(strange_keys_are_absent),
		cmocka_unit_test(quotes_do_not_matter),
		cmocka_unit_test(internationalised_addresses_fold),
		cmocka_unit_test(values_cannot_smuggle),
		cmocka_unit_test(an_incomplete_cache_cannot_tell),
		cmocka_unit_test(explaining_tells_each_step),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
