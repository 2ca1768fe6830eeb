/* teegatectl: its words go to ctl_run(). */
#include <signal.h>

#include "ctl/ctl.h"

int main(int argc, char **argv)
{
    signal(SIGPIPE, SIG_IGN);
    int status = ctl_run(argc, argv, stdout, stderr);
    if (fflush(stdout) != 0) {
        perror("teegatectl: writing failed");
        return status == 0 ? 1 : status;
    }
    return status;
}
