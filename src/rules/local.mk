# src/rules: pure decisions; values in, values out
src_libteegate_a_SOURCES += \
    src/rules/agents.c src/rules/agents.h \
    src/rules/cid.c src/rules/cid.h \
    src/rules/health.c src/rules/health.h \
    src/rules/multibase.c src/rules/multibase.h \
    src/rules/placement.c src/rules/placement.h \
    src/rules/price.c src/rules/price.h \
    src/rules/retry.c src/rules/retry.h \
    src/rules/target.c src/rules/target.h
