/* Any text as the QE identity, signed by a simulated vendor, in a document with which a sound
 * quote is verified: up to date is what it says of a platform that it describes, or nothing. */
#include "simulated.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct scene {
    struct simulated simulated;
    struct simulate_bytes quotes[2]; /* SGX, TDX */
    bool is_made;
};

static struct scene *the_scene(void)
{
    static struct scene scene;
    static const enum attest_tee tees[] = {ATTEST_TEE_SGX, ATTEST_TEE_TDX};
    if (scene.is_made)
        return &scene;
    simulated_init(&scene.simulated);
    for (size_t i = 0; i < 2; ++i) {
        struct simulate_quote_options options = simulate_quote_default(tees[i]);
        scene.quotes[i] = simulate_quote(&scene.simulated.vendor, &scene.simulated.pck, &options);
    }
    scene.is_made = true;
    return &scene;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum { TEXT_MAX = 64 * 1024 };
    struct scene *scene = the_scene();
    char *text = size <= TEXT_MAX ? malloc(size + 1) : NULL;
    if (text == NULL)
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    bool is_tdx = strstr(text, "TD_QE") != NULL;
    struct simulate_collateral_options options =
        simulated_options(is_tdx ? ATTEST_TEE_TDX : ATTEST_TEE_SGX);
    options.qe_identity = text;
    struct attest_collateral *collateral = simulated_collateral(&scene->simulated, &options);
    struct attest_verdict verdict;
    simulated_verify(&scene->simulated, collateral, simulated_bytes(&scene->quotes[is_tdx]),
                     &verdict);
    if (attest_is_trusted(&verdict) &&
        (collateral == NULL || strcmp(verdict.tcb_status, "UpToDate") != 0 ||
         verdict.expires < NOW))
        abort();
    if (verdict.reason == ATTEST_COLLATERAL_SIGNATURE || verdict.reason == ATTEST_INTERNAL)
        abort();
    attest_collateral_free(collateral);
    free(text);
    return 0;
}
