#!/usr/bin/env node
// The demo worker: serves agents by the CID of their bytes, over HTTP/2 and HTTP/1.1, TLS 1.3 only.
// It owns the listener, the connections and the calls under way.
// It is a demonstration and NO SANDBOX: an agent runs inside this process and may do all it may do.
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureServer } from 'node:http2';
import { parseArgs } from 'node:util';
import { Attest, CHALLENGE_PATH } from './attest.mjs';
import { runAgent, Usage } from './call.mjs';
import { isCid } from './cid.mjs';
import { Reply } from './reply.mjs';
import { Refusal, Shelf } from './shelf.mjs';
import { States } from './state.mjs';
import { Subcalls } from './subcall.mjs';

const CALLS_MAX = 1024;
const CONNECTIONS_MAX = 1024;
const CALL_MS_MAX = 300000;
const DRAIN_MS_MAX = 10000;
const CUT_MS_MAX = 1000; // for those cut off then to notice it
const STREAM_WINDOW = 256 * 1024;
const SESSION_WINDOW = 1024 * 1024;

const HELP = `usage: worker.mjs --cert FILE --key FILE --agents DIR [options]

Serves /ipfs/<cid>[/<rest>][?query] with the agent in DIR whose bytes hash to <cid>
(CIDv1, raw, sha2-256, base32: bafkrei...). cid.mjs prints the CID of a file.

  --cert FILE    certificate chain, PEM (RA-TLS: attest-verify simulate makes one)
  --key FILE     its private key, PEM
  --agents DIR   the agent files, *.mjs
  --state DIR    where agents with a state transition keep it (default: they are refused)
  --gateway URL  where agents call other agents, on their caller's budget; @FILE: its first line
                 is the URL (default: they cannot)
  --gateway-ca FILE  what the gateway's certificate is checked against, PEM
  --tee DIR      the folder in which attest-verify simulate made NAME.crt.pem: challenges of a
                 gateway at /.well-known/attest are answered with quotes of that worker, made
                 with the simulated vendor's keys in DIR (default: challenges are not known)
  --attest-verify PROGRAM  who makes those quotes (default attest-verify)
  --host ADDR    address to listen on (default 127.0.0.1)
  --port N       port to listen on; 0, the default, takes a free one
  --help         this

Prints {"listening":PORT} on stdout when it serves, one JSON line for each call on stderr.
SIGTERM: accepts no more and gives the calls under way ${DRAIN_MS_MAX / 1000} seconds.

This is a demonstration and no sandbox: agents run inside this process, with its rights, and one
that never yields stops all others. Serve only agents you would run yourself.
`;

function log(line) {
    process.stderr.write(`${JSON.stringify({ time: new Date().toISOString(), ...line })}\n`);
}

class Worker {
    #shelf;
    #states;
    #subcalls;
    #server;
    #sessions = new Set();
    #sockets = new Map(); // of HTTP/1.1 -> calls under way on it
    #calls = new Map(); // reply -> promise of its end
    #draining = false;
    #attest;

