# unit tests of attest-verify
check_PROGRAMS += tests/unit/attest-verify/test_simulate
tests_unit_attest_verify_test_simulate_SOURCES = tests/unit/attest-verify/test_simulate.c \
    tests/unit/attest-verify/simulate_checks.h tests/unit/checks.h $(SIMULATE_SOURCES)
tests_unit_attest_verify_test_simulate_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_attest_verify_test_simulate_LDADD = $(ATTEST_TEST_LIBS)

check_PROGRAMS += tests/unit/attest-verify/test_simulate_evidence
tests_unit_attest_verify_test_simulate_evidence_SOURCES = \
    tests/unit/attest-verify/test_simulate_evidence.c \
    tests/unit/attest-verify/simulate_checks.h tests/unit/checks.h $(SIMULATE_SOURCES)
tests_unit_attest_verify_test_simulate_evidence_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_attest_verify_test_simulate_evidence_LDADD = $(ATTEST_TEST_LIBS)

check_PROGRAMS += tests/unit/attest-verify/test_simulate_command
tests_unit_attest_verify_test_simulate_command_SOURCES = \
    tests/unit/attest-verify/test_simulate_command.c \
    tests/unit/attest-verify/simulate_checks.h tests/unit/checks.h $(SIMULATE_SOURCES)
tests_unit_attest_verify_test_simulate_command_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_attest_verify_test_simulate_command_LDADD = $(ATTEST_TEST_LIBS)
