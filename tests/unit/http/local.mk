# unit tests of http, over conns and a loop without network
http_test_fakes = tests/unit/http/ends.c tests/unit/http/ends.h tests/unit/checks.h \
    tests/fakes/fake_conn.c tests/fakes/fake_conn.h tests/fakes/fake_loop.c tests/fakes/fake_loop.h

check_PROGRAMS += tests/unit/http/test_h2
tests_unit_http_test_h2_SOURCES = tests/unit/http/test_h2.c $(http_test_fakes)
tests_unit_http_test_h2_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_http_test_h2_LDADD = $(TEST_LIBS)

check_PROGRAMS += tests/unit/http/test_h1_serve
tests_unit_http_test_h1_serve_SOURCES = tests/unit/http/test_h1_serve.c $(http_test_fakes)
tests_unit_http_test_h1_serve_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_http_test_h1_serve_LDADD = $(TEST_LIBS)

check_PROGRAMS += tests/unit/http/test_h1_ask
tests_unit_http_test_h1_ask_SOURCES = tests/unit/http/test_h1_ask.c $(http_test_fakes)
tests_unit_http_test_h1_ask_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_http_test_h1_ask_LDADD = $(TEST_LIBS)

check_PROGRAMS += tests/unit/http/test_h2_hostile
tests_unit_http_test_h2_hostile_SOURCES = tests/unit/http/test_h2_hostile.c $(http_test_fakes)
tests_unit_http_test_h2_hostile_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_http_test_h2_hostile_LDADD = $(TEST_LIBS)

check_PROGRAMS += tests/unit/http/test_field
tests_unit_http_test_field_SOURCES = tests/unit/http/test_field.c tests/unit/checks.h
tests_unit_http_test_field_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_http_test_field_LDADD = $(TEST_LIBS)

check_PROGRAMS += tests/unit/http/test_h2_guard
tests_unit_http_test_h2_guard_SOURCES = tests/unit/http/test_h2_guard.c
tests_unit_http_test_h2_guard_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_http_test_h2_guard_LDADD = $(TEST_LIBS)
