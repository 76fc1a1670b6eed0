/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * What the files of ispmanctl share.
 *
 * Each command is a function that prints its answer to stdout and returns an exit code. What went wrong goes to
 * stderr, one line, with "ispmanctl: " before it.
 */
#pragma once

#include "cache/settings.h"
#include "common/macro.h"
#include "common/text.h"

#include <jansson.h>
#include <time.h>

enum ctl_exit {
	CTL_FINE = 0,        /* found, or as it should be */
	CTL_ABSENT = 1,      /* not found, or there are problems */
	CTL_USAGE = 2,       /* also a mistake in the configuration */
	CTL_CANNOT_TELL = 3, /* who should know does not answer */
};

struct ctl {
	const char *conf_path; /* NULL: there is no file, all defaults */
	struct settings *settings;
	bool json;
	int64_t timeout; /* milliseconds, -1: none */
	const char *service, *realm; /* NULL: not given */
	int argc;        /* what stands behind the command */
	char **argv;
};

int ctl_status(const struct ctl *ctl);
int ctl_problems(const struct ctl *ctl);
int ctl_wait(const struct ctl *ctl);
int ctl_verify(const struct ctl *ctl);
int ctl_rebuild(const struct ctl *ctl);
int ctl_release_brake(const struct ctl *ctl);
int ctl_metrics(const struct ctl *ctl);
int ctl_config(const struct ctl *ctl);
int ctl_lookup(const struct ctl *ctl);
int ctl_explain(const struct ctl *ctl);

/* lookup and explain, once it is known of what. */
int ctl_dns(const struct ctl *ctl, const char *command, bool explain);
int ctl_mail(const struct ctl *ctl, const char *command, bool explain);
int ctl_account(const struct ctl *ctl, const char *command, bool explain);
/* Says how COMMAND, one of the two, is used. */
int ctl_misused(const char *command);
/* What to put into main.cf; QUEUE is Postfix's queue directory, NULL: Debian's. */
void ctl_print_postfix(const struct settings *settings, const char *queue);
/* Its part about logins. */
void ctl_print_postfix_sasl(const struct settings *settings, const char *queue);
void ctl_print_cyrus(const struct settings *settings);
void ctl_print_pure_ftpd(const struct settings *settings);

/* "ispmanctl: ..." on stderr. */
void ctl_complain(const char *format, ...) printf_like(1, 2);

/* Prints text that others wrote, a DN or a value in a sentence: what would steer a terminal is shown as
 * \xNN. */
void ctl_print_foreign(const char *string);

/* A JSON string of text that others wrote and that need not be UTF-8: then \xNN stands for what is not printable ASCII. */
json_t *ctl_foreign_json(struct span s);

/* OBJECT's string, "" when there is none. */
const char *ctl_member(const json_t *object, const char *key);

/* Prints JSON (a reference that it takes over), keys sorted. */
void ctl_print_json(json_t *json);

/* What explain adds to an answer: "steps": [SENTENCE, ...], "entries": [{"kind", "behind", "dns": [DN, ...]}, ...] or
 * "entries-unknown": SENTENCE. */
void ctl_print_steps(const json_t *answer);
void ctl_print_entries(const json_t *answer);

/* --- ispmanctl_status.c, pure ---------------------------------------------------------------------- */

/* The daemon's answer to "status" as text for people; DOT stands between the parts of a line. */
void ctl_put_status(struct text *out, const json_t *status, const char *dot);

/* --- ispmanctl_agent.c: what ispman-agent says of itself, where there is one ----------------------- */

/* RUN_DIR/agent-status, and "running"; NULL: there is none. What cannot be read is { "error": SENTENCE }. */
json_t *ctl_read_agent(const char *run_dir);
/* As text for people, at NOW. Pure, and so is the next. */
void ctl_put_agent(struct text *out, const json_t *agent, time_t now, const char *dot);
/* Whether it runs, and its brake does not hold. */
bool ctl_agent_is_fine(const json_t *agent);

/* --- ispmanctl_words.c ---------------------------------------------------------------------------- */

/* 12345 as "12,345". */
void ctl_put_count(struct text *out, uint64_t n);
/* 0.2 as "0.2 s", 7300 as "2 h 1 min". */
void ctl_put_seconds(struct text *out, double seconds);

/* --- ispmanctl_ask.c: talking to the daemon ------------------------------------------------------- */

struct ask;

/* Connects to RUN_DIR/control. *OUT, or a negative errno with a sentence in WHY. */
must_check int ask_open(const char *run_dir, struct ask **out, struct text *why);
/* The same of RUN_DIR/SOCKET_NAME, where the program WHOM listens. */
must_check int ask_open_other(const char *run_dir, const char *socket_name, const char *whom, struct ask **out, struct text *why);
void ask_free(struct ask *ask);
void ask_freep(struct ask **ask);

/* Sends REQUEST (a reference that it takes over). TIMEOUT: milliseconds that an answer may stay away, -1: for
 * ever. */
must_check int ask_send(struct ask *ask, json_t *request, int64_t timeout, struct text *why);

/* 1 and a line, 0 and the last one, or a negative errno with a sentence in WHY: also when the daemon says that it
 * failed (-ECANCELED). */
must_check int ask_next(struct ask *ask, json_t **out_line, struct text *why);

/* Asks REQUEST (a reference that it takes over) and returns its last line; what comes before goes to EACH, which may be NULL. */
must_check int ask_for(const char *run_dir, json_t *request, int64_t timeout,
                       void (*each)(void *context, const json_t *line), void *context,
                       json_t **out_last, struct text *why);

/* Asks for a command without arguments and returns its last line; what comes before goes to EACH, which may be
 * NULL. */
must_check int ask_once(const char *run_dir, const char *command, int64_t timeout,
                        void (*each)(void *context, const json_t *line), void *context,
                        json_t **out_last, struct text *why);

/* Appends the key of a record as ask_entries takes it. */
void ask_put_subject(struct text *out, struct span subject);
/* The DNs of the entries behind the record at SUBJECT: an array in *OUT_DNS. */
must_check int ask_entries(struct ask *ask, const char *subject, json_t **out_dns, struct text *why);
