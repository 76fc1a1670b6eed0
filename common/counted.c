/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 */
#include <config.h>

#include "common/counted.h"

#include <errno.h>

int
counted_take(struct span *input, size_t max, struct span *out)
{
	size_t length;

	if (input->len < COUNTED_HEAD)
		return 0;
	length = (size_t)(unsigned char)input->data[0] << 8 | (unsigned char)input->data[1];
	if (length > max)
		return -EMSGSIZE;
	if (input->len - COUNTED_HEAD < length)
		return 0;
	*out = span_from(input->data + COUNTED_HEAD, length);
	*input = span_skip(*input, COUNTED_HEAD + length);
	return 1;
}

int
counted_put(struct text *out, struct span data)
{
	char *place;

	if (data.len > COUNTED_LENGTH_MAX)
		return -EMSGSIZE;
	place = text_extend(out, COUNTED_HEAD + data.len);
	if (place == NULL)
		return 0;
	*place++ = (char)(data.len >> 8);
	*place++ = (char)(data.len & 0xff);
	if (data.len > 0)
		memcpy(place, data.data, data.len);
	return 0;
}
