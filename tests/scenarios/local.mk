# whole lives of an exchange, in fake time; the fakes are found before what they stand for
check_LIBRARIES = tests/scenarios/libhall.a
tests_scenarios_libhall_a_CPPFLAGS = $(TEST_CPPFLAGS)
tests_scenarios_libhall_a_SOURCES = tests/scenarios/hall.c tests/scenarios/hall.h \
    tests/fakes/fake_loop.c tests/fakes/fake_loop.h \
    tests/fakes/fake_stream.c tests/fakes/fake_stream.h \
    tests/fakes/fake_pools.c tests/fakes/fake_pools.h \
    tests/fakes/fake_meter.c tests/fakes/fake_meter.h \
    tests/fakes/fake_auth.c tests/fakes/fake_auth.h \
    tests/fakes/fake_accounts.c tests/fakes/fake_accounts.h \
    tests/fakes/fake_keyring.c \
    tests/fakes/fake_signer.c tests/fakes/fake_signer.h
SCENARIO_LIBS = tests/scenarios/libhall.a $(TEST_LIBS)

check_PROGRAMS += tests/scenarios/test_success
tests_scenarios_test_success_SOURCES = tests/scenarios/test_success.c tests/unit/checks.h
tests_scenarios_test_success_CPPFLAGS = $(TEST_CPPFLAGS)
tests_scenarios_test_success_LDADD = $(SCENARIO_LIBS)

check_PROGRAMS += tests/scenarios/test_leaving
tests_scenarios_test_leaving_SOURCES = tests/scenarios/test_leaving.c tests/unit/checks.h
tests_scenarios_test_leaving_CPPFLAGS = $(TEST_CPPFLAGS)
tests_scenarios_test_leaving_LDADD = $(SCENARIO_LIBS)

check_PROGRAMS += tests/scenarios/test_workers
tests_scenarios_test_workers_SOURCES = tests/scenarios/test_workers.c tests/unit/checks.h
tests_scenarios_test_workers_CPPFLAGS = $(TEST_CPPFLAGS)
tests_scenarios_test_workers_LDADD = $(SCENARIO_LIBS)

check_PROGRAMS += tests/scenarios/test_redis
tests_scenarios_test_redis_SOURCES = tests/scenarios/test_redis.c tests/unit/checks.h
tests_scenarios_test_redis_CPPFLAGS = $(TEST_CPPFLAGS)
tests_scenarios_test_redis_LDADD = $(SCENARIO_LIBS)

check_PROGRAMS += tests/scenarios/test_receipts
tests_scenarios_test_receipts_SOURCES = tests/scenarios/test_receipts.c tests/unit/checks.h
tests_scenarios_test_receipts_CPPFLAGS = $(TEST_CPPFLAGS)
tests_scenarios_test_receipts_LDADD = $(SCENARIO_LIBS)

check_PROGRAMS += tests/scenarios/test_bodies
tests_scenarios_test_bodies_SOURCES = tests/scenarios/test_bodies.c tests/unit/checks.h
tests_scenarios_test_bodies_CPPFLAGS = $(TEST_CPPFLAGS)
tests_scenarios_test_bodies_LDADD = $(SCENARIO_LIBS)

check_PROGRAMS += tests/scenarios/test_limits
tests_scenarios_test_limits_SOURCES = tests/scenarios/test_limits.c tests/unit/checks.h
tests_scenarios_test_limits_CPPFLAGS = $(TEST_CPPFLAGS)
tests_scenarios_test_limits_LDADD = $(SCENARIO_LIBS)

check_PROGRAMS += tests/scenarios/test_refusals
tests_scenarios_test_refusals_SOURCES = tests/scenarios/test_refusals.c tests/unit/checks.h
tests_scenarios_test_refusals_CPPFLAGS = $(TEST_CPPFLAGS)
tests_scenarios_test_refusals_LDADD = $(SCENARIO_LIBS)

# over real HTTP: of the fakes only the network's, Redis' and who asks
check_PROGRAMS += tests/scenarios/test_wire
tests_scenarios_test_wire_SOURCES = tests/scenarios/test_wire.c \
    tests/unit/http/ends.c tests/unit/http/ends.h \
    tests/fakes/fake_conn.c tests/fakes/fake_conn.h tests/fakes/fake_loop.c tests/fakes/fake_loop.h \
    tests/fakes/fake_meter.c tests/fakes/fake_meter.h \
    tests/fakes/fake_auth.c tests/fakes/fake_auth.h \
    tests/fakes/fake_keyring.c \
    tests/fakes/fake_accounts.c tests/fakes/fake_accounts.h tests/unit/checks.h
tests_scenarios_test_wire_CPPFLAGS = $(TEST_CPPFLAGS)
tests_scenarios_test_wire_LDADD = $(TEST_LIBS)

check_PROGRAMS += tests/scenarios/test_storm
tests_scenarios_test_storm_SOURCES = tests/scenarios/test_storm.c tests/unit/checks.h
tests_scenarios_test_storm_CPPFLAGS = $(TEST_CPPFLAGS)
tests_scenarios_test_storm_LDADD = $(SCENARIO_LIBS)

check_PROGRAMS += tests/scenarios/test_subcalls
tests_scenarios_test_subcalls_SOURCES = tests/scenarios/test_subcalls.c tests/unit/checks.h
tests_scenarios_test_subcalls_CPPFLAGS = $(TEST_CPPFLAGS)
tests_scenarios_test_subcalls_LDADD = $(SCENARIO_LIBS)
