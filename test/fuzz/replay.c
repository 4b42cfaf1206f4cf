/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a fuzz target over the files and folders named on the command line. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static int n_files;

static void
replay_file(const char *path)
{
	FILE *f = fopen(path, "rb");
	uint8_t *bytes;
	long n;

	if (f == NULL || fseek(f, 0, SEEK_END) != 0 || (n = ftell(f)) < 0) {
		perror(path);
		exit(1);
	}
	rewind(f);
	bytes = malloc(n > 0 ? (size_t)n : 1);
	if (bytes == NULL || fread(bytes, 1, (size_t)n, f) != (size_t)n) {
		perror(path);
		exit(1);
	}
	fclose(f);
	LLVMFuzzerTestOneInput(bytes, (size_t)n);
	free(bytes);
	n_files++;
}

static void
replay(const char *path)
{
	struct stat st;
	DIR *dir;

	if (stat(path, &st) != 0) {
		perror(path);
		exit(1);
	}
	if (!S_ISDIR(st.st_mode)) {
		replay_file(path);
		return;
	}
	dir = opendir(path);
	if (dir == NULL) {
		perror(path);
		exit(1);
	}
	for (struct dirent *e; (e = readdir(dir)) != NULL;) {
		char child[4096];

		if (e->d_name[0] == '.')
			continue;
		snprintf(child, sizeof(child), "%s/%s", path, e->d_name);
		replay(child);
	}
	closedir(dir);
}

int
main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		replay(argv[i]);
	printf("%d inputs replayed\n", n_files);
	return n_files > 0 ? 0 : 1;
}
