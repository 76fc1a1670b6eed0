/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 */
#include <config.h>

#include "tests/unit/test.h"

#include "cache/dns.h"
#include "tests/lib/dns_text.h"

#include <errno.h>
#include <stdio.h>

static char folder[64];
static struct cache *cache;

static int
make_folder(void **state)
{
	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/test_resolve.XXXXXX");
	if (mkdtemp(folder) == NULL)
		return -1;
	return dns_open(folder, NULL, &cache);
}

static int
remove_folder(void **state)
{
	char command[128];

	(void)state;
	cache_close(cache);
	dns_text_close();
	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	return system(command);
}

static void
fill(const char *text)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/dns/2", folder);
	dns_text_write(path, span_of(text));
}

static struct dns_question
question_of(const char *text)
{
	struct dns_question question;
	struct dname name;

	assert_int_equal(dname_from_text(span_of(text), NULL, &name), 0);
	dns_question_set(&question, &name);
	return question;
}

static void
put_records(struct text *out, struct dns_records *records)
{
	char room[RRTYPE_TEXT_MAX];
	struct rr rr;
	int r;

	while ((r = dns_records_next(records, &rr)) > 0)
		text_putf(out, " | %u %s %s", rr.ttl, rrtype_text(rr.type, room), rr.text.data);
	assert_int_equal(r, 0);
}

/* "outcome[*]/level in zone-labels[ | TTL TYPE DATA]...", or "no zone". */
static void
say_answer(const char *name, struct text *out)
{
	static const char *const outcomes[] = { "data", "empty", "nxdomain", "cut", "dname" };
	struct dns_question question = question_of(name);
	struct dns_answer answer;
	struct dns_zone zone;
	struct dns_view *view;
	int r;

	text_clear(out);
	assert_int_equal(dns_begin(cache, &view), 0);
	r = dns_find_zone(view, &question, &zone);
	assert_true(r >= 0);
	if (r == 0) {
		text_put(out, "no zone");
	} else {
		assert_int_equal(dns_resolve(view, &zone, &question, &answer), 0);
		text_putf(out, "%s%s/%u in %u", outcomes[answer.outcome], answer.wildcard ? "*" : "", answer.level,
		          zone.labels);
		put_records(out, &answer.records);
	}
	dns_end(view);
}

struct row {
	const char *name, *want;
};

/* Twice: the second time from what is known of the snapshot. */
static void
answers(const struct row *rows, size_t count)
{
	struct text got = TEXT_INIT;

	for (int round = 0; round < 2; round++) {
		for (size_t i = 0; i < count; i++) {
			say_answer(rows[i].name, &got);
			if (strcmp(text_str(&got), rows[i].want) != 0)
				fail_msg("%s: got %s, want %s", rows[i].name, text_str(&got), rows[i].want);
		}
	}
	text_free(&got);
}

#define TERN "zone tern.example primary 5 3600 ns1.isp.example. host.isp.example.\n"

static void
names_exist_as_in_rfc_4592(void **state)
{
	static const struct row rows[] = {
		{ "tern.example.", "data/0 in 2 | 3600 NS ns1" },
		{ "www.tern.example.", "data/1 in 2 | 60 A 192.0.2.1 | 60 A 192.0.2.2" },
		{ "WWW.Tern.Example.", "data/1 in 2 | 60 A 192.0.2.1 | 60 A 192.0.2.2" },
		{ "x.www.tern.example.", "nxdomain/1 in 2" },
		{ "no.tern.example.", "nxdomain/0 in 2" },
		{ "c.tern.example.", "empty/1 in 2" },
		{ "b.c.tern.example.", "empty/2 in 2" },
		{ "a.b.c.tern.example.", "data/3 in 2 | 3600 TXT \"deep\"" },
		{ "z.a.b.c.tern.example.", "nxdomain/3 in 2" },
		{ "z.b.c.tern.example.", "nxdomain/2 in 2" },
		{ "x.w.tern.example.", "data*/1 in 2 | 3600 TXT \"wild\"" },
		{ "x.y.w.tern.example.", "data*/1 in 2 | 3600 TXT \"wild\"" },
		{ "*.w.tern.example.", "data/2 in 2 | 3600 TXT \"wild\"" },
		{ "x.*.w.tern.example.", "nxdomain/2 in 2" },
		{ "w.tern.example.", "empty/1 in 2" },
		{ "x.e.tern.example.", "empty*/1 in 2" },
		{ "tern2.example.", "no zone" },
		{ "example.", "no zone" },
		{ ".", "no zone" },
	};

	(void)state;
	fill(TERN "rr tern.example @ NS - ns1\n"
	          "rr tern.example www A 300 192.0.2.1\nrr tern.example www A 60 192.0.2.2\n"
	          "rr tern.example a.b.c TXT - \"deep\"\n"
	          "rr tern.example *.w TXT - \"wild\"\n"
	          "rr tern.example sub.*.e TXT - \"below\"\n");
	answers(rows, array_size(rows));
}

