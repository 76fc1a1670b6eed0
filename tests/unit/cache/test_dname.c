/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 */
#include <config.h>

#include "tests/unit/test.h"

#include "cache/dname.h"

#include <errno.h>

#define L63 "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffggg"
#define L61 "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffg"

static struct dname
name_of(const char *text)
{
	struct dname name;

	assert_int_equal(dname_from_text(span_of(text), NULL, &name), 0);
	return name;
}

static void
text_is_read_as_named_reads_it(void **state)
{
	static const struct {
		const char *given;
		int want;
		const char *text; /* as printed */
	} rows[] = {
		{ "www", 0, "www.Example.org." },
		{ "WWW.a", 0, "WWW.a.Example.org." },
		{ "www.", 0, "www." },
		{ "@", 0, "Example.org." },
		{ "\\@", 0, "\\@.Example.org." },
		{ "a@b", 0, "a\\@b.Example.org." },
		{ ".", 0, "." },
		{ "*", 0, "*.Example.org." },
		{ "a\\.b.", 0, "a\\.b." },
		{ "a\\046b.", 0, "a\\.b." },
		{ "\\097.", 0, "a." },
		{ "\\000\\255\\127\\032.", 0, "\\000\\255\\127\\032." },
		{ "\\x.", 0, "x." },
		{ "x\\[.", 0, "x[." },
		{ "$a\"b;c(d)e\\\\f.", 0, "\\$a\\\"b\\;c\\(d\\)e\\\\f." },
		{ "0-0/25.", 0, "0-0/25." },
		{ "_sip._tcp.", 0, "_sip._tcp." },
		{ "\xc3\xa4.", 0, "\\195\\164." },
		{ L63 ".", 0, L63 "." },
		{ L63 "." L63 "." L63 "." L61 ".", 0, L63 "." L63 "." L63 "." L61 "." },
		{ "", -EINVAL, NULL },
		{ "..", -EINVAL, NULL },
		{ ".a", -EINVAL, NULL },
		{ "a..", -EINVAL, NULL },
		{ "a..b", -EINVAL, NULL },
		{ "a\\", -EINVAL, NULL },
		{ "a\\1", -EINVAL, NULL },
		{ "a\\12", -EINVAL, NULL },
		{ "a\\12x", -EINVAL, NULL },
		{ "a\\256", -EINVAL, NULL },
		{ "\\[x.", -EINVAL, NULL },
		{ L63 "a.", -EINVAL, NULL },
		{ L63 "\\097.", -EINVAL, NULL },
		{ L63 "." L63 "." L63 "." L61 "a.", -ENAMETOOLONG, NULL },
		{ L63 "." L63 "." L63 "." L61, -ENAMETOOLONG, NULL },
		{ L63 "." L63 "." L63 "." L61 ".a.", -ENAMETOOLONG, NULL },
	};
	struct dname origin = name_of("Example.org.");
	struct text text = TEXT_INIT;

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		struct dname name = { 1, { 0 } };

		assert_int_equal(dname_from_text(span_of(rows[i].given), &origin, &name),
		                 rows[i].want);
		if (rows[i].want < 0) {
			assert_int_equal(name.len, 1);
			continue;
		}
		text_clear(&text);
		dname_put_text(&text, &name);
		assert_string_equal(text_str(&text), rows[i].text);
	}
	text_free(&text);
}

static void
a_relative_name_fits_its_origin_to_the_octet(void **state)
{
	struct dname origin = name_of("x."); /* 3 octets */
	struct dname name;

	(void)state;
	/* 64 * 3 + 60 + 3 = 255 */
	assert_int_equal(dname_from_text(SPAN(L63 "." L63 "." L63 "."
	                                          "aaaaaaaaaabbbbbbbbbbccccccccccdddddddddd"
	                                          "eeeeeeeeeefffffffff"),
	                                 &origin, &name),
	                 0);
	assert_int_equal(name.len, 255);
	assert_int_equal(dname_from_text(SPAN(L63 "." L63 "." L63 "."
	                                          "aaaaaaaaaabbbbbbbbbbccccccccccdddddddddd"
	                                          "eeeeeeeeeeffffffffff"),
	                                 &origin, &name),
	                 -ENAMETOOLONG);
}

