"""The ledger in files: all of it, once, checked without a gateway and against the store."""
import base64
import json
import pathlib
import signal
import subprocess

from gateway import BUILD, wait_for
from h2client import Client

CID = "bafkreic54ytcxlwwgforuven5ckv6lqzc6vrjxqwedqtd4sejiydg4rlie"
OTHER = "bafkreifzjut3te7nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e"
EXTRA = "ledger: {export: ledger, segment: 64KiB}"


def ledger(*arguments):
    """teegatectl without a gateway: its status, its answer and what it said."""
    done = subprocess.run([BUILD / "src/teegatectl", "ledger", *map(str, arguments), "-o", "json"],
                          capture_output=True, text=True, timeout=40)
    return done.returncode, json.loads(done.stdout) if done.stdout else None, done.stderr


def files(gateway):
    return sorted((gateway.folder / "ledger").glob("*/ledger-*.ndjson"))


def lines(gateway):
    """Whole ones: the last may be being written."""
    return [json.loads(line) for file in files(gateway) for line in file.read_bytes().split(b"\n")[:-1]]


def entries(gateway):
    return [line for line in lines(gateway) if line["type"] != "teegate.ledger.segment"]


def exported(gateway, count):
    """Waits until the files hold so many entries."""
    wait_for(lambda: files(gateway) and len(entries(gateway)) >= count, 15, f"{count} entries in files")
    assert len(entries(gateway)) == count


def reconcile(gateway, *arguments):
    done = subprocess.run([BUILD / "src/teegatectl", "--socket", gateway.socket, "ledger", "reconcile",
                           gateway.folder / "ledger", *map(str, arguments), "-o", "json"],
                          capture_output=True, text=True, timeout=40)
    return done.returncode, json.loads(done.stdout) if done.stdout else done.stderr


def test_calls_and_credits_are_in_the_files_and_add_up(start_gateway, start_worker):
    gateway = start_gateway([start_worker()], extra=EXTRA)
    key = gateway.account()
    client = Client(gateway.port)
    for cid in (CID, CID, OTHER):
        assert client.call(f"/ipfs/{cid}", key).status == 200
    gateway.ctl("credit", "adjust", "alice", "-1", "--ref", "back", "--note", 'says "so", in ünicode')
    exported(gateway, 5)
    first, *_, last = entries(gateway)
    assert first["specversion"] == "1.0" and first["subject"] == "alice" and first["id"] == "first-alice"
    assert first["type"] == "teegate.ledger.credit" and first["data"]["value_ucr"] == 10000000
    assert first["time"].endswith("Z") and first["source"] == "/teegate/ledger/alice"
    assert last["type"] == "teegate.ledger.adjustment" and last["data"]["note"] == 'says "so", in ünicode'
    charges = [line for line in entries(gateway) if line["type"] == "teegate.ledger.charge"]
    assert [line["data"]["value_ucr"] for line in charges] == [-100] * 3
    assert {line["id"] for line in charges} == {line["data"]["invocation"] for line in charges}
    status, told, _ = ledger("verify", gateway.folder / "ledger")
    assert status == 0 and told["problems"] == [] and told["entries"] == 5
    assert told["charged_ucr"] == 300 and told["credited_ucr"] == 9000000
    status, told = reconcile(gateway)
    assert status == 0 and told["problems"] == [] and told["store_accounts"] == 1, told
    assert gateway.ctl("spend", "alice")["older_exported"] is False
    store = next(path for path in gateway.state.rglob("*") if path.is_socket())
    stream = subprocess.run(["redis-cli", "-s", store, "--scan", "--pattern", "tg:*:L"], capture_output=True, text=True)
    subprocess.run(["redis-cli", "-s", store, "XTRIM", stream.stdout.strip(), "MAXLEN", "2"], check=True, capture_output=True)
    assert gateway.ctl("spend", "alice")["older_exported"] is True
    status, told, _ = ledger("spend", gateway.folder / "ledger", "--by", "cid")
    assert status == 0
    assert told["groups"] == [{"cid": CID, "calls": 2, "charged_ucr": 200}, {"cid": OTHER, "calls": 1, "charged_ucr": 100}]
    status, told, _ = ledger("spend", gateway.folder / "ledger", "--by", "account", "--account", "bob")
    assert status == 0 and told["groups"] == []
    told = gateway.ctl("ledger", "export")
    assert told["exporting"] and told["segments"] == 1 and told["exported"] == 5
    metrics = subprocess.run([BUILD / "src/teegatectl", "--socket", gateway.socket, "metrics"], capture_output=True, text=True)
    assert "teegate_ledger_exported_total 5" in metrics.stdout or "teegate_ledger_exported 5" in metrics.stdout


