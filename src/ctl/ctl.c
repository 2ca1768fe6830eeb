#include "ctl/ctl.h"

#include <string.h>

#include "config.h"
#include "ctl/ask.h"

static int say_wrong(struct ctl_call *call, const char *error)
{
    const char *name = call->command == NULL ? "" : call->command->name;
    fprintf(call->err, "teegatectl: %s%s%s\nTry 'teegatectl help%s%s'.\n", name,
            name[0] != '\0' ? ": " : "", error, name[0] != '\0' ? " " : "", name);
    return CTL_WRONG_USE;
}

int ctl_run(int argc, char **argv, FILE *out, FILE *err)
{
    struct ctl_call call = {.out = out, .err = err};
    char error[ARGS_ERROR_MAX];
    if (!args_parse(&call, ctl_commands, argc, argv, error))
        return say_wrong(&call, error);
    if (call.version) {
        fprintf(out, "teegatectl %s\n", PACKAGE_VERSION);
        return CTL_OK;
    }
    if (call.help) {
        ctl_help(out, call.command);
        return CTL_OK;
    }
    return call.command->run(&call);
}
