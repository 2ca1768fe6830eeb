# unit tests of workers
check_PROGRAMS += tests/unit/workers/test_registry
tests_unit_workers_test_registry_SOURCES = tests/unit/workers/test_registry.c tests/unit/checks.h \
    tests/fakes/fake_attest.c tests/fakes/fake_attest.h
tests_unit_workers_test_registry_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_workers_test_registry_LDADD = $(TEST_LIBS)

check_PROGRAMS += tests/unit/workers/test_trust
tests_unit_workers_test_trust_SOURCES = tests/unit/workers/test_trust.c tests/unit/checks.h \
    tests/fakes/fake_attest.c tests/fakes/fake_attest.h
tests_unit_workers_test_trust_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_workers_test_trust_LDADD = $(TEST_LIBS)
