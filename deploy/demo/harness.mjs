// What the tests of the demo worker share: a worker process of their own, and plain clients for it.
// It owns the process and its folder, both gone at the end of the test file.
// It never looks inside the worker: what a test sees is what a caller or an operator sees.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import http2 from 'node:http2';
import https from 'node:https';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { cidOf } from './cid.mjs';

const HERE = path.dirname(fileURLToPath(import.meta.url));
const LINE_MS_MAX = 10000;

// What every test is given: one that hangs fails.
export const LIMIT = { timeout: 30000 };

export class TestWorker {
    #process;
    #lines = [];
    #onLine = new Set();
    port = 0;

    constructor() {
        this.dir = mkdtempSync(path.join(tmpdir(), 'teegate-demo-'));
        this.agents = path.join(this.dir, 'agents');
        cpSync(path.join(HERE, 'agents'), this.agents, { recursive: true });
        execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256',
            '-nodes', '-days', '2', '-subj', '/CN=demo worker',
            '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1',
            '-keyout', path.join(this.dir, 'key.pem'), '-out', path.join(this.dir, 'crt.pem'),
        ], { stdio: 'ignore' });
    }

    async start(...more) {
        this.#process = spawn(process.execPath, [path.join(HERE, 'worker.mjs'),
            '--cert', path.join(this.dir, 'crt.pem'), '--key', path.join(this.dir, 'key.pem'),
            '--agents', this.agents, ...more], { stdio: ['ignore', 'pipe', 'pipe'] });
        createInterface({ input: this.#process.stderr }).on('line', (line) => {
            this.#lines.push(line);
            for (const listener of this.#onLine)
                listener();
        });
        const first = await once(createInterface({ input: this.#process.stdout }), 'line');
        this.port = JSON.parse(first[0]).listening;
        return this;
    }

    get tls() {
        return { ca: readFileSync(path.join(this.dir, 'crt.pem')), servername: 'localhost' };
    }

    get log() {
        return this.#lines.join('\n');
    }

    get stateDir() {
        return path.join(this.dir, 'state');
    }

    // The first log line that `wanted` likes, whether it is there or comes in time.
    logged(wanted) {
        const find = () => this.#lines.map((line) => JSON.parse(line)).find(wanted);
        return new Promise((resolve, reject) => {
            const done = () => {
                clearTimeout(timer);
                this.#onLine.delete(look);
            };
            const look = () => {
                const line = find();
                if (line !== undefined) {
                    done();
                    resolve(line);
                }
            };
            const timer = setTimeout(() => {
                done();
                reject(new Error(`no such log line among\n${this.log}`));
            }, LINE_MS_MAX);
            this.#onLine.add(look);
            look();
        });
    }

    // Puts a file among the agents; returns the CID of `bytes`.
    put(name, bytes) {
        writeFileSync(path.join(this.agents, name), bytes);
        return cidOf(Buffer.from(bytes));
    }

    cid(name) {
        return cidOf(readFileSync(path.join(this.agents, name)));
    }

    signal(name) {
        this.#process.kill(name);
    }

    async stopped() {
        if (this.#process.exitCode === null && this.#process.signalCode === null)
            await once(this.#process, 'exit');
        return this.#process.exitCode;
    }

    async end() {
        if (this.#process !== undefined) {
            this.signal('SIGKILL');
            await this.stopped();
        }
        rmSync(this.dir, { recursive: true, force: true });
    }
}

// One call over its own connection. What comes back has status, headers, `chunks` (an async
// iterable), trailers() once they are read, and leave() for a caller who goes.
export const clients = { 'HTTP/2': callH2, 'HTTP/1.1': callH1 };

export async function callH2(worker, target, { method = 'GET', headers = {}, body = '' } = {}) {
    const session = http2.connect(`https://127.0.0.1:${worker.port}`, worker.tls);
    session.on('error', () => {});
    const stream = session.request({ ':method': method, ':path': target, ...headers });
    let trailers = {};
    stream.on('trailers', (fields) => { trailers = fields; });
    if (!stream.writableEnded) // a GET has no body and is sent as such
        send(stream, body);
    const [fields] = await once(stream, 'response');
    stream.on('close', () => session.close());
    return {
        status: fields[':status'],
        headers: fields,
        chunks: stream,
        stream,
        session,
        trailers: () => trailers,
        leave: () => stream.close(http2.constants.NGHTTP2_CANCEL),
    };
}

export async function callH1(worker, target, { method = 'GET', headers = {}, body = '' } = {}) {
    const request = https.request({
        host: '127.0.0.1', port: worker.port, path: target, method, headers, agent: false, ...worker.tls,
    });
    request.on('error', () => {});
    send(request, body);
    const [response] = await once(request, 'response');
    return {
        status: response.statusCode,
        headers: response.headers,
        chunks: response,
        trailers: () => response.trailers,
        leave: () => request.destroy(),
    };
}

function send(stream, body) {
    if (typeof body?.pipe === 'function')
        body.pipe(stream);
    else
        stream.end(body);
}

export async function textOf(answer) {
    const chunks = [];
    for await (const chunk of answer.chunks)
        chunks.push(chunk);
    return Buffer.concat(chunks).toString('utf8');
}

export async function jsonOf(answer) {
    return JSON.parse(await textOf(answer));
}
