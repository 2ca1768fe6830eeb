// The demo worker itself: whose bytes it runs, how it streams, what it does when a side breaks off.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import http2 from 'node:http2';
import path from 'node:path';
import { Readable } from 'node:stream';
import { after, before, test } from 'node:test';
import tls from 'node:tls';
import { fileURLToPath } from 'node:url';
import { cidOf, isCid } from './cid.mjs';
import { callH1, callH2, clients, jsonOf, LIMIT, TestWorker, textOf } from './harness.mjs';

const HERE = path.dirname(fileURLToPath(import.meta.url));
const HELLO_CID = 'bafkreibm6jg3ux5qumhcn2b3flc3tyu6dmlb4xa7u5bf44yegnrjhc4yeq'; // of "hello"

const worker = new TestWorker();
before(() => worker.start());
after(() => worker.end());

// The agent made of `source`, under its CID.
function put(name, source) {
    return `/ipfs/${worker.put(name, source)}`;
}

async function rescanned(call) {
    for (let tries = 0; tries < 30; tries++) {
        const answer = await call();
        if (answer.status !== 404)
            return answer;
        await textOf(answer);
        await new Promise((resolve) => { setTimeout(resolve, 100); });
    }
    throw new Error('the worker never found the new agent');
}

test('the CID of a file is the one IPFS gives to its bytes', LIMIT, () => {
    assert.equal(cidOf(Buffer.from('hello')), HELLO_CID);
    assert.ok(isCid(HELLO_CID));
    const file = path.join(HERE, 'agents', 'echo.mjs');
    const run = spawnSync(process.execPath, [path.join(HERE, 'cid.mjs'), file, file], { encoding: 'utf8' });
    const cid = worker.cid('echo.mjs');
    assert.equal(run.stdout, `${cid}\n${cid}\n`);
    assert.equal(spawnSync(process.execPath, [path.join(HERE, 'cid.mjs'), '/nowhere']).status, 1);
    assert.equal(spawnSync(process.execPath, [path.join(HERE, 'cid.mjs')]).status, 2);
});

test('what only looks like a CID is none', LIMIT, () => {
    for (const text of ['', HELLO_CID.slice(0, -1), `${HELLO_CID}a`, HELLO_CID.toUpperCase(), `${HELLO_CID}\n`,
        `${HELLO_CID.slice(0, -1)}r`, HELLO_CID.replace('bafkrei', 'bafybei')])
        assert.ok(!isCid(text), JSON.stringify(text));
});

