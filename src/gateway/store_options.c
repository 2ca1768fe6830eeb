#include "gateway/store_options.h"

#include <stdio.h>
#include <string.h>

static bool read_password(const char *file, const char *option, char *out, size_t out_size,
                          char *error, size_t error_size)
{
    if (file[0] == '\0')
        return true;
    FILE *in = fopen(file, "re");
    char *line = in == NULL ? NULL : fgets(out, (int)out_size, in);
    if (in != NULL)
        fclose(in);
    if (line == NULL) {
        snprintf(error, error_size, "redis.%s: cannot read a line of %s", option, file);
        return false;
    }
    size_t len = strcspn(line, "\r\n");
    if (line[len] == '\0' && len + 1 == out_size) {
        snprintf(error, error_size, "redis.%s: the first line of %s has more than %zu bytes",
                 option, file, out_size - 2);
        return false;
    }
    line[len] = '\0';
    return true;
}

static bool add_seed(struct fleet_options *out, const char *text, const char *option, char *error,
                     size_t error_size)
{
    char why[512];
    if (address_parse(&out->seeds[out->seed_count], span_text(text), why, sizeof(why))) {
        ++out->seed_count;
        return true;
    }
    snprintf(error, error_size, "redis.%s: %s", option, why);
    return false;
}

static bool add_seeds(const struct config_store *config, const char *socket,
                      struct fleet_options *out, char *error, size_t error_size)
{
    char text[ADDRESS_TEXT_MAX + 8];
    if (config->kind == FLEET_ONE) {
        bool embedded = strcmp(config->address, "embedded") == 0;
        int len = snprintf(text, sizeof(text), "%s%s", embedded ? "unix:" : "",
                           embedded ? socket : config->address);
        must(len > 0 && (size_t)len < sizeof(text));
        return add_seed(out, text, "address", error, error_size);
    }
    const char *option = config->kind == FLEET_CLUSTER ? "cluster" : "sentinels";
    for (uint32_t i = 0; i < config->seed_count; ++i)
        if (!add_seed(out, config->seeds[i], option, error, error_size))
            return false;
    return true;
}

static bool make_tls(const struct config_store *config, struct fleet_options *out, char *error,
                     size_t error_size)
{
    char why[512];
    if (config->tls_ca[0] == '\0')
        return true;
    out->server.tls =
        tls_for_store(config->tls_ca, config->tls_certificate, config->tls_key, why, sizeof(why));
    if (out->server.tls == NULL)
        snprintf(error, error_size, "redis.tls: %s", why);
    return out->server.tls != NULL;
}

bool store_options_read(const struct config_store *config, const char *socket,
                        struct fleet_options *out, char *error, size_t error_size)
{
    *out = (struct fleet_options){.kind = config->kind};
    out->server.needs_aof = config->aof == 1;
    snprintf(out->master, sizeof(out->master), "%s", config->master);
    snprintf(out->server.user, sizeof(out->server.user), "%s", config->user);
    snprintf(out->server.tls_name, sizeof(out->server.tls_name), "%s", config->tls_name);
    snprintf(out->sentinel_user, sizeof(out->sentinel_user), "%s", config->sentinel_user);
    return add_seeds(config, socket, out, error, error_size) &&
           read_password(config->password_file, "password_file", out->server.password,
                         sizeof(out->server.password), error, error_size) &&
           read_password(config->sentinel_password_file, "sentinel_password_file",
                         out->sentinel_password, sizeof(out->sentinel_password), error,
                         error_size) &&
           make_tls(config, out, error, error_size);
}

bool store_options_differ(const struct config_store *one, const struct config_store *other)
{
    if (one->kind != other->kind || one->seed_count != other->seed_count || one->aof != other->aof)
        return true;
    for (uint32_t i = 0; i < one->seed_count; ++i)
        if (strcmp(one->seeds[i], other->seeds[i]) != 0)
            return true;
    return strcmp(one->address, other->address) != 0 || strcmp(one->master, other->master) != 0 ||
           strcmp(one->user, other->user) != 0 ||
           strcmp(one->password_file, other->password_file) != 0 ||
           strcmp(one->sentinel_user, other->sentinel_user) != 0 ||
           strcmp(one->sentinel_password_file, other->sentinel_password_file) != 0 ||
           strcmp(one->tls_ca, other->tls_ca) != 0 ||
           strcmp(one->tls_certificate, other->tls_certificate) != 0 ||
           strcmp(one->tls_key, other->tls_key) != 0 || strcmp(one->tls_name, other->tls_name) != 0;
}
