#include "fakes/fake_signer.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/base64url.h"

struct signer *fake_signer_new(unsigned *signed_count)
{
    struct signer *signer = alloc_zeroed(sizeof(*signer));
    signer->signed_count = signed_count;
    return signer;
}

struct signer *signer_open(const char *dir, char *error, size_t error_size)
{
    return NULL;
}

void signer_close(struct signer *signer)
{
    free(signer);
}

bool signer_rotate(struct signer *signer, char *error, size_t error_size)
{
    return false;
}

size_t signer_sign(const struct signer *signer, struct span payload, char out[SIGNER_JWS_MAX])
{
    if (signer->fails)
        return 0;
    ++*signer->signed_count;
    size_t len = (size_t)snprintf(out, SIGNER_JWS_MAX, "head.");
    len += base64url_write(out + len, payload);
    return len + (size_t)snprintf(out + len, SIGNER_JWS_MAX - len, ".signature");
}

unsigned signer_keys(const struct signer *signer, struct signer_key out[SIGNER_KEYS_MAX])
{
    out[0] = (struct signer_key){"x", "kid"};
    return 1;
}

bool signer_key_of(struct span x, struct signer_key *out)
{
    return false;
}
