"""curl, Node and Python as people use them: invoke, upload 10 MiB, read a stream chunk by chunk."""
import hashlib
import http.client
import json
import shutil
import ssl
import subprocess
import threading

import pytest

CID = "bafkreic54ytcxlwwgforuven5ckv6lqzc6vrjxqwedqtd4sejiydg4rlie"
BLOB = hashlib.shake_128(b"upload").digest(10 * 1024 * 1024)


class Script:
    """Answers /echo, /sum and /stream; a streamed event is produced only when the client has seen the one before."""

    def __init__(self):
        self.seen = threading.Semaphore(0)

    async def __call__(self, stream):
        import asyncio
        if stream.path.endswith("/stream"):
            await stream.head(200, [("content-type", "text/event-stream")])
            for number in range(5):
                await stream.send(b"data: %d\n\n" % number)
                while not self.seen.acquire(blocking=False):
                    await asyncio.sleep(0.002)
            await stream.end()
            return
        body = await stream.body()
        await stream.answer(200, json.dumps({"bytes": len(body), "sha256": hashlib.sha256(body).hexdigest(),
                                             "method": stream.method}).encode())


@pytest.fixture
def served(start_gateway, start_worker, tmp_path):
    script = Script()
    gateway = start_gateway([start_worker(script)])
    upload = tmp_path / "upload.bin"
    upload.write_bytes(BLOB)
    return gateway, gateway.account(), script, upload


def expect(told, method="POST"):
    assert told == {"bytes": len(BLOB), "sha256": hashlib.sha256(BLOB).hexdigest(), "method": method}


@pytest.mark.parametrize("version", ["--http2", "--http1.1"])
def test_curl(served, version):
    gateway, key, script, upload = served
    curl = ["curl", "-sSk", version, "-H", f"Authorization: Bearer {key}"]
    told = subprocess.run([*curl, f"{gateway.base}/ipfs/{CID}/echo"], check=True, capture_output=True, timeout=30)
    assert json.loads(told.stdout)["method"] == "GET"
    told = subprocess.run([*curl, "--data-binary", f"@{upload}", f"{gateway.base}/ipfs/{CID}/sum"], check=True,
                          capture_output=True, timeout=60)
    expect(json.loads(told.stdout))
    streaming = subprocess.Popen([*curl, "-N", f"{gateway.base}/ipfs/{CID}/stream"], stdout=subprocess.PIPE)
    for number in range(5):
        assert streaming.stdout.readline() == b"data: %d\n" % number
        assert streaming.stdout.readline() == b"\n"
        script.seen.release()
    assert streaming.wait(10) == 0


def test_curl_over_ipv6_and_in_cleartext(served):
    gateway, key, _, _ = served
    curl = ["curl", "-sSk", "-o", "/dev/null", "-w", "%{http_code} %{http_version}", "-H", f"Authorization: Bearer {key}"]
    for extra, url, version in ((["--http2"], f"https://[::1]:{gateway.port6}", "2"),
                                (["--http1.1"], f"http://127.0.0.1:{gateway.plain_port}", "1.1"),
                                (["--http2-prior-knowledge"], f"http://127.0.0.1:{gateway.plain_port}", "2")):
        told = subprocess.run([*curl, *extra, f"{url}/ipfs/{CID}/echo"], check=True, capture_output=True, text=True)
        assert told.stdout == f"200 {version}"


def test_pythons_standard_client(served):
    gateway, key, script, _ = served
    context = ssl.create_default_context(cafile=str(gateway.folder / "gw.crt.pem"))
    client = http.client.HTTPSConnection("localhost", gateway.port, context=context, timeout=30)
    client.request("POST", f"/ipfs/{CID}/sum", BLOB, {"Authorization": f"Bearer {key}"})
    expect(json.loads(client.getresponse().read()))
    client.request("POST", f"/ipfs/{CID}/sum", iter([BLOB[:5000000], BLOB[5000000:]]), {"Authorization": f"Bearer {key}"},
                   encode_chunked=True)
    expect(json.loads(client.getresponse().read()))
    client.request("GET", f"/ipfs/{CID}/stream", headers={"Authorization": f"Bearer {key}"})
    answer = client.getresponse()
    for number in range(5):
        assert answer.readline() == b"data: %d\n" % number
        assert answer.readline() == b"\n"
        script.seen.release()
    assert answer.read() == b""


def test_httpx_over_http2(served):
    import httpx
    gateway, key, script, _ = served
    with httpx.Client(http2=True, verify=False, headers={"authorization": f"Bearer {key}"}, timeout=30) as client:
        answer = client.post(f"{gateway.base}/ipfs/{CID}/sum", content=BLOB)
        assert answer.http_version == "HTTP/2"
        expect(answer.json())
        with client.stream("GET", f"{gateway.base}/ipfs/{CID}/stream") as streaming:
            for number, line in enumerate(line for line in streaming.iter_lines() if line.strip()):
                assert line.strip() == f"data: {number}"
                script.seen.release()


NODE = """
const [base, key, cid, file] = process.argv.slice(2);
const fs = await import('node:fs'), http2 = await import('node:http2');
const { createHash } = await import('node:crypto');
process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';
const authorization = `Bearer ${key}`, blob = fs.readFileSync(file);
const sha256 = createHash('sha256').update(blob).digest('hex');
const same = (told) => { if (told.bytes !== blob.length || told.sha256 !== sha256) throw new Error(JSON.stringify(told)); };
const say = (line) => process.stdout.write(line + '\\n');
// fetch
same(await (await fetch(`${base}/ipfs/${cid}/sum`, { method: 'POST', body: blob, headers: { authorization } })).json());
const answer = await fetch(`${base}/ipfs/${cid}/stream`, { headers: { authorization } });
for await (const chunk of answer.body) say('fetch ' + Buffer.from(chunk).toString().trim());
// http2
const session = http2.connect(base);
const call = (path, body) => new Promise((resolve, reject) => {
  const stream = session.request({ ':path': path, ':method': body ? 'POST' : 'GET', authorization });
  let text = '', trailers;
  stream.setEncoding('utf8');
  stream.on('data', (chunk) => { text += chunk; if (!body) say('http2 ' + chunk.trim()); });
  stream.on('trailers', (fields) => { trailers = fields; });
  stream.on('end', () => resolve({ text, trailers }));
  stream.on('error', reject);
  stream.end(body);
});
const { text, trailers } = await call(`/ipfs/${cid}/sum`, blob);
same(JSON.parse(text));
if (trailers['agent-outcome'] !== 'ok') throw new Error(JSON.stringify(trailers));
await call(`/ipfs/${cid}/stream`);
session.close();
say('done');
"""


def test_nodes_fetch_and_http2(served, tmp_path):
    assert shutil.which("node")
    gateway, key, script, upload = served
    program = tmp_path / "client.mjs"
    program.write_text(NODE)
    running = subprocess.Popen(["node", "--no-warnings", program, gateway.base, key, CID, upload],
                               stdout=subprocess.PIPE, text=True)
    for client in ("fetch", "http2"):
        for number in range(5):
            assert running.stdout.readline() == f"{client} data: {number}\n"
            script.seen.release()
    assert running.stdout.readline() == "done\n"
    assert running.wait(10) == 0
