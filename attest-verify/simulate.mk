# The simulated TEE: part of the program (which lists $(SIMULATE_SOURCES)), never of the library.
SIMULATE_SOURCES = \
    attest-verify/simulate/simulate.c attest-verify/simulate/simulate.h \
    attest-verify/simulate/simulate_bytes.c attest-verify/simulate/simulate_bytes.h \
    attest-verify/simulate/simulate_certificate.c \
    attest-verify/simulate/simulate_convention.c \
    attest-verify/simulate/simulate_collateral.c \
    attest-verify/simulate/simulate_dstack.c \
    attest-verify/simulate/simulate_order.h attest-verify/simulate/simulate_on_demand.c \
    attest-verify/simulate/simulate_attested_tls.c \
    attest-verify/simulate/simulate_files.c attest-verify/simulate/simulate_files.h \
    attest-verify/simulate/simulate_pki.c attest-verify/simulate/simulate_pki.h \
    attest-verify/simulate/simulate_amd.c attest-verify/simulate/simulate_amd.h \
    attest-verify/simulate/simulate_amd_files.c attest-verify/simulate/simulate_amd_files.h \
    attest-verify/simulate/simulate_report.c \
    attest-verify/simulate/simulate_quote.c
