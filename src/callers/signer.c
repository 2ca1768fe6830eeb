#include "callers/signer.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/base64url.h"
#include "callers/statedir.h"

enum {
    KEY_BYTES = 32,
    SIGNATURE_BYTES = 64,
    HEADER_MAX = 128,
    OLD_FILE_MAX = SIGNER_KEYS_MAX * (SIGNER_KEY_CHARS + 1),
    ROTATIONS_MAX = 256 /* of one run: their memory stays, for lanes may be reading it */
};

#define KEY_FILE "receipt-key"
#define OLD_FILE "receipt-keys-old"

/* A key that signs, or did in this run. Never changed once it can be seen. */
struct signing_key {
    EVP_PKEY *pkey;
    struct signer_key shown;
    char header[BASE64URL_CHARS(HEADER_MAX) + 1]; /* of its JWS, encoded */
    size_t header_len;
    struct signer_key old[SIGNER_KEYS_MAX - 1]; /* those before it, newest first */
    unsigned old_count;
};

struct signer {
    int dir;
    struct signing_key *keys[ROTATIONS_MAX]; /* of this run; the last one signs */
    _Atomic unsigned count;
};

static const struct signing_key *current(const struct signer *signer)
{
    unsigned count = atomic_load_explicit(&signer->count, memory_order_acquire);
    return signer->keys[count - 1];
}

/* --- one key -------------------------------------------------------------------------------- */

/* RFC 7638 3: the required members, in the order of their names, without blanks. */
static void thumbprint(const char *x, char kid[SIGNER_KEY_CHARS + 1])
{
    char text[128];
    unsigned char digest[SHA256_DIGEST_LENGTH];
    int len = snprintf(text, sizeof(text), "{\"crv\":\"Ed25519\",\"kty\":\"OKP\",\"x\":\"%s\"}", x);
    must(len > 0 && (size_t)len < sizeof(text));
    SHA256((const unsigned char *)text, (size_t)len, digest);
    base64url_write(kid, span_of(digest, sizeof(digest)));
}

bool signer_key_of(struct span x, struct signer_key *out)
{
    unsigned char bytes[KEY_BYTES];
    if (!base64url_read(x, bytes, sizeof(bytes)))
        return false;
    base64url_write(out->x, span_of(bytes, sizeof(bytes)));
    thumbprint(out->x, out->kid);
    return true;
}

static struct signing_key *key_from_seed(const unsigned char seed[KEY_BYTES])
{
    unsigned char x[KEY_BYTES];
    size_t x_len = sizeof(x);
    char text[HEADER_MAX];
    struct signing_key *key = alloc_zeroed(sizeof(*key));
    key->pkey = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, KEY_BYTES);
    if (key->pkey == NULL || EVP_PKEY_get_raw_public_key(key->pkey, x, &x_len) != 1) {
        EVP_PKEY_free(key->pkey);
        free(key);
        return NULL;
    }
    base64url_write(key->shown.x, span_of(x, x_len));
    thumbprint(key->shown.x, key->shown.kid);
    int len =
        snprintf(text, sizeof(text), "{\"alg\":\"EdDSA\",\"typ\":\"teegate-root\",\"kid\":\"%s\"}",
                 key->shown.kid);
    must(len > 0 && (size_t)len < sizeof(text));
    key->header_len = base64url_write(key->header, span_of(text, (size_t)len));
    return key;
}

static void key_free(struct signing_key *key)
{
    if (key == NULL)
        return;
    EVP_PKEY_free(key->pkey);
    free(key);
}

/* Remembers `shown` among those before `key`, unless it is there, or is the key itself. */
static void add_old(struct signing_key *key, const struct signer_key *shown)
{
    bool known = strcmp(shown->x, key->shown.x) == 0;
    for (unsigned i = 0; i < key->old_count; ++i)
        known |= strcmp(shown->x, key->old[i].x) == 0;
    if (!known && key->old_count < SIGNER_KEYS_MAX - 1)
        key->old[key->old_count++] = *shown;
}

/* --- files ---------------------------------------------------------------------------------- */

static bool say(const char *file, const char *why, char *error, size_t error_size)
{
    snprintf(error, error_size, "%s %s", file, why);
    return false;
}

static bool write_key(int dir, const unsigned char seed[KEY_BYTES], char *error, size_t error_size)
{
    char line[SIGNER_KEY_CHARS + 2];
    size_t len = base64url_write(line, span_of(seed, KEY_BYTES));
    line[len++] = '\n';
    bool good = statedir_write(dir, KEY_FILE, span_of(line, len));
    explicit_bzero(line, sizeof(line));
    return good || say(KEY_FILE, "cannot be written", error, error_size);
}

static bool write_old(int dir, const struct signing_key *key, char *error, size_t error_size)
{
    char text[OLD_FILE_MAX];
    size_t len = 0;
    for (unsigned i = 0; i < key->old_count; ++i) {
        memcpy(text + len, key->old[i].x, SIGNER_KEY_CHARS);
        text[len + SIGNER_KEY_CHARS] = '\n';
        len += SIGNER_KEY_CHARS + 1;
    }
    return statedir_write(dir, OLD_FILE, span_of(text, len)) ||
           say(OLD_FILE, "cannot be written", error, error_size);
}

