// One call's way back to the caller, the same over HTTP/2 and HTTP/1.1.
// It owns the response, knows when the caller has left, and holds the agent to the caller's pace.
// It never makes a broken answer look like a whole one.
import { once } from 'node:events';
import { validateHeaderName, validateHeaderValue } from 'node:http';
import { constants } from 'node:http2';

// RFC 9113 8.2.2 and RFC 9110 7.6.1: fields of one connection, which are not an agent's to set.
const HOP_BY_HOP = new Set(['connection', 'keep-alive', 'proxy-connection', 'transfer-encoding',
    'upgrade', 'te', 'trailer', 'http2-settings']);

// Debian 12's Node has no getSetCookie() yet and joins the cookies with commas. A comma inside one
// (as in the date of Expires) has no name and "=" right after it.
function cookiesOf(headers) {
    if (typeof headers.getSetCookie === 'function')
        return headers.getSetCookie();
    const joined = headers.get('set-cookie');
    return joined === null ? [] : joined.split(/, *(?=[^\s;,=]+=)/);
}

export class Reply {
    #req;
    #res;
    #h2;
    #gone = new AbortController();
    #ended = false;
    #broken = false;
    #left = false;
    #trailers; // () => fields, asked for when the body is complete
    bytes = 0;

    constructor(req, res, trailers) {
        this.#req = req;
        this.#res = res;
        this.#h2 = req.httpVersionMajor >= 2;
        this.#trailers = trailers;
        // Both are also told through `close`; a listener keeps them from ending the process.
        req.on('error', () => {});
        res.on('error', () => {});
        this.closed = once(res, 'close').then(() => {
            if (!this.complete) {
                this.#left = !this.#broken;
                this.#gone.abort(new Error('the caller left'));
            }
        });
    }

    // Aborted when the caller leaves before the answer is complete, or by abort().
    get signal() {
        return this.#gone.signal;
    }

    get begun() {
        return this.#res.headersSent;
    }

    get status() {
        return this.begun ? this.#res.statusCode : null;
    }

