# unit tests of io
check_PROGRAMS += tests/unit/io/test_loop
tests_unit_io_test_loop_SOURCES = tests/unit/io/test_loop.c tests/unit/checks.h
tests_unit_io_test_loop_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_io_test_loop_LDADD = $(TEST_LIBS)
