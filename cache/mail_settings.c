/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * Rows of settings. Their defaults are those of mail_options_default; a test holds that.
 */
#include <config.h>

#include "cache/mail_settings.h"

#include <errno.h>

static const char *const extends[] = { "local", "all", "none", NULL };
static const char *const suspensions[] = { "deliver", "refuse", NULL };
static const char *const recipients[] = { "any", "listed", NULL };

static int
check_delimiter(const char *value, struct text *why)
{
	for (const char *c = value; *c != '\0'; c++) {
		if (*c > ' ' && *c < 0x7f && strchr("@\"\\<>(),:;[]", *c) == NULL)
			continue;
		text_put(why, "characters that begin an extension such as + or +-, or nothing");
		return -EINVAL;
	}
	return 0;
}

static int
check_transport(const char *value, struct text *why)
{
	bool is_right = strchr(value, ':') != NULL;

	for (const char *c = value; *c != '\0' && is_right; c++) {
		if (*c <= ' ' || *c == 0x7f)
			is_right = false;
		else if (*c == '%')
			is_right = *++c != '\0' && strchr("hd%", *c) != NULL;
		if (!is_right)
			break;
	}
	if (is_right)
		return 0;
	text_put(why, "transport:nexthop, with %h for the mail host and %d for the domain, such as lmtp:[%h]");
	return -EINVAL;
}

#define AT(member) offsetof(struct mail_settings_values, member)

static const struct conf_setting rows[] = {
	{ "socketmap", "recipient-delimiter", CONF_STRING, AT(recipient_delimiter), .check = check_delimiter, .def = "+",
	  .help = "characters that begin an extension" },
	{ "socketmap", "propagate-extension", CONF_CHOICE, AT(propagate_extension), .words = extends, .def = "local",
	  .help = "results that get the extension: local, all or none" },
	{ "socketmap", "max-age", CONF_SECONDS, AT(max_age), .def = "none", .none = "none",
	  .help = "older mail data is no answer any more" },

	{ "mail", "suspended-users", CONF_CHOICE, AT(suspended_users), .words = suspensions, .def = "deliver",
	  .help = "deliver or refuse the mail of suspended users" },
	{ "mail", "suspended-domains", CONF_CHOICE, AT(suspended_domains), .words = suspensions, .def = "deliver",
	  .help = "deliver or refuse the mail of suspended domains" },
	{ "mail", "relay-recipients", CONF_CHOICE, AT(relay_recipients), .words = recipients, .def = "any",
	  .help = "in domains that are relayed: any address, or those that the directory lists" },
	{ "mail", "expand-groups", CONF_BOOL, AT(expand_groups), .def = "no",
	  .help = "replace groups within groups by their members; Postfix does so too" },
	{ "mail", "group-depth", CONF_NUMBER, AT(group_depth), .max = MAIL_GROUP_DEPTH_MAX, .def = "20",
	  .help = "levels of groups within groups" },
	{ "mail", "group-size", CONF_NUMBER, AT(group_size), .min = 1, .max = 100000, .def = "1000",
	  .help = "members of a group: Postfix's virtual_alias_expansion_limit" },
	{ "mail", "mailbox-transport", CONF_STRING, AT(mailbox_transport), .check = check_transport, .def = "lmtp:[%h]",
	  .help = "how mail gets to a mailbox: %h is its mail host, %d the domain" },
};

/* ispman-socketmapd's own; a list takes any value any number of times. */
static const struct conf_setting daemon_rows[] = {
	{ "socketmap", "listen", CONF_LIST, AT(listen), .help = "see ispman-socketmapd" },
	{ "socketmap", "tcp-table", CONF_LIST, AT(daemon_values), .help = "see ispman-socketmapd" },
	{ "socketmap", "allow", CONF_LIST, AT(daemon_values), .help = "see ispman-socketmapd" },
	{ "socketmap", "hold", CONF_LIST, AT(daemon_values), .help = "see ispman-socketmapd" },
	{ "socketmap", "request-timeout", CONF_LIST, AT(daemon_values), .help = "see ispman-socketmapd" },
	{ "socketmap", "max-connections", CONF_LIST, AT(daemon_values), .help = "see ispman-socketmapd" },
	{ "socketmap", "user", CONF_LIST, AT(daemon_values), .help = "see ispman-socketmapd" },
	{ "socketmap", "group", CONF_LIST, AT(daemon_values), .help = "see ispman-socketmapd" },
};

struct conf_table
mail_settings_table(struct mail_settings_values *target)
{
	return (struct conf_table){ rows, array_size(rows), target };
}

struct conf_table
mail_settings_daemon_table(struct mail_settings_values *target)
{
	return (struct conf_table){ daemon_rows, array_size(daemon_rows), target };
}

void
mail_settings_options(const struct mail_settings_values *values, struct mail_options *out)
{
	*out = (struct mail_options){
		.delimiters = values->recipient_delimiter != NULL ? span_of(values->recipient_delimiter) : (struct span){ "", 0 },
		.extend = (enum mail_extend)values->propagate_extension,
		.refuse_suspended_users = values->suspended_users != 0,
		.refuse_suspended_domains = values->suspended_domains != 0,
		.relay_listed = values->relay_recipients != 0,
		.expand_groups = values->expand_groups,
		.group_depth = (unsigned)values->group_depth,
		.group_size = (unsigned)values->group_size,
		.mailbox_transport = values->mailbox_transport != NULL ? values->mailbox_transport : "",
		.max_age = values->max_age,
	};
}