for (const [protocol, call] of Object.entries(clients)) {
    test(`an unknown CID and a foreign path are 404, over ${protocol}`, LIMIT, async () => {
        const targets = [`/ipfs/${HELLO_CID}`, '/ipfs/', '/ipfs', '/', `/ipfs/${HELLO_CID}x`,
            '/ipfs/QmPVsjUFsKCo9oJVk9LgdAkJrCzmTmr9QHaVfDge4rVqPE', `/ipns/${HELLO_CID}`];
        for (const target of targets) {
            const answer = await call(worker, target);
            assert.equal(answer.status, 404, target);
            assert.equal(answer.headers['content-type'], 'application/problem+json');
            assert.equal((await jsonOf(answer)).status, 404);
        }
    });

    test(`an agent whose bytes changed is refused under its old CID, over ${protocol}`, LIMIT, async () => {
        const name = `changed-${protocol.replace('/', '')}.mjs`;
        const source = (word) => `export default () => ({ body: '${word} ${protocol}' });`;
        const old = put(name, source('old'));
        assert.equal(await textOf(await rescanned(() => call(worker, old))), `old ${protocol}`);
        const fresh = put(name, source('new'));
        const answer = await call(worker, old);
        assert.equal(answer.status, 500);
        assert.equal((await jsonOf(answer)).title, 'agent-bytes');
        assert.equal(await textOf(await rescanned(() => call(worker, fresh))), `new ${protocol}`);
        put(name, source('old'));
        assert.equal((await call(worker, old)).status, 200);
    });

    test(`each chunk leaves before the next one is made, over ${protocol}`, LIMIT, async () => {
        // The agent makes a chunk only after the caller has told it, by a second call, that the
        // last one has arrived: buffering anywhere would end this test by its time limit.
        const target = put(`steps.mjs`, `
            const told = [];
            const at = (n) => (told[n] ??= (() => { let go; const p = new Promise((r) => { go = r; });
                return { p, go }; })());
            export default { async fetch(request) {
                const step = new URL(request.url).searchParams.get('told');
                if (step !== null) { at(step).go(); return new Response(null, { status: 204 }); }
                const run = new URL(request.url).searchParams.get('run');
                let n = 0;
                return new Response(new ReadableStream({ async pull(stream) {
                    if (n > 0) await at(run + n).p;
                    if (n === 3) stream.close(); else stream.enqueue(new Uint8Array([n++]));
                } }));
            } };`);
        const answer = await rescanned(() => call(worker, `${target}?run=${protocol}`));
        const seen = [];
        for await (const chunk of answer.chunks) {
            seen.push(...chunk);
            assert.equal((await call(worker, `${target}?told=${protocol}${seen.length}`)).status, 204);
        }
        assert.deepEqual(seen, [0, 1, 2]);
    });

    test(`a caller who reads nothing holds the agent back, over ${protocol}`, LIMIT, async () => {
        const target = put('endless.mjs', `
            let made = 0;
            export default { fetch(request) {
                if (request.url.endsWith('?made')) return new Response(String(made));
                return new Response(new ReadableStream({ pull(stream) {
                    made += 65536; stream.enqueue(new Uint8Array(65536));
                } }));
            } };`);
        const made = async () => Number(await textOf(await call(worker, `${target}?made`)));
        const answer = await rescanned(() => call(worker, target));
        let last = -1;
        for (let now = await made(); now !== last; now = await made()) {
            last = now;
            await new Promise((resolve) => { setTimeout(resolve, 200); });
            assert.ok(now < 64 * 1024 * 1024, `${now} bytes were made for a caller who reads nothing`);
        }
        answer.leave();
    });

    test(`a caller who leaves stops the agent, over ${protocol}`, LIMIT, async () => {
        const target = put('leaves.mjs', `
            let aborted = 0, cancelled = 0;
            export default { fetch(request, { signal }) {
                if (request.url.endsWith('?seen')) return new Response(JSON.stringify({ aborted, cancelled }));
                request.signal.addEventListener('abort', () => { aborted++; });
                return new Response(new ReadableStream({
                    start(stream) { stream.enqueue(new Uint8Array(1)); },
                    cancel() { cancelled++; },
                }));
            } };`);
        const seen = async () => jsonOf(await rescanned(() => call(worker, `${target}?seen`)));
        const before = await seen();
        const id = `leaves-${protocol}`.replace('/', '');
        const answer = await call(worker, target, { headers: { 'agent-invocation-id': id } });
        await once(answer.chunks, 'data');
        answer.chunks.on('error', () => {});
        answer.leave();
        const line = await worker.logged(({ invocation }) => invocation === id);
        assert.equal(line.outcome, 'caller-left');
        assert.deepEqual(await seen(), { aborted: before.aborted + 1, cancelled: before.cancelled + 1 });
    });

    test(`a caller who leaves before the answer began stops the agent, over ${protocol}`, LIMIT, async () => {
        const target = put('silent.mjs', `
            export default { fetch: (request, { signal, usage }) => new Promise((_, reject) => {
                signal.addEventListener('abort', () => { usage({ aborted: 1 }); reject(signal.reason); });
            }) };`);
        await rescanned(() => Promise.race([call(worker, target), new Promise((resolve) => {
            setTimeout(() => resolve({ status: 0 }), 300); // no answer: it was found
        })]));
        const id = `silent-${protocol}`.replace('/', '');
        const socket = tls.connect({ host: '127.0.0.1', port: worker.port, ...worker.tls });
        await once(socket, 'secureConnect');
        socket.write(`GET ${target} HTTP/1.1\r\nhost: localhost\r\nagent-invocation-id: ${id}\r\n\r\n`);
        await new Promise((resolve) => { setTimeout(resolve, 100); });
        socket.destroy();
        const line = await worker.logged(({ invocation }) => invocation === id);
        assert.equal(line.outcome, 'caller-left');
        assert.equal(line.usage, 'aborted=1');
    });

    test(`an agent that breaks in the middle breaks the answer visibly, over ${protocol}`, LIMIT, async () => {
        const target = put('breaks.mjs', `
            export default { fetch() {
                let n = 0;
                return new Response(new ReadableStream({ pull(stream) {
                    if (n++ > 0) throw new Error('secret text');
                    stream.enqueue(new Uint8Array(10));
                } }, { highWaterMark: 0 }));
            } };`);
        const answer = await rescanned(() => call(worker, target));
        assert.equal(answer.status, 200);
        await assert.rejects(textOf(answer));
        await worker.logged(({ outcome, cid }) => outcome === 'broken' && target.endsWith(cid));
        assert.ok(!worker.log.includes('secret text'), 'the words of an error stay out of the log');
    });

    test(`a length the agent did not keep breaks the answer, over ${protocol}`, LIMIT, async () => {
        for (const length of [2, 4]) {
            const target = put(`length${length}.mjs`, `
                export default { fetch: () => new Response(new Blob(['abc']).stream(),
                    { headers: { 'content-length': '${length}' } }) };`);
            const answer = await rescanned(() => call(worker, target));
            await assert.rejects(textOf(answer), `length ${length} of 3 bytes`);
        }
    });

    test(`agents that answer nonsense are 500, over ${protocol}`, LIMIT, async () => {
        const sources = {
            throws: 'export default () => { throw new Error("x"); };',
            rejects: 'export default async () => { throw undefined; };',
            nothing: 'export default () => {};',
            text: 'export default () => "not json";',
            number: 'export default () => "7";',
            status: 'export default () => ({ status: 99 });',
            field: 'export default () => ({ headers: { "a b": "c" } });',
            split: 'export default () => ({ headers: { a: "b\\r\\nc: d" } });',
            response: 'export default { fetch: () => 7 };',
            error: 'export default { fetch: () => Response.error() };',
            syntax: 'export default (',
            empty: 'export const main = 1;',
            stateful: 'export default { transition: () => 1 };',
        };
        const targets = Object.entries(sources).map(([name, source]) => [name, put(`bad-${name}.mjs`, source)]);
        for (const [name, target] of targets) {
            const answer = await rescanned(() => call(worker, target));
            assert.equal(answer.status, name === 'stateful' ? 501 : 500, name);
            assert.equal(answer.headers['content-type'], 'application/problem+json');
            await textOf(answer);
        }
    });

    test(`the JSON contract takes 10 MiB and refuses one byte more, over ${protocol}`, LIMIT, async () => {
        const target = put('length.mjs',
            'export default (r) => ({ body: String(JSON.parse(r).body.length) });');
        for (const [more, status] of [[-1, 200], [0, 200], [1, 413]]) {
            const body = Buffer.alloc(10 * 1024 * 1024 + more, 'a');
            const parts = Array.from({ length: 161 }, (_, n) => body.subarray(n * 65536, (n + 1) * 65536));
            const upload = () => Readable.from(parts.filter((part) => part.length > 0));
            const answer = await rescanned(() => call(worker, target, { method: 'POST', body: upload() }));
            assert.equal(answer.status, status, `${more} bytes from the limit`);
            const text = await textOf(answer).catch(() => '');
            assert.ok(status === 413 || text === String(body.length));
        }
    });

    test(`binary bodies pass byte for byte, over ${protocol}`, LIMIT, async () => {
        const target = put('mirror.mjs', `
            export default { fetch: (request) => new Response(request.body,
                { status: 201, headers: [['set-cookie', 'a=1; Expires=Fri, 01 Jan 2027 00:00:00 GMT'], ['set-cookie', 'b=2'], ['x-a', 'b'],
                    ['connection', 'x-b'], ['x-b', 'c'], ['keep-alive', 'timeout=99']] }) };`);
        const body = Buffer.from(Array.from({ length: 1024 }, (_, index) => index % 256));
        const answer = await rescanned(() => call(worker, target, { method: 'PUT', body }));
        assert.equal(answer.status, 201);
        assert.deepEqual(answer.headers['set-cookie'], ['a=1; Expires=Fri, 01 Jan 2027 00:00:00 GMT', 'b=2']);
        assert.equal(answer.headers['x-a'], 'b');
        assert.equal(answer.headers['x-b'], undefined, 'named by connection');
        assert.notEqual(answer.headers['keep-alive'], 'timeout=99');
        const seen = [];
        for await (const chunk of answer.chunks)
            seen.push(chunk);
        assert.deepEqual(Buffer.concat(seen), body);
    });
}

