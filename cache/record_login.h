/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * Logins: the values of the secret and the account environments, and their keys. As in record.h: pure, a version octet first, -EPROTO
 * for another one, -EBADMSG for nonsense, never outside the octets.
 *
 * Both environments say in the same form which entries a login names, and what domains are; what an entry is, each says for its
 * own readers: secret/ what decides about a login, account/ what a file server needs. So whoever reads one never needs the other.
 * Each has one table:
 *
 *   secret  account
 *   'm'     'm'             the state of the environment (record.h, state_record)
 *   'l'     'L' login       the entries that hold a login (login_claim), folded as login_fold does
 *   'e'     'E' entryUUID   an entry: secret_entry, account_entry
 *   'o'     'O' domain      a domain (login_domain), folded as in address.h
 *           'H' name        a host: its aliases (login_host), in lower case without a dot at the end
 *           'G' name        a group of hosts: its members (the same)
 *           'c' number      the log: the subject that was changed, numbers in 8 octets, the highest first (HOME_LOG_MAX of them)
 *           'i'             16 octets that are the log's, and of no other one
 *   'p'     'p' subject-key what is wrong with that subject
 *
 * Subjects that have no record, only problems; of secret, since once is enough:
 *
 *   'v' domain 0 claimer    logins of DOMAIN that entries of the domain CLAIMER hold
 */
#pragma once

#include "cache/address.h"
#include "cache/entry.h"
#include "cache/key.h"
#include "common/macro.h"
#include "common/span.h"
#include "common/text.h"

enum { SECRET_FORMAT = 1, ACCOUNT_FORMAT = 1 };

enum login_environment { LOGIN_SECRET, LOGIN_ACCOUNT };

/* --- keys ------------------------------------------------------------------------------------------ */

enum { LOGIN_MAX = 480 }; /* octets of a folded login; an address that is longer is none */

/* The one form in which logins are compared: an address as in address.h (local@domain, both folded, the local part without quotes);
 * what is none without the blanks around it and folded as a local part is. 0, -EINVAL: no entry can have it (empty, too long, control
 * characters, not UTF-8, no domain behind an @ or nothing in front of it), or -ENOMEM. OUT has room for LOGIN_MAX octets. *OUT_DOMAIN is
 * the domain's part of OUT, empty when there is no @. */
must_check int login_fold(struct span text, char *out, size_t *out_len, struct span *out_domain);

void key_login(struct key *out, enum login_environment environment, struct span login);
void key_login_entry(struct key *out, enum login_environment environment, const uint8_t uuid[ENTRY_UUID_LEN]);
void key_login_domain(struct key *out, enum login_environment environment, struct span domain);
void key_login_host(struct key *out, char letter, struct span name);
void key_login_foreign(struct key *out, struct span domain, struct span claimer);
/* Takes a subject key of either environment apart: its letter, the login, the domain or the octets of a UUID, and of 'v' the
 * claimer. They
 * point into KEY. 0 or -EINVAL. */
must_check int key_login_split(struct span key, char *out_letter, struct span *out_name, struct span *out_claimer);

/* --- claims ---------------------------------------------------------------------------------------- */

/* In the order in which they win when several kinds hold a login. */
enum login_kind { LOGIN_USER = 1, LOGIN_VHOST, LOGIN_DOMAIN, LOGIN_ADMIN, LOGIN_KINDS };

/* By what right an entry holds a login, the stronger first: of two rights only claims of the stronger one count. */
enum login_right {
	LOGIN_OWN = 1, /* it has the form of the entry's own domain (user@domain, user_domain_tld, name.domain[:port], domain), or the
	                * entry is an admin */
	LOGIN_ALIAS,   /* a mailLocalAddress or mailAlias of a user that is no uid of its own; counts with login-by-alias */
	LOGIN_BARE,    /* any other uid: a word that names no domain */
};

enum login_form {
	LOGIN_IS_ADDRESS = 1, /* the login is the entry's mailLocalAddress: it owns the mailbox of that name */
	LOGIN_IS_UID = 2,     /* the login is the value of the entry's RDN: it owns the mailbox of that name */
};

struct login_claim {
	uint8_t uuid[ENTRY_UUID_LEN];
	uint8_t kind;        /* enum login_kind */
	uint8_t right;       /* enum login_right */
	uint8_t form;        /* bits of enum login_form */
	struct span claimer; /* the domain that the entry belongs to, folded, when the login names another one: it counts only if that
	                      * one is a replica of the claimer. Empty: it counts */
};

