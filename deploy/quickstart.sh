#!/bin/sh
# From a bare Debian 12 to one agent answered, paid for and checked: deploy/quickstart.sh [--once] [--dir DIR]
# Everything it makes is in one folder; it changes nothing else but the packages it installs.
# The TEE is simulated: this shows how teegate works, it protects nothing.
# shellcheck disable=SC2317  # step and wait_for call what they are given
set -u

top=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd) || exit 1
# shellcheck source=deploy/packages.sh
. "$top/deploy/packages.sh"

build=$top/build/quickstart
demo=$top/deploy/demo
teegatectl=$build/src/teegatectl
STEPS=11
TAIL_LINES=40
WAIT_TENTHS_MAX=200 # of a second, for any one condition
ACCOUNT=demo
CREDIT=10 # credits, of a million micro-credits each
once=false
dir=
worker_pid=
gateway_pid=
number=0

usage() {
    cat <<'END'
usage: deploy/quickstart.sh [--once] [--dir DIR]

Installs what is missing, builds, starts a gateway with a simulated TEE worker, and invokes an agent.

  --once     stop everything afterwards and exit
  --dir DIR  keep keys, state and logs in DIR (default: a new temporary folder)
END
}

# ---- saying and failing

say() {
    number=$((number + 1))
    printf '[%d/%d] %s\n' "$number" "$STEPS" "$*"
}

# fail WORDS LOG... : what went wrong, the end of each log, and out.
fail() {
    printf 'quickstart: failed: %s\n' "$1" >&2
    shift
    for log in "$@"; do
        [ -f "$log" ] || continue
        printf -- '--- the end of %s\n' "$log" >&2
        tail -n "$TAIL_LINES" "$log" >&2
    done
    exit 1
}

# step NAME WORDS COMMAND... : one line when it goes well; else the end of its log.
step() {
    name=$1
    say "$2"
    shift 2
    "$@" >"$logs/$name.log" 2>&1 </dev/null || fail "$name" "$logs/$name.log"
}

# wait_for WORDS PID LOG COMMAND... : until COMMAND succeeds, the process ends, or time is up.
wait_for() {
    words=$1
    pid=$2
    log=$3
    shift 3
    tenths=0
    until "$@"; do
        kill -0 "$pid" 2>/dev/null || fail "$words: the process ended" "$log"
        tenths=$((tenths + 1))
        [ "$tenths" -lt "$WAIT_TENTHS_MAX" ] || fail "$words: not within $((WAIT_TENTHS_MAX / 10)) s" "$log"
        sleep 0.1
    done
}

# stop PID : SIGTERM, and SIGKILL when that is not heard in time.
stop() {
    kill -TERM "$1" 2>/dev/null || return 0
    tenths=0
    while kill -0 "$1" 2>/dev/null; do
        tenths=$((tenths + 1))
        if [ "$tenths" -ge "$WAIT_TENTHS_MAX" ]; then
            kill -KILL "$1"
            return
        fi
        sleep 0.1
    done
}

# The gateway first, so that it never asks a worker that is gone.
stop_all() {
    [ -z "$gateway_pid" ] || stop "$gateway_pid"
    [ -z "$worker_pid" ] || stop "$worker_pid"
    gateway_pid=
    worker_pid=
}

at_exit() {
    status=$?
    trap - EXIT
    stop_all
    if $temporary && [ "$status" -eq 0 ]; then
        rm -rf "$dir"
    elif [ "$status" -ne 0 ]; then
        printf 'quickstart: keys, state and logs are kept in %s\n' "$dir" >&2
    fi
    exit "$status"
}

# ---- the parts, in the order in which they start

build_all() {
    configure_in "$top" "$build" && make -s -C "$build" "-j$(jobs_here)" all
}

make_tee() {
    "$build/attest-verify/attest-verify" simulate "$dir/tee" --worker worker
}

make_certificate() {
    [ -f "$dir/gw.crt.pem" ] || openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
        -days 30 -subj '/CN=teegate quickstart' -addext 'subjectAltName=DNS:localhost,IP:127.0.0.1' \
        -keyout "$dir/gw.key.pem" -out "$dir/gw.crt.pem"
}

