/* SPDX-License-Identifier: Apache-2.0 */
/* bcrypt, as htpasswd writes it, so that such a file is good for other servers, too. */
#include "agent/core/user_line.h"

#include <crypt.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* 2^11 rounds: about a tenth of a second. */
#define ROUNDS 11

bool
user_line(const char *name, const char *password, char *dst, size_t cap)
{
	struct crypt_data *data;
	char *salt, *hash;
	int n = -1;

	/* A colon ends the name in the file, a line break the line. */
	if (name[0] == '\0' || strpbrk(name, ":\r\n") != NULL || password[0] == '\0' ||
	    strlen(password) > USER_LINE_PASSWORD_BYTES)
		return false;
	data = calloc(1, sizeof(*data));
	salt = crypt_gensalt_ra("$2b$", ROUNDS, NULL, 0);
	hash = salt == NULL || data == NULL ? NULL : crypt_r(password, salt, data);
	/* libcrypt tells a failure by a text that begins with '*'. */
	if (hash != NULL && hash[0] == '$')
		n = snprintf(dst, cap, "%s:%s", name, hash);
	if (data != NULL)
		OPENSSL_cleanse(data, sizeof(*data));
	free(data);
	free(salt);
	return n > 0 && (size_t)n < cap;
}
