/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * Telling the service manager how we are: sd_notify(3)'s datagrams, in our own few lines.
 *
 * Without $NOTIFY_SOCKET nothing happens. Nothing here fails the program.
 */
#pragma once

#include "common/macro.h"

#include <stdbool.h>
#include <stdint.h>

/* Whether somebody listens. */
bool notify_wanted(void);

/* Sends lines such as "READY=1\nSTATUS=..." as they are. Returns 1 sent, 0 nobody listens, negative errno. */
int notify_send(const char *lines);

/* One line for people: what the daemon does at the moment. */
void notify_status(const char *format, ...) printf_like(1, 2);
void notify_ready(void);
void notify_reloading(void); /* end it with notify_ready() */
void notify_stopping(void);

/* How often the manager wants to hear from us, in microseconds; 0: not at all. Send at half of it. */
uint64_t notify_watchdog_interval(void);
void notify_watchdog(void);