static void
topmost_cut_or_dname_is_the_answer(void **state)
{
	static const struct row rows[] = {
		{ "sub.tern.example.", "cut/1 in 2 | 3600 NS ns.sub" },
		{ "ns.sub.tern.example.", "cut/1 in 2 | 3600 NS ns.sub" },
		{ "x.y.sub.tern.example.", "cut/1 in 2 | 3600 NS ns.sub" },
		{ "d.tern.example.", "data/1 in 2 | 3600 DNAME other.example." },
		{ "x.d.tern.example.", "dname/1 in 2 | 3600 DNAME other.example." },
		{ "x.below.d.tern.example.", "dname/1 in 2 | 3600 DNAME other.example." },
		{ "x.both.tern.example.", "cut/1 in 2 | 3600 NS ns | 3600 DNAME other.example." },
		{ "heron.example.", "data/0 in 2 | 3600 DNAME tern.example." },
		{ "www.heron.example.", "dname/0 in 2 | 3600 DNAME tern.example." },
	};

	(void)state;
	fill(TERN "rr tern.example sub NS - ns.sub\nrr tern.example ns.sub A - 192.0.2.5\n"
	          "rr tern.example d DNAME - other.example.\nrr tern.example x.below.d A - 192.0.2.6\n"
	          "rr tern.example both NS - ns\nrr tern.example both DNAME - other.example.\n"
	          "zone heron.example primary 1 3600 ns. host.\n"
	          "rr heron.example @ DNAME - tern.example.\nrr heron.example www A - 192.0.2.7\n");
	answers(rows, array_size(rows));
}

static void
the_longest_served_zone_answers(void **state)
{
	static const struct row rows[] = {
		{ "www.shop.tern.example.", "data/1 in 3 | 3600 A 192.0.2.9" },
		{ "shop.tern.example.", "data/0 in 3" },
		{ "xshop.tern.example.", "nxdomain/0 in 2" },
		/* Not served, so the one above is asked. */
		{ "www.gone.tern.example.", "nxdomain/0 in 2" },
		{ "www.lost.tern.example.", "nxdomain/0 in 2" },
		{ "www.heron.example.", "data/1 in 2 | 60 A 192.0.2.1" },
		{ "twin.heron.example.", "data/1 in 2 | 3600 CNAME www | 3600 CNAME www.tern.example." },
		{ "twin.tern.example.", "data/1 in 2 | 3600 CNAME www" },
		/* One record at the replica's origin, two at the master's. */
		{ "mx.heron.example.", "data/1 in 2 | 30 MX 10 mail | 30 MX 20 mail" },
		{ "mx.tern.example.", "data/1 in 2 | 30 MX 10 mail | 30 MX 10 MAIL.heron.example. | 30 MX 20 mail" },
		{ "two.heron.example.", "data/1 in 2 | 3600 RP @ t" },
		{ "www.second.example.", "no zone" },
		{ "www.orphan.example.", "no zone" },
	};

	(void)state;
	fill(TERN "rr tern.example www A 60 192.0.2.1\nrr tern.example twin CNAME - www\n"
	          "twin tern.example twin CNAME - www.tern.example.\n"
	          "rr tern.example mx MX - 10 mail\nrr tern.example mx MX 30 10 MAIL.heron.example.\n"
	          "rr tern.example mx MX - 20 mail\n"
	          "rr tern.example two RP - @ t\nrr tern.example two RP - heron.example. t\n"
	          "rr tern.example two RP - @ t.heron.example.\nrr tern.example two RP - heron.example. t.heron.example.\n"
	          "zone shop.tern.example primary 1 3600 ns. host.\nrr shop.tern.example www A - 192.0.2.9\n"
	          "zone gone.tern.example hidden 7\n"
	          "zone lost.tern.example replica nowhere.example\n"
	          "zone heron.example replica tern.example\n"
	          "zone second.example replica heron.example\n"
	          "zone orphan.example replica gone.tern.example\n");
	answers(rows, array_size(rows));
}

