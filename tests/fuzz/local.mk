# fuzz targets; without --enable-fuzz they replay their corpus
#
# A target is tests/fuzz/fuzz_x.c with its corpus in tests/fuzz/corpus/x, and four lines:
#   fuzz_programs += tests/fuzz/fuzz_x
#   tests_fuzz_fuzz_x_SOURCES = tests/fuzz/fuzz_x.c $(FUZZ_MAIN)
#   tests_fuzz_fuzz_x_LDFLAGS = $(FUZZ_LINKFLAGS)
#   tests_fuzz_fuzz_x_LDADD = ...
fuzz_programs =
EXTRA_DIST += tests/fuzz/README.md tests/fuzz/corpus
if FUZZ
FUZZ_MAIN =
FUZZ_LINKFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
noinst_PROGRAMS += $(fuzz_programs)
else
FUZZ_MAIN = tests/fuzz/replay_main.c
FUZZ_LINKFLAGS = $(AM_LDFLAGS)
check_PROGRAMS += $(fuzz_programs)
endif

# attestation
fuzz_programs += tests/fuzz/fuzz_quote
tests_fuzz_fuzz_quote_SOURCES = tests/fuzz/fuzz_quote.c $(FUZZ_MAIN)
tests_fuzz_fuzz_quote_LDFLAGS = $(FUZZ_LINKFLAGS)
tests_fuzz_fuzz_quote_LDADD = $(ATTEST_LIBS)
fuzz_programs += tests/fuzz/fuzz_certificate
tests_fuzz_fuzz_certificate_SOURCES = tests/fuzz/fuzz_certificate.c $(FUZZ_MAIN)
tests_fuzz_fuzz_certificate_LDFLAGS = $(FUZZ_LINKFLAGS)
tests_fuzz_fuzz_certificate_LDADD = $(ATTEST_LIBS)
fuzz_programs += tests/fuzz/fuzz_amd
tests_fuzz_fuzz_amd_SOURCES = tests/fuzz/fuzz_amd.c $(FUZZ_MAIN)
tests_fuzz_fuzz_amd_LDFLAGS = $(FUZZ_LINKFLAGS)
tests_fuzz_fuzz_amd_LDADD = $(FETCH_LIBS)
fuzz_programs += tests/fuzz/fuzz_dstack
tests_fuzz_fuzz_dstack_SOURCES = tests/fuzz/fuzz_dstack.c $(FUZZ_MAIN)
tests_fuzz_fuzz_dstack_LDFLAGS = $(FUZZ_LINKFLAGS)
tests_fuzz_fuzz_dstack_LDADD = $(ATTEST_LIBS)
fuzz_programs += tests/fuzz/fuzz_collateral
tests_fuzz_fuzz_collateral_SOURCES = tests/fuzz/fuzz_collateral.c $(FUZZ_MAIN)
tests_fuzz_fuzz_collateral_LDFLAGS = $(FUZZ_LINKFLAGS)
tests_fuzz_fuzz_collateral_LDADD = $(ATTEST_LIBS)
fuzz_programs += tests/fuzz/fuzz_fetch
tests_fuzz_fuzz_fetch_SOURCES = tests/fuzz/fuzz_fetch.c $(FUZZ_MAIN)
tests_fuzz_fuzz_fetch_LDFLAGS = $(FUZZ_LINKFLAGS)
tests_fuzz_fuzz_fetch_LDADD = $(FETCH_LIBS)
fuzz_programs += tests/fuzz/fuzz_policy
tests_fuzz_fuzz_policy_SOURCES = tests/fuzz/fuzz_policy.c $(FUZZ_MAIN)
tests_fuzz_fuzz_policy_LDFLAGS = $(FUZZ_LINKFLAGS)
tests_fuzz_fuzz_policy_LDADD = $(ATTEST_LIBS)
fuzz_programs += tests/fuzz/fuzz_snp
tests_fuzz_fuzz_snp_SOURCES = tests/fuzz/fuzz_snp.c $(FUZZ_MAIN)
tests_fuzz_fuzz_snp_LDFLAGS = $(FUZZ_LINKFLAGS)
tests_fuzz_fuzz_snp_LDADD = $(ATTEST_LIBS)
fuzz_programs += tests/fuzz/fuzz_answer
tests_fuzz_fuzz_answer_SOURCES = tests/fuzz/fuzz_answer.c $(FUZZ_MAIN)
tests_fuzz_fuzz_answer_LDFLAGS = $(FUZZ_LINKFLAGS)
tests_fuzz_fuzz_answer_LDADD = $(ATTEST_LIBS)
fuzz_programs += tests/fuzz/fuzz_evidence
tests_fuzz_fuzz_evidence_SOURCES = tests/fuzz/fuzz_evidence.c $(FUZZ_MAIN)
tests_fuzz_fuzz_evidence_LDFLAGS = $(FUZZ_LINKFLAGS)
tests_fuzz_fuzz_evidence_LDADD = $(ATTEST_LIBS)
fuzz_programs += tests/fuzz/fuzz_cbor
tests_fuzz_fuzz_cbor_SOURCES = tests/fuzz/fuzz_cbor.c $(FUZZ_MAIN)
tests_fuzz_fuzz_cbor_LDFLAGS = $(FUZZ_LINKFLAGS)
tests_fuzz_fuzz_cbor_LDADD = $(ATTEST_LIBS)
fuzz_programs += tests/fuzz/fuzz_event_log
tests_fuzz_fuzz_event_log_SOURCES = tests/fuzz/fuzz_event_log.c $(FUZZ_MAIN)
tests_fuzz_fuzz_event_log_LDFLAGS = $(FUZZ_LINKFLAGS)
tests_fuzz_fuzz_event_log_LDADD = $(ATTEST_LIBS)
fuzz_programs += tests/fuzz/fuzz_pck
tests_fuzz_fuzz_pck_SOURCES = tests/fuzz/fuzz_pck.c $(FUZZ_MAIN)
tests_fuzz_fuzz_pck_LDFLAGS = $(FUZZ_LINKFLAGS)
tests_fuzz_fuzz_pck_LDADD = $(ATTEST_LIBS)
fuzz_programs += tests/fuzz/fuzz_json
tests_fuzz_fuzz_json_SOURCES = tests/fuzz/fuzz_json.c $(FUZZ_MAIN)
tests_fuzz_fuzz_json_LDFLAGS = $(FUZZ_LINKFLAGS)
tests_fuzz_fuzz_json_LDADD = $(ATTEST_LIBS)
fuzz_programs += tests/fuzz/fuzz_crl
tests_fuzz_fuzz_crl_SOURCES = tests/fuzz/fuzz_crl.c $(FUZZ_MAIN)
tests_fuzz_fuzz_crl_LDFLAGS = $(FUZZ_LINKFLAGS)
tests_fuzz_fuzz_crl_LDADD = $(ATTEST_LIBS)
fuzz_programs += tests/fuzz/fuzz_snp_judgement
tests_fuzz_fuzz_snp_judgement_SOURCES = tests/fuzz/fuzz_snp_judgement.c $(FUZZ_MAIN)
tests_fuzz_fuzz_snp_judgement_LDFLAGS = $(FUZZ_LINKFLAGS)
tests_fuzz_fuzz_snp_judgement_LDADD = $(ATTEST_LIBS)

