/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 */
#include <config.h>

#include "tests/unit/test.h"

#include "cache/ldif.h"

#include <errno.h>
#include <sys/mman.h>

#define UUID "5a1d00ff-0123-4567-89ab-cdef10203040"
#define UUID_BYTES "\x5a\x1d\x00\xff\x01\x23\x45\x67\x89\xab\xcd\xef\x10\x20\x30\x40"

static int
file_of(struct span content)
{
	int fd = memfd_create("ldif", MFD_CLOEXEC);

	assert_true(fd >= 0);
	for (size_t done = 0; done < content.len;) {
		ssize_t n = write(fd, content.data + done, content.len - done);

		assert_true(n > 0);
		done += (size_t)n;
	}
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}

/* "dn{name=value,value;name=value}csn" of every entry, then the error. */
static void
describe(struct span content, bool (*wanted)(void *context, struct span attribute),
         struct text *out)
{
	cleanup(arena_free) struct arena arena = ARENA_INIT;
	cleanup(ldif_freep) struct ldif *ldif = NULL;
	struct text why = TEXT_INIT;
	struct entry entry;
	int fd = file_of(content), r;

	text_clear(out);
	text_put(out, "");
	assert_int_equal(ldif_open(fd, wanted, NULL, &ldif), 0);
	while ((r = ldif_next(ldif, &arena, &entry, &why)) == 1) {
		text_put_span(out, entry.dn);
		text_put_char(out, '{');
		for (size_t i = 0; i < entry.attribute_count; i++) {
			const struct attribute *attribute = &entry.attributes[i];

			if (i > 0)
				text_put_char(out, ';');
			text_put_span(out, attribute->name);
			for (size_t v = 0; v < attribute->count; v++) {
				text_put_char(out, v > 0 ? ',' : '=');
				text_put_span(out, attribute->values[v]);
			}
		}
		text_put_char(out, '}');
		text_put_span(out, entry.csn);
		arena_reset(&arena);
	}
	if (r < 0) {
		assert_int_equal(r, -EINVAL);
		assert_int_equal(ldif_next(ldif, &arena, &entry, &why), -EINVAL);
	}
	text_put_span(out, text_span(&why));
	text_free(&why);
	close(fd);
}

struct row {
	struct span given;
	const char *want;
};

static void
check_rows(const struct row *rows, size_t count,
           bool (*wanted)(void *context, struct span attribute))
{
	struct text got = TEXT_INIT;

	for (size_t i = 0; i < count; i++) {
		describe(rows[i].given, wanted, &got);
		if (strcmp(text_str(&got), rows[i].want) != 0)
			fail_msg("%s\ngot  %s\nwant %s", rows[i].given.data, text_str(&got),
			         rows[i].want);
	}
	text_free(&got);
}

