#!/bin/sh
# Simulated SEV-SNP workers before the program: the good ones are trusted, each bad one is refused for
# its own reason, bare and in certificates; and a quote on demand is of the same chip.
program=$builddir/attest-verify/attest-verify
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT
wrong=0

# judge STATUS REASON COMMAND..
judge()
{
    status=$1 reason=$2
    shift 2
    "$program" "$@" --policy "$scratch/policy.json" >"$scratch/out" 2>"$scratch/err"
    found=$?
    if [ "$found" -ne "$status" ] || ! grep -q "\"reason\": \"$reason\"" "$scratch/out"; then
        echo "$*: status $found, not $status, or another reason than $reason:"
        sed 's/^/    /' "$scratch/out" "$scratch/err"
        wrong=1
    fi
}

judge_cert()
{
    status=$1 reason=$2 worker=$3
    shift 3
    judge "$status" "$reason" cert "$scratch/$worker.crt.pem" --collateral "$scratch/collateral" $roots "$@"
}

make_worker()
{
    worker=$1
    shift
    "$program" simulate "$scratch" --tee snp --worker "$worker" "$@" >/dev/null || wrong=1
}

roots="--roots $scratch/roots"
for variant in good no-evidence other-key debug unlisted outdated bad-signature; do
    make_worker "$variant" --variant "$variant"
done
judge_cert 0 trusted good
judge_cert 1 no-evidence no-evidence
judge_cert 1 key-not-bound other-key
judge_cert 1 debug debug
judge_cert 1 measurement-not-listed unlisted
judge_cert 1 tcb-too-old outdated
judge_cert 1 report-signature bad-signature
judge_cert 1 collateral-expired good --time "$(($(date +%s) + 31 * 86400))"
judge 1 root-unknown cert "$scratch/good.crt.pem" --collateral "$scratch/collateral"
judge 1 collateral-missing cert "$scratch/good.crt.pem" $roots
judge 1 collateral-missing cert "$scratch/good.crt.pem" $roots --collateral "$scratch/collateral/snp-debug.json"

# bare: DIR of DESIGN 3, or a document
judge 0 trusted snp "$scratch/snp/good/report.bin" --collateral "$scratch/snp/good" $roots
judge 0 trusted snp "$scratch/snp/good/report.bin" --collateral "$scratch/collateral" $roots
judge 1 report-signature snp "$scratch/snp/good/report.bin" --collateral "$scratch/snp/debug" $roots
"$program" policy "$scratch/snp/good/report.bin" --collateral "$scratch/snp/good" $roots \
    >"$scratch/draft.json" 2>/dev/null || wrong=1
mv "$scratch/policy.json" "$scratch/usual.json"
cp "$scratch/draft.json" "$scratch/policy.json"
judge_cert 0 trusted good
judge_cert 1 measurement-not-listed unlisted
mv "$scratch/usual.json" "$scratch/policy.json"

# on demand: the same chip, other report data
"$program" simulate quote --pki "$scratch" --worker good --out "$scratch/report" \
    --report-data "$(printf '%0128d' 7)" || wrong=1
judge 0 trusted snp "$scratch/report" --collateral "$scratch/collateral" $roots
grep -q '"report_data": "0*7"' "$scratch/out" || wrong=1

# dstack's envelopes bring the chip's certificates
for convention in dstack8 dstack8-v0; do
    make_worker "$convention" --convention "$convention" --key vlek
    rm "$scratch/collateral/snp-$convention.json"
    judge_cert 0 trusted "$convention"
    grep -q '"app_id": "a1a1' "$scratch/out" || wrong=1
    make_worker "$convention-other" --convention "$convention" --variant other-key
    judge_cert 1 key-not-bound "$convention-other"
done

# AMD revokes what issues leaves: all VCEKs with it, and no VLEK
make_worker revoked --variant revoked
judge_cert 1 revoked revoked
judge_cert 1 revoked good
judge_cert 0 trusted dstack8

# another vendor's folder
judge 1 root-unknown cert "$scratch/good.crt.pem" --collateral "$scratch/collateral"
exit $wrong
