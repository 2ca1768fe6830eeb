"""How a scripted worker answers the gateway's challenge, rightly or in any wrong way a test wants."""
import asyncio
import base64
import ctypes
import hashlib
import json
import subprocess

from gateway import BUILD

PATH = "/.well-known/attest"
LABEL = b"teegate-challenge-worker-v1\0"
EXPORTER_LABEL = b"EXPORTER-teegate-attest"

_libssl = ctypes.CDLL("libssl.so.3")  # the one Python's own ssl module uses


def exporter(ssl_object, label=EXPORTER_LABEL):
    """RFC 8446 7.5. Python 3.11 has no way to it: behind object head and socket of its SSL object is OpenSSL's own."""
    ssl = ctypes.c_void_p.from_address(id(ssl_object._sslobj) + 3 * ctypes.sizeof(ctypes.c_void_p))
    out = ctypes.create_string_buffer(32)
    made = _libssl.SSL_export_keying_material(ssl, out, ctypes.c_size_t(32), label, ctypes.c_size_t(len(label)), None,
                                              ctypes.c_size_t(0), 0)
    assert made == 1
    return out.raw


def base64url(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def spki_of(certificate):
    pem = subprocess.run(["openssl", "x509", "-in", certificate, "-pubkey", "-noout"], check=True, capture_output=True)
    return base64.b64decode(b"".join(pem.stdout.splitlines()[1:-1]))


class Challenger:
    """Answers as worker `name` of a simulated vendor; what a test wants wrong, it changes."""

    def __init__(self, tee, name):
        self.tee = tee
        self.name = name
        self.spki = spki_of(tee.folder / f"{name}.crt.pem")
        self.label = LABEL
        self.quote_of = name      # whose quotes it has
        self.variant = None       # of them
        self.nonces = []          # as they came
        self.answers = []         # as they went
        self.change = lambda answer: answer  # the JSON text
        self.nonce = lambda nonce: nonce
        self.exporter = exporter

    def quote(self, report_data):
        variant = ["--variant", self.variant] if self.variant else []
        made = subprocess.run([BUILD / "attest-verify/attest-verify", "simulate", "quote", "--pki", self.tee.folder,
                               "--worker", self.quote_of, "--report-data", report_data.hex(), "--out", "-", *variant],
                              check=True, capture_output=True)
        return made.stdout

    async def answer_to(self, body, ssl_object):
        nonce = base64.urlsafe_b64decode(json.loads(body)["nonce"] + "=")
        self.nonces.append(nonce)
        data = hashlib.sha512(self.label + self.spki + self.exporter(ssl_object) + self.nonce(nonce)).digest()
        quote = await asyncio.get_running_loop().run_in_executor(None, self.quote, data)
        tee = "snp" if quote[2:4] == bytes(2) else "sgx" if quote[4:8] == bytes(4) else "tdx"
        answer = self.change(json.dumps({"tee": tee, "evidence": base64url(quote), "endorsements": None})).encode()
        self.answers.append(answer)
        return answer

    async def __call__(self, stream):
        answer = await self.answer_to(await stream.body(), stream.ssl_object)
        await stream.answer(200, answer, [("content-type", "application/json")])
