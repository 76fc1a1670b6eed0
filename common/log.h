/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * One line on stderr a message, with the journal's "<n>" prefix when stderr is the journal.
 *
 * Programs log; libraries return. A message says what was tried, for whom, and why it failed;
 * never a password, a hash or a whole request. Thread-safe.
 */
#pragma once

#include "common/macro.h"

enum log_level { LOG_ERROR = 3, LOG_WARNING = 4, LOG_NOTICE = 5, LOG_INFO = 6, LOG_DEBUG = 7 };

/* Names the program and says which levels are wanted (LOG_INFO at first). */
void log_open(const char *program);
void log_set_level(enum log_level level);

void log_error(const char *format, ...) printf_like(1, 2);
void log_warning(const char *format, ...) printf_like(1, 2);
void log_notice(const char *format, ...) printf_like(1, 2);
void log_info(const char *format, ...) printf_like(1, 2);
void log_debug(const char *format, ...) printf_like(1, 2);

/* SENTENCE as it is: for libraries that want to be given where to say something. CONTEXT is not looked at. */
void log_sentence(void *context, enum log_level level, const char *sentence);
