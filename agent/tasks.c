/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * The queue over LDAP. Every change names the message that it replaces, or asks that there is none (RFC 4528), so the server itself
 * decides who was first; a claim names the status too. An entry is deleted only while it carries our message.
 */
#include <config.h>

#include "agent/tasks.h"

#include "agent/task_message.h"
#include "cache/connection.h"
#include "common/arena.h"

#include <errno.h>
#include <ldap.h>
#include <poll.h>
#include <stdio.h>
#include <sys/random.h>
#include <time.h>

enum {
	DEFAULT_TIMEOUT = 5,
	DEFAULT_LEASE = 600,
	DEFAULT_TRIES = 8,
	CONNECT_PATIENCE_MS = 1000, /* a call waits no longer for a connection; it comes with a later one */
	CONNECT_STEPS = 6,          /* as many timeouts as a connection may take in all */
	PAUSE_MAX = 30,             /* seconds between two rounds over the servers */
	AT_ONCE_MAX = 2000,
	HOSTS_MAX = 64,
	TOKEN_LEN = 16,
};

static char status_name[] = "ispmanStatus", message_name[] = "ispmanMessage";

struct tasks {
	const struct tasks_options *options;
	char token[TOKEN_LEN + 1];
	struct text branch; /* the DN */

	struct connection *connection;
	struct connection_attempt *attempt;
	int64_t attempt_since; /* milliseconds, of the monotonic clock; so are the others */
	size_t uri, failed;    /* the next to try; how many failed since one served */
	int64_t not_before;
	struct text trouble;   /* the last one */

	struct arena arena;
	struct text filter;
};

/* --- the connection --------------------------------------------------------------------------------------------------- */

static int64_t
milliseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static unsigned
timeout_of(const struct tasks *t)
{
	return t->options->timeout > 0 ? t->options->timeout : DEFAULT_TIMEOUT;
}

static int64_t
deadline_of(const struct tasks *t)
{
	return milliseconds() + (int64_t)timeout_of(t) * 1000;
}

/* Notes that a server does not serve: the next one's turn, and a pause after each round. */
static int
server_failed(struct tasks *t, struct text *why)
{
	size_t rounds;
	int64_t pause = 1;

	connection_close(t->connection);
	t->connection = NULL;
	t->uri = (t->uri + 1) % t->options->uri_count;
	t->failed++;
	rounds = t->failed / t->options->uri_count;
	while (rounds-- > 1 && pause < PAUSE_MAX)
		pause *= 2;
	if (t->failed % t->options->uri_count == 0)
		t->not_before = milliseconds() + (pause < PAUSE_MAX ? pause : PAUSE_MAX) * 1000;
	text_put_span(why, text_span(&t->trouble));
	return -EAGAIN;
}

static int
begin_to_connect(struct tasks *t, struct text *why)
{
	const struct tasks_options *o = t->options;
	struct connection_config config = {
		.uris = o->uris,
		.uri_count = o->uri_count,
		.starttls = o->starttls,
		.ca_file = o->ca_file,
		.cert_file = o->cert_file,
		.key_file = o->key_file,
		.bind_dn = o->bind_dn,
		.bind_password_file = o->bind_password_file,
		.sasl_mech = o->sasl_mech,
		.timeout = timeout_of(t),
	};
	struct connection_wish wish = { .base = text_str(&t->branch) };
	int r;

	if (milliseconds() < t->not_before) {
		text_put_span(why, text_span(&t->trouble));
		return -EAGAIN;
	}
	r = connection_attempt_start(&config, t->uri, &wish, &t->attempt);
	if (r < 0) {
		text_clear(&t->trouble);
		text_putf(&t->trouble, "%s: no connection: %s", o->uris[t->uri], strerror(-r));
		return server_failed(t, why);
	}
	t->attempt_since = milliseconds();
	return 0;
}

