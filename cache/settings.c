/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * The table of settings, and the rules between them that no row can hold.
 */
#include <config.h>

#include "cache/settings.h"

#include "cache/address.h"
#include "cache/entry.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>

static const char *const log_levels[] = { "error", "warning", "notice", "info", "debug", NULL };
static const char *const sasl_mechs[] = { "none", "external", "gssapi", NULL };
static const char *const serials[] = { "auto", "stored", NULL };
static const char *const other_sections[] = { "agent", NULL };

static int
check_uri(const char *value, struct text *why)
{
	static const char *const schemes[] = { "ldap://", "ldaps://", "ldapi://" };

	for (size_t i = 0; i < array_size(schemes); i++) {
		const char *rest = value + strlen(schemes[i]);

		if (!span_starts_nocase(span_of(value), span_of(schemes[i])))
			continue;
		rest += strcspn(rest, "/?");
		if (*rest == '\0' || strcmp(rest, "/") == 0)
			return 0;
	}
	text_put(why, "ldap://HOST, ldap://HOST:PORT, ldaps://HOST or ldapi://PATH (with %2F for /), one or "
	              "several");
	return -EINVAL;
}

static int
check_dn(const char *value, struct text *why)
{
	struct arena arena = ARENA_INIT;
	struct rdn *rdns;
	size_t count;
	int r = dn_split(span_of(value), &arena, &rdns, &count);

	arena_free(&arena);
	if (r == -EINVAL)
		text_put(why, "a distinguished name such as o=ispman or dc=example,dc=org");
	return r;
}

static int
check_rdn(const char *value, struct text *why)
{
	struct arena arena = ARENA_INIT;
	struct rdn *rdns;
	size_t count = 0;
	int r = dn_split(span_of(value), &arena, &rdns, &count);

	arena_free(&arena);
	if (r == -EINVAL || (r == 0 && count != 1)) {
		text_put(why, "one relative name such as ou=DNS");
		return -EINVAL;
	}
	return r;
}

/* RFC 4512 1.4: a name, or an OID in digits. */
static int
check_attribute(const char *value, struct text *why)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.";

	if (strspn(value, letters) == strlen(value) && value[0] != '-' && value[0] != '.')
		return 0;
	text_put(why, "the name of a class or an attribute");
	return -EINVAL;
}

static int
check_filter(const char *value, struct text *why)
{
	long depth = 0;
	size_t n = strlen(value);

	for (size_t i = 0; i < n; i++) {
		if (value[i] == '(')
			depth++;
		else if (value[i] == ')' && --depth <= 0 && i + 1 < n)
			break;
		if (i + 1 == n && depth == 0 && value[0] == '(')
			return 0;
	}
	text_put(why, "a search filter in parentheses such as (objectClass=*)");
	return -EINVAL;
}

static int
check_source(const char *value, struct text *why)
{
	if (strcmp(value, "ldap") == 0 || strncmp(value, "ldif:/", 6) == 0)
		return 0;
	text_put(why, "ldap, or ldif:FILE with an absolute path");
	return -EINVAL;
}

static int
check_cross_claim(const char *value, struct text *why)
{
	struct arena arena = ARENA_INIT;
	struct cross_claim claim;
	int r = settings_cross_claim(value, &arena, &claim, why);

	arena_free(&arena);
	return r;
}

static int
check_transport_name(const char *value, struct text *why)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";

	if (strcmp(value, "*") == 0 || value[strspn(value, letters)] == '\0')
		return 0;
	text_put(why, "names of services in master.cf such as smtp, without a colon, or *");
	return -EINVAL;
}

static int
check_prefix(const char *value, struct text *why)
{
	struct reverse_prefix prefix;

	return settings_reverse_prefix(value, &prefix, why);
}

#define AT(member) offsetof(struct settings, member)
#define WORD(n) (AT(profile_words) + (n) * sizeof(const char *))

