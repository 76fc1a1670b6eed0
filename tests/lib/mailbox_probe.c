/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * The agent's mailboxes from a test: mailbox_probe SERVER MODE [ca=FILE] with one command a line on stdin, one answer a line.
 *
 *	look NAME ID           absent | ours QUOTA | unstamped QUOTA | foreign QUOTA
 *	make NAME ID QUOTA     1 | 0, and the same for the others
 *	complete NAME ID
 *	adopt NAME ID
 *	quota NAME ID QUOTA
 *	rights NAME ID
 *	delete NAME ID
 *	restore NAME ID
 *	each                   the names, with blanks between
 *
 * MODE is address or uid; an error is "ERROR sentence". ID is a number, of which the entryUUID is made.
 */
#include <config.h>

#include "agent/mailbox.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static const struct mailbox_folder folders[] = { { { "Sent", 4 }, { "\\Sent", 5 } }, { { "Entw\xc3\xbcrfe", 9 }, { "\\Drafts", 7 } } };

static struct mailbox_session *session;

static int
tell_name(void *context, struct span name)
{
	bool *first = context;

	printf("%s%.*s", *first ? "" : " ", (int)name.len, name.data);
	*first = false;
	return 0;
}

static struct mailbox_want
want_of(struct span *rest)
{
	struct mailbox_want want = { .name = SPAN(""), .quota = MAILBOX_QUOTA_NONE };
	struct span id = SPAN(""), quota;
	uint64_t n = 0;

	(void)span_next_word(rest, &want.name);
	(void)span_next_word(rest, &id);
	if (span_to_u64(id, 255, &n) == 0)
		want.uuid[MAILBOX_UUID_LEN - 1] = (uint8_t)n;
	if (span_next_word(rest, &quota) && span_to_u64(quota, INT32_MAX, &n) == 0)
		want.quota = (int64_t)n;
	return want;
}

static int
look(const struct mailbox_want *want, struct text *why)
{
	static const char *const states[] = { "absent", "ours", "unstamped", "foreign" };
	struct mailbox_found found;
	int r = mailbox_look(session, want, &found, why);

	if (r == 0 && found.state == MAILBOX_ABSENT)
		printf("absent");
	else if (r == 0)
		printf("%s %lld", states[found.state], (long long)found.quota);
	return r;
}

static int
do_line(struct span line, struct text *why)
{
	static const struct {
		const char *word;
		int (*run)(struct mailbox_session *s, const struct mailbox_want *want, struct text *why);
	} commands[] = {
		{ "make", mailbox_make },       { "complete", mailbox_complete }, { "adopt", mailbox_adopt },
		{ "quota", mailbox_set_quota }, { "delete", mailbox_delete },     { "restore", mailbox_restore },
		{ "rights", mailbox_give_rights },
	};
	struct mailbox_want want;
	struct span word;
	bool first = true;
	int r = -EINVAL;

	if (!span_next_word(&line, &word))
		return -EINVAL;
	if (span_is(word, SPAN("each")))
		return mailbox_each(session, tell_name, &first, why);
	want = want_of(&line);
	if (span_is(word, SPAN("look")))
		return look(&want, why);
	for (size_t i = 0; i < array_size(commands); i++)
		if (span_is(word, span_of(commands[i].word)))
			r = commands[i].run(session, &want, why);
	if (r >= 0)
		printf("%d", r);
	return r;
}

int
main(int argc, char **argv)
{
	struct mailbox_options options = {
		.user = "cyrus",
		.password = getenv("MAILBOX_PASSWORD") != NULL ? getenv("MAILBOX_PASSWORD") : "cyruspw",
		.timeout = 10,
		.folder_count = array_size(folders),
		.folders = folders,
	};
	char line[1024];

	if (argc < 3)
		return 2;
	options.server = argv[1];
	options.virtual_domains = strcmp(argv[2], "address") == 0;
	if (argc > 3 && strncmp(argv[3], "ca=", 3) == 0) {
		options.starttls = true;
		options.ca_file = argv[3] + 3;
	}
	if (mailbox_session_new(&options, &session) < 0)
		return 1;
	while (fgets(line, sizeof(line), stdin) != NULL) {
		struct text why = TEXT_INIT;

		if (do_line(span_trim(span_of(line)), &why) < 0)
			printf("ERROR %s", text_str(&why));
		putchar('\n');
		fflush(stdout);
		text_free(&why);
	}
	mailbox_session_free(session);
	return 0;
}