/* 0 when there is a connection. */
static int
connect_by(struct tasks *t, int64_t deadline, struct text *why)
{
	struct pollfd done = { .events = POLLIN };
	int64_t patience;
	int r;

	if (t->connection != NULL)
		return 0;
	if (t->attempt == NULL) {
		r = begin_to_connect(t, why);
		if (r < 0)
			return r;
	}
	patience = deadline - milliseconds();
	if (patience > CONNECT_PATIENCE_MS - (milliseconds() - t->attempt_since))
		patience = CONNECT_PATIENCE_MS - (milliseconds() - t->attempt_since);
	done.fd = connection_attempt_fd(t->attempt);
	if (poll(&done, 1, patience > 0 ? (int)patience : 0) <= 0) {
		if (milliseconds() - t->attempt_since <= (int64_t)timeout_of(t) * CONNECT_STEPS * 1000) {
			text_putf(why, "%s: no connection yet", t->options->uris[t->uri]);
			return -EAGAIN;
		}
		connection_attempt_abandon(take(t->attempt));
		text_clear(&t->trouble);
		text_putf(&t->trouble, "%s: no connection in time", t->options->uris[t->uri]);
		return server_failed(t, why);
	}
	text_clear(&t->trouble);
	if (connection_attempt_finish(take(t->attempt), &t->connection, &t->trouble) < 0)
		return server_failed(t, why);
	return 0;
}

/* What became of a request. *OUT_ANSWER, unless NULL, is to be freed if the result is not negative. */
static int
result_of(struct tasks *t, int sent, int id, int64_t deadline, const char *what, LDAPMessage **out_answer, struct text *why)
{
	LDAP *ld = t->connection->ldap;
	LDAPMessage *answer = NULL;
	char *words = NULL;
	int code = sent, r;

	if (code == LDAP_SUCCESS) {
		int64_t left = deadline - milliseconds();
		struct timeval wait = { left > 0 ? left / 1000 : 0, left > 0 ? left % 1000 * 1000 : 0 };

		r = ldap_result(ld, id, LDAP_MSG_ALL, &wait, &answer);
		if (r == 0)
			code = LDAP_TIMEOUT;
		else if (r < 0 && ldap_get_option(ld, LDAP_OPT_RESULT_CODE, &code) != LDAP_OPT_SUCCESS)
			code = LDAP_SERVER_DOWN;
		else if (r > 0)
			r = ldap_parse_result(ld, answer, &code, NULL, &words, NULL, NULL, 0);
		if (r < 0 && code == LDAP_SUCCESS)
			code = LDAP_SERVER_DOWN;
	}
	if (code == LDAP_SUCCESS || (code == LDAP_SIZELIMIT_EXCEEDED && out_answer != NULL)) {
		r = 1;
	} else if (code == LDAP_NO_SUCH_ATTRIBUTE || code == LDAP_NO_SUCH_OBJECT || code == LDAP_ASSERTION_FAILED) {
		r = 0;
	} else if (code < 0 || code == LDAP_BUSY || code == LDAP_UNAVAILABLE) {
		text_clear(&t->trouble);
		text_putf(&t->trouble, "%s: %s: %s", t->options->uris[t->connection->uri], what, ldap_err2string(code));
		r = server_failed(t, why);
	} else {
		text_putf(why, "%s: %s", what, ldap_err2string(code));
		if (words != NULL && *words != '\0')
			text_putf(why, " (%s)", words);
		r = code == LDAP_INSUFFICIENT_ACCESS ? -EPERM : -EIO;
	}
	ldap_memfree(words);
	if (r >= 0 && out_answer != NULL)
		*out_answer = answer;
	else
		ldap_msgfree(answer);
	if (r >= 0)
		t->failed = 0;
	return r;
}

static int
search(struct tasks *t, const char *const *names, LDAPMessage **out_answer, struct text *why)
{
	int64_t deadline = deadline_of(t);
	char *attributes[16] = { NULL };
	int id = 0, r, sent;

	if (text_failed(&t->filter) || text_failed(&t->branch))
		return -ENOMEM;
	/* A server may have ended a connection that was idle: that is no news. */
	for (bool idle = t->connection != NULL;; idle = false) {
		r = connect_by(t, deadline, why);
		if (r < 0)
			return r;
		for (size_t i = 0; names[i] != NULL; i++)
			attributes[i] = strdup(names[i]);
		sent = ldap_search_ext(t->connection->ldap, text_str(&t->branch), LDAP_SCOPE_SUBTREE, text_str(&t->filter), attributes, 0,
		                       NULL, NULL, NULL, AT_ONCE_MAX, &id);
		for (size_t i = 0; attributes[i] != NULL; i++)
			free(attributes[i]);
		r = result_of(t, sent, id, deadline, "the queue cannot be read", out_answer, why);
		if (r != -EAGAIN || !idle || milliseconds() >= deadline)
			return r;
		text_clear(why);
		t->not_before = 0;
	}
}

/* --- what stands in the queue ----------------------------------------------------------------------------------------- */

