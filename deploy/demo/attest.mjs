// Answers a gateway's challenge: fresh evidence that is bound to the very connection it came over.
// It owns the quotes being made. It is the runtime's alone: an agent that could ask for evidence over
// report data of its choice could speak for any connection. docs/challenge.md says how it works.
import { execFile } from 'node:child_process';
import { createHash, X509Certificate } from 'node:crypto';
import path from 'node:path';
import { Refusal } from './shelf.mjs';

export const CHALLENGE_PATH = '/.well-known/attest';

const LABEL = Buffer.from('teegate-challenge-worker-v1\0');
const EXPORTER_LABEL = 'EXPORTER-teegate-attest';
const NONCE_BYTES = 32;
const EXPORTER_BYTES = 32;
const BODY_BYTES_MAX = 1024;
const QUOTES_MAX = 16; // at once
const QUOTE_MS_MAX = 4000; // the gateway waits five seconds
const QUOTE_BYTES_MAX = 32 * 1024;

export class Attest {
    #spki;
    #name;
    #program;
    #dir;
    #quotes = 0;

    // `certFile` is NAME.crt.pem as `attest-verify simulate` makes it in `dir`; `cert` its bytes.
    constructor(cert, certFile, program, dir) {
        this.#spki = new X509Certificate(cert).publicKey.export({ type: 'spki', format: 'der' });
        this.#name = path.basename(certFile).replace(/\.crt\.pem$/, '');
        this.#program = program;
        this.#dir = dir;
    }

    async answer(req, reply) {
        if (req.method !== 'POST')
            throw new Refusal(405, 'no-such-method', `${CHALLENGE_PATH} takes POST`);
        const nonce = readNonce(await readBody(req));
        const data = createHash('sha512').update(LABEL).update(this.#spki)
            .update(exporterOf(req)).update(nonce).digest();
        const quote = await this.#quote(data);
        // A quote says which TEE it is of: bytes 4 to 7 are 0 for SGX, 0x81 for TDX.
        const tee = quote.readUInt32LE(4) === 0 ? 'sgx' : 'tdx';
        const answer = JSON.stringify({ tee, evidence: quote.toString('base64url') });
        await reply.send(200, { 'content-type': 'application/json' }, answer);
    }

    // A real runtime asks its TEE here (TDX: configfs-tsm or the quoting service; SGX: /dev/attestation).
    async #quote(data) {
        if (this.#quotes >= QUOTES_MAX)
            throw new Refusal(503, 'worker-busy', 'this worker makes as many quotes as it can');
        this.#quotes++;
        try {
            return await run(this.#program, ['simulate', 'quote', '--pki', this.#dir, '--worker', this.#name,
                '--report-data', data.toString('hex'), '--out', '-']);
        } catch {
            throw new Refusal(500, 'no-quote', 'the TEE gave no quote');
        } finally {
            this.#quotes--;
        }
    }
}

function run(program, args) {
    const options = { encoding: 'buffer', maxBuffer: QUOTE_BYTES_MAX, timeout: QUOTE_MS_MAX };
    return new Promise((resolve, reject) => {
        execFile(program, args, options, (error, out) => (error === null ? resolve(out) : reject(error)));
    });
}

// RFC 8446 7.5; no context is an empty one there. Without it nothing binds the answer: it throws.
function exporterOf(req) {
    const socket = req.httpVersionMajor >= 2 ? req.stream.session.socket : req.socket;
    return socket.exportKeyingMaterial(EXPORTER_BYTES, EXPORTER_LABEL);
}

async function readBody(req) {
    const chunks = [];
    let bytes = 0;
    for await (const chunk of req) {
        bytes += chunk.length;
        if (bytes > BODY_BYTES_MAX)
            throw new Refusal(413, 'challenge-too-large', `a challenge has at most ${BODY_BYTES_MAX} bytes`);
        chunks.push(chunk);
    }
    return Buffer.concat(chunks).toString('utf8');
}

function readNonce(text) {
    let nonce;
    try {
        nonce = JSON.parse(text).nonce;
    } catch {
        nonce = undefined;
    }
    const bytes = typeof nonce === 'string' ? Buffer.from(nonce, 'base64url') : Buffer.alloc(0);
    if (bytes.length !== NONCE_BYTES || bytes.toString('base64url') !== nonce)
        throw new Refusal(400, 'bad-challenge', `a challenge is {"nonce": base64url of ${NONCE_BYTES} bytes}`);
    return bytes;
}
