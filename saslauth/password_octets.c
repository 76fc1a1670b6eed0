/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * How octets are written in stored values: hexadecimal, or one of the three alphabets of base64.
 */
#include <config.h>

#include "saslauth/password_internal.h"

/* The six bits of each digit, and one; 0 of any other octet. */
static const uint8_t base64_digits[256] = {
	['A'] = 1, ['B'] = 2, ['C'] = 3, ['D'] = 4, ['E'] = 5, ['F'] = 6, ['G'] = 7, ['H'] = 8, ['I'] = 9,
	['J'] = 10, ['K'] = 11, ['L'] = 12, ['M'] = 13, ['N'] = 14, ['O'] = 15, ['P'] = 16, ['Q'] = 17, ['R'] = 18,
	['S'] = 19, ['T'] = 20, ['U'] = 21, ['V'] = 22, ['W'] = 23, ['X'] = 24, ['Y'] = 25, ['Z'] = 26, ['a'] = 27,
	['b'] = 28, ['c'] = 29, ['d'] = 30, ['e'] = 31, ['f'] = 32, ['g'] = 33, ['h'] = 34, ['i'] = 35, ['j'] = 36,
	['k'] = 37, ['l'] = 38, ['m'] = 39, ['n'] = 40, ['o'] = 41, ['p'] = 42, ['q'] = 43, ['r'] = 44, ['s'] = 45,
	['t'] = 46, ['u'] = 47, ['v'] = 48, ['w'] = 49, ['x'] = 50, ['y'] = 51, ['z'] = 52, ['0'] = 53, ['1'] = 54,
	['2'] = 55, ['3'] = 56, ['4'] = 57, ['5'] = 58, ['6'] = 59, ['7'] = 60, ['8'] = 61, ['9'] = 62, ['+'] = 63,
	['-'] = 63, ['.'] = 63, ['/'] = 64, ['_'] = 64,
};

/* COUNT digits as a number; more than 24 bits if one of them is none. */
static uint32_t
base64_number(const char *digits, size_t count)
{
	uint32_t number = 0, wrong = 0;

	for (size_t i = 0; i < count; i++) {
		uint32_t digit = base64_digits[(uint8_t)digits[i]] - 1u;

		wrong |= digit >> 6;
		number = number << 6 | digit;
	}
	return wrong != 0 ? UINT32_MAX : number;
}

int
password_decode_base64(struct span s, uint8_t *out, size_t room)
{
	uint32_t bits;
	size_t n = 0;

	for (int padding = 0; padding < 2 && s.len > 0 && s.data[s.len - 1] == '='; padding++)
		s.len--;
	if (s.len % 4 == 1 || s.len / 4 * 3 + (s.len % 4) * 3 / 4 > room)
		return -1;
	for (; s.len >= 4; s = span_skip(s, 4)) {
		bits = base64_number(s.data, 4);
		if (bits == UINT32_MAX)
			return -1;
		out[n++] = (uint8_t)(bits >> 16);
		out[n++] = (uint8_t)(bits >> 8);
		out[n++] = (uint8_t)bits;
	}
	bits = base64_number(s.data, s.len);
	if (bits == UINT32_MAX)
		return -1;
	if (s.len >= 2)
		out[n++] = (uint8_t)(bits >> (s.len == 3 ? 10 : 4));
	if (s.len == 3)
		out[n++] = (uint8_t)(bits >> 2);
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
