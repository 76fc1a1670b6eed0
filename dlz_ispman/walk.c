/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * named looks for a zone with the whole name, then with one label less each time. Then it asks for the apex, for the
 * label below, and so on down to the name, and looks in each answer for a DNAME or a cut. When a label is missing it
 * tries "*" at each level above, whatever RFC 4592 says of the closest encloser.
 *
 * So the name is resolved when it is first seen, in one snapshot, and this thread remembers the
 * outcome (it is armed). The further questions of the walk are then answered so that named
 * arrives at that outcome and at no other:
 *
 *   the name does not exist    NXDOMAIN at the apex already: named passes it on and tries no wildcard
 *   it exists but is empty     EMPTY_NAME at the apex
 *   data, cut or DNAME         success without records at each level above the one that has them
 *
 * A walk ends with its last label; what named asks then (additional data, the SOA of a negative answer) is
 * recognised by its client and zone. Any question that is not the next one expected is answered by itself, from a
 * snapshot of its own, so that what was left behind by a walk that never ended can do no harm.
 *
 * A named that does not tell its result codes gets the same by NOTFOUND, and by NOTFOUND to exactly the wildcard
 * questions that it will ask because of it.
 */
#include <config.h>

#include "dlz_ispman/walk.h"

#include <errno.h>
#include <pthread.h>
#include <time.h>

enum {
	NAME_ROOM = 1024, /* named's own limit for a name in text */
	KNOWN_SOAS = 64,
	WALK_SECONDS = 2, /* longer than any walk takes without a new search for the zone */
};

enum stage {
	STAGE_NONE,
	STAGE_SEARCH, /* the zone is known; named is on its way to it, label by label */
	STAGE_WALK,   /* named goes down from the apex */
	STAGE_DONE,   /* it has its answer, and may want more for the same response */
};

/* A zone's SOA as named is told it, which one snapshot has told. */
struct known_soa {
	uint64_t epoch; /* dns_epoch */
	struct text zone, soa;
};

struct walk {
	enum stage stage;
	const struct instance *instance;
	const void *client;
	uint32_t second; /* when it was armed */
	bool failed;     /* the zone is ours, but the answer cannot be told */

	unsigned labels, zone_labels;
	unsigned next;        /* SEARCH: labels taken off; WALK: labels below the apex */
	unsigned probes_left; /* wildcard questions that follow a NOTFOUND of ours */
	size_t name_len;
	char name[NAME_ROOM];
	uint16_t starts[DNAME_LABELS_MAX + 1]; /* of each label in NAME; the last one is the end and a dot further */

	struct dns_question question;
	struct dns_zone zone;
	struct dns_answer answer;
	struct text zone_room, records_room;

	uint64_t epoch;       /* of the snapshot that the answer is from */
	struct known_soa known_soas[KNOWN_SOAS];
	struct text long_soa; /* scratch */
};

static pthread_once_t key_once = PTHREAD_ONCE_INIT;
static pthread_key_t key;
static _Thread_local struct walk *thread_walk;

static void
walk_free(void *object)
{
	struct walk *walk = object;

	text_free(&walk->zone_room);
	text_free(&walk->records_room);
	for (unsigned i = 0; i < KNOWN_SOAS; i++) {
		text_free(&walk->known_soas[i].zone);
		text_free(&walk->known_soas[i].soa);
	}
	text_free(&walk->long_soa);
	free(walk);
	thread_walk = NULL;
}

static void
make_key(void)
{
	(void)pthread_key_create(&key, walk_free);
}

static struct walk *
new_walk(void)
{
	struct walk *walk = calloc(1, sizeof(*walk));

	if (walk == NULL)
		return NULL;
	pthread_once(&key_once, make_key);
	pthread_setspecific(key, walk);
	thread_walk = walk;
	return walk;
}

static inline struct walk *
walk_of_thread(void)
{
	struct walk *walk = thread_walk;

	return walk != NULL ? walk : new_walk();
}

void
walk_forget(void)
{
	if (thread_walk != NULL)
		thread_walk->stage = STAGE_NONE;
}

static uint32_t
present_second(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	return (uint32_t)now.tv_sec;
}

/* --- names -------------------------------------------------------------------------------------- */