static void
without_an_origin_names_are_absolute_and_at_means_nothing(void **state)
{
	struct dname name, absolute = name_of("a.b.");

	(void)state;
	assert_int_equal(dname_from_text(SPAN("a.b"), NULL, &name), 0);
	assert_int_equal(name.len, absolute.len);
	assert_memory_equal(name.wire, absolute.wire, name.len);
	assert_int_equal(dname_from_text(SPAN("@"), NULL, &name), -EINVAL);
}

static void
labels_are_counted_put_stripped_and_joined(void **state)
{
	struct dname name = name_of("a.b\\.c.d."), root = name_of("."), out;
	struct text text = TEXT_INIT;

	(void)state;
	assert_int_equal(dname_labels(&name), 3);
	assert_int_equal(dname_labels(&root), 0);
	dname_put_labels(&text, &name, 2);
	assert_string_equal(text_str(&text), "a.b\\.c");
	text_clear(&text);
	dname_put_labels(&text, &name, 0);
	assert_string_equal(text_str(&text), "@");

	dname_strip(&name, 2, &out);
	assert_true(dname_is(&out, &(struct dname){ 3, { 1, 'd', 0 } }));
	dname_strip(&out, 1, &out);
	assert_true(dname_is(&out, &root));

	assert_int_equal(dname_join(&name, &root, &out), 0);
	assert_true(dname_is(&out, &name));
	assert_int_equal(dname_join(&root, &name, &out), 0);
	assert_true(dname_is(&out, &name));
	out = name_of(L63 "." L63 "." L63 "." L61 ".");
	assert_int_equal(dname_join(&name, &out, &out), -ENAMETOOLONG);
	assert_int_equal(out.len, 255);
	text_free(&text);
}

static void
wire_form_is_checked(void **state)
{
	static const struct {
		struct span given;
		int want;
	} rows[] = {
		{ SPAN("\000"), 1 },
		{ SPAN("\000tail"), 1 },
		{ SPAN("\003www\000tail"), 5 },
		{ SPAN(""), -EINVAL },
		{ SPAN("\003www"), -EINVAL },
		{ SPAN("\003ww"), -EINVAL },
		{ SPAN("\100" L63 "a\000"), -EINVAL },
		{ SPAN("\300\000"), -EINVAL },
		{ SPAN("\077" L63 "\077" L63 "\077" L63 "\075" L61 "\000"), 255 },
		{ SPAN("\077" L63 "\077" L63 "\077" L63 "\076" L61 "a\000"), -EINVAL },
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		struct dname name;

		assert_int_equal(dname_from_wire(rows[i].given, &name), rows[i].want);
		if (rows[i].want > 0)
			assert_int_equal(name.len, rows[i].want);
	}
}

static void
comparison_ignores_ascii_case_and_minds_labels(void **state)
{
	static const struct {
		const char *name, *ancestor;
		bool within, same;
	} rows[] = {
		{ "a.Example.", "eXample.", true, false },
		{ "EXAMPLE.", "example.", true, true },
		{ "example.", "a.example.", false, false },
		{ "aexample.", "example.", false, false },
		{ "a\\007example.", "example.", false, false },
		{ "a.", ".", true, false },
		{ ".", ".", true, true },
		{ "\\196.", "\\228.", false, false },
		{ "[.", "{.", false, false },
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		struct dname name = name_of(rows[i].name), ancestor = name_of(rows[i].ancestor);
		struct dname lower = name;

		assert_int_equal(dname_is_within(&name, &ancestor), rows[i].within);
		assert_int_equal(dname_is(&name, &ancestor), rows[i].same);
		dname_lower(&lower);
		assert_true(dname_is(&lower, &name));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_is_read_as_named_reads_it),
		cmocka_unit_test(a_relative_name_fits_its_origin_to_the_octet),
		cmocka_unit_test(without_an_origin_names_are_absolute_and_at_means_nothing),
		cmocka_unit_test(labels_are_counted_put_stripped_and_joined),
		cmocka_unit_test(wire_form_is_checked),
		cmocka_unit_test(comparison_ignores_ascii_case_and_minds_labels),
	};

	return RUN_TESTS(tests);
}
