# src/workers: who answers; the verifier is known only here
src_libteegate_a_SOURCES += \
    src/workers/attester.c src/workers/attester.h \
    src/workers/files.c src/workers/files.h \
    src/workers/registry.c src/workers/registry.h \
    src/workers/trust.c src/workers/trust.h \
    src/workers/verdicts.c src/workers/verdicts.h
