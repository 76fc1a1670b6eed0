/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * A secret or an account environment made of a text, so that readers can be tested without a writer.
 *
 * A line is one of
 *
 *	domain NAME [suspended] [master=NAME]
 *	claim LOGIN ID KIND RIGHT [address] [uid] [from=DOMAIN]
 *	entry ID KIND NAME [domain=NAME] [suspended] [ftp-refused] [locked] [no-mailbox] [since=N] [starts=N] [ends=N] [value=TEXT]...
 *	              [uidnumber=N] [gidnumber=N] [home=PATH] [quota=N] [quota-files=N] [upload=N] [download=N] [upload-ratio=N]
 *	              [download-ratio=N]
 *	host NAME [ALIAS]...
 *	group NAME [MEMBER]...
 *	log EPOCH FIRST ID...
 *	incomplete
 *
 * ID is a number from 1 to 255, of which the entryUUID is made; KIND is user, vhost, domain or admin, RIGHT own, alias or bare. Claims of
 * one login stand together, as they are to be stored. The log's epoch is 16 times the first octet of EPOCH, its first number FIRST.
 * An account environment takes of an entry what it has.
 *
 * What was in the environment before is removed in the same transaction.
 */
#pragma once

#include "cache/record_login.h"
#include "common/span.h"

/* Fills FOLDER (CACHE_DIR/secret/1 or CACHE_DIR/account/1) and keeps it open: readers of this process share it. Ends the program with a
 * sentence when it cannot. */
void login_text_write(const char *folder, enum login_environment environment, struct span text);

/* Closes what the last write opened. */
void login_text_close(void);

/* The entryUUID of ID. */
void login_text_uuid(unsigned id, uint8_t out_uuid[ENTRY_UUID_LEN]);
