dist_check_SCRIPTS += tests/lint/layers.sh tests/lint/tables.sh tests/lint/banned.sh tests/lint/format.sh tests/lint/sizes.sh tests/lint/install.sh tests/lint/pure.sh tests/lint/flaws.sh
noinst_PROGRAMS += tests/lint/print_tables
tests_lint_print_tables_SOURCES = tests/lint/print_tables.c
tests_lint_print_tables_CPPFLAGS = $(TEST_CPPFLAGS)
tests_lint_print_tables_LDADD = $(TEST_LIBS)
