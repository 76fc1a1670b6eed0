/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * The chain from an address to the record that answers for it, between resolve_mail.c (the maps), mail_chain.c (the chain),
 * mail_virtual.c (what an address becomes) and audit_mail.c.
 */
#pragma once

#include "cache/read_mail.h"

/* What is asked, in one snapshot. Its spans point into itself. */
struct mail_question {
	struct mail_view *view;
	const struct mail_options *options;
	struct address address; /* its domain is X here */
	size_t base_len;        /* octets of the local part without its extension */
	bool knows_domains;     /* what follows has been looked up */
	bool is_hosted;         /* X is a mail domain of ours */
	bool is_refused;        /* it is suspended, or its master is, and the options refuse that */
	bool has_master;        /* it is a replica, of D */
	struct mail_domain domain, master;
};

/* Reads the key, which must stay. 0 or negative; -EINVAL when KEY is no address or name that could have a record. */
must_check int mail_question_set(struct mail_question *out, struct mail_view *view, const struct mail_options *options,
                                 struct span key);

/* Looks up the domains, if that was not done: 0 or negative. Most addresses are held by an entry of their own domain and need none of
 * this, so mail_find() does it when it comes so far; who asks for what stands under knows_domains does it before. */
must_check int mail_question_look_up(struct mail_question *question);

/* What a record is to somebody who asks for the address. */
enum mail_verdict {
	MAIL_NOTHING,  /* nobody who may hold it does */
	MAIL_EMPTY,    /* somebody does, but with no mailbox and nowhere to send its mail */
	MAIL_REFUSED,  /* suspended, and the options refuse that */
	MAIL_MOVED,    /* has moved */
	MAIL_DELIVERS,
};

/* Where the chain ended. */
struct mail_match {
	enum mail_verdict verdict;
	bool at_master, is_base, is_catch_all;
	bool leads_on;              /* a claim that counts forwards, or has no mailbox */
	struct mail_address claims; /* all that the record holds: mail_next_claim tells which count */
	struct mail_claim first;    /* of them, read once, */
	struct mail_address others; /* and what comes after it */
	struct mail_room room;      /* of the first; a match stays where it is */
	struct span domain, claimer;
};

/* How far the chain goes, and what it stops at. */
enum mail_reach {
	MAIL_REACH_MAIL,   /* the first record that delivers, or says that there is no delivery */
	MAIL_REACH_HOLDER, /* the first record that anybody holds */
	MAIL_REACH_EXACT,  /* as MAIL_REACH_MAIL, without catch-alls */
};

/* 1; 0 when nobody answers for the address, or negative: then *OUT may be changed. */
must_check int mail_find(struct mail_question *question, enum mail_reach reach, struct mail_match *out);

/* The next claim that counts and is no suspended one that is refused: 1, 0 at the end, -EBADMSG. CLAIMS is a copy of MATCH's; *OUT
 * may point into MATCH and into ROOM. */
must_check int mail_next_claim(const struct mail_question *question, const struct mail_match *match, struct mail_address *claims,
                               struct mail_room *room, struct mail_claim *out);

/* Whether mail for the claim's address goes anywhere. */
static inline bool
mail_claim_delivers(const struct mail_claim *claim)
{
	return claim->relocated.len == 0 &&
	       (claim->mail_host.len > 0 || claim->routing.count > 0 || claim->forwarding.count > 0);
}

/* Whether mail for any address of X is taken and passed on. */
static inline bool
mail_relays_all(const struct mail_question *q)
{
	return q->is_hosted && !q->is_refused && q->domain.delivery == MAIL_DELIVERY_SMTP && !q->options->relay_listed;
}

/* The address that was asked for, as the record that answers has it: folded, without an extension that was taken off. */
void mail_put_asked(const struct mail_question *question, const struct mail_match *match, struct text *out);

/* --- mail_virtual.c ---------------------------------------------------------------------------------- */

/* Calls EACH for whatever the address becomes, as it is stored: where its mailbox lies (IS_ROUTING), or where its mail is forwarded. What
 * EACH returns ends it unless it is 0, and is returned; or negative. */
must_check int mail_each_result(const struct mail_question *question, const struct mail_match *match,
                                int (*each)(void *context, struct span result, bool is_routing), void *context);

/* Appends what the address becomes to OUT: 1, 0 for nothing, or negative. */
must_check int mail_put_virtual(struct mail_question *question, const struct mail_match *match, struct text *out);
