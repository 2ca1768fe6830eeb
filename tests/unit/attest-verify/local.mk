# unit tests of attest-verify
check_PROGRAMS += tests/unit/attest-verify/test_cursor
tests_unit_attest_verify_test_cursor_SOURCES = tests/unit/attest-verify/test_cursor.c tests/unit/checks.h
tests_unit_attest_verify_test_cursor_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_attest_verify_test_cursor_LDADD = $(ATTEST_TEST_LIBS)
check_PROGRAMS += tests/unit/attest-verify/test_decoder
tests_unit_attest_verify_test_decoder_SOURCES = tests/unit/attest-verify/test_decoder.c tests/unit/checks.h
tests_unit_attest_verify_test_decoder_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_attest_verify_test_decoder_LDADD = $(ATTEST_TEST_LIBS)
check_PROGRAMS += tests/unit/attest-verify/test_roots
tests_unit_attest_verify_test_roots_SOURCES = tests/unit/attest-verify/test_roots.c tests/unit/checks.h
tests_unit_attest_verify_test_roots_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_attest_verify_test_roots_LDADD = $(ATTEST_TEST_LIBS)
check_PROGRAMS += tests/unit/attest-verify/test_cbor
tests_unit_attest_verify_test_cbor_SOURCES = tests/unit/attest-verify/test_cbor.c tests/unit/checks.h
tests_unit_attest_verify_test_cbor_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_attest_verify_test_cbor_LDADD = $(ATTEST_TEST_LIBS)
check_PROGRAMS += tests/unit/attest-verify/test_pck
tests_unit_attest_verify_test_pck_SOURCES = tests/unit/attest-verify/test_pck.c tests/unit/checks.h
tests_unit_attest_verify_test_pck_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_attest_verify_test_pck_LDADD = $(ATTEST_TEST_LIBS)
check_PROGRAMS += tests/unit/attest-verify/test_quote
tests_unit_attest_verify_test_quote_SOURCES = tests/unit/attest-verify/test_quote.c tests/unit/attest-verify/quotes.h tests/unit/checks.h
tests_unit_attest_verify_test_quote_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_attest_verify_test_quote_LDADD = $(ATTEST_TEST_LIBS)
check_PROGRAMS += tests/unit/attest-verify/test_json
tests_unit_attest_verify_test_json_SOURCES = tests/unit/attest-verify/test_json.c tests/unit/checks.h
tests_unit_attest_verify_test_json_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_attest_verify_test_json_LDADD = $(ATTEST_TEST_LIBS)
check_PROGRAMS += tests/unit/attest-verify/test_policy
tests_unit_attest_verify_test_policy_SOURCES = tests/unit/attest-verify/test_policy.c tests/unit/checks.h
tests_unit_attest_verify_test_policy_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_attest_verify_test_policy_LDADD = $(ATTEST_TEST_LIBS)
check_PROGRAMS += tests/unit/attest-verify/test_tcb
tests_unit_attest_verify_test_tcb_SOURCES = tests/unit/attest-verify/test_tcb.c tests/unit/attest-verify/quotes.h tests/unit/checks.h
tests_unit_attest_verify_test_tcb_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_attest_verify_test_tcb_LDADD = $(ATTEST_TEST_LIBS)
check_PROGRAMS += tests/unit/attest-verify/test_tcb_document
tests_unit_attest_verify_test_tcb_document_SOURCES = tests/unit/attest-verify/test_tcb_document.c tests/unit/checks.h
tests_unit_attest_verify_test_tcb_document_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_attest_verify_test_tcb_document_LDADD = $(ATTEST_TEST_LIBS)
check_PROGRAMS += tests/unit/attest-verify/test_appraise
tests_unit_attest_verify_test_appraise_SOURCES = tests/unit/attest-verify/test_appraise.c tests/unit/attest-verify/quotes.h tests/unit/checks.h
tests_unit_attest_verify_test_appraise_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_attest_verify_test_appraise_LDADD = $(ATTEST_TEST_LIBS)
check_PROGRAMS += tests/unit/attest-verify/test_chain
tests_unit_attest_verify_test_chain_SOURCES = tests/unit/attest-verify/test_chain.c tests/unit/checks.h
tests_unit_attest_verify_test_chain_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_attest_verify_test_chain_LDADD = $(ATTEST_TEST_LIBS)
check_PROGRAMS += tests/unit/attest-verify/test_simulate
tests_unit_attest_verify_test_simulate_SOURCES = tests/unit/attest-verify/test_simulate.c \
    tests/unit/attest-verify/simulate_checks.h tests/unit/checks.h $(SIMULATE_SOURCES)