static void
what_was_known_ends_with_the_snapshot(void **state)
{
	static const struct row before[] = {
		{ "www.tern.example.", "data/1 in 2 | 60 A 192.0.2.1" },
		{ "a.shop.tern.example.", "nxdomain/0 in 2" },
		{ "x.tern.example.", "nxdomain/0 in 2" },
	};
	static const struct row after[] = {
		{ "www.tern.example.", "data/1 in 2 | 60 A 192.0.2.77" },
		{ "a.shop.tern.example.", "data/1 in 3 | 3600 A 192.0.2.9" },
		{ "x.tern.example.", "data*/0 in 2 | 3600 TXT \"new\"" },
	};

	(void)state;
	for (int i = 0; i < 3; i++) {
		fill(TERN "rr tern.example www A 60 192.0.2.1\n");
		answers(before, array_size(before));
		fill(TERN "rr tern.example www A 60 192.0.2.77\nrr tern.example * TXT - \"new\"\n"
		          "zone shop.tern.example primary 1 3600 ns. host.\nrr shop.tern.example a A - 192.0.2.9\n");
		answers(after, array_size(after));
	}
}

/* More zones than a thread's smaller tables hold, in several shapes. */
static void
put_many_zones(struct text *out, unsigned count, unsigned third)
{
	for (unsigned i = 0; i < count; i++) {
		unsigned high = i >> 8, low = i & 255;

		text_putf(out, "zone z%u.test primary 1 60 ns.test. h.test.\n", i);
		switch (i % 6) {
		case 0:
			text_putf(out, "rr z%u.test www A - 10.%u.%u.%u\n", i, third, high, low);
			break;
		case 1:
			text_putf(out, "rr z%u.test www NS - ns%u-%u.test.\n", i, third, i);
			break;
		case 2:
			text_putf(out, "rr z%u.test @ DNAME - t%u-%u.test.\nrr z%u.test www A - 10.9.9.9\n", i, third, i, i);
			break;
		case 3:
			text_putf(out, "rr z%u.test * A - 10.%u.%u.%u\n", i, third, high, low);
			break;
		case 4:
			text_putf(out, "rr z%u.test www A - 10.9.9.9\nzone www.z%u.test primary 1 60 ns.test. h.test.\n"
			          "rr www.z%u.test @ A - 10.%u.%u.%u\n", i, i, i, third, high, low);
			break;
		default:
			text_putf(out, "rr z%u.test x.www A - 10.%u.%u.%u\nrr z%u.test zzz A - 10.9.9.9\n", i, third, high, low, i);
			break;
		}
	}
}

static void
say_wanted(struct text *out, unsigned i, unsigned third)
{
	unsigned high = i >> 8, low = i & 255;

	text_clear(out);
	switch (i % 6) {
	case 0:
		text_putf(out, "data/1 in 2 | 60 A 10.%u.%u.%u", third, high, low);
		break;
	case 1:
		text_putf(out, "cut/1 in 2 | 60 NS ns%u-%u.test.", third, i);
		break;
	case 2:
		text_putf(out, "dname/0 in 2 | 60 DNAME t%u-%u.test.", third, i);
		break;
	case 3:
		text_putf(out, "data*/0 in 2 | 60 A 10.%u.%u.%u", third, high, low);
		break;
	case 4:
		text_putf(out, "data/0 in 3 | 60 A 10.%u.%u.%u", third, high, low);
		break;
	default:
		text_put(out, "empty/1 in 2");
		break;
	}
}

