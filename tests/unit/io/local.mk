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

check_PROGRAMS += tests/unit/io/test_conn
tests_unit_io_test_conn_SOURCES = tests/unit/io/test_conn.c tests/unit/io/peers.h tests/unit/checks.h
tests_unit_io_test_conn_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_io_test_conn_LDADD = $(TEST_LIBS)

check_PROGRAMS += tests/unit/io/test_tls
tests_unit_io_test_tls_SOURCES = tests/unit/io/test_tls.c tests/unit/io/peers.h tests/unit/checks.h
tests_unit_io_test_tls_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_io_test_tls_LDADD = $(TEST_LIBS)

check_PROGRAMS += tests/unit/io/test_redis
tests_unit_io_test_redis_SOURCES = tests/unit/io/test_redis.c tests/unit/io/redis_hall.h \
    tests/unit/io/peers.h tests/unit/checks.h
tests_unit_io_test_redis_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_io_test_redis_LDADD = $(TEST_LIBS)

check_PROGRAMS += tests/unit/io/test_fleet
tests_unit_io_test_fleet_SOURCES = tests/unit/io/test_fleet.c tests/unit/io/redis_hall.h \
    tests/unit/io/peers.h tests/unit/checks.h
tests_unit_io_test_fleet_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_io_test_fleet_LDADD = $(TEST_LIBS)
