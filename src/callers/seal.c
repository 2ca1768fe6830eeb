#include "callers/seal.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>
#include <sys/random.h>

/* A sealed text: version, length of the kid, kid, salt, ciphertext, tag. Each has a key of its own,
 * HMAC-SHA-256(key, salt): with random nonces under one key 2^32 texts were the most (NIST SP
 * 800-38D 8.3), which is two months of a busy gateway. So the nonce can be zero. */
enum { VERSION = 1, SALT_BYTES = 24, NONCE_BYTES = 12, TAG_BYTES = 16 };

static const unsigned char nonce[NONCE_BYTES];

static void make_key(unsigned char out[SEAL_KEY_BYTES], const uint8_t *master,
                     const unsigned char *salt)
{
    unsigned len = 0;
    must(HMAC(EVP_sha256(), master, SEAL_KEY_BYTES, salt, SALT_BYTES, out, &len) != NULL &&
         len == SEAL_KEY_BYTES);
}

static bool add_data(EVP_CIPHER_CTX *state, struct span part)
{
    int len;
    unsigned char size[4] = {(unsigned char)(part.len >> 24), (unsigned char)(part.len >> 16),
                             (unsigned char)(part.len >> 8), (unsigned char)part.len};
    return EVP_CipherUpdate(state, NULL, &len, size, sizeof(size)) == 1 &&
           (part.len == 0 || EVP_CipherUpdate(state, NULL, &len, (const unsigned char *)part.ptr,
                                              (int)part.len) == 1);
}

static EVP_CIPHER_CTX *begin(const unsigned char *key, bool sealing, const struct seal_place *place)
{
    EVP_CIPHER_CTX *state = EVP_CIPHER_CTX_new();
    must(state != NULL &&
         EVP_CipherInit_ex(state, EVP_aes_256_gcm(), NULL, key, nonce, sealing) == 1 &&
         add_data(state, span_text(place->use)));
    for (size_t i = 0; i < sizeof(place->parts) / sizeof(*place->parts); ++i)
        must(add_data(state, place->parts[i]));
    return state;
}

size_t seal_close(char *out, const struct seal_keys *keys, const struct seal_place *place,
                  struct span text)
{
    unsigned char key[SEAL_KEY_BYTES];
    unsigned char *at = (unsigned char *)out;
    must(keys->count > 0 && text.len <= INT32_MAX);
    size_t kid_len = strlen(keys->at[0].kid);
    *at++ = VERSION;
    *at++ = (unsigned char)kid_len;
    memcpy(at, keys->at[0].kid, kid_len);
    at += kid_len;
    must(getrandom(at, SALT_BYTES, 0) == SALT_BYTES);
    make_key(key, keys->at[0].bytes, at);
    at += SALT_BYTES;
    EVP_CIPHER_CTX *state = begin(key, true, place);
    int len = 0;
    int rest = 0;
    if (text.len > 0)
        must(EVP_CipherUpdate(state, at, &len, (const unsigned char *)text.ptr, (int)text.len) ==
             1);
    at += len;
    must(EVP_CipherFinal_ex(state, at, &rest) == 1 && rest == 0);
    must(EVP_CIPHER_CTX_ctrl(state, EVP_CTRL_GCM_GET_TAG, TAG_BYTES, at) == 1);
    at += TAG_BYTES;
    EVP_CIPHER_CTX_free(state);
    OPENSSL_cleanse(key, sizeof(key));
    return (size_t)(at - (unsigned char *)out);
}

static const uint8_t *find_key(const struct seal_keys *keys, struct span kid)
{
    for (unsigned i = 0; i < keys->count; ++i)
        if (span_is(kid, span_text(keys->at[i].kid)))
            return keys->at[i].bytes;
    return NULL;
}

bool seal_open(char *out, size_t *out_len, const struct seal_keys *keys,
               const struct seal_place *place, struct span sealed)
{
    unsigned char key[SEAL_KEY_BYTES], tag[TAG_BYTES];
    *out_len = 0;
    if (sealed.len < 2 || sealed.ptr[0] != VERSION)
        return false;
    size_t kid_len = (unsigned char)sealed.ptr[1];
    if (kid_len > SEAL_KID_MAX || sealed.len < 2 + kid_len + SALT_BYTES + TAG_BYTES)
        return false;
    const uint8_t *master = find_key(keys, span_of(sealed.ptr + 2, kid_len));
    if (master == NULL)
        return false;
    make_key(key, master, (const unsigned char *)sealed.ptr + 2 + kid_len);
    struct span text = span_from(sealed, 2 + kid_len + SALT_BYTES);
    text.len -= TAG_BYTES;
    if (text.len > INT32_MAX)
        return false;
    memcpy(tag, text.ptr + text.len, TAG_BYTES);
    EVP_CIPHER_CTX *state = begin(key, false, place);
    int len = 0;
    int rest = 0;
    bool good =
        text.len == 0 || EVP_CipherUpdate(state, (unsigned char *)out, &len,
                                          (const unsigned char *)text.ptr, (int)text.len) == 1;
    good = good && EVP_CIPHER_CTX_ctrl(state, EVP_CTRL_GCM_SET_TAG, TAG_BYTES, tag) == 1 &&
           EVP_CipherFinal_ex(state, (unsigned char *)out + len, &rest) == 1;
    EVP_CIPHER_CTX_free(state);
    OPENSSL_cleanse(key, sizeof(key));
    *out_len = good ? (size_t)len : 0;
    return good;
}