def test_each_kind_of_tampering_is_named(start_gateway, start_worker, tmp_path):
    gateway = start_gateway([start_worker()], extra=EXTRA)
    key = gateway.account()
    client = Client(gateway.port)
    for _ in range(5):
        assert client.call(f"/ipfs/{CID}", key).status == 200
    exported(gateway, 6)
    whole = files(gateway)[0].read_bytes().splitlines(keepends=True)
    forged = tmp_path / "forged" / "gw"
    forged.mkdir(parents=True)

    def verdict(altered):
        (forged / "ledger-00000001.ndjson").write_bytes(b"".join(altered))
        status, told, said = ledger("verify", forged.parent)
        return status, " ".join(problem["problem"] for problem in told["problems"])

    assert verdict(whole) == (0, "")
    status, told = verdict(whole[:3] + whole[4:])
    assert status == 1 and "sequence 3 is missing" in told
    status, told = verdict([line.replace(b'"value_ucr":-100', b'"value_ucr":-10') for line in whole])
    assert status == 1 and "add up to" in told
    status, told = verdict(whole + [whole[-1].replace(b'"sequence":6', b'"sequence":7')])
    assert status == 0, "a call that was counted anew is counted once"
    status, told = verdict(whole + [whole[-1].replace(b'"id":"', b'"id":"x')])
    assert status == 1 and "sequence 6 stands twice" in told
    status, told = verdict(whole + [whole[-1].replace(b"-100", b"-200")])
    assert status == 1 and "two amounts" in told
    status, told = verdict(whole[1:])
    assert status == 1 and "the head is missing" in told
    status, told = verdict(whole[:2] + [b"{}\n"] + whole[2:])
    assert status == 1 and "no line of a ledger" in told
    assert verdict(whole + [whole[-1]]) == (0, ""), "the same line again is the same"
    assert verdict(whole + [whole[-1][:-10]]) == (0, ""), "a line that is being written is none yet"
    status, told, said = ledger("verify", tmp_path)
    assert status == 2 and "found no file" in said
    status, told, said = ledger("verify", tmp_path / "nowhere")
    assert status == 2 and "No such file" in said


def test_a_file_changed_or_taken_away_breaks_the_chain(start_gateway, start_worker):
    gateway = start_gateway([start_worker()], extra=EXTRA)
    gateway.account()
    for i in range(6):
        for j in range(40):
            gateway.ctl("credit", "add", "alice", "1ucr", "--ref", f"r-{i}-{j}")
        exported(gateway, 1 + (i + 1) * 40)
    assert len(files(gateway)) >= 2
    status, told, _ = ledger("verify", gateway.folder / "ledger")
    assert status == 0, told
    first = files(gateway)[0]
    text = first.read_text()
    first.write_text(text.replace('"note":""', '"note":"x"', 1))
    assert first.read_text() != text
    status, told, _ = ledger("verify", gateway.folder / "ledger")
    assert status == 1 and "names another file before it" in told["problems"][0]["problem"]
    first.rename(gateway.folder / "away")
    status, told, _ = ledger("verify", gateway.folder / "ledger")
    assert status == 1 and "are missing" in str(told["problems"])


def test_what_store_and_ledger_disagree_on_is_listed_with_account_and_amounts(start_gateway, start_worker):
    gateway = start_gateway([start_worker()], extra=EXTRA)
    key = gateway.account()
    gateway.account("bob")
    assert Client(gateway.port).call(f"/ipfs/{CID}", key).status == 200
    exported(gateway, 3)
    assert reconcile(gateway)[0] == 0
    store = gateway.state / "redis.sock"
    store = store if store.exists() else next(path for path in gateway.state.rglob("*") if path.is_socket())
    account = subprocess.run(["redis-cli", "-s", store, "--scan", "--pattern", "tg:*:a:alice"],
                             capture_output=True, text=True).stdout.strip()
    subprocess.run(["redis-cli", "-s", store, "HINCRBY", account, "bal", "2500000"], check=True, capture_output=True)
    status, told = reconcile(gateway)
    assert status == 1 and len(told["problems"]) == 1
    assert told["problems"][0] == {"account": "alice", "problem": "balance and held is 12.499900 in the store, "
                                                                  "9.999900 in the ledger: 2.500000 too much"}
    subprocess.run(["redis-cli", "-s", store, "HINCRBY", account, "bal", "-2500000"], check=True, capture_output=True)
    assert reconcile(gateway)[0] == 0


def test_receipts_are_compared_with_the_ledger(start_gateway, start_worker, tmp_path):
    gateway = start_gateway([start_worker()], extra=EXTRA)
    key = gateway.account()
    assert Client(gateway.port).call(f"/ipfs/{CID}", key).status == 200
    exported(gateway, 2)
    charge = entries(gateway)[1]

    def receipt(**changes):
        record = {"v": 1, "invocation": charge["id"], "account": "alice", "charge": 100, "sequence": 2, **changes}
        part = base64.urlsafe_b64encode(json.dumps(record).encode()).decode().rstrip("=")
        return f"{part}.path.header.payload.signature\n"

    file = tmp_path / "receipts"
    file.write_text(receipt() + "\n" + receipt())
    status, told = reconcile(gateway, "--receipts", file)
    assert status == 0 and told["receipts"] == 2, told
    file.write_text(receipt(charge=99))
    status, told = reconcile(gateway, "--receipts", tmp_path / "receipts")
    assert status == 1 and "charged 99 micro-credits as sequence 2, in the ledger 100 as 2" in str(told)
    file.write_text(receipt(invocation="abc") + "nonsense\n")
    status, told = reconcile(gateway, "--receipts", file)
    assert status == 1 and "no call abc" in str(told) and "no receipt" in str(told)


