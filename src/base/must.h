/* must(): a bug stops the process, in every build. MUST_USE: a result that matters.
 * Owns nothing. Never used for what a stranger, a file or the network can cause. */
#ifndef BASE_MUST_H
#define BASE_MUST_H

#define MUST_USE __attribute__((warn_unused_result))

#define must(cond) ((cond) ? (void)0 : must_failed(#cond, __FILE__, __LINE__))

/* Writes one line to stderr and aborts. */
_Noreturn void must_failed(const char *cond, const char *file, int line);

#endif
