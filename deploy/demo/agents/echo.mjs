// Answers with what it was asked: the JSON contract in its smallest form.
export default async function main(request) {
    const { method, path, queries, body, secret } = JSON.parse(request);
    const echo = { method, path, queries, body: body ?? null };
    if (secret !== undefined)
        echo.secrets = Object.keys(secret).sort(); // their names; what they are stays secret
    return JSON.stringify({
        status: 200,
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(echo),
    });
}
