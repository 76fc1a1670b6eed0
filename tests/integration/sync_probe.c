/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * Follows an LDAP server with cache/sync.h and prints what the feed is told, one event a line, for the
 * sync_*.py tests to look at.
 *
 *   sync_probe KEY=VALUE ...    see options[]; commands come on stdin, one a line:
 *
 *   status    prints the status            fail N    the next flush fails with errno N
 *   cookie X  replaces the stored cookie   stop      ends (so does the end of stdin)
 *
 * With state=FILE the cookie and the id of the suffix are kept there, so that a second run goes on
 * where the first one stopped. With quiet=1 entries are counted, not printed. With all=1 it prints what
 * sync_read_all reads, and ends.
 */
#include <config.h>

#include "cache/sync.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>

enum { LIST_MAX = 16 };

struct probe {
	struct sync_config config;
	struct sync_status status;
	const char *uris[LIST_MAX];
	const char *attributes[LIST_MAX];
	const char *state_file;
	bool quiet, all;
	int stop_fd;

	pthread_mutex_t lock; /* of what commands change */
	int fail_next;
	struct text cookie;

	/* of the thread that follows */
	struct text pending_cookie;
	bool has_pending, empty;
	bool has_suffix;
	uint8_t suffix[ENTRY_UUID_LEN];
	uint64_t entries, flushes;
	struct timespec began;
};

static void
print_uuid(const uint8_t uuid[ENTRY_UUID_LEN])
{
	for (size_t i = 0; i < ENTRY_UUID_LEN; i++)
		printf("%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", uuid[i]);
}

static void
print_entry(const char *word, const struct entry *entry)
{
	printf("%s ", word);
	print_uuid(entry->uuid);
	printf(" %.*s", (int)entry->dn.len, entry->dn.data);
	for (size_t i = 0; i < entry->attribute_count; i++) {
		const struct attribute *a = &entry->attributes[i];

		printf("\t%.*s", (int)a->name.len, a->name.data);
		for (size_t j = 0; j < a->count; j++)
			printf("%c%.*s", j == 0 ? '=' : '|', (int)a->values[j].len, a->values[j].data);
	}
	if (entry->csn.len > 0)
		printf("\tcsn");
	printf("\n");
}

/* ---- the feed ---- */

static int
on_begin(void *context, bool complete)
{
	struct probe *p = context;

	clock_gettime(CLOCK_MONOTONIC, &p->began);
	p->entries = 0;
	printf("begin %s\n", complete ? "full" : "cookie");
	return 0;
}

static int
on_is_empty(void *context)
{
	const struct probe *p = context;

	return p->empty;
}

static int
on_entry(void *context, const struct entry *entry)
{
	struct probe *p = context;

	p->entries++;
	if (span_is_nocase(entry->dn, span_of(p->config.base))) {
		memcpy(p->suffix, entry->uuid, sizeof(p->suffix));
		p->has_suffix = true;
	}
	if (!p->quiet)
		print_entry("entry", entry);
	return 0;
}

static int
on_present(void *context, const uint8_t uuid[ENTRY_UUID_LEN])
{
	const struct probe *p = context;

	if (p->quiet)
		return 0;
	printf("present ");
	print_uuid(uuid);
	printf("\n");
	return 0;
}

static int
on_gone(void *context, const uint8_t uuid[ENTRY_UUID_LEN])
{
	const struct probe *p = context;

	if (p->quiet)
		return 0;
	printf("gone ");
	print_uuid(uuid);
	printf("\n");
	return 0;
}

static void
set_pending(struct probe *p, struct span cookie)
{
	text_clear(&p->pending_cookie);
	text_put_span(&p->pending_cookie, cookie);
	p->has_pending = true;
}

static int
on_done(void *context, bool sweep, struct span cookie, uint32_t seconds)
{
	struct probe *p = context;
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	set_pending(p, cookie);
	p->empty = false;
	printf("%s %u %.*s\n", sweep ? "sweep" : "done", seconds, (int)cookie.len, cookie.data);
	if (p->quiet)
		printf("count %llu %.3f\n", (unsigned long long)p->entries,
		       (double)(now.tv_sec - p->began.tv_sec) +
		               (double)(now.tv_nsec - p->began.tv_nsec) / 1e9);
	return 0;
}

static int
on_abort(void *context unused)
{
	printf("abort\n");
	return 0;
}

