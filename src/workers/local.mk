# src/workers: who answers; the verifier is known only here
src_libteegate_a_SOURCES += \
    src/workers/attester.c src/workers/attester.h \
    src/workers/dossiers.c src/workers/dossiers.h \
    src/workers/errand.c src/workers/errand.h \
    src/workers/challenge.c src/workers/challenge.h \
    src/workers/files.c src/workers/files.h \
    src/workers/link.c src/workers/link.h \
    src/workers/link_say.c src/workers/link_say.h \
    src/workers/member.c src/workers/member.h \
    src/workers/pool.c src/workers/pool.h \
    src/workers/pools.c src/workers/pools.h \
    src/workers/registry.c src/workers/registry.h \
    src/workers/supply.c src/workers/supply.h \
    src/workers/trust.c src/workers/trust.h \
    src/workers/verdicts.c src/workers/verdicts.h \
    src/workers/wait.c src/workers/wait.h