static void
content_is_read_as_rfc_2849_says(void **state)
{
	static const struct row rows[] = {
		{ SPAN(""), "" },
		{ SPAN("\n\n# nothing\n\n"), "" },
		{ SPAN("version: 1\n"), "" },
		{ SPAN("dn: o=x\no: x\n"), "o=x{o=x}" },
		{ SPAN("version: 1\ndn: o=x\no: x\n"), "o=x{o=x}" },
		{ SPAN("version: 1\n\ndn: o=x\no: x\n"), "o=x{o=x}" },
		{ SPAN("dn: o=x\no: x\n\nversion: 1\n\ndn: o=y\no: y\n"), "o=x{o=x}o=y{o=y}" },
		/* ends of lines and of the file */
		{ SPAN("dn: o=x\no: x"), "o=x{o=x}" },
		{ SPAN("dn: o=x\r\no: x\r\n\r\ndn: o=y\r\no: y\r\n"), "o=x{o=x}o=y{o=y}" },
		{ SPAN("dn: o=x\r\no: x\r"), "o=x{o=x}" },
		{ SPAN("\n\n\ndn: o=x\no: x\n\n\n\ndn: o=y\no: y\n\n\n"), "o=x{o=x}o=y{o=y}" },
		{ SPAN("\xef\xbb\xbf" "dn: o=x\no: x\n"), "o=x{o=x}" },
		/* folding */
		{ SPAN("dn: o=\n x\no: x\n  y\n"), "o=x{o=x y}" },
		{ SPAN("dn: o=x\r\ndescription: a\r\n b\r\n c\r\no: x\r\n"), "o=x{description=abc;o=x}" },
		{ SPAN("dn: o=x\ndescr\n iption: a\no:\n : eA==\n"), "o=x{description=a;o=x}" },
		{ SPAN("dn: o=x\no: x\n \n y\n"), "o=x{o=xy}" },
		{ SPAN("dn: o=x\no: x\n y"), "o=x{o=xy}" },
		{ SPAN("dn: o=x\no: x\n "), "o=x{o=x}" },
		/* comments */
		{ SPAN("# a\n  b: c\ndn: o=x\n#o: y\n z\no: x\n# end"), "o=x{o=x}" },
		{ SPAN("dn: o=x\no: x\n# a\n y\n"), "o=x{o=x}" },
		{ SPAN("dn: o=x\no: x\n\n# a\n\n# b\n"), "o=x{o=x}" },
		/* values */
		{ SPAN("dn: o=x\no:x\no:   y\no: z  \n"), "o=x{o=x,y,z  }" },
		{ SPAN("dn: o=x\no:\no: \nou: :\n"), "o=x{o=,;ou=:}" },
		{ SPAN("dn: o=x\no: M\xc3\xbcller\n"), "o=x{o=M\xc3\xbcller}" },
		{ SPAN("dn: o=x\no: \tx\n"), "o=x{o=\tx}" },
		{ SPAN("dn:: bz14\no:: TcO8bGxlcg==\nou::\ncn::QQ==\ncn::   QUI=\ncn:: QUJD\n"),
		  "o=x{o=M\xc3\xbcller;ou=;cn=A,AB,ABC}" },
		{ SPAN("dn:: bz\n 14\no:: TcO8\n bGxl\n cg==\n"), "o=x{o=M\xc3\xbcller}" },
		/* one attribute, however it is spelled and wherever it stands */
		{ SPAN("dn: o=x\na: 1\nb: 2\nA: 3\nb: 4\na;lang-de: 5\n"), "o=x{a=1,3,5;b=2,4}" },
		{ SPAN("dn: o=x\nuserCertificate;binary:: QQ==\n1.2.3;x-y;z: a\n"),
		  "o=x{userCertificate=A;1.2.3=a}" },
		{ SPAN("dn: o=x\nversion: 2\no: x\ncontrol: 1\n"), "o=x{version=2;o=x;control=1}" },
		/* the entry's own members */
		{ SPAN("dn: o=x\no: x\nentryUUID: " UUID "\nentryCSN: 20261121115900.1Z#0#0#0\n"),
		  "o=x{o=x}20261121115900.1Z#0#0#0" },
		{ SPAN("DN: o=x\nENTRYCSN:: YQ==\n"), "o=x{}a" },
	};

	(void)state;
	check_rows(rows, array_size(rows), NULL);
}

