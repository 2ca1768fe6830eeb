#!/bin/sh
# Line and branch coverage of attest-verify/ by its own tests, a line a folder: builds in a folder of its own with gcc's
# --coverage, without optimization, runs the verifier's unit tests, conformance and fuzz corpora once, and adds up what gcov
# says. A branch is one outcome of one condition. --missed FILE lists the branches of a source that no test takes.
#
#   tests/coverage.sh [BUILD-FOLDER]              (build/coverage)
#   tests/coverage.sh --missed attest-verify/verify.c [BUILD-FOLDER]
set -eu
top=$(cd "$(dirname "$0")/.." && pwd)
missed=
if [ "${1:-}" = --missed ]; then
    missed=$2
    shift 2
fi
build=${1:-$top/build/coverage}
mkdir -p "$build"
build=$(cd "$build" && pwd)
cd "$build"

fuzz='quote certificate dstack collateral fetch policy snp evidence cbor event_log pck json crl snp_judgement judgement tcb_info qe_identity'
programs=$(sed -n 's/^check_PROGRAMS += \(tests\/unit\/attest-verify\/[a-z_0-9]*\)$/\1/p' "$top/tests/unit/attest-verify/local.mk")
programs="$programs $(sed -n 's/^check_PROGRAMS += \(tests\/conformance\/attest[a-z_0-9]*\)$/\1/p' "$top/tests/conformance/local.mk")"
for name in $fuzz; do programs="$programs tests/fuzz/fuzz_$name"; done
scripts='tests/conformance/attest_program.sh tests/conformance/attest_simulated.sh'

run() {
    top_srcdir=$top srcdir=$top builddir=$build timeout 300 "$@" >>"$build/coverage.log" 2>&1 ||
        { echo "$* fails in this build: $build/coverage.log"; exit 1; }
}

if [ -z "$missed" ]; then
    [ -f Makefile ] || CFLAGS='-O0 -g --coverage' "$top/configure" -q CC=gcc
    # shellcheck disable=SC2086 # several words
    make -s -j"$(nproc)" attest-verify/attest-verify $programs >coverage.log 2>&1 || { tail -20 coverage.log; exit 1; }
    find . -name '*.gcda' -exec rm {} +
    for program in $programs; do run "./$program"; done
    for script in $scripts; do run "$top/$script"; done
fi

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
find "$build/attest-verify" -name '*.gcda' | grep -v /simulate/ | while read -r data; do
    gcov -b -o "$(dirname "$data")" "$data" 2>/dev/null
done >summary

if [ -n "$missed" ]; then
    awk '/^ +[0-9#=-]+[*]?: *[0-9]+:/ { line = $0 } /^branch .*(taken 0%|never executed)/ { if (line != shown) print line; shown = line; print "    " $0 }' \
        "$(basename "$missed").gcov"
    exit 0
fi
awk -v top="$top/" '
    /^Creating / { file = "" }
    /^File / { file = $2; gsub(/\x27/, "", file); sub(top, "", file); sub(/^.*\/attest-verify\//, "attest-verify/", file); next }
    file !~ /^attest-verify\/.*\.c$/ { next }
    /^Lines executed/ { split($0, p, /[:% ]+/); folder = file; sub(/\/[^\/]*$/, "", folder); lines[folder] += p[5]; hit[folder] += p[3] * p[5] / 100 }
    /^Taken at least once/ { split($0, p, /[:% ]+/); branches[folder] += p[7]; taken[folder] += p[5] * p[7] / 100 }
    END {
        printf "%-26s %16s %18s\n", "folder", "lines", "branches"
        for (f in lines) {
            all = f ~ /\/(program|fetch)$/ ? "program and fetching" : "the verifying library"
            L[all] += lines[f]; H[all] += hit[f]; B[all] += branches[f]; T[all] += taken[f]
            print_row(f, hit[f], lines[f], taken[f], branches[f], "sort")
        }
        close("sort")
        for (all in L) print_row(all, H[all], L[all], T[all], B[all], "sort -r")
    }
    function print_row(name, h, l, t, b, pipe) {
        printf "%-26s %5.1f%% of %5d %6.1f%% of %5d\n", name, 100 * h / l, l, b ? 100 * t / b : 100, b | pipe
    }' summary