/* Reads named's text of a name into WALK: its labels, and where each begins. */
static int
read_name(struct walk *walk, const char *name)
{
	struct dname wire;
	unsigned labels = 0;
	size_t n = strnlen(name, NAME_ROOM);

	if (n == 0 || n == NAME_ROOM)
		return -EINVAL;
	if (memchr(name, '\\', n) == NULL && n <= DNAME_MAX - 2) {
		/* Nothing is escaped: labels are what stands between the dots. */
		size_t start = 0;

		for (size_t i = 0; i <= n; i++) {
			if (i < n && name[i] != '.')
				continue;
			if (i == start || i - start > DNAME_LABEL_MAX)
				return -EINVAL;
			wire.wire[start] = (uint8_t)(i - start);
			memcpy(wire.wire + start + 1, name + start, i - start);
			walk->starts[labels++] = (uint16_t)start;
			start = i + 1;
		}
		wire.wire[start] = 0;
		wire.len = (uint8_t)(start + 1);
		walk->starts[labels] = (uint16_t)start;
	} else {
		if (dname_from_text(span_from(name, n), NULL, &wire) < 0)
			return -EINVAL;
		walk->starts[labels++] = 0;
		for (size_t i = 0; i < n; i++) {
			if (name[i] == '\\')
				i++;
			else if (name[i] == '.')
				walk->starts[labels++] = (uint16_t)(i + 1);
		}
		walk->starts[labels] = (uint16_t)(n + 1);
	}
	dns_question_set(&walk->question, &wire);
	if (labels != walk->question.labels)
		return -EINVAL;
	memcpy(walk->name, name, n + 1);
	walk->name_len = n;
	walk->labels = labels;
	return 0;
}

/* Whether TEXT is the walk's name without its first N labels. */
static bool
is_shortened(const struct walk *walk, unsigned n, const char *text)
{
	return strcmp(text, walk->name + walk->starts[n]) == 0;
}

/* Whether TEXT is the LEVEL labels of the walk's name right below the zone's apex. */
static bool
is_level(const struct walk *walk, unsigned level, const char *text)
{
	unsigned end = walk->labels - walk->zone_labels;
	const char *name;
	size_t n;

	if (level == 0)
		return text[0] == '@' && text[1] == '\0';
	name = walk->name + walk->starts[end - level];
	n = walk->starts[end] - walk->starts[end - level] - 1u;
	return strncmp(text, name, n) == 0 && text[n] == '\0';
}

static const char *
zone_text_of(const struct walk *walk)
{
	return walk->name + walk->starts[walk->labels - walk->zone_labels];
}

static bool
has_one_label(const char *name)
{
	for (; *name != '\0'; name++) {
		if (*name == '\\' && name[1] != '\0')
			name++;
		else if (*name == '.')
			return false;
	}
	return true;
}

/* --- finding the zone --------------------------------------------------------------------------- */

static void
count_answer(const struct walk *walk)
{
	static const uint8_t kinds[] = {
		[DNS_DATA] = COUNT_DATA,
		[DNS_EMPTY] = COUNT_EMPTY,
		[DNS_NXDOMAIN] = COUNT_NXDOMAIN,
		[DNS_CUT] = COUNT_REFERRAL,
		[DNS_DNAME] = COUNT_DNAME,
	};
	unsigned kind = walk->answer.outcome == DNS_DATA && walk->answer.wildcard ? (unsigned)COUNT_WILDCARD
	                                                                         : kinds[walk->answer.outcome];

	counters_add(walk->instance->counters, COUNT_ANSWERS + walk->zone.class * COUNT_KINDS + kind, 1);
}

/* Finds the zone and the whole answer, and keeps what the rest of the walk needs. 1, 0 for no zone, or negative. */
static int
arm(struct walk *walk, struct dns_view *view)
{
	int r = dns_find_zone(view, &walk->question, &walk->zone);

	if (r <= 0)
		return r;
	walk->zone_labels = walk->zone.labels;
	r = dns_resolve(view, &walk->zone, &walk->question, &walk->answer);
	text_clear(&walk->zone_room);
	text_clear(&walk->records_room);
	if (r == 0)
		r = dns_zone_keep(&walk->zone, &walk->zone_room);
	if (r == 0)
		r = dns_records_keep(&walk->answer.records, &walk->records_room);
	walk->failed = r < 0;
	return 1;
}

/* The cache cannot be used, so which zones are ours is not known. A zone of one label is claimed: all that has native
 * zones is served by them, since named stops at the longest of those. */
static dlz_result
cannot_tell_zone(const struct instance *instance, const char *name)
{
	if (instance->arguments.refuse)
		return instance->codes.no_more;
	return has_one_label(name) ? DLZ_SUCCESS : instance->codes.not_found;
}

