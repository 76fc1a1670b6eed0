/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * Runs a projection over an LDIF file, without a store: what the cache would hold, as text.
 *
 *	project_ldif [-b BASE] [-m | -l] [-w] [-c CLAIMER:DOMAIN]... [-p PREFIX]... [-r] [-z ZONE] FILE
 *
 * -m is the mail projection, -l that of logins (-w: weak passwords are told of), else it is DNS. -r numbers
 * the entries from the last to the first: the records must not change. -z prints one zone as a master file for named-checkzone
 * instead.
 */
#include <config.h>

#include "cache/ldif.h"
#include "cache/project_dns.h"
#include "cache/project_login.h"
#include "cache/project_mail.h"
#include "cache/rrtype.h"
#include "cache/settings.h"

#include <errno.h>
#include <inttypes.h>
#include <fcntl.h>
#include <stdio.h>

struct held {
	struct key subject;
	uint64_t entry_id;
	struct span payload;
};

enum { CROSS_MAX = 8 };

struct run {
	struct dns_settings settings;
	struct mail_settings mail_settings;
	struct cross_claim cross[CROSS_MAX];
	struct login_settings login_settings;
	bool mail, login;
	struct rdn *base;
	size_t base_depth;
	bool backwards;
	struct arena arena; /* everything that lives to the end */
	struct held *held;
	size_t held_count, held_room;
	struct span *dns; /* by number of the entry */
	size_t entry_count, dns_room;
	struct text problems;
};

static void
check(int r, const char *what)
{
	if (r >= 0)
		return;
	fprintf(stderr, "%s: %s\n", what, strerror(-r));
	exit(2);
}

static void *
grow(void *array, size_t *room, size_t count, size_t size)
{
	if (count < *room)
		return array;
	*room = *room > 0 ? *room * 2 : 1024;
	array = realloc(array, *room * size);
	check(array != NULL ? 0 : -ENOMEM, "realloc");
	return array;
}

static uint64_t
number_of(const struct run *run, size_t at)
{
	return run->backwards ? UINT32_MAX - at : at;
}

static void
dn_of(void *context, uint64_t entry_id, struct text *out_dn)
{
	const struct run *run = context;
	size_t at = run->backwards ? UINT32_MAX - entry_id : entry_id;

	text_put_span(out_dn, run->dns[at]);
}

/* The entry's RDNs below the base; false when it is not within the base. */
static bool
is_placed(const struct run *run, const struct rdn *rdns, size_t count, size_t *out_depth)
{
	if (count < run->base_depth)
		return false;
	for (size_t i = 0; i < run->base_depth; i++)
		if (!span_is(rdns[count - run->base_depth + i].normalised, run->base[i].normalised))
			return false;
	*out_depth = count - run->base_depth;
	return true;
}

static void
map_entry(struct run *run, const struct entry *entry, struct arena *arena)
{
	struct placed_entry placed = { .entry = entry };
	struct mapped mapped = { NULL, TEXT_INIT };
	struct rdn *rdns;
	size_t count;

	check(dn_split(entry->dn, arena, &rdns, &count), "dn_split");
	if (!is_placed(run, rdns, count, &placed.depth))
		return;
	placed.rdns = rdns;
	if (run->mail)
		check(project_mail_map(&run->mail_settings, &placed, arena, &mapped), "project_mail_map");
	else if (run->login)
		check(project_login_map(&run->login_settings, &placed, arena, &mapped), "project_login_map");
	else
		check(project_dns_map(&run->settings, &placed, arena, &mapped), "project_dns_map");
	for (const struct fragment *f = mapped.fragments; f != NULL; f = f->next) {
		struct held *held;

		run->held = grow(run->held, &run->held_room, run->held_count, sizeof(*run->held));
		held = &run->held[run->held_count++];
		held->subject = f->subject;
		held->entry_id = number_of(run, run->entry_count);
		held->payload = arena_copy(&run->arena, f->payload);
	}
	text_put_span(&run->problems, text_span(&mapped.problems));
	text_free(&mapped.problems);
	run->dns = grow(run->dns, &run->dns_room, run->entry_count, sizeof(*run->dns));
	run->dns[run->entry_count++] = arena_copy(&run->arena, entry->dn);
}

