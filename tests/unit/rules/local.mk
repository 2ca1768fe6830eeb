# unit tests of rules
check_PROGRAMS += tests/unit/rules/test_cid tests/unit/rules/test_target \
    tests/unit/rules/test_price tests/unit/rules/test_choosing
tests_unit_rules_test_cid_SOURCES = tests/unit/rules/test_cid.c tests/unit/checks.h
tests_unit_rules_test_cid_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_rules_test_cid_LDADD = $(TEST_LIBS)
tests_unit_rules_test_target_SOURCES = tests/unit/rules/test_target.c tests/unit/checks.h
tests_unit_rules_test_target_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_rules_test_target_LDADD = $(TEST_LIBS)
tests_unit_rules_test_price_SOURCES = tests/unit/rules/test_price.c tests/unit/checks.h
tests_unit_rules_test_price_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_rules_test_price_LDADD = $(TEST_LIBS)
tests_unit_rules_test_choosing_SOURCES = tests/unit/rules/test_choosing.c tests/unit/checks.h
tests_unit_rules_test_choosing_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_rules_test_choosing_LDADD = $(TEST_LIBS)
