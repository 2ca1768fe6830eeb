# unit tests of workers
WORKERS_TEST_PARTS = tests/unit/checks.h tests/unit/workers/parts.c tests/unit/workers/parts.h \
    tests/fakes/fake_attest.c tests/fakes/fake_attest.h

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
