/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * The values of the mail environment, and their keys. As in record.h: pure, a version octet first, -EPROTO for another one, -EBADMSG for
 * nonsense, never outside the octets.
 *
 * Keys of the mail environment (its only table); domains and local parts folded as in address.h:
 *
 *   'm'                    the state of the environment (record.h, state_record)
 *   'd' domain             a mail domain (mail_domain)
 *   'a' domain 0 local     an address, or with an empty local part the domain's catch-all (mail_address)
 *   'p' subject-key        what is wrong with that subject
 *
 * Subjects that have no record, only problems:
 *
 *   'f' domain 0 claimer   addresses of DOMAIN that entries of the domain CLAIMER hold
 *
 * A change to any of this is a new MAIL_FORMAT.
 */
#pragma once

#include "cache/address.h"
#include "cache/key.h"
#include "common/macro.h"
#include "common/span.h"
#include "common/text.h"

enum {
	MAIL_FORMAT = 2,          /* of the mail environment: its keys and its values */
	MAIL_VERSION = 1,         /* of a domain, and of what entries say of an address */
	MAIL_ADDRESS_VERSION = 2, /* of an address */
};

/* What is longer than address.h allows is cut off: no address that was read is. */
void key_mail_domain(struct key *out, struct span domain);
void key_mail_address(struct key *out, struct span domain, struct span local);
void key_mail_foreign(struct key *out, struct span domain, struct span claimer);
/* Takes a subject key of the mail environment apart: its letter, the domain, and the local part ('a') or the claimer ('f').
 * They point into KEY. 0 or -EINVAL. */
must_check int key_mail_split(struct span key, char *out_letter, struct span *out_domain, struct span *out_rest);

/* --- lists of strings ------------------------------------------------------------------------------ */

enum { MAIL_SPELLED_MAX = ADDRESS_LOCAL_MAX + 1 + ADDRESS_DOMAIN_MAX };

/* What strings of an address's record may leave out. */
struct mail_spelling {
	struct span primary, domain;
	char string[MAIL_SPELLED_MAX]; /* the one that was read last, if it is made of these */
};

struct mail_list {
	size_t count;
	struct span octets;
	struct mail_spelling *spelling; /* NULL: all strings are spelled out */
};

/* 1 and the next string, 0 at the end, -EBADMSG. *OUT is good until the next one of a list with the same spelling. */
must_check int mail_list_next(struct mail_list *list, struct span *out);

/* --- domains --------------------------------------------------------------------------------------- */

enum mail_delivery { MAIL_DELIVERY_LOCAL, MAIL_DELIVERY_SMTP };

struct mail_domain {
	uint8_t delivery;             /* enum mail_delivery: we are final, or relay to its MX */
	bool suspended;
	struct span master;           /* of a replica, folded; empty: none */
	struct span name;             /* as the directory spells it */
	struct span transport;        /* transport:nexthop, empty: none is stated */
	struct span below_transport;  /* the same for names below the domain */
	struct mail_list logins;      /* who may send as any address of the domain */
};

/* A record is begun at OUT's end with all but the logins; BEGUN is where. */
void mail_domain_begin(struct text *out, const struct mail_domain *domain);
void mail_domain_put_login(struct text *out, size_t begun, struct span login);
must_check int mail_domain_read(struct span value, struct mail_domain *out);

/* --- addresses --------------------------------------------------------------------------------------- */

enum mail_holder { MAIL_USER = 1, MAIL_GROUP = 2 };

enum mail_claim_flag {
	MAIL_SUSPENDED = 1,
	MAIL_NO_COPY = 2,  /* forwarded mail is not kept in the mailbox */
	MAIL_PRIMARY = 4,  /* the address is the holder's mailLocalAddress, not an alias */
};

/* What one entry says of an address it holds. */
struct mail_claim {
	struct span claimer;        /* the domain it belongs to, folded; empty: the address's own (or one that may hold it by configuration) */
	uint8_t holder;             /* enum mail_holder */
	uint8_t flags;
	struct span primary;        /* the holder's mailLocalAddress as spelled; without one this address; empty: a catch-all of a holder
	                             * that has no other */
	struct span mail_host;      /* empty: no mailbox */
	struct span relocated;      /* where it has moved to; empty: it has not */
	struct mail_list routing;   /* mailRoutingAddress, as spelled; with a mail host and none: the primary address itself, so that
	                             * the answer is the address and a catch-all never takes it */
	struct mail_list forwarding; /* mailForwardingAddress, or the members of a group */
	struct mail_list logins;    /* names its holder logs in with, and others that may send as it */
};

/* What one entry says, by itself: how directory/ keeps it. */
void mail_claim_put(struct text *out, const struct mail_claim *claim);
must_check int mail_claim_read(struct span value, struct mail_claim *out);

/* Claims, those of the address's own domain first, then a domain after the other; within one by the number of their entries, which is
 * about the order in which they were made. DOMAIN and LOCAL are those of the key. */
struct mail_address {
	struct span octets; /* of the claims that are left */
	struct span domain, local;
};
must_check int mail_address_read(struct span value, struct span domain, struct span local, struct mail_address *out);

/* Most of a record is its key once more: in the name of a mailbox, in where it lies, in its login. It is stored once, and spelled here. */
struct mail_room {
	char primary[MAIL_SPELLED_MAX];
	struct mail_spelling spelling;
};

/* 1 and the next claim, which needs ROOM and may point into it, 0 at the end, -EBADMSG: then *OUT may be changed. Copy the struct to
 * go through them once more. */
must_check int mail_address_next(struct mail_address *address, struct mail_room *room, struct mail_claim *out);

/* Writing. A claim's lists are given as texts of strings put with mail_list_put. */
void mail_list_put(struct text *list, struct span string);
struct mail_list mail_list_of(const struct text *list);
/* A record is begun at OUT's end; each claim is put. */
void mail_address_begin(struct text *out);
void mail_address_put(struct text *out, struct span domain, struct span local, const struct mail_claim *claim);
