#include <stdio.h>

#include "gateway/config_reader.h"

static bool read_seed(struct reader *reader, struct config_store *store, yaml_node_t *value,
                      const struct place *outer)
{
    char why[512];
    struct address address;
    struct place place;
    snprintf(place.path, sizeof(place.path), "%s[%u]", outer->path, store->seed_count);
    if (value->type != YAML_SCALAR_NODE || reader_scalar(value).len >= ADDRESS_TEXT_MAX)
        return reader_wrong(reader, value, &place, "an address, host:port");
    if (!address_parse(&address, reader_scalar(value), why, sizeof(why)))
        return reader_wrong(reader, value, &place, why);
    snprintf(store->seeds[store->seed_count++], ADDRESS_TEXT_MAX, "%.*s",
             (int)reader_scalar(value).len, reader_scalar(value).ptr);
    return true;
}

static bool read_seeds(struct reader *reader, struct config_store *store, enum fleet_kind kind,
                       yaml_node_t *value, const struct place *place)
{
    char allowed[64];
    snprintf(allowed, sizeof(allowed), "a list of 1 to %d addresses", FLEET_SEEDS_MAX);
    if (store->kind != FLEET_ONE)
        return reader_wrong(reader, value, place,
                            "either redis.sentinels or redis.cluster, not both");
    if (value->type != YAML_SEQUENCE_NODE ||
        value->data.sequence.items.start == value->data.sequence.items.top)
        return reader_wrong(reader, value, place, allowed);
    store->kind = kind;
    for (yaml_node_item_t *item = value->data.sequence.items.start;
         item < value->data.sequence.items.top; ++item) {
        if (store->seed_count == FLEET_SEEDS_MAX)
            return reader_wrong(reader, reader_node(reader, *item), place, allowed);
        if (!read_seed(reader, store, reader_node(reader, *item), place))
            return false;
    }
    return true;
}

int store_special(struct reader *reader, struct scope *scope, struct span path, yaml_node_t *value,
                  const struct place *place)
{
    struct config_store *store = &((struct config *)scope->target)->store;
    if (span_is(path, SPAN_OF("redis.sentinels")))
        return read_seeds(reader, store, FLEET_SENTINEL, value, place) ? 1 : -1;
    if (span_is(path, SPAN_OF("redis.cluster")))
        return read_seeds(reader, store, FLEET_CLUSTER, value, place) ? 1 : -1;
    return 0;
}

bool store_check(struct reader *reader, yaml_node_t *root)
{
    const struct config_store *store = &reader->config->store;
    struct place place = {"redis"};
    bool embedded = strcmp(store->address, "embedded") == 0;
    const char *wrong = NULL;
    if (store->kind != FLEET_ONE && !embedded)
        wrong = "redis.address, redis.sentinels or redis.cluster: one of them";
    else if ((store->kind == FLEET_SENTINEL) != (store->master[0] != '\0'))
        wrong = "redis.sentinels and redis.master together: the master's name with the Sentinels";
    else if (store->kind != FLEET_SENTINEL &&
             (store->sentinel_user[0] != '\0' || store->sentinel_password_file[0] != '\0'))
        wrong = "redis.sentinel_user and redis.sentinel_password_file with redis.sentinels alone";
    else if ((store->tls_certificate[0] != '\0') != (store->tls_key[0] != '\0'))
        wrong = "redis.tls.certificate and redis.tls.key together";
    else if (store->tls_ca[0] == '\0' &&
             (store->tls_certificate[0] != '\0' || store->tls_name[0] != '\0'))
        wrong = "redis.tls.ca with the other options of redis.tls: it is what turns TLS on";
    else if (store->tls_ca[0] != '\0' && embedded && store->kind == FLEET_ONE)
        wrong = "redis.tls for a store elsewhere alone: the embedded one has a UNIX socket";
    return wrong == NULL || reader_wrong(reader, root, &place, wrong);
}
