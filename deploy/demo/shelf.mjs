// The agents at hand: which file has the bytes that a CID names, and the module made of them.
// It owns the index of one folder and the modules already loaded.
// It never runs bytes whose hash is not the CID that was asked for.
import { open, readdir } from 'node:fs/promises';
import path from 'node:path';
import { cidOf, isCid } from './cid.mjs';

const AGENT_BYTES_MAX = 1024 * 1024;
const AGENTS_MAX = 256; // also bounds the modules in memory, which Node never gives back
const RESCAN_MS_MIN = 1000;

// Why an agent is not handed out. `status` is the answer to the caller.
export class Refusal extends Error {
    constructor(status, code, detail) {
        super(detail);
        this.status = status;
        this.code = code;
    }
}

export class Shelf {
    #dir;
    #files = new Map(); // cid -> file name; a name once given stays, so that a changed file is seen
    #modules = new Map(); // cid -> promise of the module
    #scannedAt = -Infinity;

    constructor(dir) {
        this.#dir = dir;
    }

    get size() {
        return this.#files.size;
    }

    // Reads every agent file of the folder. A file named <cid>.mjs claims that CID, whatever is in
    // it; any other file has the CID of its bytes.
    async scan() {
        this.#scannedAt = performance.now();
        const names = (await readdir(this.#dir)).filter((name) => /\.m?js$/.test(name)).sort();
        for (const name of names) {
            if (this.#files.size >= AGENTS_MAX)
                return;
            const claim = path.parse(name).name;
            const cid = isCid(claim) ? claim : await this.#hash(name);
            if (cid !== null && !this.#files.has(cid))
                this.#files.set(cid, name);
        }
    }

    // The module of `cid`, or a Refusal: 404 when no file has these bytes, 500 when the file that
    // had them has others now. The bytes are read and hashed again on every call.
    async take(cid) {
        if (!this.#files.has(cid) && performance.now() - this.#scannedAt >= RESCAN_MS_MIN)
            await this.scan();
        const name = this.#files.get(cid);
        if (name === undefined)
            throw new Refusal(404, 'no-such-agent', 'no agent here has these bytes');
        const bytes = await this.#read(name);
        if (bytes === null || cidOf(bytes) !== cid)
            throw new Refusal(500, 'agent-bytes', 'the bytes of this agent do not match its CID');
        return { name, exports: await this.#load(cid, bytes) };
    }

    // The module is made of the very bytes that were hashed: importing the file by its name would
    // read it a second time, and something else might be in it by then.
    #load(cid, bytes) {
        let module = this.#modules.get(cid);
        if (module === undefined) {
            module = import(`data:text/javascript;base64,${bytes.toString('base64')}`);
            module = module.then((exports) => exports, (error) => {
                throw new Refusal(500, 'agent-load', `the agent does not load: ${error.name}`);
            });
            this.#modules.set(cid, module);
        }
        return module;
    }

    async #hash(name) {
        const bytes = await this.#read(name);
        return bytes === null ? null : cidOf(bytes);
    }

    // Null when it cannot be read, is no plain file, or is too large.
    async #read(name) {
        let file;
        try {
            file = await open(path.join(this.#dir, name), 'r');
            const facts = await file.stat();
            if (!facts.isFile() || facts.size > AGENT_BYTES_MAX)
                return null;
            // One byte more than the size was: a file that grew in between is refused by its hash.
            const bytes = Buffer.alloc(facts.size + 1);
            const { bytesRead } = await file.read(bytes, 0, bytes.length, 0);
            return bytes.subarray(0, bytesRead);
        } catch {
            return null;
        } finally {
            await file?.close();
        }
    }
}