test('usage is a field of a whole answer, and the field an agent sets itself wins', LIMIT, async () => {
    const whole = put('usage.mjs', `export default (r, { usage }) => { usage({ tokens: 2, calls: 1 });
        usage({ tokens: 3 }); return { body: 'x' }; };`);
    const answer = await rescanned(() => callH2(worker, whole));
    assert.equal(answer.headers['agent-usage'], 'tokens=5, calls=1');
    await textOf(answer);
    const own = put('usage-own.mjs', `export default { fetch: (r, { usage }) => { usage({ tokens: 2 });
        return new Response('x', { headers: { 'agent-usage': 'tokens=9' } }); } };`);
    const second = await rescanned(() => callH2(worker, own));
    assert.equal(second.headers['agent-usage'], 'tokens=9');
    await textOf(second);
    assert.deepEqual(second.trailers(), {});
});

test('usage that is no count is the agent\'s error', LIMIT, async () => {
    const all = ['{ a: -1 }', '{ a: 0.5 }', '{ a: "1" }', '{ "A b": 1 }', '{ a: 2 ** 53 }',
        '{ a1: 1, a2: 1, a3: 1, a4: 1, a5: 1, a6: 1, a7: 1, a8: 1, a9: 1 }'];
    const targets = all.map((units, index) => [units, put(`usage-bad${index}.mjs`,
        `export default (r, { usage }) => { usage(${units}); return {}; };`)]);
    for (const [units, target] of targets) {
        const answer = await rescanned(() => callH2(worker, target));
        assert.equal(answer.status, 500, units);
        await textOf(answer);
    }
});

