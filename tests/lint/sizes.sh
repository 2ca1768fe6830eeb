#!/bin/sh
# Fails when a C file has more than 700 lines or a function more than 100: by then it is two things.
# A function's body stands between a "{" and a "}" in column 0, as clang-format writes it; its name is
# on the line in column 0 before it.
set -eu
cd "${top_srcdir:-.}"
find src attest-verify -name '*.[ch]' | LC_ALL=C sort | xargs awk '
    FNR == 1 { if (seen) check_file(); file = FILENAME; body = 0; ++seen }
    { lines = FNR }
    /^[A-Za-z_]/ { head = $0 }
    /^\{$/ { body = FNR }
    /^\}$/ && body > 0 {
        ++functions
        if (FNR - body + 1 > 100) {
            print FILENAME ":" body ": " FNR - body + 1 " lines of a function: " head
            bad = 1
        }
        body = 0
    }
    function check_file() {
        if (lines > 700) { print file ": " lines " lines"; bad = 1 }
    }
    END {
        check_file()
        if (functions == 0) { print "no function found: is this the source tree?"; bad = 1 }
        exit bad
    }'