    // Everything was handed over and nobody cut it off.
    get complete() {
        if (!this.#h2)
            return this.#res.writableFinished;
        return this.#ended && !(this.#res.stream.rstCode > constants.NGHTTP2_NO_ERROR);
    }

    // The caller went before the answer was complete, and not because we broke it off.
    get left() {
        return this.#left;
    }

    abort(reason) {
        this.#gone.abort(reason);
    }

    // An answer that is known as a whole.
    async send(status, fields, body) {
        const bytes = Buffer.from(body);
        const bodiless = status === 204 || status === 304;
        const all = Object.entries(fields).filter(([name]) => name.toLowerCase() !== 'content-length');
        if (!bodiless)
            all.push(['content-length', String(bytes.length)]);
        this.#head(status, all);
        if (!bodiless && this.#req.method !== 'HEAD') {
            this.#res.write(bytes);
            this.bytes = bytes.length;
        }
        await this.#end();
    }

    // A web-standard Response, each chunk as soon as the agent makes it and the caller takes it.
    async stream(response) {
        const fields = [...response.headers].filter(([name]) => name !== 'set-cookie');
        fields.push(...cookiesOf(response.headers).map((cookie) => ['set-cookie', cookie]));
        const length = response.headers.get('content-length');
        const bodiless = this.#req.method === 'HEAD' || response.body === null;
        const reader = response.body?.getReader();
        const stop = () => reader?.cancel(this.signal.reason).catch(() => {});
        this.signal.addEventListener('abort', stop, { once: true });
        try {
            this.#head(response.status, fields);
            this.#res.flushHeaders();
            if (bodiless)
                stop();
            else
                await this.#pump(reader, length === null ? null : Number(length));
            await this.#end();
        } catch (error) {
            reader?.cancel(error).catch(() => {});
            throw error;
        } finally {
            this.signal.removeEventListener('abort', stop);
        }
    }

    // Ends an answer that cannot be completed: visibly, never as if it were whole.
    breakOff() {
        this.#broken = true;
        if (this.#h2)
            this.#res.stream.close(constants.NGHTTP2_INTERNAL_ERROR);
        else
            this.#res.destroy();
    }

    async #pump(reader, length) {
        for (;;) {
            const { done, value } = await this.orGone(reader.read());
            if (done)
                break;
            const chunk = typeof value === 'string' ? Buffer.from(value) : value;
            if (!(chunk instanceof Uint8Array))
                throw new TypeError('a chunk of the body is neither bytes nor text');
            this.bytes += chunk.byteLength;
            if (length !== null && this.bytes > length)
                throw new RangeError('the body is longer than its content-length');
            if (chunk.byteLength > 0 && !this.#res.write(chunk))
                await this.orGone(once(this.#res, 'drain', { signal: this.signal }));
        }
        if (length !== null && this.bytes !== length)
            throw new RangeError('the body is shorter than its content-length');
    }

    // What `promise` gives; a rejection when the caller leaves first.
    async orGone(promise) {
        let leave;
        const gone = new Promise((_, reject) => {
            leave = () => reject(this.signal.reason);
            if (this.signal.aborted)
                leave();
            this.signal.addEventListener('abort', leave, { once: true });
        });
        try {
            const value = await Promise.race([promise, gone]);
            // Cancelling a reader ends its read() as if the body were complete, and that comes first.
            this.signal.throwIfAborted();
            return value;
        } finally {
            this.signal.removeEventListener('abort', leave);
        }
    }

    #head(status, fields) {
        const named = fields.filter(([name]) => name.toLowerCase() === 'connection')
            .flatMap(([, value]) => value.toLowerCase().split(',').map((name) => name.trim()));
        const cookies = [];
        for (const [name, value] of fields) {
            const lower = name.toLowerCase();
            if (lower === 'set-cookie')
                cookies.push(value);
            else if (!HOP_BY_HOP.has(lower) && !named.includes(lower))
                this.#set(lower, value);
        }
        if (cookies.length > 0)
            this.#set('set-cookie', cookies);
        this.#res.statusCode = status;
    }

    // Over HTTP/2, Node 18 and 20 let values pass that no HTTP/1.1 connection would carry.
    #set(name, value) {
        validateHeaderName(name);
        for (const one of [value].flat())
            validateHeaderValue(name, one);
        this.#res.setHeader(name, value);
    }

    // Returns when the answer is out; a rejection when the caller is gone before that.
    async #end() {
        const fields = this.#trailers();
        if (Object.keys(fields).length > 0 && this.#mayTrail())
            this.#res.addTrailers(fields);
        this.#ended = true;
        if (this.#h2)
            this.#leaveUnread(this.#res.stream);
        this.#res.end();
        await this.orGone(this.closed);
    }

    // An agent may answer before it has read the whole body. RFC 9113 8.1 asks for
    // RST_STREAM(NO_ERROR) then, after END_STREAM, so that the answer stays whole. What has come in
    // already is dropped first: a request that is complete needs no reset.
    #leaveUnread(stream) {
        this.#req.resume();
        const reset = () => setImmediate(() => {
            if (!stream.readableEnded && !stream.closed)
                stream.close(constants.NGHTTP2_NO_ERROR);
        });
        const { statusCode } = this.#res;
        if (statusCode === 204 || statusCode === 304 || stream.headRequest)
            this.#res.once('finish', reset);
        else
            stream.once('wantTrailers', reset);
    }

    // Over HTTP/1.1 trailers go only to those who asked for them (RFC 9110 6.5.1), in chunked coding.
    #mayTrail() {
        if (this.#h2)
            return true;
        const te = (this.#req.headers.te ?? '').toLowerCase().split(',').map((word) => word.trim());
        return te.includes('trailers') && !this.#res.hasHeader('content-length');
    }
}