start_worker() {
    say 'starting the demo worker'
    node "$demo/worker.mjs" --cert "$dir/tee/worker.crt.pem" --key "$dir/tee/worker.key.pem" \
        --agents "$demo/agents" --state "$dir/agent-state" --host 127.0.0.1 --port 0 \
        --gateway "@$dir/gateway.url" --gateway-ca "$dir/gw.crt.pem" \
        --tee "$dir/tee" --attest-verify "$build/attest-verify/attest-verify" \
        >"$dir/worker.out" 2>"$logs/worker.log" </dev/null &
    worker_pid=$!
    wait_for 'the demo worker listens' "$worker_pid" "$logs/worker.log" grep -q listening "$dir/worker.out"
    worker_port=$(jq -r 'select(.listening) | .listening' "$dir/worker.out")
}

# The gateway's whole configuration, in one place.
write_config() {
    cat >"$dir/teegate.yaml" <<END
listen:
  - address: "127.0.0.1:0"
    tls: {certificate: "$dir/gw.crt.pem", key: "$dir/gw.key.pem"}
admin: {socket: "$dir/admin.sock"}
state_dir: "$dir/state"
redis: embedded
pools:
  demo:
    workers: ["https://127.0.0.1:$worker_port"]
    attestation:
      policy: "$dir/tee/policy.json"
      collateral: ["$dir/tee/collateral/"]
      roots: "$dir/tee/roots/"
      challenge: required
agents:
  "*": {pool: demo, price: {call: 100, ms: 1, kib_out: 5}}
END
}

# The log names the addresses it listens on, with the port that it was given.
find_gateway_port() {
    gateway_port=$(grep -i listen "$logs/gateway.log" 2>/dev/null \
        | grep -Eo '127\.0\.0\.1:[1-9][0-9]*' | grep -v ":$worker_port\$" | head -n 1 | cut -d: -f2)
    [ -n "$gateway_port" ]
}

start_gateway() {
    say 'starting the gateway'
    write_config
    "$build/src/teegate" -t -c "$dir/teegate.yaml" >"$logs/gateway.log" 2>&1 </dev/null \
        || fail 'the gateway does not accept its configuration' "$dir/teegate.yaml" "$logs/gateway.log"
    "$build/src/teegate" -c "$dir/teegate.yaml" >"$logs/gateway.log" 2>&1 </dev/null &
    gateway_pid=$!
    wait_for 'the gateway listens' "$gateway_pid" "$logs/gateway.log" find_gateway_port
    # The worker reads it when one of its agents calls another.
    printf 'https://127.0.0.1:%s\n' "$gateway_port" >"$dir/gateway.url"
    wait_for 'the gateway has an admin socket' "$gateway_pid" "$logs/gateway.log" test -S "$dir/admin.sock"
}

# ---- money

ctl() {
    "$teegatectl" --socket "$dir/admin.sock" "$@"
}

ctl_or_fail() {
    ctl "$@" 2>"$logs/teegatectl.log" || fail "teegatectl $1 $2" "$logs/teegatectl.log" "$logs/gateway.log"
}

open_account() {
    say "opening account \"$ACCOUNT\", crediting $CREDIT credits, minting a key"
    # With --dir the account may be there from the last time; credit is idempotent by its reference.
    ctl account show "$ACCOUNT" -o json >/dev/null 2>&1 || ctl_or_fail account create "$ACCOUNT" >/dev/null
    ctl_or_fail credit add "$ACCOUNT" "$CREDIT" --ref quickstart >/dev/null
    key=$(ctl_or_fail key mint "$ACCOUNT" -o json | jq -r '.key // empty')
    [ -n "$key" ] || fail 'teegatectl key mint printed no key' "$logs/teegatectl.log" "$logs/gateway.log"
    # For curl's -H @FILE: on the command line, every user of this machine could read it.
    (umask 077 && printf 'Authorization: Bearer %s\n' "$key" >"$dir/key.header")
}

account_json() {
    ctl account show "$ACCOUNT" -o json 2>"$logs/teegatectl.log"
}

is_settled() {
    account=$(account_json) && [ "$(printf '%s' "$account" | jq -r .held_ucr)" = 0 ]
}

# read_account WORDS : the account when nothing is held any more; the balance goes to $balance.
read_account() {
    wait_for 'the account is settled' "$gateway_pid" "$logs/gateway.log" is_settled
    balance=$(printf '%s' "$account" | jq -r .balance_ucr)
    case $balance in
    '' | *[!0-9]*) fail "account show has no balance: $account" "$logs/gateway.log" ;;
    esac
    printf '      %s: %s micro-credits, none of them held\n' "$1" "$balance"
}

