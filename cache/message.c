/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 */
#include <config.h>

#include "cache/message.h"

#include "cache/syncmsg.h"

#include <errno.h>
#include <ldap.h>

int
message_search(struct connection *c, const struct message_search *search, int *out_code)
{
	cleanup(free_charp) char *oid = strdup(SYNCMSG_REQUEST_OID);
	LDAPControl sync = {
		.ldctl_oid = oid,
		.ldctl_value = { search->sync_request.len, NULL },
		.ldctl_iscritical = 1,
	};
	LDAPControl *controls[] = { &sync, NULL };
	char **attributes = calloc(search->attribute_count + 1, sizeof(*attributes));
	int id = 0, code = LDAP_NO_MEMORY;

	sync.ldctl_value.bv_val = malloc(search->sync_request.len + 1);
	if (oid == NULL || attributes == NULL || sync.ldctl_value.bv_val == NULL)
		goto out;
	/* libldap's prototypes lack const throughout. */
	if (search->sync_request.len > 0)
		memcpy(sync.ldctl_value.bv_val, search->sync_request.data, search->sync_request.len);
	for (size_t i = 0; i < search->attribute_count; i++) {
		attributes[i] = strdup(search->attributes[i]);
		if (attributes[i] == NULL)
			goto out;
	}
	code = ldap_search_ext(c->ldap, search->base,
	                       search->only_base ? LDAP_SCOPE_BASE : LDAP_SCOPE_SUBTREE,
	                       search->filter, attributes, 0,
	                       search->sync_request.len > 0 ? controls : NULL, NULL, NULL, 0, &id);
out:
	if (attributes != NULL)
		for (size_t i = 0; attributes[i] != NULL; i++)
			free(attributes[i]);
	free(attributes);
	free(sync.ldctl_value.bv_val);
	if (code != LDAP_SUCCESS) {
		*out_code = code;
		return -EIO;
	}
	return id;
}

/* Remembers the value of the control OID. */
static void
keep_control(struct message *out, LDAPControl **controls, const char *oid)
{
	LDAPControl *control = controls != NULL ? ldap_control_find(oid, controls, NULL) : NULL;

	out->controls = controls;
	if (control != NULL) {
		out->has_value = true;
		out->value = span_from(control->ldctl_value.bv_val, control->ldctl_value.bv_len);
	}
}

static int
read_entry(struct connection *c, LDAPMessage *message, struct arena *arena, struct message *out)
{
	LDAPControl **controls = NULL;
	struct span attributes = SPAN("");
	struct berval dn, first;
	BerElement *ber = NULL;
	ber_len_t left = 0;
	int r = -EPROTO;

	/* Leaves BER at the first attribute and makes it end behind the last one. */
	if (ldap_get_dn_ber(c->ldap, message, &ber, &dn) != LDAP_SUCCESS ||
	    ber_get_option(ber, LBER_OPT_REMAINING_BYTES, &left) != LBER_OPT_SUCCESS)
		goto out;
	if (left > 0) {
		if (ber_skip_raw(ber, &first) == LBER_DEFAULT)
			goto out;
		attributes = span_from(first.bv_val, left);
	}
	out->kind = MESSAGE_ENTRY;
	out->entry.dn = span_from(dn.bv_val, dn.bv_len);
	r = message_read_attributes(attributes, arena, &out->entry, &out->has_uuid);
	if (r == 0 && ldap_get_entry_controls(c->ldap, message, &controls) != LDAP_SUCCESS)
		r = -EPROTO;
	if (r == 0)
		keep_control(out, controls, SYNCMSG_STATE_OID);
out:
	ber_free(ber, 0);
	return r;
}

/* Remembers the first of REFERRALS, and frees them. */
static void
keep_referral(struct message *out, char **referrals)
{
	if (referrals != NULL && referrals[0] != NULL) {
		out->strings[2] = referrals[0];
		out->referral = span_of(referrals[0]);
		for (size_t i = 1; referrals[i] != NULL; i++)
			ldap_memfree(referrals[i]);
	}
	ldap_memfree(referrals);
}

static int
read_result(struct connection *c, LDAPMessage *message, struct message *out)
{
	LDAPControl **controls = NULL;
	char *matched = NULL, *text = NULL, **referrals = NULL;

	if (ldap_parse_result(c->ldap, message, &out->code, &matched, &text, &referrals, &controls,
	                      0) != LDAP_SUCCESS)
		return -EPROTO;
	out->strings[0] = matched;
	out->strings[1] = text;
	out->text = text != NULL ? span_of(text) : SPAN("");
	keep_referral(out, referrals);
	keep_control(out, controls, SYNCMSG_DONE_OID);
	return 0;
}