dlz_result
walk_find_zone(struct instance *instance, const char *name, const void *client)
{
	struct walk *walk = walk_of_thread();
	struct dns_view *view;
	int r;

	if (walk == NULL)
		return cannot_tell_zone(instance, name);
	if (walk->stage == STAGE_SEARCH && walk->instance == instance && walk->client == client &&
	    is_shortened(walk, walk->next, name)) {
		if (walk->labels - walk->next > walk->zone_labels) {
			walk->next++;
			return instance->codes.not_found;
		}
		walk->stage = STAGE_WALK;
		walk->next = 0;
		return DLZ_SUCCESS;
	}

	walk->stage = STAGE_NONE;
	if (read_name(walk, name) < 0)
		return instance->codes.no_more;
	dns_expect(instance->cache, &walk->question);
	r = instance_begin(instance, &view);
	if (r < 0)
		return cannot_tell_zone(instance, name);
	walk->instance = instance;
	walk->client = client;
	walk->failed = false;
	walk->probes_left = 0;
	walk->second = dns_second(view);
	walk->epoch = dns_epoch(view);
	r = arm(walk, view);
	dns_end(view);
	if (r <= 0) {
		counters_add(instance->counters, r == 0 ? COUNT_NO_ZONE : COUNT_CANNOT_TELL, 1);
		return r == 0 ? instance->codes.no_more : cannot_tell_zone(instance, name);
	}
	if (walk->failed)
		counters_add(instance->counters, COUNT_CANNOT_TELL, 1);
	else
		count_answer(walk);
	walk->stage = walk->labels == walk->zone_labels ? STAGE_WALK : STAGE_SEARCH;
	walk->next = walk->stage == STAGE_SEARCH ? 1 : 0;
	return walk->stage == STAGE_SEARCH ? instance->codes.not_found : DLZ_SUCCESS;
}

/* --- putting records ---------------------------------------------------------------------------- */

/* named reads a SOA's text octet by octet for each negative answer, so the short spelling is the quick one: names relative
 * to the zone, times in the largest unit that fits. */
static void
put_short_name(struct text *out, struct span name, struct span zone)
{
	/* "name.zone." */
	if (name.len > zone.len + 2 && name.data[name.len - zone.len - 2] == '.' &&
	    name.data[name.len - zone.len - 3] != '\\' &&
	    span_is(span_from(name.data + name.len - zone.len - 1, zone.len), zone))
		name.len -= zone.len + 2;
	text_put_span(out, name);
}

static void
put_short_time(struct text *out, struct span digits)
{
	static const struct {
		uint32_t seconds;
		char unit;
	} units[] = { { 604800, 'w' }, { 86400, 'd' }, { 3600, 'h' }, { 60, 'm' } };
	char room[12];
	size_t n = sizeof(room);
	uint64_t time;

	if (span_to_u64(digits, UINT32_MAX, &time) < 0) {
		text_put_span(out, digits);
		return;
	}
	for (size_t i = 0; time != 0 && i < array_size(units); i++) {
		if (time % units[i].seconds == 0) {
			time /= units[i].seconds;
			room[--n] = units[i].unit;
			break;
		}
	}
	do {
		room[--n] = (char)('0' + time % 10);
		time /= 10;
	} while (time != 0);
	text_put_span(out, span_from(room + n, sizeof(room) - n));
}

static void
put_short_soa(struct text *out, struct span soa, struct span zone)
{
	struct span word;

	for (unsigned i = 0; span_next_word(&soa, &word); i++) {
		if (i > 0)
			text_put_char(out, ' ');
		if (i < 2)
			put_short_name(out, word, zone);
		else if (i == 2)
			text_put_span(out, word);
		else
			put_short_time(out, word);
	}
}

static struct known_soa *
place_of_soa(struct walk *walk, const char *zone_text)
{
	uint32_t hash = 2166136261u;

	for (const char *c = zone_text; *c != '\0'; c++)
		hash = (hash ^ (uint8_t)*c) * 16777619u;
	return &walk->known_soas[(hash ^ hash >> 16) % KNOWN_SOAS];
}

/* EPOCH is that of the snapshot that has told ZONE. */
static dlz_result
put_soa(const struct instance *instance, const struct dns_zone *zone, uint64_t epoch, const char *zone_text,
        struct dlz_lookup *lookup)
{
	struct walk *walk = walk_of_thread();
	struct known_soa *known;

	if (walk == NULL)
		return instance->codes.failure;
	known = place_of_soa(walk, zone_text);
	if (known->epoch != epoch || strcmp(text_str(&known->zone), zone_text) != 0) {
		known->epoch = 0;
		text_clear(&known->zone);
		text_clear(&known->soa);
		text_clear(&walk->long_soa);
		text_put(&known->zone, zone_text);
		dns_zone_put_soa(zone, &walk->long_soa);
		put_short_soa(&known->soa, text_span(&walk->long_soa), span_of(zone_text));
		if (text_failed(&walk->long_soa) || text_failed(&known->zone) || text_failed(&known->soa))
			return instance->codes.failure;
		known->epoch = epoch;
	}
	return instance->putrr(lookup, "SOA", zone->soa_ttl, known->soa.data);
}

