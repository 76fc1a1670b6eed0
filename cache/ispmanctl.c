/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * ispmanctl: asks and steers the cache, for people and scripts.
 *
 * It opens no private environment: DNS and mail are looked up where named and Postfix's server look them up, without ispman-cached;
 * accounts are ispman-saslauthd's to look up; what needs ispman-cached goes over its control socket. A new command is a row in
 * commands[] and a line in ispmanctl.8.
 */
#include <config.h>

#include "cache/ispmanctl.h"

#include <errno.h>
#include <getopt.h>
#include <locale.h>
#include <stdarg.h>
#include <stdio.h>

#define DEFAULT_CONF SYSCONFDIR "/ispman/ispman.conf"

#define LOOKUP_OPERANDS "dns NAME [TYPE] | mail MAP KEY | account LOGIN [--service NAME] [--realm NAME]"

enum { TAKES_JSON = 1, TAKES_TIMEOUT = 2, TAKES_OPERANDS = 4, TAKES_SERVICE = 8 };

static const struct command {
	const char *name, *operands, *summary;
	unsigned takes;
	int (*run)(const struct ctl *ctl);
	const char *help;
} commands[] = {
	{ "status", "", "whether the cache has what the directory has", TAKES_JSON, ctl_status,
	  "Exit 0 when it has, 1 when it has not or something is wrong, 3 when ispman-cached does not\n"
	  "answer; then the age of the cache is told from the cache itself.\n" },
	{ "lookup", LOOKUP_OPERANDS, "what is answered", TAKES_JSON | TAKES_OPERANDS | TAKES_SERVICE, ctl_lookup,
	  "dns prints the records in master-file form and says what kind of answer they are. Without TYPE, all\n"
	  "records of the name. An IP address stands for its reverse name. Reads the cache itself, also without\n"
	  "ispman-cached. Exit 0 when there are records, 1 when there are none (no such name, no such\n"
	  "record, no zone of ours), 3 when the cache cannot tell.\n\n"
	  "mail prints what Postfix is answered. MAP is one of virtual, domains, relay-domains, transport,\n"
	  "recipients, canonical, sender-login, mailbox and relocated; KEY is what Postfix would send. Exit 0\n"
	  "when there is an answer, 1 when there is none, 3 when the cache cannot tell.\n\n"
	  "account asks ispman-saslauthd whose login it is and whether it may log in to the service (smtp unless\n"
	  "given) with the right password. Never shows a password. Exit 0 when it may, 1 when it may not or\n"
	  "nobody has it, 3 when that cannot be told.\n" },
	{ "explain", LOOKUP_OPERANDS, "what is answered, and why", TAKES_JSON | TAKES_OPERANDS | TAKES_SERVICE,
	  ctl_explain,
	  "The same as lookup, with every step of the search and, while ispman-cached runs, the entries of\n"
	  "the directory that stand behind it.\n" },
	{ "problems", "", "what in the directory is wrong", TAKES_JSON, ctl_problems,
	  "Exit 0 without problems, 1 with some.\n" },
	{ "wait", "", "until the cache has what the directory has", TAKES_JSON | TAKES_TIMEOUT, ctl_wait,
	  "Also waits for ispman-cached to start. Exit 0 when synchronised, 1 when that took longer than\n"
	  "--timeout allows.\n" },
	{ "verify", "", "compares the cache with the directory", TAKES_JSON, ctl_verify,
	  "Reads everything once more and prints each difference. Exit 0 without differences, 1 with some.\n" },
	{ "rebuild", "[dns|mail|secret|account]", "makes everything derived anew from the replica", TAKES_JSON | TAKES_OPERANDS, ctl_rebuild,
	  "Needs no directory; answers go on meanwhile. Returns when it is done. With a name, only that\n"
	  "environment.\n" },
	{ "release-brake", "", "lets a comparison remove what the brake holds, once", TAKES_JSON,
	  ctl_release_brake,
	  "Exit 1 when the brake holds nothing.\n" },
	{ "metrics", "", "all counters, as OpenMetrics text", 0, ctl_metrics,
	  "Of every program that runs on this machine and uses the cache, named included.\n" },
	{ "config", "bind|postfix|cyrus|pure-ftpd|apparmor|slapd", "what to put into others' configuration", TAKES_OPERANDS, ctl_config,
	  "Filled in from ispman.conf.\n" },
};