static void
what_is_wrong_is_said_with_its_line(void **state)
{
#define NO_DN                                                                                      \
	"an entry begins with \"dn:\" (output of ldapsearch must be written with -LLL)"
#define NEEDED "; a content file is needed, as slapcat writes it"
#define BY_URL "values given by URL (\":<\") are not read; the value itself must be written"
	static const struct row rows[] = {
		{ SPAN("version: 2\n"), "line 1: only version 1 of LDIF is known" },
		{ SPAN("\no: x\n"), "line 2: " NO_DN },
		{ SPAN("dn: o=x\no: x\n\n\no: y\n"), "o=x{o=x}line 5: " NO_DN },
		{ SPAN("dn: o=x\no: x\n\nsearch: 2\nresult: 0 Success\n"), "o=x{o=x}line 4: " NO_DN },
		{ SPAN("dn: o=x\no: x\ndn: o=y\no: y\n"),
		  "line 3: a second DN in one entry; is the empty line between two entries missing?" },
		{ SPAN("dn: o=x\n\ndn: o=y\no: y\n"),
		  "line 1: the entry has no attributes; is the file cut off?" },
		{ SPAN("\ndn: o=x"), "line 2: the entry has no attributes; is the file cut off?" },
		{ SPAN("dn: \no: x\n"), "line 1: the DN is empty" },
		{ SPAN("# a\n b\ndn: x\no: x\n"), "line 3: this is not a DN" },
		{ SPAN("dn:: eA==\no: x\n"), "line 1: this is not a DN" },
		/* change records */
		{ SPAN("dn: o=x\nchangetype: modify\nreplace: o\n"),
		  "line 2: this is a change record (changetype: modify)" NEEDED },
		{ SPAN("dn: o=x\nchangetype:add\n"),
		  "line 2: this is a change record (changetype: add)" NEEDED },
		{ SPAN("dn: o=x\nchangetype: 1 2\n"), "line 2: this is a change record" NEEDED },
		{ SPAN("dn: o=x\ncontrol: 1.2.3 true\n"), "line 2: this is a change record" NEEDED },
		{ SPAN("dn: o=x\nreplace: o\no: x\n-\n"), "line 4: this is a change record" NEEDED },
		/* lines */
		{ SPAN(" x\n"), "line 1: the line begins with a blank, and there is no line before it "
		                "that it continues" },
		{ SPAN("dn: o=x\no: x\n\n \n"), "o=x{o=x}line 4: the line begins with a blank, and "
		                                "there is no line before it that it continues" },
		{ SPAN("dn: o=x\nfoo\n"), "line 2: there is no colon behind an attribute name" },
		{ SPAN("dn: o=x\nfoo\n bar\n"), "line 2: there is no colon behind an attribute name" },
		{ SPAN("dn: o=x\n: x\n"), "line 2: what stands before the colon is no attribute name" },
		{ SPAN("dn: o=x\no : x\n"), "line 2: what stands before the colon is no attribute name" },
		{ SPAN("dn: o=x\n1a: x\n"), "line 2: what stands before the colon is no attribute name" },
		{ SPAN("dn: o=x\n-a: x\n"), "line 2: what stands before the colon is no attribute name" },
		{ SPAN("dn: o=x\na;: x\n"), "line 2: what stands before the colon is no attribute name" },
		{ SPAN("dn: o=x\na;b;;c: x\n"),
		  "line 2: what stands before the colon is no attribute name" },
		{ SPAN("dn: o=x\na;b=c: x\n"),
		  "line 2: what stands before the colon is no attribute name" },
		{ SPAN("dn: o=x\n\xc3\xbc: x\n"),
		  "line 2: what stands before the colon is no attribute name" },
		{ SPAN("dn: o=x\no: a\0b\n"),
		  "line 2: the line holds a NUL octet; such a value must be written in base64" },
		{ SPAN("dn: o=x\no: a\n b\0\n"),
		  "line 3: the line holds a NUL octet; such a value must be written in base64" },
		{ SPAN("dn: o=x\nphoto:< file:///etc/passwd\n"), "line 2: " BY_URL },
		{ SPAN("dn: o=x\nphoto:\n < file:///etc/passwd\n"), "line 2: " BY_URL },
		/* base64 */
		{ SPAN("dn: o=x\no:: QQ=\n"), "line 2: this is not base64" },
		{ SPAN("dn: o=x\no:: QQ\n"), "line 2: this is not base64" },
		{ SPAN("dn: o=x\no:: QR==\n"), "line 2: this is not base64" },
		{ SPAN("dn: o=x\no:: QUJ=\n"), "line 2: this is not base64" },
		{ SPAN("dn: o=x\no:: Q===\n"), "line 2: this is not base64" },
		{ SPAN("dn: o=x\no:: ====\n"), "line 2: this is not base64" },
		{ SPAN("dn: o=x\no:: QUJD QUJD\n"), "line 2: this is not base64" },
		{ SPAN("dn: o=x\no:: QUJ-\n"), "line 2: this is not base64" },
		{ SPAN("dn: o=x\no:: QQ==QQ==\n"), "line 2: this is not base64" },
		{ SPAN("dn: o=x\no:: QQ== \n"), "line 2: this is not base64" },
		{ SPAN("dn: o=x\no: x\na: b\n c\no:: Q\n"), "line 5: this is not base64" },
		/* own members */
		{ SPAN("dn: o=x\nentryUUID: 12\n"), "line 2: this is not a UUID" },
		{ SPAN("dn: o=x\nentryUUID: " UUID "\nentryuuid: " UUID "\n"),
		  "line 3: a second entryUUID in one entry" },
		{ SPAN("dn: o=x\nentryCSN: a\nentryCSN: b\n"), "line 3: a second entryCSN in one entry" },
	};

	(void)state;
	check_rows(rows, array_size(rows), NULL);
}

