TEST_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS) -I$(srcdir)/tests
TEST_LIBS = $(TEEGATE_LIBS) $(CHECK_LIBS)
ATTEST_TEST_LIBS = $(ATTEST_LIBS) $(CHECK_LIBS)

include $(srcdir)/tests/unit/base/local.mk
include $(srcdir)/tests/unit/io/local.mk
include $(srcdir)/tests/unit/http/local.mk
include $(srcdir)/tests/unit/rules/local.mk
include $(srcdir)/tests/unit/callers/local.mk
include $(srcdir)/tests/unit/workers/local.mk
include $(srcdir)/tests/unit/exchange/local.mk
include $(srcdir)/tests/unit/gateway/local.mk
include $(srcdir)/tests/unit/ctl/local.mk
include $(srcdir)/tests/unit/attest-verify/local.mk
include $(srcdir)/tests/scenarios/local.mk
include $(srcdir)/tests/fuzz/local.mk
include $(srcdir)/tests/lint/local.mk
include $(srcdir)/tests/conformance/local.mk
