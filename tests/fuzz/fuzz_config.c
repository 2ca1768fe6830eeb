/* Any bytes as teegate.yaml. It is read, within its maxima, or there is a sentence that says where
 * it is wrong. */
#define _GNU_SOURCE /* memfd_create() */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "gateway/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct config *config)
{
    if (config->listener_count == 0 || config->listener_count > CONFIG_LISTENERS_MAX ||
        config->pool_count == 0 || config->pool_count > POOLS_MAX || config->agent_count == 0 ||
        config->agent_count > AGENTS_MAX)
        abort();
    for (uint32_t i = 0; i < config->pool_count; ++i)
        if (config->pools[i].name[0] == '\0' ||
            config->pools[i].collateral_count > CONFIG_COLLATERAL_MAX ||
            config->pools[i].worker_count > WORKERS_MAX)
            abort();
    for (uint32_t i = 0; i < config->agent_count; ++i)
        if (config->agents[i].agent.price.unit_count > PRICE_UNITS_MAX ||
            config->agents[i].agent.any == (config->agents[i].agent.cid.len > 0))
            abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char error[CONFIG_ERROR_MAX];
    char path[64];
    int fd = memfd_create("teegate.yaml", MFD_CLOEXEC);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size)
        abort();
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    struct config *config = config_read(path, error);
    close(fd);
    if (config == NULL) {
        if (strncmp(error, path, strlen(path)) != 0)
            abort();
        return 0;
    }
    check(config);
    config_free(config);
    return 0;
}
