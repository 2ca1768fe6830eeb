/* The secret keys that gateways of one Redis share: for invocation tokens and `Agent-Caller`.
 * It owns nothing: what it reads goes into a value of the asker. It never replaces a file that is
 * there, and never puts a key into an error. */
#ifndef CALLERS_SECRETS_H
#define CALLERS_SECRETS_H

#include "callers/invocation_token.h"

/* Files of the folder:
 *   invocation-keys   one or two lines "<kid> <64 hex digits>"; the first makes tokens, both are
 *                     taken. A kid is 1 to 16 of a-z 0-9
 *   agent-caller-key  one line of 64 hex digits; another one makes all callers strangers
 * Lines that begin with # are not read, but for the one that says a file was generated here. */
enum secrets_state { SECRETS_GIVEN, SECRETS_GENERATED, SECRETS_MISSING };

/* Reads both. `makes`: the folder and what is missing in it are made, 0600; else what is missing
 * leaves `keys` without any and SECRETS_MISSING. False and a sentence. */
MUST_USE bool secrets_read(const char *dir, bool makes, struct token_keys *keys,
                           enum secrets_state *state, char *error, size_t error_size);

#endif