# ---- the call

agent_url() {
    cid=$(node "$demo/cid.mjs" "$demo/agents/tokens.mjs") || fail 'the CID of the agent'
    url="https://127.0.0.1:$gateway_port/ipfs/$cid?n=12&ms=80"
}

invoke() {
    say 'invoking agents/tokens.mjs by the CID of its bytes'
    printf '      %s\n' "$url"
    # -D takes head and trailers; tee shows the answer while it streams.
    { curl -sS --http2 -N --max-time 60 --cacert "$dir/gw.crt.pem" -H "@$dir/key.header" \
        -D "$dir/answer.head" "$url" 2>"$logs/curl.log"
      echo $? >"$dir/curl.status"; } | tee "$dir/answer.body" | sed -u 's/^/      | /'
    [ "$(cat "$dir/curl.status")" = 0 ] || fail 'curl' "$logs/curl.log" "$logs/gateway.log" "$logs/worker.log"
    grep -Eq '^HTTP/2 200' "$dir/answer.head" \
        || fail 'the answer is not 200' "$dir/answer.head" "$dir/answer.body" "$logs/gateway.log"
    grep -q '^event: done' "$dir/answer.body" \
        || fail 'the stream has no end' "$dir/answer.head" "$logs/gateway.log" "$logs/worker.log"
}

# The worker's evidence was of the very connection the call went over, not only of its key.
check_challenge() {
    grep '"event":"challenge"' "$logs/gateway.log" | grep -q '"trusted":true' \
        || fail 'no trusted answer to a challenge' "$logs/gateway.log" "$logs/worker.log"
    printf '      before it got the call, the worker answered the challenge of its connection\n'
}

# field NAME : its value in the head or the trailers of the answer.
field() {
    tr -d '\r' <"$dir/answer.head" | sed -n "s/^$1: *//Ip" | tail -n 1
}

# Against the account before and after: what was charged is what the trailer said, to the unit.
check_cost() {
    say 'comparing its cost with the account'
    cost=$(field agent-cost | sed 's/[^0-9].*//')
    printf '      cost %s micro-credits, usage %s, outcome %s\n' \
        "${cost:-?}" "$(field agent-usage)" "$(field agent-outcome)"
    before=$balance
    read_account 'account after'
    [ -n "$cost" ] || fail 'the answer has no Agent-Cost' "$dir/answer.head" "$logs/gateway.log"
    [ "$cost" -gt 0 ] || fail 'the call cost nothing' "$dir/answer.head"
    [ $((before - balance)) -eq "$cost" ] \
        || fail "charged were $((before - balance)), but Agent-Cost said $cost" "$dir/answer.head" "$logs/gateway.log"
}

# Offline but for the keys: who signed, that the call is in what was signed, which worker, which bytes.
check_receipt() {
    say 'verifying its receipt'
    field agent-receipt >"$dir/receipt.txt"
    # The store may have been too slow for the trailers: then it is there afterwards.
    [ -s "$dir/receipt.txt" ] || curl -sS --max-time 10 --cacert "$dir/gw.crt.pem" -H "@$dir/key.header" \
        "https://127.0.0.1:$gateway_port/v1/invocations/$(field agent-invocation-id)" 2>"$logs/curl.log" \
        | jq -r '.receipt // empty' >"$dir/receipt.txt"
    [ -s "$dir/receipt.txt" ] || fail 'the answer has no Agent-Receipt' "$dir/answer.head" "$logs/gateway.log"
    curl -sS --max-time 10 --cacert "$dir/gw.crt.pem" -o "$dir/keys.json" \
        "https://127.0.0.1:$gateway_port/.well-known/teegate" 2>"$logs/curl.log" || fail 'the keys' "$logs/curl.log"
    "$build/attest-verify/attest-verify" receipt "$dir/receipt.txt" --keys "$dir/keys.json" \
        --evidence "$dir/tee/worker.crt.pem" --response-body "$dir/answer.body" >"$dir/receipt.json" 2>"$logs/receipt.log" \
        || fail 'the receipt does not verify' "$dir/receipt.json" "$logs/receipt.log"
    [ "$(jq -r .record.charge "$dir/receipt.json")" = "$cost" ] \
        || fail "the receipt is not of $cost micro-credits" "$dir/receipt.json"
    jq -r '"      \(.verdict): number \(.record.sequence) of \(.record.account), \(.record.charge) micro-credits; checked: "
           + (.checked | join(", "))' "$dir/receipt.json"
}

