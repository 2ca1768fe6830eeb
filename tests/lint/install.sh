#!/bin/sh
# The library as others use it: installed into a folder of its own, found by pkg-config, and the
# example program built against it, which verifies a simulated worker.
set -eu
program=$builddir/attest-verify/attest-verify
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
unset MAKEFLAGS MFLAGS MAKELEVEL 2>/dev/null || true

make -s -C "$builddir" install DESTDIR="$scratch/root" >"$scratch/log" 2>&1 || { cat "$scratch/log"; exit 1; }
pc=$(find "$scratch/root" -name attest-verify.pc)
for page in attest-verify.1 libattestverify.3; do
    [ -n "$(find "$scratch/root" -name "$page")" ] || { echo "$page is not installed"; exit 1; }
    if command -v groff >/dev/null; then
        groff -man -Tutf8 -ww -z "$top_srcdir/docs/man/$page" 2>"$scratch/log"
        [ ! -s "$scratch/log" ] || { cat "$scratch/log"; exit 1; }
    fi
done
[ "$(wc -l <"$top_srcdir/docs/examples/verify_cert.c")" -lt 60 ] || { echo "the example is too long"; exit 1; }

# Only our own file is moved by it: the prefix of what it requires stays the system's.
flags=$(PKG_CONFIG_PATH=${pc%/*} pkg-config --define-variable=prefix="$scratch/root$(sed -n 's/^prefix=//p' "$pc")" \
    --cflags --libs attest-verify)
# shellcheck disable=SC2086 # several words
${CC:-cc} -Wall -Wextra -Werror ${SANITIZE:-} "$top_srcdir/docs/examples/verify_cert.c" $flags -o "$scratch/verify_cert"

"$program" simulate "$scratch/sim" >/dev/null 2>&1
openssl x509 -in "$scratch/sim/worker.crt.pem" -outform DER -out "$scratch/worker.der"
"$scratch/verify_cert" "$scratch/worker.der" "$scratch/sim/collateral/tdx.json" "$scratch/sim/policy.json" \
    "$scratch/sim/roots/root.pem" || { echo "the example refuses a simulated worker"; exit 1; }
if "$scratch/verify_cert" "$scratch/worker.der" "$scratch/sim/collateral/tdx.json" "$scratch/sim/policy.json"; then
    echo "the example trusts a simulated worker without being told to"
    exit 1
fi
