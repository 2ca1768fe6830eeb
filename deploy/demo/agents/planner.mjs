// Has others do the work: posts its body to each agent named by ?agent=<cid>, at once, and answers
// with what they said. They are paid from this call's sub-budget, so its caller gets one bill.
const AGENTS_MAX = 8;
const COST_MAX = 2000; // of one of them, in micro-credits

export default {
    async fetch(request, { call, signal }) {
        const agents = new URL(request.url).searchParams.getAll('agent');
        if (agents.length === 0 || agents.length > AGENTS_MAX)
            return new Response(`name 1 to ${AGENTS_MAX} agents: ?agent=<cid>\n`, { status: 400 });
        if (call === undefined)
            return new Response('without Agent-Sub-Budget there is nothing to call others with\n', { status: 409 });

        const task = await request.text();
        const ask = async (cid) => {
            const { status, invocation, body } =
                await call(cid, { method: 'POST', body: task, maxCost: COST_MAX, signal });
            return { agent: cid, status, invocation, said: JSON.parse(body) };
        };
        const answers = await Promise.all(agents.map(ask));
        return new Response(JSON.stringify({ answers }), { headers: { 'content-type': 'application/json' } });
    },
};
