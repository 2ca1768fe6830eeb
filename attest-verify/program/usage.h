/* What --help prints, of the program and of each command.
 * Owns nothing: all of it is static text.
 * Never says what the manual page does not. */
#ifndef AV_USAGE_H
#define AV_USAGE_H

#include <stdbool.h>

/* The help of a command, of the whole program for NULL. False when the command is unknown or
 * standard output cannot be written. */
bool av_usage_print(const char *command);

#endif
