/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * Whatever entries hold, what is made of them can be read again and does not depend on their order; and
 * whatever stands where fragments should, reduce returns.
 *
 * Input that begins with "@" is for the mail projection, with "%" for that of logins, other input for DNS. Then "!" begins a subject
 * key (its length in one octet, then the key) and payloads (two octets of length, then the payload). Anything else is entries: lines
 * of "attribute: value", the first "dn: ...", a blank line between entries. The base is the last RDN of a DN.
 */
#include <config.h>

#include "cache/project_dns.h"
#include "cache/project_login.h"
#include "cache/project_mail.h"

#include <errno.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ENTRIES_MAX = 32, ATTRIBUTES_MAX = 32, HELD_MAX = 512 };

static const struct dns_settings settings = {
	.profile = &profile_ispman,
	.soa_hold = 60,
	.prefix_count = 2,
	.prefixes = { { 4, 0, 24, { 0 } }, { 6, 16, 64, { 0x20, 0x01 } } },
};

static const struct cross_claim cross[] = {
	{ SPAN("alder.example"), SPAN("birch.example") },
	{ SPAN("*"), SPAN("common.example") },
};
static const struct mail_settings mail_settings = { .profile = &profile_ispman, .cross_count = 2, .cross = cross };
static const struct login_settings login_settings = {
	.profile = &profile_ispman, .cross_count = 2, .cross = cross, .report_weak_passwords = true
};

/* One of the projections, and what is made of its records. */
struct fuzzed {
	int (*map)(const struct placed_entry *placed, struct arena *arena, struct mapped *out);
	int (*reduce)(const struct reduce_input *input, struct reduced *out);
	void (*is_readable)(struct span subject, struct span value);
	/* The most entries whose records do not depend on their order: then limits leave some out. */
	uint64_t orderless_max;
	bool same_length_only;
};

struct held {
	struct key subject;
	struct held_fragment fragment;
};

static void
require(bool truth)
{
	if (!truth)
		abort();
}

static void
fake_dn(void *context, uint64_t entry_id, struct text *out_dn)
{
	(void)context;
	text_putf(out_dn, "cn=%u\xff", (unsigned)entry_id);
}

static void
problems_are_readable(struct span list)
{
	struct problem problem;
	int r;

	while ((r = problem_next(&list, &problem)) > 0)
		require(problem.kind.len > 0 && problem.sentence.len > 0);
	require(r == 0);
}

/* A record reads back without complaint. */
static void
record_is_readable(struct span subject, struct span value)
{
	struct zone_record zone;
	struct settings_record *record;
	struct node node;
	struct rr rr;
	uint16_t type = 0;
	unsigned count = 0;
	int r;

	switch (subject.data[0]) {
	case 'z':
		require(zone_record_read(value, &zone) == 0);
		require(zone.kind != ZONE_REPLICA || zone.master.len > 0);
		break;
	case 's':
		record = malloc(sizeof(*record));
		require(record == NULL || settings_record_read(value, record) == 0);
		free(record);
		break;
	default:
		require(node_read(value, &node) == 0);
		while ((r = node_next(&node, &rr)) > 0) {
			require(rr.type >= type);
			type = rr.type;
			count++;
		}
		require(r == 0 && count > 0);
	}
}

static void
mail_list_is_readable(struct mail_list list)
{
	struct span string;
	int r;

	while ((r = mail_list_next(&list, &string)) > 0)
		require(string.len <= UINT16_MAX);
	require(r == 0);
}

static void
mail_record_is_readable(struct span subject, struct span value)
{
	struct mail_address address;
	struct mail_domain domain;
	struct mail_claim claim;
	struct mail_room room;
	struct span name, local;
	bool own = true;
	char letter;
	int r;

	if (subject.data[0] == 'd') {
		require(mail_domain_read(value, &domain) == 0);
		mail_list_is_readable(domain.logins);
		return;
	}
	require(key_mail_split(subject, &letter, &name, &local) == 0 && letter == 'a');
	require(mail_address_read(value, name, local, &address) == 0 && address.octets.len > 0);
	while ((r = mail_address_next(&address, &room, &claim)) > 0) {
		require(own || claim.claimer.len > 0);
		own = claim.claimer.len == 0;
		mail_list_is_readable(claim.routing);
		mail_list_is_readable(claim.forwarding);
		mail_list_is_readable(claim.logins);
	}
	require(r == 0);
}