    // `attest` answers challenges, `subcalls` calls other agents; null: they are not known.
    constructor(shelf, states, tls, attest, subcalls) {
        this.#shelf = shelf;
        this.#states = states;
        this.#attest = attest;
        this.#subcalls = subcalls;
        this.#server = createSecureServer({
            ...tls,
            allowHTTP1: true,
            minVersion: 'TLSv1.3',
            maxSessionMemory: 64,
            settings: { initialWindowSize: STREAM_WINDOW, maxConcurrentStreams: 256 },
        });
        this.#server.maxConnections = CONNECTIONS_MAX;
        this.#server.on('session', (session) => this.#noteSession(session));
        this.#server.on('secureConnection', (socket) => this.#noteSocket(socket));
        this.#server.on('tlsClientError', (error) => log({ event: 'tls', error: error.code ?? 'unknown' }));
        this.#server.on('request', (req, res) => this.#accept(req, res));
    }

    listen(port, host) {
        return new Promise((resolve, reject) => {
            this.#server.once('error', reject);
            this.#server.listen(port, host, () => resolve(this.#server.address().port));
        });
    }

    // Takes no more calls; returns when those under way are over or out of time.
    async drain() {
        this.#draining = true;
        this.#server.close();
        for (const session of this.#sessions)
            session.close(); // GOAWAY; the streams under way go on
        for (const [socket, calls] of this.#sockets) {
            if (calls === 0)
                socket.destroy();
        }
        await this.#settled(DRAIN_MS_MAX);
        const cut = this.#calls.size;
        for (const reply of this.#calls.keys())
            reply.abort(new Error('the worker stops'));
        await this.#settled(CUT_MS_MAX);
        return cut;
    }

    async #settled(ms) {
        let timer;
        const late = new Promise((resolve) => { timer = setTimeout(resolve, ms); });
        await Promise.race([Promise.allSettled(this.#calls.values()), late]);
        clearTimeout(timer);
    }

    #noteSession(session) {
        session.setLocalWindowSize(SESSION_WINDOW);
        this.#sessions.add(session);
        session.on('close', () => this.#sessions.delete(session));
        session.on('error', () => {}); // its calls learn it themselves
        if (this.#draining)
            session.close();
    }

    #noteSocket(socket) {
        socket.setNoDelay(true);
        socket.on('error', () => {});
        if (socket.alpnProtocol === 'h2')
            return;
        this.#sockets.set(socket, 0);
        socket.on('close', () => this.#sockets.delete(socket));
    }

    #countOnSocket(req, res, by) {
        const calls = this.#sockets.get(req.socket);
        if (req.httpVersionMajor >= 2 || calls === undefined)
            return;
        this.#sockets.set(req.socket, calls + by);
        if (this.#draining && by > 0)
            res.setHeader('connection', 'close');
        else if (this.#draining && calls + by === 0)
            req.socket.destroySoon();
    }

    #accept(req, res) {
        const usage = new Usage();
        const reply = new Reply(req, res, () => trailersOf(res, usage));
        this.#countOnSocket(req, res, 1);
        this.#calls.set(reply, this.#serve(req, reply, usage).finally(() => {
            this.#calls.delete(reply);
            this.#countOnSocket(req, res, -1);
        }));
    }

    async #serve(req, reply, usage) {
        const started = performance.now();
        const ask = { req, cid: null, bytes: 0 };
        const timer = setTimeout(() => reply.abort(
            new Refusal(504, 'agent-slow', 'the agent took too long')), CALL_MS_MAX);
        const error = await this.#answer(ask, reply, usage).then(() => null, (reason) => reason);
        if (error !== null)
            await giveUp(reply, error);
        await reply.closed;
        clearTimeout(timer);
        log({
            invocation: invocationOf(req),
            cid: ask.cid,
            agent: ask.agent,
            protocol: `HTTP/${req.httpVersion}`,
            method: req.method,
            status: reply.status,
            outcome: outcomeOf(reply, error),
            in: ask.bytes,
            out: reply.bytes,
            usage: usage.toString() || undefined,
            ms: Math.round(performance.now() - started),
            error: wordOf(error),
        });
    }

    async #answer(ask, reply, usage) {
        if (this.#attest !== null && ask.req.url === CHALLENGE_PATH)
            return this.#attest.answer(ask.req, reply);
        readTarget(ask);
        if (this.#calls.size > CALLS_MAX)
            throw new Refusal(503, 'worker-busy', 'this worker runs as many calls as it can');
        const agent = await this.#shelf.take(ask.cid);
        ask.agent = agent.name;
        const token = ask.req.headers['agent-invocation-token'];
        if (this.#subcalls !== null && token !== undefined)
            ask.call = (cid, options) => this.#subcalls.call(token, cid, options);
        await runAgent(agent.exports, ask, reply, usage, this.#states);
    }
}

// An agent that sent the field itself has said it; else its report follows the body.
function trailersOf(res, usage) {
    const report = usage.toString();
    return report === '' || res.hasHeader('agent-usage') ? {} : { 'agent-usage': report };
}

function readTarget(ask) {
    const { req } = ask;
    const match = /^\/ipfs\/([^/?#]+)(?:\/[^?#]*)?(?:\?[^#]*)?$/.exec(req.url);
    if (match === null)
        throw new Refusal(404, 'no-such-path', 'agents are at /ipfs/<cid>');
    if (!isCid(match[1]))
        throw new Refusal(404, 'no-such-agent', 'this worker has agents under bafkrei... CIDs only');
    ask.cid = match[1];
    ask.path = req.url.split('?', 1)[0];
    if (['CONNECT', 'TRACE', 'TRACK'].includes(req.method))
        throw new Refusal(501, 'no-such-method', `agents are not called with ${req.method}`);
    try {
        ask.url = new URL(`https://${req.headers[':authority'] ?? req.headers.host}${req.url}`);
    } catch {
        throw new Refusal(400, 'bad-host', 'the host of the request is not one');
    }
    ask.secret = secretOf(req.headers['agent-secret']);
}

function secretOf(field) {
    if (field === undefined)
        return undefined;
    try {
        return JSON.parse(Buffer.from(field, 'base64url').toString('utf8'));
    } catch {
        throw new Refusal(400, 'bad-secret', 'agent-secret is not base64url of JSON');
    }
}

async function giveUp(reply, error) {
    // Only the time limit is told to a caller who still listens; one that left hears nothing.
    const reason = reply.signal.aborted ? reply.signal.reason : error;
    if (reply.begun || (reply.signal.aborted && !(reason instanceof Refusal)))
        return reply.breakOff();
    const known = reason instanceof Refusal;
    const status = known ? reason.status : 500;
    const problem = {
        title: known ? reason.code : 'agent-failed',
        status,
        detail: known ? reason.message : 'the agent threw an error',
    };
    const fields = { 'content-type': 'application/problem+json' };
    if (status === 503)
        fields['retry-after'] = '1';
    await reply.send(status, fields, JSON.stringify(problem)).catch(() => reply.breakOff());
}

function invocationOf(req) {
    const id = req.headers['agent-invocation-id'];
    return typeof id === 'string' && /^[\w.:-]{1,128}$/.test(id) ? id : randomUUID();
}

function outcomeOf(reply, error) {
    if (!reply.complete)
        return reply.left ? 'caller-left' : 'broken';
    return error === null ? 'answered' : 'refused';
}

// The kind of an error, never its text: an agent may put a body or a secret into that.
function wordOf(error) {
    if (error === null)
        return undefined;
    return error instanceof Refusal ? error.code : error?.constructor?.name ?? typeof error;
}

function readOptions() {
    const options = {};
    for (const name of ['cert', 'key', 'agents', 'state', 'gateway', 'gateway-ca', 'host', 'port', 'tee',
        'attest-verify'])
        options[name] = { type: 'string' };
    const { values } = parseArgs({ options: { ...options, help: { type: 'boolean' } } });
    if (values.help)
        return null;
    for (const name of ['cert', 'key', 'agents']) {
        if (values[name] === undefined)
            throw new Error(`--${name} is missing`);
    }
    const port = values.port ?? '0';
    if (!/^[0-9]{1,5}$/.test(port) || Number(port) > 65535)
        throw new Error(`--port is "${port}"; allowed is 0 to 65535`);
    return { host: '127.0.0.1', ...values, port: Number(port) };
}

async function main() {
    let options;
    try {
        options = readOptions();
    } catch (error) {
        process.stderr.write(`worker.mjs: ${error.message}\nworker.mjs --help shows the options\n`);
        process.exit(2);
    }
    if (options === null) {
        process.stdout.write(HELP);
        return;
    }
    // A rejection that an agent forgot is its own affair; the other calls go on.
    process.on('unhandledRejection', (reason) => log({ event: 'unhandled', error: wordOf(reason) }));
    try {
        const tls = { cert: readFileSync(options.cert), key: readFileSync(options.key) };
        const shelf = new Shelf(options.agents);
        await shelf.scan();
        const states = options.state === undefined ? null : new States(options.state);
        const attest = options.tee === undefined ? null
            : new Attest(tls.cert, options.cert, options['attest-verify'] ?? 'attest-verify', options.tee);
        const subcalls = options.gateway === undefined ? null
            : new Subcalls(options.gateway, options['gateway-ca']);
        const worker = new Worker(shelf, states, tls, attest, subcalls);
        const port = await worker.listen(options.port, options.host);
        for (const name of ['SIGTERM', 'SIGINT']) {
            process.once(name, async () => {
                const cut = await worker.drain();
                log({ event: 'stopped', cut });
                process.exit(0);
            });
        }
        log({ event: 'started', agents: shelf.size, port });
        process.stdout.write(`${JSON.stringify({ listening: port })}\n`);
    } catch (error) {
        process.stderr.write(`worker.mjs: ${error.message}\n`);
        process.exit(1);
    }
}

await main();
