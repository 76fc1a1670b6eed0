/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * A mail environment made of a text, so that readers can be tested without a writer.
 *
 * A line is one of
 *
 *	domain NAME [smtp] [suspended] [master=NAME] [spelled=NAME] [transport=TEXT] [below=TEXT] [login=NAME]...
 *	user ADDRESS[,ADDRESS]... [from=DOMAIN] [suspended] [nocopy] [host=NAME] [routing=ADDRESS]... [to=ADDRESS]... [moved=TEXT]
 *	                          [login=NAME]...
 *	group ADDRESS[,ADDRESS]... [from=DOMAIN] [to=ADDRESS]...
 *	incomplete
 *
 * The first address is the primary one unless it begins with @; FROM is the first one's domain unless it is given. %20 in a value is a
 * blank, %XX any octet. Entries of an address's own domain stand first, as in the projection.
 *
 * What was in the environment before is removed in the same transaction.
 */
#pragma once

#include "common/span.h"

/* Fills FOLDER (CACHE_DIR/mail/2) with what TEXT says, and keeps it open: readers of this process share it. Ends the program with
 * a sentence when it cannot. */
void mail_text_write(const char *folder, struct span text);

/* Closes what the last write opened. */
void mail_text_close(void);