static const struct conf_setting rows[] = {
	{ "ispman", "cache-dir", CONF_PATH, AT(cache_dir), .def = CACHE_DIR,
	  .help = "folder of the cache" },
	{ "ispman", "run-dir", CONF_PATH, AT(run_dir), .def = RUN_DIR,
	  .help = "folder of the control socket and the counters" },
	{ "ispman", "user", CONF_STRING, AT(user), .help = "user to become when started as root" },
	{ "ispman", "group", CONF_STRING, AT(group),
	  .help = "group to become when started as root; the user's own unless set" },
	{ "ispman", "log-level", CONF_CHOICE, AT(log_level_word), .words = log_levels, .def = "info",
	  .help = "least important messages that are logged" },

	{ "ldap", "uri", CONF_LIST, AT(ldap_uri), .check = check_uri,
	  .help = "servers of one database, the preferred first" },
	{ "ldap", "base", CONF_STRING, AT(ldap_base), .check = check_dn,
	  .help = "suffix below which everything stands" },
	{ "ldap", "bind-dn", CONF_STRING, AT(ldap_bind_dn), .check = check_dn,
	  .help = "who to bind as; anonymous unless set" },
	{ "ldap", "bind-password-file", CONF_PATH, AT(ldap_bind_password_file),
	  .help = "file whose first line is the password of bind-dn" },
	{ "ldap", "starttls", CONF_BOOL, AT(ldap_starttls), .def = "no",
	  .help = "encrypt ldap:// connections, and refuse them otherwise" },
	{ "ldap", "ca-file", CONF_PATH, AT(ldap_ca_file),
	  .help = "certificates that servers are checked with" },
	{ "ldap", "cert-file", CONF_PATH, AT(ldap_cert_file), .help = "own certificate" },
	{ "ldap", "key-file", CONF_PATH, AT(ldap_key_file), .help = "own key" },
	{ "ldap", "sasl-mech", CONF_CHOICE, AT(ldap_sasl_mech), .words = sasl_mechs, .def = "none",
	  .help = "SASL bind instead of a simple one" },
	{ "ldap", "filter", CONF_STRING, AT(ldap_filter), .check = check_filter, .def = "(objectClass=*)",
	  .help = "what is replicated; must match every ancestor of a used entry" },
	{ "ldap", "timeout", CONF_SECONDS, AT(ldap_timeout), .min = 1, .max = 3600, .def = "10s",
	  .help = "patience with a server that does not answer" },
	{ "ldap", "probe-interval", CONF_SECONDS, AT(ldap_probe_interval), .min = 1, .max = 86400, .def = "60s",
	  .help = "silence after which the connection is probed" },
	{ "ldap", "return-interval", CONF_SECONDS, AT(ldap_return_interval), .min = 1, .max = 7 * 86400,
	  .def = "5m", .help = "time between attempts to return to an earlier uri" },
	{ "ldap", "lag-timeout", CONF_SECONDS, AT(ldap_lag_timeout), .max = 7 * 86400, .def = "5m",
	  .help = "how long a server may be behind before it counts as restored from a backup" },

	{ "cached", "source", CONF_STRING, AT(cached_source), .check = check_source, .def = "ldap",
	  .help = "where entries come from: ldap, or ldif:FILE" },
	{ "cached", "brake-percent", CONF_NUMBER, AT(brake_percent), .min = 1, .max = 100, .def = "10",
	  .help = "share of a kind that one sweep may remove" },
	{ "cached", "map-size", CONF_SIZE, AT(map_size), .min = 16 << 20, .max = 1ULL << 44, .def = "32G",
	  .help = "address space of an environment; sparse, it costs no disk" },
	{ "cached", "dns-group", CONF_STRING, AT(dns_group),
	  .help = "group that may read the dns environment, such as bind" },
	{ "cached", "mail-group", CONF_STRING, AT(mail_group),
	  .help = "group that may read the mail environment" },
	{ "cached", "secret-group", CONF_STRING, AT(secret_group),
	  .help = "group that may read the secret environment, which holds passwords" },
	{ "cached", "account-group", CONF_STRING, AT(account_group),
	  .help = "group that may read the account environment" },
	{ "cached", "max-age", CONF_SECONDS, AT(max_age), .def = "none", .none = "none",
	  .help = "older data is no answer any more" },

	{ "dns", "reverse-prefixes", CONF_LIST, AT(dns_reverse_prefixes), .check = check_prefix,
	  .help = "where reverse zones are computed: 192.0.2.0/24 10.0.0.0/8@16 2001:db8::/32@48" },
	{ "dns", "soa-hold", CONF_SECONDS, AT(dns_soa_hold), .max = 86400, .def = "60s",
	  .help = "how long a zone whose SOA is gone keeps the last one" },
	{ "dns", "serial", CONF_CHOICE, AT(dns_serial), .words = serials, .def = "auto",
	  .help = "serials of our own, or the stored ones as they are" },
	{ "dns", "max-age", CONF_SECONDS, AT(dns_max_age),
	  .help = "max-age of DNS data; that of [cached] unless set" },

	{ "claims", "allow-cross-domain", CONF_LIST, AT(claims_cross_domain), .check = check_cross_claim,
	  .help = "whose entries may hold addresses of which other domain: CLAIMER/DOMAIN, * for any" },
	{ "claims", "transports", CONF_LIST, AT(claims_transports), .check = check_transport_name,
	  .def = "smtp lmtp relay error retry discard",
	  .help = "which of Postfix's transports a domain's entry may name, * for any" },

	{ "profile", "domain-class", CONF_STRING, WORD(0), .check = check_attribute,
	  .help = "class of a domain" },
	{ "profile", "domain-attribute", CONF_STRING, WORD(1), .check = check_attribute,
	  .help = "naming attribute of a domain" },
	{ "profile", "domain-type", CONF_STRING, WORD(2), .check = check_attribute,
	  .help = "primary, slave, replica" },
	{ "profile", "replica-master", CONF_STRING, WORD(3), .check = check_attribute,
	  .help = "domain that a replica repeats" },
	{ "profile", "record-class", CONF_STRING, WORD(4), .check = check_attribute,
	  .help = "class of DNS records" },
	{ "profile", "zone-attribute", CONF_STRING, WORD(5), .check = check_attribute,
	  .help = "zone of a record" },
	{ "profile", "owner-attribute", CONF_STRING, WORD(6), .check = check_attribute,
	  .help = "owner of a record" },
	{ "profile", "ttl-attribute", CONF_STRING, WORD(7), .check = check_attribute,
	  .help = "TTL of a record" },
	{ "profile", "unknown-attribute", CONF_STRING, WORD(8), .check = check_attribute,
	  .help = "records of unknown types" },
	{ "profile", "dns-branch", CONF_STRING, WORD(9), .check = check_rdn,
	  .help = "branch of zones, below the base" },
	{ "profile", "zone-label-attribute", CONF_STRING, WORD(10), .check = check_attribute,
	  .help = "a label of a zone in a DN" },
	{ "profile", "conf-branch", CONF_STRING, WORD(11), .check = check_rdn,
	  .help = "branch of settings, below the base" },
	{ "profile", "conf-variable", CONF_STRING, WORD(12), .check = check_attribute,
	  .help = "name of a setting" },
	{ "profile", "conf-value", CONF_STRING, WORD(13), .check = check_attribute,
	  .help = "value of a setting" },
	{ "profile", "user-class", CONF_STRING, WORD(14), .check = check_attribute,
	  .help = "class of a mail user" },
	{ "profile", "group-class", CONF_STRING, WORD(15), .check = check_attribute,
	  .help = "class of a mail group" },
	{ "profile", "local-address", CONF_STRING, WORD(16), .check = check_attribute,
	  .help = "primary address of a user or group" },
	{ "profile", "alias", CONF_STRING, WORD(17), .check = check_attribute,
	  .help = "further addresses" },
	{ "profile", "routing-address", CONF_STRING, WORD(18), .check = check_attribute,
	  .help = "address of a mailbox" },
	{ "profile", "forwarding-address", CONF_STRING, WORD(19), .check = check_attribute,
	  .help = "where mail is forwarded; a group's members" },
	{ "profile", "mail-host", CONF_STRING, WORD(20), .check = check_attribute,
	  .help = "server of a mailbox" },
	{ "profile", "status", CONF_STRING, WORD(21), .check = check_attribute,
	  .help = "active or suspended" },
	{ "profile", "login", CONF_STRING, WORD(22), .check = check_attribute,
	  .help = "login names of a user" },
	{ "profile", "delivery-method", CONF_STRING, WORD(23), .check = check_attribute,
	  .help = "local, or smtp: mail of a domain is relayed" },
	{ "profile", "keep-copy", CONF_STRING, WORD(24), .check = check_attribute,
	  .help = "FALSE: what is forwarded is not kept" },
	{ "profile", "relocated-to", CONF_STRING, WORD(25), .check = check_attribute,
	  .help = "where an address has moved to" },
	{ "profile", "transport", CONF_STRING, WORD(26), .check = check_attribute,
	  .help = "transport:nexthop of a domain" },
	{ "profile", "subdomain-transport", CONF_STRING, WORD(27), .check = check_attribute,
	  .help = "transport:nexthop of the names below a domain" },
	{ "profile", "sender-login", CONF_STRING, WORD(28), .check = check_attribute,
	  .help = "further logins that may send as an entry's addresses" },
	{ "profile", "utf8-alias", CONF_STRING, WORD(29), .check = check_attribute,
	  .help = "further addresses in UTF-8" },
	{ "profile", "vhost-class", CONF_STRING, WORD(30), .check = check_attribute,
	  .help = "class of a virtual host" },
	{ "profile", "admin-class", CONF_STRING, WORD(31), .check = check_attribute,
	  .help = "class of an admin" },
	{ "profile", "admin-branch", CONF_STRING, WORD(32), .check = check_rdn,
	  .help = "branch of admins, below the base" },
	{ "profile", "password", CONF_STRING, WORD(33), .check = check_attribute,
	  .help = "stored passwords" },
	{ "profile", "home", CONF_STRING, WORD(34), .check = check_attribute,
	  .help = "home folder" },
	{ "profile", "uid-number", CONF_STRING, WORD(35), .check = check_attribute,
	  .help = "number of the owner of files" },
	{ "profile", "gid-number", CONF_STRING, WORD(36), .check = check_attribute,
	  .help = "number of the group of files" },
	{ "profile", "file-host", CONF_STRING, WORD(37), .check = check_attribute,
	  .help = "server of the home folder" },
	{ "profile", "ftp-status", CONF_STRING, WORD(38), .check = check_attribute,
	  .help = "enabled, active or TRUE: may use FTP" },
	{ "profile", "ftp-uid", CONF_STRING, WORD(39), .check = check_attribute,
	  .help = "number of the owner of files by FTP" },
	{ "profile", "ftp-gid", CONF_STRING, WORD(40), .check = check_attribute,
	  .help = "number of the group of files by FTP" },
	{ "profile", "ftp-quota-megabytes", CONF_STRING, WORD(41), .check = check_attribute,
	  .help = "quota by FTP" },
	{ "profile", "ftp-quota-files", CONF_STRING, WORD(42), .check = check_attribute,
	  .help = "number of files by FTP" },
	{ "profile", "ftp-upload-bandwidth", CONF_STRING, WORD(43), .check = check_attribute,
	  .help = "KiB a second to the server" },
	{ "profile", "ftp-download-bandwidth", CONF_STRING, WORD(44), .check = check_attribute,
	  .help = "KiB a second from the server" },
	{ "profile", "ftp-upload-ratio", CONF_STRING, WORD(45), .check = check_attribute,
	  .help = "ratio of uploads" },
	{ "profile", "ftp-download-ratio", CONF_STRING, WORD(46), .check = check_attribute,
	  .help = "ratio of downloads" },
	{ "profile", "locked-time", CONF_STRING, WORD(47), .check = check_attribute,
	  .help = "since when an account is locked" },
	{ "profile", "start-time", CONF_STRING, WORD(48), .check = check_attribute,
	  .help = "from when on an account is valid" },
	{ "profile", "end-time", CONF_STRING, WORD(49), .check = check_attribute,
	  .help = "until when an account is valid" },
	{ "profile", "must-change", CONF_STRING, WORD(50), .check = check_attribute,
	  .help = "TRUE: the password is to be changed" },
	{ "profile", "changed-time", CONF_STRING, WORD(51), .check = check_attribute,
	  .help = "when the password was changed" },
	{ "profile", "account-lock", CONF_STRING, WORD(52), .check = check_attribute,
	  .help = "TRUE: an account is locked" },
	{ "profile", "shadow-expire", CONF_STRING, WORD(53), .check = check_attribute,
	  .help = "day since 1970 on which an account expires" },
	{ "profile", "default-file-host", CONF_STRING, WORD(54), .check = check_attribute,
	  .help = "server of a domain's folder" },
	{ "profile", "web-host", CONF_STRING, WORD(55), .check = check_attribute,
	  .help = "servers of a virtual host" },
	{ "profile", "mail-quota", CONF_STRING, WORD(56), .check = check_attribute,
	  .help = "quota of a mailbox in KiB" },
	{ "profile", "document-root", CONF_STRING, WORD(57), .check = check_attribute,
	  .help = "document root of a virtual host" },
	{ "profile", "script-folder", CONF_STRING, WORD(58), .check = check_attribute,
	  .help = "scripts of a virtual host" },
	{ "profile", "log-folder", CONF_STRING, WORD(59), .check = check_attribute,
	  .help = "logs of a virtual host" },
	{ "profile", "stat-folder", CONF_STRING, WORD(60), .check = check_attribute,
	  .help = "statistics of a virtual host" },
	{ "profile", "host-attribute", CONF_STRING, WORD(61), .check = check_attribute,
	  .help = "names an entry of a host" },
	{ "profile", "host-alias", CONF_STRING, WORD(62), .check = check_attribute,
	  .help = "other names of a host" },
	{ "profile", "group-attribute", CONF_STRING, WORD(63), .check = check_attribute,
	  .help = "names an entry of a group of hosts" },
	{ "profile", "group-member", CONF_STRING, WORD(64), .check = check_attribute,
	  .help = "hosts of a group" },
};

