/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 */
#include <config.h>

#include "tests/unit/test.h"

#include "cache/audit_mail.h"
#include "cache/record_mail.h"
#include "tests/unit/cache/mail_folder.h"

#include <errno.h>
#include <stdio.h>

/* "address kind: sentence". */
static void
keep(void *context, struct span subject, const char *kind, const char *sentence)
{
	struct span domain, local;
	char letter;

	assert_int_equal(key_mail_split(subject, &letter, &domain, &local), 0);
	assert_int_equal(letter, 'a');
	text_putf(context, "%.*s@%.*s %s: %s\n", (int)local.len, local.data, (int)domain.len, domain.data, kind, sentence);
}

static void
finds(const char *want)
{
	struct text got = TEXT_INIT;

	assert_int_equal(audit_mail(cache, &options, keep, &got), 0);
	assert_string_equal(text_str(&got), want);
	text_free(&got);
}

#define DOMAINS                                                                                                                  \
	"domain tern.example\n"                                                                                                  \
	"domain heron.example master=tern.example\n"                                                                             \
	"domain gull.example smtp\n"                                                                                             \
	"user ada@tern.example,ada.ames@tern.example host=m routing=ada@tern.example\n"

static void
what_is_in_order_is_no_problem(void **state)
{
	(void)state;
	fill(DOMAINS "user bob@tern.example host=m routing=bob_tern@m.isp.example to=ada.ames+x@heron.example to=x@gull.example\n"
	             "user cas@tern.example host=m routing=cas@tern.example to=dan@tern.example\n"
	             "user dan@tern.example host=m routing=dan@tern.example to=cas@tern.example\n"
	             "user eve@tern.example to=dan@tern.example to=eve@tern.example to=@elsewhere.example\n"
	             "group all@tern.example,everybody@tern.example to=ada@tern.example to=sub@heron.example to=cas@tern.example\n"
	             "group sub@tern.example to=bob@tern.example to=dan@tern.example to=out@elsewhere.example\n"
	             "user anybody@wren.example,@wren.example host=m routing=anybody@wren.example to=other@wren.example\n"
	             "domain wren.example\n");
	finds("");
	fill("");
	finds("");
}

static void
dangling_forwards_are_found(void **state)
{
	(void)state;
	fill(DOMAINS "user bob@tern.example host=m routing=bob@tern.example to=no@tern.example to=no@heron.example to=x@gull.example\n"
	             "group all@tern.example,crew@tern.example to=bob@tern.example to=gone@tern.example to=off@tern.example\n"
	             "user gone@tern.example moved=away\n"
	             "user off@tern.example suspended host=m routing=off@tern.example\n"
	             "user eve@evil.example,no@tern.example from=evil.example host=m routing=eve@evil.example\n"
	             "user fly@wren.example to=x@wren.example\n"
	             "domain wren.example suspended\n");
	finds("all@tern.example dangling-forward: all@tern.example leads to gone@tern.example, which has moved\n"
	      "bob@tern.example dangling-forward: bob@tern.example leads to no@tern.example, which does not exist\n"
	      "bob@tern.example dangling-forward: bob@tern.example leads to no@heron.example, which does not exist\n"
	      "fly@wren.example dangling-forward: fly@wren.example leads to x@wren.example, which does not exist\n");
	options.refuse_suspended_users = options.refuse_suspended_domains = options.relay_listed = true;
	finds("all@tern.example dangling-forward: all@tern.example leads to gone@tern.example, which has moved\n"
	      "all@tern.example dangling-forward: all@tern.example leads to off@tern.example, who is suspended and refused\n"
	      "bob@tern.example dangling-forward: bob@tern.example leads to no@tern.example, which does not exist\n"
	      "bob@tern.example dangling-forward: bob@tern.example leads to no@heron.example, which does not exist\n"
	      "bob@tern.example dangling-forward: bob@tern.example leads to x@gull.example, which does not exist\n");
}