static int
read_reference(struct connection *c, LDAPMessage *message, struct message *out)
{
	char **referrals = NULL;

	if (ldap_parse_reference(c->ldap, message, &referrals, NULL, 0) != LDAP_SUCCESS)
		return -EPROTO;
	out->kind = MESSAGE_REFERENCE;
	keep_referral(out, referrals);
	return 0;
}

static int
read_intermediate(struct connection *c, LDAPMessage *message, struct message *out)
{
	struct berval *value = NULL;
	char *oid = NULL;

	if (ldap_parse_intermediate(c->ldap, message, &oid, &value, NULL, 0) != LDAP_SUCCESS)
		return -EPROTO;
	if (oid != NULL && strcmp(oid, SYNCMSG_INFO_OID) == 0 && value != NULL) {
		out->kind = MESSAGE_INFO;
		out->has_value = true;
		out->strings[3] = value->bv_val;
		out->value = span_from(value->bv_val, value->bv_len);
		ldap_memfree(value);
	} else {
		ber_bvfree(value);
	}
	ldap_memfree(oid);
	return 0;
}

static int
next_direct(struct connection *c, struct arena *arena, struct message *out)
{
	Sockbuf *socket = NULL;
	ber_len_t len, left = 0;
	struct berval first;
	ber_tag_t tag;
	int r = -EPROTO;

	if (c->partial == NULL)
		c->partial = ber_alloc_t(LBER_USE_DER);
	if (c->partial == NULL || ldap_get_option(c->ldap, LDAP_OPT_SOCKBUF, &socket) != LDAP_OPT_SUCCESS)
		return -ENOMEM;
	errno = 0;
	tag = ber_get_next(socket, &len, c->partial);
	if (tag == LBER_DEFAULT && errno == EAGAIN)
		return 0;
	out->direct = take(c->partial);
	if (tag == LBER_DEFAULT) {
		message_free(out);
		out->code = LDAP_SERVER_DOWN;
		return -EPIPE;
	}
	if (tag == LDAP_TAG_MESSAGE && ber_get_option(out->direct, LBER_OPT_REMAINING_BYTES, &left) == LBER_OPT_SUCCESS &&
	    ber_skip_raw(out->direct, &first) != LBER_DEFAULT)
		r = message_read(span_from(first.bv_val, left), arena, out);
	if (r < 0) {
		message_free(out);
		return r;
	}
	return 1;
}

int
message_next(struct connection *c, struct arena *arena, struct message *out)
{
	struct timeval now = { 0, 0 };
	LDAPMessage *message = NULL;
	int kind, r = 0;

	*out = (struct message){ .kind = MESSAGE_OTHER };
	if (c->direct || c->partial != NULL)
		return next_direct(c, arena, out);
	kind = ldap_result(c->ldap, LDAP_RES_ANY, LDAP_MSG_ONE, &now, &message);
	if (kind == 0)
		return 0;
	if (kind < 0) {
		out->code = LDAP_SERVER_DOWN;
		ldap_get_option(c->ldap, LDAP_OPT_RESULT_CODE, &out->code);
		return -EPIPE;
	}
	out->handle = message;
	out->id = ldap_msgid(message);
	switch (kind) {
	case LDAP_RES_SEARCH_ENTRY:
		r = read_entry(c, message, arena, out);
		break;
	case LDAP_RES_SEARCH_REFERENCE:
		r = read_reference(c, message, out);
		break;
	case LDAP_RES_INTERMEDIATE:
		r = read_intermediate(c, message, out);
		break;
	case LDAP_RES_SEARCH_RESULT:
		out->kind = MESSAGE_RESULT;
		r = read_result(c, message, out);
		break;
	case LDAP_RES_EXTENDED:
		/* Nothing was asked: a notice of disconnection (RFC 4511 4.4.1). */
		out->kind = MESSAGE_GOODBYE;
		r = read_result(c, message, out);
		break;
	default:
		break;
	}
	if (r < 0) {
		message_free(out);
		return r;
	}
	return 1;
}

void
message_free(struct message *message)
{
	ldap_controls_free(message->controls);
	for (size_t i = 0; i < array_size(message->strings); i++)
		ldap_memfree(message->strings[i]);
	ldap_msgfree(message->handle);
	ber_free(message->direct, 1);
	*message = (struct message){ .kind = MESSAGE_OTHER };
}