static int
on_cookie(void *context, struct span cookie)
{
	set_pending(context, cookie);
	printf("cookie %.*s\n", (int)cookie.len, cookie.data);
	return 0;
}

static int
save_state(const struct probe *p)
{
	FILE *file = p->state_file != NULL ? fopen(p->state_file, "w") : NULL;

	if (file == NULL)
		return p->state_file != NULL ? -errno : 0;
	fprintf(file, "%d %s\n", p->has_suffix, text_str(&p->cookie));
	fwrite(p->suffix, sizeof(p->suffix), 1, file);
	return fclose(file) == 0 ? 0 : -errno;
}

static int
on_flush(void *context)
{
	struct probe *p = context;
	int r;

	pthread_mutex_lock(&p->lock);
	r = p->fail_next;
	p->fail_next = 0;
	if (r == 0 && p->has_pending) {
		text_clear(&p->cookie);
		text_put_span(&p->cookie, text_span(&p->pending_cookie));
		r = save_state(p);
	}
	pthread_mutex_unlock(&p->lock);
	p->has_pending = false;
	p->flushes++;
	if (!p->quiet)
		printf(r == 0 ? "flush\n" : "flush failed\n");
	fflush(stdout);
	return r;
}

static int
on_stored_cookie(void *context, struct arena *arena, struct span *out_cookie)
{
	struct probe *p = context;

	pthread_mutex_lock(&p->lock);
	*out_cookie = arena_copy(arena, text_span(&p->cookie));
	pthread_mutex_unlock(&p->lock);
	return out_cookie->data != NULL ? 0 : -ENOMEM;
}

static int
on_suffix_uuid(void *context, uint8_t out_uuid[ENTRY_UUID_LEN])
{
	const struct probe *p = context;

	memcpy(out_uuid, p->suffix, ENTRY_UUID_LEN);
	return p->has_suffix;
}

static void
on_say(void *context unused, enum log_level level, const char *sentence)
{
	printf("say %d %s\n", (int)level, sentence);
	fflush(stdout);
}

static int
on_each(void *context, const struct entry *entry)
{
	struct probe *p = context;

	p->entries++;
	if (!p->quiet)
		print_entry("entry", entry);
	return 0;
}

/* ---- threads and commands ---- */

static void *
run(void *context)
{
	struct probe *p = context;
	struct feed feed = {
		.context = p,
		.begin_refresh = on_begin,
		.is_empty = on_is_empty,
		.entry = on_entry,
		.present = on_present,
		.gone = on_gone,
		.refresh_done = on_done,
		.abort_refresh = on_abort,
		.cookie = on_cookie,
		.flush = on_flush,
		.stored_cookie = on_stored_cookie,
		.suffix_uuid = on_suffix_uuid,
	};
	int r = sync_run(&p->config, &feed, p->stop_fd, &p->status);

	printf("ended %d\n", r);
	fflush(stdout);
	return NULL;
}

static void
print_status(struct probe *p)
{
	struct sync_view view;

	sync_status_read(&p->status, &view);
	printf("status phase=%s uri=%s contact=%lld entries=%llu changes=%llu messages=%llu refreshes=%llu "
	       "attempts=%llu connections=%llu behind=%d error=%s\n",
	       sync_phase_name(view.phase), view.uri, (long long)view.contact,
	       (unsigned long long)view.entries, (unsigned long long)view.changes,
	       (unsigned long long)view.messages, (unsigned long long)view.refreshes,
	       (unsigned long long)view.attempts, (unsigned long long)view.connections, view.behind, view.error);
	fflush(stdout);
}

static void
obey(struct probe *p, const char *line)
{
	pthread_mutex_lock(&p->lock);
	if (strncmp(line, "fail ", 5) == 0)
		p->fail_next = -atoi(line + 5);
	if (strncmp(line, "cookie ", 7) == 0) {
		text_clear(&p->cookie);
		text_put(&p->cookie, line + 7);
	}
	pthread_mutex_unlock(&p->lock);
	if (strcmp(line, "status") == 0)
		print_status(p);
}

static void
read_state(struct probe *p)
{
	FILE *file = p->state_file != NULL ? fopen(p->state_file, "r") : NULL;
	char line[SYNC_SENTENCE_MAX];

	if (file == NULL)
		return;
	if (fgets(line, sizeof(line), file) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		p->has_suffix = line[0] == '1';
		text_put(&p->cookie, line + 2);
		if (fread(p->suffix, sizeof(p->suffix), 1, file) != 1)
			p->has_suffix = false;
		p->empty = p->cookie.len == 0;
	}
	fclose(file);
}

