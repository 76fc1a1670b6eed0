/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * The reading side: files written by other users' programs, so nothing in them is believed.
 * Files are read, not mapped: one that shrinks under us must not be a SIGBUS.
 */
#include <config.h>

#include "common/counters.h"
#include "common/counters_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>

enum { READINGS_MAX = 4096 };

static bool
is_terminated(const char *s, size_t room)
{
	return memchr(s, '\0', room) != NULL;
}

/* Names and labels go out as OpenMetrics text: refuse what would break a line of it. */
static bool
is_name(const char *s)
{
	if (*s < 'a' || *s > 'z')
		return false;
	for (; *s != '\0'; s++)
		if (!((*s >= 'a' && *s <= 'z') || (*s >= '0' && *s <= '9') || *s == '_'))
			return false;
	return true;
}

static bool
is_printable(const char *s)
{
	for (; *s != '\0'; s++)
		if (*s < ' ' || *s > '~')
			return false;
	return true;
}

/* name="value",... without escapes. */
static bool
is_labels(const char *s)
{
	while (*s != '\0') {
		size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789_");

		if (n == 0 || s[n] != '=' || s[n + 1] != '"')
			return false;
		s += n + 2;
		n = strcspn(s, "\"\\");
		if (s[n] != '"')
			return false;
		s += n + 1;
		if (*s == ',' && s[1] != '\0')
			s++;
		else if (*s != '\0')
			return false;
	}
	return true;
}

static bool
row_is_sane(const struct counters_file_row *row)
{
	return is_terminated(row->name, sizeof(row->name)) && is_name(row->name) &&
	       is_terminated(row->labels, sizeof(row->labels)) && is_printable(row->labels) &&
	       is_labels(row->labels) && is_terminated(row->help, sizeof(row->help)) &&
	       is_printable(row->help) && row->kind >= COUNTERS_COUNT && row->kind <= COUNTERS_SECONDS;
}

int
counters_parse(struct span image, struct counters_reading *out)
{
	struct counters_header header;
	struct counters_value *values;

	if (image.len < sizeof(header))
		return -EBADMSG;
	memcpy(&header, image.data, sizeof(header));
	if (memcmp(header.magic, COUNTERS_MAGIC, sizeof(header.magic)) != 0 ||
	    header.header_size != sizeof(header) || header.row_size != sizeof(struct counters_file_row) ||
	    header.row_count > COUNTERS_ROWS_MAX || header.shard_count != COUNTERS_SHARDS ||
	    header.shard_stride < header.row_count * sizeof(uint64_t) ||
	    header.shards_offset < sizeof(header) + header.row_count * sizeof(struct counters_file_row) ||
	    header.shards_offset > image.len ||
	    header.shard_stride > (image.len - header.shards_offset) / COUNTERS_SHARDS ||
	    header.pid == 0 || header.pid > INT32_MAX ||
	    !is_terminated(header.program, sizeof(header.program)) || !is_printable(header.program) ||
	    strpbrk(header.program, "\"\\") != NULL)
		return -EBADMSG;
	values = calloc(header.row_count + 1, sizeof(*values));
	if (values == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < header.row_count; i++) {
		struct counters_file_row row;

		memcpy(&row, image.data + sizeof(header) + i * sizeof(row), sizeof(row));
		if (!row_is_sane(&row)) {
			free(values);
			return -EBADMSG;
		}
		memcpy(values[i].name, row.name, sizeof(row.name));
		memcpy(values[i].labels, row.labels, sizeof(row.labels));
		memcpy(values[i].help, row.help, sizeof(row.help));
		values[i].kind = (enum counters_kind)row.kind;
		for (uint32_t shard = 0; shard < COUNTERS_SHARDS; shard++) {
			uint64_t n;

			memcpy(&n,
			       image.data + header.shards_offset + (size_t)shard * header.shard_stride +
			               i * sizeof(n),
			       sizeof(n));
			values[i].value += n;
		}
	}
	memcpy(out->program, header.program, sizeof(out->program));
	out->pid = (pid_t)header.pid;
	out->started = header.started;
	/* Without a lock to look at, the pid must do. */
	out->alive = !header.locked && (kill(out->pid, 0) == 0 || errno == EPERM);
	out->count = header.row_count;
	out->values = values;
	return 0;
}

/* The process that counts holds a shared lock until it ends. */
static bool
is_locked(int fd)
{
	if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
		flock(fd, LOCK_UN);
		return false;
	}
	return errno == EWOULDBLOCK;
}

