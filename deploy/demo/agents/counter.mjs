// Counts, and remembers: a pure transition of JSON state. GET shows the count, POST adds to it
// (one, or the "add" of a JSON body). It touches nothing but its arguments: the worker keeps the state.
const STEP_MAX = 1000000;

function answer(status, value) {
    return {
        status,
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(value),
    };
}

function stepOf(body) {
    if (body === undefined || body === '')
        return 1;
    try {
        const { add } = JSON.parse(body);
        return Number.isInteger(add) && Math.abs(add) <= STEP_MAX ? add : null;
    } catch {
        return null;
    }
}

export default {
    initial: { count: 0, calls: 0 },

    transition(state, input) {
        if (input.method === 'GET' || input.method === 'HEAD')
            return { state, output: answer(200, state) };
        if (input.method !== 'POST')
            return { state, output: answer(405, { error: 'GET or POST' }) };
        const step = stepOf(input.body);
        if (step === null)
            return { state, output: answer(400, { error: `"add" is a whole number up to ${STEP_MAX}` }) };
        const next = { count: state.count + step, calls: state.calls + 1 };
        return { state: next, output: answer(200, next) };
    },
};