void
ctl_complain(const char *format, ...)
{
	va_list args;

	fputs("ispmanctl: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
}

void
ctl_print_foreign(const char *string)
{
	for (const unsigned char *c = (const unsigned char *)string; *c != '\0'; c++) {
		/* U+0080 to U+009F are control characters too. */
		bool steers = *c < ' ' || *c == 0x7f || (*c == 0xc2 && c[1] >= 0x80 && c[1] <= 0x9f);

		if (steers && *c == 0xc2)
			printf("\\x%02x", *++c);
		else if (steers)
			printf("\\x%02x", *c);
		else
			putchar(*c);
	}
}

void
ctl_print_json(json_t *json)
{
	if (json != NULL)
		json_dumpf(json, stdout, JSON_INDENT(2) | JSON_SORT_KEYS | JSON_REAL_PRECISION(15));
	fputc('\n', stdout);
	json_decref(json);
}

/* --- lookup and explain ---- */

int
ctl_misused(const char *command)
{
	ctl_complain("%s takes " LOOKUP_OPERANDS, command);
	return CTL_USAGE;
}

static int
look_up(const struct ctl *ctl, const char *command, bool explain)
{
	static const struct {
		const char *audience;
		int (*run)(const struct ctl *ctl, const char *command, bool explain);
	} rows[] = { { "dns", ctl_dns }, { "mail", ctl_mail }, { "account", ctl_account } };

	if ((ctl->service != NULL || ctl->realm != NULL) && ctl->argc > 0 && strcmp(ctl->argv[0], "account") != 0) {
		ctl_complain("%s %s takes no --service and no --realm", command, ctl->argv[0]);
		return CTL_USAGE;
	}
	for (size_t i = 0; i < array_size(rows) && ctl->argc > 0; i++)
		if (strcmp(ctl->argv[0], rows[i].audience) == 0)
			return rows[i].run(ctl, command, explain);
	return ctl_misused(command);
}

int
ctl_lookup(const struct ctl *ctl)
{
	return look_up(ctl, "lookup", false);
}

int
ctl_explain(const struct ctl *ctl)
{
	return look_up(ctl, "explain", true);
}

void
ctl_print_steps(const json_t *answer)
{
	const json_t *step;
	size_t i;

	json_array_foreach(json_object_get(answer, "steps"), i, step)
	{
		printf("; %zu. ", i + 1);
		ctl_print_foreign(json_string_value(step));
		putchar('\n');
	}
}

void
ctl_print_entries(const json_t *answer)
{
	const json_t *group, *dn;
	size_t i, k;

	json_array_foreach(json_object_get(answer, "entries"), i, group)
	{
		printf("; entries behind %s ", json_string_value(json_object_get(group, "kind")));
		ctl_print_foreign(json_string_value(json_object_get(group, "behind")));
		putchar('\n');
		json_array_foreach(json_object_get(group, "dns"), k, dn)
		{
			printf(";   ");
			ctl_print_foreign(json_string_value(dn));
			putchar('\n');
		}
	}
	if (json_object_get(answer, "entries-unknown") != NULL)
		printf("; entries behind it: %s\n", json_string_value(json_object_get(answer, "entries-unknown")));
}

static void
print_help(void)
{
	printf("ispmanctl: asks and steers the cache\n\n"
	       "usage: ispmanctl [-c FILE] [-o SECTION.KEY=VALUE]... COMMAND [ARGUMENT]...\n\n");
	for (size_t i = 0; i < array_size(commands); i++) {
		int n = printf("  %s %s", commands[i].name, commands[i].operands);

		printf("%*s %s\n", n < 30 ? 30 - n : 0, "", commands[i].summary);
	}
	printf("\n"
	       "  -c FILE                      configuration (%s)\n"
	       "  -o SECTION.KEY=VALUE         overrides the configuration; may be given several times\n"
	       "  -V, --version                prints the version\n"
	       "  -h, --help                   prints this, or more about a COMMAND\n\n"
	       "Exit status: 0 found or fine, 1 not found or problems, 2 wrong usage, 3 cannot tell.\n",
	       DEFAULT_CONF);
}

static void
print_command_help(const struct command *command)
{
	printf("ispmanctl %s: %s\n\n"
	       "usage: ispmanctl %s%s%s%s%s\n\n%s",
	       command->name, command->summary, command->name,
	       (command->takes & TAKES_JSON) != 0 ? " [--json]" : "",
	       (command->takes & TAKES_TIMEOUT) != 0 ? " [--timeout SECONDS]" : "",
	       command->operands[0] != '\0' ? " " : "", command->operands, command->help);
}

struct options {
	const char *conf_path, *service, *realm;
	bool help, version, json, timeout_given;
	int64_t timeout;
	const char **overrides;
	size_t override_count;
};

static int
parse_timeout(const char *text, int64_t *out_milliseconds)
{
	char *end;
	double seconds;
	uint64_t whole;

	if (conf_seconds(span_of(text), &whole) == 0 && whole < INT32_MAX) {
		*out_milliseconds = (int64_t)whole * 1000;
		return 0;
	}
	seconds = strtod(text, &end);
	if (end == text || *end != '\0' || !(seconds >= 0 && seconds < INT32_MAX))
		return -EINVAL;
	*out_milliseconds = (int64_t)(seconds * 1000);
	return 0;
}

/* 0 or an exit code. */
static int
take_option(int option, char **argv, struct options *options)
{
	switch (option) {
	case 'c':
		options->conf_path = optarg;
		return 0;
	case 'o':
		/* There is room for every argument. */
		options->overrides[options->override_count++] = optarg;
		return 0;
	case 'h':
		options->help = true;
		return 0;
	case 'V':
		options->version = true;
		return 0;
	case 'j':
		options->json = true;
		return 0;
	case 't':
		options->timeout_given = true;
		if (parse_timeout(optarg, &options->timeout) == 0)
			return 0;
		ctl_complain("--timeout %s: allowed: seconds such as 5, 0.5 or 2m", optarg);
		return CTL_USAGE;
	case 's':
		options->service = optarg;
		return 0;
	case 'r':
		options->realm = optarg;
		return 0;
	case ':':
		ctl_complain("%s lacks its value", argv[optind - 1]);
		return CTL_USAGE;
	default:
		ctl_complain("unknown option %s; ispmanctl --help tells the options", argv[optind - 1]);
		return CTL_USAGE;
	}
}

static int
parse_options(int argc, char **argv, struct options *out)
{
	static const struct option names[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ "json", no_argument, NULL, 'j' },
		{ "timeout", required_argument, NULL, 't' },
		{ "service", required_argument, NULL, 's' },
		{ "realm", required_argument, NULL, 'r' },
		{ NULL, 0, NULL, 0 },
	};
	int option, code = 0;

	opterr = 0;
	while (code == 0 && (option = getopt_long(argc, argv, ":c:o:hV", names, NULL)) != -1)
		code = take_option(option, argv, out);
	return code;
}