/* Where profile_words[i] goes. */
static const size_t profile_places[] = {
	offsetof(struct profile, domain_class),      offsetof(struct profile, domain_attribute),
	offsetof(struct profile, domain_type),       offsetof(struct profile, replica_master),
	offsetof(struct profile, record_class),      offsetof(struct profile, zone_attribute),
	offsetof(struct profile, owner_attribute),   offsetof(struct profile, ttl_attribute),
	offsetof(struct profile, unknown_attribute), offsetof(struct profile, dns_branch),
	offsetof(struct profile, zone_label_attribute), offsetof(struct profile, conf_branch),
	offsetof(struct profile, conf_variable),     offsetof(struct profile, conf_value),
	offsetof(struct profile, user_class),        offsetof(struct profile, group_class),
	offsetof(struct profile, local_address),     offsetof(struct profile, alias),
	offsetof(struct profile, routing_address),   offsetof(struct profile, forwarding_address),
	offsetof(struct profile, mail_host),         offsetof(struct profile, status),
	offsetof(struct profile, login),             offsetof(struct profile, delivery_method),
	offsetof(struct profile, keep_copy),         offsetof(struct profile, relocated_to),
	offsetof(struct profile, transport),         offsetof(struct profile, below_transport),
	offsetof(struct profile, sender_login),      offsetof(struct profile, utf8_alias),
	offsetof(struct profile, vhost_class), offsetof(struct profile, admin_class),
	offsetof(struct profile, admin_branch), offsetof(struct profile, password),
	offsetof(struct profile, home), offsetof(struct profile, uid_number),
	offsetof(struct profile, gid_number), offsetof(struct profile, file_host),
	offsetof(struct profile, ftp_status), offsetof(struct profile, ftp_uid),
	offsetof(struct profile, ftp_gid), offsetof(struct profile, ftp_quota_megabytes),
	offsetof(struct profile, ftp_quota_files), offsetof(struct profile, ftp_upload_bandwidth),
	offsetof(struct profile, ftp_download_bandwidth), offsetof(struct profile, ftp_upload_ratio),
	offsetof(struct profile, ftp_download_ratio), offsetof(struct profile, locked_time),
	offsetof(struct profile, start_time), offsetof(struct profile, end_time),
	offsetof(struct profile, must_change), offsetof(struct profile, changed_time),
	offsetof(struct profile, account_lock), offsetof(struct profile, shadow_expire),
	offsetof(struct profile, default_file_host),
	offsetof(struct profile, web_host),
	offsetof(struct profile, mail_quota),
	offsetof(struct profile, document_root),
	offsetof(struct profile, script_folder),
	offsetof(struct profile, log_folder),
	offsetof(struct profile, stat_folder),
	offsetof(struct profile, host_attribute),
	offsetof(struct profile, host_alias),
	offsetof(struct profile, group_attribute),
	offsetof(struct profile, group_member),
};
_Static_assert(array_size(profile_places) ==
                       sizeof(((struct settings *)0)->profile_words) / sizeof(const char *),
               "every word has its place");