# ---- a call that makes calls

cid_of() {
    node "$demo/cid.mjs" "$demo/agents/$1.mjs" || fail "the CID of $1"
}

# The caller's key opens a budget; what the agent does with it is on one bill, to the unit.
invoke_tree() {
    say 'invoking agents/planner.mjs, which calls echo.mjs and upload.mjs on the budget it is given'
    planner="https://127.0.0.1:$gateway_port/ipfs/$(cid_of planner)?agent=$(cid_of echo)&agent=$(cid_of upload)"
    curl -sS --http2 --max-time 60 --cacert "$dir/gw.crt.pem" -H "@$dir/key.header" -H 'Agent-Sub-Budget: 10000' \
        -d 'two agents, one bill' -D "$dir/answer.head" -o "$dir/answer.body" "$planner" 2>"$logs/curl.log" \
        || fail 'curl' "$logs/curl.log" "$logs/gateway.log" "$logs/worker.log"
    [ "$(jq '[.answers[].status] == [200, 200]' "$dir/answer.body" 2>/dev/null)" = true ] \
        || fail 'the planner was not answered' "$dir/answer.head" "$dir/answer.body" "$logs/gateway.log" "$logs/worker.log"
    jq -r '.answers[] | "      | " + (.said | tostring)' "$dir/answer.body"
    before=$balance
    read_account 'account after'
    curl -sS --http2 --max-time 60 --cacert "$dir/gw.crt.pem" -H "@$dir/key.header" -o "$dir/bill.json" \
        "https://127.0.0.1:$gateway_port/v1/invocations/$(field agent-invocation-id)" 2>"$logs/curl.log" \
        || fail 'curl' "$logs/curl.log" "$logs/gateway.log"
    jq -r '"      one bill: own \(.charge_ucr) + calls below \(.subcalls_ucr) = \(.total_ucr) micro-credits"' \
        "$dir/bill.json" || fail 'the bill' "$dir/bill.json"
    [ "$(jq -r .total_ucr "$dir/bill.json")" -eq $((before - balance)) ] \
        || fail "charged were $((before - balance)), but the bill says otherwise" "$dir/bill.json" "$logs/gateway.log"
}

# ---- all of it

read_arguments() {
    while [ $# -gt 0 ]; do
        case $1 in
        --once) once=true ;;
        --dir)
            [ $# -ge 2 ] || { usage >&2; exit 2; }
            dir=$2
            shift
            ;;
        -h | --help) usage; exit 0 ;;
        *) usage >&2; exit 2 ;;
        esac
        shift
    done
}

# Paths go into YAML in double quotes, so those that would need escapes there are refused.
make_dir() {
    temporary=false
    if [ -z "$dir" ]; then
        dir=$(mktemp -d) || exit 1
        temporary=true
    fi
    mkdir -p "$dir/log" && chmod 700 "$dir" && dir=$(CDPATH='' cd -- "$dir" && pwd) || exit 1
    case $dir in
    *[\"\\]*) fail "no quotes or backslashes in the name of the folder, please: $dir" ;;
    esac
    logs=$dir/log
    trap at_exit EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
}

stay() {
    cat <<END

Still running, in $dir. The next call:

    curl --http2 -N --cacert $dir/gw.crt.pem -H @$dir/key.header \\
        'https://127.0.0.1:$gateway_port/ipfs/$(node "$demo/cid.mjs" "$demo/agents/counter.mjs")' -d '{"add":2}'

    $teegatectl --socket $dir/admin.sock account show $ACCOUNT

Stop it with

    kill $gateway_pid $worker_pid
END
    # They outlive this script, and so does their folder.
    trap - EXIT INT TERM
}

read_arguments "$@"
make_dir
# shellcheck disable=SC2086  # lists of names
step packages 'installing what is missing' need $packages_build $packages_run
step build 'building (a minute or two the first time)' build_all
step tee 'making a simulated TEE and a worker certificate under it' make_tee
make_certificate >"$logs/certificate.log" 2>&1 || fail 'the certificate of the gateway' "$logs/certificate.log"
start_worker
start_gateway
open_account
read_account 'account before'
agent_url
invoke
check_challenge
check_cost
check_receipt
invoke_tree
if $once; then
    say 'stopping'
    stop_all
else
    say 'done'
    stay
fi
echo 'quickstart: ok'
