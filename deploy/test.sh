#!/bin/sh
# Installs what a bare Debian 12 lacks, builds, and runs every test: deploy/test.sh
# The last line is "N passed, N failed"; the exit status is 0 only if nothing failed.
# Logs are kept in build/test/log.
# shellcheck disable=SC2317  # step and tests call what they are given
set -u

top=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd) || exit 1
# shellcheck source=deploy/packages.sh
. "$top/deploy/packages.sh"

logs=$top/build/test/log
passed=0
failed=0
TAIL_LINES=60

say() {
    printf '%s\n' "$*"
}

finish() {
    say "$passed passed, $failed failed"
    [ "$failed" -eq 0 ]
    exit
}

# automake's summary stands in the log twice when a test failed: only the first counts.
first_of() {
    grep -m1 -E "$1" "$2" | grep -Eo '[0-9]+' | awk '{ sum += $1 } END { print sum + 0 }'
}

# The numbers that match $1 in file $2, added up.
sum_of() {
    grep -E "$1" "$2" | grep -Eo '[0-9]+' | awk '{ sum += $1 } END { print sum + 0 }'
}

# Each reads a tool's own summary from its log into $ok and $bad.
count_automake() {
    ok=$(first_of '^# PASS: +[0-9]+$' "$1")
    bad=$(($(first_of '^# FAIL: +[0-9]+$' "$1") + $(first_of '^# XPASS: +[0-9]+$' "$1") + $(first_of '^# ERROR: +[0-9]+$' "$1")))
}

count_pytest() {
    summary=$(tail -n 1 "$1")
    ok=$(echo "$summary" | grep -Eo '[0-9]+ passed' | sum_of passed -)
    bad=$(echo "$summary" | grep -Eo '[0-9]+ (failed|error)' | sum_of '' -)
}

count_node() {
    ok=$(sum_of '^[^ ]+ pass [0-9]+$' "$1")
    bad=$(sum_of '^[^ ]+ (fail|cancelled) [0-9]+$' "$1")
}

# step NAME WORDS COMMAND... : silent when it goes well; else the end of its log, and no further.
step() {
    name=$1
    words=$2
    shift 2
    say "$words"
    if ! "$@" >"$logs/$name.log" 2>&1 </dev/null; then
        show "$name"
        failed=$((failed + 1))
        finish
    fi
}

# tests NAME WORDS COUNT COMMAND... : a run of tests, counted by COUNT. The others go on if it fails.
tests() {
    name=$1
    words=$2
    count=$3
    shift 3
    say "$words"
    "$@" >"$logs/$name.log" 2>&1 </dev/null
    status=$?
    "$count" "$logs/$name.log"
    # A run that fails without a failed test, or that ran nothing, has failed all the same.
    if [ "$bad" -eq 0 ] && { [ "$status" -ne 0 ] || [ "$ok" -eq 0 ]; }; then
        bad=1
    fi
    passed=$((passed + ok))
    failed=$((failed + bad))
    [ "$bad" -eq 0 ] || show "$name"
}

show() {
    say "--- the end of $logs/$1.log"
    tail -n "$TAIL_LINES" "$logs/$1.log"
    say "---"
}

in_dir() {
    (cd "$1" && shift && "$@")
}

# automake keeps what a failing test said in a file of its own.
make_check() {
    (cd "$1" && shift && make -s check "$@")
    status=$?
    [ "$status" -eq 0 ] || cat "$1/test-suite.log"
    return "$status"
}

mkdir -p "$logs" || exit 1
jobs=$(jobs_here)

# shellcheck disable=SC2086  # lists of names
step packages 'installing what is missing' need $packages_build $packages_run $packages_test
step configure 'configuring' configure_in "$top" "$top/build/test" --enable-werror
step build 'building' make -s -C "$top/build/test" "-j$jobs" all

tests check 'unit and scenario tests' count_automake make_check "$top/build/test" "-j$jobs"
# Debian's own python3: it is the one that has Debian's packages.
tests integration 'integration tests' count_pytest in_dir "$top/tests/integration" \
    env "TEEGATE_BUILD=$top/build/test" PYTHONDONTWRITEBYTECODE=1 \
    /usr/bin/python3 -m pytest -q -p no:cacheprovider
tests demo 'demo worker and agents' count_node in_dir "$top/deploy/demo" node --test

step configure-asan 'configuring with sanitizers' configure_in "$top" "$top/build/asan" --enable-asan --enable-werror
step build-asan 'building with sanitizers' make -s -C "$top/build/asan" "-j$jobs" all
ASAN_OPTIONS=detect_leaks=1
UBSAN_OPTIONS=print_stacktrace=1
export ASAN_OPTIONS UBSAN_OPTIONS
tests check-asan 'unit and scenario tests under ASan and UBSan' count_automake \
    make_check "$top/build/asan" "-j$jobs" CK_FORK=no

finish
