// Calls other agents through the gateway, paid from the sub-budget of the call that an agent serves.
// It owns no connection beyond a call. It never sends a token to anybody but the gateway it was
// given, and narrows it to the one agent that is called (docs/subcalls.md).
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import https from 'node:https';

const ANSWER_BYTES_MAX = 1024 * 1024;
const CALL_MS_MAX = 60000;

// The same token, good for less: `caveat` is cid=, max=, exp= or deep= and a value. Nobody is asked.
export function narrow(token, caveat) {
    const dot = token.lastIndexOf('.');
    const key = Buffer.from(token.slice(dot + 1), 'base64url');
    const tag = createHmac('sha256', key).update(caveat).digest('base64url');
    return `${token.slice(0, dot)}.${caveat}.${tag}`;
}

export class Subcalls {
    #gateway;
    #caFile;

    // `gateway`: a URL, or @FILE whose first line is one; files are read when they are needed.
    constructor(gateway, caFile) {
        this.#gateway = gateway;
        this.#caFile = caFile;
    }

    get #url() {
        if (!this.#gateway.startsWith('@'))
            return this.#gateway;
        return readFileSync(this.#gateway.slice(1), 'utf8').split('\n', 1)[0];
    }

    // What the agent `cid` answers: { status, invocation, cost, body }. `maxCost` and `subBudget` are in
    // micro-credits; without them the call holds its agent's whole ceiling, and nothing below it.
    async call(token, cid, { path = '', method = 'GET', body, maxCost, subBudget, signal } = {}) {
        const headers = { authorization: `Agent ${narrow(token, `cid=${cid}`)}` };
        if (maxCost !== undefined)
            headers['agent-max-cost'] = String(maxCost);
        if (subBudget !== undefined)
            headers['agent-sub-budget'] = String(subBudget);
        const ca = this.#caFile === undefined ? undefined : readFileSync(this.#caFile);
        const request = https.request(new URL(`/ipfs/${cid}${path}`, this.#url), {
            method, headers, ca, agent: false, signal, timeout: CALL_MS_MAX,
        });
        request.on('timeout', () => request.destroy(new Error('the gateway did not answer in time')));
        request.end(body);
        const [response] = await once(request, 'response');
        const chunks = [];
        let bytes = 0;
        for await (const chunk of response) {
            bytes += chunk.length;
            if (bytes > ANSWER_BYTES_MAX)
                throw new RangeError(`an answer is ${ANSWER_BYTES_MAX} bytes at most here`);
            chunks.push(chunk);
        }
        return {
            status: response.statusCode,
            invocation: response.headers['agent-invocation-id'],
            cost: response.headers['agent-cost'],
            body: Buffer.concat(chunks).toString('utf8'),
        };
    }
}
