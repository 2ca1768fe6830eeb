// Reads the body as it arrives, keeping none of it, and answers with its length and SHA-256.
import { createHash } from 'node:crypto';

export default {
    async fetch(request) {
        const hash = createHash('sha256');
        let bytes = 0;
        for await (const chunk of request.body ?? []) {
            bytes += chunk.byteLength;
            hash.update(chunk);
        }
        const result = { bytes, sha256: hash.digest('hex') };
        return new Response(JSON.stringify(result), { headers: { 'content-type': 'application/json' } });
    },
};
