/* The text of an API key, `tgk_<bucket>_<id>_<secret>`, made, read and compared.
 * It owns nothing. It never stores a secret: what is stored is its salted SHA-256. */
#ifndef CALLERS_APIKEY_H
#define CALLERS_APIKEY_H

#include "base/must.h"
#include "callers/auth.h"

enum {
    APIKEY_ID_CHARS = 16,
    APIKEY_SECRET_CHARS = 52, /* base32 of 256 bits and a little */
    APIKEY_SALT_CHARS = 26,
    APIKEY_SALT_MAX = 64,
    APIKEY_HASH_CHARS = 64, /* SHA-256 in hex */
    APIKEY_TEXT_MAX = 96
};

struct apikey {
    uint16_t bucket;
    struct span id;
    struct span secret;
};

/* A new key of `bucket`: its text, and what is stored of it. */
struct apikey_made {
    char text[APIKEY_TEXT_MAX];
    char id[APIKEY_ID_CHARS + 1];
    char salt[APIKEY_SALT_CHARS + 1];
    char hash[APIKEY_HASH_CHARS + 1];
};
void apikey_make(struct apikey_made *made, uint16_t bucket);

/* Strict: three digits, id and secret of a-z and 2-7, nothing else. The spans point into `text`. */
MUST_USE bool apikey_parse(struct span text, struct apikey *out);
bool apikey_is_id(struct span text);
/* hex(SHA-256(salt || secret)); `salt` at most APIKEY_SALT_MAX. */
void apikey_hash(char out[APIKEY_HASH_CHARS + 1], struct span salt, struct span secret);

#endif
