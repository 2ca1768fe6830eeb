# unit tests of gateway
check_PROGRAMS += tests/unit/gateway/test_config
tests_unit_gateway_test_config_SOURCES = tests/unit/gateway/test_config.c tests/unit/checks.h
tests_unit_gateway_test_config_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_gateway_test_config_LDADD = $(TEST_LIBS)

check_PROGRAMS += tests/unit/gateway/test_snapshot
tests_unit_gateway_test_snapshot_SOURCES = tests/unit/gateway/test_snapshot.c tests/unit/checks.h
tests_unit_gateway_test_snapshot_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_gateway_test_snapshot_LDADD = $(TEST_LIBS)

check_PROGRAMS += tests/unit/gateway/test_admin
tests_unit_gateway_test_admin_SOURCES = tests/unit/gateway/test_admin.c tests/unit/checks.h \
    tests/unit/gateway/fake_accounts.c tests/unit/gateway/fake_accounts.h \
    tests/fakes/fake_views.c tests/fakes/fake_views.h
tests_unit_gateway_test_admin_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_gateway_test_admin_LDADD = $(TEST_LIBS)