tests_unit_attest_verify_test_simulate_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_attest_verify_test_simulate_LDADD = $(ATTEST_TEST_LIBS)

check_PROGRAMS += tests/unit/attest-verify/test_simulate_evidence
tests_unit_attest_verify_test_simulate_evidence_SOURCES = \
    tests/unit/attest-verify/test_simulate_evidence.c \
    tests/unit/attest-verify/simulate_checks.h tests/unit/checks.h $(SIMULATE_SOURCES)
tests_unit_attest_verify_test_simulate_evidence_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_attest_verify_test_simulate_evidence_LDADD = $(ATTEST_TEST_LIBS)

check_PROGRAMS += tests/unit/attest-verify/test_simulate_command
tests_unit_attest_verify_test_simulate_command_SOURCES = \
    tests/unit/attest-verify/test_simulate_command.c \
    tests/unit/attest-verify/simulate_checks.h tests/unit/checks.h $(SIMULATE_SOURCES)
tests_unit_attest_verify_test_simulate_command_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_attest_verify_test_simulate_command_LDADD = $(ATTEST_TEST_LIBS)
check_PROGRAMS += tests/unit/attest-verify/test_verify
tests_unit_attest_verify_test_verify_SOURCES = tests/unit/attest-verify/test_verify.c \
    tests/unit/attest-verify/verify_scene.h tests/unit/checks.h $(SIMULATE_SOURCES)
tests_unit_attest_verify_test_verify_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_attest_verify_test_verify_LDADD = $(ATTEST_TEST_LIBS)
check_PROGRAMS += tests/unit/attest-verify/test_verify_certificate
tests_unit_attest_verify_test_verify_certificate_SOURCES = tests/unit/attest-verify/test_verify_certificate.c \
    tests/unit/attest-verify/verify_scene.h tests/unit/checks.h $(SIMULATE_SOURCES)
tests_unit_attest_verify_test_verify_certificate_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_attest_verify_test_verify_certificate_LDADD = $(ATTEST_TEST_LIBS)
check_PROGRAMS += tests/unit/attest-verify/test_platform
tests_unit_attest_verify_test_platform_SOURCES = tests/unit/attest-verify/test_platform.c \
    tests/unit/attest-verify/verify_scene.h tests/unit/checks.h $(SIMULATE_SOURCES)
tests_unit_attest_verify_test_platform_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_attest_verify_test_platform_LDADD = $(ATTEST_TEST_LIBS)
check_PROGRAMS += tests/unit/attest-verify/test_fetch
tests_unit_attest_verify_test_fetch_SOURCES = tests/unit/attest-verify/test_fetch.c \
    tests/unit/attest-verify/verify_scene.h tests/unit/checks.h $(SIMULATE_SOURCES)
tests_unit_attest_verify_test_fetch_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_attest_verify_test_fetch_LDADD = $(FETCH_LIBS) $(CHECK_LIBS)
check_PROGRAMS += tests/unit/attest-verify/test_fetch_renew
tests_unit_attest_verify_test_fetch_renew_SOURCES = tests/unit/attest-verify/test_fetch_renew.c \
    tests/unit/attest-verify/verify_scene.h tests/unit/checks.h $(SIMULATE_SOURCES)
tests_unit_attest_verify_test_fetch_renew_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_attest_verify_test_fetch_renew_LDADD = $(FETCH_LIBS) $(CHECK_LIBS)
check_PROGRAMS += tests/unit/attest-verify/test_snp
tests_unit_attest_verify_test_snp_SOURCES = tests/unit/attest-verify/test_snp.c \
    tests/unit/attest-verify/snp_scene.h tests/unit/checks.h
tests_unit_attest_verify_test_snp_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_attest_verify_test_snp_LDADD = $(ATTEST_TEST_LIBS)
check_PROGRAMS += tests/unit/attest-verify/test_snp_report
tests_unit_attest_verify_test_snp_report_SOURCES = tests/unit/attest-verify/test_snp_report.c \
    tests/unit/attest-verify/snp_scene.h tests/unit/checks.h
