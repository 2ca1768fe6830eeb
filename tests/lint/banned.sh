#!/bin/sh
# Fails when a function that is not used here appears: unbounded, global or blocking ones.
set -eu
cd "${top_srcdir:-.}"
words='strcpy|strcat|sprintf|vsprintf|strtok|atoi|atol|gets|alloca|system|rand|srand|sleep|usleep'
bad=0
if grep -rnE --include='*.[ch]' "(^|[^a-z_A-Z0-9])($words)\(" src attest-verify; then
    echo "banned function above"; bad=1
fi
if grep -rnE --include='*.[ch]' '(^|[^a-z_A-Z0-9])(secure_)?getenv\(' src attest-verify; then
    echo "the environment is not read"; bad=1
fi
if grep -rnE --include='*.[ch]' '(^|[^a-z_A-Z0-9])(time|clock_gettime|gettimeofday|socket|connect|pthread_[a-z_]+)\(' attest-verify |
    grep -vE '^attest-verify/(fetch/[a-z_]*|program/[a-z_]*|simulate/[a-z_]*)\.c:'; then
    echo "the verifier has no clock, socket or thread"; bad=1
fi
exit $bad
