/* SPDX-License-Identifier: Apache-2.0 */
/* `adit passwd`: asks for a password and prints its hash. */
#include "agent/command/passwd_command.h"

#include "agent/core/exit_code.h"
#include "agent/core/user_line.h"
#include "base/tell.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

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

/* An exit code. */
static int
print_hash(const char *name, const char *password)
{
	char line[512];

	if (user_line(name, password, line, sizeof(line)) && printf("%s\n", line) > 0 &&
	    fflush(stdout) == 0)
		return EXIT_STOPPED;
	tell_error("failed", "the password could not be hashed");
	return EXIT_BROKE;
}

int
passwd_command(const struct options *o)
{
	/* Room for one byte too many, its line's end and the NUL: too long is seen,
	 * and not cut off. */
	char password[USER_LINE_PASSWORD_BYTES + 3] = "", again[sizeof(password)] = "";
	const char *name = o->args[0];
	int rc;

	/* A colon ends the name in the file, a line break the line. */
	if (name[0] == '\0' || strpbrk(name, ":\r\n") != NULL)
		return usage_error("%s: a user's name holds no colon", name);
	if (!read_password("Password", password, sizeof(password)) || password[0] == '\0')
		rc = usage_error("no password was given");
	else if (strlen(password) > USER_LINE_PASSWORD_BYTES)
		rc = usage_error("a password has at most %d bytes", USER_LINE_PASSWORD_BYTES);
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