/* ---- options ---- */

enum option_kind { TEXT, NUMBER, FLAG, URI, ATTRIBUTE };

static const struct {
	const char *key;
	enum option_kind kind;
	size_t offset;
} options[] = {
	{ "uri", URI, 0 },
	{ "attribute", ATTRIBUTE, 0 },
	{ "base", TEXT, offsetof(struct probe, config.base) },
	{ "filter", TEXT, offsetof(struct probe, config.filter) },
	{ "starttls", FLAG, offsetof(struct probe, config.server.starttls) },
	{ "ca-file", TEXT, offsetof(struct probe, config.server.ca_file) },
	{ "cert-file", TEXT, offsetof(struct probe, config.server.cert_file) },
	{ "key-file", TEXT, offsetof(struct probe, config.server.key_file) },
	{ "bind-dn", TEXT, offsetof(struct probe, config.server.bind_dn) },
	{ "bind-password-file", TEXT, offsetof(struct probe, config.server.bind_password_file) },
	{ "sasl-mech", TEXT, offsetof(struct probe, config.server.sasl_mech) },
	{ "timeout", NUMBER, offsetof(struct probe, config.server.timeout) },
	{ "lag-timeout", NUMBER, offsetof(struct probe, config.lag_timeout) },
	{ "probe-interval", NUMBER, offsetof(struct probe, config.probe_interval) },
	{ "return-interval", NUMBER, offsetof(struct probe, config.return_interval) },
	{ "state", TEXT, offsetof(struct probe, state_file) },
	{ "quiet", FLAG, offsetof(struct probe, quiet) },
	{ "all", FLAG, offsetof(struct probe, all) },
};

static bool
take_option(struct probe *p, const char *argument)
{
	size_t n = strcspn(argument, "=");
	const char *value = argument[n] == '=' ? argument + n + 1 : argument + n;

	for (size_t i = 0; i < array_size(options); i++) {
		char *member = (char *)p + options[i].offset;

		if (!span_is(span_of(options[i].key), span_from(argument, n)))
			continue;
		switch (options[i].kind) {
		case TEXT:
			memcpy(member, &value, sizeof(value));
			return true;
		case NUMBER:
			*(unsigned *)(void *)member = (unsigned)atoi(value);
			return true;
		case FLAG:
			*(bool *)(void *)member = atoi(value) != 0;
			return true;
		case URI:
			p->uris[p->config.server.uri_count++] = value;
			return p->config.server.uri_count < LIST_MAX;
		case ATTRIBUTE:
			p->attributes[p->config.attribute_count++] = value;
			return p->config.attribute_count < LIST_MAX;
		}
	}
	fprintf(stderr, "sync_probe: no such option: %s\n", argument);
	return false;
}

static int
read_all(struct probe *p)
{
	struct text why = TEXT_INIT;
	int r = sync_read_all(&p->config, on_each, p, p->stop_fd, &why);

	printf("all %d %llu %s\n", r, (unsigned long long)p->entries, text_str(&why));
	text_free(&why);
	return r < 0;
}

int
main(int argc, char **argv)
{
	static struct probe probe = {
		.status = SYNC_STATUS_INIT,
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.empty = true,
	};
	struct probe *p = &probe;
	pthread_t thread;
	char line[SYNC_SENTENCE_MAX];

	p->config = (struct sync_config){
		.server = { .uris = p->uris, .timeout = 5 },
		.attributes = p->attributes,
		.lag_timeout = 60,
		.say = on_say,
	};
	for (int i = 1; i < argc; i++)
		if (!take_option(p, argv[i]))
			return 2;
	/* Line by line for tests that wait for a line, by the block for a million of them. */
	setvbuf(stdout, NULL, p->quiet ? _IOFBF : _IOLBF, BUFSIZ);
	p->stop_fd = eventfd(0, EFD_CLOEXEC);
	read_state(p);
	if (p->all)
		return read_all(p);
	if (pthread_create(&thread, NULL, run, p) != 0)
		return 1;
	while (fgets(line, sizeof(line), stdin) != NULL && strcmp(line, "stop\n") != 0) {
		line[strcspn(line, "\n")] = '\0';
		obey(p, line);
	}
	eventfd_write(p->stop_fd, 1);
	pthread_join(thread, NULL);
	text_free(&p->cookie);
	text_free(&p->pending_cookie);
	close(p->stop_fd);
	return 0;
}
