// The demo worker's answers to challenges: of this connection, key and nonce, and of nothing else.
import assert from 'node:assert/strict';
import { createHash, randomBytes, X509Certificate } from 'node:crypto';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import http2 from 'node:http2';
import https from 'node:https';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { clients, jsonOf, LIMIT, TestWorker, textOf } from './harness.mjs';

const PATH = '/.well-known/attest';
const LABEL = 'EXPORTER-teegate-attest';

// In place of the simulated TEE: a quote is 48 bytes of a head that says TDX, and the report data.
const QUOTER = `#!/bin/sh
[ "$1 $2" = 'simulate quote' ] || exit 2
while [ $# -gt 0 ]; do
    [ "$1" = --report-data ] && data=$2
    [ "$1" = --worker ] && worker=$2
    shift
done
[ -e "$0.broken" ] && exit 1
printf '\\004\\000\\002\\000\\201\\000\\000\\000%s %s' "$worker" "$data"
`;

const worker = new TestWorker();
const silent = new TestWorker();
const quoter = path.join(worker.dir, 'quoter');

before(async () => {
    writeFileSync(quoter, QUOTER);
    chmodSync(quoter, 0o755);
    await worker.start('--tee', worker.dir, '--attest-verify', quoter);
    await silent.start();
});
after(async () => {
    await worker.end();
    await silent.end();
});

// One challenge over a connection whose exporter we know.
const asked = {
    'HTTP/2': async (nonce) => {
        const session = http2.connect(`https://127.0.0.1:${worker.port}`, worker.tls);
        const stream = session.request({ ':method': 'POST', ':path': PATH });
        stream.end(JSON.stringify({ nonce: nonce.toString('base64url') }));
        const answer = await jsonOf({ chunks: stream });
        const exporter = session.socket.exportKeyingMaterial(32, LABEL);
        session.close();
        return { answer, exporter };
    },
    'HTTP/1.1': (nonce) => new Promise((resolve, reject) => {
        const request = https.request({
            host: '127.0.0.1', port: worker.port, path: PATH, method: 'POST', agent: false, ...worker.tls,
        }, async (response) => {
            const exporter = response.socket.exportKeyingMaterial(32, LABEL);
            resolve({ answer: await jsonOf({ chunks: response }), exporter });
        });
        request.on('error', reject);
        request.end(JSON.stringify({ nonce: nonce.toString('base64url') }));
    }),
};

for (const [protocol, ask] of Object.entries(asked)) {
    test(`the report data is of label, key, exporter and nonce, over ${protocol}`, LIMIT, async () => {
        const nonce = randomBytes(32);
        const { answer, exporter } = await ask(nonce);
        const cert = new X509Certificate(readFileSync(path.join(worker.dir, 'crt.pem')));
        const expected = createHash('sha512').update('teegate-challenge-worker-v1\0')
            .update(cert.publicKey.export({ type: 'spki', format: 'der' })).update(exporter).update(nonce)
            .digest('hex');
        assert.deepEqual(Object.keys(answer).sort(), ['evidence', 'tee']);
        assert.equal(answer.tee, 'tdx');
        const quote = Buffer.from(answer.evidence, 'base64url');
        assert.equal(quote.subarray(8).toString(), `crt.pem ${expected}`);
    });
}

for (const [protocol, call] of Object.entries(clients)) {
    test(`what is no challenge is 400, 405 or 413, over ${protocol}`, LIMIT, async () => {
        const nonce = randomBytes(32).toString('base64url');
        for (const body of ['', 'nothing', '{}', '[]', 'null', '{"nonce":1}', '{"nonce":""}', `{"nonce":"${nonce}="}`,
            `{"nonce":"${nonce.slice(1)}"}`, `{"nonce":"${nonce}AA"}`, '{"nonce":"+/+/"}']) {
            const answer = await call(worker, PATH, { method: 'POST', body });
            assert.equal(answer.status, 400, body);
            await textOf(answer);
        }
        for (const [status, options] of [[405, { method: 'GET' }], [413, { method: 'POST', body: ' '.repeat(2000) }]]) {
            const answer = await call(worker, PATH, options);
            assert.equal(answer.status, status);
            await textOf(answer);
        }
    });

    test(`without --tee challenges are not known, over ${protocol}`, LIMIT, async () => {
        const answer = await call(silent, PATH, { method: 'POST', body: '{}' });
        assert.equal(answer.status, 404);
        await textOf(answer);
    });

    test(`only the path itself is the runtime's, over ${protocol}`, LIMIT, async () => {
        for (const target of [`${PATH}/`, `${PATH}/x`, '/.well-known/', `/ipfs/../${PATH}`]) {
            const answer = await call(worker, target, { method: 'POST', body: '{}' });
            assert.equal(answer.status, 404, target);
            await textOf(answer);
        }
    });
}

test('a TEE that gives no quote is a 500 that says nothing more', LIMIT, async () => {
    writeFileSync(`${quoter}.broken`, '');
    const body = JSON.stringify({ nonce: randomBytes(32).toString('base64url') });
    const answer = await clients['HTTP/2'](worker, PATH, { method: 'POST', body });
    assert.equal(answer.status, 500);
    assert.equal((await jsonOf(answer)).title, 'no-quote');
});
