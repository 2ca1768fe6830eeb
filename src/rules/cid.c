#include "rules/cid.h"

#include "rules/multibase.h"

enum {
    CODEC_DAG_PB = 0x70,
    CODEC_LIBP2P_KEY = 0x72, /* names a key: /ipns, not content */
    CODEC_BYTES_MAX = 3,
    VARINT_BYTES_MAX = 9, /* 63 bits (multiformats/unsigned-varint) */
    CIDV0_TEXT_LEN = 46,
    CIDV0_BYTES = 34
};

/* Strong hashes, at full length only (multiformats/multicodec table). Identity is left out: its
 * «digest» would be the caller's own bytes. */
static const struct {
    uint64_t code;
    uint64_t bytes;
} hashes[] = {
    {0x12, 32},   /* sha2-256 */
    {0x13, 64},   /* sha2-512 */
    {0x20, 48},   /* sha2-384 */
    {0x14, 64},   /* sha3-512 */
    {0x15, 48},   /* sha3-384 */
    {0x16, 32},   /* sha3-256 */
    {0x1e, 32},   /* blake3 */
    {0xb220, 32}, /* blake2b-256 */
    {0xb240, 64}, /* blake2b-512 */
    {0xb260, 32}, /* blake2s-256 */
};

struct reader {
    const uint8_t *at;
    const uint8_t *end;
};

/* Unsigned LEB128, minimal, at most nine bytes. */
static bool read_varint(struct reader *reader, uint64_t *out)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < VARINT_BYTES_MAX && reader->at < reader->end; ++i) {
        uint8_t byte = *reader->at++;
        value |= (uint64_t)(byte & 0x7f) << (7 * i);
        if ((byte & 0x80) == 0) {
            *out = value;
            return i == 0 || byte != 0;
        }
    }
    return false;
}

static bool is_strong(uint64_t code, uint64_t bytes)
{
    for (size_t i = 0; i < sizeof(hashes) / sizeof(hashes[0]); ++i)
        if (hashes[i].code == code)
            return hashes[i].bytes == bytes;
    return false;
}

static bool is_cidv1(const uint8_t *bytes, size_t count)
{
    struct reader reader = {bytes, bytes + count};
    uint64_t version, codec, hash, digest_bytes;
    if (!read_varint(&reader, &version) || version != 1)
        return false;
    const uint8_t *codec_at = reader.at;
    if (!read_varint(&reader, &codec) || reader.at - codec_at > CODEC_BYTES_MAX ||
        codec == CODEC_LIBP2P_KEY)
        return false;
    return read_varint(&reader, &hash) && read_varint(&reader, &digest_bytes) &&
           is_strong(hash, digest_bytes) && (uint64_t)(reader.end - reader.at) == digest_bytes;
}

static bool parse_v0(struct span text, struct cid *out)
{
    uint8_t multihash[CID_BYTES_MAX];
    size_t count;
    if (!multibase_decode('z', text, multihash, sizeof(multihash), &count) ||
        count != CIDV0_BYTES || multihash[0] != 0x12 || multihash[1] != 0x20)
        return false;
    out->bytes[0] = 1;
    out->bytes[1] = CODEC_DAG_PB;
    memcpy(out->bytes + 2, multihash, count);
    out->len = (uint8_t)(count + 2);
    return true;
}

bool cid_parse(struct span text, struct cid *out)
{
    memset(out, 0, sizeof(*out));
    if (text.len < 2 || text.len > CID_INPUT_MAX)
        return false;
    if (text.len == CIDV0_TEXT_LEN && span_starts(text, SPAN_OF("Qm")))
        return parse_v0(text, out);
    size_t count;
    if (!multibase_decode(text.ptr[0], span_from(text, 1), out->bytes, sizeof(out->bytes), &count))
        return false;
    out->len = (uint8_t)count;
    return is_cidv1(out->bytes, count);
}

size_t cid_text(const struct cid *cid, char *out)
{
    out[0] = 'b';
    return 1 + multibase_base32(cid->bytes, cid->len, out + 1);
}
