/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 */
#include <config.h>

#include "postfix_map/netstring.h"

#include <errno.h>

int
netstring_take(struct span input, size_t max, struct span *out, size_t *out_taken, size_t *out_rest)
{
	size_t length = 0, head;

	for (head = 0; head < input.len && input.data[head] != ':'; head++) {
		char c = input.data[head];

		if (c < '0' || c > '9' || head == NETSTRING_DIGITS_MAX)
			return -EBADMSG;
		length = length * 10 + (size_t)(c - '0');
		if (length > NETSTRING_LENGTH_MAX)
			return -EBADMSG;
	}
	if (head == input.len)
		return 0;
	head++;
	if (length > max) {
		*out_taken = head;
		*out_rest = length + 1;
		return -EMSGSIZE;
	}
	if (input.len - head < length + 1)
		return 0;
	if (input.data[head + length] != ',')
		return -EBADMSG;
	*out = span_from(input.data + head, length);
	*out_taken = head + length + 1;
	return 1;
}

void
netstring_put(struct text *out, struct span head, struct span data)
{
	char digits[NETSTRING_DIGITS_MAX + 1];
	size_t length = head.len + data.len, at = sizeof(digits);
	char *place;

	digits[--at] = ':';
	do
		digits[--at] = (char)('0' + length % 10);
	while ((length /= 10) > 0);
	place = text_extend(out, sizeof(digits) - at + head.len + data.len + 1);
	if (place == NULL)
		return;
	place = mempcpy(place, digits + at, sizeof(digits) - at);
	place = mempcpy(place, head.data, head.len);
	place = mempcpy(place, data.data, data.len);
	*place = ',';
}