static void
put_filter_value(struct text *out, struct span s)
{
	for (size_t i = 0; i < s.len; i++) {
		char c = s.data[i];

		if (c <= 0x20 || c >= 0x7f || c == '(' || c == ')' || c == '*' || c == '\\')
			text_putf(out, "\\%02x", (unsigned char)c);
		else
			text_put_char(out, c);
	}
}

static struct span
without_final_dot(struct span host)
{
	host = span_trim(host);
	if (host.len > 1 && host.data[host.len - 1] == '.')
		host.len--;
	return host;
}

static bool
is_ours(const struct tasks *t, struct span host)
{
	host = without_final_dot(host);
	for (size_t i = 0; i < t->options->name_count; i++)
		if (span_is_nocase(without_final_dot(t->options->names[i]), host))
			return true;
	return false;
}

static void
put_names_filter(struct tasks *t)
{
	text_put(&t->filter, "(|");
	for (size_t i = 0; i < t->options->name_count; i++) {
		struct span name = without_final_dot(t->options->names[i]);

		for (int dot = 0; dot < 2; dot++) {
			text_put(&t->filter, "(ispmanHostName=");
			put_filter_value(&t->filter, name);
			text_put(&t->filter, dot != 0 ? ".)" : ")");
		}
	}
	text_put(&t->filter, ")");
}

/* The first value, and how many there are. */
static struct span
value_of(struct tasks *t, LDAPMessage *entry, const char *name, int *out_count)
{
	struct berval **values = ldap_get_values_len(t->connection->ldap, entry, name);
	struct span value = SPAN("");

	*out_count = ldap_count_values_len(values);
	if (*out_count > 0)
		value = arena_copy(&t->arena, span_from(values[0]->bv_val, values[0]->bv_len));
	ldap_value_free_len(values);
	if (value.data == NULL)
		value = SPAN("");
	return value;
}

/* The value that tells most: the status "new" before "claimed", a claim before any other message. */
static struct span
telling_value(struct tasks *t, LDAPMessage *entry, const char *name, bool is_message)
{
	struct berval **values = ldap_get_values_len(t->connection->ldap, entry, name);
	struct span value = { NULL, 0 };
	struct task_message message;

	for (size_t i = 0; values != NULL && values[i] != NULL; i++) {
		struct span v = span_from(values[i]->bv_val, values[i]->bv_len);
		bool telling;

		if (is_message)
			task_message_read(v, &message);
		telling = is_message ? message.kind == TASK_MESSAGE_CLAIM : span_is_nocase(span_trim(v), SPAN("new"));
		if (i == 0 || telling)
			value = v;
		if (telling)
			break;
	}
	if (value.data != NULL)
		value = arena_copy(&t->arena, value);
	ldap_value_free_len(values);
	return value;
}

static void
read_task(struct tasks *t, LDAPMessage *entry, struct task *task)
{
	struct span params, pid;
	struct task_message message;
	int count, processes;
	char *dn = ldap_get_dn(t->connection->ldap, entry);

	*task = (struct task){ .pid = UINT64_MAX, .fault = SPAN("") };
	task->dn = arena_copy(&t->arena, span_of(dn != NULL ? dn : ""));
	ldap_memfree(dn);
	pid = value_of(t, entry, "ispmanPid", &count);
	if (span_to_u64(pid, UINT64_MAX - 1, &task->pid) < 0)
		task->pid = UINT64_MAX;
	task->domain = value_of(t, entry, "ispmanDomain", &count);
	task->host = value_of(t, entry, "ispmanHostName", &count);
	task->user = value_of(t, entry, "ispmanUser", &count);
	task->process = value_of(t, entry, "ispmanProcess", &processes);
	params = value_of(t, entry, "ispmanParams", &count);
	task->status = telling_value(t, entry, status_name, false);
	task->message = telling_value(t, entry, message_name, true);
	task_message_read(task->message, &message);
	task->tries = message.tries;
	if (processes != 1)
		task->fault = processes > 1 ? SPAN("the task has several names") : SPAN("the task has no name");
	else if (count > 1)
		task->fault = SPAN("the task has several values of ispmanParams");
	else if (task_params_read(params, &task->params) < 0)
		task->fault = SPAN("the task has too many parameters");
}

static bool
is_new(const struct task *task)
{
	return span_is_nocase(span_trim(task->status), SPAN("new"));
}

