# unit tests of workers
WORKERS_TEST_PARTS = tests/unit/checks.h tests/unit/workers/parts.c tests/unit/workers/parts.h \
    tests/fakes/fake_attest.c tests/fakes/fake_attest.h \
    tests/fakes/fake_fetch.c tests/fakes/fake_fetch.h

check_PROGRAMS += tests/unit/workers/test_registry
tests_unit_workers_test_registry_SOURCES = tests/unit/workers/test_registry.c $(WORKERS_TEST_PARTS)
tests_unit_workers_test_registry_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_workers_test_registry_LDADD = $(TEST_LIBS)

check_PROGRAMS += tests/unit/workers/test_trust
tests_unit_workers_test_trust_SOURCES = tests/unit/workers/test_trust.c $(WORKERS_TEST_PARTS)
tests_unit_workers_test_trust_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_workers_test_trust_LDADD = $(TEST_LIBS)

check_PROGRAMS += tests/unit/workers/test_verdicts
tests_unit_workers_test_verdicts_SOURCES = tests/unit/workers/test_verdicts.c $(WORKERS_TEST_PARTS)
tests_unit_workers_test_verdicts_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_workers_test_verdicts_LDADD = $(TEST_LIBS)

check_PROGRAMS += tests/unit/workers/test_attester
tests_unit_workers_test_attester_SOURCES = tests/unit/workers/test_attester.c $(WORKERS_TEST_PARTS)
tests_unit_workers_test_attester_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_workers_test_attester_LDADD = $(TEST_LIBS)

check_PROGRAMS += tests/unit/workers/test_supply
tests_unit_workers_test_supply_SOURCES = tests/unit/workers/test_supply.c \
    $(WORKERS_TEST_PARTS)
tests_unit_workers_test_supply_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_workers_test_supply_LDADD = $(TEST_LIBS)

check_PROGRAMS += tests/unit/workers/test_dossiers
tests_unit_workers_test_dossiers_SOURCES = tests/unit/workers/test_dossiers.c $(WORKERS_TEST_PARTS)
tests_unit_workers_test_dossiers_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_workers_test_dossiers_LDADD = $(TEST_LIBS)

check_PROGRAMS += tests/unit/workers/test_attester_fetch
tests_unit_workers_test_attester_fetch_SOURCES = tests/unit/workers/test_attester_fetch.c \
    $(WORKERS_TEST_PARTS)
tests_unit_workers_test_attester_fetch_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_workers_test_attester_fetch_LDADD = $(TEST_LIBS)

WORKERS_TEST_LANES = $(WORKERS_TEST_PARTS) \
    tests/unit/workers/lanes.c tests/unit/workers/lanes.h \
    tests/fakes/fake_attester.c tests/fakes/fake_attester.h \
    tests/fakes/fake_conn.c tests/fakes/fake_conn.h \
    tests/fakes/fake_http.c tests/fakes/fake_http.h \
    tests/fakes/fake_loop.c tests/fakes/fake_loop.h \
    tests/fakes/fake_mailbox.c tests/fakes/fake_mailbox.h

check_PROGRAMS += tests/unit/workers/test_link
tests_unit_workers_test_link_SOURCES = tests/unit/workers/test_link.c $(WORKERS_TEST_LANES)
tests_unit_workers_test_link_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_workers_test_link_LDADD = $(TEST_LIBS)

check_PROGRAMS += tests/unit/workers/test_challenge
tests_unit_workers_test_challenge_SOURCES = tests/unit/workers/test_challenge.c \
    $(WORKERS_TEST_LANES)
tests_unit_workers_test_challenge_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_workers_test_challenge_LDADD = $(TEST_LIBS)

check_PROGRAMS += tests/unit/workers/test_pools
tests_unit_workers_test_pools_SOURCES = tests/unit/workers/test_pools.c $(WORKERS_TEST_LANES)
tests_unit_workers_test_pools_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_workers_test_pools_LDADD = $(TEST_LIBS)

check_PROGRAMS += tests/unit/workers/test_pools_change
tests_unit_workers_test_pools_change_SOURCES = tests/unit/workers/test_pools_change.c \
    $(WORKERS_TEST_LANES)
tests_unit_workers_test_pools_change_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_workers_test_pools_change_LDADD = $(TEST_LIBS)

# All parts real, against a worker with a simulated TEE.
check_PROGRAMS += tests/unit/workers/test_real
tests_unit_workers_test_real_SOURCES = tests/unit/workers/test_real.c tests/unit/checks.h \
    tests/unit/workers/real_worker.c tests/unit/workers/real_worker.h $(SIMULATE_SOURCES)
tests_unit_workers_test_real_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_workers_test_real_LDADD = $(TEST_LIBS)
