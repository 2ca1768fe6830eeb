#include <string.h>

#include "ctl/ctl.h"

static const char head[] =
    "Usage: teegatectl [--socket PATH] [-o table|json] COMMAND ...\n"
    "\n"
    "Operates a running teegate through its admin socket: accounts, keys, money, workers.\n"
    "\n"
    "Commands:\n";

static const char tail[] =
    "\n"
    "Options of every command:\n"
    "  --socket PATH      the gateway's admin socket (default /run/teegate/admin.sock;\n"
    "                     the key admin.socket of its configuration)\n"
    "  -o, --output FORM  table for people (default), json for programs: the API's own answer\n"
    "  -h, --help         help on the command\n"
    "  -V, --version      print the version\n"
    "\n"
    "Amounts are credits with up to six decimals (10, 0.25), or micro-credits (250000ucr).\n"
    "Account names are 1 to 64 of a-z 0-9 . _ @ and -. Dates are UTC.\n"
    "\n"
    "Exit status: 0 done; 1 the gateway refused (it says why); 2 wrong use; 3 the gateway cannot\n"
    "be reached.\n"
    "\n"
    "The first steps:\n"
    "  teegatectl account create alice\n"
    "  teegatectl credit add alice 10 --ref invoice-1\n"
    "  teegatectl key mint alice\n"
    "\n"
    "'teegatectl help COMMAND' says more of each.\n";

static int name_width(void)
{
    size_t width = 0;
    for (const struct ctl_command *c = ctl_commands; c->name != NULL; ++c)
        if (strlen(c->name) > width)
            width = strlen(c->name);
    return (int)width;
}

static void help_all(FILE *out)
{
    fputs(head, out);
    for (const struct ctl_command *c = ctl_commands; c->name != NULL; ++c)
        fprintf(out, "  %-*s  %s\n", name_width(), c->name, c->summary);
    fputs(tail, out);
}

static void help_options(FILE *out, const struct ctl_option *options)
{
    int width = 0;
    for (const struct ctl_option *o = options; o->name != NULL; ++o)
        if ((int)(strlen(o->name) + 1 + strlen(o->value)) > width)
            width = (int)(strlen(o->name) + 1 + strlen(o->value));
    fprintf(out, "\nOptions:\n");
    for (const struct ctl_option *o = options; o->name != NULL; ++o)
        fprintf(out, "  %s %-*s  %s%s\n", o->name, width - (int)strlen(o->name) - 1, o->value,
                o->help, o->required ? " (needed)" : "");
}

void ctl_help(FILE *out, const struct ctl_command *command)
{
    if (command == NULL) {
        help_all(out);
        return;
    }
    bool has_options = command->options[0].name != NULL;
    fprintf(out, "Usage: teegatectl %s%s%s%s\n\n%s.\n", command->name,
            command->operands[0] != '\0' ? " " : "", command->operands,
            has_options ? " [OPTION ...]" : "", command->summary);
    if (command->text[0] != '\0')
        fprintf(out, "\n%s", command->text);
    if (has_options)
        help_options(out, command->options);
    fprintf(out, "\nExample:\n%s", command->example);
    fprintf(out, "\n--socket, -o json, --help and the exit status: see 'teegatectl help'.\n");
}
