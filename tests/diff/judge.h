/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * Whether two answers to one question are the same, and if not, whether they may differ.
 *
 * Some differences lie in how named treats a DLZ database and not in the data: ANY exactly at a zone cut,
 * DS at a cut, and CNAME or DNAME chains, which named follows from one DLZ zone into another but not from
 * one native zone into another. The last is not simply let pass: the chain is put together
 * from native answers, and that is what the other server has to say.
 *
 * The types of signed zones have rules of their own in native zones, even while nothing is signed: they follow no
 * CNAME, and at a cut the parent answers. A DLZ database knows no such rules.
 *
 * With a referral named sends the addresses below the cut (glue) from a native zone, and from a DLZ one
 * also those of servers elsewhere in the zone. So the glue must be the same, and what comes on top must be what native says of
 * that name with authority.
 */
#pragma once

#include "tests/diff/message.h"
#include "tests/diff/peer.h"

enum verdict {
	SAME,           /* as they came */
	SAME_GLUE,      /* a referral with the same glue, and other addresses of its servers on top */
	SAME_CHAIN,     /* equal to the chain put together from native answers */
	CUT_ANY,        /* allowed: ANY at a cut */
	CUT_DS,         /* allowed: DS at a cut */
	SIGNED_TYPE,    /* allowed: KEY, NSEC, SIG or RRSIG at a cut or a CNAME */
	NATIVE_FAILED,  /* native itself says SERVFAIL */
	LOOP,           /* a chain that loops, or is longer than named goes */
	DIFFERENT,
	VERDICTS,
};
extern const char *const verdict_text[VERDICTS];

/* One answer, read. */
enum kind { KIND_DATA, KIND_CHAIN, KIND_NODATA, KIND_NXDOMAIN, KIND_REFERRAL, KIND_REFUSED, KIND_OTHER, KINDS };
extern const char *const kind_text[KINDS];
enum kind message_kind(const struct message *m, const struct name *qname, uint16_t qtype);

/* OURS and NATIVE are the answers of OTHER and the native server: the verdict without asking anything
 * (SAME or DIFFERENT). TCP answers are wanted when either was cut. */
enum verdict judge_quickly(const struct message *ours, const struct message *native,
                           const struct name *qname, uint16_t qtype);

/* The full verdict, with further questions to both. The messages may be replaced (by their TCP forms).
 * Returns 0 or a negative errno when a server does not answer. */
int judge(struct peer *other, struct peer *native_peer, const struct name *qname, uint16_t qtype,
          struct message *ours, struct message *native, enum verdict *out_verdict);
