// Each agent that comes with the demo worker, as a caller sees it, over both protocols.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { Readable } from 'node:stream';
import { after, before, test } from 'node:test';
import { clients, jsonOf, LIMIT, TestWorker, textOf } from './harness.mjs';

const worker = new TestWorker();
before(() => worker.start('--state', worker.stateDir));
after(() => worker.end());

for (const [protocol, call] of Object.entries(clients)) {
    test(`echo tells what it was asked, over ${protocol}`, LIMIT, async () => {
        const target = `/ipfs/${worker.cid('echo.mjs')}/a/b?x=1&y=2&x=3`;
        const answer = await call(worker, target, { method: 'POST', body: 'häl\0lo' });
        assert.equal(answer.status, 200);
        assert.equal(answer.headers['content-type'], 'application/json');
        assert.deepEqual(await jsonOf(answer), {
            method: 'POST',
            path: target.split('?')[0],
            queries: { x: ['1', '3'], y: ['2'] },
            body: 'häl\0lo',
        });
    });

    test(`a GET has no body and may have no query, over ${protocol}`, LIMIT, async () => {
        const answer = await jsonOf(await call(worker, `/ipfs/${worker.cid('echo.mjs')}`));
        assert.equal(answer.body, null);
        assert.deepEqual(answer.queries, {});
    });

    test(`a secret reaches the agent as an argument, over ${protocol}`, LIMIT, async () => {
        const secret = Buffer.from(JSON.stringify({ b: 1, a: 2 })).toString('base64url');
        const target = `/ipfs/${worker.cid('echo.mjs')}`;
        const answer = await call(worker, target, { headers: { 'agent-secret': secret } });
        assert.deepEqual((await jsonOf(answer)).secrets, ['a', 'b']);
        const broken = await call(worker, target, { headers: { 'agent-secret': 'bm8' } });
        assert.equal(broken.status, 400);
        await textOf(broken);
    });

    test(`tokens arrive one event at a time with their count as trailer, over ${protocol}`, LIMIT, async () => {
        const answer = await call(worker, `/ipfs/${worker.cid('tokens.mjs')}?n=3&ms=0`,
            { headers: { te: 'trailers' } });
        assert.equal(answer.headers['content-type'], 'text/event-stream');
        const events = (await textOf(answer)).split('\n\n').filter((event) => event !== '');
        assert.equal(events.length, 4);
        events.slice(0, 3).forEach((event, index) => {
            assert.equal(JSON.parse(event.slice('data: '.length)).index, index);
        });
        assert.equal(events[3], 'event: done\ndata: {"tokens":3}');
        assert.equal(answer.trailers()['agent-usage'], 'tokens=3');
    });

    test(`tokens refuses numbers beyond its limits, over ${protocol}`, LIMIT, async () => {
        const target = `/ipfs/${worker.cid('tokens.mjs')}`;
        for (const query of ['n=-1', 'n=1e3', 'n=100001', 'ms=10001', 'n=']) {
            const answer = await call(worker, `${target}?${query}`);
            assert.equal(answer.status, 400, query);
            await textOf(answer);
        }
    });

    test(`upload reads 10 MiB as a stream, over ${protocol}`, LIMIT, async () => {
        const part = Buffer.alloc(64 * 1024, 'teegate ');
        const whole = createHash('sha256');
        const parts = function* () {
            for (let i = 0; i < 160; i++) {
                whole.update(part);
                yield part;
            }
        };
        const answer = await call(worker, `/ipfs/${worker.cid('upload.mjs')}`,
            { method: 'POST', body: Readable.from(parts()) });
        assert.deepEqual(await jsonOf(answer), { bytes: 10 * 1024 * 1024, sha256: whole.digest('hex') });
    });

    test(`upload of nothing is zero bytes, over ${protocol}`, LIMIT, async () => {
        for (const method of ['GET', 'POST']) {
            const answer = await jsonOf(await call(worker, `/ipfs/${worker.cid('upload.mjs')}`, { method }));
            assert.equal(answer.bytes, 0);
        }
    });
}

test('the counter counts 50 calls at once exactly, and its state is on disk', LIMIT, async () => {
    const target = `/ipfs/${worker.cid('counter.mjs')}`;
    const post = (body) => clients['HTTP/1.1'](worker, target, { method: 'POST', body }).then(jsonOf);
    const seen = await Promise.all(Array.from({ length: 50 }, () => post('')));
    assert.deepEqual(seen.map(({ count }) => count).sort((a, b) => a - b),
        Array.from({ length: 50 }, (_, index) => index + 1));
    assert.deepEqual(await post('{"add":-8}'), { count: 42, calls: 51 });
    const kept = path.join(worker.stateDir, `${worker.cid('counter.mjs')}.json`);
    assert.deepEqual(JSON.parse(readFileSync(kept, 'utf8')), { count: 42, calls: 51 });
    assert.equal(readdirSync(worker.stateDir).length, 1, 'no draft is left behind');
});

test('the counter refuses what it cannot add, and stays as it was', LIMIT, async () => {
    const call = clients['HTTP/2'];
    const target = `/ipfs/${worker.cid('counter.mjs')}`;
    const before = await jsonOf(await call(worker, target));
    for (const body of ['{"add":1.5}', '{"add":1000001}', '{"add":"1"}', 'null', '{']) {
        const answer = await call(worker, target, { method: 'POST', body });
        assert.equal(answer.status, 400, body);
        await textOf(answer);
    }
    const other = await call(worker, target, { method: 'DELETE' });
    assert.equal(other.status, 405);
    await textOf(other);
    assert.deepEqual(await jsonOf(await call(worker, target)), before);
});
