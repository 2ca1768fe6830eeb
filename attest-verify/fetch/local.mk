# Fetching collateral: a library of its own, so that the verifier has no socket.
noinst_LIBRARIES += attest-verify/fetch/libattestfetch.a
attest_verify_fetch_libattestfetch_a_SOURCES = \
    attest-verify/fetch/fetch.c attest-verify/fetch/fetch.h \
    attest-verify/fetch/endpoint.c attest-verify/fetch/endpoint.h \
    attest-verify/fetch/transfer.c attest-verify/fetch/transfer.h \
    attest-verify/fetch/kds.c attest-verify/fetch/kds.h \
    attest-verify/fetch/answer.c attest-verify/fetch/answer.h \
    attest-verify/fetch/store.c attest-verify/fetch/store.h

FETCH_LIBS = attest-verify/fetch/libattestfetch.a $(ATTEST_LIBS) $(CURL_LIBS)
