/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * Fills a secret or an account environment with what standard input describes (login_text.h).
 *
 *	write_login FOLDER secret|account < TEXT
 */
#include <config.h>

#include "tests/lib/login_text.h"

#include "common/text.h"

#include <stdio.h>

int
main(int argc, char **argv)
{
	struct text text = TEXT_INIT;
	char piece[65536];
	size_t n;

	if (argc != 3 || (strcmp(argv[2], "secret") != 0 && strcmp(argv[2], "account") != 0)) {
		fprintf(stderr, "usage: write_login FOLDER secret|account < TEXT\n");
		return 2;
	}
	while ((n = fread(piece, 1, sizeof(piece), stdin)) > 0)
		text_put_span(&text, span_from(piece, n));
	if (ferror(stdin) || text_failed(&text)) {
		fprintf(stderr, "write_login: standard input cannot be read\n");
		return 1;
	}
	login_text_write(argv[1], argv[2][0] == 's' ? LOGIN_SECRET : LOGIN_ACCOUNT, text_span(&text));
	login_text_close();
	text_free(&text);
	return 0;
}