tests_unit_attest_verify_test_snp_report_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_attest_verify_test_snp_report_LDADD = $(ATTEST_TEST_LIBS)
check_PROGRAMS += tests/unit/attest-verify/test_snp_policy
tests_unit_attest_verify_test_snp_policy_SOURCES = tests/unit/attest-verify/test_snp_policy.c \
    tests/unit/attest-verify/snp_scene.h tests/unit/checks.h
tests_unit_attest_verify_test_snp_policy_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_attest_verify_test_snp_policy_LDADD = $(ATTEST_TEST_LIBS)
check_PROGRAMS += tests/unit/attest-verify/test_scale
tests_unit_attest_verify_test_scale_SOURCES = tests/unit/attest-verify/test_scale.c tests/unit/checks.h
tests_unit_attest_verify_test_scale_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_attest_verify_test_scale_LDADD = $(ATTEST_TEST_LIBS)
check_PROGRAMS += tests/unit/attest-verify/test_msgpack
tests_unit_attest_verify_test_msgpack_SOURCES = tests/unit/attest-verify/test_msgpack.c tests/unit/checks.h
tests_unit_attest_verify_test_msgpack_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_attest_verify_test_msgpack_LDADD = $(ATTEST_TEST_LIBS)
check_PROGRAMS += tests/unit/attest-verify/test_event_log
tests_unit_attest_verify_test_event_log_SOURCES = tests/unit/attest-verify/test_event_log.c tests/unit/checks.h
tests_unit_attest_verify_test_event_log_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_attest_verify_test_event_log_LDADD = $(ATTEST_TEST_LIBS)
check_PROGRAMS += tests/unit/attest-verify/test_dstack
tests_unit_attest_verify_test_dstack_SOURCES = tests/unit/attest-verify/test_dstack.c \
    tests/unit/attest-verify/verify_scene.h tests/unit/checks.h $(SIMULATE_SOURCES)
tests_unit_attest_verify_test_dstack_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_attest_verify_test_dstack_LDADD = $(ATTEST_TEST_LIBS)
check_PROGRAMS += tests/unit/attest-verify/test_dstack_flips
tests_unit_attest_verify_test_dstack_flips_SOURCES = tests/unit/attest-verify/test_dstack_flips.c \
    tests/unit/attest-verify/verify_scene.h tests/unit/checks.h $(SIMULATE_SOURCES)
tests_unit_attest_verify_test_dstack_flips_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_attest_verify_test_dstack_flips_LDADD = $(ATTEST_TEST_LIBS)
check_PROGRAMS += tests/unit/attest-verify/test_prove
tests_unit_attest_verify_test_prove_SOURCES = tests/unit/attest-verify/test_prove.c \
    tests/unit/attest-verify/verify_scene.h tests/unit/checks.h $(SIMULATE_SOURCES)
tests_unit_attest_verify_test_prove_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_attest_verify_test_prove_LDADD = $(ATTEST_TEST_LIBS)
check_PROGRAMS += tests/unit/attest-verify/test_explain
tests_unit_attest_verify_test_explain_SOURCES = tests/unit/attest-verify/test_explain.c \
    tests/unit/attest-verify/verify_scene.h tests/unit/checks.h $(SIMULATE_SOURCES)
tests_unit_attest_verify_test_explain_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_attest_verify_test_explain_LDADD = $(ATTEST_TEST_LIBS)
check_PROGRAMS += tests/unit/attest-verify/test_snp_certificate
tests_unit_attest_verify_test_snp_certificate_SOURCES = tests/unit/attest-verify/test_snp_certificate.c \
    tests/unit/attest-verify/amd_scene.h tests/unit/checks.h $(SIMULATE_SOURCES)
tests_unit_attest_verify_test_snp_certificate_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_attest_verify_test_snp_certificate_LDADD = $(ATTEST_TEST_LIBS)
check_PROGRAMS += tests/unit/attest-verify/test_snp_document
tests_unit_attest_verify_test_snp_document_SOURCES = tests/unit/attest-verify/test_snp_document.c \
    tests/unit/attest-verify/amd_scene.h tests/unit/checks.h $(SIMULATE_SOURCES)
tests_unit_attest_verify_test_snp_document_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_attest_verify_test_snp_document_LDADD = $(ATTEST_TEST_LIBS)
check_PROGRAMS += tests/unit/attest-verify/test_verify_answer
tests_unit_attest_verify_test_verify_answer_SOURCES = tests/unit/attest-verify/test_verify_answer.c \
    tests/unit/attest-verify/verify_scene.h tests/unit/checks.h $(SIMULATE_SOURCES)