static bool
want_o_only(void *context, struct span attribute)
{
	(void)context;
	return span_is_nocase(attribute, SPAN("o"));
}

static void
unwanted_values_are_not_kept(void **state)
{
	static const struct row rows[] = {
		{ SPAN("dn: o=x\no;binary: x\nuserPassword: y\n z\nO: y\nentryCSN: a\n"), "o=x{o=x,y}a" },
		{ SPAN("dn: o=x\nou: y\n"), "o=x{}" },
		{ SPAN("dn: o=x\nphoto:: ?\n"), "o=x{}" },
		{ SPAN("version: 1\nphoto: x\n"), "line 2: " NO_DN },
		{ SPAN("photo: x\n y\n"), "line 1: " NO_DN },
		{ SPAN("dn: o=x\nphoto:< x\n"), "line 2: " BY_URL },
		{ SPAN("dn: o=x\nphoto: x\nchangetype: delete\n"),
		  "line 3: this is a change record (changetype: delete)" NEEDED },
	};

	(void)state;
	check_rows(rows, array_size(rows), want_o_only);
}

static void
uuid_comes_from_the_file_or_from_the_dn(void **state)
{
	static const char content[] = "dn: o=x\no: x\nentryUUID: " UUID "\n\n# y\ndn: O = Y\no: y\n";
	struct arena arena = ARENA_INIT;
	struct text why = TEXT_INIT;
	struct ldif *ldif;
	struct entry entry;
	uint8_t want[ENTRY_UUID_LEN];
	int fd = file_of(span_of(content));

	(void)state;
	assert_int_equal(ldif_open(fd, NULL, NULL, &ldif), 0);
	assert_int_equal(ldif_next(ldif, &arena, &entry, &why), 1);
	assert_memory_equal(entry.uuid, UUID_BYTES, ENTRY_UUID_LEN);
	assert_int_equal(entry_uuid_of_dn(SPAN("o=x"), want), 0);
	assert_memory_equal(ldif_dn_uuid(ldif), want, ENTRY_UUID_LEN);
	assert_int_equal(ldif_line(ldif), 1);
	assert_int_equal(ldif_next(ldif, &arena, &entry, &why), 1);
	assert_int_equal(entry_uuid_of_dn(SPAN("o=y"), want), 0);
	assert_memory_equal(entry.uuid, want, ENTRY_UUID_LEN);
	assert_memory_equal(ldif_dn_uuid(ldif), want, ENTRY_UUID_LEN);
	assert_int_equal(ldif_line(ldif), 6);
	assert_int_equal(ldif_next(ldif, &arena, &entry, &why), 0);
	ldif_free(ldif);
	text_free(&why);
	arena_free(&arena);
	close(fd);
}

/* COUNT times TEXT. */
static void
put_times(struct text *out, const char *text, size_t count)
{
	for (size_t i = 0; i < count; i++)
		text_put(out, text);
}