_Static_assert(array_size(profile_places) * sizeof(struct span) == sizeof(struct profile),
               "every member of the profile can be configured");

/* --- reverse prefixes ------------------------------------------------------------------------- */

static bool
has_bits_behind(const uint8_t *address, size_t octets, unsigned length)
{
	for (size_t i = 0; i < octets; i++) {
		/* Which bits of this octet lie behind. */
		unsigned mask = length >= 8 * (i + 1) ? 0 : length <= 8 * i ? 0xff : 0xffU >> (length % 8);

		if ((address[i] & mask) != 0)
			return true;
	}
	return false;
}

static int
refuse_prefix(struct text *why)
{
	text_put(why, "PREFIX/LENGTH or PREFIX/LENGTH@CUT, the address zero behind its length, the cut a multiple "
	              "of 8 (IPv4) or 4 (IPv6) and not shorter: 192.0.2.0/24, 10.0.0.0/8@16, 2001:db8::/32@48");
	return -EINVAL;
}

int
settings_reverse_prefix(const char *text, struct reverse_prefix *out, struct text *why)
{
	struct reverse_prefix prefix = { .family = strchr(text, ':') != NULL ? 6 : 4 };
	const char *slash = strchr(text, '/'), *at;
	unsigned bits = prefix.family == 6 ? 128 : 32, step = prefix.family == 6 ? 4 : 8;
	char address[INET6_ADDRSTRLEN];
	uint64_t length, cut;

	if (slash == NULL || (size_t)(slash - text) >= sizeof(address))
		return refuse_prefix(why);
	memcpy(address, text, (size_t)(slash - text));
	address[slash - text] = '\0';
	at = strchr(slash, '@');
	if (inet_pton(prefix.family == 6 ? AF_INET6 : AF_INET, address, prefix.address) != 1 ||
	    span_to_u64(at != NULL ? span_from(slash + 1, (size_t)(at - slash) - 1) : span_of(slash + 1),
	                bits, &length) < 0)
		return refuse_prefix(why);
	cut = prefix.family == 6 ? 64 : 24;
	if (cut < length)
		cut = (length + step - 1) / step * step;
	if (at != NULL && span_to_u64(span_of(at + 1), bits, &cut) < 0)
		return refuse_prefix(why);
	if (cut < length || cut == 0 || cut % step != 0 ||
	    has_bits_behind(prefix.address, bits / 8, (unsigned)length))
		return refuse_prefix(why);
	prefix.length = (uint8_t)length;
	prefix.cut = (uint8_t)cut;
	*out = prefix;
	return 0;
}

