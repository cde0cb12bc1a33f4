/* roomkeep: the room's program. Everything is in client/cli. */
#include "client/cli/commands.h"

int main(int argc, char **argv)
{
	return cli_main(argc, argv);
}
