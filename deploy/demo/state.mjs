// The JSON state of agents that are pure transitions `(state, input) -> { state, output }`.
// It owns one file per CID in its folder, and the queue of calls that wait for their turn at it.
// It never runs two transitions of one agent at once, and never shows an output whose state is not on disk.
import { mkdir, open, readFile, rename } from 'node:fs/promises';
import path from 'node:path';
import { Refusal } from './shelf.mjs';

const WAITING_MAX = 256; // calls in line for one agent
const STATE_BYTES_MAX = 64 * 1024;

export class States {
    #dir;
    #lines = new Map(); // cid -> { last, waiting }

    constructor(dir) {
        this.#dir = dir;
    }

    // Runs `transition(state, input)` when all earlier calls of `cid` are through, and returns its
    // output once the new state is stored. A transition that throws leaves the state as it was.
    async run(cid, agent, input) {
        const line = this.#lines.get(cid) ?? { last: Promise.resolve(), waiting: 0 };
        if (line.waiting >= WAITING_MAX)
            throw new Refusal(503, 'agent-busy', 'too many calls wait for the state of this agent');
        this.#lines.set(cid, line);
        line.waiting++;
        const mine = line.last.then(() => this.#step(cid, agent, input));
        line.last = mine.catch(() => {});
        try {
            return await mine;
        } finally {
            if (--line.waiting === 0)
                this.#lines.delete(cid);
        }
    }

    async #step(cid, agent, input) {
        const file = path.join(this.#dir, `${cid}.json`);
        const before = await this.#read(file);
        // A copy goes in: an agent that writes into its argument and then throws has changed nothing.
        const start = before ?? JSON.stringify(agent.initial ?? null);
        const result = await agent.transition(JSON.parse(start), input);
        if (result === null || typeof result !== 'object' || result.state === undefined)
            throw new Refusal(500, 'agent-result', 'the transition returned no state');
        const after = JSON.stringify(result.state);
        if (Buffer.byteLength(after) > STATE_BYTES_MAX)
            throw new Refusal(500, 'agent-state', `the state is over ${STATE_BYTES_MAX} bytes`);
        if (after !== before)
            await this.#write(file, after);
        return result.output;
    }

    async #read(file) {
        try {
            return await readFile(file, 'utf8');
        } catch (error) {
            if (error.code === 'ENOENT')
                return null;
            throw error;
        }
    }

    // A crash leaves the old state or the new one, never half of either.
    async #write(file, text) {
        await mkdir(this.#dir, { recursive: true, mode: 0o700 });
        const draft = await open(`${file}.new`, 'w', 0o600);
        try {
            await draft.writeFile(text);
            await draft.sync();
        } finally {
            await draft.close();
        }
        await rename(`${file}.new`, file);
    }
}
