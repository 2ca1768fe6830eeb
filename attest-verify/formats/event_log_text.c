/* The event log as text: JSON, packed or not. The only file that knows zlib. */
#include "formats/event_log.h"

#include "bytes/hex.h"
#include "bytes/json.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

static const char packed_mark[] = "ELGZv1";
enum { PACKED_MARK_LEN = sizeof packed_mark - 1, GZIP_WINDOW = 16 + MAX_WBITS };

/* Bytes of an event are hexadecimal; `room` holds them, and moves on. */
static bool take_octets(const cJSON *object, const char *name, uint8_t **room,
                        struct attest_bytes *out)
{
    const char *text = av_json_string(object, name);
    if (text == NULL)
        return false;
    *out = (struct attest_bytes){.ptr = *room, .len = strlen(text) / 2};
    if (!av_hex_decode(text, strlen(text), *room, out->len))
        return false;
    *room += out->len;
    return true;
}

/* `version` tells how the digest is made; 1, or no word of it, is the one we know. */
static bool add_item(const cJSON *item, uint8_t *room, struct event_log *log)
{
    static const char *const known[] = {"imr",           "event_type", "digest",     "event",
                                        "event_payload", "version",    "hash_input", NULL};
    uint64_t imr, type, version = 1;
    struct event event = {0};
    const char *name = av_json_string(item, "event");
    if (!cJSON_IsObject(item) || av_json_stranger(item, known) != NULL || name == NULL ||
        !av_json_uint(item, "imr", UINT32_MAX, &imr) ||
        !av_json_uint(item, "event_type", UINT32_MAX, &type) ||
        !take_octets(item, "event_payload", &room, &event.payload) ||
        (cJSON_GetObjectItemCaseSensitive(item, "digest") != NULL &&
         !take_octets(item, "digest", &room, &event.digest)) ||
        (cJSON_GetObjectItemCaseSensitive(item, "version") != NULL &&
         !av_json_uint(item, "version", 1, &version)) ||
        version != 1)
        return false;
    event.imr = (uint32_t)imr;
    event.type = (uint32_t)type;
    event.name = (struct attest_bytes){.ptr = (const uint8_t *)name, .len = strlen(name)};
    return av_event_log_add(log, &event);
}

/* The log is an array, our JSON reader wants an object: it gets one around it, which must then hold
 * that array and nothing else. */
static cJSON *parse_array(struct attest_bytes text)
{
    static const char before[] = "{\"log\":", after[] = "}";
    static const char *const known[] = {"log", NULL};
    char error[128];
    size_t len = text.len + sizeof before + sizeof after - 2;
    char *whole = malloc(len + 1);
    if (whole == NULL)
        return NULL;
    memcpy(whole, before, sizeof before - 1);
    memcpy(whole + sizeof before - 1, text.ptr, text.len);
    memcpy(whole + sizeof before - 1 + text.len, after, sizeof after);
    cJSON *tree = av_json_parse((struct attest_bytes){.ptr = (const uint8_t *)whole, .len = len},
                                EVENT_LOG_TEXT_MAX + sizeof before, error, sizeof error);
    free(whole);
    if (tree == NULL || av_json_stranger(tree, known) == NULL)
        return tree;
    cJSON_Delete(tree);
    return NULL;
}

static bool parse_json(struct attest_bytes text, struct event_log *log)
{
    cJSON *tree = text.len <= EVENT_LOG_TEXT_MAX ? parse_array(text) : NULL;
    const cJSON *list = tree != NULL ? av_json_array(tree, "log", EVENT_LOG_EVENTS_MAX) : NULL;
    uint8_t *room = malloc(text.len + 1); /* two digits make a byte */
    bool ok = list != NULL && room != NULL;
    for (const cJSON *item = ok ? list->child : NULL; item != NULL && ok; item = item->next)
        ok = add_item(item, room, log);
    free(room);
    cJSON_Delete(tree);
    return ok;
}

/* One gzip member and nothing after it, of at most `size` bytes. */
static bool unpack(struct attest_bytes packed, uint8_t *out, size_t size, size_t *len)
{
    z_stream stream = {.next_in = (Bytef *)packed.ptr,
                       .avail_in = (uInt)packed.len,
                       .next_out = out,
                       .avail_out = (uInt)size};
    if (packed.len > EVENT_LOG_TEXT_MAX || inflateInit2(&stream, GZIP_WINDOW) != Z_OK)
        return false;
    bool whole = inflate(&stream, Z_FINISH) == Z_STREAM_END && stream.avail_in == 0;
    *len = size - stream.avail_out;
    inflateEnd(&stream);
    return whole;
}

bool av_event_log_parse(struct attest_bytes bytes, struct event_log *log)
{
    if (bytes.len < PACKED_MARK_LEN || memcmp(bytes.ptr, packed_mark, PACKED_MARK_LEN) != 0)
        return parse_json(bytes, log);
    struct attest_bytes packed = {.ptr = bytes.ptr + PACKED_MARK_LEN,
                                  .len = bytes.len - PACKED_MARK_LEN};
    uint8_t *text = malloc(EVENT_LOG_UNPACKED_MAX);
    size_t len = 0;
    bool ok = text != NULL && unpack(packed, text, EVENT_LOG_UNPACKED_MAX, &len) &&
              parse_json((struct attest_bytes){.ptr = text, .len = len}, log);
    free(text);
    return ok;
}
