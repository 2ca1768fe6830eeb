# sources of the verifying library and its program
attest_verify_libattestverify_a_SOURCES += \
    attest-verify/verdict.c attest-verify/verdict.h \
    attest-verify/cursor.c attest-verify/cursor.h \
    attest-verify/hex.c attest-verify/hex.h \
    attest-verify/moment.c attest-verify/moment.h \
    attest-verify/json.c attest-verify/json.h \
    attest-verify/crypto.c attest-verify/crypto.h \
    attest-verify/quote.c attest-verify/quote.h \
    attest-verify/pck.c attest-verify/pck.h \
    attest-verify/roots.c attest-verify/roots.h \
    attest-verify/proven.c attest-verify/proven.h \
    attest-verify/chain.c attest-verify/chain.h \
    attest-verify/tcb_document.c attest-verify/tcb_document.h \
    attest-verify/collateral.c attest-verify/collateral.h \
    attest-verify/tcb.c attest-verify/tcb.h \
    attest-verify/policy.c attest-verify/policy.h \
    attest-verify/policy_entry.c attest-verify/policy_entry.h \
    attest-verify/appraise.c attest-verify/appraise.h \
    attest-verify/cbor.c attest-verify/cbor.h \
    attest-verify/evidence.c attest-verify/evidence.h \
    attest-verify/platform.c \
    attest-verify/snp.c attest-verify/snp.h \
    attest-verify/snp_report.c attest-verify/snp_report.h \
    attest-verify/snp_leaf.c attest-verify/snp_leaf.h \
    attest-verify/snp_chain.c attest-verify/snp_chain.h \
    attest-verify/policy_snp.c attest-verify/policy_snp.h \
    attest-verify/appraise_snp.c attest-verify/appraise_snp.h \
    attest-verify/verify_report.c \
    attest-verify/evidence_convention.h \
    attest-verify/evidence_dice.c \
    attest-verify/evidence_dstack.c \
    attest-verify/dstack_envelope.c attest-verify/dstack_envelope.h \
    attest-verify/event_log.c attest-verify/event_log.h attest-verify/event_log_text.c \
    attest-verify/scale.c attest-verify/scale.h \
    attest-verify/msgpack.c attest-verify/msgpack.h \
    attest-verify/evidence_gramine.c \
    attest-verify/evidence_intel.c \
    attest-verify/evidence_open_enclave.c \
    attest-verify/evidence_rats.c \
    attest-verify/explain.c attest-verify/explain.h \
    attest-verify/verify.c

bin_PROGRAMS += attest-verify/attest-verify
attest_verify_attest_verify_SOURCES = attest-verify/main.c \
    attest-verify/inputs.c attest-verify/inputs.h \
    attest-verify/verdict_json.c attest-verify/verdict_json.h \
    attest-verify/fetching.c attest-verify/fetching.h \
    $(SIMULATE_SOURCES)
attest_verify_attest_verify_CPPFLAGS = $(AM_CPPFLAGS) -DATTEST_VERSION='"$(PACKAGE_VERSION)"'
attest_verify_attest_verify_LDADD = $(FETCH_LIBS)
EXTRA_DIST += attest-verify/README.md
