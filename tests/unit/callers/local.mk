# unit tests of callers
check_PROGRAMS += tests/unit/callers/test_scripts
tests_unit_callers_test_scripts_SOURCES = tests/unit/callers/test_scripts.c tests/unit/checks.h \
    tests/unit/callers/redis_server.h tests/unit/callers/scripts_caller.h
tests_unit_callers_test_scripts_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_callers_test_scripts_LDADD = $(TEST_LIBS)

check_PROGRAMS += tests/unit/callers/test_trees
tests_unit_callers_test_trees_SOURCES = tests/unit/callers/test_trees.c tests/unit/checks.h \
    tests/unit/callers/redis_server.h tests/unit/callers/scripts_caller.h
tests_unit_callers_test_trees_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_callers_test_trees_LDADD = $(TEST_LIBS)

check_PROGRAMS += tests/unit/callers/test_invocation_token
tests_unit_callers_test_invocation_token_SOURCES = tests/unit/callers/test_invocation_token.c \
    tests/unit/checks.h
tests_unit_callers_test_invocation_token_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_callers_test_invocation_token_LDADD = $(TEST_LIBS)

check_PROGRAMS += tests/unit/callers/test_secrets
tests_unit_callers_test_secrets_SOURCES = tests/unit/callers/test_secrets.c tests/unit/checks.h
tests_unit_callers_test_secrets_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_callers_test_secrets_LDADD = $(TEST_LIBS)

check_PROGRAMS += tests/unit/callers/test_model
tests_unit_callers_test_model_SOURCES = tests/unit/callers/test_model.c tests/unit/checks.h \
    tests/unit/callers/redis_server.h tests/unit/callers/scripts_caller.h
tests_unit_callers_test_model_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_callers_test_model_LDADD = $(TEST_LIBS)

check_PROGRAMS += tests/unit/callers/test_journal
tests_unit_callers_test_journal_SOURCES = tests/unit/callers/test_journal.c tests/unit/checks.h
tests_unit_callers_test_journal_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_callers_test_journal_LDADD = $(TEST_LIBS)

check_PROGRAMS += tests/unit/callers/test_meter
tests_unit_callers_test_meter_SOURCES = tests/unit/callers/test_meter.c \
    tests/unit/callers/meter_lane.h tests/unit/callers/lane.h \
    tests/unit/callers/redis_server.h tests/unit/callers/scripts_caller.h tests/unit/checks.h
tests_unit_callers_test_meter_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_callers_test_meter_LDADD = $(TEST_LIBS)

check_PROGRAMS += tests/unit/callers/test_bad_replies
tests_unit_callers_test_bad_replies_SOURCES = tests/unit/callers/test_bad_replies.c \
    tests/unit/callers/liar.h tests/unit/callers/meter_lane.h tests/unit/callers/lane.h \
    tests/unit/callers/redis_server.h tests/unit/callers/scripts_caller.h tests/unit/checks.h
tests_unit_callers_test_bad_replies_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_callers_test_bad_replies_LDADD = $(TEST_LIBS)

check_PROGRAMS += tests/unit/callers/test_replay
tests_unit_callers_test_replay_SOURCES = tests/unit/callers/test_replay.c \
    tests/unit/callers/meter_lane.h tests/unit/callers/lane.h \
    tests/unit/callers/redis_server.h tests/unit/callers/scripts_caller.h tests/unit/checks.h
tests_unit_callers_test_replay_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_callers_test_replay_LDADD = $(TEST_LIBS)

check_PROGRAMS += tests/unit/callers/test_reply
tests_unit_callers_test_reply_SOURCES = tests/unit/callers/test_reply.c tests/unit/checks.h \
    tests/fakes/fake_stream.c tests/fakes/fake_stream.h
tests_unit_callers_test_reply_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_callers_test_reply_LDADD = $(TEST_LIBS)

check_PROGRAMS += tests/unit/callers/test_session
tests_unit_callers_test_session_SOURCES = tests/unit/callers/test_session.c tests/unit/checks.h \
    tests/fakes/fake_conn.c tests/fakes/fake_conn.h tests/fakes/fake_loop.c tests/fakes/fake_loop.h
tests_unit_callers_test_session_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_callers_test_session_LDADD = $(TEST_LIBS)

check_PROGRAMS += tests/unit/callers/test_accounts
tests_unit_callers_test_accounts_SOURCES = tests/unit/callers/test_accounts.c \
    tests/unit/callers/lane.h tests/unit/callers/redis_server.h tests/unit/callers/scripts_caller.h \
    tests/unit/checks.h
tests_unit_callers_test_accounts_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_callers_test_accounts_LDADD = $(TEST_LIBS)

check_PROGRAMS += tests/unit/callers/test_store
tests_unit_callers_test_store_SOURCES = tests/unit/callers/test_store.c tests/unit/checks.h
tests_unit_callers_test_store_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_callers_test_store_LDADD = $(TEST_LIBS)

check_PROGRAMS += tests/unit/callers/test_crash
tests_unit_callers_test_crash_SOURCES = tests/unit/callers/test_crash.c tests/unit/callers/lane.h \
    tests/unit/callers/redis_server.h tests/unit/callers/scripts_caller.h tests/unit/checks.h
tests_unit_callers_test_crash_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_callers_test_crash_LDADD = $(TEST_LIBS)

check_PROGRAMS += tests/unit/callers/test_exporter
tests_unit_callers_test_exporter_SOURCES = tests/unit/callers/test_exporter.c tests/unit/checks.h \
    tests/unit/callers/redis_server.h tests/unit/callers/scripts_caller.h
tests_unit_callers_test_exporter_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_callers_test_exporter_LDADD = $(TEST_LIBS)
check_PROGRAMS += tests/unit/callers/test_full_disk
tests_unit_callers_test_full_disk_SOURCES = tests/unit/callers/test_full_disk.c tests/unit/callers/lane.h \
    tests/unit/callers/redis_server.h tests/unit/callers/scripts_caller.h tests/unit/checks.h
tests_unit_callers_test_full_disk_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_callers_test_full_disk_LDADD = $(TEST_LIBS)
# over the real verifier: what the one makes the other must take
check_PROGRAMS += tests/unit/callers/test_receipts
tests_unit_callers_test_receipts_SOURCES = tests/unit/callers/test_receipts.c tests/unit/checks.h \
    tests/fakes/fake_loop.c tests/fakes/fake_loop.h
tests_unit_callers_test_receipts_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_callers_test_receipts_LDADD = $(TEST_LIBS)

check_PROGRAMS += tests/unit/callers/test_keyring
tests_unit_callers_test_keyring_SOURCES = tests/unit/callers/test_keyring.c \
    tests/unit/callers/lane.h tests/unit/callers/redis_server.h tests/unit/callers/scripts_caller.h \
    tests/unit/checks.h
tests_unit_callers_test_keyring_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_callers_test_keyring_LDADD = $(TEST_LIBS)

check_PROGRAMS += tests/unit/callers/test_seal
tests_unit_callers_test_seal_SOURCES = tests/unit/callers/test_seal.c tests/unit/checks.h
tests_unit_callers_test_seal_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_callers_test_seal_LDADD = $(TEST_LIBS)