static void
read_file(struct run *run, const char *path)
{
	cleanup(text_free) struct text why = TEXT_INIT;
	cleanup(close_fdp) int fd = open(path, O_RDONLY | O_CLOEXEC);
	cleanup(ldif_freep) struct ldif *ldif = NULL;
	struct arena arena = ARENA_INIT;
	struct entry entry;
	int r;

	check(fd >= 0 ? 0 : -errno, path);
	check(ldif_open(fd, NULL, NULL, &ldif), path);
	while ((r = ldif_next(ldif, &arena, &entry, &why)) == 1) {
		map_entry(run, &entry, &arena);
		arena_reset(&arena);
	}
	arena_free(&arena);
	if (r < 0)
		fprintf(stderr, "%s: %s\n", path, text_str(&why));
	check(r, path);
}

static int
compare_held(const void *a, const void *b)
{
	const struct held *x = a;
	const struct held *y = b;
	size_t n = x->subject.len < y->subject.len ? x->subject.len : y->subject.len;
	int order = memcmp(x->subject.octets, y->subject.octets, n);

	if (order == 0)
		order = (x->subject.len > y->subject.len) - (x->subject.len < y->subject.len);
	return order != 0 ? order : (x->entry_id > y->entry_id) - (x->entry_id < y->entry_id);
}

/* --- printing ------------------------------------------------------------------------------------------ */

static void
print_name(const char *before, const struct dname *name)
{
	cleanup(text_free) struct text text = TEXT_INIT;

	dname_put_text(&text, name);
	printf("%s%s", before, text_str(&text));
}

static void
print_span(const char *before, struct span s)
{
	printf("%s%.*s", before, (int)s.len, s.data);
}

static void
print_settings(struct span value)
{
	struct settings_record settings;

	check(settings_record_read(value, &settings), "settings_record_read");
	print_span("settings primary-ns=", settings.primary_ns);
	print_span(" secondary-ns=", settings.secondary_ns);
	print_span(" rname=", settings.rname);
	print_span(" catch-all=", settings.catch_all);
	printf(" prefixes=%zu\n", settings.prefix_count);
}

static void
print_zone(const struct dname *name, struct span value)
{
	static const char *const kinds[] = { "not-served", "primary", "replica" };
	struct zone_record zone;
	struct dname master;

	check(zone_record_read(value, &zone), "zone_record_read");
	print_name("zone ", name);
	printf(" %s", kinds[zone.kind]);
	if (zone.kind == ZONE_REPLICA) {
		check(dname_from_wire(zone.master, &master), "dname_from_wire");
		print_name(" of ", &master);
	}
	if (zone.has_soa) {
		print_span(" soa ", zone.soa_head);
		if (zone.stored_usable)
			printf(" %u", zone.stored_serial);
		else
			printf(" unusable");
		print_span(" ", zone.soa_tail);
		if (zone.soa_ttl != RECORD_TTL_DEFAULT)
			printf(" ttl %u", zone.soa_ttl);
	}
	putchar('\n');
}

static void
print_node(const char *before, const struct dname *zone, const struct dname *name, struct span value)
{
	static const char *const flags[] = { "NS", "DNAME", "CNAME", "A", "PTR" };
	struct node node;
	struct rr rr;
	int r;

	check(node_read(value, &node), "node_read");
	printf("%s", before);
	if (zone != NULL)
		print_name("", zone);
	print_name(zone != NULL ? " " : "", name);
	for (size_t i = 0; i < array_size(flags); i++)
		if (node.flags & 1u << i)
			printf(" has-%s", flags[i]);
	putchar('\n');
	while ((r = node_next(&node, &rr)) > 0) {
		char room[RRTYPE_TEXT_MAX];

		printf("\t%s", rrtype_text(rr.type, room));
		print_span(" ", rr.text);
		if (rr.ttl != RECORD_TTL_DEFAULT)
			printf(" ; ttl %u", rr.ttl);
		if (rr.relative != 0)
			printf(" ; relative %u", rr.relative);
		if (rr.flags & RR_TWIN)
			printf(" ; twin");
		putchar('\n');
	}
	check(r, "node_next");
}