/* Puts all records, or those of one type or of another (0: all). */
static dlz_result
put_records(const struct instance *instance, const struct dns_records *records, uint16_t type, uint16_t or_type,
            struct dlz_lookup *lookup)
{
	struct dns_records left = *records;
	char type_room[RRTYPE_TEXT_MAX];
	struct rr rr;
	int r;

	while ((r = dns_records_next(&left, &rr)) > 0) {
		dlz_result result;

		if (type != 0 && rr.type != type && rr.type != or_type)
			continue;
		result = instance->putrr(lookup, rrtype_text(rr.type, type_room), rr.ttl, rr.text.data);
		if (result != DLZ_SUCCESS) {
			instance->log(DLZ_LOG_ERROR, "dlz %s: named refuses a %s record: %s", instance->name,
			              rrtype_text(rr.type, type_room), rr.text.data);
			return result;
		}
	}
	return r < 0 ? instance->codes.failure : DLZ_SUCCESS;
}

/* --- the armed walk ----------------------------------------------------------------------------- */

/* A name that is missing or empty, for a named whose codes are not known: NOTFOUND where nothing exists. named then asks for "*"
 * at each level from there up to the apex. */
static dlz_result
level_without_codes(struct walk *walk, unsigned level, unsigned last)
{
	if (level == last)
		walk->stage = STAGE_DONE;
	walk->next++;
	if (walk->answer.outcome == DNS_EMPTY || level <= walk->answer.level)
		return DLZ_SUCCESS;
	walk->probes_left = level;
	return walk->instance->codes.not_found;
}

static dlz_result
answer_level(struct walk *walk, unsigned level, struct dlz_lookup *lookup)
{
	const struct instance *instance = walk->instance;
	const struct dns_answer *answer = &walk->answer;
	unsigned last = walk->labels - walk->zone_labels;
	dlz_result result = DLZ_SUCCESS;

	if (walk->failed) {
		walk->stage = STAGE_NONE;
		return instance->codes.failure;
	}
	if (answer->outcome == DNS_NXDOMAIN || answer->outcome == DNS_EMPTY) {
		if (!instance->codes.complete)
			return level_without_codes(walk, level, last);
		walk->stage = STAGE_DONE;
		return answer->outcome == DNS_NXDOMAIN ? instance->codes.nxdomain : instance->codes.empty_name;
	}
	if (level < (answer->outcome == DNS_DATA ? last : answer->level)) {
		walk->next++;
		return DLZ_SUCCESS;
	}
	walk->stage = STAGE_DONE;
	if (answer->outcome == DNS_CUT)
		return put_records(instance, &answer->records, RRTYPE_NS, RRTYPE_DS, lookup);
	if (answer->outcome == DNS_DNAME)
		return put_records(instance, &answer->records, RRTYPE_DNAME, RRTYPE_DNAME, lookup);
	if (last == 0)
		result = put_soa(instance, &walk->zone, walk->epoch, zone_text_of(walk), lookup);
	return result == DLZ_SUCCESS ? put_records(instance, &answer->records, 0, 0, lookup) : result;
}

/* --- questions by themselves -------------------------------------------------------------------- */

/* The question for NAME in ZONE, and how many labels ZONE has. */
static int
read_question(const char *zone, const char *name, struct dns_question *out, unsigned *out_zone_labels)
{
	struct dname origin, full;

	if (dname_from_text(span_of(zone), NULL, &origin) < 0 ||
	    dname_from_text(span_of(name), &origin, &full) < 0)
		return -EINVAL;
	dns_question_set(out, &full);
	*out_zone_labels = dname_labels(&origin);
	return 0;
}

/* The served zone that has exactly LABELS labels of QUESTION. */
static int
find_named_zone(struct dns_view *view, const struct dns_question *question, unsigned labels, struct dns_zone *out)
{
	struct dns_question origin;

	dns_question_cut(question, labels, &origin);
	return dns_find_exact_zone(view, &origin, out);
}

/* Which records of an apex are wanted. */
enum want {
	WANT_ALL,
	WANT_ADDRESSES, /* the apex on the way to additional data, or as such */
	WANT_SOA,
	WANT_SOA_AND_NS,
};

