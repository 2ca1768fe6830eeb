#!/bin/sh
# Policies drafted from genuine quotes: each is a policy, and trusts the quote it is made from; none is
# handed out as good for a quote that is open to debugging or matches no TCB level.
program=$builddir/attest-verify/attest-verify
vectors=$top_srcdir/../shared/vectors/attest/dcap
if [ ! -d "$vectors" ]; then
    echo "attest_drafts: left out: no vectors at $vectors"
    exit 0
fi
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT
wrong=0 drafted=0 refused=0
for case in "$vectors"/*/; do
    time=$(sed -n 's/^ *"verify_time": \([0-9]*\),*$/\1/p' "$case/expected.json" | head -n 1)
    "$program" policy "$case/quote.bin" --collateral "$case/collateral.json" --time "$time" --padded \
        >"$scratch/draft.json" 2>"$scratch/err"
    found=$? expected=0
    grep -q '"debug": true' "$case/expected.json" && expected=1
    grep -q '"tcb_status": "[A-Z]' "$case/expected.json" || expected=1
    if [ "$found" -ne "$expected" ]; then
        echo "$case: status $found, not $expected: $(cat "$scratch/err")"
        wrong=1
    fi
    if [ "$found" -ne 0 ]; then
        refused=$((refused + 1))
        continue
    fi
    drafted=$((drafted + 1))
    "$program" policy "$scratch/draft.json" >"$scratch/out" || { echo "$case: no policy"; wrong=1; }
    "$program" quote "$case/quote.bin" --collateral "$case/collateral.json" --time "$time" --padded \
        --policy "$scratch/draft.json" >"$scratch/out" || { echo "$case: not trusted"; wrong=1; }
done
echo "$drafted drafts trust their quotes, $refused quotes give none"
[ "$drafted" -gt 0 ] || wrong=1
exit $wrong