# past signatures: what a simulated vendor has signed
simulated_sources = tests/fuzz/simulated.h $(SIMULATE_SOURCES)
fuzz_programs += tests/fuzz/fuzz_judgement
tests_fuzz_fuzz_judgement_SOURCES = tests/fuzz/fuzz_judgement.c $(simulated_sources) $(FUZZ_MAIN)
tests_fuzz_fuzz_judgement_CPPFLAGS = $(TEST_CPPFLAGS)
tests_fuzz_fuzz_judgement_LDFLAGS = $(FUZZ_LINKFLAGS)
tests_fuzz_fuzz_judgement_LDADD = $(ATTEST_LIBS)
fuzz_programs += tests/fuzz/fuzz_tcb_info
tests_fuzz_fuzz_tcb_info_SOURCES = tests/fuzz/fuzz_tcb_info.c $(simulated_sources) $(FUZZ_MAIN)
tests_fuzz_fuzz_tcb_info_CPPFLAGS = $(TEST_CPPFLAGS)
tests_fuzz_fuzz_tcb_info_LDFLAGS = $(FUZZ_LINKFLAGS)
tests_fuzz_fuzz_tcb_info_LDADD = $(ATTEST_LIBS)
fuzz_programs += tests/fuzz/fuzz_qe_identity
tests_fuzz_fuzz_qe_identity_SOURCES = tests/fuzz/fuzz_qe_identity.c $(simulated_sources) $(FUZZ_MAIN)
tests_fuzz_fuzz_qe_identity_CPPFLAGS = $(TEST_CPPFLAGS)
tests_fuzz_fuzz_qe_identity_LDFLAGS = $(FUZZ_LINKFLAGS)
tests_fuzz_fuzz_qe_identity_LDADD = $(ATTEST_LIBS)

# HTTP: the codecs over fakes of conn and loop
http_fuzz_sources = tests/fuzz/http_fuzz.c tests/fuzz/http_fuzz.h \
    tests/fakes/fake_conn.c tests/fakes/fake_conn.h tests/fakes/fake_loop.c tests/fakes/fake_loop.h
