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

# attested-tls binds the certificate's life
for convention in attested-tls attested-tls8; do
    make_worker a --worker "$convention" --convention "$convention" --days 10
    judge a "$convention" 0 trusted $roots
    judge a "$convention" 0 trusted $roots --time "$(($(date +%s) + 9 * 86400))"
    judge a "$convention" 1 certificate-expired $roots --time "$(($(date +%s) + 11 * 86400))"
    make_worker a --worker "$convention-other" --convention "$convention" --variant other-key
    judge a "$convention-other" 1 key-not-bound $roots
done

# draft WORKER STATUS: a draft made from a worker trusts it, when STATUS is 0
draft()
{
    "$program" policy "$scratch/a/$1.crt.pem" --collateral "$scratch/a/collateral" $roots \
        >"$scratch/a/policy.json" 2>"$scratch/drafting"
    found=$?
    if [ "$found" -ne "$2" ]; then
        echo "a draft from $1: status $found, not $2"
        sed "s/^/    /" "$scratch/a/policy.json" "$scratch/drafting"
        wrong=1
    fi
    [ "$2" -eq 0 ] && judge a "$1" 0 trusted $roots
}
cp "$scratch/a/policy.json" "$scratch/a/usual.json"
make_worker a --worker enclave-unlisted --tee sgx --variant unlisted
for worker in good enclave gramine intel rats-tls open-enclave dstack dstack8 dstack8-v0 attested-tls attested-tls8; do
    draft "$worker" 0
    grep -q '"policy": "valid"' <<END || wrong=1
$("$program" policy "$scratch/a/policy.json")
END
    judge a unlisted 1 measurement-not-listed $roots
    judge a enclave-unlisted 1 measurement-not-listed $roots
done
for convention in dice dstack8 dstack8-v0; do
    make_worker a --worker "guest-$convention" --tee snp --convention "$convention"
    draft "guest-$convention" 0
    judge a unlisted 1 measurement-not-listed $roots
    make_worker a --worker "guest-$convention-unlisted" --tee snp --convention "$convention" --variant unlisted
    judge a "guest-$convention-unlisted" 1 measurement-not-listed $roots
done
make_worker a --worker guest-outdated --tee snp --variant outdated
draft guest-outdated 1
grep -q 'tcb-too-old' "$scratch/drafting" || wrong=1
draft outdated 0
grep -q OutOfDate "$scratch/a/policy.json" || wrong=1
grep -q "take it out" "$scratch/drafting" || wrong=1
draft debug 1
draft bad-signature 1
draft other-key 1
mv "$scratch/a/usual.json" "$scratch/a/policy.json"

# what was seen of a platform does not become older
store="--store $scratch/store"
judge a good 0 trusted $roots $store
seen=$(echo "$scratch"/store/tdx-*.seen)
tcb=$(sed -n 's/^tcb //p' "$seen") qe=$(sed -n 's/^qe //p' "$seen")
[ "$tcb" -gt 0 ] && [ "$qe" -gt 0 ] || { echo "nothing remembered: $tcb $qe"; wrong=1; }
judge a good 0 trusted $roots $store
printf 'tcb %d\nqe %d\n' "$((tcb + 1))" "$qe" >"$seen"
judge a good 1 collateral-rolled-back $roots $store
judge a enclave 0 trusted $roots $store
judge a good 0 trusted $roots
printf 'tcb %d\nqe %d\n' "$tcb" "$((qe + 1))" >"$seen"
judge a good 1 collateral-rolled-back $roots $store
printf 'tcb %d\nqe %d\n' "$((tcb - 1))" "$((qe + 1))" >"$seen"
judge a good 1 collateral-rolled-back $roots $store
grep -q "tcb $((tcb - 1))" "$seen" && grep -q "qe $((qe + 1))" "$seen" || { echo "lowered:"; cat "$seen"; wrong=1; }
echo nonsense >"$seen"
"$program" cert "$scratch/a/good.crt.pem" --collateral "$scratch/a/collateral" $roots $store >/dev/null 2>"$scratch/err"
[ $? -eq 2 ] && grep -q 'highest evaluation numbers' "$scratch/err" || { echo "a broken store"; wrong=1; }

# lines for people
"$program" explain "$scratch/a/good.crt.pem" --collateral "$scratch/a/collateral" \
    --policy "$scratch/a/policy.json" $roots >"$scratch/out" 2>/dev/null || wrong=1
grep -q '^passed  policy ' "$scratch/out" && grep -q ': trusted until 20.* UTC$' "$scratch/out" || wrong=1
grep -Eq '^(FAILED|-)' "$scratch/out" && { echo "not all passed:"; cat "$scratch/out"; wrong=1; }

make_worker b --collateral-days -1
judge b worker 1 collateral-expired --roots "$scratch/b/roots"
judge b worker 1 root-unknown $roots

"$program" policy "$scratch/a/good.crt.pem" --collateral "$scratch/a/collateral" $roots \
    >"$scratch/draft.json" 2>/dev/null || wrong=1
cp "$scratch/draft.json" "$scratch/a/policy.json"
judge a good 0 trusted $roots
judge a unlisted 1 measurement-not-listed $roots
exit $wrong