static void
loops_are_found(void **state)
{
	(void)state;
	fill(DOMAINS "user bob@tern.example to=cas+x@heron.example\n"
	             "user cas@tern.example to=dan@tern.example\n"
	             "user dan@tern.example to=bob@tern.example\n"
	             "user in@tern.example to=bob@tern.example\n"
	             "user self@tern.example to=self@tern.example\n"
	             "user half@tern.example to=flah@tern.example\n"
	             "user flah@tern.example to=half@tern.example to=ada@tern.example\n");
	finds("bob@tern.example forwarding-loop: bob@tern.example leads back to itself, and nowhere else, through cas@heron.example\n"
	      "cas@tern.example forwarding-loop: cas@tern.example leads back to itself, and nowhere else, through dan@tern.example\n"
	      "dan@tern.example forwarding-loop: dan@tern.example leads back to itself, and nowhere else, through bob@tern.example\n"
	      "self@tern.example forwarding-loop: self@tern.example leads back to itself, and nowhere else\n");
	fill(DOMAINS "group a@tern.example to=b@tern.example to=ada@tern.example\n"
	             "group b@tern.example to=a@tern.example to=c@tern.example\n"
	             "group c@tern.example to=c@tern.example to=x@elsewhere.example\n"
	             "group d@tern.example to=a@tern.example\n");
	finds("a@tern.example group-loop: a@tern.example is a member of itself, through b@tern.example\n"
	      "b@tern.example group-loop: b@tern.example is a member of itself, through a@tern.example\n"
	      "c@tern.example group-loop: c@tern.example is a member of itself\n");
}

static void
groups_that_are_too_much_are_found(void **state)
{
	enum { MANY = 6000 };
	struct text text = TEXT_INIT;

	(void)state;
	fill(DOMAINS "group g0@tern.example to=g1@tern.example\n"
	             "group g1@tern.example to=g2@tern.example\n"
	             "group g2@tern.example to=g3@tern.example\n"
	             "group g3@tern.example to=1@x.org to=2@x.org to=3@X.org to=1@x.org\n");
	options.group_depth = 3;
	options.group_size = 3;
	finds("");
	options.group_depth = 2;
	options.group_size = 2;
	finds("g0@tern.example group-too-deep: g0@tern.example has more than 2 levels of groups within groups\n"
	      "g1@tern.example group-too-large: g1@tern.example leads to more than 2 addresses, which Postfix refuses "
	      "(virtual_alias_expansion_limit)\n"
	      "g2@tern.example group-too-large: g2@tern.example leads to more than 2 addresses, which Postfix refuses "
	      "(virtual_alias_expansion_limit)\n"
	      "g3@tern.example group-too-large: g3@tern.example leads to more than 2 addresses, which Postfix refuses "
	      "(virtual_alias_expansion_limit)\n");
	/* Nobody at the end, but groups and groups. */
	text_put(&text, "domain tern.example\ngroup g@tern.example");
	for (int i = 0; i < 20; i++)
		text_putf(&text, " to=n%d@tern.example", i);
	for (int i = 0; i < 20; i++)
		text_putf(&text, "\ngroup n%d@tern.example to=g@tern.example", i);
	text_put_char(&text, '\n');
	fill(text_str(&text));
	text_clear(&text);
	options.group_size = 5;
	assert_int_equal(audit_mail(cache, &options, keep, &text), 0);
	assert_non_null(strstr(text_str(&text), "g@tern.example group-too-large: g@tern.example leads to more than 5 addresses"));
	text_clear(&text);
	text_put(&text, "domain tern.example\ngroup g@tern.example");
	for (int i = 0; i < MANY; i++)
		text_putf(&text, " to=member.%d@elsewhere.example", i);
	text_put_char(&text, '\n');
	fill(text_str(&text));
	text_free(&text);
	options.group_size = MANY;
	finds("g@tern.example answer-too-long: g@tern.example has more addresses than Postfix takes in an answer: its mail is deferred\n");
}

static void
an_incomplete_cache_cannot_tell(void **state)
{
	struct text got = TEXT_INIT;

	(void)state;
	fill("incomplete\n");
	assert_int_equal(audit_mail(cache, &options, keep, &got), -ENODATA);
	text_free(&got);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_in_order_is_no_problem),     cmocka_unit_test(dangling_forwards_are_found),
		cmocka_unit_test(loops_are_found),                    cmocka_unit_test(groups_that_are_too_much_are_found),
		cmocka_unit_test(an_incomplete_cache_cannot_tell),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
