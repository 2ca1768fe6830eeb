// The end of a demo worker, and the ways in which it does not even begin.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import http2 from 'node:http2';
import net from 'node:net';
import path from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { clients, LIMIT, TestWorker, textOf } from './harness.mjs';

const PROGRAM = path.join(path.dirname(fileURLToPath(import.meta.url)), 'worker.mjs');
const workers = [];
after(() => Promise.all(workers.map((worker) => worker.end())));

function started() {
    const worker = new TestWorker();
    workers.push(worker);
    return worker.start();
}

function refusesConnections(port) {
    return new Promise((resolve) => {
        const socket = net.connect(port, '127.0.0.1', () => {
            socket.destroy();
            resolve(false);
        });
        socket.on('error', () => resolve(true));
    });
}

for (const [protocol, call] of Object.entries(clients)) {
    test(`SIGTERM lets the call under way finish and takes no other, over ${protocol}`, LIMIT, async () => {
        const worker = await started();
        const answer = await call(worker, `/ipfs/${worker.cid('tokens.mjs')}?n=10&ms=50`);
        worker.signal('SIGTERM');
        assert.match(await textOf(answer), /event: done\ndata: \{"tokens":10\}/);
        assert.equal(await worker.stopped(), 0);
        assert.equal((await worker.logged(({ event }) => event === 'stopped')).cut, 0);
        assert.ok(await refusesConnections(worker.port));
    });
}

test('SIGTERM ends idle connections at once', LIMIT, async () => {
    const worker = await started();
    const session = http2.connect(`https://127.0.0.1:${worker.port}`, worker.tls);
    session.on('error', () => {});
    await new Promise((resolve) => { session.on('remoteSettings', resolve); });
    const before = performance.now();
    worker.signal('SIGTERM');
    assert.equal(await worker.stopped(), 0);
    assert.ok(performance.now() - before < 5000);
});

test('SIGTERM cuts a call that does not end within ten seconds', LIMIT, async () => {
    const worker = await started();
    const answer = await clients['HTTP/1.1'](worker, `/ipfs/${worker.cid('tokens.mjs')}?n=100&ms=1000`);
    worker.signal('SIGTERM');
    const before = performance.now();
    await assert.rejects(textOf(answer));
    assert.equal(await worker.stopped(), 0);
    const ms = performance.now() - before;
    assert.ok(ms > 9000 && ms < 15000, `after ${ms} ms`);
});

test('wrong use exits with 2 and says what is wrong; --help says that it is no sandbox', LIMIT, () => {
    const run = (...args) => spawnSync(process.execPath, [PROGRAM, ...args], { encoding: 'utf8' });
    const cases = [[[], '--cert'], [['--cert', 'a'], '--key'], [['--cert', 'a', '--key', 'b'], '--agents'],
        [['--cert', 'a', '--key', 'b', '--agents', 'c', '--port', '65536'], '65536'],
        [['--nonsense'], '--nonsense']];
    for (const [args, word] of cases) {
        const { status, stderr } = run(...args);
        assert.equal(status, 2, args.join(' '));
        assert.ok(stderr.includes(word), stderr);
    }
    const missing = run('--cert', '/nowhere', '--key', '/nowhere', '--agents', '.');
    assert.equal(missing.status, 1);
    const help = run('--help');
    assert.equal(help.status, 0);
    assert.match(help.stdout, /no sandbox/);
});
