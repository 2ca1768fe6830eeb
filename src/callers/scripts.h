/* The Lua scripts as text, made from the .lua files of this folder when it is built.
 * It owns nothing: the texts are constants. Nothing else ever writes an account's money. */
#ifndef CALLERS_SCRIPTS_H
#define CALLERS_SCRIPTS_H

extern const char script_hold[];
extern const char script_settle[];
extern const char script_checkpoint[];
extern const char script_credit[];
extern const char script_account[];
extern const char script_key[];
extern const char script_peek[];
extern const char script_extend[];
extern const char script_export[];
extern const char script_check[];

#endif
