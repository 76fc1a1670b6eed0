/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 */
#include <config.h>

#include "common/log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { LINE_ROOM = 4096 };

static const char *log_program = "ispman";
static enum log_level log_limit = LOG_INFO;
static bool log_is_journal;

/* $JOURNAL_STREAM is "device:inode" of the pipe that systemd put on stderr. */
static bool
stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	char here[64];
	struct stat st;

	if (stream == NULL || fstat(STDERR_FILENO, &st) < 0)
		return false;
	snprintf(here, sizeof(here), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
	return strcmp(stream, here) == 0;
}

void
log_open(const char *program)
{
	log_program = program;
	log_is_journal = stderr_is_journal();
}

void
log_set_level(enum log_level level)
{
	log_limit = level;
}

static void log_line(enum log_level level, const char *format, va_list args) printf_like(2, 0);

static void
log_line(enum log_level level, const char *format, va_list args)
{
	static const char *const names[] = { "", "", "", "error: ", "warning: ", "", "", "debug: " };
	int saved = errno;
	char line[LINE_ROOM];
	size_t n = 0;

	if (level > log_limit)
		return;
	if (log_is_journal) {
		n += (size_t)snprintf(line, sizeof(line), "<%d>", (int)level);
	} else {
		struct timespec now;
		struct tm tm;

		clock_gettime(CLOCK_REALTIME, &now);
		localtime_r(&now.tv_sec, &tm);
		n += strftime(line, sizeof(line), "%Y-%m-%dT%H:%M:%S", &tm);
		n += (size_t)snprintf(line + n, sizeof(line) - n, ".%03ld %s[%ld]: ",
		                      now.tv_nsec / 1000000, log_program, (long)getpid());
	}
	n += (size_t)snprintf(line + n, sizeof(line) - n, "%s", names[level]);
	n += (size_t)vsnprintf(line + n, sizeof(line) - n - 1, format, args);
	if (n > sizeof(line) - 2)
		n = sizeof(line) - 2;
	/* What came from outside may hold anything; one message stays one line. */
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
			line[i] = '?';
	line[n++] = '\n';
	for (size_t done = 0; done < n;) {
		ssize_t w = write(STDERR_FILENO, line + done, n - done);

		if (w < 0 && errno == EINTR)
			continue;
		if (w <= 0)
			break;
		done += (size_t)w;
	}
	errno = saved;
}

#define DEFINE_LOG(name, level)                                                                    \
	void name(const char *format, ...)                                                         \
	{                                                                                          \
		va_list args;                                                                      \
                                                                                                   \
		va_start(args, format);                                                            \
		log_line(level, format, args);                                                     \
		va_end(args);                                                                      \
	}

DEFINE_LOG(log_error, LOG_ERROR)
DEFINE_LOG(log_warning, LOG_WARNING)
DEFINE_LOG(log_notice, LOG_NOTICE)
DEFINE_LOG(log_info, LOG_INFO)
DEFINE_LOG(log_debug, LOG_DEBUG)

static printf_like(2, 3) void
log_at(enum log_level level, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	log_line(level, format, args);
	va_end(args);
}

void
log_sentence(void *context, enum log_level level, const char *sentence)
{
	(void)context;
	log_at(level, "%s", sentence);
}
