#!/bin/sh
# Fails when a row of docs/known-flaws.md names a test that is not there, a number is missing, or a test with a number has no row.
set -eu
cd "${top_srcdir:-.}"
page=docs/known-flaws.md bad=0
for number in $(seq 1 31); do
    grep -q "^| $number | " $page || { echo "$page: no row $number"; bad=1; }
done
for name in $(grep '^| [0-9]' $page | grep -o '`[a-z0-9_]*`' | tr -d '`'); do
    grep -rqE --include='test_*.[cp]*' "(START_TEST\(|def test_)$name\b" tests || { echo "$page: no test $name"; bad=1; }
done
for name in $(grep -rhoE --include='test_*.c' 'START_TEST\(flaw_[0-9][0-9]_[a-z0-9_]*' tests | sed 's/.*(//'); do
    number=${name#flaw_}; number=${number%%_*}
    grep -q "^| ${number#0} | .*\`$name\`" $page || { echo "$page: row ${number#0} does not name $name"; bad=1; }
done
exit $bad