test('trailers go over HTTP/1.1 only to those who ask for them', LIMIT, async () => {
    const answer = await callH1(worker, `/ipfs/${worker.cid('tokens.mjs')}?n=1&ms=0`);
    await textOf(answer);
    assert.deepEqual(answer.trailers(), {});
});

test('an answer before the end of the upload is whole, and the upload is told to stop', LIMIT, async () => {
    const target = put('early.mjs', 'export default { fetch: () => new Response("early") };');
    await textOf(await rescanned(() => callH2(worker, target)));
    const session = http2.connect(`https://127.0.0.1:${worker.port}`, worker.tls);
    const stream = session.request({ ':method': 'POST', ':path': target });
    stream.write(Buffer.alloc(1000));
    const [fields] = await once(stream, 'response');
    assert.equal(fields[':status'], 200);
    assert.equal(await textOf({ chunks: stream }), 'early');
    if (!stream.closed)
        await once(stream, 'close');
    assert.equal(stream.rstCode, http2.constants.NGHTTP2_NO_ERROR);
    session.close();
});

test('HEAD has the fields and no body', LIMIT, async () => {
    const answer = await callH1(worker, `/ipfs/${worker.cid('tokens.mjs')}`, { method: 'HEAD' });
    assert.equal(answer.headers['content-type'], 'text/event-stream');
    assert.equal(await textOf(answer), '');
});

test('TLS 1.2 is refused', LIMIT, async () => {
    const socket = tls.connect({ host: '127.0.0.1', port: worker.port, ...worker.tls, maxVersion: 'TLSv1.2' });
    const [error] = await once(socket, 'error');
    assert.match(error.code ?? '', /PROTOCOL_VERSION|ECONNRESET/);
});

test('a request is one log line, without query, fields or body', LIMIT, async () => {
    const answer = await callH2(worker, `/ipfs/${worker.cid('echo.mjs')}/rest-word?q=query-word`, {
        method: 'POST', body: 'body-word', headers: { 'agent-invocation-id': 'one-line', 'x-a': 'field-word' },
    });
    await textOf(answer);
    const line = await worker.logged(({ invocation }) => invocation === 'one-line');
    assert.equal(line.cid, worker.cid('echo.mjs'));
    assert.equal(line.status, 200);
    assert.equal(line.outcome, 'answered');
    assert.equal(line.in, 'body-word'.length);
    assert.ok(!/(rest|query|body|field)-word/.test(worker.log));
    assert.equal(worker.log.match(/"one-line"/g).length, 1);
});

test('an invocation id that is no word is not logged', LIMIT, async () => {
    const id = 'a'.repeat(129);
    await textOf(await callH2(worker, `/ipfs/${worker.cid('echo.mjs')}`,
        { headers: { 'agent-invocation-id': id } }));
    await textOf(await callH2(worker, `/ipfs/${worker.cid('echo.mjs')}`,
        { headers: { 'agent-invocation-id': id.slice(1) } }));
    await worker.logged(({ invocation }) => invocation === id.slice(1));
    assert.ok(!worker.log.includes(id));
});
