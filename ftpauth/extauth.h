/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * Pure-FTPd's extauth protocol: what stands in one request and in its reply. Pure.
 *
 *	request  account:LOGIN  password:...  localhost:ADDRESS  localport:N  peer:ADDRESS  sni_name:NAME  encrypted:0|1  end
 *	reply    auth_ok:1|0|-1  uid:N  gid:N  dir:PATH  ...  end
 *
 * a line each, one request a connection. Pure-FTPd writes less than 4096 octets and then reads until the end of the connection. What it
 * reads without the line "end" is a refusal; nothing at all, or an error, is "unknown" and leads it to its next method. So every
 * connection gets a reply, and none before the request has been read to its end.
 */
#pragma once

#include "common/macro.h"
#include "common/text.h"

enum {
	EXTAUTH_REQUEST_MAX = 4096,
	EXTAUTH_REPLY_MAX = 4095,
};

/* Spans lie in the input; empty: not given. */
struct extauth_request {
	struct span account, password;
	struct span peer; /* the client's address */
};

/* Takes the request that INPUT is, from its first octet to what there is by now.
 *
 * 1 and *OUT; 0 when the line "end" has not come yet; negative for nonsense, which is known at the end only: -EMSGSIZE for more than
 * EXTAUTH_REQUEST_MAX octets without it; -EBADMSG for a NUL, a key of ours that is given twice, octets behind the end (a line feed
 * inside a value would make such a request, and Pure-FTPd sends none); -EINVAL without account or password. */
must_check int extauth_take_request(struct span input, struct extauth_request *out);

enum extauth_verdict {
	EXTAUTH_REFUSED = -1, /* no other method is asked */
	EXTAUTH_UNKNOWN = 0,  /* the next method is asked */
	EXTAUTH_ACCEPTED = 1,
};

/* What follows VERDICT is said with EXTAUTH_ACCEPTED only; 0: not limited. */
struct extauth_reply {
	enum extauth_verdict verdict;
	uint32_t uid, gid;              /* not 0 */
	struct span dir;                /* absolute, without line feed and NUL; what is behind "/./" is seen from inside the chroot */
	uint64_t upload, download;      /* octets a second */
	uint64_t quota_size;            /* octets */
	uint64_t quota_files;
	uint32_t upload_ratio, download_ratio;
};

/* Appends the reply; what Pure-FTPd could not read as it is meant becomes a refusal. */
void extauth_put_reply(struct text *out, const struct extauth_reply *reply);

/* The refusal, for when there is no memory. */
#define EXTAUTH_REFUSAL SPAN("auth_ok:-1\nend\n")