static uint64_t
lease_of(const struct tasks *t)
{
	return t->options->lease > 0 ? t->options->lease : DEFAULT_LEASE;
}

static int
compare_tasks(const void *a, const void *b)
{
	const struct task *left = a, *right = b;
	size_t n = left->dn.len < right->dn.len ? left->dn.len : right->dn.len;
	int r;

	if (left->pid != right->pid)
		return left->pid < right->pid ? -1 : 1;
	r = n > 0 ? memcmp(left->dn.data, right->dn.data, n) : 0;
	return r != 0 ? r : (left->dn.len > right->dn.len) - (left->dn.len < right->dn.len);
}

/* All tasks of ANSWER that may be claimed now, in order. */
static int
collect(struct tasks *t, LDAPMessage *answer, struct task **out_tasks, size_t *out_count)
{
	LDAP *ld = t->connection->ldap;
	int entries = ldap_count_entries(ld, answer);
	struct span token = span_of(t->token);
	uint64_t now = (uint64_t)time(NULL);
	struct task *all;
	size_t count = 0;

	if (entries <= 0) {
		*out_count = 0;
		return 0;
	}
	all = arena_alloc(&t->arena, (size_t)entries * sizeof(*all));
	if (all == NULL)
		return -ENOMEM;
	for (LDAPMessage *e = ldap_first_entry(ld, answer); e != NULL && count < (size_t)entries; e = ldap_next_entry(ld, e)) {
		struct task *task = &all[count];
		struct task_message message;

		read_task(t, e, task);
		if (task->dn.len == 0)
			return -ENOMEM;
		task_message_read(task->message, &message);
		if (task_message_is_open(&message, !is_new(task), token, now, lease_of(t)))
			count++;
	}
	qsort(all, count, sizeof(*all), compare_tasks);
	*out_tasks = all;
	*out_count = count;
	return 0;
}

int
tasks_poll(struct tasks *t, int (*each)(void *context, const struct task *task), void *context, struct text *why)
{
	static const char *const names[] = { "ispmanPid", "ispmanDomain", "ispmanHostName", "ispmanUser", "ispmanProcess", "ispmanParams",
		                             status_name, message_name, NULL };
	LDAPMessage *answer = NULL;
	struct task *all = NULL;
	size_t count = 0;
	int r;

	arena_reset(&t->arena);
	if (t->options->name_count == 0)
		return 0;
	text_clear(&t->filter);
	text_put(&t->filter, "(&(objectClass=ispmanProcesses)(|(ispmanStatus=new)(ispmanStatus=claimed))");
	put_names_filter(t);
	text_put(&t->filter, ")");
	r = search(t, names, &answer, why);
	if (r < 0)
		return r;
	/* No branch, no tasks. */
	r = r > 0 ? collect(t, answer, &all, &count) : 0;
	ldap_msgfree(answer);
	for (size_t i = 0; r == 0 && i < count; i++)
		r = each(context, &all[i]);
	return r;
}

/* --- changes ----------------------------------------------------------------------------------------------------------- */

/* One value to be deleted or added. */
struct change {
	LDAPMod mod;
	struct berval value, *values[2];
};

static LDAPMod *
change_of(struct change *change, int op, char *name, struct span value)
{
	/* libldap only reads it. */
	union {
		const char *in;
		char *out;
	} data = { value.data };

	change->value = (struct berval){ value.len, data.out };
	change->values[0] = &change->value;
	change->values[1] = NULL;
	change->mod = (LDAPMod){ .mod_op = op | LDAP_MOD_BVALUES, .mod_type = name, .mod_bvalues = change->values };
	return &change->mod;
}

static int
assertion_of(struct tasks *t, const char *filter, LDAPControl **out_control)
{
	union {
		const char *in;
		char *out;
	} text = { filter };

	return ldap_create_assertion_control(t->connection->ldap, text.out, 1, out_control) == LDAP_SUCCESS ? 0 : -ENOMEM;
}

struct transition {
	struct span from_status;   /* empty: whatever it is */
	struct span to_status;
	struct span from_message;  /* no data: there must be none */
	struct span to_message;
};

