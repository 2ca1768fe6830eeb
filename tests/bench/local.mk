# make bench: what things cost, printed; nothing fails for being slow
EXTRA_PROGRAMS += tests/bench/bench_verify
tests_bench_bench_verify_SOURCES = tests/bench/bench_verify.c \
    $(attest_conformance_files) $(SIMULATE_SOURCES)
tests_bench_bench_verify_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/tests
tests_bench_bench_verify_LDADD = $(ATTEST_LIBS)
CLEANFILES += tests/bench/bench_verify$(EXEEXT)

EXTRA_PROGRAMS += tests/bench/bench_receipts
tests_bench_bench_receipts_SOURCES = tests/bench/bench_receipts.c
tests_bench_bench_receipts_LDADD = $(TEEGATE_LIBS)
CLEANFILES += tests/bench/bench_receipts$(EXEEXT)

EXTRA_PROGRAMS += tests/bench/bench_meter
tests_bench_bench_meter_SOURCES = tests/bench/bench_meter.c tests/unit/callers/redis_server.h
tests_bench_bench_meter_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/tests
tests_bench_bench_meter_LDADD = $(TEEGATE_LIBS)
CLEANFILES += tests/bench/bench_meter$(EXEEXT)

.PHONY: bench bench-receipts bench-meter
bench-meter: tests/bench/bench_meter$(EXEEXT)
	tests/bench/bench_meter$(EXEEXT)
bench-receipts: tests/bench/bench_receipts$(EXEEXT)
	tests/bench/bench_receipts$(EXEEXT)
bench: tests/bench/bench_verify$(EXEEXT) bench-receipts bench-meter
	top_srcdir='$(abs_top_srcdir)' tests/bench/bench_verify$(EXEEXT)
