#!/bin/sh
# Fails when a C file is not as clang-format 14 (Debian 12's) writes it. Says so and passes where that
# program is not installed: it is a tool for authors, not part of the build.
set -eu
cd "${top_srcdir:-.}"
tool=$(command -v clang-format-14 || command -v clang-format || true)
if [ -z "$tool" ]; then
    echo "LEFT OUT: clang-format is not installed"
    exit 0
fi
case "$("$tool" --version)" in *" 14."*) ;; *) echo "LEFT OUT: clang-format 14 is not installed"; exit 0 ;; esac
found=$(find src attest-verify tests -name "*.[ch]" -print0 | xargs -0 "$tool" --dry-run -Werror 2>&1 | grep -E "error|warning" | head -20 || true)
[ -z "$found" ] || { echo "$found"; exit 1; }