static bool read_old(int dir, struct signing_key *key, char *error, size_t error_size)
{
    char text[OLD_FILE_MAX + 1];
    ssize_t got = statedir_read(dir, OLD_FILE, text, sizeof(text));
    if (got < 0)
        return errno == ENOENT || say(OLD_FILE, "cannot be read", error, error_size);
    for (struct span rest = span_of(text, (size_t)got); rest.len > 0;) {
        struct span line = span_of(rest.ptr, span_find(rest, '\n'));
        struct signer_key shown;
        if (!signer_key_of(line, &shown))
            return say(OLD_FILE, "does not hold one public key a line", error, error_size);
        add_old(key, &shown);
        rest = span_from(rest, line.len + 1);
    }
    return true;
}

static struct signing_key *make_key(unsigned char seed[KEY_BYTES], char *error, size_t error_size)
{
    struct signing_key *key = NULL;
    if (getentropy(seed, KEY_BYTES) == 0)
        key = key_from_seed(seed);
    if (key == NULL)
        say("a receipt key", "cannot be made", error, error_size);
    return key;
}

static struct signing_key *read_key(int dir, char *error, size_t error_size)
{
    char text[SIGNER_KEY_CHARS + 3];
    unsigned char seed[KEY_BYTES];
    struct signing_key *key = NULL;
    ssize_t got = statedir_read(dir, KEY_FILE, text, sizeof(text));
    if (got < 0 && errno == ENOENT) {
        key = make_key(seed, error, error_size);
        if (key != NULL && !write_key(dir, seed, error, error_size)) {
            key_free(key);
            key = NULL;
        }
    } else if (got < 0) {
        say(KEY_FILE, "cannot be read", error, error_size);
    } else {
        struct span whole = span_of(text, (size_t)got);
        struct span line = span_of(text, span_find(whole, '\n'));
        if (line.len + 1 >= whole.len && base64url_read(line, seed, sizeof(seed)))
            key = key_from_seed(seed);
        if (key == NULL)
            say(KEY_FILE, "does not hold a key", error, error_size);
    }
    explicit_bzero(seed, sizeof(seed));
    explicit_bzero(text, sizeof(text));
    return key;
}

/* --- the verbs ------------------------------------------------------------------------------ */

struct signer *signer_open(const char *dir, char *error, size_t error_size)
{
    char why[128] = "";
    struct signer *signer = alloc_zeroed(sizeof(*signer));
    signer->dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (signer->dir < 0) {
        snprintf(error, error_size, "%s cannot be opened: %s", dir, strerror(errno));
        free(signer);
        return NULL;
    }
    struct signing_key *key = read_key(signer->dir, why, sizeof(why));
    if (key != NULL && read_old(signer->dir, key, why, sizeof(why))) {
        signer->keys[0] = key;
        atomic_init(&signer->count, 1);
        return signer;
    }
    snprintf(error, error_size, "%s: %s", dir, why);
    key_free(key);
    close(signer->dir);
    free(signer);
    return NULL;
}

void signer_close(struct signer *signer)
{
    for (unsigned i = 0; i < signer->count; ++i)
        key_free(signer->keys[i]);
    close(signer->dir);
    free(signer);
}

/* The old halves first: a crash between the two leaves a key that stands in both, and is found. */
bool signer_rotate(struct signer *signer, char *error, size_t error_size)
{
    const struct signing_key *before = current(signer);
    unsigned char seed[KEY_BYTES];
    unsigned count = atomic_load_explicit(&signer->count, memory_order_relaxed);
    if (count == ROTATIONS_MAX)
        return say("receipt keys", "were rotated too often in this run", error, error_size);
    struct signing_key *key = make_key(seed, error, error_size);
    if (key == NULL)
        return false;
    add_old(key, &before->shown);
    for (unsigned i = 0; i < before->old_count; ++i)
        add_old(key, &before->old[i]);
    bool kept = write_old(signer->dir, key, error, error_size) &&
                write_key(signer->dir, seed, error, error_size);
    explicit_bzero(seed, sizeof(seed));
    if (!kept) {
        key_free(key);
        return false;
    }
    signer->keys[count] = key;
    atomic_store_explicit(&signer->count, count + 1, memory_order_release);
    return true;
}

size_t signer_sign(const struct signer *signer, struct span payload, char out[SIGNER_JWS_MAX])
{
    const struct signing_key *key = current(signer);
    unsigned char signature[SIGNATURE_BYTES];
    size_t signature_len = sizeof(signature);
    must(payload.len <= SIGNER_PAYLOAD_MAX);
    memcpy(out, key->header, key->header_len);
    size_t len = key->header_len;
    out[len++] = '.';
    len += base64url_write(out + len, payload);
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    bool good = md != NULL && EVP_DigestSignInit(md, NULL, NULL, NULL, key->pkey) == 1 &&
                EVP_DigestSign(md, signature, &signature_len, (const unsigned char *)out, len) == 1;
    EVP_MD_CTX_free(md);
    if (!good)
        return 0;
    out[len++] = '.';
    return len + base64url_write(out + len, span_of(signature, signature_len));
}

unsigned signer_keys(const struct signer *signer, struct signer_key out[SIGNER_KEYS_MAX])
{
    const struct signing_key *key = current(signer);
    out[0] = key->shown;
    for (unsigned i = 0; i < key->old_count; ++i)
        out[1 + i] = key->old[i];
    return 1 + key->old_count;
}
