# unit tests of gateway
check_PROGRAMS += tests/unit/gateway/test_config
tests_unit_gateway_test_config_SOURCES = tests/unit/gateway/test_config.c tests/unit/checks.h
tests_unit_gateway_test_config_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_gateway_test_config_LDADD = $(TEST_LIBS)