static void
thousands_of_zones_are_told_apart(void **state)
{
	static const unsigned count = 3000;
	struct text text = TEXT_INIT, got = TEXT_INIT, want = TEXT_INIT;
	char name[32];

	(void)state;
	for (unsigned snapshot = 0; snapshot < 2; snapshot++) {
		text_clear(&text);
		put_many_zones(&text, count, snapshot);
		fill(text_str(&text));
		for (unsigned round = 0; round < 3; round++) {
			for (unsigned i = 0; i < count; i++) {
				unsigned n = i * 7 % count;

				snprintf(name, sizeof(name), "www.z%u.test", n);
				say_answer(name, &got);
				say_wanted(&want, n, snapshot);
				assert_string_equal(text_str(&got), text_str(&want));
			}
		}
	}
	text_free(&text);
	text_free(&got);
	text_free(&want);
}

/* What is read of a name in a zone above the one that answers for it is no answer to it. */
static void
a_zone_above_does_not_answer(void **state)
{
	struct dns_question origin = question_of("p.test"), question = question_of("c.p.test");
	struct dns_answer answer;
	struct dns_zone zone;
	struct dns_view *view;

	(void)state;
	fill("zone p.test primary 1 60 ns.test. h.test.\n"
	     "rr p.test c A - 10.0.0.1\n"
	     "zone c.p.test primary 1 60 ns.test. h.test.\n"
	     "rr c.p.test @ A - 10.0.0.2\n");
	assert_int_equal(dns_begin(cache, &view), 0);
	for (int round = 0; round < 2; round++) {
		assert_int_equal(dns_find_exact_zone(view, &origin, &zone), 1);
		assert_int_equal(dns_read_name(view, &zone, &question, &answer), 0);
		assert_int_equal(answer.outcome, DNS_DATA);
		assert_int_equal(dns_find_zone(view, &question, &zone), 1);
		assert_int_equal(zone.labels, 3);
	}
	dns_end(view);
}

static void
catch_all_stands_where_its_target_has_an_address(void **state)
{
	static const struct row rows[] = {
		{ "x.tern.example.", "data*/0 in 2 | 3600 CNAME www" },
		{ "*.tern.example.", "data/1 in 2 | 3600 CNAME www" },
		{ "x.*.tern.example.", "nxdomain/1 in 2" },
		{ "x.heron.example.", "data*/0 in 2 | 3600 CNAME www" },
		{ "x.mail.tern.example.", "nxdomain/1 in 2" },
		{ "x.own.example.", "data*/0 in 2 | 3600 TXT \"own\"" },
		{ "x.none.example.", "nxdomain/0 in 2" },
		{ "*.none.example.", "nxdomain/0 in 2" },
		{ "x.ent.example.", "data*/0 in 2 | 3600 CNAME www" },
	};

	(void)state;
	fill("set catch-all www\n" TERN "rr tern.example www A 60 192.0.2.1\nrr tern.example mail A - 192.0.2.2\n"
	     "zone heron.example replica tern.example\n"
	     "zone own.example primary 1 3600 ns. host.\n"
	     "rr own.example www A - 192.0.2.3\nrr own.example * TXT - \"own\"\n"
	     "zone none.example primary 1 3600 ns. host.\nrr none.example www AAAA - 2001:db8::1\n"
	     "zone ent.example primary 1 3600 ns. host.\n"
	     "rr ent.example www A - 192.0.2.4\nrr ent.example a.* A - 192.0.2.5\n");
	answers(rows, array_size(rows));
}

#define REVERSE \
	"set base 9\nset primary ns1.isp.example.\nset secondary ns2.isp.example.\nset rname host.isp.example.\n" \
	"prefix 192.0.0.0 20 24\nprefix 2001:db8:: 32 64\n"

