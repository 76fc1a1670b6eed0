/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * A reader of the cache that never trusts it.
 *
 *	cache_watch watch CACHE_DIR < NAMES      until TERM
 *	cache_watch hold CACHE_DIR < NAMES       the same, but sleeps in the middle of a snapshot
 *	cache_watch dump CACHE_DIR < ZONES       prints what ZONES hold, but for their serials
 *	cache_watch lock ENVIRONMENT             holds the writer's lock of the environment in that folder, as a reader that was
 *	                                         taken over could
 *
 * The writer of the directory keeps a number N of its own for each watched name and always replaces all records of the
 * name together: two A records 10.x.y.1 and 10.x.y.2 where N = 256 x + y, and an MX record of preference N when a word "mx" stands
 * behind the name; the SOA (word "soa") has N as its refresh time, and in its names: nsN.g. and hostN.g.
 * Once the cache could be read it must be readable for ever, each name must be there, and its records must agree
 * on one N that never falls. A zone's serial never falls either. What is otherwise is a line "BAD ...".
 */
#include <config.h>

#include "cache/dns.h"
#include "cache/store.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum { BAD_MAX = 20, PAUSE_NANOSECONDS = 300000 };

struct watched {
	char text[300];
	struct dns_question question;
	bool is_soa, has_mx;
	unsigned long last; /* N */
	uint32_t serial;
};

static struct watched *names;
static size_t name_count;
static unsigned bad;
static volatile sig_atomic_t ended;

static void
on_end(int number)
{
	(void)number;
	ended = 1;
}

static void printf_like(2, 3)
complain(const struct watched *name, const char *format, ...)
{
	va_list args;

	if (++bad > BAD_MAX)
		return;
	printf("BAD %s: ", name->text);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	fflush(stdout);
}

static int
read_names(void)
{
	char line[400];

	while (fgets(line, sizeof(line), stdin) != NULL) {
		struct watched *more = realloc(names, (name_count + 1) * sizeof(*names));
		struct watched *name;
		struct dname wire;
		char word[16] = "";

		if (more == NULL)
			return -ENOMEM;
		names = more;
		name = &names[name_count];
		memset(name, 0, sizeof(*name));
		if (sscanf(line, "%299s %15s", name->text, word) < 1)
			continue;
		if (dname_from_text(span_of(name->text), NULL, &wire) < 0)
			return -EINVAL;
		name->is_soa = strcmp(word, "soa") == 0;
		name->has_mx = strcmp(word, "mx") == 0;
		dname_lower(&wire);
		dns_question_set(&name->question, &wire);
		name_count++;
	}
	return 0;
}

/* --- one look at one name ------------------------------------------------------------------------------ */

static void
take_number(struct watched *name, unsigned long n)
{
	if (n < name->last)
		complain(name, "went back from %lu to %lu", name->last, n);
	name->last = n;
}

static void
look_at_records(struct watched *name, struct dns_records *records)
{
	unsigned long numbers[3] = { 0, 0, 0 };
	unsigned seen = 0;
	struct rr rr;
	int r;

	while ((r = dns_records_next(records, &rr)) > 0) {
		unsigned a, b, c;

		if (rr.type == RRTYPE_A && sscanf(rr.text.data, "10.%u.%u.%u", &a, &b, &c) == 3 && (c == 1 || c == 2)) {
			seen |= 1u << c;
			numbers[c - 1] = a * 256 + b;
		} else if (rr.type == RRTYPE_MX && sscanf(rr.text.data, "%u ", &a) == 1) {
			seen |= 1;
			numbers[2] = a;
		} else {
			complain(name, "type %u \"%s\" is not its", rr.type, rr.text.data);
		}
	}
	if (r < 0)
		complain(name, "its records cannot be read: %s", strerror(-r));
	else if (seen != (name->has_mx ? 7u : 6u))
		complain(name, "some records are missing (%u)", seen);
	else if (numbers[0] != numbers[1] || (name->has_mx && numbers[2] != numbers[0]))
		complain(name, "half old, half new: %lu %lu %lu", numbers[0], numbers[1], numbers[2]);
	else
		take_number(name, numbers[0]);
}

static void
look_at_zone(struct watched *name, const struct dns_zone *zone)
{
	struct text soa = TEXT_INIT;
	unsigned long mname, rname, refresh, serial;

	dns_zone_put_soa(zone, &soa);
	if (sscanf(text_str(&soa), "ns%lu.g. host%lu.g. %lu %lu ", &mname, &rname, &serial, &refresh) != 4)
		complain(name, "its SOA is \"%s\"", text_str(&soa));
	else if (mname != rname || mname != refresh)
		complain(name, "half old, half new: \"%s\"", text_str(&soa));
	else
		take_number(name, mname);
	if (name->serial != 0 && (int32_t)(zone->serial - name->serial) < 0)
		complain(name, "its serial went back from %u to %u", name->serial, zone->serial);
	name->serial = zone->serial;
	text_free(&soa);
}

