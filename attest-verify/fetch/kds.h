/* AMD's Key Distribution Service (document 57230, chapter 4): where the parts of a document about
 * SEV-SNP are, and how one is put together from them.
 * Owns nothing: replies are lent, and the text it makes is the caller's.
 * Never asks for a VLEK: those are given to their clouds only. */
#ifndef FETCH_KDS_H
#define FETCH_KDS_H

#include "fetch/endpoint.h"
#include "fetch/transfer.h"

/* In the order in which they are asked for: the list ends first, the others mostly stand. */
enum kds_part { KDS_LIST, KDS_CHAIN, KDS_LEAF, KDS_PARTS };

extern const char *const kds_words[KDS_PARTS]; /* "AMD CRL" .. for sentences */

/* How many of the parts the platform needs: no leaf when the evidence brings it. */
size_t kds_part_count(const struct attest_platform *platform);

void kds_url(const struct endpoint *endpoint, const struct attest_platform *platform,
             enum kds_part part, char url[ENDPOINT_URL_BYTES]);

/* The document, to be freed; NULL and a sentence when a part does not have its shape. */
char *kds_document(const struct attest_platform *platform, const struct reply replies[KDS_PARTS],
                   char *error, size_t error_size);

/* The document `json` with another list; NULL when it is none of AMD's. */
char *kds_renewed(const char *json, size_t len, const struct reply *list);

/* "milan-vcek" and, of a document with a leaf, "milan-vcek-HWID-TCB": names for a store. */
enum { KDS_NAME_BYTES = 192 };
void kds_name(const struct attest_platform *platform, bool with_leaf, char name[KDS_NAME_BYTES]);

#endif
