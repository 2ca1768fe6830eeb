# unit tests of io
check_PROGRAMS += tests/unit/io/test_loop
tests_unit_io_test_loop_SOURCES = tests/unit/io/test_loop.c tests/unit/checks.h
tests_unit_io_test_loop_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_io_test_loop_LDADD = $(TEST_LIBS)

check_PROGRAMS += tests/unit/io/test_mailbox
tests_unit_io_test_mailbox_SOURCES = tests/unit/io/test_mailbox.c tests/unit/checks.h
tests_unit_io_test_mailbox_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_io_test_mailbox_LDADD = $(TEST_LIBS)

check_PROGRAMS += tests/unit/io/test_socket
tests_unit_io_test_socket_SOURCES = tests/unit/io/test_socket.c tests/unit/checks.h
tests_unit_io_test_socket_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_io_test_socket_LDADD = $(TEST_LIBS)