static void
look(struct dns_view *view, struct watched *name)
{
	struct dns_zone zone;
	struct dns_answer answer;
	int r = name->is_soa ? dns_find_exact_zone(view, &name->question, &zone)
	                     : dns_find_zone(view, &name->question, &zone);

	if (r <= 0) {
		complain(name, "its zone: %s", r == 0 ? "absent" : strerror(-r));
		return;
	}
	if (name->is_soa) {
		look_at_zone(name, &zone);
		return;
	}
	r = dns_resolve(view, &zone, &name->question, &answer);
	if (r < 0)
		complain(name, "cannot be resolved: %s", strerror(-r));
	else if (answer.outcome != DNS_DATA || answer.wildcard)
		complain(name, "absent (outcome %d)", (int)answer.outcome);
	else
		look_at_records(name, &answer.records);
}

/* --- all the time --------------------------------------------------------------------------------------- */

static int
watch(struct cache *cache, bool hold)
{
	static const struct timespec pause = { 0, PAUSE_NANOSECONDS };
	unsigned long reads = 0, snapshots = 0;
	uint64_t last = 0;
	bool loaded = false;

	while (!ended) {
		struct dns_view *view;
		int r = dns_begin(cache, &view);

		if (r < 0) {
			if (loaded && ++bad <= BAD_MAX)
				printf("BAD the cache: %s\n", cache_error_text());
			nanosleep(&pause, NULL);
			continue;
		}
		if (!loaded)
			printf("loaded\n");
		fflush(stdout);
		loaded = true;
		snapshots += dns_snapshot(view) != last;
		last = dns_snapshot(view);
		for (size_t i = 0; i < name_count; i++)
			look(view, &names[i]);
		reads += name_count;
		if (hold) {
			printf("holding\n");
			fflush(stdout);
			while (!ended)
				nanosleep(&pause, NULL);
		}
		dns_end(view);
		nanosleep(&pause, NULL);
	}
	printf("END reads %lu snapshots %lu bad %u\n", reads, snapshots, bad);
	return bad == 0 ? 0 : 1;
}

/* --- once ----------------------------------------------------------------------------------------------- */

static int
print_name(void *context, const struct dname *owner, struct dns_records *records)
{
	struct text line = TEXT_INIT;
	struct rr rr;
	int r;

	(void)context;
	while ((r = dns_records_next(records, &rr)) > 0) {
		dname_put_text(&line, owner);
		printf("%s %u %u %s\n", text_str(&line), rr.type, rr.ttl, rr.text.data);
		text_clear(&line);
	}
	text_free(&line);
	return r;
}

static int
dump(struct cache *cache)
{
	struct dns_view *view;
	int r = dns_begin(cache, &view);

	if (r < 0) {
		printf("BAD %s\n", cache_error_text());
		return 1;
	}
	for (size_t i = 0; i < name_count; i++) {
		struct dns_zone zone;

		r = dns_find_exact_zone(view, &names[i].question, &zone);
		if (r == 1) {
			printf("%s %d %.*s %.*s\n", names[i].text, (int)zone.class, (int)zone.soa_head.len, zone.soa_head.data,
			       (int)zone.soa_tail.len, zone.soa_tail.data);
			r = dns_each_name(view, &zone, &names[i].question, print_name, NULL);
		}
		if (r < 0)
			printf("BAD %s: %s\n", names[i].text, strerror(-r));
	}
	dns_end(view);
	return 0;
}

static int
hold_lock(const char *folder)
{
	const struct store_options options = { .map_size = 64 << 20, .file_mode = 0640, .group = (gid_t)-1 };
	struct store *store;
	struct store_txn *txn;

	if (store_open_writer(folder, &options, &store) < 0 || store_begin_write(store, &txn) < 0) {
		fprintf(stderr, "%s\n", store_error_text());
		return 1;
	}
	printf("locked\n");
	fflush(stdout);
	for (;;)
		pause();
}

int
main(int argc, char **argv)
{
	struct cache *cache;
	int status;

	if (argc == 3 && strcmp(argv[1], "lock") == 0)
		return hold_lock(argv[2]);
	if (argc != 3 || read_names() < 0 || dns_open(argv[2], NULL, &cache) < 0) {
		fprintf(stderr, "usage: cache_watch watch|hold|dump CACHE_DIR < NAMES, or lock ENVIRONMENT\n");
		return 2;
	}
	signal(SIGTERM, on_end);
	status = strcmp(argv[1], "dump") == 0 ? dump(cache) : watch(cache, strcmp(argv[1], "hold") == 0);
	cache_close(cache);
	free(names);
	return status;
}
