/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * What saslauth/password.h says, for password_vectors.py: for each line "PASSWORD TAB VALUE" a line "KIND, SCHEME, right | wrong".
 */
#include <config.h>

#include "saslauth/password.h"

#include <stdio.h>

int
main(void)
{
	char *line = NULL;
	size_t room = 0;
	ssize_t len;

	while ((len = getline(&line, &room, stdin)) > 0) {
		struct span rest = span_from(line, (size_t)len - (line[len - 1] == '\n'));
		const char *tab = memchr(rest.data, '\t', rest.len);
		struct password_value value;
		struct span password;
		int r;

		if (tab == NULL)
			return 2;
		password = span_from(rest.data, (size_t)(tab - rest.data));
		rest = span_skip(rest, password.len + 1);
		password_inspect(rest, NULL, &value);
		r = password_verify(rest, password, NULL);
		printf("%s, %s, %s\n", password_kind_name(value.kind), value.scheme, r < 0 ? "cannot tell" : r > 0 ? "right" : "wrong");
		fflush(stdout);
	}
	free(line);
	return 0;
}