tests_unit_attest_verify_test_verify_answer_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_attest_verify_test_verify_answer_LDADD = $(ATTEST_TEST_LIBS)
check_PROGRAMS += tests/unit/attest-verify/test_simulate_on_demand
tests_unit_attest_verify_test_simulate_on_demand_SOURCES = \
    tests/unit/attest-verify/test_simulate_on_demand.c tests/unit/checks.h $(SIMULATE_SOURCES)
tests_unit_attest_verify_test_simulate_on_demand_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_attest_verify_test_simulate_on_demand_LDADD = $(ATTEST_TEST_LIBS)
check_PROGRAMS += tests/unit/attest-verify/test_policy_members
tests_unit_attest_verify_test_policy_members_SOURCES = tests/unit/attest-verify/test_policy_members.c tests/unit/checks.h
tests_unit_attest_verify_test_policy_members_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_attest_verify_test_policy_members_LDADD = $(ATTEST_TEST_LIBS)
check_PROGRAMS += tests/unit/attest-verify/test_grace
tests_unit_attest_verify_test_grace_SOURCES = tests/unit/attest-verify/test_grace.c \
    tests/unit/attest-verify/verify_scene.h tests/unit/checks.h $(SIMULATE_SOURCES)
tests_unit_attest_verify_test_grace_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_attest_verify_test_grace_LDADD = $(ATTEST_TEST_LIBS)
check_PROGRAMS += tests/unit/attest-verify/test_attested_tls
tests_unit_attest_verify_test_attested_tls_SOURCES = tests/unit/attest-verify/test_attested_tls.c \
    tests/unit/attest-verify/verify_scene.h tests/unit/checks.h $(SIMULATE_SOURCES)
tests_unit_attest_verify_test_attested_tls_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_attest_verify_test_attested_tls_LDADD = $(ATTEST_TEST_LIBS)
check_PROGRAMS += tests/unit/attest-verify/test_policy_schema
tests_unit_attest_verify_test_policy_schema_SOURCES = tests/unit/attest-verify/test_policy_schema.c tests/unit/checks.h
tests_unit_attest_verify_test_policy_schema_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_attest_verify_test_policy_schema_LDADD = $(ATTEST_TEST_LIBS)
check_PROGRAMS += tests/unit/attest-verify/test_mutations_snp_certificate
tests_unit_attest_verify_test_mutations_snp_certificate_SOURCES = tests/unit/attest-verify/test_mutations_snp_certificate.c \
    tests/unit/attest-verify/amd_scene.h tests/unit/checks.h $(SIMULATE_SOURCES)
tests_unit_attest_verify_test_mutations_snp_certificate_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_attest_verify_test_mutations_snp_certificate_LDADD = $(ATTEST_TEST_LIBS)
check_PROGRAMS += tests/unit/attest-verify/test_moment
tests_unit_attest_verify_test_moment_SOURCES = tests/unit/attest-verify/test_moment.c tests/unit/checks.h
tests_unit_attest_verify_test_moment_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_attest_verify_test_moment_LDADD = $(ATTEST_TEST_LIBS)
check_PROGRAMS += tests/unit/attest-verify/test_convergence
tests_unit_attest_verify_test_convergence_SOURCES = tests/unit/attest-verify/test_convergence.c \
    tests/unit/attest-verify/verify_scene.h tests/unit/checks.h $(SIMULATE_SOURCES)
tests_unit_attest_verify_test_convergence_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_attest_verify_test_convergence_LDADD = $(ATTEST_TEST_LIBS)

# flaws of other verifiers, by the numbers of docs/known-flaws.md
check_PROGRAMS += tests/unit/attest-verify/test_known_flaws_dcap
tests_unit_attest_verify_test_known_flaws_dcap_SOURCES = tests/unit/attest-verify/test_known_flaws_dcap.c \
    tests/unit/attest-verify/spoiled_scene.h \
    tests/unit/attest-verify/verify_scene.h tests/unit/checks.h $(SIMULATE_SOURCES)
tests_unit_attest_verify_test_known_flaws_dcap_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_attest_verify_test_known_flaws_dcap_LDADD = $(ATTEST_TEST_LIBS)
check_PROGRAMS += tests/unit/attest-verify/test_known_flaws_certificate
tests_unit_attest_verify_test_known_flaws_certificate_SOURCES = \
    tests/unit/attest-verify/test_known_flaws_certificate.c tests/unit/attest-verify/made_certificate.h \
    tests/unit/attest-verify/verify_scene.h tests/unit/checks.h $(SIMULATE_SOURCES)
