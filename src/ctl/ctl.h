/* teegatectl: the operator's tool, from its words to its exit status.
 * It owns nothing beyond the call. It never speaks to anything but the admin socket, reads no
 * environment, and writes no secret to standard error. */
#ifndef CTL_CTL_H
#define CTL_CTL_H

#include "ctl/args.h"

/* Ends with a NULL name. */
extern const struct ctl_command ctl_commands[];

/* 0 done, 1 refused by the gateway, 2 wrong use, 3 the gateway cannot be reached. */
int ctl_run(int argc, char **argv, FILE *out, FILE *err);
/* Help on a command, or on all (NULL). */
void ctl_help(FILE *out, const struct ctl_command *command);

#endif
