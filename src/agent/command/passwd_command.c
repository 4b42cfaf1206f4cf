/* SPDX-License-Identifier: Apache-2.0 */
/* `adit passwd`: asks for a password and prints its hash. */
#include "agent/command/passwd_command.h"

#include "agent/core/exit_code.h"
#include "base/tell.h"

#include <crypt.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

/* bcrypt reads no more than 72 bytes; a longer password would be a shorter
 * one without anybody knowing. */
#define PASSWORD_BYTES_MAX 72
/* 2^11 rounds: about a tenth of a second. */
#define ROUNDS 11

/* One line of standard input without its end; from a terminal it is not shown. */
static bool
read_password(const char *prompt, char *dst, size_t cap)
{
	struct termios old, quiet;
	bool terminal = tcgetattr(STDIN_FILENO, &old) == 0;
	bool got;

	/* The prompt goes to standard error: standard output is the line for the file. */
	if (terminal) {
		fprintf(stderr, "%s: ", prompt);
		quiet = old;
		quiet.c_lflag &= (tcflag_t)~ECHO;
		terminal = tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet) == 0;
	}
	got = fgets(dst, (int)cap, stdin) != NULL;
	if (terminal) {
		(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &old);
		fputc('\n', stderr);
	}
	if (got)
		dst[strcspn(dst, "\r\n")] = '\0';
	return got;
}

/* "NAME:$2b$...", as htpasswd writes it, so that the file is good for other servers,
 * too. An exit code. */
static int
print_hash(const char *name, const char *password)
{
	struct crypt_data *data = calloc(1, sizeof(*data));
	char *salt = crypt_gensalt_ra("$2b$", ROUNDS, NULL, 0);
	char *hash = salt == NULL || data == NULL ? NULL : crypt_r(password, salt, data);
	int rc = EXIT_BROKE;

	check(password[0] != '\0' && strlen(password) <= PASSWORD_BYTES_MAX);
	/* libcrypt tells a failure by a text that begins with '*'. */
	if (hash != NULL && hash[0] == '$' && printf("%s:%s\n", name, hash) > 0 &&
	    fflush(stdout) == 0)
		rc = EXIT_STOPPED;
	else
		tell_error("failed", "the password could not be hashed");
	if (data != NULL)
		OPENSSL_cleanse(data, sizeof(*data));
	free(data);
	free(salt);
	return rc;
}

int
passwd_command(const struct options *o)
{
	/* Room for one byte too many, its line's end and the NUL: too long is seen,
	 * and not cut off. */
	char password[PASSWORD_BYTES_MAX + 3] = "", again[sizeof(password)] = "";
	const char *name = o->args[0];
	int rc;

	/* A colon ends the name in the file, a line break the line. */
	if (name[0] == '\0' || strpbrk(name, ":\r\n") != NULL)
		return usage_error("%s: a user's name holds no colon", name);
	if (!read_password("Password", password, sizeof(password)) || password[0] == '\0')
		rc = usage_error("no password was given");
	else if (strlen(password) > PASSWORD_BYTES_MAX)
		rc = usage_error("a password has at most %d bytes", PASSWORD_BYTES_MAX);
	/* A script does not mistype. */
	else if (isatty(STDIN_FILENO) &&
		 (!read_password("Again", again, sizeof(again)) || strcmp(password, again) != 0))
		rc = usage_error("the two passwords are not the same");
	else
		rc = print_hash(name, password);
	OPENSSL_cleanse(password, sizeof(password));
	OPENSSL_cleanse(again, sizeof(again));
	return rc;
}
