/* Puts the document of one platform together from what an endpoint answered (ra-tls a.6).
 * Owns nothing: replies are lent, and the text it makes is the caller's.
 * Never changes a byte of what is signed: the objects are cut out, not read and written anew. */
#ifndef FETCH_ANSWER_H
#define FETCH_ANSWER_H

#include "fetch/endpoint.h"
#include "fetch/transfer.h"

/* The fields that carry a part's issuer chain: today's name and the older one; NULL: none. */
extern const char *const answer_fields[PARTS][2];
extern const char *const answer_words[PARTS]; /* "TCB info" .. for sentences */

/* The exact bytes that are the value of member `name` of the JSON object `text`. */
bool answer_cut(struct attest_bytes text, const char *name, struct attest_bytes *value);

/* The document, to be freed; NULL and a sentence when a part does not have its shape. */
char *answer_document(const struct reply replies[PARTS], char *error, size_t error_size);

#endif
