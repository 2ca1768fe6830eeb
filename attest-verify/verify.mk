# sources of the verifying library and its program
attest_verify_libattestverify_a_SOURCES += \
    attest-verify/verdict.c attest-verify/verdict.h \
    attest-verify/bytes/cursor.c attest-verify/bytes/cursor.h \
    attest-verify/bytes/hex.c attest-verify/bytes/hex.h \
    attest-verify/bytes/moment.c attest-verify/bytes/moment.h \
    attest-verify/bytes/base64url.c attest-verify/bytes/base64url.h \
    attest-verify/formats/receipt.c attest-verify/formats/receipt.h \
    attest-verify/receipt_keys.c attest-verify/receipt_keys.h \
    attest-verify/verify_receipt.c \
    attest-verify/bytes/json.c attest-verify/bytes/json.h \
    attest-verify/bytes/crypto.c attest-verify/bytes/crypto.h \
    attest-verify/bytes/decoder.c attest-verify/bytes/decoder.h \
    attest-verify/formats/quote.c attest-verify/formats/quote.h \
    attest-verify/formats/pck.c attest-verify/formats/pck.h \
    attest-verify/collateral/roots.c attest-verify/collateral/roots.h \
    attest-verify/collateral/proven.c attest-verify/collateral/proven.h \
    attest-verify/collateral/chain.c attest-verify/collateral/chain.h \
    attest-verify/collateral/tcb_document.c attest-verify/collateral/tcb_document.h \
    attest-verify/collateral/collateral.c attest-verify/collateral/collateral.h \
    attest-verify/collateral/tcb.c attest-verify/collateral/tcb.h \
    attest-verify/policy/policy_members.c attest-verify/policy/policy_members.h \
    attest-verify/policy/policy_members.def \
    attest-verify/policy/policy.c attest-verify/policy/policy.h \
    attest-verify/policy/policy_entry.c attest-verify/policy/policy_entry.h \
    attest-verify/policy/appraise.c attest-verify/policy/appraise.h \
    attest-verify/bytes/cbor.c attest-verify/bytes/cbor.h \
    attest-verify/evidence/evidence.c attest-verify/evidence/evidence.h \
    attest-verify/platform.c \
    attest-verify/formats/snp.c attest-verify/formats/snp.h \
    attest-verify/formats/snp_report.c attest-verify/formats/snp_report.h \
    attest-verify/formats/snp_leaf.c attest-verify/formats/snp_leaf.h \
    attest-verify/collateral/snp_chain.c attest-verify/collateral/snp_chain.h \
    attest-verify/collateral/snp_document.c attest-verify/collateral/snp_document.h \
    attest-verify/policy/policy_snp.c attest-verify/policy/policy_snp.h \
    attest-verify/policy/appraise_snp.c attest-verify/policy/appraise_snp.h \
    attest-verify/verify_report.c attest-verify/verify_report.h \
    attest-verify/evidence/evidence_convention.h \
    attest-verify/evidence/evidence_dice.c \
    attest-verify/evidence/evidence_dstack.c attest-verify/evidence/evidence_attested_tls.c \
    attest-verify/evidence/dstack_mr_config.c attest-verify/evidence/dstack_mr_config.h \
    attest-verify/formats/snp_table.c attest-verify/formats/snp_table.h \
    attest-verify/evidence/dstack_envelope.c attest-verify/evidence/dstack_envelope.h \
    attest-verify/formats/event_log.c attest-verify/formats/event_log.h attest-verify/formats/event_log_text.c \
    attest-verify/bytes/scale.c attest-verify/bytes/scale.h \
    attest-verify/bytes/msgpack.c attest-verify/bytes/msgpack.h \
    attest-verify/evidence/evidence_gramine.c \
    attest-verify/evidence/evidence_intel.c \
    attest-verify/evidence/evidence_open_enclave.c \
    attest-verify/evidence/evidence_rats.c \
    attest-verify/explain.c attest-verify/explain.h \
    attest-verify/evidence/answer.c attest-verify/evidence/answer.h \
    attest-verify/verify_answer.c \
    attest-verify/verify.c attest-verify/verify.h

bin_PROGRAMS += attest-verify/attest-verify
attest_verify_attest_verify_SOURCES = attest-verify/program/main.c \
    attest-verify/program/call.c attest-verify/program/call.h \
    attest-verify/program/usage.c attest-verify/program/usage.h \
    attest-verify/program/print.c attest-verify/program/print.h \
    attest-verify/program/explain_text.c attest-verify/program/explain_text.h \
    attest-verify/program/policy_command.c attest-verify/program/policy_command.h \
    attest-verify/program/inputs.c attest-verify/program/inputs.h \
    attest-verify/program/verdict_json.c attest-verify/program/verdict_json.h \
    attest-verify/program/receipt.c attest-verify/program/receipt.h \
    attest-verify/program/fetching.c attest-verify/program/fetching.h \
    $(SIMULATE_SOURCES)
attest_verify_attest_verify_CPPFLAGS = $(AM_CPPFLAGS) -DATTEST_VERSION='"$(PACKAGE_VERSION)"'
attest_verify_attest_verify_LDADD = $(FETCH_LIBS)
EXTRA_DIST += attest-verify/README.md