static int
change_entry(struct tasks *t, const struct task *task, const struct transition *to, const char *what, struct text *why)
{
	int64_t deadline = deadline_of(t);
	LDAPControl *assertion = NULL, *controls[2] = { NULL };
	struct change changes[4];
	LDAPMod *mods[5] = { NULL };
	struct text sentence = TEXT_INIT;
	size_t n = 0;
	int id = 0, r, sent;

	r = connect_by(t, deadline, why);
	if (r < 0)
		return r;
	if (to->from_message.data == NULL) {
		r = assertion_of(t, "(!(ispmanMessage=*))", &assertion);
		if (r < 0)
			return r;
		controls[0] = assertion;
	} else {
		mods[n] = change_of(&changes[n], LDAP_MOD_DELETE, message_name, to->from_message);
		n++;
	}
	mods[n] = change_of(&changes[n], LDAP_MOD_ADD, message_name, to->to_message);
	n++;
	if (to->from_status.len > 0) {
		mods[n] = change_of(&changes[n], LDAP_MOD_DELETE, status_name, to->from_status);
		n++;
	}
	mods[n] = change_of(&changes[n], to->from_status.len > 0 ? LDAP_MOD_ADD : LDAP_MOD_REPLACE, status_name, to->to_status);
	text_putf(&sentence, "%s: %s", task->dn.data, what);
	sent = ldap_modify_ext(t->connection->ldap, task->dn.data, mods, controls, NULL, &id);
	r = result_of(t, sent, id, deadline, text_str(&sentence), NULL, why);
	if (assertion != NULL)
		ldap_control_free(assertion);
	text_free(&sentence);
	return r;
}

static unsigned
tries_of(const struct tasks *t)
{
	return t->options->tries > 0 ? t->options->tries : DEFAULT_TRIES;
}

int
tasks_claim(struct tasks *t, const struct task *task, struct tasks_claim *out_claim, struct text *why)
{
	bool too_often = task->tries >= tries_of(t);
	struct text message = TEXT_INIT;
	struct tasks_claim claim = { .tries = task->tries + 1 };
	struct transition to = {
		.from_status = task->status,
		.to_status = too_often ? SPAN("error") : SPAN("claimed"),
		.from_message = task->message,
	};
	int r;

	if (too_often)
		task_message_put_failure(&message, task->tries, SPAN("no try told how it ended"));
	else
		task_message_put_claim(&message, t->options->name_count > 0 ? t->options->names[0] : SPAN("?"), span_of(t->token),
		                       (uint64_t)time(NULL), claim.tries);
	if (text_failed(&message) || message.len >= sizeof(claim.message)) {
		text_free(&message);
		return -ENOMEM;
	}
	memcpy(claim.message, text_str(&message), message.len + 1);
	to.to_message = text_span(&message);
	r = change_entry(t, task, &to, "the task cannot be claimed", why);
	text_free(&message);
	if (r > 0 && too_often)
		return 0;
	if (r > 0)
		*out_claim = claim;
	return r;
}

int
tasks_done(struct tasks *t, const struct task *task, const struct tasks_claim *claim, struct text *why)
{
	int64_t deadline = deadline_of(t);
	LDAPControl *controls[2] = { NULL };
	struct text filter = TEXT_INIT, sentence = TEXT_INIT;
	int id = 0, r, sent;

	r = connect_by(t, deadline, why);
	if (r < 0)
		return r;
	text_put(&filter, "(ispmanMessage=");
	put_filter_value(&filter, span_of(claim->message));
	text_put(&filter, ")");
	text_putf(&sentence, "%s: the task cannot be deleted", task->dn.data);
	r = text_failed(&filter) ? -ENOMEM : assertion_of(t, text_str(&filter), &controls[0]);
	if (r == 0) {
		sent = ldap_delete_ext(t->connection->ldap, task->dn.data, controls, NULL, &id);
		r = result_of(t, sent, id, deadline, text_str(&sentence), NULL, why);
		ldap_control_free(controls[0]);
	}
	text_free(&filter);
	text_free(&sentence);
	return r;
}

static int
give_back(struct tasks *t, const struct task *task, const struct tasks_claim *claim, struct span status, struct text *message,
          struct text *why)
{
	struct transition to = {
		.from_status = SPAN(""),
		.to_status = status,
		.from_message = span_of(claim->message),
		.to_message = text_span(message),
	};
	int r = text_failed(message) ? -ENOMEM : change_entry(t, task, &to, "the task's status cannot be changed", why);

	text_free(message);
	return r;
}

int
tasks_failed(struct tasks *t, const struct task *task, const struct tasks_claim *claim, struct span reason, struct text *why)
{
	struct text message = TEXT_INIT;

	task_message_put_failure(&message, claim->tries, reason);
	return give_back(t, task, claim, SPAN("error"), &message, why);
}

