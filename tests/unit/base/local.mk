# unit tests of base
check_PROGRAMS += tests/unit/base/test_span
tests_unit_base_test_span_SOURCES = tests/unit/base/test_span.c tests/unit/checks.h
tests_unit_base_test_span_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_base_test_span_LDADD = $(TEST_LIBS)

check_PROGRAMS += tests/unit/base/test_list
tests_unit_base_test_list_SOURCES = tests/unit/base/test_list.c tests/unit/checks.h
tests_unit_base_test_list_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_base_test_list_LDADD = $(TEST_LIBS)

check_PROGRAMS += tests/unit/base/test_arena
tests_unit_base_test_arena_SOURCES = tests/unit/base/test_arena.c tests/unit/checks.h
tests_unit_base_test_arena_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_base_test_arena_LDADD = $(TEST_LIBS)

check_PROGRAMS += tests/unit/base/test_buf
tests_unit_base_test_buf_SOURCES = tests/unit/base/test_buf.c tests/unit/checks.h
tests_unit_base_test_buf_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_base_test_buf_LDADD = $(TEST_LIBS)

check_PROGRAMS += tests/unit/base/test_slots
tests_unit_base_test_slots_SOURCES = tests/unit/base/test_slots.c tests/unit/checks.h
tests_unit_base_test_slots_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_base_test_slots_LDADD = $(TEST_LIBS)

check_PROGRAMS += tests/unit/base/test_map
tests_unit_base_test_map_SOURCES = tests/unit/base/test_map.c tests/unit/checks.h
tests_unit_base_test_map_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_base_test_map_LDADD = $(TEST_LIBS)

check_PROGRAMS += tests/unit/base/test_json
tests_unit_base_test_json_SOURCES = tests/unit/base/test_json.c tests/unit/checks.h
tests_unit_base_test_json_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_base_test_json_LDADD = $(TEST_LIBS)

check_PROGRAMS += tests/unit/base/test_fault
tests_unit_base_test_fault_SOURCES = tests/unit/base/test_fault.c tests/unit/checks.h
tests_unit_base_test_fault_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_base_test_fault_LDADD = $(TEST_LIBS)

check_PROGRAMS += tests/unit/base/test_log
tests_unit_base_test_log_SOURCES = tests/unit/base/test_log.c tests/unit/checks.h
tests_unit_base_test_log_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_base_test_log_LDADD = $(TEST_LIBS)

check_PROGRAMS += tests/unit/base/test_stats
tests_unit_base_test_stats_SOURCES = tests/unit/base/test_stats.c tests/unit/checks.h
tests_unit_base_test_stats_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_base_test_stats_LDADD = $(TEST_LIBS)
