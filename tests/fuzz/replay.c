/* SPDX-License-Identifier: ISC
 * SPDX-FileCopyrightText: the ispman authors
 *
 * The main() of a fuzz target in a normal build: gives it every file named on the command line,
 * once. A target that finds a fault aborts.
 */
#include <config.h>

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Returns the whole of FILE, or NULL; the memory is exactly as long, so that a sanitizer sees the
 * first octet read too far. */
static uint8_t *
read_whole(FILE *file, size_t *out_size)
{
	size_t size = 0;
	size_t room = 1 << 16;
	uint8_t *data = malloc(room);

	while (data != NULL) {
		size_t n = fread(data + size, 1, room - size, file);
		uint8_t *larger;

		size += n;
		if (n == 0) {
			uint8_t *exact = realloc(data, size > 0 ? size : 1);

			*out_size = size;
			return exact != NULL ? exact : data;
		}
		if (size < room)
			continue;
		room *= 2;
		larger = realloc(data, room);
		if (larger == NULL)
			free(data);
		data = larger;
	}
	return NULL;
}

int
main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		FILE *file = fopen(argv[i], "rb");
		uint8_t *data;
		size_t size;

		if (file == NULL) {
			perror(argv[i]);
			return 1;
		}
		data = read_whole(file, &size);
		fclose(file);
		if (data == NULL) {
			perror(argv[i]);
			return 1;
		}
		LLVMFuzzerTestOneInput(data, size);
		free(data);
	}
	return 0;
}
