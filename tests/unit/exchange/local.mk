# unit tests of exchange
check_PROGRAMS += tests/unit/exchange/test_heads
tests_unit_exchange_test_heads_SOURCES = tests/unit/exchange/test_heads.c tests/unit/checks.h
tests_unit_exchange_test_heads_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_exchange_test_heads_LDADD = $(TEST_LIBS)

check_PROGRAMS += tests/unit/exchange/test_record
tests_unit_exchange_test_record_SOURCES = tests/unit/exchange/test_record.c tests/unit/checks.h
tests_unit_exchange_test_record_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_exchange_test_record_LDADD = $(TEST_LIBS)

check_PROGRAMS += tests/unit/exchange/test_bill
tests_unit_exchange_test_bill_SOURCES = tests/unit/exchange/test_bill.c tests/unit/checks.h \
    tests/fakes/fake_meter.c tests/fakes/fake_meter.h tests/fakes/fake_loop.c \
    tests/fakes/fake_loop.h tests/fakes/fake_stream.c tests/fakes/fake_stream.h
tests_unit_exchange_test_bill_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_exchange_test_bill_LDADD = $(TEST_LIBS)

check_PROGRAMS += tests/unit/exchange/test_claim
tests_unit_exchange_test_claim_SOURCES = tests/unit/exchange/test_claim.c tests/unit/checks.h
tests_unit_exchange_test_claim_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_exchange_test_claim_LDADD = $(TEST_LIBS)

check_PROGRAMS += tests/unit/exchange/test_kept
tests_unit_exchange_test_kept_SOURCES = tests/unit/exchange/test_kept.c tests/unit/checks.h
tests_unit_exchange_test_kept_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_exchange_test_kept_LDADD = $(TEST_LIBS)
