/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * A dns environment made of a text, so that readers can be tested without a writer.
 *
 * A line is one of
 *
 *	set base|epoch NUMBER
 *	set primary|secondary|rname|catch-all TEXT
 *	prefix ADDRESS LENGTH CUT
 *	zone NAME primary SERIAL MINIMUM MNAME RNAME
 *	zone NAME replica MASTER
 *	zone NAME hidden SERIAL
 *	rr ZONE OWNER TYPE TTL DATA    TTL "-": the zone's; OWNER "@": the apex
 *	twin ZONE OWNER TYPE TTL DATA  a record for replicas only
 *	ptr NAME TARGET                a computed PTR record
 *	version NUMBER                 writes records of another layout
 *	incomplete
 *
 * What was in the environment before is removed in the same transaction.
 */
#pragma once

#include "common/span.h"

/* Fills FOLDER (CACHE_DIR/dns/2) with what TEXT says, and keeps it open: readers of this process share it. Ends the program with
 * a sentence when it cannot. */
void dns_text_write(const char *folder, struct span text);

/* Closes what the last write opened. */
void dns_text_close(void);