/* --- claims ------------------------------------------------------------------------------------ */

static int
fold_claim(struct span text, struct arena *arena, struct span *out)
{
	char domain[ADDRESS_DOMAIN_MAX];
	size_t len;

	if (span_is(text, SPAN("*"))) {
		*out = SPAN("*");
		return 0;
	}
	if (text.len == 0 || text.data[0] == '.' || address_domain(text, domain, &len) < 0)
		return -EINVAL;
	*out = arena_copy(arena, span_from(domain, len));
	return out->data != NULL ? 0 : -ENOMEM;
}

int
settings_cross_claim(const char *text, struct arena *arena, struct cross_claim *out, struct text *why)
{
	const char *slash = strchr(text, '/');
	struct cross_claim claim;
	int r = -EINVAL;

	if (slash != NULL && strchr(slash + 1, '/') == NULL)
		r = fold_claim(span_from(text, (size_t)(slash - text)), arena, &claim.claimer);
	if (r == 0)
		r = fold_claim(span_of(slash + 1), arena, &claim.domain);
	if (r == -EINVAL)
		text_put(why, "CLAIMER/DOMAIN, whose entries may hold addresses of which other domain; * for any: "
		              "hosting.example/club.example, hosting.example/*");
	if (r == 0)
		*out = claim;
	return r;
}

