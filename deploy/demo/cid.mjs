// The CID of a file's bytes: CIDv1, raw codec, sha2-256, base32 (`bafkrei...`).
// It owns nothing. It knows this one form and no other.
//
//     node cid.mjs FILE...        prints one CID a line
import { createHash } from 'node:crypto';
import { readFileSync, realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567'; // RFC 4648 6, lower case, no padding

// <cid version 1> <codec raw 0x55> <multihash sha2-256 0x12> <32 bytes of digest>
const PREFIX = Buffer.from([0x01, 0x55, 0x12, 0x20]);

function base32(bytes) {
    let text = '';
    let held = 0;
    let bits = 0;
    for (const byte of bytes) {
        held = (held << 8) | byte;
        bits += 8;
        while (bits >= 5) {
            bits -= 5;
            text += ALPHABET[(held >>> bits) & 31];
        }
        held &= (1 << bits) - 1;
    }
    return bits > 0 ? text + ALPHABET[(held << (5 - bits)) & 31] : text;
}

export function cidOf(bytes) {
    const digest = createHash('sha256').update(bytes).digest();
    return 'b' + base32(Buffer.concat([PREFIX, digest])); // 'b': multibase of base32
}

// 36 bytes are 58 digits; the last one carries three bits of the digest and two of padding.
export function isCid(text) {
    return /^bafkrei[a-z2-7]{52}$/.test(text) && ALPHABET.indexOf(text.at(-1)) % 4 === 0;
}

// True when the module at `url` is the program that was started, not one that was imported.
export function isProgram(url) {
    return process.argv[1] !== undefined && fileURLToPath(url) === realpathSync(process.argv[1]);
}

if (isProgram(import.meta.url)) {
    const files = process.argv.slice(2);
    if (files.length === 0 || files[0].startsWith('-')) {
        console.error('usage: node cid.mjs FILE...');
        process.exit(2);
    }
    for (const file of files) {
        try {
            console.log(cidOf(readFileSync(file)));
        } catch (error) {
            console.error(`cid.mjs: ${file}: ${error.message}`);
            process.exitCode = 1;
        }
    }
}