static void
print_record(struct span subject, struct span value)
{
	struct dname zone, name;
	char letter;

	check(key_split(subject, &letter, &zone, &name), "key_split");
	if (letter == 's')
		print_settings(value);
	else if (letter == 'z')
		print_zone(&name, value);
	else if (letter == 'n')
		print_node("node ", &zone, &name, value);
	else
		print_node("reverse ", NULL, &name, value);
}

static void
print_list(const char *before, struct mail_list list)
{
	struct span string;
	int r;

	while ((r = mail_list_next(&list, &string)) > 0)
		print_span(before, string);
	check(r, "mail_list_next");
}

static void
print_part(const char *before, struct span part)
{
	if (part.len > 0)
		print_span(before, part);
}

static void
print_claim(const struct mail_claim *claim)
{
	printf("\t%s", claim->holder == MAIL_USER ? "user" : "group");
	print_part(" of ", claim->claimer);
	printf("%s%s%s", claim->flags & MAIL_PRIMARY ? " primary" : "", claim->flags & MAIL_SUSPENDED ? " suspended" : "",
	       claim->flags & MAIL_NO_COPY ? " no-copy" : "");
	print_part(" name=", claim->primary);
	print_part(" host=", claim->mail_host);
	print_part(" relocated=", claim->relocated);
	print_list(" route ", claim->routing);
	print_list(" forward ", claim->forwarding);
	print_list(" login ", claim->logins);
	putchar('\n');
}

static void
print_mail(struct span subject, struct span value)
{
	struct mail_address address;
	struct mail_domain domain;
	struct mail_claim claim;
	struct mail_room room;
	struct span name, rest;
	char letter;
	int r;

	check(key_mail_split(subject, &letter, &name, &rest), "key_mail_split");
	if (letter == 'd') {
		check(mail_domain_read(value, &domain), "mail_domain_read");
		print_span("domain ", name);
		printf(" %s%s", domain.delivery == MAIL_DELIVERY_SMTP ? "smtp" : "local", domain.suspended ? " suspended" : "");
		print_part(" replica of ", domain.master);
		print_part(" transport ", domain.transport);
		print_part(" below ", domain.below_transport);
		print_list(" login ", domain.logins);
		putchar('\n');
		return;
	}
	print_span("address ", rest);
	print_span("@", name);
	putchar('\n');
	check(mail_address_read(value, name, rest, &address), "mail_address_read");
	while ((r = mail_address_next(&address, &room, &claim)) > 0)
		print_claim(&claim);
	check(r, "mail_address_next");
}

static void
print_flags(unsigned flags, const char *const *words, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (flags & 1u << i)
			printf(" %s", words[i]);
}

static void
print_number(const char *before, uint64_t n)
{
	if (n > 0)
		printf("%s%llu", before, (unsigned long long)n);
}

static const char *const kind_words[LOGIN_KINDS] = { "", "user", "vhost", "domain", "admin" };

static void
print_secret(struct span value)
{
	static const char *const flags[] = { "suspended", "no-ftp", "locked", "mailbox", "must-change" };
	struct secret_entry entry;
	struct span stored;
	int r;

	check(secret_entry_read(value, &entry), "secret_entry_read");
	printf(" %s", kind_words[entry.kind]);
	print_part(" of ", entry.domain);
	print_part(" address=", entry.address);
	print_part(" uid=", entry.uid);
	print_flags(entry.flags, flags, array_size(flags));
	print_number(" locked-since=", entry.locked_since);
	print_number(" starts=", entry.starts);
	print_number(" ends=", entry.ends);
	print_number(" changed=", entry.changed);
	print_span("\n\t", entry.dn);
	while ((r = secret_value_next(&entry, &stored)) > 0) {
		print_span("\n\tpassword \"", stored);
		putchar('"');
	}
	check(r, "secret_value_next");
	putchar('\n');
}

/* Those of a list in which each has a NUL behind it. */
static void
print_names(const char *what, struct span names)
{
	struct span name;

	while (login_next_name(&names, &name)) {
		print_part(what, name);
		what = ",";
	}
}