static void
login_record_is_readable(struct span subject, struct span value)
{
	struct account_entry account;
	struct login_claims claims;
	struct login_claim claim;
	struct login_domain domain;
	struct secret_entry secret;
	struct span stored;
	uint8_t right = LOGIN_OWN, kind = LOGIN_USER;
	int r;

	switch (ascii_lower(subject.data[0])) {
	case 'e':
		if (subject.data[0] == 'E') {
			require(account_entry_read(value, &account) == 0);
			break;
		}
		require(secret_entry_read(value, &secret) == 0);
		while ((r = secret_value_next(&secret, &stored)) > 0)
			require(stored.len > 0);
		require(r == 0);
		break;
	case 'o':
		require(login_domain_read(value, &domain) == 0);
		break;
	default:
		require(ascii_lower(subject.data[0]) == 'l' && login_claims_read(value, &claims) == 0 && claims.count > 0);
		while ((r = login_claims_next(&claims, &claim)) > 0) {
			require(claim.right > right || (claim.right == right && claim.kind >= kind));
			right = claim.right;
			kind = claim.kind;
		}
		require(r == 0);
	}
}

static int
map_dns(const struct placed_entry *placed, struct arena *arena, struct mapped *out)
{
	return project_dns_map(&settings, placed, arena, out);
}

static int
reduce_dns(const struct reduce_input *input, struct reduced *out)
{
	return project_dns_reduce(&settings, input, out);
}

static int
map_mail(const struct placed_entry *placed, struct arena *arena, struct mapped *out)
{
	return project_mail_map(&mail_settings, placed, arena, out);
}

static int
reduce_mail(const struct reduce_input *input, struct reduced *out)
{
	return project_mail_reduce(&mail_settings, input, out);
}

static int
map_login(const struct placed_entry *placed, struct arena *arena, struct mapped *out)
{
	return project_login_map(&login_settings, placed, arena, out);
}

static int
reduce_login(const struct reduce_input *input, struct reduced *out)
{
	return project_login_reduce(&login_settings, input, out);
}

static const struct fuzzed all_fuzzed[] = {
	{ map_dns, reduce_dns, record_is_readable, ENTRIES_MAX, false },
	{ map_mail, reduce_mail, mail_record_is_readable, PROJECT_MAIL_FOREIGN_CLAIMS_MAX, true },
	{ map_login, reduce_login, login_record_is_readable, PROJECT_LOGIN_FOREIGN_CLAIMS_MAX, true },
};

static int
reduce(const struct fuzzed *fuzzed, struct span subject, const struct held_fragment *fragments, size_t count,
       struct reduced *out)
{
	const struct reduce_input input = {
		.subject = subject,
		.count = count,
		.fragments = fragments,
		.serial = 1,
		.served = { "", 0 },
		.now = 1000,
		.dn_of = fake_dn,
	};
	int r = fuzzed->reduce(&input, out);

	if (r == 0)
		problems_are_readable(text_span(&out->problems));
	if (r == 0 && out->present)
		fuzzed->is_readable(subject, text_span(&out->value));
	return r;
}

static void
try_fragments(const struct fuzzed *fuzzed, struct span input)
{
	struct held_fragment fragments[16];
	struct reduced out = { .value = TEXT_INIT, .problems = TEXT_INIT };
	struct span subject;
	size_t count = 0;

	if (input.len < 1 || input.len - 1 < (uint8_t)input.data[0] || input.data[0] == 0)
		return;
	subject = span_from(input.data + 1, (uint8_t)input.data[0]);
	input = span_skip(input, 1 + subject.len);
	while (input.len >= 2 && count < array_size(fragments)) {
		size_t n = (size_t)((uint8_t)input.data[0] | (uint8_t)input.data[1] << 8);

		input = span_skip(input, 2);
		if (n > input.len)
			n = input.len;
		fragments[count] = (struct held_fragment){ count / 2, span_from(input.data, n) };
		count++;
		input = span_skip(input, n);
	}
	(void)reduce(fuzzed, subject, fragments, count, &out);
	text_free(&out.value);
	text_free(&out.problems);
}

static struct span
take_line(struct span *rest)
{
	const char *end = rest->len > 0 ? memchr(rest->data, '\n', rest->len) : NULL;
	size_t n = end != NULL ? (size_t)(end - rest->data) : rest->len;
	struct span line = span_from(rest->data, n);

	*rest = span_skip(*rest, n + (end != NULL));
	return line;
}

/* Reads "name: value"; false for a blank line. */
static bool
split_line(struct span line, struct span *out_name, struct span *out_value)
{
	const char *colon = line.len > 0 ? memchr(line.data, ':', line.len) : NULL;

	if (line.len == 0)
		return false;
	*out_name = span_from(line.data, colon != NULL ? (size_t)(colon - line.data) : line.len);
	*out_value = span_skip(line, out_name->len + (colon != NULL));
	if (out_value->len > 0 && out_value->data[0] == ' ')
		*out_value = span_skip(*out_value, 1);
	return true;
}