def test_a_gateway_killed_again_and_again_under_load_loses_and_doubles_nothing(start_gateway, start_worker):
    gateway = start_gateway([start_worker()], extra=EXTRA)
    key = gateway.account(credits="1000")
    calls = 0
    for _ in range(5):
        client = Client(gateway.port)
        for _ in range(20):
            assert client.call(f"/ipfs/{CID}", key).status == 200
            calls += 1
        store = [int(pid) for pid in subprocess.run(["pgrep", "-P", str(gateway.process.pid)], capture_output=True,
                                                    text=True).stdout.split()]
        gateway.process.send_signal(signal.SIGKILL)
        gateway.process.wait()
        for pid in store:
            wait_for(lambda: not pathlib.Path(f"/proc/{pid}").exists() or
                     pathlib.Path(f"/proc/{pid}/stat").read_text().split()[2] == "Z", 10, "the end of its store")
        gateway.start()
    gateway.settled()
    spent = gateway.balance()["spent_ucr"]
    exported(gateway, calls + 1)
    assert spent == calls * 100
    status, told, _ = ledger("verify", gateway.folder / "ledger")
    assert status == 0 and told["entries"] == calls + 1 and told["charged_ucr"] == spent, told
    assert len({line["id"] for line in entries(gateway)}) == calls + 1
    assert reconcile(gateway)[0] == 0


def test_without_the_folder_a_gateway_says_why_it_does_not_start(start_gateway, start_worker, tmp_path):
    gateway = start_gateway([start_worker()])
    assert "ledger-not-exported" in gateway.process_log()
    assert gateway.ctl("ledger", "export") == {"exporting": False}
    (tmp_path / "file").write_text("")
    config = tmp_path / "bad.yaml"
    config.write_text(gateway.config.read_text().replace("drain: 3s", f"drain: 3s\nledger: {{export: {tmp_path}/file}}")
                      .replace(str(gateway.socket), str(tmp_path / "other.sock"))
                      .replace(str(gateway.state), str(tmp_path / "other")).replace("gw.", f"{gateway.folder}/gw."))
    done = subprocess.run([BUILD / "src/teegate", "-c", config], capture_output=True, text=True, timeout=20)
    assert done.returncode != 0 and "ledger.export" in done.stderr


def test_two_gateways_over_one_store_share_the_ledger_whatever_dies(start_gateway, start_worker, tmp_path):
    """I2, I6 and I13 over both folders, under load, while one is killed and the other stopped."""
    store = subprocess.Popen(["redis-server", "--port", "0", "--unixsocket", "socket", "--save", "", "--appendonly", "yes"],
                             cwd=tmp_path, stdout=subprocess.DEVNULL)
    try:
        wait_for(lambda: (tmp_path / "socket").exists(), 10, "the store")
        folder = tmp_path / "ledger"
        extra = f"redis: {{address: 'unix:{tmp_path}/socket'}}\nledger: {{export: {folder}}}"
        worker = start_worker()
        one = start_gateway([worker], name="one", extra=extra)
        names = [f"payer-{i}" for i in range(6)]
        keys = {name: one.account(name, credits="100") for name in names}
        two = start_gateway([worker], name="two", extra=extra)
        calls = dict.fromkeys(names, 0)

        def load(gateway, rounds):
            client = Client(gateway.port)
            for _ in range(rounds):
                for name in names:
                    assert client.call(f"/ipfs/{CID}", keys[name]).status == 200
                    calls[name] += 1

        load(one, 5)
        load(two, 5)
        one.process.send_signal(signal.SIGKILL)
        one.process.wait()
        load(two, 5)
        one.start()
        two.process.send_signal(signal.SIGSTOP)
        load(one, 5)
        two.process.send_signal(signal.SIGCONT)
        load(two, 5)
        for name in names:
            assert one.settled(name)["spent_ucr"] == calls[name] * 100
        total = sum(calls.values()) + len(names)

        def whole():
            status, told, _ = ledger("verify", folder)
            return status == 0 and told["entries"] == total and told

        told = wait_for(whole, 40, "all entries in the files")
        assert told["charged_ucr"] == sum(calls.values()) * 100 and told["credited_ucr"] == 600000000
        done = subprocess.run([BUILD / "src/teegatectl", "--socket", one.socket, "ledger", "reconcile", folder],
                              capture_output=True, text=True, timeout=40)
        assert done.returncode == 0, done.stdout
        status, told, _ = ledger("spend", folder, "--by", "account")
        assert {group["account"]: group["charged_ucr"] for group in told["groups"]} == \
            {name: count * 100 for name, count in calls.items()}
    finally:
        for gateway in (one, two):
            gateway.stop()
        store.terminate()
        store.wait()
