/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * What the directory calls things. The built-in profile is ISPMan's; configuration may override each row.
 */
#pragma once

#include "cache/entry.h"
#include "common/macro.h"
#include "common/span.h"

struct profile {
	/* Class and attribute names, compared without case. */
	struct span domain_class;         /* ispmanDomain */
	struct span domain_attribute;     /* ispmanDomain: the RDN of a domain entry, directly under the base */
	struct span domain_type;          /* ispmanDomainType */
	struct span replica_master;       /* ispmanReplicaMaster */
	struct span record_class;         /* dNSZone */
	struct span zone_attribute;       /* zoneName */
	struct span owner_attribute;      /* relativeDomainName */
	struct span ttl_attribute;        /* dNSTTL */
	struct span unknown_attribute;    /* unknownRecord: "TYPE65280 \# 2 0A0B" */
	struct span dns_branch;           /* ou=DNS: directly under the base, normalised RDN */
	struct span zone_label_attribute; /* dc */
	struct span conf_branch;          /* ou=conf, normalised RDN */
	struct span conf_variable;        /* ispmanVar */
	struct span conf_value;           /* ispmanVal */

	/* Mail. */
	struct span user_class;           /* ispmanDomainUser */
	struct span group_class;          /* ispmanMailGroup */
	struct span local_address;        /* mailLocalAddress */
	struct span alias;                /* mailAlias: further addresses, @domain is a catch-all */
	struct span utf8_alias;           /* ispmanMailUtf8Alias: the same with a local part in UTF-8 */
	struct span routing_address;      /* mailRoutingAddress: the address of the mailbox */
	struct span forwarding_address;   /* mailForwardingAddress: of a group, its members */
	struct span mail_host;            /* mailHost */
	struct span status;               /* ispmanStatus: active, suspended */
	struct span login;                /* uid */
	struct span delivery_method;      /* ispmanDomainMailDeliveryMethod: local, smtp */
	struct span keep_copy;            /* ispmanMailKeepCopy: FALSE, forwarded mail is not kept */
	struct span relocated_to;         /* ispmanMailRelocatedTo */
	struct span transport;            /* ispmanMailTransport: transport:nexthop of a domain */
	struct span below_transport;      /* ispmanMailSubdomainTransport */
	struct span sender_login;         /* ispmanSenderLogin: further logins that may send as the entry's addresses */

	/* Logins. */
	struct span vhost_class;         /* ispmanVirtualHost */
	struct span admin_class;         /* ispmanSysadmin: directly under its branch */
	struct span admin_branch;        /* ou=admins: directly under the base, normalised RDN */
	struct span password;            /* userPassword; empty: passwords are not kept, and not asked for */
	struct span home;                /* homeDirectory */
	struct span uid_number;          /* uidNumber */
	struct span gid_number;          /* gidNumber */
	struct span file_host;           /* fileHost; "undefined" is none */
	struct span ftp_status;          /* FTPStatus */
	struct span ftp_uid;             /* FTPuid */
	struct span ftp_gid;             /* FTPgid */
	struct span ftp_quota_megabytes; /* FTPQuotaMBytes (MiB) */
	struct span ftp_quota_files;     /* FTPQuotaFiles */
	struct span ftp_upload_bandwidth;/* FTPUploadBandwidth */
	struct span ftp_download_bandwidth;/* FTPDownloadBandwidth */
	struct span ftp_upload_ratio;    /* FTPUploadRatio */
	struct span ftp_download_ratio;  /* FTPDownloadRatio */
	struct span locked_time;         /* pwdAccountLockedTime */
	struct span start_time;          /* pwdStartTime */
	struct span end_time;            /* pwdEndTime */
	struct span must_change;         /* pwdReset */
	struct span changed_time;        /* pwdChangedTime */
	struct span account_lock;        /* nsAccountLock */
	struct span shadow_expire;       /* shadowExpire */

	/* What is where. */
	struct span default_file_host;   /* ispmanDomainDefaultFileServer */
	struct span web_host;            /* webHost */
	struct span mail_quota;          /* mailQuota (KiB) */
	struct span document_root;       /* ispmanVhostDocumentRoot */
	struct span script_folder;       /* ispmanVhostScriptDir */
	struct span log_folder;          /* ispmanVhostLogdir */
	struct span stat_folder;         /* ispmanVhostStatdir */
	struct span host_attribute;      /* ispmanHostName: the RDN of a host */
	struct span host_alias;          /* ispmanHostAlias */
	struct span group_attribute;     /* ispmanHostGroupName: the RDN of a group of hosts */
	struct span group_member;        /* ispmanHostGroupMember */
};

/* ISPMan's. */
extern const struct profile profile_ispman;

/* Grows whenever the meaning of a projection changes: derived data of another version is made anew. */
enum { PROFILE_VERSION = 3 };

/* Whether entries keep this attribute (besides objectClass). */
bool profile_wants(const struct profile *profile, struct span attribute);

/* Calls EACH with every attribute to ask the directory for, objectClass included. */
void profile_each_attribute(const struct profile *profile, void (*each)(void *context, const char *attribute),
                            void *context);

enum { PROFILE_ATTRIBUTES_MAX = 256 };

/* What was said of names that came lately, as they were spelled: the next entry has the same ones. Of one profile; starts as zeroes. */
enum { PROFILE_MEMO_ROWS = 128, PROFILE_MEMO_NAME = 46 };

struct profile_memo {
	struct {
		uint8_t len; /* 0: nothing */
		bool kept;
		char name[PROFILE_MEMO_NAME];
	} rows[PROFILE_MEMO_ROWS];
};

/* ENTRY with only objectClass and the attributes that entries keep, which go to ROOM; their values stay where they are. MEMO may be
 * NULL. */
void profile_filter(const struct profile *profile, struct profile_memo *memo, const struct entry *entry,
                    struct attribute room[PROFILE_ATTRIBUTES_MAX], struct entry *out);
