#include "exchange/digest.h"

#include <openssl/evp.h>

#include "base/must.h"

void digest_add(struct digest *digest, struct span bytes)
{
    if (!digest->on || digest->sealed || bytes.len == 0)
        return;
    if (digest->state == NULL) {
        digest->state = EVP_MD_CTX_new();
        must(digest->state != NULL && EVP_DigestInit_ex(digest->state, EVP_sha256(), NULL) == 1);
    }
    must(EVP_DigestUpdate(digest->state, bytes.ptr, bytes.len) == 1);
}

void digest_read(const struct digest *digest, uint8_t out[32])
{
    EVP_MD_CTX *copy = EVP_MD_CTX_new();
    must(copy != NULL);
    must(digest->state == NULL ? EVP_DigestInit_ex(copy, EVP_sha256(), NULL) == 1
                               : EVP_MD_CTX_copy_ex(copy, digest->state) == 1);
    must(EVP_DigestFinal_ex(copy, out, NULL) == 1);
    EVP_MD_CTX_free(copy);
}

void digest_fini(struct digest *digest)
{
    EVP_MD_CTX_free(digest->state);
    digest->state = NULL;
}