static int
read_file(int folder, const char *name, struct counters_reading *out)
{
	cleanup(close_fdp) int fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	cleanup(free_charp) char *image = NULL;
	struct stat st;
	size_t len = 0, size;
	int r;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_size > COUNTERS_FILE_MAX)
		return -EBADMSG;
	size = (size_t)st.st_size;
	image = malloc(size + 1);
	if (image == NULL)
		return -ENOMEM;
	while (len < size) {
		ssize_t n = pread(fd, image + len, size - len, (off_t)len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		len += (size_t)n;
	}
	r = counters_parse(span_from(image, len), out);
	if (r == 0 && !out->alive)
		out->alive = is_locked(fd);
	return r;
}

static void
closedirp(DIR **dir)
{
	if (*dir != NULL)
		closedir(*dir);
}

/* NULL when NAME is no folder. */
static DIR *
open_folder(int at, const char *name)
{
	int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;

	if (dir == NULL && fd >= 0)
		close(fd);
	return dir;
}

static int
by_program(const void *a, const void *b)
{
	const struct counters_reading *x = a, *y = b;
	int r = strcmp(x->program, y->program);

	if (r == 0)
		r = (x->pid > y->pid) - (x->pid < y->pid);
	return r != 0 ? r : (x->started > y->started) - (x->started < y->started);
}

struct readings {
	struct counters_reading *all;
	int count;
};

/* The files of DIR, and of the folders in it while DEPTH lasts. */
static int
read_folder(DIR *dir, int depth, struct readings *readings)
{
	const struct dirent *file;

	while (readings->count < READINGS_MAX && (file = readdir(dir)) != NULL) {
		cleanup(closedirp) DIR *below = NULL;
		struct counters_reading reading = { .count = 0 };
		struct counters_reading *more;
		int r;

		if (file->d_name[0] == '.')
			continue;
		below = depth > 0 ? open_folder(dirfd(dir), file->d_name) : NULL;
		if (below != NULL) {
			r = read_folder(below, depth - 1, readings);
			if (r < 0)
				return r;
			continue;
		}
		r = read_file(dirfd(dir), file->d_name, &reading);
		if (r < 0 && r != -ENOMEM)
			continue;
		more = r == 0 ? realloc(readings->all, (size_t)(readings->count + 1) * sizeof(*more)) : NULL;
		if (more == NULL) {
			free(reading.values);
			return -ENOMEM;
		}
		readings->all = more;
		readings->all[readings->count++] = reading;
	}
	return 0;
}

static int
read_folders(const char *run_dir, int depth, struct counters_reading **out)
{
	cleanup(free_charp) char *path = NULL;
	cleanup(closedirp) DIR *dir = NULL;
	struct readings readings = { NULL, 0 };
	int r = counters_folder(run_dir, NULL, &path);

	if (r < 0) {
		path = NULL;
		return r;
	}
	dir = opendir(path);
	if (dir == NULL && errno != ENOENT)
		return -errno;
	if (dir != NULL)
		r = read_folder(dir, depth, &readings);
	if (r < 0) {
		counters_reading_free(readings.all, readings.count);
		return r;
	}
	if (readings.count > 1)
		qsort(readings.all, (size_t)readings.count, sizeof(*readings.all), by_program);
	*out = readings.all;
	return readings.count;
}

int
counters_read_all(const char *run_dir, struct counters_reading **out)
{
	return read_folders(run_dir, 1, out);
}

int
counters_read_own(const char *run_dir, struct counters_reading **out)
{
	return read_folders(run_dir, 0, out);
}

void
counters_reading_free(struct counters_reading *readings, int count)
{
	for (int i = 0; i < count; i++)
		free(readings[i].values);
	free(readings);
}

const struct counters_value *
counters_find(const struct counters_reading *reading, const char *name, const char *labels)
{
	for (size_t i = 0; i < reading->count; i++)
		if (strcmp(reading->values[i].name, name) == 0 &&
		    strcmp(reading->values[i].labels, labels != NULL ? labels : "") == 0)
			return &reading->values[i];
	return NULL;
}