static dlz_result
put_apex(const struct instance *instance, const struct dns_zone *zone, uint64_t epoch, const char *zone_text,
         const struct dns_records *records, enum want want, struct dlz_lookup *lookup)
{
	dlz_result result;

	if (want == WANT_ADDRESSES) {
		result = put_records(instance, records, RRTYPE_A, RRTYPE_AAAA, lookup);
		return result == DLZ_SUCCESS ? put_records(instance, records, RRTYPE_DNAME, RRTYPE_DNAME, lookup)
		                             : result;
	}
	result = put_soa(instance, zone, epoch, zone_text, lookup);
	if (result != DLZ_SUCCESS || want == WANT_SOA)
		return result;
	return put_records(instance, records, want == WANT_ALL ? 0 : RRTYPE_NS, RRTYPE_NS, lookup);
}

static dlz_result
answer_from(struct instance *instance, struct dns_view *view, const char *zone_text, const char *name, bool internal,
            enum want want, struct dlz_lookup *lookup)
{
	const struct dlz_codes *codes = &instance->codes;
	struct dns_question question;
	struct dns_answer answer;
	struct dns_zone zone;
	unsigned zone_labels;
	dlz_result result;
	int r;

	if (read_question(zone_text, name, &question, &zone_labels) < 0)
		return codes->failure;
	r = find_named_zone(view, &question, zone_labels, &zone);
	/* named has a zone that we do not have (any more). */
	if (r <= 0)
		return codes->failure;
	r = dns_read_name(view, &zone, &question, &answer);
	if (r < 0)
		return codes->failure;
	if (question.labels == zone_labels)
		return put_apex(instance, &zone, dns_epoch(view), zone_text, &answer.records, want, lookup);
	if (answer.outcome == DNS_NXDOMAIN)
		return internal || !codes->complete ? codes->not_found : codes->nxdomain;
	/* At a cut and below it a DNAME has no effect, but named on its way to glue would stop at it. */
	if (!answer.glue)
		return put_records(instance, &answer.records, 0, 0, lookup);
	result = put_records(instance, &answer.records, RRTYPE_NS, RRTYPE_DS, lookup);
	return result == DLZ_SUCCESS ? put_records(instance, &answer.records, RRTYPE_A, RRTYPE_AAAA, lookup)
	                             : result;
}

static dlz_result
answer_by_itself(struct instance *instance, const char *zone, const char *name, bool internal, enum want want,
                 struct dlz_lookup *lookup)
{
	struct dns_view *view;
	dlz_result result;

	if (instance_begin(instance, &view) < 0)
		return instance->codes.failure;
	result = answer_from(instance, view, zone, name, internal, want, lookup);
	dns_end(view);
	return result;
}

/* --- lookup ------------------------------------------------------------------------------------- */

/* The SOA, and the NS set unless it is known not to be wanted, for the response that the walk is about. */
static dlz_result
answer_apex_of_walk(struct walk *walk, struct instance *instance, const char *zone, struct dlz_lookup *lookup)
{
	bool negative = walk->answer.outcome == DNS_NXDOMAIN || walk->answer.outcome == DNS_EMPTY;

	if (negative || instance->arguments.minimal)
		return put_soa(instance, &walk->zone, walk->epoch, zone_text_of(walk), lookup);
	return answer_by_itself(instance, zone, "@", true, WANT_SOA_AND_NS, lookup);
}

dlz_result
walk_lookup(struct instance *instance, const char *zone, const char *name, bool internal, const void *client,
            struct dlz_lookup *lookup)
{
	struct walk *walk = walk_of_thread();
	bool is_walks = walk != NULL && walk->stage >= STAGE_WALK && walk->instance == instance &&
	                is_shortened(walk, walk->labels - walk->zone_labels, zone);
	bool is_apex = name[0] == '@' && name[1] == '\0';

	if (internal) {
		if (is_walks && is_apex && !walk->failed && present_second() - walk->second < WALK_SECONDS)
			return answer_apex_of_walk(walk, instance, zone, lookup);
		return answer_by_itself(instance, zone, name, true, WANT_SOA_AND_NS, lookup);
	}
	is_walks = is_walks && walk->client == client;
	if (is_walks && walk->probes_left > 0 && name[0] == '*') {
		walk->probes_left--;
		return instance->codes.not_found;
	}
	if (is_walks && walk->stage == STAGE_WALK && is_level(walk, walk->next, name))
		return answer_level(walk, walk->next, lookup);
	return answer_by_itself(instance, zone, name, false,
	                        is_walks && walk->stage == STAGE_DONE ? WANT_ADDRESSES : WANT_ALL, lookup);
}