static void
reverse_zones_are_computed_at_their_cut(void **state)
{
	static const struct row rows[] = {
		{ "41.2.0.192.in-addr.arpa.", "data/1 in 5 | 86400 PTR mail.tern.example." },
		{ "42.2.0.192.in-addr.arpa.", "nxdomain/0 in 5" },
		{ "x.41.2.0.192.in-addr.arpa.", "nxdomain/1 in 5" },
		{ "2.0.192.in-addr.arpa.", "data/0 in 5 | 86400 NS ns1.isp.example. | 86400 NS ns2.isp.example." },
		{ "9.0.192.in-addr.arpa.", "data/0 in 5 | 86400 NS ns1.isp.example. | 86400 NS ns2.isp.example." },
		{ "1.9.0.192.in-addr.arpa.", "nxdomain/0 in 5" },
		{ "1.16.0.192.in-addr.arpa.", "no zone" },
		{ "0.192.in-addr.arpa.", "no zone" },
		{ "1.02.0.192.in-addr.arpa.", "no zone" },
		{ "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa.",
		  "data/16 in 18 | 86400 PTR six.tern.example." },
		{ "0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa.", "empty/15 in 18" },
		{ "f.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa.", "nxdomain/2 in 18" },
		{ "0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa.", "no zone" },
		{ "arpa.", "no zone" },
		{ "in-addr.arpa.", "no zone" },
	};

	(void)state;
	fill(REVERSE "ptr 41.2.0.192.in-addr.arpa mail.tern.example.\n"
	             "ptr 1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa six.tern.example.\n");
	answers(rows, array_size(rows));
}

static void
hosted_reverse_zones_win_and_their_gaps_are_filled(void **state)
{
	static const struct row rows[] = {
		{ "41.2.0.192.in-addr.arpa.", "data/1 in 5 | 3600 PTR mail.tern.example." },
		{ "42.2.0.192.in-addr.arpa.", "data/1 in 5 | 3600 PTR written." },
		{ "43.2.0.192.in-addr.arpa.", "data/1 in 5 | 3600 TXT \"beside\" | 3600 PTR computed.43." },
		{ "44.2.0.192.in-addr.arpa.", "data/1 in 5 | 3600 CNAME elsewhere." },
		{ "45.2.0.192.in-addr.arpa.", "cut/1 in 5 | 3600 NS ns.customer." },
		{ "99.2.0.192.in-addr.arpa.", "data*/0 in 5 | 3600 TXT \"wild\"" },
		/* An explicit zone above the cut wins too, but its child's records are not its own. */
		{ "3.0.192.in-addr.arpa.", "empty/1 in 4" },
		{ "7.3.0.192.in-addr.arpa.", "data/2 in 4 | 3600 PTR in.parent." },
		{ "0.192.in-addr.arpa.", "data/0 in 4" },
		/* Nothing here but what belongs to the zone below. */
		{ "5.10.in-addr.arpa.", "nxdomain/0 in 3" },
		{ "7.6.5.10.in-addr.arpa.", "data/1 in 5 | 3600 PTR in.child." },
	};

	(void)state;
	fill(REVERSE "prefix 10.0.0.0 8 24\n"
	             "zone 0.192.in-addr.arpa primary 1 3600 ns. host.\n"
	             "zone 2.0.192.in-addr.arpa primary 1 3600 ns. host.\n"
	             "rr 2.0.192.in-addr.arpa 42 PTR - written.\nrr 2.0.192.in-addr.arpa 43 TXT - \"beside\"\n"
	             "rr 2.0.192.in-addr.arpa 44 CNAME - elsewhere.\nrr 2.0.192.in-addr.arpa 45 NS - ns.customer.\n"
	             "rr 2.0.192.in-addr.arpa * TXT - \"wild\"\n"
	             "ptr 41.2.0.192.in-addr.arpa mail.tern.example.\nptr 42.2.0.192.in-addr.arpa computed.42.\n"
	             "ptr 43.2.0.192.in-addr.arpa computed.43.\nptr 44.2.0.192.in-addr.arpa computed.44.\n"
	             "ptr 45.2.0.192.in-addr.arpa computed.45.\nptr 7.3.0.192.in-addr.arpa in.parent.\n"
	             "zone 10.in-addr.arpa primary 1 3600 ns. host.\nzone 6.5.10.in-addr.arpa primary 1 3600 ns. host.\n"
	             "ptr 7.6.5.10.in-addr.arpa in.child.\n");
	answers(rows, array_size(rows));
}

