# The verifier: a library and a program; knows nothing of src/.
noinst_LIBRARIES += attest-verify/libattestverify.a
attest_verify_libattestverify_a_SOURCES = attest-verify/attest_verify.h

ATTEST_LIBS = attest-verify/libattestverify.a $(OPENSSL_LIBS) $(CJSON_LIBS) $(ZLIB_LIBS)

include $(srcdir)/attest-verify/simulate.mk
include $(srcdir)/attest-verify/verify.mk
include $(srcdir)/attest-verify/fetch/local.mk
