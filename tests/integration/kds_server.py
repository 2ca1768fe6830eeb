"""A local AMD KDS that serves a simulated chip's certificates, or misbehaves in one way.

It owns what CollateralServer owns. It never serves a chip, TCB or product it was not given.
"""
import ssl
import urllib.parse

from collateral_server import CollateralServer

SPLS = {"Milan": [("blSPL", 0), ("teeSPL", 1), ("snpSPL", 6), ("ucodeSPL", 7)],
        "Turin": [("fmcSPL", 0), ("blSPL", 1), ("teeSPL", 2), ("snpSPL", 3), ("ucodeSPL", 7)]}


class KdsServer(CollateralServer):
    """`document` is AMD's; `report` the bare report of its chip. `change` is as in CollateralServer, of the
    parts crl, chain and leaf."""

    def __init__(self, document, report=None, kind="vcek", **options):
        self.report, self.kind = report, kind
        super().__init__(document, **options)

    def leaf_target(self):
        hwid, tcb = self.report[0x1a0:0x1e0], self.report[0x180:0x188]
        product = self.document["product"]
        hwid = hwid[:8] if product == "Turin" else hwid
        return f"{hwid.hex()}?" + "&".join(f"{name}={tcb[place]}" for name, place in SPLS[product])

    def answer(self, target):
        base = f"/{self.kind}/v1/{self.document['product']}/"
        parts = {base + "crl": "crl", base + "cert_chain": "chain"}
        if self.report and "leaf" in self.document:
            parts[base + self.leaf_target()] = "leaf"
        part = parts.get(target)
        if part is None:
            return 404, {}, b""
        answer = 200, {}, getattr(self, "_" + part)()
        return self.change(part, *answer) if self.change else answer

    def parts_asked(self):
        return [urllib.parse.urlsplit(path).path.rsplit("/", 1)[1] for path in self.asked]

    def _crl(self):
        return bytes.fromhex(self.document["crl"])

    def _chain(self):
        return (self.document["ica"] + self.document["ark"]).encode()

    def _leaf(self):
        return ssl.PEM_cert_to_DER_cert(self.document["leaf"])
