/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * The counters of ispman-cached: those of the whole, and some for each environment.
 */
#pragma once

#include "cache/service.h"

struct cached_counters;

/* NULL without memory, which every function takes. */
struct cached_counters *cached_counters_open(const char *run_dir);
/* What SERVICE is at now. */
void cached_counters_set(struct cached_counters *counters, struct service *service);
/* Leaves the figures for whoever wants the last ones. */
void cached_counters_leave(struct cached_counters *counters);
