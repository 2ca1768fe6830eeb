/* teegate: arguments, then gateway_run(). The only file the tests do not link. */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "config.h"
#include "gateway/gateway.h"

static const char usage[] =
    "Usage: teegate [-t] [-c FILE]\n"
    "\n"
    "An HTTP/2 gateway and load balancer for AI agents in trusted execution environments:\n"
    "callers ask for /ipfs/<cid>; verified workers answer; every call is metered exactly.\n"
    "\n"
    "  -c, --config FILE   configuration (default /etc/teegate/teegate.yaml)\n"
    "  -t, --test          check the configuration and every file it names, then exit\n"
    "  -V, --version       print the version and exit\n"
    "  -h, --help          print this and exit\n"
    "\n"
    "Signals: HUP reloads the configuration (a bad one is refused and the old one stays),\n"
    "TERM and INT finish the calls under way, then stop.\n"
    "\n"
    "Operate it with teegatectl. Documentation: README.md and docs/.\n";

int main(int argc, char **argv)
{
    static const struct option longs[] = {{"config", required_argument, NULL, 'c'},
                                          {"test", no_argument, NULL, 't'},
                                          {"version", no_argument, NULL, 'V'},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    const char *file = "/etc/teegate/teegate.yaml";
    bool test = false;
    for (int c; (c = getopt_long(argc, argv, "c:tVh", longs, NULL)) != -1;) {
        switch (c) {
        case 'c':
            file = optarg;
            break;
        case 't':
            test = true;
            break;
        case 'V':
            printf("teegate %s\n", PACKAGE_VERSION);
            return EXIT_SUCCESS;
        case 'h':
            fputs(usage, stdout);
            return EXIT_SUCCESS;
        default:
            fputs("Try 'teegate --help'.\n", stderr);
            return 2;
        }
    }
    if (optind < argc) {
        fprintf(stderr, "teegate: unexpected argument '%s'. Try 'teegate --help'.\n", argv[optind]);
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    return test ? gateway_check(file) : gateway_run(file);
}
