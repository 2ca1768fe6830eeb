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
include $(srcdir)/tests/bench/local.mk
include $(srcdir)/tests/chaos/local.mk

EXTRA_DIST += tests/coverage.sh
EXTRA_DIST += tests/integration/challenge.py
EXTRA_DIST += tests/integration/collateral_server.py
EXTRA_DIST += tests/integration/conftest.py
EXTRA_DIST += tests/integration/gateway.py
EXTRA_DIST += tests/integration/h2client.py
EXTRA_DIST += tests/integration/hostile_h1.py
EXTRA_DIST += tests/integration/hostile_h2.py
EXTRA_DIST += tests/integration/kds_server.py
EXTRA_DIST += tests/integration/redis_servers.py
EXTRA_DIST += tests/integration/test_abuse.py
EXTRA_DIST += tests/integration/test_challenge.py
EXTRA_DIST += tests/integration/test_chaos.py
EXTRA_DIST += tests/integration/test_clients.py
EXTRA_DIST += tests/integration/test_collateral.py
EXTRA_DIST += tests/integration/test_config.py
EXTRA_DIST += tests/integration/test_demo.py
EXTRA_DIST += tests/integration/test_errors.py
EXTRA_DIST += tests/integration/test_fetch.py
EXTRA_DIST += tests/integration/test_fetch_amd.py
EXTRA_DIST += tests/integration/test_floods.py
EXTRA_DIST += tests/integration/test_hostile.py
EXTRA_DIST += tests/integration/test_idempotency.py
EXTRA_DIST += tests/integration/test_ledger.py
EXTRA_DIST += tests/integration/test_limits.py
EXTRA_DIST += tests/integration/test_money.py
EXTRA_DIST += tests/integration/test_operate.py
EXTRA_DIST += tests/integration/test_receipts.py
EXTRA_DIST += tests/integration/test_redis.py
EXTRA_DIST += tests/integration/test_retry.py
EXTRA_DIST += tests/integration/test_snp_worker.py
EXTRA_DIST += tests/integration/test_streaming.py
EXTRA_DIST += tests/integration/test_subcalls.py
EXTRA_DIST += tests/integration/test_translation.py
EXTRA_DIST += tests/integration/test_trust.py
EXTRA_DIST += tests/integration/worker.py

# Real processes and real clients; Debian's python3, which has python3-pytest, python3-h2, python3-httpx.
.PHONY: check-integration fuzz coverage
check-integration: all
	TEEGATE_BUILD='$(abs_builddir)' /usr/bin/python3 -m pytest -q '$(srcdir)/tests/integration'

# make fuzz FUZZ=h2 SECONDS=60, in a build made with --enable-fuzz
FUZZ = h2
SECONDS = 60
fuzz: tests/fuzz/fuzz_$(FUZZ)
	mkdir -p fuzz.found/$(FUZZ)
	tests/fuzz/fuzz_$(FUZZ) -max_total_time=$(SECONDS) -artifact_prefix=fuzz.found/$(FUZZ)/ fuzz.found/$(FUZZ) \
	    '$(srcdir)/tests/fuzz/corpus/$(FUZZ)'

# Lines and branches of attest-verify/ that its own tests take, in a build of its own.
coverage:
	'$(srcdir)/tests/coverage.sh' '$(abs_builddir)/coverage'
