# fuzz targets; without --enable-fuzz they replay their corpus

# HTTP: the codecs over fakes of conn and loop
http_fuzz_sources = tests/fuzz/http_fuzz.c tests/fuzz/http_fuzz.h \
    tests/fakes/fake_conn.c tests/fakes/fake_conn.h tests/fakes/fake_loop.c tests/fakes/fake_loop.h
if FUZZ
http_fuzz_main =
http_fuzz_ldflags = $(AM_LDFLAGS) -fsanitize=fuzzer
else
http_fuzz_main = tests/fuzz/http_replay.c
http_fuzz_ldflags = $(AM_LDFLAGS)
endif
http_fuzz_corpus = $(abs_top_srcdir)/tests/fuzz/corpus
EXTRA_DIST += tests/fuzz/corpus/README.http tests/fuzz/corpus/h1_request tests/fuzz/corpus/h1_response tests/fuzz/corpus/h2

if FUZZ
noinst_PROGRAMS += tests/fuzz/fuzz_h1_request tests/fuzz/fuzz_h1_response tests/fuzz/fuzz_h2
else
check_PROGRAMS += tests/fuzz/fuzz_h1_request tests/fuzz/fuzz_h1_response tests/fuzz/fuzz_h2
endif
tests_fuzz_fuzz_h1_request_SOURCES = tests/fuzz/fuzz_h1_request.c $(http_fuzz_sources) $(http_fuzz_main)
tests_fuzz_fuzz_h1_request_CPPFLAGS = $(TEST_CPPFLAGS) -DCORPUS='"$(http_fuzz_corpus)/h1_request"'
tests_fuzz_fuzz_h1_request_LDADD = $(TEST_LIBS)
tests_fuzz_fuzz_h1_request_LDFLAGS = $(http_fuzz_ldflags)
tests_fuzz_fuzz_h1_response_SOURCES = tests/fuzz/fuzz_h1_response.c $(http_fuzz_sources) $(http_fuzz_main)
tests_fuzz_fuzz_h1_response_CPPFLAGS = $(TEST_CPPFLAGS) -DCORPUS='"$(http_fuzz_corpus)/h1_response"'
tests_fuzz_fuzz_h1_response_LDADD = $(TEST_LIBS)
tests_fuzz_fuzz_h1_response_LDFLAGS = $(http_fuzz_ldflags)
tests_fuzz_fuzz_h2_SOURCES = tests/fuzz/fuzz_h2.c $(http_fuzz_sources) $(http_fuzz_main)
tests_fuzz_fuzz_h2_CPPFLAGS = $(TEST_CPPFLAGS) -DCORPUS='"$(http_fuzz_corpus)/h2"'
tests_fuzz_fuzz_h2_LDADD = $(TEST_LIBS)
tests_fuzz_fuzz_h2_LDFLAGS = $(http_fuzz_ldflags)
