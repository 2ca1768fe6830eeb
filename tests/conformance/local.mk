# vectors of other people, replayed
check_PROGRAMS += tests/conformance/cid_vectors
tests_conformance_cid_vectors_SOURCES = tests/conformance/cid_vectors.c
tests_conformance_cid_vectors_CPPFLAGS = $(TEST_CPPFLAGS)
tests_conformance_cid_vectors_LDADD = $(TEST_LIBS)

# attestation: genuine evidence, and the same with one thing changed
attest_conformance_files = tests/conformance/attest_case.c tests/conformance/attest_case.h
check_PROGRAMS += tests/conformance/attest_vectors
tests_conformance_attest_vectors_SOURCES = tests/conformance/attest_vectors.c $(attest_conformance_files)
tests_conformance_attest_vectors_LDADD = $(ATTEST_LIBS)
check_PROGRAMS += tests/conformance/attest_mutations
tests_conformance_attest_mutations_SOURCES = tests/conformance/attest_mutations.c $(attest_conformance_files)
tests_conformance_attest_mutations_LDADD = $(ATTEST_LIBS)
check_PROGRAMS += tests/conformance/attest_certificates
tests_conformance_attest_certificates_SOURCES = tests/conformance/attest_certificates.c $(attest_conformance_files)
tests_conformance_attest_certificates_LDADD = $(ATTEST_LIBS)
check_PROGRAMS += tests/conformance/attest_snp
tests_conformance_attest_snp_SOURCES = tests/conformance/attest_snp.c $(attest_conformance_files)
tests_conformance_attest_snp_LDADD = $(ATTEST_LIBS)
dist_check_SCRIPTS += tests/conformance/attest_program.sh
dist_check_SCRIPTS += tests/conformance/attest_simulated.sh tests/conformance/attest_simulated_snp.sh
dist_check_SCRIPTS += tests/conformance/attest_simulated.sh
dist_check_SCRIPTS += tests/conformance/attest_drafts.sh
