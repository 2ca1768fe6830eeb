# The simulated TEE: part of the program (which lists $(SIMULATE_SOURCES)), never of the library.
SIMULATE_SOURCES = \
    attest-verify/simulate.c attest-verify/simulate.h \
    attest-verify/simulate_bytes.c attest-verify/simulate_bytes.h \
    attest-verify/simulate_certificate.c \
    attest-verify/simulate_convention.c \
    attest-verify/simulate_collateral.c \
    attest-verify/simulate_dstack.c \
    attest-verify/simulate_files.c attest-verify/simulate_files.h \
    attest-verify/simulate_pki.c attest-verify/simulate_pki.h \
    attest-verify/simulate_quote.c