struct transfer {
	struct text text;
};

static int
add_name(void *context, const struct dname *owner, struct dns_records *records)
{
	struct transfer *transfer = context;

	dname_put_text(&transfer->text, owner);
	put_records(&transfer->text, records);
	text_put_char(&transfer->text, '\n');
	return 0;
}

static void
transfers(const char *origin, const char *want)
{
	struct transfer transfer = { TEXT_INIT };
	struct dns_question question = question_of(origin);
	struct dns_zone zone;
	struct dns_view *view;

	assert_int_equal(dns_begin(cache, &view), 0);
	assert_int_equal(dns_find_exact_zone(view, &question, &zone), 1);
	assert_int_equal(dns_each_name(view, &zone, &question, add_name, &transfer), 0);
	dns_end(view);
	assert_string_equal(text_str(&transfer.text), want);
	text_free(&transfer.text);
}

static void
a_transfer_has_each_name_once_in_order(void **state)
{
	(void)state;
	fill(REVERSE "set catch-all www\n" TERN
	             "rr tern.example @ NS - ns1\nrr tern.example www A 60 192.0.2.1\nrr tern.example sub NS - ns.sub\n"
	             "rr tern.example ns.sub A - 192.0.2.5\n"
	             "zone heron.example replica tern.example\n"
	             "zone 0.192.in-addr.arpa primary 1 3600 ns. host.\nrr 0.192.in-addr.arpa 9 NS - ns.\n"
	             "rr 0.192.in-addr.arpa 5.1 TXT - \"beside\"\nrr 0.192.in-addr.arpa 6.1 PTR - written.\n"
	             "zone 2.0.192.in-addr.arpa primary 1 3600 ns. host.\n"
	             "ptr 5.1.0.192.in-addr.arpa five.\nptr 6.1.0.192.in-addr.arpa six.\nptr 7.1.0.192.in-addr.arpa seven.\n"
	             "ptr 1.2.0.192.in-addr.arpa child.\nptr 1.9.0.192.in-addr.arpa hidden.\n"
	             "prefix 198.51.100.0 24 24\nptr 3.100.51.198.in-addr.arpa three.\n");
	transfers("tern.example.", "tern.example. | 3600 NS ns1\n"
	                           "*.tern.example. | 3600 CNAME www\n"
	                           "sub.tern.example. | 3600 NS ns.sub\n"
	                           "ns.sub.tern.example. | 3600 A 192.0.2.5\n"
	                           "www.tern.example. | 60 A 192.0.2.1\n");
	transfers("heron.example.", "heron.example. | 3600 NS ns1\n"
	                            "*.heron.example. | 3600 CNAME www\n"
	                            "sub.heron.example. | 3600 NS ns.sub\n"
	                            "ns.sub.heron.example. | 3600 A 192.0.2.5\n"
	                            "www.heron.example. | 60 A 192.0.2.1\n");
	transfers("0.192.in-addr.arpa.", "5.1.0.192.in-addr.arpa. | 3600 TXT \"beside\" | 3600 PTR five.\n"
	                                 "6.1.0.192.in-addr.arpa. | 3600 PTR written.\n"
	                                 "7.1.0.192.in-addr.arpa. | 3600 PTR seven.\n"
	                                 "9.0.192.in-addr.arpa. | 3600 NS ns.\n");
	transfers("100.51.198.in-addr.arpa.",
	          "100.51.198.in-addr.arpa. | 86400 NS ns1.isp.example. | 86400 NS ns2.isp.example.\n"
	          "3.100.51.198.in-addr.arpa. | 86400 PTR three.\n");
}

static void
zone_says_its_soa(const char *name, const char *want)
{
	struct dns_question question = question_of(name);
	struct text soa = TEXT_INIT;
	struct dns_zone zone;
	struct dns_view *view;

	assert_int_equal(dns_begin(cache, &view), 0);
	assert_int_equal(dns_find_zone(view, &question, &zone), 1);
	dns_zone_put_soa(&zone, &soa);
	dns_end(view);
	assert_string_equal(text_str(&soa), want);
	text_free(&soa);
}

