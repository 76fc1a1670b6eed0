/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * ISPMan's names for things, and which attributes a replica of the directory has to keep.
 *
 * An attribute is kept when a row of the profile names it or when it holds records of a type
 * that named knows.
 */
#include <config.h>

#include "cache/profile.h"

#include "cache/rrtype.h"

#include <stdio.h>

const struct profile profile_ispman = {
	.domain_class = { "ispmanDomain", 12 },
	.domain_attribute = { "ispmanDomain", 12 },
	.domain_type = { "ispmanDomainType", 16 },
	.replica_master = { "ispmanReplicaMaster", 19 },
	.record_class = { "dNSZone", 7 },
	.zone_attribute = { "zoneName", 8 },
	.owner_attribute = { "relativeDomainName", 18 },
	.ttl_attribute = { "dNSTTL", 6 },
	.unknown_attribute = { "unknownRecord", 13 },
	.dns_branch = { "ou=DNS", 6 },
	.zone_label_attribute = { "dc", 2 },
	.conf_branch = { "ou=conf", 7 },
	.conf_variable = { "ispmanVar", 9 },
	.conf_value = { "ispmanVal", 9 },
	.user_class = { "ispmanDomainUser", 16 },
	.group_class = { "ispmanMailGroup", 15 },
	.local_address = { "mailLocalAddress", 16 },
	.alias = { "mailAlias", 9 },
	.utf8_alias = { "ispmanMailUtf8Alias", 19 },
	.routing_address = { "mailRoutingAddress", 18 },
	.forwarding_address = { "mailForwardingAddress", 21 },
	.mail_host = { "mailHost", 8 },
	.status = { "ispmanStatus", 12 },
	.login = { "uid", 3 },
	.delivery_method = { "ispmanDomainMailDeliveryMethod", 30 },
	.keep_copy = { "ispmanMailKeepCopy", 18 },
	.relocated_to = { "ispmanMailRelocatedTo", 21 },
	.transport = { "ispmanMailTransport", 19 },
	.below_transport = { "ispmanMailSubdomainTransport", 28 },
	.sender_login = { "ispmanSenderLogin", 17 },
	.vhost_class = { "ispmanVirtualHost", 17 },
	.admin_class = { "ispmanSysadmin", 14 },
	.admin_branch = { "ou=admins", 9 },
	.password = { "userPassword", 12 },
	.home = { "homeDirectory", 13 },
	.uid_number = { "uidNumber", 9 },
	.gid_number = { "gidNumber", 9 },
	.file_host = { "fileHost", 8 },
	.ftp_status = { "FTPStatus", 9 },
	.ftp_uid = { "FTPuid", 6 },
	.ftp_gid = { "FTPgid", 6 },
	.ftp_quota_megabytes = { "FTPQuotaMBytes", 14 },
	.ftp_quota_files = { "FTPQuotaFiles", 13 },
	.ftp_upload_bandwidth = { "FTPUploadBandwidth", 18 },
	.ftp_download_bandwidth = { "FTPDownloadBandwidth", 20 },
	.ftp_upload_ratio = { "FTPUploadRatio", 14 },
	.ftp_download_ratio = { "FTPDownloadRatio", 16 },
	.default_file_host = { "ispmanDomainDefaultFileServer", 29 },
	.web_host = { "webHost", 7 },
	.mail_quota = { "mailQuota", 9 },
	.document_root = { "ispmanVhostDocumentRoot", 23 },
	.script_folder = { "ispmanVhostScriptDir", 20 },
	.log_folder = { "ispmanVhostLogdir", 17 },
	.stat_folder = { "ispmanVhostStatdir", 18 },
	.host_attribute = { "ispmanHostName", 14 },
	.host_alias = { "ispmanHostAlias", 15 },
	.group_attribute = { "ispmanHostGroupName", 19 },
	.group_member = { "ispmanHostGroupMember", 21 },
	.locked_time = { "pwdAccountLockedTime", 20 },
	.start_time = { "pwdStartTime", 12 },
	.end_time = { "pwdEndTime", 10 },
	.must_change = { "pwdReset", 8 },
	.changed_time = { "pwdChangedTime", 14 },
	.account_lock = { "nsAccountLock", 13 },
	.shadow_expire = { "shadowExpire", 12 },
};

/* The attributes that are read as values. The names of a domain, a zone's label and a variable are read from
 * the DN. */
