// Streams tokens as server-sent events, as a language model would: ?n= how many, ?ms= between two.
import { setTimeout as wait } from 'node:timers/promises';

const WORDS = ('a trusted worker answers one word at a time and every word travels on its own '
    + 'through the gateway to the caller').split(' ');
const N_MAX = 100000;
const MS_MAX = 10000;

function count(params, name, usual, max) {
    const text = params.get(name) ?? String(usual);
    return /^[0-9]{1,6}$/.test(text) && Number(text) <= max ? Number(text) : null;
}

export default {
    async fetch(request, { usage, signal }) {
        const params = new URL(request.url).searchParams;
        const n = count(params, 'n', 16, N_MAX);
        const ms = count(params, 'ms', 50, MS_MAX);
        if (n === null || ms === null)
            return new Response(`n is 0 to ${N_MAX}, ms is 0 to ${MS_MAX}\n`, { status: 400 });

        const utf8 = new TextEncoder();
        let made = 0;
        // Pulled, not pushed: a token is made when there is room for it, so a slow caller slows the
        // agent, and one that leaves stops it.
        const body = new ReadableStream({
            async pull(stream) {
                if (made === n) {
                    stream.enqueue(utf8.encode(`event: done\ndata: {"tokens":${n}}\n\n`));
                    stream.close();
                    return;
                }
                if (made > 0 && ms > 0)
                    await wait(ms, undefined, { signal });
                const data = JSON.stringify({ index: made, token: WORDS[made % WORDS.length] });
                made++;
                usage({ tokens: 1 });
                stream.enqueue(utf8.encode(`data: ${data}\n\n`));
            },
        }, { highWaterMark: 0 });
        return new Response(body, {
            headers: { 'content-type': 'text/event-stream', 'cache-control': 'no-store' },
        });
    },
};