/* The next entry of INPUT. */
static void
read_entry(struct span *rest, struct arena *arena, struct entry *out)
{
	struct span name, value;

	memset(out, 0, sizeof(*out));
	out->attributes = arena_alloc(arena, ATTRIBUTES_MAX * sizeof(*out->attributes));
	require(out->attributes != NULL);
	if (rest->len == 0 || !split_line(take_line(rest), &name, &out->dn))
		return;
	while (rest->len > 0 && split_line(take_line(rest), &name, &value)) {
		const struct attribute *found = entry_find(out, name);
		struct attribute *attribute =
			found != NULL ? &out->attributes[found - out->attributes] : NULL;

		if (attribute == NULL) {
			if (out->attribute_count == ATTRIBUTES_MAX)
				continue;
			attribute = &out->attributes[out->attribute_count++];
			attribute->name = name;
			attribute->count = 0;
			attribute->values = arena_alloc(arena, 8 * sizeof(*attribute->values));
			require(attribute->values != NULL);
		}
		if (attribute->count < 8)
			attribute->values[attribute->count++] = value;
	}
}

static bool
is_before(const struct key *a, const struct key *b)
{
	int order = memcmp(a->octets, b->octets, a->len < b->len ? a->len : b->len);

	return order < 0 || (order == 0 && a->len < b->len);
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
	return order != 0 ? order :
	                    (x->fragment.entry_id > y->fragment.entry_id) -
	                            (x->fragment.entry_id < y->fragment.entry_id);
}

/* Reduces all subjects and appends their records to OUT. */
static void
reduce_all(const struct fuzzed *fuzzed, struct held *held, size_t count, struct text *out)
{
	struct reduced reduced = { .value = TEXT_INIT, .problems = TEXT_INIT };
	struct held_fragment fragments[HELD_MAX];

	qsort(held, count, sizeof(*held), compare_held);
	for (size_t i = 0, end; i < count; i = end) {
		struct span subject = key_span(&held[i].subject);

		for (end = i; end < count && span_is(key_span(&held[end].subject), subject); end++)
			fragments[end - i] = held[end].fragment;
		require(reduce(fuzzed, subject, fragments, end - i, &reduced) == 0);
		text_put_span(out, text_span(&reduced.value));
	}
	text_free(&reduced.value);
	text_free(&reduced.problems);
}

static void
try_entries(const struct fuzzed *fuzzed, struct span rest)
{
	struct held *held = calloc(HELD_MAX, sizeof(*held));
	struct text forth = TEXT_INIT, back = TEXT_INIT;
	struct mapped mapped = { NULL, TEXT_INIT };
	struct arena arena = ARENA_INIT;
	size_t count = 0;
	uint64_t id = 1;

	require(held != NULL);
	for (; id <= ENTRIES_MAX && rest.len > 0; id++) {
		struct placed_entry placed;
		struct entry entry;
		struct rdn *rdns;
		size_t rdn_count;

		read_entry(&rest, &arena, &entry);
		if (dn_split(entry.dn, &arena, &rdns, &rdn_count) < 0 || rdn_count == 0)
			continue;
		entry.uuid[0] = (uint8_t)id;
		placed = (struct placed_entry){ &entry, rdn_count - 1, rdns };
		require(fuzzed->map(&placed, &arena, &mapped) == 0);
		problems_are_readable(text_span(&mapped.problems));
		for (const struct fragment *f = mapped.fragments; f != NULL; f = f->next) {
			require(f->next == NULL || is_before(&f->subject, &f->next->subject));
			if (count < HELD_MAX)
				held[count++] = (struct held){ f->subject, { id, f->payload } };
		}
	}
	reduce_all(fuzzed, held, count, &forth);
	for (size_t i = 0; i < count; i++)
		held[i].fragment.entry_id = ENTRIES_MAX - held[i].fragment.entry_id;
	reduce_all(fuzzed, held, count, &back);
	if (id - 1 <= fuzzed->orderless_max)
		require(fuzzed->same_length_only ? forth.len == back.len : span_is(text_span(&forth), text_span(&back)));
	text_free(&forth);
	text_free(&back);
	text_free(&mapped.problems);
	arena_free(&arena);
	free(held);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span input = span_from(data, size);
	size_t which = size == 0 ? 0 : data[0] == '@' ? 1 : data[0] == '%' ? 2 : 0;
	const struct fuzzed *fuzzed = &all_fuzzed[which];

	input = span_skip(input, which > 0);
	if (input.len > 0 && input.data[0] == '!')
		try_fragments(fuzzed, span_skip(input, 1));
	else
		try_entries(fuzzed, input);
	return 0;
}
