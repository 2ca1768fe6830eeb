/* `attest-verify policy FILE`: checks a policy, or drafts one from evidence.
 * Owns nothing beyond a call.
 * Never relaxes by itself what a policy asks: a draft that does not hold is printed and said to. */
#ifndef AV_POLICY_COMMAND_H
#define AV_POLICY_COMMAND_H

#include "program/call.h"

int av_policy_command(struct call *call);

#endif