/* --- filling ------------------------------------------------------------------------------------ */

static int
fill_profile(struct settings *s)
{
	s->profile = profile_ispman;
	for (size_t i = 0; i < array_size(profile_places); i++) {
		struct span *place = (struct span *)(void *)((char *)&s->profile + profile_places[i]);
		struct rdn *rdns;
		size_t count;
		int r;

		if (s->profile_words[i] == NULL)
			continue;
		*place = span_of(s->profile_words[i]);
		if (place != &s->profile.dns_branch && place != &s->profile.conf_branch && place != &s->profile.admin_branch)
			continue;
		r = dn_split(*place, &s->arena, &rdns, &count);
		if (r < 0)
			return r;
		*place = rdns[0].normalised;
	}
	/* What is not known here cannot be taken from here. */
	if (s->login_values.verify == LOGIN_VERIFY_BIND || s->login_values.verify == LOGIN_VERIFY_NONE)
		s->profile.password = SPAN("");
	return 0;
}

static int
fill_dns(struct settings *s, struct text *why)
{
	if (s->dns_reverse_prefixes.count > REVERSE_PREFIXES_MAX) {
		text_putf(why, "[dns] reverse-prefixes: %zu are given; allowed: at most %d\n",
		          s->dns_reverse_prefixes.count, REVERSE_PREFIXES_MAX);
		return -EINVAL;
	}
	s->dns.profile = &s->profile;
	s->dns.serial_stored = s->dns_serial == 1;
	s->dns.soa_hold = (uint32_t)s->dns_soa_hold;
	for (size_t i = 0; i < s->dns_reverse_prefixes.count; i++) {
		int r = settings_reverse_prefix(s->dns_reverse_prefixes.items[i],
		                                &s->dns.prefixes[s->dns.prefix_count], why);

		if (r < 0)
			return r;
		s->dns.prefix_count++;
	}
	return 0;
}

static int
fill_transports(struct settings *s)
{
	const struct conf_list *names = &s->claims_transports;
	struct span *transports = arena_alloc(&s->arena, (names->count + 1) * sizeof(*transports));

	if (transports == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < names->count; i++) {
		if (strcmp(names->items[i], "*") == 0)
			return 0;
		transports[i] = span_of(names->items[i]);
	}
	s->mail_projection.transports = transports;
	s->mail_projection.transport_count = names->count;
	return 0;
}

static int
fill_mail(struct settings *s, struct text *why)
{
	size_t count = s->claims_cross_domain.count;
	struct cross_claim *cross = arena_alloc(&s->arena, (count + 1) * sizeof(*cross));

	if (cross == NULL)
		return -ENOMEM;
	s->mail_projection = (struct mail_settings){ .profile = &s->profile, .cross_count = count, .cross = cross };
	for (size_t i = 0; i < count; i++) {
		int r = settings_cross_claim(s->claims_cross_domain.items[i], &s->arena, &cross[i], why);

		if (r < 0)
			return r;
	}
	s->login_projection = (struct login_settings){
		.profile = &s->profile,
		.cross_count = count,
		.cross = cross,
		.report_weak_passwords = s->login_values.report_weak_passwords,
	};
	return fill_transports(s);
}

/* --- what is asked for ---------------------------------------------------------------------------- */

enum { ASKED_MAX = 256 };

struct asking {
	struct settings *settings;
	int error;
};

static void
ask_for(void *context, const char *attribute)
{
	struct asking *asking = context;
	struct settings *s = asking->settings;
	struct span copy = arena_copy(&s->arena, span_of(attribute));

	if (copy.data == NULL)
		asking->error = -ENOMEM;
	else if (s->ldap_attributes.count < ASKED_MAX)
		s->ldap_attributes.items[s->ldap_attributes.count++] = copy.data;
}

