/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 */
#include <config.h>

#include "cache/source.h"

#include "cache/ldif.h"
#include "cache/source_ldif.h"
#include "cache/sync.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <time.h>

struct source {
	struct settings *settings;
	const struct feed *feed;
	struct source_listener listener;
	pthread_t thread;
	int stop_fd;

	/* LDAP */
	struct sync_config config;
	struct sync_status status;

	/* LDIF */
	struct source_ldif *ldif;
};

/* --- what is asked for -------------------------------------------------------------------------------- */

/* Data must not count as too old only because nobody asked the server whether it is there. */
static uint64_t
probe_interval(const struct settings *settings)
{
	uint64_t most = settings->ldap_probe_interval;
	const uint64_t ages[] = { settings->max_age, settings->dns_max_age };

	for (size_t i = 0; i < array_size(ages); i++)
		if (ages[i] != 0 && ages[i] / 3 < most)
			most = ages[i] / 3;
	return most > 0 ? most : 1;
}

static void
fill_config(const struct settings *settings, struct sync_config *out)
{
	static const char *const mechanisms[] = { NULL, "EXTERNAL", "GSSAPI" };

	*out = (struct sync_config){
		.server = {
			.uris = (const char *const *)settings->ldap_uri.items,
			.uri_count = settings->ldap_uri.count,
			.starttls = settings->ldap_starttls,
			.ca_file = settings->ldap_ca_file,
			.cert_file = settings->ldap_cert_file,
			.key_file = settings->ldap_key_file,
			.bind_dn = settings->ldap_bind_dn,
			.bind_password_file = settings->ldap_bind_password_file,
			.sasl_mech = mechanisms[settings->ldap_sasl_mech],
			.timeout = (unsigned)settings->ldap_timeout,
		},
		.base = settings->ldap_base,
		.attributes = settings->ldap_attributes.items,
		.attribute_count = settings->ldap_attributes.count,
		.filter = settings->ldap_filter,
		.lag_timeout = (unsigned)settings->ldap_lag_timeout,
		.probe_interval = (unsigned)probe_interval(settings),
		.return_interval = (unsigned)settings->ldap_return_interval,
	};
}

static bool
profile_wanted(void *context, struct span attribute)
{
	const struct settings *settings = context;

	return profile_wants(&settings->profile, attribute) || span_is_nocase(attribute, SPAN("objectClass"));
}

static bool
is_secret(void *context, struct span attribute)
{
	const struct source *source = context;
	struct span password = source->settings->profile.password;

	/* Also when they are not to be kept. */
	return span_is_nocase(attribute, SPAN("userPassword")) || span_is_nocase(attribute, SPAN("ispmanControlPanelPassword")) ||
	       (password.len > 0 && span_is_nocase(attribute, password));
}

/* --- the thread --------------------------------------------------------------------------------------- */

static void
say_sync(void *context, enum log_level level, const char *sentence)
{
	const struct source_listener *listener = &((struct source *)context)->listener;

	listener->say(listener->context, level, sentence);
}

static void
tell_changed(void *context)
{
	const struct source_listener *listener = &((struct source *)context)->listener;

	listener->changed(listener->context);
}

static bool
ldif_wanted(void *context, struct span attribute)
{
	struct source *source = context;

	return profile_wanted(source->settings, attribute);
}

static void
say_ldif(void *context, int level, const char *sentence)
{
	say_sync(context, (enum log_level)level, sentence);
}

static void *
run(void *context)
{
	struct source *source = context;

	if (source->ldif != NULL) {
		source_ldif_run(source->ldif, source->stop_fd);
	} else if (sync_run(&source->config, source->feed, source->stop_fd, &source->status) < 0) {
		say_sync(source, LOG_ERROR, "the LDAP source cannot begin");
	}
	return NULL;
}

static int
prepare(struct source *source)
{
	struct settings *settings = source->settings;

	source->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (source->stop_fd < 0)
		return -errno;
	if (settings->ldif_path != NULL) {
		struct source_ldif_config config = {
			.path = settings->ldif_path,
			.spool_dir = settings->cache_dir,
			.feed = source->feed,
			.wanted = ldif_wanted,
			.secret = is_secret,
			.say = say_ldif,
			.changed = tell_changed,
			.context = source,
		};

		return source_ldif_new(&config, &source->ldif);
	}
	source->status.ask_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (source->status.ask_fd < 0)
		return -errno;
	fill_config(settings, &source->config);
	source->config.say = say_sync;
	source->config.answered = tell_changed;
	source->config.say_context = source;
	return 0;
}

static void
source_free(struct source *source)
{
	source_ldif_free(source->ldif);
	close_fdp(&source->stop_fd);
	close_fdp(&source->status.ask_fd);
	free(source);
}

int
source_start(struct settings *settings, const struct feed *feed, const struct source_listener *listener,
             struct source **out)
{
	struct source *source = calloc(1, sizeof(*source));
	int r;

	if (source == NULL)
		return -ENOMEM;
	source->settings = settings;
	source->feed = feed;
	source->listener = *listener;
	source->status = (struct sync_status)SYNC_STATUS_INIT;
	source->stop_fd = -1;
	r = prepare(source);
	if (r == 0)
		r = -pthread_create(&source->thread, NULL, run, source);
	if (r < 0) {
		source_free(source);
		return r;
	}
	*out = source;
	return 0;
}