static void
print_account(struct span value)
{
	static const char *const flags[] = { "suspended", "no-ftp" };
	struct account_entry entry;

	check(account_entry_read(value, &entry), "account_entry_read");
	printf(" %s", kind_words[entry.kind]);
	print_part(" of ", entry.domain);
	print_part(" uid=", entry.uid_value);
	print_flags(entry.flags, flags, array_size(flags));
	printf(" owner=%u:%u", entry.uid, entry.gid);
	print_part(" home=", entry.home);
	print_part(" file-hosts=", entry.file_hosts);
	print_part(" mail-host=", entry.mail_host);
	print_number(" quota=", entry.quota_octets);
	print_number(" files=", entry.quota_files);
	print_number(" upload=", entry.upload);
	print_number(" download=", entry.download);
	print_number(" upload-ratio=", entry.upload_ratio);
	print_number(" download-ratio=", entry.download_ratio);
	if (entry.posix_uid != entry.uid || entry.posix_gid != entry.gid)
		printf(" files-of=%u:%u", entry.posix_uid, entry.posix_gid);
	print_part(" address=", entry.address);
	if (entry.mail_quota >= 0)
		printf(" mail-quota=%" PRId64, entry.mail_quota);
	print_names(" folders=", entry.folders);
	putchar('\n');
}

static void
print_claims(struct span value)
{
	static const char *const rights[] = { "", "own", "alias", "bare" };
	static const char *const forms[] = { "address", "uid" };
	struct login_claims claims;
	struct login_claim claim;
	int r;

	check(login_claims_read(value, &claims), "login_claims_read");
	while ((r = login_claims_next(&claims, &claim)) > 0) {
		printf("\t%s %s", rights[claim.right], kind_words[claim.kind]);
		print_flags(claim.form, forms, array_size(forms));
		print_part(" of ", claim.claimer);
		printf(" %02x%02x%02x%02x\n", claim.uuid[0], claim.uuid[1], claim.uuid[2], claim.uuid[3]);
	}
	check(r, "login_claims_next");
}

static void
print_login(struct span subject, struct span value)
{
	struct login_domain domain;
	struct span name, names, claimer;
	char letter;

	check(key_login_split(subject, &letter, &name, &claimer), "key_login_split");
	printf("%s ", letter >= 'a' ? "secret" : "account");
	switch (ascii_lower(letter)) {
	case 'e':
		for (size_t i = 0; i < 4; i++)
			printf("%02x", (uint8_t)name.data[i]);
		if (letter == 'e')
			print_secret(value);
		else
			print_account(value);
		break;
	case 'h':
	case 'g':
		check(login_host_read(value, &names), "login_host_read");
		print_span(letter == 'H' ? "host " : "group ", name);
		print_names(" ", names);
		putchar('\n');
		break;
	case 'o':
		check(login_domain_read(value, &domain), "login_domain_read");
		print_span("domain ", name);
		print_part(" replica of ", domain.master);
		printf("%s\n", domain.suspended ? " suspended" : "");
		break;
	default:
		print_span("login ", name);
		putchar('\n');
		print_claims(value);
	}
}

/* A master file of ZONE, as far as this subject adds to it. */
static void
print_master(const struct dname *wanted, struct span subject, struct span value)
{
	struct dname zone, name;
	struct zone_record record;
	struct node node;
	struct rr rr;
	char letter, room[RRTYPE_TEXT_MAX];

	check(key_split(subject, &letter, &zone, &name), "key_split");
	if (letter == 'z' && dname_is(&name, wanted)) {
		check(zone_record_read(value, &record), "zone_record_read");
		print_name("", &name);
		printf(" %u SOA", record.minimum);
		print_span(" ", record.soa_head);
		printf(" %u", record.stored_serial);
		print_span(" ", record.soa_tail);
		putchar('\n');
	} else if (letter == 'n' && dname_is(&zone, wanted)) {
		check(node_read(value, &node), "node_read");
		while (node_next(&node, &rr) > 0) {
			if (rr.flags & RR_TWIN)
				continue;
			print_name("", &name);
			printf(" 300 %s", rrtype_text(rr.type, room));
			print_span(" ", rr.text);
			putchar('\n');
		}
	}
}

static void
print_problems(struct span list)
{
	struct problem problem;
	int r;

	while ((r = problem_next(&list, &problem)) > 0) {
		print_span("problem ", problem.kind);
		print_span("\n\t", problem.dn);
		print_span("\n\t", problem.sentence);
		putchar('\n');
	}
	check(r, "problem_next");
}

