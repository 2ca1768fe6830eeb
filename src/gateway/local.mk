# src/gateway: the process
src_libteegate_a_SOURCES += \
    src/tables/options.def \
    src/gateway/config.c src/gateway/config.h \
    src/gateway/option.c src/gateway/option.h
