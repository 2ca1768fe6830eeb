// Runs one agent for one request, by whichever of the three contracts the agent follows.
// It owns nothing beyond the call. It never decides what an agent may do: it is no sandbox.
import { Refusal } from './shelf.mjs';

const TEXT_BODY_BYTES_MAX = 10 * 1024 * 1024; // JSON contracts hold the body whole; fetch() streams it
const NO_BODY = new Set(['GET', 'HEAD']);
const UNITS_MAX = 8;

// What an agent reports of its own work, for the trailer: usage({ tokens: 3 }) adds to "tokens".
export class Usage {
    #units = new Map();

    add(units) {
        for (const [name, amount] of Object.entries(units)) {
            const sum = (this.#units.get(name) ?? 0) + amount;
            if (!/^[a-z][a-z0-9_-]{0,31}$/.test(name))
                throw new TypeError(`"${name}" is no name of a unit`);
            if (!Number.isSafeInteger(amount) || amount < 0 || !Number.isSafeInteger(sum))
                throw new TypeError('usage is counted in whole numbers from 0');
            if (!this.#units.has(name) && this.#units.size === UNITS_MAX)
                throw new RangeError(`usage has ${UNITS_MAX} units at most`);
            this.#units.set(name, sum);
        }
    }

    // As RFC 9651 3.2 writes a dictionary of integers; empty when nothing was reported.
    toString() {
        return [...this.#units].map(([name, sum]) => `${name}=${sum}`).join(', ');
    }
}

// `ask` is what the caller wants: req, url, cid, path, secret, and call, with which to call others.
// `reply` takes the answer.
export async function runAgent(exports, ask, reply, usage, states) {
    const agent = exports.default;
    const tools = { usage: (units) => usage.add(units), signal: reply.signal, call: ask.call };
    if (typeof agent === 'function') {
        const request = await jsonRequest(ask, reply, ask.secret);
        const result = await reply.orGone(Promise.resolve(agent(JSON.stringify(request), tools)));
        return sendJson(result, reply, usage);
    }
    if (typeof agent?.fetch === 'function') {
        const request = webRequest(ask, reply);
        const response = await reply.orGone(Promise.resolve(agent.fetch(request, tools)));
        return sendResponse(response, reply);
    }
    if (typeof agent?.transition === 'function') {
        if (states === null)
            throw new Refusal(501, 'no-state', 'this worker keeps no state: it runs without --state');
        const { method, path, queries, body } = await jsonRequest(ask, reply, undefined);
        const input = { method, path, queries, body };
        const output = await reply.orGone(states.run(ask.cid, agent, input));
        return sendJson(output, reply, usage);
    }
    throw new Refusal(500, 'agent-load',
        'the agent exports no function, no fetch() and no transition() by default');
}

async function jsonRequest(ask, reply, secret) {
    const queries = Object.create(null);
    for (const [name, value] of ask.url.searchParams)
        (queries[name] ??= []).push(value);
    const request = { method: ask.req.method, path: ask.path, queries, headers: fieldsOf(ask.req) };
    if (!NO_BODY.has(ask.req.method))
        request.body = await reply.orGone(textOf(ask));
    if (secret !== undefined)
        request.secret = secret;
    return request;
}

// The caller's fields with lower-case names. The secret travels as an argument, not as a field.
function fieldsOf(req) {
    const fields = Object.create(null);
    for (const [name, value] of Object.entries(req.headers)) {
        if (!name.startsWith(':') && name !== 'agent-secret')
            fields[name] = Array.isArray(value) ? value.join(', ') : value;
    }
    return fields;
}

function tooLarge() {
    return new Refusal(413, 'request-too-large', `a body is ${TEXT_BODY_BYTES_MAX} bytes at most here`);
}

function textOf(ask) {
    if (Number(ask.req.headers['content-length'] ?? 0) > TEXT_BODY_BYTES_MAX)
        return Promise.reject(tooLarge());
    return new Promise((resolve, reject) => {
        const chunks = [];
        ask.req.on('data', (chunk) => {
            ask.bytes += chunk.length;
            if (ask.bytes > TEXT_BODY_BYTES_MAX) {
                ask.req.pause();
                reject(tooLarge());
            } else {
                chunks.push(chunk);
            }
        });
        ask.req.on('end', () => resolve(Buffer.concat(chunks).toString('utf8')));
        ask.req.on('error', reject);
    });
}

function webRequest(ask, reply) {
    const options = { method: ask.req.method, headers: fieldsOf(ask.req), signal: reply.signal };
    if (!NO_BODY.has(ask.req.method)) {
        options.body = bodyOf(ask, reply.signal);
        options.duplex = 'half';
    }
    const request = new Request(ask.url, options);
    // Node 18 ties request.signal to ours through a weak reference only; the agent gets ours itself.
    Object.defineProperty(request, 'signal', { value: reply.signal });
    if (ask.secret !== undefined)
        Object.defineProperty(request, 'secret', { value: ask.secret });
    return request;
}

// The request's body, read from the connection only as fast as the agent reads it.
function bodyOf(ask, signal) {
    const { req } = ask;
    let open = true;
    const close = (end) => {
        if (open) {
            open = false;
            end();
        }
    };
    return new ReadableStream({
        start(stream) {
            signal.addEventListener('abort', () => close(() => stream.error(signal.reason)), { once: true });
            req.on('end', () => close(() => stream.close()));
            req.on('error', (error) => close(() => stream.error(error)));
        },
        pull(stream) {
            return new Promise((resolve) => {
                const take = (chunk) => {
                    req.pause();
                    ask.bytes += chunk.length;
                    if (open)
                        stream.enqueue(new Uint8Array(chunk));
                    done();
                };
                const done = () => {
                    req.off('data', take);
                    req.off('end', done);
                    signal.removeEventListener('abort', done);
                    resolve();
                };
                req.on('data', take);
                req.on('end', done);
                signal.addEventListener('abort', done, { once: true });
                req.resume();
            });
        },
        cancel() {
            close(() => req.pause());
        },
    }, { highWaterMark: 0 });
}

// Strings of JSON are the contract; an object in their place is taken as well.
function sendJson(result, reply, usage) {
    let answer = result;
    try {
        if (typeof answer === 'string')
            answer = JSON.parse(answer);
    } catch {
        answer = null;
    }
    const { status = 200, headers = {}, body = '' } = answer ?? {};
    const fields = Object.entries(Object(headers)).map(([name, value]) => [name.toLowerCase(), String(value)]);
    if (answer === null || typeof answer !== 'object' || !Number.isInteger(status)
        || status < 200 || status > 599)
        throw new Refusal(500, 'agent-result', 'the agent returned no JSON {status, headers, body}');
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    const all = { 'content-type': 'text/plain; charset=utf-8', ...Object.fromEntries(fields) };
    const report = usage.toString();
    if (report !== '' && all['agent-usage'] === undefined)
        all['agent-usage'] = report;
    return reply.send(status, all, text);
}

function sendResponse(response, reply) {
    // By its shape, not by its class: an agent may have brought a Response of its own.
    if (typeof response?.headers?.get !== 'function' || !(response.status >= 200))
        throw new Refusal(500, 'agent-result', 'fetch() of the agent returned no Response');
    return reply.stream(response);
}
