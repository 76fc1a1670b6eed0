/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * How octets are written in stored values: hexadecimal, or one of the three alphabets of base64.
 */
#include <config.h>

#include "saslauth/password_internal.h"

/* The six bits of a digit, -1 for any other octet. */
static int
base64_digit(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+' || c == '-' || c == '.')
		return 62;
	return c == '/' || c == '_' ? 63 : -1;
}

int
password_decode_base64(struct span s, uint8_t *out, size_t room)
{
	uint32_t bits = 0;
	size_t n = 0;

	for (int padding = 0; padding < 2 && s.len > 0 && s.data[s.len - 1] == '='; padding++)
		s.len--;
	if (s.len % 4 == 1 || s.len / 4 * 3 + (s.len % 4) * 3 / 4 > room)
		return -1;
	for (size_t i = 0; i < s.len; i++) {
		int digit = base64_digit(s.data[i]);

		if (digit < 0)
			return -1;
		bits = bits << 6 | (uint32_t)digit;
		if (i % 4 != 0)
			out[n++] = (uint8_t)(bits >> (6 - i % 4 * 2));
	}
	return (int)n;
}

int
password_decode_hex(struct span s, uint8_t *out, size_t room)
{
	if (s.len % 2 != 0 || s.len / 2 > room)
		return -1;
	for (size_t i = 0; i < s.len / 2; i++) {
		int high = ascii_hex(s.data[2 * i]);
		int low = ascii_hex(s.data[2 * i + 1]);

		if (high < 0 || low < 0)
			return -1;
		out[i] = (uint8_t)(high << 4 | low);
	}
	return (int)(s.len / 2);
}