fuzz_programs += tests/fuzz/fuzz_h1_request
tests_fuzz_fuzz_h1_request_SOURCES = tests/fuzz/fuzz_h1_request.c $(http_fuzz_sources) $(FUZZ_MAIN)
tests_fuzz_fuzz_h1_request_CPPFLAGS = $(TEST_CPPFLAGS)
tests_fuzz_fuzz_h1_request_LDFLAGS = $(FUZZ_LINKFLAGS)
tests_fuzz_fuzz_h1_request_LDADD = $(TEST_LIBS)
fuzz_programs += tests/fuzz/fuzz_h1_response
tests_fuzz_fuzz_h1_response_SOURCES = tests/fuzz/fuzz_h1_response.c $(http_fuzz_sources) $(FUZZ_MAIN)
tests_fuzz_fuzz_h1_response_CPPFLAGS = $(TEST_CPPFLAGS)
tests_fuzz_fuzz_h1_response_LDFLAGS = $(FUZZ_LINKFLAGS)
tests_fuzz_fuzz_h1_response_LDADD = $(TEST_LIBS)
fuzz_programs += tests/fuzz/fuzz_h2
tests_fuzz_fuzz_h2_SOURCES = tests/fuzz/fuzz_h2.c $(http_fuzz_sources) $(FUZZ_MAIN)
tests_fuzz_fuzz_h2_CPPFLAGS = $(TEST_CPPFLAGS)
tests_fuzz_fuzz_h2_LDFLAGS = $(FUZZ_LINKFLAGS)
tests_fuzz_fuzz_h2_LDADD = $(TEST_LIBS)

# callers: credentials, and the journal's file
fuzz_programs += tests/fuzz/fuzz_credential
tests_fuzz_fuzz_credential_SOURCES = tests/fuzz/fuzz_credential.c $(FUZZ_MAIN)
tests_fuzz_fuzz_credential_LDFLAGS = $(FUZZ_LINKFLAGS)
tests_fuzz_fuzz_credential_LDADD = $(TEEGATE_LIBS)
fuzz_programs += tests/fuzz/fuzz_token
tests_fuzz_fuzz_token_SOURCES = tests/fuzz/fuzz_token.c $(FUZZ_MAIN)
tests_fuzz_fuzz_token_LDFLAGS = $(FUZZ_LINKFLAGS)
tests_fuzz_fuzz_token_LDADD = $(TEEGATE_LIBS)
fuzz_programs += tests/fuzz/fuzz_journal
tests_fuzz_fuzz_journal_SOURCES = tests/fuzz/fuzz_journal.c $(FUZZ_MAIN)
tests_fuzz_fuzz_journal_LDFLAGS = $(FUZZ_LINKFLAGS)
tests_fuzz_fuzz_journal_LDADD = $(TEEGATE_LIBS)

# rules: what a caller's path and a worker's usage say
fuzz_programs += tests/fuzz/fuzz_cid
tests_fuzz_fuzz_cid_SOURCES = tests/fuzz/fuzz_cid.c $(FUZZ_MAIN)
tests_fuzz_fuzz_cid_LDFLAGS = $(FUZZ_LINKFLAGS)
tests_fuzz_fuzz_cid_LDADD = $(TEEGATE_LIBS)
fuzz_programs += tests/fuzz/fuzz_target
tests_fuzz_fuzz_target_SOURCES = tests/fuzz/fuzz_target.c $(FUZZ_MAIN)
tests_fuzz_fuzz_target_LDFLAGS = $(FUZZ_LINKFLAGS)
tests_fuzz_fuzz_target_LDADD = $(TEEGATE_LIBS)
fuzz_programs += tests/fuzz/fuzz_usage
tests_fuzz_fuzz_usage_SOURCES = tests/fuzz/fuzz_usage.c $(FUZZ_MAIN)
tests_fuzz_fuzz_usage_LDFLAGS = $(FUZZ_LINKFLAGS)
tests_fuzz_fuzz_usage_LDADD = $(TEEGATE_LIBS)
fuzz_programs += tests/fuzz/fuzz_receipt
tests_fuzz_fuzz_receipt_SOURCES = tests/fuzz/fuzz_receipt.c $(FUZZ_MAIN)
tests_fuzz_fuzz_receipt_LDFLAGS = $(FUZZ_LINKFLAGS)
tests_fuzz_fuzz_receipt_LDADD = $(TEEGATE_LIBS)

# the operator's side: teegate.yaml, and what teegatectl hears
fuzz_programs += tests/fuzz/fuzz_config
tests_fuzz_fuzz_config_SOURCES = tests/fuzz/fuzz_config.c $(FUZZ_MAIN)
tests_fuzz_fuzz_config_LDFLAGS = $(FUZZ_LINKFLAGS)
tests_fuzz_fuzz_config_LDADD = $(TEEGATE_LIBS)
fuzz_programs += tests/fuzz/fuzz_ctl_answer
tests_fuzz_fuzz_ctl_answer_SOURCES = tests/fuzz/fuzz_ctl_answer.c $(FUZZ_MAIN)
tests_fuzz_fuzz_ctl_answer_LDFLAGS = $(FUZZ_LINKFLAGS)
tests_fuzz_fuzz_ctl_answer_LDADD = $(TEEGATE_LIBS)