static const struct command *
find_command(const char *name)
{
	for (size_t i = 0; i < array_size(commands); i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

/* Without -c, a file that is not there means defaults. */
static int
load_settings(const struct options *options, struct settings **out, const char **out_path)
{
	const char *path = options->conf_path != NULL ? options->conf_path : DEFAULT_CONF;
	struct text why = TEXT_INIT;
	struct span rest, line;
	int r;

	if (options->conf_path == NULL && access(path, F_OK) < 0 && errno == ENOENT)
		path = NULL;
	r = settings_load_reader(path, options->overrides, options->override_count, out, &why);
	*out_path = path;
	rest = text_span(&why);
	while (r < 0 && rest.len > 0) {
		const char *end = memchr(rest.data, '\n', rest.len);

		line = span_from(rest.data, end != NULL ? (size_t)(end - rest.data) : rest.len);
		ctl_complain("%.*s", (int)line.len, line.data);
		rest = span_skip(rest, end != NULL ? line.len + 1 : line.len);
	}
	text_free(&why);
	if (r == 0)
		return 0;
	return r == -EINVAL || r == -ENOENT ? CTL_USAGE : CTL_CANNOT_TELL;
}

static int
check_use(const struct command *command, const struct options *options, int operands)
{
	if (options->json && (command->takes & TAKES_JSON) == 0)
		ctl_complain("%s takes no --json", command->name);
	else if (options->timeout_given && (command->takes & TAKES_TIMEOUT) == 0)
		ctl_complain("%s takes no --timeout", command->name);
	else if ((options->service != NULL || options->realm != NULL) && (command->takes & TAKES_SERVICE) == 0)
		ctl_complain("%s takes no --service and no --realm", command->name);
	else if (operands > 0 && (command->takes & TAKES_OPERANDS) == 0)
		ctl_complain("%s takes no arguments", command->name);
	else
		return 0;
	return CTL_USAGE;
}

static int
run(int argc, char **argv, struct options *options)
{
	cleanup(settings_freep) struct settings *settings = NULL;
	const struct command *command = argc > 0 ? find_command(argv[0]) : NULL;
	struct ctl ctl = {
		.json = options->json,
		.timeout = options->timeout_given ? options->timeout : -1,
		.service = options->service,
		.realm = options->realm,
	};
	int code;

	if (options->version) {
		printf("ispmanctl %s\n", PACKAGE_VERSION);
		return CTL_FINE;
	}
	if (argc > 0 && command == NULL) {
		ctl_complain("unknown command %s; ispmanctl --help tells the commands", argv[0]);
		return CTL_USAGE;
	}
	if (options->help) {
		if (command != NULL)
			print_command_help(command);
		else
			print_help();
		return CTL_FINE;
	}
	if (command == NULL) {
		ctl_complain("a command is missing; ispmanctl --help tells the commands");
		return CTL_USAGE;
	}
	code = check_use(command, options, argc - 1);
	if (code == 0)
		code = load_settings(options, &settings, &ctl.conf_path);
	if (code != 0)
		return code;
	ctl.settings = settings;
	ctl.argc = argc - 1;
	ctl.argv = argv + 1;
	return command->run(&ctl);
}

int
main(int argc, char **argv)
{
	struct options options = { .timeout = -1 };
	int code;

	setlocale(LC_CTYPE, "");
	options.overrides = calloc((size_t)argc + 1, sizeof(*options.overrides));
	if (options.overrides == NULL)
		return CTL_CANNOT_TELL;
	code = parse_options(argc, argv, &options);
	if (code == 0)
		code = run(argc - optind, argv + optind, &options);
	free(options.overrides);
	/* Half an answer is no answer. */
	if (fflush(stdout) != 0 || ferror(stdout)) {
		ctl_complain("the answer cannot be written: %s", strerror(errno));
		return CTL_CANNOT_TELL;
	}
	return code;
}