int
tasks_retry(struct tasks *t, const struct task *task, const struct tasks_claim *claim, struct span reason, struct text *why)
{
	struct text message = TEXT_INIT;
	int r;

	if (claim->tries >= tries_of(t)) {
		r = tasks_failed(t, task, claim, reason, why);
		return r > 0 ? 2 : r;
	}
	task_message_put_retry(&message, (uint64_t)time(NULL) + task_message_delay(claim->tries), claim->tries, reason);
	return give_back(t, task, claim, SPAN("new"), &message, why);
}

/* --- what nobody takes ------------------------------------------------------------------------------------------------- */

static size_t
count_hosts(struct tasks *t, LDAPMessage *answer, struct tasks_unclaimed hosts[HOSTS_MAX])
{
	LDAP *ld = t->connection->ldap;
	size_t count = 0, i;
	int values;

	for (LDAPMessage *e = ldap_first_entry(ld, answer); e != NULL; e = ldap_next_entry(ld, e)) {
		struct span host = value_of(t, e, "ispmanHostName", &values);
		char *dn;

		for (i = 0; i < count && !span_is_nocase(hosts[i].host, host); i++)
			;
		if (i == HOSTS_MAX)
			continue;
		if (i == count) {
			dn = ldap_get_dn(ld, e);
			hosts[count++] = (struct tasks_unclaimed){
				.host = host,
				.ours = is_ours(t, host),
				.dn = arena_copy(&t->arena, span_of(dn != NULL ? dn : "")),
			};
			ldap_memfree(dn);
		}
		hosts[i].count++;
	}
	return count;
}

int
tasks_unclaimed(struct tasks *t, uint64_t seconds, int (*each)(void *context, const struct tasks_unclaimed *waiting), void *context,
                struct text *why)
{
	static const char *const names[] = { "ispmanHostName", NULL };
	time_t before = time(NULL) - (time_t)seconds;
	struct tasks_unclaimed hosts[HOSTS_MAX];
	LDAPMessage *answer = NULL;
	char since[32] = "";
	struct tm tm;
	size_t count;
	int r;

	if (gmtime_r(&before, &tm) == NULL || strftime(since, sizeof(since), "%Y%m%d%H%M%SZ", &tm) == 0)
		return -EINVAL;
	text_clear(&t->filter);
	/* What an agent wrote into was taken; it waits to be tried again. */
	text_putf(&t->filter, "(&(objectClass=ispmanProcesses)(ispmanStatus=new)(modifyTimestamp<=%s)"
	                      "(!(|(ispmanMessage=claimed by *)(ispmanMessage=try *))))", since);
	r = search(t, names, &answer, why);
	if (r < 0)
		return r;
	count = r > 0 ? count_hosts(t, answer, hosts) : 0;
	ldap_msgfree(answer);
	r = 0;
	for (size_t i = 0; r == 0 && i < count; i++)
		r = each(context, &hosts[i]);
	return r;
}

/* --- open, close ------------------------------------------------------------------------------------------------------- */

static int
make_token(char token[TOKEN_LEN + 1])
{
	uint8_t octets[TOKEN_LEN / 2];

	if (getrandom(octets, sizeof(octets), 0) != (ssize_t)sizeof(octets))
		return -EIO;
	for (size_t i = 0; i < sizeof(octets); i++)
		snprintf(token + 2 * i, 3, "%02x", octets[i]);
	return 0;
}

int
tasks_open(const struct tasks_options *options, struct tasks **out)
{
	struct tasks *t;
	int r;

	if (options->uri_count == 0 || options->base == NULL)
		return -EINVAL;
	t = calloc(1, sizeof(*t));
	if (t == NULL)
		return -ENOMEM;
	t->options = options;
	text_putf(&t->branch, "%s,%s", options->branch != NULL ? options->branch : "ou=processes", options->base);
	r = text_failed(&t->branch) ? -ENOMEM : make_token(t->token);
	if (r < 0) {
		tasks_close(t);
		return r;
	}
	*out = t;
	return 0;
}

void
tasks_close(struct tasks *t)
{
	if (t == NULL)
		return;
	connection_attempt_abandon(t->attempt);
	connection_close(t->connection);
	connection_settle();
	text_free(&t->branch);
	text_free(&t->trouble);
	text_free(&t->filter);
	arena_free(&t->arena);
	free(t);
}
