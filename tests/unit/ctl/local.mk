# unit tests of ctl
check_PROGRAMS += tests/unit/ctl/test_amount
tests_unit_ctl_test_amount_SOURCES = tests/unit/ctl/test_amount.c tests/unit/checks.h
tests_unit_ctl_test_amount_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_ctl_test_amount_LDADD = $(TEST_LIBS)

check_PROGRAMS += tests/unit/ctl/test_answer
tests_unit_ctl_test_answer_SOURCES = tests/unit/ctl/test_answer.c tests/unit/checks.h
tests_unit_ctl_test_answer_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_ctl_test_answer_LDADD = $(TEST_LIBS)

check_PROGRAMS += tests/unit/ctl/test_args
tests_unit_ctl_test_args_SOURCES = tests/unit/ctl/test_args.c tests/unit/checks.h
tests_unit_ctl_test_args_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_ctl_test_args_LDADD = $(TEST_LIBS)

check_PROGRAMS += tests/unit/ctl/test_show
tests_unit_ctl_test_show_SOURCES = tests/unit/ctl/test_show.c tests/unit/checks.h
tests_unit_ctl_test_show_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_ctl_test_show_LDADD = $(TEST_LIBS)

check_PROGRAMS += tests/unit/ctl/test_commands
tests_unit_ctl_test_commands_SOURCES = tests/unit/ctl/test_commands.c tests/unit/checks.h
tests_unit_ctl_test_commands_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_ctl_test_commands_LDADD = $(TEST_LIBS)

check_PROGRAMS += tests/unit/ctl/test_client
tests_unit_ctl_test_client_SOURCES = tests/unit/ctl/test_client.c tests/unit/checks.h
tests_unit_ctl_test_client_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_ctl_test_client_LDADD = $(TEST_LIBS)

check_PROGRAMS += tests/unit/ctl/test_ledger_book
tests_unit_ctl_test_ledger_book_SOURCES = tests/unit/ctl/test_ledger_book.c tests/unit/checks.h
tests_unit_ctl_test_ledger_book_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_ctl_test_ledger_book_LDADD = $(TEST_LIBS)
