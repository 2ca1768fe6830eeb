#!/bin/sh
# Fails when a file includes a header of a sibling or higher folder (the order is the LAYERS of its tree), when anything
# but workers/ and callers' proof code knows the verifier, or when the verifier knows the gateway.
set -eu
cd "${top_srcdir:-.}"
bad=0
# Of one tree, whose LAYERS is the order.
check_tree() {
    (cd "$1" && grep -rn --include='*.[ch]' '^#include "[a-z0-9]*/' . | grep -v "$2") | awk -v tree="$1" '
    BEGIN {
        while ((getline line < (tree "/LAYERS")) > 0) {
            if (line ~ /^#/ || line == "") continue
            ++row; n = split(line, dirs, " ")
            for (i = 1; i <= n; ++i) layer[dirs[i]] = row
        }
    }
    {
        split($0, part, ":"); from = part[1]; sub(/^\.\//, "", from); file = tree "/" from
        if (from !~ /\//) next                          # what stands beside LAYERS is above every layer
        sub(/\/.*/, "", from); to = $0; sub(/.*#include "/, "", to); sub(/\/.*/, "", to)
        if (!(from in layer)) { print file ": folder not in LAYERS"; bad = 1; next }
        if (!(to in layer))   { print file ": includes unknown folder " to; bad = 1; next }
        if (from != to && layer[to] <= layer[from]) {
            print file ":" part[2] ": " from " must not include " to; bad = 1
        }
    }
    END { exit bad }'
}
check_tree src '#include "fetch/' || bad=1 # the one folder of the other tree: see below
check_tree attest-verify '^$' || bad=1
if grep -rln --include='*.[ch]' '#include "attest_verify.h"' src | grep -v '^src/workers/'; then
    echo "only src/workers/ may include attest_verify.h"; bad=1
fi
if grep -rln --include='*.[ch]' '#include "fetch/' src | grep -v '^src/workers/'; then
    echo "only src/workers/ may fetch collateral"; bad=1
fi
if grep -rnE --include='*.[ch]' '#include "(formats|evidence|collateral|policy|bytes|program|simulate)/' src; then
    echo "src/ knows the verifier by attest_verify.h and fetch/fetch.h alone"; bad=1
fi
if grep -rnE --include='*.[ch]' '#include "(ctl|gateway|exchange|callers|workers|http|rules|io|base|tables)/' attest-verify; then
    echo "attest-verify/ includes nothing of src/"; bad=1
fi
exit $bad
