# The verifier: a library and a program; knows nothing of src/.
lib_LIBRARIES = attest-verify/libattestverify.a
attest_verify_libattestverify_a_SOURCES =
attestincludedir = $(includedir)/attest-verify
attestinclude_HEADERS = attest-verify/attest_verify.h attest-verify/attest_receipt.h attest-verify/verdicts.def attest-verify/checks.def
pkgconfig_DATA = attest-verify/attest-verify.pc
dist_doc_DATA = docs/policy.schema.json conf/policy.example.json
dist_man_MANS = docs/man/attest-verify.1 docs/man/libattestverify.3
EXTRA_DIST += docs/examples/verify_cert.c attest-verify/LAYERS

ATTEST_LIBS = attest-verify/libattestverify.a $(OPENSSL_LIBS) $(CJSON_LIBS) $(ZLIB_LIBS)

include $(srcdir)/attest-verify/simulate.mk
include $(srcdir)/attest-verify/verify.mk
include $(srcdir)/attest-verify/fetch/local.mk