static void
soa_is_the_masters_or_made_of_the_settings(void **state)
{
	(void)state;
	fill(REVERSE TERN "zone heron.example replica tern.example\nzone 9.0.192.in-addr.arpa hidden 4000000000\n");
	zone_says_its_soa("tern.example.", "ns1.isp.example. host.isp.example. 5 3600 600 604800 3600");
	zone_says_its_soa("heron.example.", "ns1.isp.example. host.isp.example. 5 3600 600 604800 3600");
	zone_says_its_soa("8.0.192.in-addr.arpa.", "ns1.isp.example. host.isp.example. 9 10800 900 604800 86400");
	zone_says_its_soa("9.0.192.in-addr.arpa.", "ns1.isp.example. host.isp.example. 4000000000 10800 900 604800 86400");
}

static void
collect(void *context, const char *sentence)
{
	struct text *text = context;

	text_put(text, sentence);
	text_put_char(text, '\n');
}

static void
each_step_is_told(void **state)
{
	struct dns_question question = question_of("x.www.heron.example.");
	struct text said = TEXT_INIT;
	struct dns_answer answer;
	struct dns_zone zone;
	struct dns_view *view;

	(void)state;
	fill(TERN "rr tern.example www A 60 192.0.2.1\nzone heron.example replica tern.example\n");
	for (int i = 0; i < 2; i++) {
		text_clear(&said);
		assert_int_equal(dns_begin(cache, &view), 0);
		dns_trace(view, collect, &said);
		assert_int_equal(dns_find_zone(view, &question, &zone), 1);
		assert_int_equal(dns_resolve(view, &zone, &question, &answer), 0);
		dns_trace(view, NULL, NULL);
		dns_end(view);
		assert_string_equal(text_str(&said),
		                    "The zone is heron.example.\n"
		                    "It is a replica: everything is read from its master tern.example.\n"
		                    "x.www.heron.example does not exist.\n"
		                    "The closest name above it that exists is www.heron.example.\n"
		                    "There is no wildcard *.www.heron.example: the answer is that the name does not exist.\n");
	}
	text_free(&said);
}

static void
kept_records_outlive_the_snapshot(void **state)
{
	struct dns_question question = question_of("www.tern.example.");
	struct text room = TEXT_INIT, got = TEXT_INIT;
	struct dns_answer answer;
	struct dns_zone zone;
	struct dns_view *view;

	(void)state;
	fill(TERN "rr tern.example www A 60 192.0.2.1\n");
	assert_int_equal(dns_begin(cache, &view), 0);
	assert_int_equal(dns_find_zone(view, &question, &zone), 1);
	assert_int_equal(dns_resolve(view, &zone, &question, &answer), 0);
	assert_int_equal(dns_records_keep(&answer.records, &room), 0);
	dns_end(view);
	fill(TERN "rr tern.example www A 60 192.0.2.99\n");
	put_records(&got, &answer.records);
	assert_string_equal(text_str(&got), " | 60 A 192.0.2.1");
	text_free(&room);
	text_free(&got);
}

#define WITH_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_FOLDER(names_exist_as_in_rfc_4592),
		WITH_FOLDER(topmost_cut_or_dname_is_the_answer),
		WITH_FOLDER(the_longest_served_zone_answers),
		WITH_FOLDER(what_was_known_ends_with_the_snapshot),
		WITH_FOLDER(thousands_of_zones_are_told_apart),
		WITH_FOLDER(a_zone_above_does_not_answer),
		WITH_FOLDER(catch_all_stands_where_its_target_has_an_address),
		WITH_FOLDER(reverse_zones_are_computed_at_their_cut),
		WITH_FOLDER(hosted_reverse_zones_win_and_their_gaps_are_filled),
		WITH_FOLDER(a_transfer_has_each_name_once_in_order),
		WITH_FOLDER(soa_is_the_masters_or_made_of_the_settings),
		WITH_FOLDER(each_step_is_told),
		WITH_FOLDER(kept_records_outlive_the_snapshot),
	};

	return RUN_TESTS(tests);
}
