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
expect 0 'Exit status' help
expect 0 'attest-verify [0-9]' --version
for command in cert quote snp explain policy simulate; do
    expect 0 "[Uu]sage: attest-verify $command" $command --help
    expect 0 "[Uu]sage: attest-verify $command" help $command
done
expect 2 'no such command' help frobnicate
expect 2 'one command' help cert quote
expect 2 'which command'
expect 2 'no such command: "frobnicate"' frobnicate
expect 2 'exactly one file, 0 are given' quote
expect 2 'exactly one file, 2 are given' quote a b
expect 2 'exactly one file' explain
expect 2 'exactly one file' explain cert
expect 2 'frobnicate: unknown option' quote --frobnicate "$corpus/quote/v3-body1"
expect 2 'policy: a value is missing' quote "$corpus/quote/v3-body1" --policy
expect 2 'attest-verify quote --help' quote --frobnicate
expect 2 'No such file' quote "$scratch/absent"
expect 2 'No such file' quote --policy "$scratch/absent" "$corpus/quote/v3-body1"
expect 2 'No such file' quote --collateral "$scratch/absent" "$corpus/quote/v3-body1"
expect 2 'accepts' quote --policy "$scratch/unknown.json" "$corpus/quote/v3-body1"
expect 2 'policy is given twice' quote --policy "$scratch/empty.json" --policy "$scratch/empty.json" "$corpus/quote/v3-body1"
expect 2 'not "yesterday"' quote --time yesterday "$corpus/quote/v3-body1"
expect 2 'unix seconds' quote --time -1 "$corpus/quote/v3-body1"
expect 2 'trust anchors' quote --roots "$scratch" "$corpus/quote/v3-body1"
expect 2 'goes with --fetch' quote --fetch-ca "$scratch/x.pem" "$corpus/quote/v3-body1"
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

# explanations: JSON for programs, lines for people
expect 1 '"checks"' quote --explain "$corpus/quote/v4-body2"
expect 1 '"not reached"' quote --explain "$corpus/quote/v4-body2"
expect 1 '"pck-malformed: ' quote --explain "$corpus/quote/v4-body2"
expect 1 '^FAILED  platform  *pck-malformed: ' explain quote "$corpus/quote/v4-body2"
expect 1 '^passed  quote  *tdx quote, version 4' explain "$corpus/quote/v4-body2"
expect 1 '^-  *policy  *not reached' explain "$corpus/quote/v4-body2"
expect 1 '^FAILED  key-binding  *key-not-bound: ' explain cert "$corpus/certificate/gramine"
expect 1 '^FAILED  key-binding  *key-not-bound: ' explain "$corpus/certificate/gramine"
expect 1 'refused, collateral-missing: ' explain snp "$corpus/snp/v3-report"
expect 1 'refused, collateral-missing: ' explain "$corpus/snp/v3-report"
expect 1 'refused, certificate-malformed: ' explain cert "$corpus/snp/v3-report"
expect 2 'No such file' explain simulate
# Bare quotes have no certificate to explain; without the option nothing is explained.
"$program" explain quote "$corpus/quote/v4-body2" | grep -q key-binding && { echo "a quote's key-binding"; wrong=1; }
"$program" quote "$corpus/quote/v4-body2" | grep -q checks && { echo "checks without --explain"; wrong=1; }

# policies are checked
expect 0 'it trusts nobody' policy "$scratch/empty.json"
expect 1 'unknown member' policy "$scratch/unknown.json"
expect 0 '"entries": 3' policy "$top_srcdir/conf/policy.example.json"
echo '{"accept":[{"tee":"tdx","any_code":true},{"tee":"tdx","rtmr1":["'"$(printf '%096d' 1)"'"]}],
    "allow_debug":true,"insecure_testing":true}' >"$scratch/lax.json"
expect 0 'accept.0. accepts any code in tdx' policy "$scratch/lax.json"
expect 0 'accept.1. lists RTMRs without mrtd' policy "$scratch/lax.json"
expect 0 'debugging' policy "$scratch/lax.json"
exit $wrong