static const size_t kept[] = {
	offsetof(struct profile, domain_type),       offsetof(struct profile, replica_master),
	offsetof(struct profile, zone_attribute),    offsetof(struct profile, owner_attribute),
	offsetof(struct profile, ttl_attribute),     offsetof(struct profile, unknown_attribute),
	offsetof(struct profile, conf_value),
	offsetof(struct profile, local_address),     offsetof(struct profile, alias),
	offsetof(struct profile, routing_address),   offsetof(struct profile, forwarding_address),
	offsetof(struct profile, mail_host),         offsetof(struct profile, status),
	offsetof(struct profile, login),             offsetof(struct profile, delivery_method),
	offsetof(struct profile, keep_copy),         offsetof(struct profile, relocated_to),
	offsetof(struct profile, transport),         offsetof(struct profile, below_transport),
	offsetof(struct profile, sender_login),      offsetof(struct profile, utf8_alias),
	offsetof(struct profile, password), offsetof(struct profile, home),
	offsetof(struct profile, uid_number), offsetof(struct profile, gid_number),
	offsetof(struct profile, file_host), offsetof(struct profile, ftp_status),
	offsetof(struct profile, ftp_uid), offsetof(struct profile, ftp_gid),
	offsetof(struct profile, ftp_quota_megabytes), offsetof(struct profile, ftp_quota_files),
	offsetof(struct profile, ftp_upload_bandwidth), offsetof(struct profile, ftp_download_bandwidth),
	offsetof(struct profile, ftp_upload_ratio), offsetof(struct profile, ftp_download_ratio),
	offsetof(struct profile, default_file_host), offsetof(struct profile, web_host),
	offsetof(struct profile, mail_quota), offsetof(struct profile, document_root),
	offsetof(struct profile, script_folder), offsetof(struct profile, log_folder),
	offsetof(struct profile, stat_folder), offsetof(struct profile, host_alias),
	offsetof(struct profile, group_member),
	offsetof(struct profile, locked_time), offsetof(struct profile, start_time),
	offsetof(struct profile, end_time), offsetof(struct profile, must_change),
	offsetof(struct profile, changed_time), offsetof(struct profile, account_lock),
	offsetof(struct profile, shadow_expire),
};

static struct span
row(const struct profile *profile, size_t i)
{
	return *(const struct span *)(const void *)((const char *)profile + kept[i]);
}

bool
profile_wants(const struct profile *profile, struct span attribute)
{
	uint16_t type;

	for (size_t i = 0; i < array_size(kept); i++)
		if (attribute.len == row(profile, i).len && span_is_nocase(attribute, row(profile, i)))
			return true;
	return rrtype_from_attribute(attribute, &type) == 0;
}

void
profile_each_attribute(const struct profile *profile,
                       void (*each)(void *context, const char *attribute), void *context)
{
	char name[128];

	each(context, "objectClass");
	for (size_t i = 0; i < array_size(kept); i++) {
		struct span attribute = row(profile, i);

		if (attribute.len == 0 || attribute.len >= sizeof(name))
			continue;
		memcpy(name, attribute.data, attribute.len);
		name[attribute.len] = '\0';
		each(context, name);
	}
	rrtype_each_attribute(each, context);
}

static bool
is_kept(const struct profile *profile, struct span name)
{
	return span_is_nocase(name, SPAN("objectClass")) || profile_wants(profile, name);
}

static bool
remembers_kept(const struct profile *profile, struct profile_memo *memo, struct span name)
{
	size_t slot;

	if (memo == NULL || name.len == 0 || name.len > PROFILE_MEMO_NAME)
		return is_kept(profile, name);
	slot = (name.len * 7 + (uint8_t)name.data[0] * 3u + (uint8_t)name.data[name.len / 2] * 5u + (uint8_t)name.data[name.len - 1]) %
	       PROFILE_MEMO_ROWS;
	if (memo->rows[slot].len != name.len || memcmp(memo->rows[slot].name, name.data, name.len) != 0) {
		memo->rows[slot].len = (uint8_t)name.len;
		memo->rows[slot].kept = is_kept(profile, name);
		memcpy(memo->rows[slot].name, name.data, name.len);
	}
	return memo->rows[slot].kept;
}

void
profile_filter(const struct profile *profile, struct profile_memo *memo, const struct entry *entry,
               struct attribute room[PROFILE_ATTRIBUTES_MAX], struct entry *out)
{
	size_t count = 0;

	for (size_t i = 0; i < entry->attribute_count && count < PROFILE_ATTRIBUTES_MAX; i++)
		if (remembers_kept(profile, memo, entry->attributes[i].name))
			room[count++] = entry->attributes[i];
	*out = *entry;
	out->attributes = room;
	out->attribute_count = count;
}
