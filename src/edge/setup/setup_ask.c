/* SPDX-License-Identifier: Apache-2.0 */
/* Asks whoever sits at the terminal. */
#include "edge/setup/setup_private.h"

#include <stdio.h>
#include <string.h>

bool
setup_ask(const char *question, const char *preset, char *dst, size_t cap)
{
	char line[1100];
	struct slice answer;

	check(cap > 1);
	printf("%s", question);
	if (preset[0] != '\0')
		printf(" [%s]", preset);
	printf(": ");
	fflush(stdout);
	if (fgets(line, sizeof(line), stdin) == NULL) {
		putchar('\n');
		return false;
	}
	line[strcspn(line, "\r\n")] = '\0';
	answer = slice_trim(slice_str(line));
	if (answer.n == 0)
		answer = slice_str(preset);
	snprintf(dst, cap, "%.*s", PS(answer));
	return true;
}

bool
setup_ask_yes(const char *question, bool preset, bool *ret)
{
	char answer[16];

	for (;;) {
		if (!setup_ask(question, preset ? "yes" : "no", answer, sizeof(answer)))
			return false;
		*ret = answer[0] == 'y' || answer[0] == 'Y';
		if (*ret || answer[0] == 'n' || answer[0] == 'N')
			return true;
		printf("Please say yes or no.\n");
	}
}