static void
every_size_has_a_bound(void **state)
{
	struct text content = TEXT_INIT, got = TEXT_INIT;

	(void)state;
	/* a line as long as it may be, plain and folded */
	text_put(&content, "dn: o=x\no: ");
	put_times(&content, "a", LDIF_LINE_MAX - 3);
	describe(text_span(&content), NULL, &got);
	assert_int_equal(got.len, strlen("o=x{o=}") + LDIF_LINE_MAX - 3);
	text_put(&content, "\n");
	describe(text_span(&content), NULL, &got);
	assert_int_equal(got.len, strlen("o=x{o=}") + LDIF_LINE_MAX - 3);

	text_clear(&content);
	text_put(&content, "dn: o=x\no: x\nou: ");
	put_times(&content, "a", LDIF_LINE_MAX - 3);
	describe(text_span(&content), NULL, &got);
	assert_string_equal(text_str(&got), "line 3: the line is longer than 1048576 octets");
	put_times(&content, "a", 1 << 20);
	describe(text_span(&content), NULL, &got);
	assert_string_equal(text_str(&got), "line 3: the line is longer than 1048576 octets");

	text_clear(&content);
	text_put(&content, "dn: o=x\no: x\nou:");
	put_times(&content, "\n  abcdefg", (1 << 20) / 8);
	describe(text_span(&content), NULL, &got);
	assert_string_equal(text_str(&got), "line 3: the line is longer than 1048576 octets");
	/* one that is not kept has no bound when it is folded */
	describe(text_span(&content), want_o_only, &got);
	assert_string_equal(text_str(&got), "o=x{o=x}");

	text_clear(&content);
	text_put(&content, "\ndn: o=x\n");
	for (size_t i = 0; i < 17; i++) {
		text_put(&content, "o: ");
		put_times(&content, "x", 1000 * 1000);
		text_put(&content, "\n");
	}
	describe(text_span(&content), NULL, &got);
	assert_string_equal(text_str(&got),
	                    "line 19: the entry of line 2 is longer than 16777216 octets");

	text_clear(&content);
	text_put(&content, "dn: o=x\n");
	put_times(&content, "o:\n", (1 << 18) + 1);
	describe(text_span(&content), NULL, &got);
	assert_string_equal(text_str(&got), "line 262146: the entry has too many values");

	text_clear(&content);
	text_put(&content, "dn: o=x\n");
	for (unsigned i = 0; i < 1025; i++)
		text_putf(&content, "a%u: x\n", i);
	describe(text_span(&content), NULL, &got);
	assert_string_equal(text_str(&got), "line 1026: the entry has too many attributes");
	/* more names than are remembered */
	describe(text_span(&content), want_o_only, &got);
	assert_string_equal(text_str(&got), "o=x{}");
	text_free(&content);
	text_free(&got);
}

static void
lines_may_lie_anywhere_in_the_read_buffer(void **state)
{
	struct text content = TEXT_INIT, got = TEXT_INIT;

	(void)state;
	/* Every length from the buffer's to a little less, so that each octet of the entry behind it
	 * falls on the boundary once. */
	for (size_t pad = 0; pad < 64; pad++) {
		text_clear(&content);
		text_put(&content, "#");
		put_times(&content, "c", 256 * 1024 - 64 + pad);
		text_put(&content, "\ndn: o=x\r\no: x\r\n y\r\n\r\ndn: o=y\r\no:: eQ==\r\n");
		describe(text_span(&content), NULL, &got);
		assert_string_equal(text_str(&got), "o=x{o=xy}o=y{o=y}");
	}
	text_free(&content);
	text_free(&got);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(content_is_read_as_rfc_2849_says),
		cmocka_unit_test(what_is_wrong_is_said_with_its_line),
		cmocka_unit_test(unwanted_values_are_not_kept),
		cmocka_unit_test(uuid_comes_from_the_file_or_from_the_dn),
		cmocka_unit_test(every_size_has_a_bound),
		cmocka_unit_test(lines_may_lie_anywhere_in_the_read_buffer),
	};

	return RUN_TESTS(tests);
}
