#!/bin/sh
# Fails when the built verifier keeps anything it can write between calls, or asks for a function that could bring in a clock,
# a socket, a file, a thread, the environment or chance: evidence, documents, policy and time come in as arguments.
set -eu
library=${1:-$builddir/attest-verify/libattestverify.a}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# From libc, these and no others. None of them keeps anything or looks anywhere but at its arguments.
libc='abort|calloc|free|malloc|realloc|mem(chr|cmp|cpy|mem|move|set)|str(chr|cmp|dup|len|ncmp|ndup|nlen|rchr|spn|cspn)|qsort|bsearch'
libc="$libc|v?snprintf|__v?snprintf_chk|__mem(cpy|move|set)_chk|__stack_chk_fail|__assert_fail"
# OpenSSL's objects in memory, cJSON's trees, zlib's inflation; less what of them does look elsewhere.
families='(ASN1|AUTHORITY_KEYID|BASIC_CONSTRAINTS|BIO|BN|ECDSA_SIG|EC|EVP|OBJ|OSSL_PARAM|OPENSSL_sk|PEM_write_bio|X509|X509V3|d2i|i2d)_?[A-Za-z0-9_]*'
families="$families|CRYPTO_(free|malloc|memcmp|memdup)|OPENSSL_cleanse|ERR_(set_mark|pop_to_mark|clear_last_mark)|SHA(256|384|512)"
families="$families|cJSON_[A-Za-z]+|inflate(Init2_|End)?|crc32"
elsewhere='_(fp|file|dir|path|paths|url|socket|connect|accept|fd)$|_(load|store_load|set_default)|^BIO_(s|new)_(file|fp|fd|sock|conn|acpt|dgram)'
elsewhere="$elsewhere|cmp_current_time|cmp_time|time_adj|gmtime|^X509_LOOKUP|^(EVP|X509|BN|EC)_.*(rand|generate|keygen|[^a-z]gen)|^BN_.*rand|_sign(_ctx)?$|Sign(Init|Update|Final|$)"
elsewhere="$elsewhere|^OSSL_(PROVIDER|LIB_CTX|STORE)|^cJSON_(InitHooks|GetErrorPtr|Print)|set_default|^X509_STORE_set_lookup"

# decoder.c keeps a library context of its own, which reads no configuration, and loads "null" into it, the provider without
# algorithms that is part of libcrypto itself: no file is opened for either. Any other name of a provider would be one.
harmless='OSSL_LIB_CTX_(new|free)|OSSL_PROVIDER_unload'
# An RSA public key put together from its two numbers, in memory; no other function of that family is wanted.
harmless="$harmless|RSA_(new|free|set0_key)"
grep -rhoE 'OSSL_PROVIDER_load\([^)]*\)' "$top_srcdir/attest-verify" | grep -vqE ', "null"\)$' || harmless="$harmless|OSSL_PROVIDER_load"

# Sections a process may write after it has started; what the loader writes once is read-only by then.
writable() {
    size -A "$1" | awk '/^[^ ]+ +(\(ex .*)?:$/ { file = $1 }
        $1 ~ /^\.(data|bss|tdata|tbss|sdata|sbss|lbss|ldata)(\.|$)/ && $1 !~ /^\.data\.rel\.ro/ && $2 > 0 {
            print file " keeps " $2 " bytes in " $1 }'
    nm "$1" | awk '$2 == "C" { print "a common symbol: " $3 }'
}

strangers() {
    nm -g "$1" | awk '$1 == "U" || $2 == "U" { print $NF }' | LC_ALL=C sort -u | sed 's/@.*//' |
        grep -vE '^(av|attest)_|^_GLOBAL_OFFSET_TABLE_$' >"$scratch/asked" || true
    grep -vxE "$libc|$families|$harmless" "$scratch/asked" || true
    grep -xE "$families" "$scratch/asked" | grep -E "$elsewhere" || true
}

# A lint that cannot fail shows nothing: it must find each of these.
cat >"$scratch/probe.c" <<'C'
#include <stdlib.h>
#include <time.h>
extern int BIO_new_file(void), X509_cmp_current_time(void), RAND_bytes(void), pthread_create(void), socket(void);
int probe(void);
int probe(void)
{
    static int calls;
    return ++calls + (getenv("x") != NULL) + (int)time(NULL) + BIO_new_file() + X509_cmp_current_time() + RAND_bytes() +
           pthread_create() + socket();
}
C
${CC:-cc} -w -O1 -c "$scratch/probe.c" -o "$scratch/probe.o"
[ "$(writable "$scratch/probe.o" | wc -l)" -eq 1 ] || { echo "the lint does not see a static variable"; exit 1; }
[ "$(strangers "$scratch/probe.o" | wc -l)" -eq 7 ] || { echo "the lint does not see foreign functions"; exit 1; }

if nm "$library" | grep -qE ' (__asan_|__tsan_|__gcov_|__sanitizer_|__ubsan_)'; then
    echo "LEFT OUT: this build's instruments keep state of their own in the library"
    exit 0
fi
kept=$(writable "$library") asked=$(strangers "$library")
[ -z "$kept" ] || printf 'the verifier keeps no state:\n%s\n' "$kept"
[ -z "$asked" ] || printf 'the verifier may not call, unless tests/lint/pure.sh says why it is harmless:\n%s\n' "$asked"
[ -z "$kept$asked" ]
