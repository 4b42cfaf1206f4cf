/* SPDX-License-Identifier: Apache-2.0 */
/* adit: the agent and command line (adit.1). */
#include "agent/command/command.h"

int
main(int argc, char **argv)
{
	return command_main(argc, argv);
}
