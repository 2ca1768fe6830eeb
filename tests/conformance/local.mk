# vectors of other people, replayed
check_PROGRAMS += tests/conformance/cid_vectors
tests_conformance_cid_vectors_SOURCES = tests/conformance/cid_vectors.c
tests_conformance_cid_vectors_CPPFLAGS = $(TEST_CPPFLAGS)
tests_conformance_cid_vectors_LDADD = $(TEST_LIBS)
