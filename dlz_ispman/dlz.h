/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * named's interface to loadable zone drivers (DLZ, version 3), as much of it as we use: the same in BIND 9.18 and 9.20.
 *
 * Declared here and not taken from BIND's headers: those belong to one build of BIND, and result codes differ between
 * its patch releases (dlz_ispman.c looks them up in the running named).
 */
#pragma once

#include "common/macro.h"

#include <stdbool.h>
#include <stdint.h>

enum { DLZ_VERSION = 3, DLZ_THREADSAFE = 1 };

/* named's result codes: DLZ_SUCCESS is 0 everywhere, the others are members of struct dlz_codes. */
typedef int dlz_result;

enum { DLZ_SUCCESS = 0 };

/* Levels of the log function. */
enum { DLZ_LOG_INFO = -1, DLZ_LOG_NOTICE = -2, DLZ_LOG_WARNING = -3, DLZ_LOG_ERROR = -4 };

/* Opaque: where records are put. */
struct dlz_lookup;
struct dlz_allnodes;

/* What is known of the asker; both are NULL when named asks for its own purposes (SOA and NS of an apex, transfers). */
struct dlz_methods;
struct dlz_clientinfo {
	uint16_t version;
	void *data; /* one client's, for as long as it is served */
	/* More follows. */
};

typedef void dlz_log_function(int level, const char *format, ...);
typedef dlz_result dlz_putrr_function(struct dlz_lookup *lookup, const char *type, uint32_t ttl, const char *data);
typedef dlz_result dlz_putnamedrr_function(struct dlz_allnodes *nodes, const char *name, const char *type, uint32_t ttl,
                                           const char *data);

#define DLZ_EXPORT __attribute__((visibility("default")))

DLZ_EXPORT int dlz_version(unsigned *flags);

/* ARGV[0] is the module's path. After OUT_DATA come pairs of a name and a function of named's, then NULL. */
DLZ_EXPORT dlz_result dlz_create(const char *name, unsigned argc, char *argv[], void **out_data, ...);
DLZ_EXPORT void dlz_destroy(void *data);

DLZ_EXPORT dlz_result dlz_findzonedb(void *data, const char *name, struct dlz_methods *methods,
                                     struct dlz_clientinfo *client);
/* NAME is relative to ZONE, "@" its apex. */
DLZ_EXPORT dlz_result dlz_lookup(const char *zone, const char *name, void *data, struct dlz_lookup *lookup,
                                 struct dlz_methods *methods, struct dlz_clientinfo *client);

DLZ_EXPORT dlz_result dlz_allowzonexfr(void *data, const char *name, const char *client);
DLZ_EXPORT dlz_result dlz_allnodes(const char *zone, void *data, struct dlz_allnodes *nodes);