/* All user attributes are asked for, those of password policy by name, since servers keep them apart, and what the profile does not name is
 * dropped here: a list of a hundred names costs slapd 2.5 six times the work for each entry (measured). But a password that is not to
 * be kept does not leave the directory: then it is the list. */
static int
fill_attributes(struct settings *s)
{
	const struct profile *profile = &s->profile;
	const struct span policy[] = { profile->locked_time, profile->start_time,   profile->end_time,
		                       profile->must_change, profile->changed_time, profile->account_lock };
	struct asking asking = { s, 0 };

	s->ldap_attributes.items = arena_alloc(&s->arena, ASKED_MAX * sizeof(*s->ldap_attributes.items));
	if (s->ldap_attributes.items == NULL)
		return -ENOMEM;
	if (profile->password.len == 0) {
		profile_each_attribute(profile, ask_for, &asking);
		return asking.error;
	}
	ask_for(&asking, "*");
	for (size_t i = 0; i < array_size(policy); i++) {
		struct span name = arena_copy(&s->arena, policy[i]);

		if (name.data == NULL)
			return -ENOMEM;
		if (name.len > 0)
			ask_for(&asking, name.data);
	}
	return asking.error;
}

static int
check_rules(const struct settings *s, struct text *why)
{
	size_t before = why->len;

	if (s->ldif_path == NULL && s->ldap_uri.count == 0)
		text_put(why, "[ldap] uri is not set: [cached] source = ldap needs it\n");
	if (s->ldif_path == NULL && s->ldap_base == NULL)
		text_put(why, "[ldap] base is not set: [cached] source = ldap needs it\n");
	if (s->ldap_filter == NULL)
		text_put(why, "[ldap] filter is empty; allowed: a search filter such as (objectClass=*)\n");
	if (s->ldap_bind_dn != NULL && s->ldap_bind_password_file == NULL &&
	    s->ldap_sasl_mech == SETTINGS_SASL_NONE)
		text_put(why, "[ldap] bind-dn is set without bind-password-file\n");
	if (s->ldap_bind_dn == NULL && s->ldap_bind_password_file != NULL)
		text_put(why, "[ldap] bind-password-file is set without bind-dn\n");
	if (s->ldap_bind_dn != NULL && s->ldap_sasl_mech != SETTINGS_SASL_NONE)
		text_put(why, "[ldap] bind-dn is for simple binds; with sasl-mech the server knows who we are\n");
	if ((s->ldap_cert_file != NULL) != (s->ldap_key_file != NULL))
		text_put(why, "[ldap] cert-file and key-file need each other\n");
	return why->len > before ? -EINVAL : 0;
}

static int
fill(struct settings *s, struct text *why)
{
	int r;

	if (s->cache_dir == NULL || s->run_dir == NULL || s->cached_source == NULL) {
		text_put(why, "[ispman] cache-dir and run-dir and [cached] source may not be empty\n");
		return -EINVAL;
	}
	s->log_level = LOG_ERROR + s->log_level_word;
	if (strncmp(s->cached_source, "ldif:", 5) == 0)
		s->ldif_path = s->cached_source + 5;
	if (s->dns_max_age == 0)
		s->dns_max_age = s->max_age;
	mail_settings_options(&s->mail_values, &s->mail);
	s->project = (struct project_settings){
		.profile = &s->profile,
		.dns = &s->dns,
		.mail = &s->mail_projection,
		.login = &s->login_projection,
	};
	r = fill_profile(s);
	if (r == 0)
		r = login_settings_options(&s->login_values, &s->arena, &s->login, why);
	if (r == 0)
		r = fill_dns(s, why);
	if (r == 0)
		r = fill_mail(s, why);
	return r < 0 ? r : fill_attributes(s);
}

static int
read_all(struct settings *s, const char *path, const char *const *overrides, size_t override_count, struct text *why)
{
	const struct conf_table tables[] = {
		{ rows, array_size(rows), s },
		mail_settings_table(&s->mail_values),
		mail_settings_daemon_table(&s->mail_values),
		login_settings_table(&s->login_values),
		login_settings_daemon_table(&s->login_values),
		ftp_settings_daemon_table(&s->ftp_values),
	};
	const struct conf_schema schema = { tables, array_size(tables), other_sections };

	return conf_load(&schema, path, overrides, override_count, &s->arena, why);
}

static int
load(const char *path, const char *const *overrides, size_t override_count, bool rules,
     struct settings **out, struct text *why)
{
	cleanup(settings_freep) struct settings *s = calloc(1, sizeof(*s));
	int r;