static void
remove_dead(DIR *dir, const char *program, int depth)
{
	const struct dirent *file;

	while ((file = readdir(dir)) != NULL) {
		cleanup(closedirp) DIR *below = NULL;
		struct counters_reading reading = { .count = 0 };

		if (file->d_name[0] == '.')
			continue;
		below = depth > 0 ? open_folder(dirfd(dir), file->d_name) : NULL;
		if (below != NULL) {
			remove_dead(below, program, depth - 1);
			continue;
		}
		if (read_file(dirfd(dir), file->d_name, &reading) < 0)
			continue;
		if (!reading.alive && (program == NULL || strcmp(reading.program, program) == 0))
			unlinkat(dirfd(dir), file->d_name, 0);
		free(reading.values);
	}
}

void
counters_remove_dead_in(const char *folder, const char *program)
{
	cleanup(closedirp) DIR *dir = opendir(folder);

	if (dir != NULL)
		remove_dead(dir, program, 0);
}

void
counters_remove_dead(const char *run_dir, const char *program)
{
	cleanup(free_charp) char *folder = NULL;
	cleanup(closedirp) DIR *dir = NULL;

	if (counters_folder(run_dir, NULL, &folder) < 0) {
		folder = NULL;
		return;
	}
	dir = opendir(folder);
	if (dir != NULL)
		remove_dead(dir, program, 1);
}

/* --- OpenMetrics --------------------------------------------------------------------------------- */

struct sample {
	const struct counters_reading *reading;
	const struct counters_value *value;
};

static int
by_family(const void *a, const void *b)
{
	const struct sample *x = a, *y = b;
	int r = strcmp(x->value->name, y->value->name);

	if (r == 0)
		r = by_program(x->reading, y->reading);
	if (r == 0 && x->reading != y->reading)
		r = x->reading < y->reading ? -1 : 1;
	if (r == 0)
		r = (x->value > y->value) - (x->value < y->value);
	return r;
}

static void
put_family(struct text *out, const struct counters_value *value)
{
	text_putf(out, "# TYPE ispman_%s %s\n", value->name,
	          value->kind == COUNTERS_COUNT ? "counter" : "gauge");
	if (value->kind == COUNTERS_SECONDS && span_ends_nocase(span_of(value->name), SPAN("_seconds")))
		text_putf(out, "# UNIT ispman_%s seconds\n", value->name);
	text_putf(out, "# HELP ispman_%s ", value->name);
	for (const char *s = value->help; *s != '\0'; s++) {
		if (*s == '\\' || *s == '"')
			text_put_char(out, '\\');
		text_put_char(out, *s);
	}
	text_put_char(out, '\n');
}

static void
put_sample(struct text *out, const struct sample *s)
{
	const char *suffix = s->value->kind == COUNTERS_COUNT ? "_total" : "";

	text_putf(out, "ispman_%s%s{program=\"%s\",pid=\"%ld\"%s%s} ", s->value->name, suffix,
	          s->reading->program, (long)s->reading->pid, s->value->labels[0] != '\0' ? "," : "",
	          s->value->labels);
	if (s->value->kind == COUNTERS_SECONDS)
		text_putf(out, "%" PRIu64 ".%06" PRIu64 "\n", s->value->value / 1000000,
		          s->value->value % 1000000);
	else
		text_putf(out, "%" PRIu64 "\n", s->value->value);
}

static void
put_families(struct text *out, struct sample *samples, size_t count)
{
	qsort(samples, count, sizeof(*samples), by_family);
	for (size_t i = 0; i < count; i++) {
		const struct counters_value *value = samples[i].value;

		/* One program's idea of a family wins over another's that contradicts it. */
		if (i > 0 && strcmp(samples[i - 1].value->name, value->name) == 0) {
			if (samples[i - 1].value->kind != value->kind) {
				samples[i].value = samples[i - 1].value;
				samples[i].reading = samples[i - 1].reading;
				continue;
			}
		} else {
			put_family(out, value);
		}
		put_sample(out, &samples[i]);
	}
}

void
counters_put_openmetrics(struct text *out, const struct counters_reading *readings, int count)
{
	struct sample *samples;
	size_t total = 0, n = 0;

	for (int i = 0; i < count; i++)
		if (readings[i].alive)
			total += readings[i].count;
	samples = calloc(total + 1, sizeof(*samples));
	if (samples == NULL) {
		out->failed = true;
		return;
	}
	for (int i = 0; i < count; i++)
		for (size_t k = 0; readings[i].alive && k < readings[i].count; k++)
			samples[n++] = (struct sample){ &readings[i], &readings[i].values[k] };
	put_families(out, samples, n);
	free(samples);
	text_put(out, "# EOF\n");
}
