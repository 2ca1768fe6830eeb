#!/bin/sh
# The program attest-verify as its callers see it: exit status, one JSON object, clear sentences.
# Uses evidence made by hand (the fuzz targets' corpus), which nobody signed.
program=$builddir/attest-verify/attest-verify
corpus=$top_srcdir/tests/fuzz/corpus
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT
wrong=0

# expect STATUS WORD ARGUMENTS..: the exit status, and WORD somewhere in what is printed
expect()
{
    status=$1 word=$2
    shift 2
    "$program" "$@" >"$scratch/out" 2>&1
    found=$?
    if [ "$found" -ne "$status" ] || ! grep -q -- "$word" "$scratch/out"; then
        echo "attest-verify $*: status $found, not $status, or no \"$word\":"
        sed 's/^/    /' "$scratch/out"
        wrong=1
    fi
}

echo '{}' >"$scratch/empty.json"
echo '{"accepts":[]}' >"$scratch/unknown.json"
echo 'no certificate' >"$scratch/x.pem"

expect 0 'Exit status' --help
expect 0 'attest-verify [0-9]' --version
expect 2 'which command'
expect 2 'no such command' frobnicate
expect 2 'exactly one file' quote
expect 2 'exactly one file' quote a b
expect 2 'unknown option' quote --frobnicate "$corpus/quote/v3-body1"
expect 2 'No such file' quote "$scratch/absent"
expect 2 'No such file' quote --policy "$scratch/absent" "$corpus/quote/v3-body1"
expect 2 'No such file' quote --collateral "$scratch/absent" "$corpus/quote/v3-body1"
expect 2 'accepts' quote --policy "$scratch/unknown.json" "$corpus/quote/v3-body1"
expect 2 'twice' quote --policy "$scratch/empty.json" --policy "$scratch/empty.json" "$corpus/quote/v3-body1"
expect 2 'unix seconds' quote --time yesterday "$corpus/quote/v3-body1"
expect 2 'unix seconds' quote --time -1 "$corpus/quote/v3-body1"
expect 2 'trust anchors' quote --roots "$scratch" "$corpus/quote/v3-body1"
expect 1 '"verdict": "refused"' quote "$corpus/quote/v3-body1"
expect 1 'pck-malformed' quote "$corpus/quote/v4-body2"
expect 1 'pck-malformed' quote --policy "$scratch/empty.json" "$corpus/quote/v5-body3"
expect 1 'quote-malformed' quote "$scratch/empty.json"
expect 1 'no-evidence' cert "$corpus/certificate/none"
expect 1 'key-not-bound' cert "$corpus/certificate/gramine"
expect 1 'certificate-malformed' cert "$corpus/quote/v3-body1"
expect 1 'pck-malformed' policy "$corpus/quote/v3-body1"

# SEV-SNP: a report nobody signed, and files where AMD's certificates should be
mkdir "$scratch/amd" "$scratch/amd2"
expect 1 'collateral-missing' snp "$corpus/snp/v3-report"
expect 1 'collateral-missing' snp --collateral "$scratch/amd" "$corpus/snp/v3-report"
expect 1 'report-malformed' snp "$scratch/empty.json"
expect 1 'report-malformed' snp "$corpus/snp/v3-padded"
expect 1 'collateral-missing' snp --padded "$corpus/snp/v3-padded"
expect 0 'guest_svn_min' policy "$corpus/snp/v3-report"
cp "$scratch/x.pem" "$scratch/amd/leaf.der"
cp "$scratch/x.pem" "$scratch/amd2/leaf.der"
expect 1 'leaf-malformed' snp --collateral "$scratch/amd" "$corpus/snp/v3-report"
expect 1 'leaf-malformed' policy --collateral "$scratch/amd" "$corpus/snp/v3-report"
expect 2 'two directories' snp --collateral "$scratch/amd" --collateral "$scratch/amd2" "$corpus/snp/v3-report"
expect 1 '"checks"' quote --explain "$corpus/quote/v4-body2"
expect 1 '"not reached"' explain quote "$corpus/quote/v4-body2"
expect 1 '"pck-malformed: ' explain quote "$corpus/quote/v4-body2"
expect 1 '"key-not-bound: ' explain cert "$corpus/certificate/gramine"
expect 2 'no such command' explain
expect 2 'no such command' explain simulate "$scratch"
# Bare quotes have no certificate to explain; without the option nothing is explained.
"$program" explain quote "$corpus/quote/v4-body2" | grep -q key-binding && { echo "a quote's key-binding"; wrong=1; }
"$program" quote "$corpus/quote/v4-body2" | grep -q checks && { echo "checks without --explain"; wrong=1; }
exit $wrong