/* Claims by right, kind, then the number of their entries. Foreign ones (that can never count) are not stored. */
struct login_claims {
	size_t count;
	struct span octets;
};
must_check int login_claims_read(struct span value, struct login_claims *out);
/* 1 and the next claim, 0 at the end, -EBADMSG. Copy the struct to go through them once more. */
must_check int login_claims_next(struct login_claims *claims, struct login_claim *out);
void login_claims_begin(struct text *out);
void login_claims_put(struct text *out, size_t begun, const struct login_claim *claim);

/* --- domains --------------------------------------------------------------------------------------- */

struct login_domain {
	bool suspended;
	struct span master; /* of a replica, folded; empty: none */
};
void login_domain_put(struct text *out, const struct login_domain *domain);
must_check int login_domain_read(struct span value, struct login_domain *out);

/* --- secret/: entries ------------------------------------------------------------------------------ */

enum secret_flag {
	SECRET_SUSPENDED = 1,   /* ispmanStatus */
	SECRET_FTP_REFUSED = 2, /* FTPStatus is there and says neither enabled, TRUE nor active */
	SECRET_LOCKED = 4,      /* nsAccountLock, or locked by ppolicy until an admin unlocks it */
	SECRET_HAS_MAILBOX = 8, /* mailHost */
	SECRET_MUST_CHANGE = 16, /* pwdReset */
};

struct secret_entry {
	uint8_t kind;           /* enum login_kind */
	uint8_t flags;          /* bits of enum secret_flag */
	struct span domain;     /* folded; empty for an admin */
	struct span dn;
	struct span address;    /* mailLocalAddress as spelled; may be empty */
	struct span uid;        /* the value of its RDN as spelled */
	/* Seconds since 1970, 0: not set. Locked since: pwdAccountLockedTime, for as long as [login] lockout-duration says. */
	uint64_t locked_since, starts, ends; /* pwdStartTime; the earlier one of pwdEndTime and shadowExpire */
	uint64_t changed;       /* pwdChangedTime */
	size_t value_count;     /* of userPassword; 0: none was readable */
	struct span values;     /* for secret_value_next */
};
void secret_entry_begin(struct text *out, const struct secret_entry *entry);
void secret_entry_put_value(struct text *out, size_t begun, struct span value);
must_check int secret_entry_read(struct span value, struct secret_entry *out);
/* 1 and the next stored value, 0 at the end, -EBADMSG. */
must_check int secret_value_next(struct secret_entry *entry, struct span *out);

/* --- account/: entries ----------------------------------------------------------------------------- */

enum account_flag { ACCOUNT_SUSPENDED = 1, ACCOUNT_FTP_REFUSED = 2 };

struct account_entry {
	uint8_t kind;
	uint8_t flags;           /* bits of enum account_flag */
	uint32_t uid, gid;       /* for FTP: FTPuid, FTPgid, else uidNumber, gidNumber; 0: none */
	uint64_t quota_octets;   /* FTPQuotaMBytes; 0: none, as all that follow */
	uint64_t quota_files;
	uint64_t upload, download; /* octets a second */
	uint32_t upload_ratio, download_ratio;
	struct span domain;      /* folded */
	struct span uid_value;   /* of the RDN as spelled */
	struct span home;        /* homeDirectory as it stands; empty: none */
	/* What a file server and a mail store keep of it. */
	uint32_t posix_uid, posix_gid; /* uidNumber, gidNumber; 0: none */
	struct span file_hosts;  /* fileHost; of a domain ispmanDomainDefaultFileServer; of a virtual host without one its webHosts.
	                          * Several have a blank between; in lower case. Empty: none is named */
	struct span mail_host;   /* as spelled; empty: no mailbox */
	struct span address;     /* mailLocalAddress as spelled */
	int64_t mail_quota;      /* mailQuota in KiB; -1: none */
	struct span folders;     /* of a virtual host: document root, script, log and stat directory as they stand, each followed by a NUL */
};
void account_entry_put(struct text *out, const struct account_entry *entry);
must_check int account_entry_read(struct span value, struct account_entry *out);

/* --- account/: hosts ------------------------------------------------------------------------------- */

/* Names in lower case, each followed by a NUL. */
void login_host_put(struct text *out, struct span names);
must_check int login_host_read(struct span value, struct span *out_names);
/* Splits the first name off *NAMES; false when none is left. Also for an account's folders. */
bool login_next_name(struct span *names, struct span *out_name);
