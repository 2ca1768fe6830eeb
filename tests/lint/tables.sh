#!/bin/sh
# Fails when a page made from the tables is not what the tables say. With --renew it writes them.
set -eu
lints="${builddir:-.}/tests/lint"
cd "${top_srcdir:-.}"
bad=0
for pair in faults:docs/faults.md metrics:docs/metrics.md options:docs/options.md yaml:conf/teegate.yaml \
    schema:docs/policy.schema.json; do
    name=${pair%%:*} file=${pair#*:}
    print="$lints/print_tables"
    [ "$name" != schema ] || print="$lints/print_schema"
    if [ "${1:-}" = --renew ]; then
        "$print" "$name" > "$file"
    elif ! "$print" "$name" | diff -u "$file" - >&2; then
        echo "$file is not what the tables say: run tests/lint/tables.sh --renew from the build folder"
        bad=1
    fi
done
exit $bad