void
source_stop(struct source *source)
{
	if (source == NULL)
		return;
	/* An eventfd takes one more unless it holds 2^64 - 2 already. */
	while (eventfd_write(source->stop_fd, 1) < 0 && errno == EINTR)
		;
	pthread_join(source->thread, NULL);
	source_free(source);
}

/* --- state -------------------------------------------------------------------------------------------- */

bool
source_is_current(struct source *source)
{
	if (source->ldif != NULL) {
		struct source_ldif_state state;

		source_ldif_state(source->ldif, &state);
		return state.phase == SOURCE_LDIF_FOLLOWING;
	}
	struct sync_view view;

	sync_status_read(&source->status, &view);
	return view.phase == SYNC_PERSIST && !view.behind;
}

uint64_t
source_ask(struct source *source)
{
	return source->ldif != NULL ? 0 : sync_ask(&source->status);
}

bool
source_has_told(struct source *source, uint64_t question)
{
	struct sync_view view;

	if (source->ldif != NULL)
		return source_ldif_is_current(source->ldif);
	sync_status_read(&source->status, &view);
	return view.answered >= question;
}

int64_t
source_contact(struct source *source)
{
	if (source->ldif != NULL) {
		struct source_ldif_state state;

		source_ldif_state(source->ldif, &state);
		return state.phase == SOURCE_LDIF_FOLLOWING ? (int64_t)time(NULL) : (int64_t)state.loaded_at;
	}
	struct sync_view view;

	sync_status_read(&source->status, &view);
	return view.contact;
}

static void
describe_ldif(struct source *source, json_t *out)
{
	struct source_ldif_state state;

	source_ldif_state(source->ldif, &state);
	json_object_set_new(out, "source", json_string("ldif"));
	json_object_set_new(out, "from", json_string(source->settings->ldif_path));
	json_object_set_new(out, "phase", json_string(source_ldif_phase_name(state.phase)));
	json_object_set_new(out, "phase_since", json_integer((json_int_t)state.loaded_at));
	json_object_set_new(out, "behind", json_boolean(state.phase != SOURCE_LDIF_FOLLOWING));
	json_object_set_new(out, "error", json_string(state.error));
	json_object_set_new(out, "error_at", json_integer(0));
}

static void
describe_sync(struct source *source, json_t *out)
{
	struct sync_view view;

	sync_status_read(&source->status, &view);
	json_object_set_new(out, "source", json_string("ldap"));
	json_object_set_new(out, "from", json_string(view.uri));
	json_object_set_new(out, "phase", json_string(sync_phase_name(view.phase)));
	json_object_set_new(out, "phase_since", json_integer(view.phase_since));
	json_object_set_new(out, "behind", json_boolean(view.behind));
	json_object_set_new(out, "error", json_string(view.error));
	json_object_set_new(out, "error_at", json_integer(view.error_at));
	json_object_set_new(out, "changes", json_integer((json_int_t)view.changes));
	json_object_set_new(out, "refreshes", json_integer((json_int_t)view.refreshes));
	json_object_set_new(out, "connections", json_integer((json_int_t)view.connections));
}

void
source_describe(struct source *source, json_t *out)
{
	if (source->ldif != NULL)
		describe_ldif(source, out);
	else
		describe_sync(source, out);
}

/* --- reading everything once --------------------------------------------------------------------------- */

static int
read_ldif(struct settings *settings, int (*each)(void *context, const struct entry *entry), void *context, struct text *why)
{
	cleanup(close_fdp) int fd = open(settings->ldif_path, O_RDONLY | O_CLOEXEC);
	cleanup(ldif_freep) struct ldif *ldif = NULL;
	struct arena arena = ARENA_INIT;
	struct entry entry;
	int r;

	if (fd < 0) {
		r = -errno;
		text_putf(why, "%s: %s", settings->ldif_path, strerror(-r));
		return r;
	}
	r = ldif_open(fd, profile_wanted, settings, &ldif);
	while (r == 0) {
		r = ldif_next(ldif, &arena, &entry, why);
		if (r != 1)
			break;
		r = each(context, &entry);
		arena_reset(&arena);
	}
	arena_free(&arena);
	return r;
}

struct reading {
	const struct settings *settings;
	int (*each)(void *context, const struct entry *entry);
	void *context;
};

static int
read_entry(void *context, const struct entry *entry)
{
	const struct reading *reading = context;
	struct attribute room[PROFILE_ATTRIBUTES_MAX];
	struct entry filtered;

	profile_filter(&reading->settings->profile, NULL, entry, room, &filtered);
	return reading->each(reading->context, &filtered);
}

int
source_read_all(struct settings *settings, int (*each)(void *context, const struct entry *entry), void *context, int stop_fd,
                struct text *why)
{
	struct reading reading = { settings, each, context };
	struct sync_config config;

	if (settings->ldif_path != NULL)
		return read_ldif(settings, each, context, why);
	fill_config(settings, &config);
	return sync_read_all(&config, read_entry, &reading, stop_fd, why);
}
