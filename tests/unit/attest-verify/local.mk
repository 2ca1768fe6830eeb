# unit tests of attest-verify
check_PROGRAMS += tests/unit/attest-verify/test_simulate
tests_unit_attest_verify_test_simulate_SOURCES = tests/unit/attest-verify/test_simulate.c \
    tests/unit/checks.h $(SIMULATE_SOURCES)
tests_unit_attest_verify_test_simulate_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_attest_verify_test_simulate_LDADD = $(ATTEST_TEST_LIBS)