tests_unit_attest_verify_test_known_flaws_certificate_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_attest_verify_test_known_flaws_certificate_LDADD = $(ATTEST_TEST_LIBS)
check_PROGRAMS += tests/unit/attest-verify/test_known_flaws_snp
tests_unit_attest_verify_test_known_flaws_snp_SOURCES = tests/unit/attest-verify/test_known_flaws_snp.c \
    tests/unit/attest-verify/snp_scene.h tests/unit/checks.h
tests_unit_attest_verify_test_known_flaws_snp_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_attest_verify_test_known_flaws_snp_LDADD = $(ATTEST_TEST_LIBS)
check_PROGRAMS += tests/unit/attest-verify/test_boundaries
tests_unit_attest_verify_test_boundaries_SOURCES = tests/unit/attest-verify/test_boundaries.c \
    tests/unit/attest-verify/evidence_walk.h tests/unit/attest-verify/spoiled_scene.h \
    tests/unit/attest-verify/verify_scene.h tests/unit/checks.h $(SIMULATE_SOURCES)
tests_unit_attest_verify_test_boundaries_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_attest_verify_test_boundaries_LDADD = $(ATTEST_TEST_LIBS)
check_PROGRAMS += tests/unit/attest-verify/test_forged_chains
tests_unit_attest_verify_test_forged_chains_SOURCES = tests/unit/attest-verify/test_forged_chains.c \
    tests/unit/attest-verify/evidence_walk.h tests/unit/attest-verify/spoiled_scene.h \
    tests/unit/attest-verify/verify_scene.h tests/unit/checks.h $(SIMULATE_SOURCES)
tests_unit_attest_verify_test_forged_chains_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_attest_verify_test_forged_chains_LDADD = $(ATTEST_TEST_LIBS)
check_PROGRAMS += tests/unit/attest-verify/test_explain_text
tests_unit_attest_verify_test_explain_text_SOURCES = tests/unit/attest-verify/test_explain_text.c \
    attest-verify/program/explain_text.c tests/unit/checks.h
tests_unit_attest_verify_test_explain_text_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_attest_verify_test_explain_text_LDADD = $(ATTEST_TEST_LIBS)
check_PROGRAMS += tests/unit/attest-verify/test_memory
tests_unit_attest_verify_test_memory_SOURCES = tests/unit/attest-verify/test_memory.c \
    tests/unit/attest-verify/verify_scene.h tests/unit/checks.h $(SIMULATE_SOURCES)
tests_unit_attest_verify_test_memory_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_attest_verify_test_memory_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=malloc,--wrap=calloc,--wrap=strdup
tests_unit_attest_verify_test_memory_LDADD = $(ATTEST_TEST_LIBS)
check_PROGRAMS += tests/unit/attest-verify/test_mutations_certificate
tests_unit_attest_verify_test_mutations_certificate_SOURCES = \
    tests/unit/attest-verify/test_mutations_certificate.c \
    tests/unit/attest-verify/verify_scene.h tests/unit/checks.h $(SIMULATE_SOURCES)
tests_unit_attest_verify_test_mutations_certificate_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_attest_verify_test_mutations_certificate_LDADD = $(ATTEST_TEST_LIBS)
check_PROGRAMS += tests/unit/attest-verify/test_mutations_snp
tests_unit_attest_verify_test_mutations_snp_SOURCES = tests/unit/attest-verify/test_mutations_snp.c \
    tests/unit/attest-verify/snp_scene.h tests/unit/checks.h
tests_unit_attest_verify_test_mutations_snp_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_attest_verify_test_mutations_snp_LDADD = $(ATTEST_TEST_LIBS)
check_PROGRAMS += tests/unit/attest-verify/test_corners
tests_unit_attest_verify_test_corners_SOURCES = tests/unit/attest-verify/test_corners.c \
    tests/unit/attest-verify/made_certificate.h \
    tests/unit/attest-verify/verify_scene.h tests/unit/checks.h $(SIMULATE_SOURCES)
tests_unit_attest_verify_test_corners_CPPFLAGS = $(TEST_CPPFLAGS)
tests_unit_attest_verify_test_corners_LDADD = $(ATTEST_TEST_LIBS)