/* --- all ------------------------------------------------------------------------------------------------- */

static void
reduce_all(struct run *run, const struct dname *wanted)
{
	struct held_fragment *fragments = calloc(run->held_count + 1, sizeof(*fragments));
	struct reduced reduced = { .value = TEXT_INIT, .problems = TEXT_INIT };

	check(fragments != NULL ? 0 : -ENOMEM, "calloc");
	qsort(run->held, run->held_count, sizeof(*run->held), compare_held);
	for (size_t i = 0, end; i < run->held_count; i = end) {
		struct reduce_input input = {
			.subject = key_span(&run->held[i].subject),
			.fragments = fragments,
			.served = { "", 0 },
			.dn_of = dn_of,
			.context = run,
		};

		for (end = i; end < run->held_count &&
		              span_is(key_span(&run->held[end].subject), input.subject);
		     end++)
			fragments[input.count++] = (struct held_fragment){
				run->held[end].entry_id, run->held[end].payload
			};
		if (run->mail)
			check(project_mail_reduce(&run->mail_settings, &input, &reduced), "project_mail_reduce");
		else if (run->login)
			check(project_login_reduce(&run->login_settings, &input, &reduced), "project_login_reduce");
		else
			check(project_dns_reduce(&run->settings, &input, &reduced), "project_dns_reduce");
		if (reduced.present && run->mail)
			print_mail(input.subject, text_span(&reduced.value));
		else if (reduced.present && run->login)
			print_login(input.subject, text_span(&reduced.value));
		else if (reduced.present && wanted == NULL)
			print_record(input.subject, text_span(&reduced.value));
		else if (reduced.present)
			print_master(wanted, input.subject, text_span(&reduced.value));
		text_put_span(&run->problems, text_span(&reduced.problems));
	}
	free(fragments);
	text_free(&reduced.value);
	text_free(&reduced.problems);
}

/* CLAIMER:DOMAIN */
static void
add_cross(struct run *run, const char *argument)
{
	size_t n = strcspn(argument, ":");

	check(run->mail_settings.cross_count < CROSS_MAX && argument[n] == ':' ? 0 : -EINVAL, argument);
	run->cross[run->mail_settings.cross_count++] =
		(struct cross_claim){ span_from(argument, n), span_of(argument + n + 1) };
}

int
main(int argc, char **argv)
{
	cleanup(text_free) struct text why = TEXT_INIT;
	struct run run = { .settings = { .profile = &profile_ispman, .soa_hold = 60 } };
	const char *base = "o=ispman";
	const char *zone = NULL;
	struct dname wanted;
	int option;

	run.mail_settings = (struct mail_settings){ .profile = &profile_ispman, .cross = run.cross };
	run.login_settings = (struct login_settings){ .profile = &profile_ispman, .cross = run.cross };
	while ((option = getopt(argc, argv, "b:c:lmp:rwz:")) != -1) {
		if (option == 'b')
			base = optarg;
		else if (option == 'c')
			add_cross(&run, optarg);
		else if (option == 'm')
			run.mail = true;
		else if (option == 'l')
			run.login = true;
		else if (option == 'w')
			run.login_settings.report_weak_passwords = true;
		else if (option == 'z')
			zone = optarg;
		else if (option == 'r')
			run.backwards = true;
		else if (option != 'p' || run.settings.prefix_count == REVERSE_PREFIXES_MAX ||
		         settings_reverse_prefix(
				 optarg, &run.settings.prefixes[run.settings.prefix_count++], &why) < 0)
			return 2;
	}
	if (optind + 1 != argc)
		return 2;
	if (zone != NULL)
		check(dname_from_text(span_of(zone), NULL, &wanted), zone);
	run.login_settings.cross_count = run.mail_settings.cross_count;
	check(dn_split(span_of(base), &run.arena, &run.base, &run.base_depth), base);
	read_file(&run, argv[optind]);
	reduce_all(&run, zone != NULL ? &wanted : NULL);
	if (zone == NULL)
		print_problems(text_span(&run.problems));
	arena_free(&run.arena);
	text_free(&run.problems);
	free(run.held);
	free(run.dns);
	return 0;
}
