# whole lives of an exchange, in fake time
scenario_parts = tests/scenarios/hall.c tests/scenarios/hall.h tests/unit/checks.h \
    tests/fakes/fake_loop.c tests/fakes/fake_loop.h \
    tests/fakes/fake_stream.c tests/fakes/fake_stream.h \
    tests/fakes/fake_pools.c tests/fakes/fake_pools.h \
    tests/fakes/fake_meter.c tests/fakes/fake_meter.h \
    tests/fakes/fake_auth.c tests/fakes/fake_auth.h \
    tests/fakes/fake_accounts.c tests/fakes/fake_accounts.h

check_PROGRAMS += tests/scenarios/test_success
tests_scenarios_test_success_SOURCES = tests/scenarios/test_success.c $(scenario_parts)
tests_scenarios_test_success_CPPFLAGS = $(TEST_CPPFLAGS)
tests_scenarios_test_success_LDADD = $(TEST_LIBS)