	if (s == NULL)
		return -ENOMEM;
	r = read_all(s, path, overrides, override_count, why);
	if (r == 0)
		r = fill(s, why);
	if (r == 0 && rules)
		r = check_rules(s, why);
	if (r < 0)
		return r;
	*out = take(s);
	return 0;
}

int
settings_load(const char *path, const char *const *overrides, size_t override_count,
              struct settings **out, struct text *why)
{
	return load(path, overrides, override_count, true, out, why);
}

int
settings_load_reader(const char *path, const char *const *overrides, size_t override_count,
                     struct settings **out, struct text *why)
{
	return load(path, overrides, override_count, false, out, why);
}

/* --- warnings ----------------------------------------------------------------------------------- */

/* The host of a URI that check_uri has accepted: "" for none, without the brackets of an IPv6 address. */
static struct span
uri_host(struct span uri)
{
	struct span rest = span_skip(uri, strlen("ldap://"));
	size_t n = 0;

	if (rest.len > 0 && rest.data[0] == '[') {
		rest = span_skip(rest, 1);
		while (n < rest.len && rest.data[n] != ']')
			n++;
		return span_from(rest.data, n);
	}
	while (n < rest.len && rest.data[n] != ':' && rest.data[n] != '/' && rest.data[n] != '?')
		n++;
	return span_from(rest.data, n);
}

/* By its name or address alone: a resolver may say something else tomorrow. */
static bool
is_loopback(struct span host)
{
	static const uint8_t mapped[] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127 };
	static const struct span suffix = { ".localhost", 10 };
	char name[INET6_ADDRSTRLEN];
	struct in6_addr v6;
	struct in_addr v4;

	if (host.len > 0 && host.data[host.len - 1] == '.')
		host.len--;
	/* None is this machine. RFC 6761 6.3 for the rest. */
	if (host.len == 0 || span_is_nocase(host, SPAN("localhost")) ||
	    (host.len > suffix.len && span_is_nocase(span_skip(host, host.len - suffix.len), suffix)))
		return true;
	if (host.len >= sizeof(name))
		return false;
	memcpy(name, host.data, host.len);
	name[host.len] = '\0';
	if (inet_pton(AF_INET, name, &v4) == 1)
		return ntohl(v4.s_addr) >> 24 == 127;
	return inet_pton(AF_INET6, name, &v6) == 1 &&
	       (memcmp(&v6, &in6addr_loopback, sizeof(v6)) == 0 || memcmp(&v6, mapped, sizeof(mapped)) == 0);
}

void
settings_warn(const struct settings *s, void (*say)(void *context, const char *sentence), void *context)
{
	cleanup(text_free) struct text sentence = TEXT_INIT;

	if (s->ldif_path != NULL || s->ldap_bind_password_file == NULL || s->ldap_starttls ||
	    s->ldap_sasl_mech != SETTINGS_SASL_NONE)
		return;
	for (size_t i = 0; i < s->ldap_uri.count; i++) {
		const char *uri = s->ldap_uri.items[i];

		if (!span_starts_nocase(span_of(uri), SPAN("ldap://")) || is_loopback(uri_host(span_of(uri))))
			continue;
		text_clear(&sentence);
		text_putf(&sentence, "[ldap] uri: the password of bind-dn goes to %s unencrypted; set starttls = yes, or "
		                     "name the server with ldaps://", uri);
		say(context, text_str(&sentence));
	}
}

void
settings_free(struct settings *settings)
{
	if (settings == NULL)
		return;
	arena_free(&settings->arena);
	free(settings);
}

void
settings_freep(struct settings **settings)
{
	settings_free(*settings);
}

const char *
settings_source_identity(struct settings *s)
{
	struct text t = TEXT_INIT;
	struct span copy;

	text_putf(&t, "profile %d\nsource %s\nbase %s\nfilter %s\n", PROFILE_VERSION, s->cached_source,
	          s->ldap_base != NULL ? s->ldap_base : "",
	          s->ldap_filter != NULL ? s->ldap_filter : "");
	for (size_t i = 0; i < array_size(profile_places); i++) {
		const char *place = (const char *)&s->profile + profile_places[i];

		text_put_span(&t, *(const struct span *)(const void *)place);
		text_put_char(&t, '\n');
	}
	copy = text_failed(&t) ? (struct span){ NULL, 0 } : arena_copy(&s->arena, text_span(&t));
	text_free(&t);
	return copy.data;
}

static void
describe(struct text *out, struct conf_table table)
{
	conf_describe(table.settings, table.count, out);
}

void
settings_describe(struct text *out)
{
	describe(out, (struct conf_table){ rows, array_size(rows), NULL });
	describe(out, mail_settings_table(NULL));
	describe(out, mail_settings_daemon_table(NULL));
	describe(out, login_settings_table(NULL));
	describe(out, login_settings_daemon_table(NULL));
	describe(out, ftp_settings_daemon_table(NULL));
}
