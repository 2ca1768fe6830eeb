"""A local PCS or PCCS that serves simulated collateral, or misbehaves in one way.

It owns its thread and its listening socket until stop(). It never serves anything it was not given.
"""
import http.server
import json
import ssl
import subprocess
import threading
import time
import urllib.parse

PATHS = {"tcb": "/{tee}/certification/v4/tcb", "qe": "/{tee}/certification/v4/qe/identity",
         "pckcrl": "/sgx/certification/v4/pckcrl", "rootcrl": "/sgx/certification/v4/rootcacrl"}


def resign(folder, text):
    """What the simulated vendor's signer says under `text`: r and s in hexadecimal."""
    der = subprocess.run(["openssl", "dgst", "-sha256", "-sign", str(folder / "pki/tcb-signing.key.pem")],
                         input=text.encode(), capture_output=True, check=True).stdout
    at, raw = 2, b""
    for _ in range(2):
        length = der[at + 1]
        raw += der[at + 2:at + 2 + length].lstrip(b"\0").rjust(32, b"\0")
        at += 2 + length
    return raw.hex()


def edited(folder, document, part, change):
    """The document with one of its signed texts changed, and signed anew by the vendor."""
    document = dict(document)
    text = change(document[part])
    assert text != document[part]
    document[part] = text
    document[part + "_signature"] = resign(folder, text)
    return document


class CollateralServer:
    def __init__(self, document, tee="tdx", old_names=False, hex_lists=True, stall_s=0.0, change=None,
                 tls=None, ca="platform", port=0):
        """`change(part, status, fields, body)` returns what is sent instead; a Content-Length in its fields
        is sent as it is, which is how an answer gets cut off. `tls` is a certificate and its key."""
        self.document, self.tee, self.ca, self.asked = document, tee, ca, []
        self.old_names, self.hex_lists, self.stall_s, self.change = old_names, hex_lists, stall_s, change
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                server.asked.append(self.path)
                time.sleep(server.stall_s)
                status, fields, body = server.answer(self.path)
                try:
                    self.send_response(status)
                    fields.setdefault("Content-Length", str(len(body)))
                    for name, value in fields.items():
                        self.send_header(name, value)
                    self.end_headers()
                    self.wfile.write(body)
                except OSError:
                    pass
                self.close_connection = True

            def log_message(self, *_):
                pass

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.http.daemon_threads = True
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self.http.server_port}"
        if tls:
            settings = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            settings.load_cert_chain(*tls)
            self.http.socket = settings.wrap_socket(self.http.socket, server_side=True)
        threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def stop(self):
        self.http.shutdown()
        self.http.server_close()

    def answer(self, target):
        url = urllib.parse.urlsplit(target)
        query = urllib.parse.parse_qs(url.query)
        part = next((name for name, path in PATHS.items() if path.format(tee=self.tee) == url.path), None)
        if part is None or (part == "pckcrl" and query != {"ca": [self.ca], "encoding": ["der"]}):
            return 404, {}, b""
        fmspc = json.loads(self.document["tcb_info"])["fmspc"].lower()
        if part == "tcb" and query != {"fmspc": [fmspc]} and not self.change:
            return 404, {}, b""
        status, fields, body = 200, *getattr(self, "_" + part)()
        return self.change(part, status, fields, body) if self.change else (status, fields, body)

    def _chain(self, member):
        return urllib.parse.quote(self.document[member])

    def _signed(self, name, member):
        return (f'{{"{name}":{self.document[member]},"signature":"{self.document[member + "_signature"]}"}}').encode()

    def _tcb(self):
        name = "SGX-TCB-Info-Issuer-Chain" if self.old_names else "TCB-Info-Issuer-Chain"
        return {name: self._chain("tcb_info_issuer_chain")}, self._signed("tcbInfo", "tcb_info")

    def _qe(self):
        return ({"SGX-Enclave-Identity-Issuer-Chain": self._chain("qe_identity_issuer_chain")},
                self._signed("enclaveIdentity", "qe_identity"))

    def _pckcrl(self):
        return {"SGX-PCK-CRL-Issuer-Chain": self._chain("pck_crl_issuer_chain")}, bytes.fromhex(self.document["pck_crl"])

    def _rootcrl(self):
        text = self.document["root_ca_crl"]
        return {}, text.encode() if self.hex_lists else bytes.fromhex(text)
