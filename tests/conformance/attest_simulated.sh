#!/bin/sh
# Simulated workers before the program: the good ones are trusted, each bad one is refused for its own
# reason.
program=$builddir/attest-verify/attest-verify
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT
wrong=0

# judge DIR WORKER STATUS REASON [options..]
judge()
{
    dir=$scratch/$1 worker=$2 status=$3 reason=$4
    shift 4
    "$program" cert "$dir/$worker.crt.pem" --collateral "$dir/collateral" --policy "$dir/policy.json" \
        "$@" >"$scratch/out" 2>"$scratch/err"
    found=$?
    if [ "$found" -ne "$status" ] || ! grep -q "\"reason\": \"$reason\"" "$scratch/out"; then
        echo "$worker: status $found, not $status, or another reason than $reason:"
        sed 's/^/    /' "$scratch/out" "$scratch/err"
        wrong=1
    fi
}

make_worker()
{
    dir=$scratch/$1
    shift
    "$program" simulate "$dir" "$@" >/dev/null || wrong=1
}

for variant in good no-evidence other-key debug unlisted outdated bad-signature revoked; do
    make_worker a --worker "$variant" --variant "$variant"
done
roots="--roots $scratch/a/roots"
judge a good 0 trusted $roots
judge a no-evidence 1 no-evidence $roots
judge a other-key 1 key-not-bound $roots
judge a debug 1 debug $roots
judge a unlisted 1 measurement-not-listed $roots
judge a outdated 1 tcb-not-accepted $roots
judge a bad-signature 1 quote-signature $roots
judge a revoked 1 revoked $roots
judge a good 1 root-unknown
judge a good 1 collateral-expired $roots --time "$(($(date +%s) + 31 * 86400))"

make_worker a --worker enclave --tee sgx
judge a enclave 0 trusted $roots
for convention in gramine intel rats-tls open-enclave; do
    make_worker a --worker "$convention" --tee sgx --convention "$convention"
    judge a "$convention" 0 trusted $roots
    make_worker a --worker "$convention-other" --tee sgx --convention "$convention" --variant other-key
    judge a "$convention-other" 1 key-not-bound $roots
done
for convention in dstack dstack8 dstack8-v0; do
    make_worker a --worker "$convention" --convention "$convention"
    judge a "$convention" 0 trusted $roots
    grep -q '"app_id": "a1a1' "$scratch/out" || wrong=1
    make_worker a --worker "$convention-other" --convention "$convention" --variant other-key
    judge a "$convention-other" 1 key-not-bound $roots
done
"$program" policy "$scratch/a/dstack8.crt.pem" --collateral "$scratch/a/collateral" $roots \
    >"$scratch/a/drafted.json" 2>/dev/null || wrong=1
grep -q '"compose_hash"' "$scratch/a/drafted.json" || wrong=1
mv "$scratch/a/policy.json" "$scratch/a/usual.json"
cp "$scratch/a/drafted.json" "$scratch/a/policy.json"
judge a dstack8 0 trusted $roots
judge a dstack 0 trusted $roots
judge a good 1 measurement-not-listed $roots
mv "$scratch/a/usual.json" "$scratch/a/policy.json"

make_worker b --collateral-days -1
judge b worker 1 collateral-expired --roots "$scratch/b/roots"
judge b worker 1 root-unknown $roots

"$program" policy "$scratch/a/good.crt.pem" --collateral "$scratch/a/collateral" $roots \
    >"$scratch/draft.json" 2>/dev/null || wrong=1
cp "$scratch/draft.json" "$scratch/a/policy.json"
judge a good 0 trusted $roots
judge a unlisted 1 measurement-not-listed $roots
exit $wrong
